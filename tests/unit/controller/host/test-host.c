/* The host as /proc and /sys show it. */
#include "tests/lib/test.h"

#include <errno.h>
#include <string.h>

#include "common/base/number.h"
#include "controller/host/host.h"
#include "tests/lib/fixture.h"

#define MEMINFO                                                                                    \
    "MemTotal:       16384 kB\nMemFree:         1024 kB\nMemAvailable:    8192 kB\n"               \
    "SwapTotal:       4096 kB\nSwapFree:        1024 kB\nZswap:            100 kB\n"               \
    "Zswapped:         300 kB\n"
#define CGROUP "sys/fs/cgroup/lab"

static struct fixture fixture;

static int setup(void **state)
{
    fixture_init(&fixture);
    fixture_write(&fixture, "proc/meminfo", MEMINFO);
    return 0;
}

static int teardown(void **state)
{
    fixture_finish(&fixture);
    return 0;
}

static struct host_facts read_host(const char *cgroup)
{
    struct host_facts facts;
    struct error error;

    assert_int_equal(host_read(fixture.root, cgroup, 77, &facts, &error), 0);
    assert_int_equal(facts.time, 77);
    return facts;
}

static void test_a_machine_has_what_meminfo_says(void **state)
{
    struct host_facts facts = read_host("");

    assert_int_equal(facts.total, 16 * MIB);
    assert_int_equal(facts.available, 8 * MIB);
    assert_int_equal(facts.swap_total, 4 * MIB);
    assert_int_equal(facts.swap_free, 1 * MIB);
    assert_false(facts.is_cgroup);
}

static void test_what_the_kernel_lacks_is_not_known(void **state)
{
    struct host_facts facts = read_host("");

    assert_false(facts.pressure_is_known);
    assert_false(facts.ksm_is_known);
    assert_false(facts.zswap_is_known);
    assert_int_equal(facts.node_count, 0);
}

static void test_pressure_is_the_machine_s(void **state)
{
    struct host_facts facts;

    fixture_write(&fixture, "proc/pressure/memory",
                  "some avg10=2.50 avg60=0.00 avg300=0.00 total=1\n"
                  "full avg10=0.75 avg60=0.00 avg300=0.00 total=1\n");
    facts = read_host("");
    assert_true(facts.pressure_is_known);
    assert_int_equal(facts.pressure_some, 250);
    assert_int_equal(facts.pressure_full, 75);
}

static void test_nodes_with_memory_are_listed(void **state)
{
    struct host_facts facts;

    fixture_write(&fixture, "sys/devices/system/node/has_memory", "0,2\n");
    fixture_write(&fixture, "sys/devices/system/node/node0/meminfo",
                  "Node 0 MemTotal:       8192 kB\nNode 0 MemFree:        1024 kB\n");
    fixture_write(&fixture, "sys/devices/system/node/node2/meminfo",
                  "Node 2 MemTotal:       4096 kB\nNode 2 MemFree:        2048 kB\n");
    facts = read_host("");
    assert_int_equal(facts.node_count, 2);
    assert_int_equal(facts.nodes[1].id, 2);
    assert_int_equal(facts.nodes[1].total, 4 * MIB);
    assert_int_equal(facts.nodes[1].free, 2 * MIB);
    fixture_write(&fixture, "sys/devices/system/node/node2/meminfo", "Node 2 MemFree: x kB\n");
    assert_int_equal(read_host("").node_count, 1);
}

static void test_ksm_and_zswap(void **state)
{
    struct host_facts facts;

    fixture_write(&fixture, "sys/kernel/mm/ksm/run", "1\n");
    fixture_write(&fixture, "sys/kernel/mm/ksm/pages_sharing", "512\n");
    fixture_write(&fixture, "sys/module/zswap/parameters/enabled", "Y\n");
    facts = read_host("");
    assert_true(facts.ksm_is_known);
    assert_true(facts.ksm_is_on);
    assert_int_equal(facts.ksm_saved, 2 * MIB);
    assert_true(facts.zswap_is_on);
    assert_int_equal(facts.zswap_pool, 100 * KIB);
    assert_int_equal(facts.zswap_stored, 300 * KIB);
    fixture_write(&fixture, "sys/kernel/mm/ksm/run", "2\n"); /* it unmerges */
    fixture_write(&fixture, "sys/module/zswap/parameters/enabled", "N\n");
    facts = read_host("");
    assert_false(facts.ksm_is_on);
    assert_true(facts.zswap_is_known);
    assert_false(facts.zswap_is_on);
}

static void put_cgroup(const char *max, const char *current)
{
    fixture_write(&fixture, CGROUP "/memory.max", max);
    fixture_write(&fixture, CGROUP "/memory.current", current);
    fixture_write(&fixture, CGROUP "/memory.stat", "active_file 0\n");
}

static void test_a_cgroup_stands_for_the_machine(void **state)
{
    struct host_facts facts;

    put_cgroup("4194304\n", "1048576\n");
    fixture_write(&fixture, "proc/pressure/memory",
                  "some avg10=9.00 avg60=0.00 avg300=0.00 total=1\n");
    facts = read_host("/" CGROUP);
    assert_true(facts.is_cgroup);
    assert_int_equal(facts.total, 4 * MIB);
    assert_int_equal(facts.available, 3 * MIB);
    assert_false(facts.pressure_is_known); /* the machine's is not the cgroup's */
    fixture_write(&fixture, CGROUP "/memory.pressure",
                  "some avg10=1.00 avg60=0.00 avg300=0.00 total=1\n");
    assert_int_equal(read_host("/" CGROUP).pressure_some, 100);
}

static void test_a_cgroup_has_no_more_than_the_machine(void **state)
{
    put_cgroup("max\n", "1048576\n");
    assert_int_equal(read_host(CGROUP).total, 16 * MIB);
    assert_int_equal(read_host(CGROUP).available, 8 * MIB);
}

static void test_a_tighter_cgroup_bounds_the_machine(void **state)
{
    struct host_facts facts = read_host("");

    put_cgroup("4194304\n", "1048576\n");
    host_bound(fixture.root, CGROUP, &facts);
    assert_true(facts.is_cgroup);
    assert_int_equal(facts.total, 4 * MIB);
    assert_int_equal(facts.available, 3 * MIB);
    facts = read_host("");
    put_cgroup("max\n", "1048576\n");
    host_bound(fixture.root, CGROUP, &facts);
    host_bound(fixture.root, "sys/fs/cgroup/gone", &facts);
    assert_false(facts.is_cgroup);
    assert_int_equal(facts.total, 16 * MIB);
}

static void test_what_cannot_be_read_is_said(void **state)
{
    struct host_facts facts;
    struct error error;

    assert_int_equal(host_read(fixture.root, "/sys/fs/cgroup/gone", 1, &facts, &error), -ENOENT);
    assert_non_null(strstr(error.text, "/sys/fs/cgroup/gone"));
    assert_non_null(strstr(error.text, "host_cgroup"));
    fixture_remove(&fixture, "proc/meminfo");
    assert_int_equal(host_read(fixture.root, "", 1, &facts, &error), -ENOENT);
    assert_non_null(strstr(error.text, "/proc/meminfo"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_machine_has_what_meminfo_says, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_the_kernel_lacks_is_not_known, setup, teardown),
        cmocka_unit_test_setup_teardown(test_pressure_is_the_machine_s, setup, teardown),
        cmocka_unit_test_setup_teardown(test_nodes_with_memory_are_listed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_ksm_and_zswap, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_cgroup_stands_for_the_machine, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_cgroup_has_no_more_than_the_machine, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_a_tighter_cgroup_bounds_the_machine, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_cannot_be_read_is_said, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
