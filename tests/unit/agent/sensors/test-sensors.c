/* The waterfall and the activity counters of one sample, and when kpageflags is read again. */
#include "tests/lib/test.h"

#include <elf.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/sensors/details.h"
#include "agent/sensors/sensors.h"
#include "common/base/number.h"
#include "tests/lib/fixture.h"
#include "tests/unit/agent/sensors/guest.h"
#include "tests/unit/proc/fixtures.h"

#define ORDER_PATH     "sys/module/page_reporting/parameters/page_reporting_order"
#define FEATURES_PATH  "sys/bus/virtio/drivers/virtio_balloon/virtio0/features"
#define WITH_REPORTING "0110010000000000000000000000000011000000000000000000000000000000\n"
#define WITHOUT        "0110000000000000000000000000000011000000000000000000000000000000\n"

/* 16 blocks of 4 MiB: two reported, one of 4 MiB and one of 2 MiB not, five single pages. */
struct machine {
    struct fixture fixture;
    struct guest guest;
    struct sensors sensors;
};

static struct machine machine;

static void write_zone(uint64_t free_pages, uint64_t low)
{
    char text[1024];

    snprintf(text, sizeof(text),
             "Node 0, zone   Normal\n  pages free     %" PRIu64 "\n        low      %" PRIu64
             "\n        spanned  16384\n        present  16384\n        managed  16384\n"
             "  pagesets\n    cpu: 0\n              count: 100\n    cpu: 1\n"
             "              count: 28\n  start_pfn:           0\n",
             free_pages, low);
    fixture_write(&machine.fixture, "proc/zoneinfo", text);
}

static void free_block(uint64_t pfn, uint32_t order, bool reported)
{
    struct guest *guest = &machine.guest;

    guest->blocks[guest->block_count++] =
        (struct guest_block){.pfn = pfn, .order = order, .reported = reported};
    for (uint64_t i = 0; i < (uint64_t)1 << order; i++)
        guest->flags[pfn + i] = (uint64_t)1 << 10 | (i == 0 && reported ? 1u << 3 : 0);
}

static int setup(void **state)
{
    static const struct guest_mix full = {.used = 100};
    const uint64_t vector[] = {AT_PAGESZ, 4096, AT_NULL, 0};

    fixture_init(&machine.fixture);
    guest_create(&machine.guest, 4096, 10, 16, &full, 1);
    free_block(1024, 10, true);
    free_block(2048, 9, true);
    free_block(4096, 10, false);
    free_block(8192 + 512, 9, false);
    for (uint64_t i = 0; i < 5; i++)
        free_block(10240 + 2 * i, 0, false);
    guest_write(&machine.guest, &machine.fixture);
    fixture_write_bytes(&machine.fixture, "proc/self/auxv", vector, sizeof(vector));
    fixture_write(&machine.fixture, "proc/meminfo", MEMINFO_TEXT);
    fixture_write(&machine.fixture, "proc/stat", STAT_TEXT);
    fixture_write(&machine.fixture, "proc/vmstat", VMSTAT_TEXT);
    fixture_write(&machine.fixture, "proc/pagetypeinfo", PAGETYPEINFO_TEXT);
    fixture_write(&machine.fixture, "proc/pressure/memory", PRESSURE_TEXT);
    fixture_write(&machine.fixture, "proc/pressure/io", PRESSURE_TEXT);
    fixture_write(&machine.fixture, "sys/block/zram0/mm_stat", " 4096 2048 12288 0 12288 0 0 0\n");
    fixture_write(&machine.fixture, ORDER_PATH, "9\n");
    fixture_write(&machine.fixture, FEATURES_PATH, WITH_REPORTING);
    write_zone(1000000, 10);
    return 0;
}

static int teardown(void **state)
{
    sensors_finish(&machine.sensors);
    guest_destroy(&machine.guest);
    fixture_finish(&machine.fixture);
    return 0;
}

static void start(void)
{
    assert_int_equal(sensors_init(&machine.sensors, machine.fixture.root), 0);
}

static struct memory_sample sample_at(nsec_t now)
{
    struct memory_sample sample;
    assert_int_equal(sensors_read(&machine.sensors, now, &sample), 0);
    return sample;
}

/* Goes on with the pass that is under way until it is complete. */
static void scan_to_the_end(void)
{
    while (sensors_is_scanning(&machine.sensors))
        assert_true(sensors_scan_step(&machine.sensors, NSEC_PER_SEC, NSEC_PER_SEC) >= 0);
}

static void test_waterfall(void **state)
{
    struct memory_sample sample;

    start();
    sample = sample_at(5 * NSEC_PER_SEC);
    assert_int_equal(sample.sequence, 1);
    assert_int_equal(sample.boottime, 5 * NSEC_PER_SEC);
    assert_int_equal(sample.page_size, 4096);
    assert_int_equal(sample.pageblock_order, 9);
    assert_int_equal(sample.order_count, 11);
    assert_int_equal(sample.reporting_order, 9);
    assert_true(sample.reported_is_known);
    assert_false(sample.reported_is_exact);
    assert_int_equal(sample.reported, 6 * MIB);
    assert_int_equal(sample.reportable, 6 * MIB);
    assert_int_equal(sample.held_back, 0);
    assert_int_equal(sample.trapped, 5 * 4096);
    assert_int_equal(sample.free_blocks[9], 2);
    assert_int_equal(sample.percpu, 128 * 4096);
    assert_int_equal(sample.cache, (600000 + 1400000 + 90000 - 100 - 20 - (50000 - 2000)) * KIB);
    assert_int_equal(sample.in_use, 4026532 * KIB - 1 * GIB - 128 * 4096 - (uint64_t)2041880 * KIB);
    assert_int_equal(sample.used.kernel, 8500 * KIB);
    assert_int_equal(sample.used.zram, 12288);
    assert_int_equal(sample.balloon_pages, 600);
}

static void test_activity(void **state)
{
    nsec_t tick = NSEC_PER_SEC / (nsec_t)sysconf(_SC_CLK_TCK);
    struct memory_sample sample;

    start();
    sample = sample_at(1);
    assert_int_equal(sample.cpu_count, 2);
    assert_int_equal(sample.activity.cpu_user, 1020 * tick);
    assert_int_equal(sample.activity.cpu_busy, (1020 + 300 + 6 + 7) * tick);
    assert_int_equal(sample.activity.cpu_total, (1020 + 300 + 6 + 7 + 8 + 40000 + 50) * tick);
    assert_true(sample.activity.psi_is_known);
    assert_int_equal(sample.activity.psi_memory_some, 123456);
    assert_int_equal(sample.activity.refault_file, 22);
    assert_int_equal(sample.activity.major_faults, 33);
    assert_int_equal(sample.activity.oom_kills, 1);
}

/* A database's buffers are mapped, and no file pages. */
static void test_mapped_shared_memory_is_no_file_page(void **state)
{
    fixture_write(&machine.fixture, "proc/meminfo",
                  "MemTotal: 9000 kB\nMemFree: 900 kB\nMapped: 5300 kB\nShmem: 5000 kB\n"
                  "Active(file): 1000 kB\nInactive(file): 500 kB\n");
    start();
    assert_int_equal(sample_at(1).cached.mapped, 300 * KIB);
    assert_int_equal(sample_at(1).cache, 1200 * KIB);
}

static void test_cache_is_never_negative(void **state)
{
    fixture_write(&machine.fixture, "proc/meminfo",
                  "MemTotal: 1000 kB\nMemFree: 900 kB\nMapped: 500 kB\nActive(file): 10 kB\n");
    start();
    assert_int_equal(sample_at(1).cache, 0);
    write_zone(1000000, 10); /* 128 pages per CPU and 900 KiB free: more than there is */
    assert_int_equal(sample_at(2).in_use, 0);
}

/* A zone of 32 blocks above its low watermark or less is passed over by reporting. */
static void test_held_back(void **state)
{
    const uint64_t gap = 32 << 9;

    write_zone(10 + gap, 10);
    start();
    assert_int_equal(sample_at(1).held_back, 6 * MIB);
    write_zone(10 + gap + 1, 10);
    assert_int_equal(sample_at(2).held_back, 0);
}

static void test_without_kpageflags_all_is_reportable(void **state)
{
    struct memory_sample sample;

    fixture_remove(&machine.fixture, "proc/kpageflags");
    start();
    sample = sample_at(1);
    assert_false(sample.reported_is_known);
    assert_int_equal(sample.reported, 0);
    assert_int_equal(sample.reportable, 12 * MIB);
    assert_int_equal(sensors_scan_error(&machine.sensors), -ENOENT);
    assert_int_equal(sensors_scan_start(&machine.sensors, true), -ENOENT);
}

static void test_without_reporting_the_order_is_absent(void **state)
{
    fixture_write(&machine.fixture, FEATURES_PATH, WITHOUT);
    start();
    assert_int_equal(sample_at(1).reporting_order, ORDER_COUNT_MAX);
    assert_int_equal(sample_at(2).trapped, 5 * 4096); /* as if by pageblocks */
}

static void test_without_psi_and_zones(void **state)
{
    struct memory_sample sample;

    fixture_remove(&machine.fixture, "proc/pressure/memory");
    fixture_remove(&machine.fixture, "proc/zoneinfo");
    start();
    sample = sample_at(1);
    assert_false(sample.activity.psi_is_known);
    assert_int_equal(sample.activity.psi_memory_some, 0);
    assert_int_equal(sample.percpu, 0);
}

static void test_without_meminfo_there_is_no_sensor(void **state)
{
    fixture_remove(&machine.fixture, "proc/meminfo");
    assert_int_equal(sensors_init(&machine.sensors, machine.fixture.root), -ENOENT);
}

/* With everything reported and nothing changing, kpageflags is left alone for a minute. */
static void test_a_quiet_guest_is_not_scanned(void **state)
{
    machine.guest.flags[4096] |= 1u << 3;
    machine.guest.flags[8192 + 512] |= 1u << 3;
    guest_write(&machine.guest, &machine.fixture);
    start();
    assert_int_equal(sample_at(NSEC_PER_SEC).reported, 12 * MIB);
    machine.guest.flags[4096] &= ~(uint64_t)(1u << 3);
    guest_write(&machine.guest, &machine.fixture);
    assert_int_equal(sample_at(2 * NSEC_PER_SEC).reported, 12 * MIB);
    assert_int_equal(sample_at(601 * NSEC_PER_SEC).reported, 8 * MIB);
}

static void test_changed_free_blocks_are_scanned_at_once(void **state)
{
    machine.guest.flags[4096] |= 1u << 3;
    machine.guest.flags[8192 + 512] |= 1u << 3;
    guest_write(&machine.guest, &machine.fixture);
    start();
    assert_int_equal(sample_at(NSEC_PER_SEC).reported, 12 * MIB);
    free_block(6144, 9, false);
    guest_write(&machine.guest, &machine.fixture);
    assert_int_equal(sample_at(2 * NSEC_PER_SEC).reportable, 2 * MIB);
}

/* A pass over 16 GiB costs more than a sample, so it is not made for a few MiB. */
static void test_little_change_of_a_large_guest_waits(void **state)
{
    fixture_write(&machine.fixture, "proc/zoneinfo",
                  "Node 0, zone   Normal\n  pages free     10000\n        low      10\n"
                  "        spanned  4194304\n        managed  4194304\n");
    machine.guest.flags[4096] |= 1u << 3;
    machine.guest.flags[8192 + 512] |= 1u << 3;
    guest_write(&machine.guest, &machine.fixture);
    start();
    assert_int_equal(sample_at(NSEC_PER_SEC).reported, 12 * MIB);
    free_block(6144, 9, true);
    guest_write(&machine.guest, &machine.fixture);
    assert_int_equal(sample_at(60 * NSEC_PER_SEC).reported, 12 * MIB);
    assert_int_equal(sample_at(61 * NSEC_PER_SEC).reported, 14 * MIB);
}

static void test_unreported_blocks_are_watched(void **state)
{
    start();
    assert_int_equal(sample_at(NSEC_PER_SEC).reported, 6 * MIB);
    machine.guest.flags[4096] |= 1u << 3;
    guest_write(&machine.guest, &machine.fixture);
    assert_int_equal(sample_at(2 * NSEC_PER_SEC).reported, 10 * MIB);
}

/* The counts of this moment bound what a pass of a moment ago says. */
static void test_reported_is_bounded_by_what_is_free(void **state)
{
    struct memory_sample sample;

    start();
    (void)sample_at(NSEC_PER_SEC);
    machine.sensors.scan_error = -EPERM; /* no pass any more */
    machine.guest.block_count = 1;
    guest_write(&machine.guest, &machine.fixture);
    sample = sample_at(2 * NSEC_PER_SEC);
    assert_int_equal(sample.reported, 4 * MIB);
    assert_int_equal(sample.reportable, 0);
}

/* Three single pages carry the mark, and a pass over all has seen them. */
static void start_with_small_marks(void)
{
    for (uint64_t i = 0; i < 3; i++)
        machine.guest.flags[10240 + 2 * i] |= 1u << 3;
    guest_write(&machine.guest, &machine.fixture);
    start();
    assert_int_equal(sensors_scan_start(&machine.sensors, true), 0);
    scan_to_the_end();
}

/* After a time at order 0 single pages carry the mark. They are not trapped: they have gone. */
static void test_small_reported_blocks_are_not_trapped(void **state)
{
    struct memory_sample sample;

    start_with_small_marks();
    sample = sample_at(NSEC_PER_SEC);
    assert_true(sample.reported_is_exact);
    assert_int_equal(sample.reported, 6 * MIB + 3 * 4096);
    assert_int_equal(sample.reported_small, 3 * 4096);
    assert_int_equal(sample.trapped, 2 * 4096);
    assert_int_equal(sample.reportable, 6 * MIB);
    sample = sample_at(2 * NSEC_PER_SEC); /* a quick pass does not forget them */
    assert_false(sample.reported_is_exact);
    assert_int_equal(sample.reported, 6 * MIB + 3 * 4096);
    assert_int_equal(sample.reported_small, 3 * 4096);
    assert_int_equal(sample.trapped, 2 * 4096);
}

/* A small block that was used and freed again has lost its mark, which no quick pass can see. */
static void test_small_blocks_that_were_used_are_trapped_again(void **state)
{
    struct memory_sample sample;

    start_with_small_marks();
    assert_int_equal(sample_at(NSEC_PER_SEC).trapped, 2 * 4096);
    machine.guest.block_count -= 4;
    guest_write(&machine.guest, &machine.fixture);
    sample = sample_at(2 * NSEC_PER_SEC);
    assert_int_equal(sample.reported_small, 4096);
    assert_int_equal(sample.trapped, 0);
    machine.guest.block_count += 4;
    for (uint64_t i = 0; i < 3; i++)
        machine.guest.flags[10240 + 2 * i] &= ~((uint64_t)1 << 3);
    guest_write(&machine.guest, &machine.fixture);
    sample = sample_at(3 * NSEC_PER_SEC);
    assert_false(sample.reported_is_exact);
    assert_int_equal(sample.reported, 6 * MIB + 4096);
    assert_int_equal(sample.reported_small, 4096);
    assert_int_equal(sample.trapped, 4 * 4096);
}

static void test_a_lower_order_moves_the_line(void **state)
{
    struct memory_sample sample;

    fixture_write(&machine.fixture, ORDER_PATH, "0\n");
    machine.guest.flags[10240] |= 1u << 3;
    guest_write(&machine.guest, &machine.fixture);
    start();
    assert_false(sample_at(NSEC_PER_SEC).reported_is_known); /* more than one slice */
    scan_to_the_end();
    sample = sample_at(NSEC_PER_SEC);
    assert_int_equal(sample.reporting_order, 0);
    assert_int_equal(sample.trapped, 0);
    assert_int_equal(sample.reported, 6 * MIB + 4096);
    assert_int_equal(sample.reportable, 6 * MIB + 4 * 4096);
    fixture_write(&machine.fixture, ORDER_PATH, "9\n"); /* what was reported below it stays so */
    sample = sample_at(60 * NSEC_PER_SEC);
    assert_int_equal(sample.reporting_order, 9);
    assert_false(sample.reported_is_exact);
    assert_int_equal(sample.reported, 6 * MIB + 4096);
    assert_int_equal(sample.reported_small, 4096);
    assert_int_equal(sample.trapped, 4 * 4096);
    assert_int_equal(sample.reportable, 6 * MIB);
}

static void test_an_exact_reading(void **state)
{
    machine.guest.flags[4096] |= 1u << 3;
    machine.guest.flags[8192 + 512] |= 1u << 3;
    guest_write(&machine.guest, &machine.fixture);
    start();
    assert_false(sample_at(NSEC_PER_SEC).reported_is_exact);
    assert_int_equal(sensors_scan_start(&machine.sensors, true), 0);
    scan_to_the_end();
    assert_true(sample_at(NSEC_PER_SEC).reported_is_exact);
    assert_int_equal(sensors_scan_step(&machine.sensors, NSEC_PER_SEC, NSEC_PER_SEC), -EINVAL);
}

static void test_details(void **state)
{
    struct memory_sample sample;
    struct memory_details details;

    start();
    sample = sample_at(NSEC_PER_SEC);
    sample.trapped = 10 * MIB;
    fixture_write(&machine.fixture, "sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages",
                  "3\n");
    fixture_write(&machine.fixture, "sys/kernel/mm/hugepages/hugepages-64kB/free_hugepages", "2\n");
    fixture_write(&machine.fixture, "proc/spl/kstat/zfs/arcstats",
                  "12 1 0x01 123 33456 1 2\nname type data\nhits 4 5\nsize_other 4 7\n"
                  "size                            4    73400320\n");
    details_read(machine.fixture.root, &sample, &details);
    assert_true(details.trapped_kinds_are_known);
    assert_int_equal(details.trapped_unmovable, (101 + 2 * 50 + 4 * 5) * 4096);
    assert_int_equal(details.trapped_reclaimable, (7 + 4) * 4096);
    assert_int_equal(details.unmovable_blocks, 31 + 12);
    assert_int_equal(details.hugetlb_free, 6 * MIB + 128 * KIB);
    assert_int_equal(details.zfs_arc, 70 * MIB);
    assert_int_equal(details.tmpfs, 0);
}

/* Each figure is a part of one of the sample's, which was taken a moment earlier. */
static void test_details_are_bounded_by_the_sample(void **state)
{
    struct memory_sample sample;
    struct memory_details details;

    start();
    sample = sample_at(NSEC_PER_SEC);
    sample.trapped = 200 * 4096;
    sample.in_use = MIB;
    fixture_write(&machine.fixture, "sys/kernel/mm/hugepages/hugepages-1048576kB/free_hugepages",
                  "18446744073709551615\n");
    fixture_write(&machine.fixture, "proc/spl/kstat/zfs/arcstats", "size 4 73400320\n");
    details_read(machine.fixture.root, &sample, &details);
    assert_int_equal(details.trapped_unmovable, 200 * 4096);
    assert_int_equal(details.trapped_reclaimable, 0);
    assert_int_equal(details.hugetlb_free, 0);
    assert_int_equal(details.zfs_arc, MIB);
}

static void test_details_of_a_kernel_that_shows_none(void **state)
{
    struct memory_sample sample;
    struct memory_details details;

    start();
    sample = sample_at(NSEC_PER_SEC);
    fixture_remove(&machine.fixture, "proc/pagetypeinfo");
    details_read(machine.fixture.root, &sample, &details);
    assert_false(details.trapped_kinds_are_known);
    assert_int_equal(details.trapped_unmovable, 0);
    assert_int_equal(details.hugetlb_free, 0);
    assert_int_equal(details.zfs_arc, 0);
}

#define with_machine(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_machine(test_waterfall),
        with_machine(test_activity),
        with_machine(test_mapped_shared_memory_is_no_file_page),
        with_machine(test_cache_is_never_negative),
        with_machine(test_held_back),
        with_machine(test_without_kpageflags_all_is_reportable),
        with_machine(test_without_reporting_the_order_is_absent),
        with_machine(test_without_psi_and_zones),
        with_machine(test_without_meminfo_there_is_no_sensor),
        with_machine(test_a_quiet_guest_is_not_scanned),
        with_machine(test_changed_free_blocks_are_scanned_at_once),
        with_machine(test_little_change_of_a_large_guest_waits),
        with_machine(test_unreported_blocks_are_watched),
        with_machine(test_reported_is_bounded_by_what_is_free),
        with_machine(test_small_reported_blocks_are_not_trapped),
        with_machine(test_small_blocks_that_were_used_are_trapped_again),
        with_machine(test_a_lower_order_moves_the_line),
        with_machine(test_an_exact_reading),
        with_machine(test_details),
        with_machine(test_details_are_bounded_by_the_sample),
        with_machine(test_details_of_a_kernel_that_shows_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
