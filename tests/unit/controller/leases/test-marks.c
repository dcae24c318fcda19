/* The mark of a VM: when it is written again. */
#include "tests/lib/test.h"

#include <errno.h>

#include "common/base/number.h"
#include "controller/leases/marks.h"

static unsigned sets;
static uint64_t last;
static driver_done set_done;
static void *asker;

static int start(struct driver_session *session, enum driver_operation operation, uint64_t value,
                 nsec_t timeout, driver_done done, void *userdata)
{
    assert_int_equal(operation, DRIVER_SET_MARK);
    sets++;
    last = value;
    set_done = done;
    asker = userdata;
    return 0;
}

static const struct driver driver = {.abi = DRIVER_ABI, .name = "test", .start = start};

static struct vm *vm;

static int set_up(void **state)
{
    sets = 0;
    if (vm_create("web", VM_SOURCE_FILE, &vm) < 0)
        return -1;
    vm->address.driver = &driver;
    vm->hypervisor.ready = true;
    vm->hypervisor.facts.capabilities = DRIVER_CAN_SET_MARK;
    return leases_get(vm) == NULL ? -1 : 0;
}

static int tear_down(void **state)
{
    leases_remove(vm);
    vm_destroy(vm);
    return 0;
}

static void note(unsigned times)
{
    lease_mark_note(vm, GIB);
    assert_int_equal(sets, times);
    assert_int_equal(last, GIB);
}

static void answer(int status)
{
    struct error error;

    (void)error_set(&error, status, "the session ended");
    set_done(&(struct driver_result){.status = status, .error = &error}, asker);
}

static void test_it_is_written_once(void **state)
{
    note(1);
    answer(0);
    note(1);
}

/* What comes after the end of all leases may be another process, whose description has none. */
static void test_the_next_leases_write_it_again(void **state)
{
    note(1);
    answer(0);
    leases_drop(vm);
    note(2);
}

static void test_what_the_end_of_the_session_cut_off_is_written_again(void **state)
{
    note(1);
    answer(-ECANCELED);
    note(2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_it_is_written_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_next_leases_write_it_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_the_end_of_the_session_cut_off_is_written_again,
                                        set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
