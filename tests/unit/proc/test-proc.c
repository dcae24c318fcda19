/* The readers of /proc, each on a file as Debian prints it and on broken ones. */
#include "tests/lib/test.h"

#include <errno.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>

#include "common/base/number.h"
#include "common/proc/buddyinfo.h"
#include "common/proc/lines.h"
#include "common/proc/meminfo.h"
#include "common/proc/page-reporting.h"
#include "common/proc/pages.h"
#include "common/proc/pagetypeinfo.h"
#include "common/proc/pressure.h"
#include "common/proc/ram.h"
#include "common/proc/stat.h"
#include "common/proc/tmpfs.h"
#include "common/proc/vmstat.h"
#include "common/proc/zoneinfo.h"
#include "tests/unit/proc/fixtures.h"
#include "tests/unit/proc/root.h"

static void test_lines_are_given_whole_and_cut_when_too_long(void **state)
{
    struct lines lines;
    char text[20000];
    char *line;

    memset(text, 'x', sizeof(text));
    memcpy(text, "first\n\nthird\n", 13);
    memcpy(text + 15000, "\nlast", 6);
    fixture_write(&fixture, "file", text);
    assert_int_equal(lines_open(&lines, fixture.root, "file"), 0);
    assert_int_equal(lines_next(&lines, &line), 1);
    assert_string_equal(line, "first");
    assert_int_equal(lines_next(&lines, &line), 1);
    assert_string_equal(line, "");
    assert_int_equal(lines_next(&lines, &line), 1);
    assert_string_equal(line, "third");
    assert_int_equal(lines_next(&lines, &line), 1);
    assert_int_equal(strlen(line), sizeof(lines.buffer) - 1);
    assert_int_equal(lines_next(&lines, &line), 1);
    assert_string_equal(line, "last");
    assert_int_equal(lines_next(&lines, &line), 0);
    assert_int_equal(lines_next(&lines, &line), 0);
    lines_close(&lines);
    assert_int_equal(lines_open(&lines, fixture.root, "nothing"), -ENOENT);
}

static void test_meminfo(void **state)
{
    struct meminfo meminfo;

    fixture_write(&fixture, "proc/meminfo", MEMINFO_TEXT);
    assert_int_equal(meminfo_read(fixture.root, &meminfo), 0);
    assert_int_equal(meminfo.total, 4026532 * KIB);
    assert_int_equal(meminfo.free, 1 * GIB);
    assert_int_equal(meminfo.active_file, 600000 * KIB);
    assert_int_equal(meminfo.inactive_file, 1400000 * KIB);
    assert_int_equal(meminfo.slab_reclaimable, 90000 * KIB);
    assert_int_equal(meminfo.secondary_page_tables, 500 * KIB);
    assert_int_equal(meminfo.hugetlb, 8 * MIB);
    assert_int_equal(meminfo.huge_page_size, 2 * MIB);
}

static void test_meminfo_refuses_what_cannot_be(void **state)
{
    static const char *const texts[] = {
        "",
        "MemTotal: 100 kB\n",                                  /* no MemFree */
        "MemFree: 100 kB\n",                                   /* no MemTotal */
        "MemTotal: 100 kB\nMemFree: 101 kB\n",                 /* more than all */
        "MemTotal: 100 kB\nMemFree: 10",                       /* cut off */
        "MemTotal: 100 kB\nMemFree: -1 kB\n",                  /* a sign */
        "MemTotal: 18446744073709551615 kB\nMemFree: 10 kB\n", /* too large in bytes */
        "MemTotal: 99999999999999999999 kB\nMemFree: 10 kB\n", /* too large at all */
        "MemTotal: 100 MB\nMemFree: 10 kB\n",                  /* another unit */
    };
    struct meminfo meminfo = {.total = 7};

    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        fixture_write(&fixture, "proc/meminfo", texts[i]);
        assert_int_equal(meminfo_read(fixture.root, &meminfo), -EBADMSG);
    }
    assert_int_equal(meminfo.total, 7); /* untouched */
}

static void test_buddyinfo(void **state)
{
    struct buddyinfo buddy;

    fixture_write(&fixture, "proc/buddyinfo", BUDDYINFO_TEXT "something new\n");
    assert_int_equal(buddyinfo_read(fixture.root, &buddy), 0);
    assert_int_equal(buddy.order_count, 11);
    assert_int_equal(buddy.zone_count, 3);
    assert_string_equal(buddy.zones[1].name, "DMA32");
    assert_int_equal(buddy.free_blocks[0], 105);
    assert_int_equal(buddy.free_blocks[10], 24);
    assert_int_equal(buddy_pages(buddy.free_blocks, 0, 2), 105 + 54 * 2);
    assert_int_equal(buddy_pages(buddy.free_blocks, 9, 20), 10 * 512 + 24 * 1024);
    assert_int_equal(buddy_pages(buddy.free_blocks, 9, 9), 0);
}

static void test_buddyinfo_refuses_what_cannot_be(void **state)
{
    static const char *const texts[] = {
        "",
        "Node 0, zone DMA\n",
        "Node 0, zone DMA 1 2\nNode 0, zone Normal 1 2 3\n", /* not the same orders */
        "Node 0, zone DMA 1 x\n",
        "Node 99999999999, zone DMA 1\n",
        "Node 0, zone NameThatNoKernelWouldEverPrint 1\n",
        "Node 0, zone DMA 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21\n",
        "Node 0, zone DMA 18446744073709551615 0\n", /* more pages than bytes can count */
    };
    struct buddyinfo buddy;

    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        fixture_write(&fixture, "proc/buddyinfo", texts[i]);
        assert_int_equal(buddyinfo_read(fixture.root, &buddy), -EBADMSG);
    }
}

static void test_zones_beyond_the_table_are_in_the_sums(void **state)
{
    char buddy_text[8192] = "";
    char zone_text[16384] = "";
    struct buddyinfo buddy;
    struct zoneinfo zones;
    size_t used = 0;
    size_t zone_used = 0;

    for (unsigned node = 0; node < 100; node++) {
        used += (size_t)snprintf(buddy_text + used, sizeof(buddy_text) - used,
                                 "Node %u, zone Normal 1 0 2\n", node);
        zone_used += (size_t)snprintf(zone_text + zone_used, sizeof(zone_text) - zone_used,
                                      "Node %u, zone Normal\n  pages free 1\n   managed 5\n"
                                      "      count: 2\n",
                                      node);
    }
    fixture_write(&fixture, "proc/buddyinfo", buddy_text);
    fixture_write(&fixture, "proc/zoneinfo", zone_text);
    assert_int_equal(buddyinfo_read(fixture.root, &buddy), 0);
    assert_int_equal(buddy.zone_count, BUDDYINFO_ZONES_MAX);
    assert_int_equal(buddy.free_blocks[2], 200);
    assert_int_equal(zoneinfo_read(fixture.root, &zones), 0);
    assert_int_equal(zones.zone_count, ZONEINFO_ZONES_MAX);
    assert_int_equal(zones.percpu, 200);
}

static void test_zoneinfo(void **state)
{
    struct zoneinfo zones;

    fixture_write(&fixture, "proc/zoneinfo", ZONEINFO_TEXT);
    assert_int_equal(zoneinfo_read(fixture.root, &zones), 0);
    assert_int_equal(zones.zone_count, 2); /* Movable is empty */
    assert_int_equal(zones.percpu, 3 + 1234);
    assert_string_equal(zones.zones[0].name, "DMA");
    assert_int_equal(zones.zones[0].free, 3840);
    assert_int_equal(zones.zones[0].low, 10);
    assert_int_equal(zones.zones[0].start_pfn, 1);
    assert_int_equal(zones.zones[1].percpu, 1234);
    assert_int_equal(zones.zones[1].spanned, 1044480);
    assert_int_equal(zones.zones[1].start_pfn, 4096);
    fixture_write(&fixture, "proc/zoneinfo", "Node 0, zone DMA\n pages free x\n managed 1\n");
    assert_int_equal(zoneinfo_read(fixture.root, &zones), -EBADMSG);
    fixture_write(&fixture, "proc/zoneinfo", "");
    assert_int_equal(zoneinfo_read(fixture.root, &zones), -EBADMSG);
}

static void test_stat(void **state)
{
    struct stat_cpu cpu;

    fixture_write(&fixture, "proc/stat", STAT_TEXT);
    assert_int_equal(stat_read(fixture.root, &cpu), 0);
    assert_int_equal(cpu.user, 1000);
    assert_int_equal(cpu.idle, 40000);
    assert_int_equal(cpu.steal, 8);
    assert_int_equal(cpu.cpu_count, 2);
    fixture_write(&fixture, "proc/stat", "cpu 1 2 3 4\n");
    assert_int_equal(stat_read(fixture.root, &cpu), 0);
    assert_int_equal(cpu.idle, 4);
    assert_int_equal(cpu.iowait, 0);
    fixture_write(&fixture, "proc/stat", "cpu 1 2 3\n");
    assert_int_equal(stat_read(fixture.root, &cpu), -EBADMSG);
    fixture_write(&fixture, "proc/stat", "ctxt 1\n");
    assert_int_equal(stat_read(fixture.root, &cpu), -EBADMSG);
}

static void test_pressure(void **state)
{
    struct pressure pressure;

    assert_int_equal(pressure_read(fixture.root, "proc/pressure/memory", &pressure), -ENOENT);
    fixture_write(&fixture, "proc/pressure/memory", PRESSURE_TEXT);
    assert_int_equal(pressure_read(fixture.root, "proc/pressure/memory", &pressure), 0);
    assert_int_equal(pressure.some, 123456);
    assert_int_equal(pressure.full, 23456);
    assert_int_equal(pressure.some_avg10, 1234);
    assert_int_equal(pressure.full_avg10, 105);
    fixture_write(&fixture, "proc/pressure/memory",
                  "some avg10=100.00 avg60=0.00 avg300=0.00 total=7\n");
    assert_int_equal(pressure_read(fixture.root, "proc/pressure/memory", &pressure), 0);
    assert_int_equal(pressure.some_avg10, 10000);
    assert_int_equal(pressure.full_avg10, 0); /* no such line */
    fixture_write(&fixture, "proc/pressure/memory", "some avg10=0,10 total=7\n");
    assert_int_equal(pressure_read(fixture.root, "proc/pressure/memory", &pressure), -EBADMSG);
    fixture_write(&fixture, "proc/pressure/memory", "some avg10=0.00\n");
    assert_int_equal(pressure_read(fixture.root, "proc/pressure/memory", &pressure), -EBADMSG);
    fixture_write(&fixture, "proc/pressure/memory", "");
    assert_int_equal(pressure_read(fixture.root, "proc/pressure/memory", &pressure), -EBADMSG);
}

static void test_vmstat(void **state)
{
    struct vmstat vmstat;

    fixture_write(&fixture, "proc/vmstat", VMSTAT_TEXT);
    assert_int_equal(vmstat_read(fixture.root, &vmstat), 0);
    assert_int_equal(vmstat.refault_file, 22);
    assert_int_equal(vmstat.major_faults, 33);
    assert_int_equal(vmstat.migrated, 4400);
    assert_int_equal(vmstat.balloon_inflate, 1000);
    assert_int_equal(vmstat.steal_direct, 0); /* not in the file */
    fixture_write(&fixture, "proc/vmstat", "pgmajfault 1x\n");
    assert_int_equal(vmstat_read(fixture.root, &vmstat), -EBADMSG);
}

static void test_pagetypeinfo(void **state)
{
    struct pagetypeinfo info;

    fixture_write(&fixture, "proc/pagetypeinfo", PAGETYPEINFO_TEXT);
    assert_int_equal(pagetypeinfo_read(fixture.root, &info), 0);
    assert_int_equal(info.free_blocks[PAGE_KIND_UNMOVABLE][0], 101);
    assert_int_equal(info.free_blocks[PAGE_KIND_UNMOVABLE][1], 50);
    assert_int_equal(info.free_blocks[PAGE_KIND_UNMOVABLE][2], 5);
    assert_int_equal(info.free_blocks[PAGE_KIND_MOVABLE][0], 100000); /* at least */
    assert_int_equal(info.free_blocks[PAGE_KIND_RECLAIMABLE][2], 1);
    assert_int_equal(info.pageblocks[PAGE_KIND_UNMOVABLE], 31);
    assert_int_equal(info.pageblocks[PAGE_KIND_MOVABLE], 1907);
    assert_int_equal(info.pageblocks[PAGE_KIND_RECLAIMABLE], 12);
}

static void test_pagetypeinfo_refuses_what_cannot_be(void **state)
{
    static const char *const texts[] = {
        "",
        "Page block order: 9\n",
        "Node    0, zone   Normal, type    Unmovable    -1\n",
        "Node    0, zone   Normal, type    Unmovable    x\n",
        "Node    0, zone   Normal, type    Unmovable    18446744073709551615\n",
        "Node    0, zone   Normal, type    Unmovable 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1\n",
    };
    struct pagetypeinfo info = {.pageblocks = {7}};

    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        fixture_write(&fixture, "proc/pagetypeinfo", texts[i]);
        assert_int_equal(pagetypeinfo_read(fixture.root, &info), -EBADMSG);
    }
    assert_int_equal(info.pageblocks[0], 7); /* untouched */
    fixture_remove(&fixture, "proc/pagetypeinfo");
    assert_int_equal(pagetypeinfo_read(fixture.root, &info), -ENOENT);
}

static uint64_t used_with(const char *mountinfo)
{
    uint64_t bytes = 12345;

    fixture_write(&fixture, "proc/self/mountinfo", mountinfo);
    assert_int_equal(tmpfs_used(fixture.root, &bytes), 0);
    return bytes;
}

/* The fixture itself lies in a tmpfs, so its directories stand for mounts of one. */
static void test_tmpfs(void **state)
{
    static const char one[] = "21 1 0:21 / / rw,relatime shared:1 - tmpfs tmpfs rw,size=1g\n";
    struct statfs status;

    if (fstatfs(fixture.root, &status) < 0 || status.f_type != TMPFS_MAGIC) {
        printf("skipped: the fixture is not in a tmpfs\n");
        skip();
    }
    char *text = calloc(1, MIB);
    memset(text, 'x', MIB - 1);
    fixture_write(&fixture, "with blank/file", text);
    free(text);
    assert_true(used_with(one) >= MIB);
    assert_true(used_with("30 1 0:33 / /with\\040blank rw - tmpfs none rw\n") >= MIB);
    assert_int_equal(used_with("21 1 0:21 / / rw - ext4 /dev/vda rw\n"), 0);
    assert_int_equal(used_with("21 1 0:21 / /nowhere rw - tmpfs tmpfs rw\n"), 0);
    assert_int_equal(used_with("tmpfs\n21\n21 1 0:21\n21 1 0:21 / / rw - \n"), 0);
    /* below a mount that may block, at any depth */
    assert_int_equal(used_with("20 1 0:20 / / rw - nfs4 server:/ rw\n"
                               "21 20 0:22 / / rw - ext4 /dev/vda rw\n"
                               "22 21 0:21 / / rw - tmpfs tmpfs rw\n"),
                     0);
}

/* A file system that is mounted in several places holds its memory once. */
static void test_tmpfs_is_counted_once(void **state)
{
    char text[8192] = "";
    struct statfs status;

    if (fstatfs(fixture.root, &status) < 0 || status.f_type != TMPFS_MAGIC) {
        printf("skipped: the fixture is not in a tmpfs\n");
        skip();
    }
    for (size_t i = 0; i < 100; i++)
        strcat(text, "21 1 0:21 / / rw - tmpfs tmpfs rw\n");
    fixture_write(&fixture, "file", text);
    /* others may write there meanwhile, but not fiftyfold */
    assert_true(used_with(text) < 50 * used_with("21 1 0:21 / / rw - tmpfs tmpfs rw\n"));
}

static void read_everything(void)
{
    struct pagetypeinfo kinds;
    uint64_t tmpfs;
    struct pressure pressure;
    struct buddyinfo buddy;
    struct zoneinfo zones;
    struct meminfo meminfo;
    struct vmstat vmstat;
    struct stat_cpu cpu;
    struct ram_map map;

    (void)meminfo_read(fixture.root, &meminfo);
    (void)buddyinfo_read(fixture.root, &buddy);
    (void)zoneinfo_read(fixture.root, &zones);
    (void)stat_read(fixture.root, &cpu);
    (void)vmstat_read(fixture.root, &vmstat);
    (void)pressure_read(fixture.root, "proc/pressure/memory", &pressure);
    (void)ram_map_read(fixture.root, 4096, &map);
    (void)pageblock_order_read(fixture.root, 4096, 10);
    (void)page_poisoning(fixture.root);
    (void)pagetypeinfo_read(fixture.root, &kinds);
    (void)tmpfs_used(fixture.root, &tmpfs);
}

/* Every file cut off after every byte, and with each byte made another: no reader may leave its
 * memory. The sanitizers judge. */
static void test_broken_files_do_no_harm(void **state)
{
    static const struct {
        const char *path;
        const char *text;
    } files[] = {
        {"proc/meminfo", MEMINFO_TEXT},
        {"proc/buddyinfo", BUDDYINFO_TEXT},
        {"proc/zoneinfo", ZONEINFO_TEXT},
        {"proc/stat", STAT_TEXT},
        {"proc/vmstat", VMSTAT_TEXT},
        {"proc/pressure/memory", PRESSURE_TEXT},
        {"proc/iomem", IOMEM_TEXT},
        {"proc/pagetypeinfo", PAGETYPEINFO_TEXT},
        {"proc/self/mountinfo", MOUNTINFO_TEXT},
    };

    for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
        char text[4096];
        size_t length = strlen(files[i].text);

        assert_true(length < sizeof(text));
        for (size_t at = 0; at < length; at++) {
            memcpy(text, files[i].text, length);
            fixture_write_bytes(&fixture, files[i].path, text, at);
            read_everything();
            text[at] = (char)(at % 3 == 0 ? '9' : at % 3 == 1 ? '\n' : '\0');
            fixture_write_bytes(&fixture, files[i].path, text, length);
            read_everything();
        }
        fixture_remove(&fixture, files[i].path);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_lines_are_given_whole_and_cut_when_too_long, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_meminfo, setup, teardown),
        cmocka_unit_test_setup_teardown(test_meminfo_refuses_what_cannot_be, setup, teardown),
        cmocka_unit_test_setup_teardown(test_buddyinfo, setup, teardown),
        cmocka_unit_test_setup_teardown(test_buddyinfo_refuses_what_cannot_be, setup, teardown),
        cmocka_unit_test_setup_teardown(test_zones_beyond_the_table_are_in_the_sums, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_zoneinfo, setup, teardown),
        cmocka_unit_test_setup_teardown(test_stat, setup, teardown),
        cmocka_unit_test_setup_teardown(test_pressure, setup, teardown),
        cmocka_unit_test_setup_teardown(test_vmstat, setup, teardown),
        cmocka_unit_test_setup_teardown(test_pagetypeinfo, setup, teardown),
        cmocka_unit_test_setup_teardown(test_pagetypeinfo_refuses_what_cannot_be, setup, teardown),
        cmocka_unit_test_setup_teardown(test_tmpfs, setup, teardown),
        cmocka_unit_test_setup_teardown(test_tmpfs_is_counted_once, setup, teardown),
        cmocka_unit_test_setup_teardown(test_broken_files_do_no_harm, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
