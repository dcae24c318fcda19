/* The life cycle of actions, with means of the test's own: one VM, web1, whose hypervisor is a
 * made-up /proc of process 42. */
#include "tests/lib/test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/base/number.h"
#include "controller/actions/machine.h"
#include "controller/vms/life.h"
#include "controller/vms/tick.h"
#include "tests/lib/fixture.h"
#include "tests/lib/loop.h"

static struct fixture fixture;
static uv_loop_t loop;
static struct supervisor supervisor;
static struct actions actions;
static struct supervisor_listener listener;
static struct vm *vm;

/* What was heard, in order: 'b' begun, 'e' ended, 'd' done. */
static char heard[16];
static Vmreclaim__Controller__V1__Action last; /* figures of the last record, no pointers */
static char last_reason[160];
static char last_asker[64];
static int done_status;
static char done_message[320];
static bool done_has_record;

/* ---- means of the test's own ---- */

static int act_result;
static unsigned acts;
static enum action_look look_result;
static unsigned called_off;

static int check(const struct vm *checked, struct error *error)
{
    return 0;
}

static int act(struct action *action, struct error *error)
{
    acts++;
    return act_result < 0 ? error_set(error, act_result, "the means refuse") : 0;
}

static enum action_look look(struct action *action, nsec_t now)
{
    return look_result;
}

static void call_off(struct action *action)
{
    called_off++;
}

static const char *shortfall(const struct vm *looked_at)
{
    return "the rest is held";
}

static const struct action_means quick = {
    .look = look, .shortfall = shortfall, .settle_max = 100 * NSEC_PER_MSEC};
static const struct action_means asking = {
    .call_off = call_off, .settle_quiet = 60 * NSEC_PER_SEC, .settle_max = 60 * NSEC_PER_SEC};
static const struct action_kind quick_kind = {
    .name = "quick", .means = &quick, .check = check, .act = act};
static const struct action_kind asking_kind = {
    .name = "asking", .means = &asking, .check = check, .act = act};
static const struct action_kind back_kind = {
    .name = "back", .means = &quick, .gives_back = true, .check = check, .act = act};

/* ---- the fixture ---- */

static void hear(char what)
{
    size_t length = strlen(heard);

    assert_true(length + 1 < sizeof(heard));
    heard[length] = what;
    heard[length + 1] = '\0';
}

static void on_vm_event(const struct vm_event *event, void *userdata)
{
    if (event->kind == VM_EVENT_ACTION_BEGUN)
        hear('b');
    if (event->kind != VM_EVENT_ACTION_ENDED)
        return;
    hear('e');
    assert_null(event->vm->action); /* it is free for the next one */
    last = *event->record;
    snprintf(last_reason, sizeof(last_reason), "%s", last.reason);
    snprintf(last_asker, sizeof(last_asker), "%s", last.asked_by);
}

static void on_done(const struct action_end *end, void *userdata)
{
    hear('d');
    done_status = end->status;
    done_has_record = end->record != NULL;
    snprintf(done_message, sizeof(done_message), "%s", end->message);
}

static void set_footprint(uint64_t mib)
{
    char text[256];

    snprintf(text, sizeof(text),
             "Name:\tqemu\nVmRSS:\t1 kB\nRssAnon:\t%llu kB\nRssFile:\t1 kB\nRssShmem:\t0 kB\n"
             "VmSwap:\t0 kB\nHugetlbPages:\t0 kB\n",
             (unsigned long long)mib * 1024);
    fixture_write(&fixture, "proc/42/status", text);
    assert_int_equal(hypervisor_process_open(&vm->measured.process, fixture.root, 42, NULL), 0);
}

static int set_up(void **state)
{
    fixture_init(&fixture);
    fixture_write(&fixture, "proc/42/stat",
                  "42 (qemu) S 1 42 42 0 -1 4194560 1 0 0 0 5 6 0 0 20 0 3 0 1 1 1\n");
    fixture_write(&fixture, "proc/42/maps", "");
    fixture_directory(&fixture, "proc/42/fd");
    assert_int_equal(uv_loop_init(&loop), 0);
    assert_int_equal(supervisor_init(&supervisor, &loop, fixture.root, NSEC_PER_SEC), 0);
    assert_int_equal(actions_init(&actions, &supervisor, NULL), 0);
    listener = (struct supervisor_listener){.on_event = on_vm_event};
    supervisor_listen(&supervisor, &listener);
    assert_int_equal(vm_create("web1", VM_SOURCE_FILE, &vm), 0);
    assert_int_equal(supervisor_add_vm(&supervisor, vm, NULL), 0);
    set_footprint(500);
    heard[0] = '\0';
    act_result = done_status = 0;
    acts = called_off = 0;
    look_result = ACTION_GOES_ON;
    return 0;
}

static int tear_down(void **state)
{
    actions_stop(&actions);
    supervisor_unlisten(&listener);
    supervisor_stop(&supervisor);
    loop_finish(&loop);
    supervisor_finish(&supervisor);
    fixture_finish(&fixture);
    return 0;
}

static int start(const struct action_kind *kind, struct action **ret_action, struct error *error)
{
    struct action_request request = {.kind = kind};

    return action_start(&actions, vm, &request, "alice", on_done, NULL, ret_action, error);
}

static struct action *must_start(const struct action_kind *kind)
{
    struct action *action;
    struct error error;

    assert_int_equal(start(kind, &action, &error), 0);
    return action;
}

static void run_until_ended(void)
{
    while (vm->action != NULL)
        uv_run(&loop, UV_RUN_ONCE);
}

/* ---- tests ---- */

static void test_the_table(void **state)
{
    static const char *const allowed[ACTION_STATE_COUNT] = {
        [ACTION_BEFORE] = ".x..x", [ACTION_ACTING] = "..xxx", [ACTION_SETTLING] = "...xx",
        [ACTION_AFTER] = "....x",  [ACTION_ENDED] = ".....",
    };

    for (int from = 0; from < ACTION_STATE_COUNT; from++)
        for (int to = 0; to < ACTION_STATE_COUNT; to++)
            assert_int_equal(
                action_state_may_follow((enum action_state)from, (enum action_state)to),
                allowed[from][to] != '.');
}

static void test_an_action_is_measured_from_begin_to_end(void **state)
{
    struct action *action = must_start(&quick_kind);

    assert_int_equal(action->state, ACTION_ACTING);
    assert_ptr_equal(vm->action, action);
    assert_string_equal(heard, "b");
    set_footprint(200);
    look_result = ACTION_HAS_ACTED;
    run_until_ended();
    assert_string_equal(heard, "bed");
    assert_int_equal(done_status, 0);
    assert_true(last.finished);
    assert_int_equal(last.footprint_before, 500 * MIB);
    assert_int_equal(last.footprint_after, 200 * MIB);
    assert_int_equal(last.host_returned, 300 * MIB);
    assert_int_equal(vm->measured.history.claimed.footprint, 200 * MIB);
    assert_string_equal(last_reason, "the rest is held");
    assert_int_equal(actions.count, 1);
    assert_int_equal(actions.running_count, 0);
}

static void test_one_at_a_time(void **state)
{
    struct action *first = must_start(&asking_kind);
    struct action *second = NULL;
    struct error error;

    assert_int_equal(start(&quick_kind, &second, &error), -EBUSY);
    assert_null(second);
    assert_non_null(strstr(error.text, "asking"));
    assert_non_null(strstr(error.text, first->request.id));
    assert_non_null(strstr(error.text, "alice"));
    assert_ptr_equal(vm->action, first);
    assert_int_equal(acts, 1);
    assert_int_equal(strlen(first->request.id), ACTION_ID_SIZE - 1);
}

static void test_giving_back_waits_for_nobody(void **state)
{
    struct action *action;

    must_start(&quick_kind);
    set_footprint(400);
    action = must_start(&back_kind);
    assert_string_equal(heard, "bedb");
    assert_int_equal(done_status, 0);
    assert_int_equal(last.host_returned, 100 * MIB);
    assert_non_null(strstr(last_reason, "release"));
    assert_ptr_equal(vm->action, action);
    assert_int_equal(action->footprint_before, 400 * MIB);
}

/* An agent's answer that is not waited for is not known. */
static void test_what_is_called_off_has_failed(void **state)
{
    must_start(&asking_kind);
    must_start(&back_kind);
    assert_string_equal(heard, "bedb");
    assert_int_equal(done_status, -ECANCELED);
    assert_int_equal(called_off, 1);
    assert_true(last.finished);
}

static void test_means_that_refuse(void **state)
{
    struct error error;

    act_result = -EINVAL;
    assert_int_equal(start(&quick_kind, NULL, &error), -EINVAL);
    assert_string_equal(error.text, "the means refuse");
    assert_string_equal(heard, "");
    assert_null(vm->action);
    assert_int_equal(actions.count, 0);
    act_result = 0;
    must_start(&quick_kind);
}

static void test_means_that_fail(void **state)
{
    struct action *action = must_start(&asking_kind);
    char id[ACTION_ID_SIZE];

    snprintf(id, sizeof(id), "%s", action->request.id);
    set_footprint(450);
    action_fail(action, -ENOTCONN, "the agent answered: gone");
    assert_string_equal(heard, "bed");
    assert_int_equal(done_status, -ENOTCONN);
    assert_true(done_has_record);
    assert_non_null(strstr(done_message, "asking of VM 'web1'"));
    assert_non_null(strstr(done_message, id));
    assert_non_null(strstr(done_message, "the agent answered: gone"));
    assert_string_equal(last_reason, "the agent answered: gone");
    assert_int_equal(last.host_returned, 50 * MIB); /* what came back until then */
}

static void test_who_asked_goes_away(void **state)
{
    struct action *action = must_start(&quick_kind);

    action_forget_asker(action);
    look_result = ACTION_IS_OVER;
    run_until_ended();
    assert_string_equal(heard, "be");
}

static void test_the_vm_goes_away(void **state)
{
    must_start(&quick_kind);
    vm_remove(vm);
    assert_string_equal(heard, "bed");
    assert_int_equal(last.footprint_before, 0); /* nobody can tell what came back */
    assert_string_equal(last_reason, "the VM went away meanwhile");
}

static void test_a_process_that_ends_leaves_no_figures(void **state)
{
    must_start(&quick_kind);
    hypervisor_process_finish(&vm->measured.process);
    vm->measured.host.time = 0;
    look_result = ACTION_IS_OVER;
    run_until_ended();
    assert_int_equal(last.footprint_before, 0);
    assert_int_equal(last.host_returned, 0);
}

static void test_the_daemon_stops(void **state)
{
    must_start(&asking_kind);
    actions_stop(&actions);
    assert_string_equal(heard, "bed");
    assert_int_equal(done_status, -ECANCELED);
    assert_non_null(strstr(last_reason, "vmreclaimd is stopping"));
    uv_run(&loop, UV_RUN_NOWAIT);
    assert_int_equal(actions_init(&actions, &supervisor, NULL), 0);
}

static void start_another(const struct action_end *end, void *userdata)
{
    hear('d');
    must_start(&quick_kind);
}

static void test_the_next_may_start_when_one_is_done(void **state)
{
    struct action_request request = {.kind = &quick_kind, .id = "0123456789abcdef"};
    struct error error;

    assert_int_equal(
        action_start(&actions, vm, &request, "policy", start_another, NULL, NULL, &error), 0);
    look_result = ACTION_IS_OVER;
    while (strlen(heard) < 6)
        uv_run(&loop, UV_RUN_ONCE);
    assert_string_equal(heard, "bedbed");
    assert_string_equal(last_asker, "alice");
}

#define machine_test(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_table),
        machine_test(test_an_action_is_measured_from_begin_to_end),
        machine_test(test_one_at_a_time),
        machine_test(test_giving_back_waits_for_nobody),
        machine_test(test_what_is_called_off_has_failed),
        machine_test(test_means_that_refuse),
        machine_test(test_means_that_fail),
        machine_test(test_who_asked_goes_away),
        machine_test(test_the_vm_goes_away),
        machine_test(test_a_process_that_ends_leaves_no_figures),
        machine_test(test_the_daemon_stops),
        machine_test(test_the_next_may_start_when_one_is_done),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
