/* Cgroups of memory, as both versions print them. */
#include "tests/lib/test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/base/number.h"
#include "controller/host/cgroup.h"
#include "tests/lib/fixture.h"

#define V2      "sys/fs/cgroup/machine.slice"
#define V2_VM   V2 "/machine-qemu-1.scope"
#define V1      "sys/fs/cgroup/memory"
#define V1_LAB  V1 "/lab"
#define V1_NONE "9223372036854771712\n"

static struct fixture fixture;

static int setup(void **state)
{
    fixture_init(&fixture);
    return 0;
}

static int teardown(void **state)
{
    fixture_finish(&fixture);
    return 0;
}

static void put(const char *directory, const char *name, const char *text)
{
    char path[256];

    snprintf(path, sizeof(path), "%s/%s", directory, name);
    fixture_write(&fixture, path, text);
}

static void put_v2(const char *directory, const char *max, const char *high, const char *current)
{
    put(directory, "memory.max", max);
    put(directory, "memory.high", high);
    put(directory, "memory.current", current);
    put(directory, "memory.stat",
        "anon 1000000\nfile 700000\nshmem 300000\nfile_dirty 20000\nfile_writeback 10000\n"
        "inactive_anon 5\ninactive_file 100000\nactive_file 200000\nslab_reclaimable 40000\n");
}

static void test_v2_room_is_the_rest_and_clean_cache(void **state)
{
    struct cgroup_memory memory;

    put_v2(V2, "5000000\n", "max\n", "2000000\n");
    assert_int_equal(cgroup_read_tightest(fixture.root, "/" V2, &memory), 0);
    assert_false(memory.is_v1);
    assert_string_equal(memory.path, V2);
    assert_int_equal(memory.limit, 5000000);
    assert_int_equal(memory.usage, 2000000);
    assert_int_equal(memory.reclaimable, 100000 + 200000 - 30000 + 40000);
    assert_int_equal(cgroup_room(&memory), 3000000 + 310000);
}

static void test_v2_high_is_a_limit(void **state)
{
    struct cgroup_memory memory;

    put_v2(V2, "5000000\n", "4000000\n", "2000000\n");
    assert_int_equal(cgroup_read_tightest(fixture.root, V2, &memory), 0);
    assert_int_equal(memory.limit, 4000000);
}

static void test_the_tightest_above_counts(void **state)
{
    struct cgroup_memory memory;

    put_v2(V2, "9000000\n", "max\n", "8500000\n");
    put_v2(V2_VM, "3000000\n", "max\n", "1000000\n");
    assert_int_equal(cgroup_read_tightest(fixture.root, V2_VM, &memory), 0);
    assert_string_equal(memory.path, V2);
    assert_int_equal(memory.limit, 9000000);
    put_v2(V2_VM, "1100000\n", "max\n", "1000000\n");
    assert_int_equal(cgroup_read_tightest(fixture.root, V2_VM, &memory), 0);
    assert_string_equal(memory.path, V2_VM);
}

static void test_no_limit_is_none(void **state)
{
    struct cgroup_memory memory;

    put_v2(V2, "max\n", "max\n", "8500000\n");
    assert_int_equal(cgroup_read_tightest(fixture.root, V2, &memory), 0);
    assert_true(memory.limit == CGROUP_NO_LIMIT);
    assert_true(cgroup_room(&memory) == CGROUP_NO_LIMIT);
    put(V1, "memory.limit_in_bytes", V1_NONE);
    put(V1, "memory.usage_in_bytes", "5\n");
    put(V1, "memory.stat", "cache 1\n");
    assert_int_equal(cgroup_read_tightest(fixture.root, V1, &memory), 0);
    assert_true(memory.limit == CGROUP_NO_LIMIT);
}

/* The plain names are of the cgroup alone, without those below it. */
static void test_v1_sums_over_all_below(void **state)
{
    struct cgroup_memory memory;

    put(V1, "memory.limit_in_bytes", V1_NONE);
    put(V1, "memory.usage_in_bytes", "80000000\n");
    put(V1, "memory.stat", "cache 1\n");
    put(V1_LAB, "memory.limit_in_bytes", "4000000\n");
    put(V1_LAB, "memory.usage_in_bytes", "3000000\n");
    put(V1_LAB, "memory.stat",
        "inactive_file 7\nactive_file 7\ndirty 7\ntotal_dirty 1000\ntotal_writeback 2000\n"
        "total_inactive_file 50000\ntotal_active_file 60000\n");
    assert_int_equal(cgroup_read_tightest(fixture.root, V1_LAB, &memory), 0);
    assert_true(memory.is_v1);
    assert_string_equal(memory.path, V1_LAB);
    assert_int_equal(memory.reclaimable, 107000);
    assert_int_equal(cgroup_room(&memory), 1107000);
}

static void test_room_is_never_more_than_the_limit(void **state)
{
    const struct cgroup_memory memory = {.limit = 100, .usage = 90, .reclaimable = 95};
    const struct cgroup_memory over = {.limit = 100, .usage = 150, .reclaimable = 20};

    assert_int_equal(cgroup_room(&memory), 100);
    assert_int_equal(cgroup_room(&over), 20);
}

static void test_what_is_no_cgroup_is_refused(void **state)
{
    struct cgroup_memory memory;
    char path[2 * CGROUP_PATH_SIZE];

    assert_int_equal(cgroup_read_tightest(fixture.root, V2, &memory), -ENOENT);
    put_v2(V2, "much\n", "max\n", "1\n");
    assert_int_equal(cgroup_read_tightest(fixture.root, V2, &memory), -EBADMSG);
    put_v2(V2, "5\n", "max\n", "1\n");
    put(V2, "memory.stat", "active_file many\n");
    assert_int_equal(cgroup_read_tightest(fixture.root, V2, &memory), -EBADMSG);
    memset(path, 'a', sizeof(path));
    path[sizeof(path) - 1] = '\0';
    assert_int_equal(cgroup_read_tightest(fixture.root, path, &memory), -ENAMETOOLONG);
}

static void test_a_process_has_its_cgroup(void **state)
{
    char path[CGROUP_PATH_SIZE];

    assert_int_equal(cgroup_of_process(fixture.root, 7, path), -ENOENT);
    fixture_write(&fixture, "proc/7/cgroup", "0::/machine.slice/machine-qemu-1.scope\n");
    assert_int_equal(cgroup_of_process(fixture.root, 7, path), 0);
    assert_string_equal(path, V2_VM);
    fixture_write(&fixture, "proc/7/cgroup", "5:devices:/other\n4:memory:/lab\n0::/\n");
    assert_int_equal(cgroup_of_process(fixture.root, 7, path), 0);
    assert_string_equal(path, V1_LAB);
    fixture_write(&fixture, "proc/7/cgroup", "0::/\n");
    assert_int_equal(cgroup_of_process(fixture.root, 7, path), 0);
    assert_string_equal(path, "sys/fs/cgroup");
    fixture_write(&fixture, "proc/7/cgroup", "0::/../outside\n");
    assert_int_equal(cgroup_of_process(fixture.root, 7, path), -ENOENT);
    fixture_write(&fixture, "proc/7/cgroup", "nonsense\n");
    assert_int_equal(cgroup_of_process(fixture.root, 7, path), -EBADMSG);
}

static const char *join(const char *first, const char *second, const char *third)
{
    static char path[CGROUP_PATH_SIZE];

    path[0] = '\0';
    cgroup_join(path, first);
    cgroup_join(path, second);
    cgroup_join(path, third);
    return path;
}

static void test_what_is_above_all(void **state)
{
    assert_string_equal(join(V2 "/a.scope", V2 "/b.scope", V2 "/c.scope"), V2);
    assert_string_equal(join(V2 "/a.scope", V2 "/a.scope/emulator", V2 "/a.scope"), V2);
    assert_string_equal(join(V2 "/a/b/c", V2 "/a/d/e", V2 "/a/b/f"), V2 "/a");
    assert_string_equal(join(V2 "/a", "sys/fs/cgroup/user.slice/b", V2 "/c"), "sys/fs/cgroup");
    assert_string_equal(join(V2 "/ab", V2 "/a", V2 "/abc"), V2);
    assert_string_equal(join(V1_LAB, V1_LAB "/vm", V1_LAB), V1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_v2_room_is_the_rest_and_clean_cache, setup, teardown),
        cmocka_unit_test_setup_teardown(test_v2_high_is_a_limit, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_tightest_above_counts, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_limit_is_none, setup, teardown),
        cmocka_unit_test_setup_teardown(test_v1_sums_over_all_below, setup, teardown),
        cmocka_unit_test_setup_teardown(test_room_is_never_more_than_the_limit, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_is_no_cgroup_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_process_has_its_cgroup, setup, teardown),
        cmocka_unit_test(test_what_is_above_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
