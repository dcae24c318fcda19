/* Whose a balloon's move was. */
#include "tests/lib/test.h"

#include "common/base/number.h"
#include "controller/leases/foreign.h"

static struct foreign_watch watch;
static struct vm *vm;

static int set_up(void **state)
{
    watch = (struct foreign_watch){.actual = 0};
    if (vm_create("web", VM_SOURCE_FILE, &vm) < 0)
        return -1;
    vm->hypervisor.facts.balloon_actual = GIB;
    vm->hypervisor.facts.balloon_maximum = GIB;
    foreign_watch_look(&watch, vm, 100 * NSEC_PER_SEC);
    return 0;
}

static int tear_down(void **state)
{
    vm->leased = false;
    vm_destroy(vm);
    return 0;
}

static bool moves_to(uint64_t actual, nsec_t second)
{
    vm->hypervisor.facts.balloon_actual = actual;
    foreign_watch_look(&watch, vm, second * NSEC_PER_SEC);
    return foreign_watch_holds(&watch, vm, second * NSEC_PER_SEC);
}

static void test_nothing_has_moved(void **state)
{
    assert_false(moves_to(GIB, 101));
    assert_false(moves_to(0, 102)); /* not known any more */
    assert_false(moves_to(GIB, 103));
}

static void test_somebody_else_moves_it(void **state)
{
    assert_true(moves_to(GIB / 2, 101));
    assert_true(foreign_watch_holds(&watch, vm, 86500 * NSEC_PER_SEC));
    assert_false(foreign_watch_holds(&watch, vm, 86501 * NSEC_PER_SEC));
}

/* A guest follows for a while after a lease has ended. */
static void test_we_move_it(void **state)
{
    vm->leased = true;
    assert_false(moves_to(GIB / 2, 101));
    vm->leased = false;
    assert_false(moves_to(GIB, 110));
    assert_true(moves_to(GIB / 4, 111));
}

static void test_memory_is_plugged(void **state)
{
    vm->hypervisor.facts.balloon_maximum = 2 * GIB;
    assert_false(moves_to(2 * GIB, 101));
    assert_false(moves_to(2 * GIB, 102));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_nothing_has_moved, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_somebody_else_moves_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_we_move_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_memory_is_plugged, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
