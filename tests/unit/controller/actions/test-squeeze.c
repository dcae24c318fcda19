/* Squeezes of VMs without an agent: who waits for whom, and how they end from outside. */
#include "tests/lib/test.h"

#include <errno.h>
#include <string.h>

#include "controller/actions/squeeze.h"
#include "controller/vms/life.h"
#include "controller/vms/tick.h"
#include "tests/lib/fixture.h"
#include "tests/lib/loop.h"

static struct fixture fixture;
static uv_loop_t loop;
static struct supervisor supervisor;
static struct actions actions;
static struct squeezes squeezes;
static struct vm *vm;
static struct squeeze *squeeze;
static unsigned changes;

static int set_up(void **state)
{
    fixture_init(&fixture);
    assert_int_equal(uv_loop_init(&loop), 0);
    assert_int_equal(supervisor_init(&supervisor, &loop, fixture.root, NSEC_PER_SEC), 0);
    assert_int_equal(actions_init(&actions, &supervisor, NULL), 0);
    squeezes_init(&squeezes, &supervisor, &actions);
    assert_int_equal(vm_create("web1", VM_SOURCE_FILE, &vm), 0);
    assert_int_equal(supervisor_add_vm(&supervisor, vm, NULL), 0);
    squeeze = NULL;
    changes = 0;
    return 0;
}

static int tear_down(void **state)
{
    squeezes_stop(&squeezes);
    if (squeeze != NULL)
        squeeze_forget(squeeze);
    assert_true(list_is_empty(&squeezes.list));
    actions_stop(&actions);
    supervisor_stop(&supervisor);
    loop_finish(&loop);
    supervisor_finish(&supervisor);
    fixture_finish(&fixture);
    return 0;
}

static void on_changed(struct squeeze *changed, void *userdata)
{
    assert_ptr_equal(changed, squeeze);
    changes++;
}

static int start(struct squeeze **ret_squeeze, struct error *error)
{
    const struct squeeze_asked asked = {.hold = true};

    return squeeze_start(&squeezes, vm, &asked, "alice", on_changed, NULL, ret_squeeze, error);
}

static void must_start(void)
{
    struct error error;

    assert_int_equal(start(&squeeze, &error), 0);
    assert_int_equal(squeeze->state, SQUEEZE_WAITING);
}

/* As the supervisor does once a second. */
static void visit(void)
{
    squeezes.listener.on_visit(vm, time_boottime(), squeezes.listener.userdata);
}

static void test_a_few_at_a_time(void **state)
{
    must_start();
    squeezes.running = SQUEEZES_SIDE_BY_SIDE; /* as if others were under way */
    visit();
    assert_int_equal(squeeze->state, SQUEEZE_WAITING);
    assert_int_equal(changes, 1); /* it is said that it waits */
    squeezes.running--;
    visit();
    assert_int_equal(squeeze->state, SQUEEZE_ENDED);
    assert_int_equal(squeeze->plan.end, SQUEEZE_END_NO_AGENT);
    assert_int_equal(squeezes.running, SQUEEZES_SIDE_BY_SIDE - 1);
    squeezes.running = 0;
}

static void test_who_is_refused(void **state)
{
    struct squeeze *second;
    struct error error;

    must_start();
    assert_int_equal(start(&second, &error), -EBUSY);
    assert_non_null(strstr(error.text, "is being squeezed already"));
    squeeze_forget(squeeze);
    squeeze = NULL;
    vm->halted = true;
    assert_int_equal(start(&second, &error), -EPERM);
    assert_true(list_is_empty(&squeezes.list));
}

/* As if another action were under way when this step's turn came, and who asked went away. */
static void leave_before(enum squeeze_step step)
{
    must_start();
    squeeze->state = SQUEEZE_BUSY;
    squeeze->started = time_boottime();
    squeeze->taken_count = 1;
    squeeze->request.kind = &action_reporting;
    squeeze->plan.under_way = step;
    squeeze->plan.count = 1;
    squeeze->plan.deadline = NSEC_INFINITY;
    squeezes.running = 1;
    vm->action = (void *)&changes; /* it is not looked into */
    squeeze_forget(squeeze);
    squeeze = NULL;
    visit();
    vm->action = NULL;
}

/* No step begins for nobody, but the one that puts settings back. */
static void test_who_asked_goes_away_before_a_step(void **state)
{
    leave_before(SQUEEZE_KICK);
    assert_true(list_is_empty(&squeezes.list));
    leave_before(SQUEEZE_RESTORE);
    assert_false(list_is_empty(&squeezes.list));
    visit(); /* nobody in the guest can be asked for it */
    assert_true(list_is_empty(&squeezes.list));
}

/* Who asked for several tells them apart by their names. */
static void test_the_name_stays(void **state)
{
    struct error error;

    must_start();
    assert_int_equal(registry_set_name(&supervisor.registry, vm, "web2", &error), 0);
    vm_emit(vm, VM_EVENT_RENAMED, "was called 'web1' until now");
    assert_string_equal(squeeze->vm_name, "web1");
}

static void test_the_vm_goes_away(void **state)
{
    must_start();
    vm_remove(vm);
    assert_int_equal(squeeze->state, SQUEEZE_ENDED);
    assert_int_equal(squeeze->plan.end, SQUEEZE_END_FAILED);
    assert_string_equal(squeeze->problem, "the VM went away meanwhile");
    assert_int_equal(changes, 1);
}

static void test_the_daemon_stops(void **state)
{
    must_start();
    squeezes_stop(&squeezes); /* again by tear_down, which is harmless */
    assert_int_equal(squeeze->plan.end, SQUEEZE_END_FAILED);
    assert_string_equal(squeeze->problem, "vmreclaimd is stopping");
    assert_int_equal(changes, 1);
}

#define squeeze_test(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        squeeze_test(test_a_few_at_a_time),
        squeeze_test(test_who_is_refused),
        squeeze_test(test_who_asked_goes_away_before_a_step),
        squeeze_test(test_the_name_stays),
        squeeze_test(test_the_vm_goes_away),
        squeeze_test(test_the_daemon_stops),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
