/* How old balloon statistics are. */
#include "tests/lib/test.h"

#include "controller/vms/statistics.h"

#define SECOND ((int64_t)NSEC_PER_SEC)
#define WALL   1700000000 /* UNIX seconds when the test begins */

static struct vm *vm;

static int set_up(void **state)
{
    return vm_create("web", VM_SOURCE_FILE, &vm);
}

static int tear_down(void **state)
{
    vm_destroy(vm);
    return 0;
}

/* The guest told them at `updated`, which the hypervisor says `passed` seconds into the test, when
 * the wall clock has been set by `set`. */
static bool hold(int64_t updated, nsec_t passed, int64_t set)
{
    const struct driver_statistics statistics = {.updated = updated};
    nsec_t now = (10000 + passed) * NSEC_PER_SEC;

    vm_statistics_take(vm, &statistics, now, (WALL + (int64_t)passed + set) * SECOND);
    return vm_statistics_hold(vm, now);
}

static void test_the_first_are_as_old_as_the_wall_clock_says(void **state)
{
    static const struct {
        int64_t updated;
        bool holds;
    } cases[] = {
        {WALL - 10, true}, {WALL - 600, false}, {0, false}, {1, false}, {INT64_MAX, false}};

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        vm->statistics = (struct vm_statistics){0};
        assert_int_equal(hold(cases[i].updated, 0, 0), cases[i].holds);
    }
}

static void test_a_guest_that_tells_none_any_more(void **state)
{
    assert_true(hold(WALL, 0, 0));
    assert_true(hold(WALL, 50, 0));
    assert_false(hold(WALL, 61, 0));
    assert_true(hold(WALL + 70, 70, 0));
}

static void test_a_clock_that_is_set(void **state)
{
    assert_true(hold(WALL, 0, 0));
    assert_true(hold(WALL, 10, 86400));
    assert_true(hold(WALL + 86420, 20, 86400));
    /* Back: what was told before is no less old. */
    assert_true(hold(WALL + 86420, 30, 0));
    assert_false(hold(WALL + 86420, 90, 0));
    assert_true(hold(WALL + 100, 100, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_the_first_are_as_old_as_the_wall_clock_says, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_a_guest_that_tells_none_any_more, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_clock_that_is_set, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
