/* The readers of what a machine is: its pages, RAM, page flags and reporting devices. */
#include "tests/lib/test.h"

#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/proc/cpulist.h"
#include "common/proc/kpageflags.h"
#include "common/proc/page-reporting.h"
#include "common/proc/pages.h"
#include "common/proc/ram.h"
#include "tests/unit/proc/fixtures.h"
#include "tests/unit/proc/root.h"

static void test_page_size_comes_from_the_auxiliary_vector(void **state)
{
    const uint64_t vector[] = {AT_HWCAP, 1, AT_PAGESZ, 65536, AT_NULL, 0};
    const uint64_t odd[] = {AT_PAGESZ, 5000, AT_NULL, 0};

    assert_int_equal(page_size_read(fixture.root), sysconf(_SC_PAGESIZE));
    fixture_write_bytes(&fixture, "proc/self/auxv", vector, sizeof(vector));
    assert_int_equal(page_size_read(fixture.root), 65536);
    fixture_write_bytes(&fixture, "proc/self/auxv", odd, sizeof(odd));
    assert_int_equal(page_size_read(fixture.root), sysconf(_SC_PAGESIZE));
}

static void test_pageblock_order(void **state)
{
    assert_int_equal(pageblock_order_read(fixture.root, 4096, 10), 10); /* nothing to tell */
    fixture_write(&fixture, "proc/meminfo", MEMINFO_TEXT);
    assert_int_equal(pageblock_order_read(fixture.root, 4096, 10), 9);
    fixture_write(&fixture, "sys/kernel/mm/transparent_hugepage/hpage_pmd_size", "536870912\n");
    assert_int_equal(pageblock_order_read(fixture.root, 65536, 13), 13);
    assert_int_equal(pageblock_order_read(fixture.root, 65536, 11), 11); /* bounded */
    fixture_write(&fixture, "proc/pagetypeinfo", PAGETYPEINFO_TEXT);
    assert_int_equal(pageblock_order_read(fixture.root, 65536, 13), 9);
    fixture_write(&fixture, "proc/pagetypeinfo", "nonsense\n");
    assert_int_equal(pageblock_order_read(fixture.root, 65536, 13), 13);
}

static void test_ram_from_iomem(void **state)
{
    struct ram_map map;

    fixture_write(&fixture, "proc/iomem", IOMEM_TEXT);
    assert_int_equal(ram_map_read(fixture.root, 4096, &map), 0);
    assert_int_equal(map.count, 3);
    assert_int_equal(map.ranges[0].start, 0x1000);
    assert_int_equal(map.ranges[0].end, 0x9fc00);
    assert_int_equal(map.ranges[2].start, 0x100000000);
    assert_int_equal(map.ranges[2].end, 0x148000000); /* merged with the hotplugged part */
}

static void test_ram_from_zones_when_addresses_are_hidden(void **state)
{
    struct ram_map map;

    fixture_write(&fixture, "proc/iomem", "00000000-00000000 : System RAM\n");
    assert_int_equal(ram_map_read(fixture.root, 4096, &map), -ENOENT);
    fixture_write(&fixture, "proc/zoneinfo", ZONEINFO_TEXT);
    assert_int_equal(ram_map_read(fixture.root, 4096, &map), 0);
    assert_int_equal(map.count, 1); /* DMA and Normal touch */
    assert_int_equal(map.ranges[0].start, 4096);
    assert_int_equal(map.ranges[0].end, (4096 + 1044480) * (uint64_t)4096);
}

static void test_ram_beyond_the_table_is_covered(void **state)
{
    struct ram_map map;
    char text[8192];
    size_t used = 0;

    for (unsigned i = 0; i < 100; i++)
        used += (size_t)snprintf(text + used, sizeof(text) - used, "%x-%x : System RAM\n",
                                 i * 0x200000, i * 0x200000 + 0xfffff);
    fixture_write(&fixture, "proc/iomem", text);
    assert_int_equal(ram_map_read(fixture.root, 4096, &map), 0);
    assert_int_equal(map.count, RAM_RANGES_MAX);
    assert_int_equal(map.ranges[RAM_RANGES_MAX - 1].end, 99 * 0x200000 + 0x100000);
}

static void test_kpageflags(void **state)
{
    const uint64_t words[] = {KPAGEFLAGS_BUDDY, KPAGEFLAGS_BUDDY | KPAGEFLAGS_UPTODATE, 0};
    uint64_t flags[5];
    int descriptor;

    assert_int_equal(kpageflags_open(fixture.root), -ENOENT);
    fixture_write_bytes(&fixture, "proc/kpageflags", words, sizeof(words));
    descriptor = kpageflags_open(fixture.root);
    assert_true(descriptor >= 0);
    assert_int_equal(kpageflags_read(descriptor, 1, 4, flags), 0);
    assert_int_equal(flags[0], words[1]);
    assert_int_equal(flags[1], 0);
    assert_int_equal(flags[2], KPAGEFLAGS_NOPAGE); /* past the end */
    assert_int_equal(flags[3], KPAGEFLAGS_NOPAGE);
    close(descriptor);
}

static void test_cpulist(void **state)
{
    uint64_t member;

    assert_int_equal(cpulist_next("0-3,5\n", 0, &member), 0);
    assert_int_equal(member, 0);
    assert_int_equal(cpulist_next("0-3,5\n", 2, &member), 0);
    assert_int_equal(member, 2);
    assert_int_equal(cpulist_next("0-3,5\n", 4, &member), 0);
    assert_int_equal(member, 5);
    assert_int_equal(cpulist_next("0-3,5\n", 6, &member), -ENOENT);
    assert_int_equal(cpulist_next("", 0, &member), -ENOENT);
    assert_int_equal(cpulist_next("3-1", 0, &member), -EINVAL);
    assert_int_equal(cpulist_next("0;5", 1, &member), -EINVAL);
}

static void test_reporting_order_says_who_registered(void **state)
{
    uint32_t order;

    assert_int_equal(page_reporting_order_read(fixture.root, 10, &order), -ENOENT);
    fixture_write(&fixture, PAGE_REPORTING_ORDER_PATH, "11\n"); /* Linux 6.1 without a device */
    assert_int_equal(page_reporting_order_read(fixture.root, 10, &order), -ENODEV);
    fixture_write(&fixture, PAGE_REPORTING_ORDER_PATH, "4294967295\n"); /* later ones */
    assert_int_equal(page_reporting_order_read(fixture.root, 10, &order), -ENODEV);
    fixture_write(&fixture, PAGE_REPORTING_ORDER_PATH, "9\n");
    assert_int_equal(page_reporting_order_read(fixture.root, 10, &order), 0);
    assert_int_equal(order, 9);
}

static void test_reporting_device(void **state)
{
    assert_int_equal(page_reporting_device(fixture.root), -ENODEV);
    fixture_write(&fixture, "sys/bus/virtio/drivers/virtio_balloon/virtio2/features",
                  "0110000000000000000000000000110011000000000000000000000000000000\n");
    assert_int_equal(page_reporting_device(fixture.root), -EOPNOTSUPP);
    fixture_write(&fixture, "sys/bus/virtio/drivers/virtio_balloon/virtio3/features",
                  "0110010000000000000000000000110011000000000000000000000000000000\n");
    assert_int_equal(page_reporting_device(fixture.root), 0);
}

/* Devices that come and go count on. */
static void test_a_balloon_of_any_number(void **state)
{
    fixture_write(&fixture, "sys/bus/virtio/drivers/virtio_balloon/virtio1234/features",
                  "0110010000000000000000000000110011000000000000000000000000000000\n");
    fixture_write(&fixture, "sys/bus/virtio/drivers/virtio_balloon/uevent", "");
    assert_int_equal(page_reporting_device(fixture.root), 0);
}

static void test_order_of_kernels_without_a_parameter(void **state)
{
    uint32_t order;

    assert_int_equal(page_reporting_order_in_force(fixture.root, 10, 9, &order), 0);
    assert_int_equal(order, 9);
    fixture_write(&fixture, PAGE_REPORTING_ORDER_PATH, "5\n");
    assert_int_equal(page_reporting_order_in_force(fixture.root, 10, 9, &order), 0);
    assert_int_equal(order, 5);
    fixture_write(&fixture, PAGE_REPORTING_ORDER_PATH, "11\n");
    assert_int_equal(page_reporting_order_in_force(fixture.root, 10, 9, &order), -ENODEV);
}

/* 8 MiB of RAM in 4 KiB pages: a used pageblock, two free ones, of which one is marked or not. */
static void write_flags(uint64_t first_free, uint64_t second_free)
{
    static uint64_t flags[2048];

    memset(flags, 0, sizeof(flags));
    flags[512] = first_free;
    flags[1024] = second_free;
    fixture_write_bytes(&fixture, "proc/kpageflags", flags, sizeof(flags));
    fixture_write(&fixture, "proc/iomem", "00000000-007fffff : System RAM\n");
}

static void test_marks(void **state)
{
    assert_int_equal(page_reporting_marks(fixture.root), PAGE_REPORTING_MARKS_UNKNOWN);
    write_flags(0, 0);
    assert_int_equal(page_reporting_marks(fixture.root), PAGE_REPORTING_MARKS_UNKNOWN);
    write_flags(KPAGEFLAGS_BUDDY, KPAGEFLAGS_UPTODATE);
    assert_int_equal(page_reporting_marks(fixture.root), PAGE_REPORTING_MARKS_ABSENT);
    write_flags(KPAGEFLAGS_BUDDY, KPAGEFLAGS_BUDDY | KPAGEFLAGS_UPTODATE);
    assert_int_equal(page_reporting_marks(fixture.root), PAGE_REPORTING_MARKS_SEEN);
}

static void test_poisoning(void **state)
{
    static const struct {
        const char *command_line;
        const char *expected;
    } lines[] = {
        {"quiet init_on_free=1 ro\n", "init_on_free"},
        {"init_on_free=on\n", "init_on_free"},
        {"init_on_free=1 page_poison=y\n", "page_poison"},
        {"init_on_free=1 init_on_free=0\n", NULL},
        {"init_on_free=off page_poison=0 no_init_on_free=1 init_on_freeze=1\n", NULL},
        {"init_on_free= page_poison\n", NULL},
        {"", NULL},
    };

    assert_null(page_poisoning(fixture.root));
    for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
        const char *by;

        fixture_write(&fixture, "proc/cmdline", lines[i].command_line);
        by = page_poisoning(fixture.root);
        if ((by == NULL) != (lines[i].expected == NULL) ||
            (by != NULL && strcmp(by, lines[i].expected) != 0))
            fail_msg("%s: %s", lines[i].command_line, by != NULL ? by : "none");
    }
    fixture_write(&fixture, "sys/bus/virtio/drivers/virtio_balloon/virtio2/features",
                  "0110110000000000000000000000110011000000000000000000000000000000\n");
    assert_string_equal(page_poisoning(fixture.root), "built into the kernel");
    fixture_write(&fixture, "proc/cmdline", "init_on_free=1\n");
    fixture_write(&fixture, "sys/bus/virtio/drivers/virtio_balloon/virtio2/features",
                  "0110010000000000000000000000110011000000000000000000000000000000\n");
    assert_null(page_poisoning(fixture.root));
}

static void test_hyperv_device(void **state)
{
    fixture_directory(&fixture, "sys/bus/vmbus/drivers/hv_balloon/module");
    assert_int_equal(page_reporting_device(fixture.root), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_page_size_comes_from_the_auxiliary_vector, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_pageblock_order, setup, teardown),
        cmocka_unit_test_setup_teardown(test_ram_from_iomem, setup, teardown),
        cmocka_unit_test_setup_teardown(test_ram_from_zones_when_addresses_are_hidden, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_ram_beyond_the_table_is_covered, setup, teardown),
        cmocka_unit_test_setup_teardown(test_kpageflags, setup, teardown),
        cmocka_unit_test_setup_teardown(test_cpulist, setup, teardown),
        cmocka_unit_test_setup_teardown(test_reporting_order_says_who_registered, setup, teardown),
        cmocka_unit_test_setup_teardown(test_reporting_device, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_balloon_of_any_number, setup, teardown),
        cmocka_unit_test_setup_teardown(test_order_of_kernels_without_a_parameter, setup, teardown),
        cmocka_unit_test_setup_teardown(test_marks, setup, teardown),
        cmocka_unit_test_setup_teardown(test_poisoning, setup, teardown),
        cmocka_unit_test_setup_teardown(test_hyperv_device, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
