/* What is told of the end of an alarm: why it ended. */
#include "tests/lib/test.h"

#include <string.h>

#include "common/base/number.h"
#include "common/base/text.h"
#include "controller/leases/alarm.h"

static struct supervisor supervisor;
static struct vm *vm;
static char told[ALARM_BYTES]; /* "": nothing */
static unsigned count;

static void on_event(const struct vm_event *event, void *userdata)
{
    assert_int_equal(event->kind, VM_EVENT_ALARM);
    text_copy(told, sizeof(told), event->text);
    count++;
}

static struct supervisor_listener listener = {.on_event = on_event};

/* Its guest is starved by a balloon of 1 GiB. */
static int set_up(void **state)
{
    count = 0;
    told[0] = '\0';
    supervisor = (struct supervisor){.root = -1};
    list_init(&supervisor.listeners);
    supervisor_listen(&supervisor, &listener);
    if (vm_create("web", VM_SOURCE_FILE, &vm) < 0)
        return -1;
    vm->supervisor = &supervisor;
    vm->measured.waterfall.balloon = GIB;
    vm->measured.waterfall.balloon_is_known = true;
    vm->starvation.since = vm->starvation.sign = vm->starvation.heard = time_boottime();
    vm->starvation.kills = 1;
    alarm_visit(vm);
    assert_int_equal(count, 0);
    return 0;
}

static int tear_down(void **state)
{
    vm_destroy(vm);
    supervisor_unlisten(&listener);
    return 0;
}

/* How the guest is now, nobody has heard. */
static void test_a_balloon_that_gave_way(void **state)
{
    vm->measured.waterfall.balloon = 32 * MIB;
    alarm_visit(vm);
    assert_int_equal(count, 1);
    assert_non_null(strstr(told, "has given way: it holds 32.0 MiB"));
    assert_int_equal(alarm_since(vm), 0);
}

static void test_a_guest_without_a_sign(void **state)
{
    vm->starvation.heard = vm->starvation.sign + 61 * NSEC_PER_SEC;
    alarm_visit(vm);
    assert_int_equal(count, 1);
    assert_string_equal(told, "the guest is not short of memory any more");
}

/* Once, and of an alarm only. */
static void test_a_hypervisor_that_ended(void **state)
{
    vm->measured.waterfall.balloon_is_known = false;
    vm->starvation.has_last = true;
    for (int i = 0; i < 2; i++)
        alarm_visit(vm);
    assert_int_equal(count, 1);
    assert_string_equal(told, "the guest was short of memory until its hypervisor ended");
    assert_false(vm->starvation.has_last);
}

#define alarm_test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        alarm_test(test_a_balloon_that_gave_way),
        alarm_test(test_a_guest_without_a_sign),
        alarm_test(test_a_hypervisor_that_ended),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
