/* Calls through a door of the test's own: permission, audit, and the life cycle of a call. */
#include "tests/lib/test.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/policy/policy-yaml.h"
#include "controller.pb-c.h"
#include "controller/api/api.h"
#include "controller/config/problems.h"
#include "controller/store/store.h"
#include "controller/vms/intervals.h"
#include "controller/vms/life.h"
#include "controller/vms/statistics-now.h"
#include "controller/vms/tick.h"
#include "tests/lib/loop.h"
#include "tests/unit/controller/api/door.h"

static uv_loop_t loop;
static struct supervisor supervisor;
static struct api api;
static struct api_user user;
static int root;

static size_t largest; /* bytes of a message */

/* What was audited. */
static unsigned audited;
static bool audited_as_allowed;
static char audited_method[64];
static char audited_action[ACTION_ID_SIZE];

static void door_see(const ProtobufCMessage *message)
{
    largest = max_of(largest, protobuf_c_message_get_packed_size(message));
}

static void on_audit(const struct api_call *call, const ProtobufCMessage *request, bool allowed,
                     void *userdata)
{
    audited++;
    audited_as_allowed = allowed;
    snprintf(audited_method, sizeof(audited_method), "%s", call->method->name);
    snprintf(audited_action, sizeof(audited_action), "%s", call->action);
}

static int set_up(void **state)
{
    assert_int_equal(uv_loop_init(&loop), 0);
    root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(supervisor_init(&supervisor, &loop, root, NSEC_PER_SEC), 0);
    api_init(&api, &(struct api_rooms){.supervisor = &supervisor});
    api.audit = on_audit;
    user = (struct api_user){.refusals = {.interval = 60 * NSEC_PER_SEC, .burst = 2}};
    door_reset();
    audited = 0;
    largest = 0;
    return 0;
}

static int tear_down(void **state)
{
    api_stop(&api);
    supervisor_stop(&supervisor);
    loop_finish(&loop);
    api_finish(&api);
    supervisor_finish(&supervisor);
    close(root);
    return 0;
}

static struct api_call *make_call(bool may_read, bool may_control)
{
    struct api_call *call = calloc(1, sizeof(*call));

    assert_non_null(call);
    *call = (struct api_call){
        .door = &door,
        .api = &api,
        .user = &user,
        .caller = {.may_read = may_read,
                   .may_carry = may_control,
                   .may_control = may_control,
                   .name = "alice"},
    };
    return call;
}

static void dispatch(struct api_call *call, const ProtobufCMessage *request)
{
    api_dispatch(call, api_method_of(request->descriptor), request);
}

static void test_every_method_is_in_the_table(void **state)
{
    api_methods_check();
    for (unsigned i = 0; i < api_service->n_methods; i++)
        assert_string_equal(api_method_at(i)->name, api_service->methods[i].name);
    assert_null(api_method_at(api_service->n_methods));
    assert_null(api_method_of(&vmreclaim__controller__v1__vm__descriptor));
}

/* What changes something is not for readers, nor is what the store tries for a plan; the list is
 * written out so that a slip in a row is seen. */
static void test_who_may_call_what(void **state)
{
    static const char *const controls[] = {
        "Compact",      "Reclaim",        "SetReporting",   "ApplyPolicy",
        "SetBalloon",   "ReleaseBalloon", "RollBackPolicy", "UnassignPolicy",
        "DeletePolicy", "Reload",         "Halt",           "Resume",
        "Pulse",        "SqueezeVms",     "ReserveMemory",  "ReleaseReservation",
        "PlanPolicy",
    };
    unsigned count = 0;

    for (unsigned i = 0; i < api_service->n_methods; i++) {
        const struct api_method *method = api_method_at(i);
        bool is_listed = false;

        for (size_t j = 0; j < ARRAY_SIZE(controls); j++)
            is_listed = is_listed || strcmp(controls[j], method->name) == 0;
        assert_int_equal((method->flags & API_CONTROLS) != 0, is_listed);
        assert_int_equal((method->flags & API_CARRIES) != 0,
                         strcmp(method->name, "ApplyDesired") == 0);
        count += is_listed;
    }
    assert_int_equal(count, ARRAY_SIZE(controls));
}

static void reload_at_once(void *daemon, void (*done)(nsec_t used, void *userdata), void *userdata)
{
    done(20 * NSEC_PER_MSEC, userdata);
}

/* Reading all files again is done elsewhere, and not for nothing. */
static void test_who_reloads_pays_for_it(void **state)
{
    const Vmreclaim__Controller__V1__ReloadRequest request =
        VMRECLAIM__CONTROLLER__V1__RELOAD_REQUEST__INIT;
    static const struct problems problems;
    struct ttrpc_share share = {.permyriad = 1000, .debt_max = NSEC_PER_SEC};
    struct api_call *call = make_call(true, true);
    nsec_t now = time_monotonic();

    api.rooms.reload = reload_at_once;
    api.rooms.problems = &problems;
    user.kept = (struct kept_share){.per_second = 1, .burst = 5000};
    call->share = &share;
    dispatch(call, &request.base);
    assert_int_equal(finished, 1);
    assert_true(ttrpc_share_paid_until(&share) >= now + 200 * NSEC_PER_MSEC);
}

static void test_a_call_is_answered(void **state)
{
    Vmreclaim__Controller__V1__ListVmsRequest request =
        VMRECLAIM__CONTROLLER__V1__LIST_VMS_REQUEST__INIT;

    dispatch(make_call(true, false), &request.base);
    assert_int_equal(finished, 1);
    assert_int_equal(released, 1);
    assert_int_equal(audited, 0); /* it changes nothing */
}

static void test_refusals_are_audited_within_bounds(void **state)
{
    Vmreclaim__Controller__V1__ListVmsRequest request =
        VMRECLAIM__CONTROLLER__V1__LIST_VMS_REQUEST__INIT;

    for (int i = 0; i < 5; i++)
        dispatch(make_call(false, false), &request.base);
    assert_int_equal(failed, -EPERM);
    assert_non_null(strstr(text, "ListVms is for root and the read_group"));
    assert_non_null(strstr(text, "alice"));
    assert_int_equal(released, 5);
    assert_int_equal(audited, 2);
    assert_false(audited_as_allowed);
}

/* A bridge that was taken over: whatever changes something is refused. */
static void test_who_carries_orders_nothing(void **state)
{
    unsigned refused = 0;

    for (unsigned i = 0; i < api_service->n_methods; i++) {
        const ProtobufCMessageDescriptor *input = api_service->methods[i].input;
        ProtobufCMessage *request = calloc(1, input->sizeof_message);
        struct api_call *call = make_call(true, false);

        assert_non_null(request);
        protobuf_c_message_init(input, request);
        call->caller.may_carry = true;
        if (api_method_at(i)->flags & API_CONTROLS) {
            failed = 0;
            dispatch(call, request);
            assert_int_equal(failed, -EPERM);
            refused++;
        } else
            free(call);
        free(request);
    }
    assert_int_equal(refused, 17);
}

/* Nor do those hand anything in who may only look. */
static void test_who_looks_carries_nothing(void **state)
{
    Vmreclaim__Controller__V1__ApplyDesiredRequest request =
        VMRECLAIM__CONTROLLER__V1__APPLY_DESIRED_REQUEST__INIT;

    dispatch(make_call(true, false), &request.base);
    assert_int_equal(failed, -EPERM);
    assert_non_null(strstr(text, "ApplyDesired is for root and the fleet_group"));
}

static void test_a_change_is_audited_with_its_id(void **state)
{
    Vmreclaim__Controller__V1__CompactVmRequest request =
        VMRECLAIM__CONTROLLER__V1__COMPACT_VM_REQUEST__INIT;

    request.vm = (char *)"nobody";
    dispatch(make_call(true, false), &request.base);
    assert_int_equal(failed, -EPERM);
    assert_non_null(strstr(text, "control_group"));
    assert_false(audited_as_allowed);
    dispatch(make_call(true, true), &request.base);
    assert_int_equal(failed, -ENOENT);
    assert_int_equal(audited, 2);
    assert_true(audited_as_allowed);
    assert_string_equal(audited_method, "Compact");
    assert_int_equal(strlen(audited_action), ACTION_ID_SIZE - 1);
}

/* ---- who goes away ---- */

static void watch(struct api_call *call)
{
    Vmreclaim__Controller__V1__WatchEventsRequest request =
        VMRECLAIM__CONTROLLER__V1__WATCH_EVENTS_REQUEST__INIT;

    dispatch(call, &request.base);
}

/* What changes leave on disk is bounded in bytes, but for root's. */
static void test_changes_are_kept_within_bounds(void **state)
{
    Vmreclaim__Controller__V1__CompactVmRequest request =
        VMRECLAIM__CONTROLLER__V1__COMPACT_VM_REQUEST__INIT;
    struct ttrpc_share share = {.permyriad = 100};
    struct api_call *call;

    user.kept = (struct kept_share){.per_second = 1, .burst = 5000};
    for (unsigned i = 0; i < 5; i++) {
        call = make_call(true, true);
        call->share = &share;
        dispatch(call, &request.base);
        assert_int_equal(failed, i < 2 ? -ENOENT : -ENOSPC);
    }
    assert_non_null(strstr(text, "try again in"));
    assert_int_equal(audited, 2);
    dispatch(make_call(true, true), &request.base);
    assert_int_equal(failed, -ENOENT);
    assert_int_equal(audited, 3);
}

/* A policy's text is kept once more, however short the request is. */
static void test_who_rolls_back_keeps_a_policy(void **state)
{
    Vmreclaim__Controller__V1__RollBackPolicyRequest request =
        VMRECLAIM__CONTROLLER__V1__ROLL_BACK_POLICY_REQUEST__INIT;
    struct ttrpc_share share = {.permyriad = 100};
    struct api_call *call = make_call(true, true);

    request.name = (char *)"night";
    user.kept = (struct kept_share){.per_second = 1, .burst = POLICY_YAML_MAX + 1000};
    call->share = &share;
    dispatch(call, &request.base);
    assert_int_equal(failed, -ENOSPC);
}

static void test_an_abandoned_call_is_over_for_its_handler(void **state)
{
    struct api_call *call = make_call(true, false);

    watch(call);
    assert_int_equal(released, 0);
    assert_false(list_is_empty(&api.watchers));
    api_call_abandon(call);
    assert_true(list_is_empty(&api.watchers));
    assert_int_equal(released, 1);
    assert_int_equal(finished, 0);
}

/* Without on_gone the handler ends the call as usual, for nobody. */
static void test_a_call_that_nobody_waits_for_is_ended_all_the_same(void **state)
{
    static const struct api_method method = {"GetVm", NULL, API_READS};
    struct api_call *call = make_call(true, false);

    call->method = &method;
    api_call_abandon(call);
    assert_int_equal(call->state, API_CALL_ABANDONED);
    assert_int_equal(released, 0);
    api_call_fail(call, -ENOENT, "nobody reads this");
    assert_int_equal(failed, 0);
    assert_int_equal(released, 1);
}

static void test_an_event_reaches_a_watcher(void **state)
{
    const Vmreclaim__Controller__V1__Action record = VMRECLAIM__CONTROLLER__V1__ACTION__INIT;
    struct api_call *call = make_call(true, false);
    struct vm *vm;

    watch(call);
    assert_int_equal(vm_create("web1", VM_SOURCE_FILE, &vm), 0);
    assert_int_equal(supervisor_add_vm(&supervisor, vm, NULL), 0);
    assert_int_equal(sent, 1);
    supervisor_emit(
        &supervisor,
        &(struct vm_event){.vm = vm, .kind = VM_EVENT_ACTION_BEGUN, .text = "", .record = &record});
    assert_int_equal(sent, 1); /* an action is shown when it has ended */
    api_call_abandon(call);
}

/* Each kind is looked up: a request full of them would be a long turn of the loop. */
static void test_kinds_of_events_are_bounded(void **state)
{
    Vmreclaim__Controller__V1__WatchEventsRequest request =
        VMRECLAIM__CONTROLLER__V1__WATCH_EVENTS_REQUEST__INIT;
    static char *kinds[65];
    struct api_call *call = make_call(true, false);

    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
        kinds[i] = (char *)"state";
    request.kinds = kinds;
    request.n_kinds = ARRAY_SIZE(kinds);
    dispatch(call, &request.base);
    assert_int_equal(failed, -EINVAL);
    assert_true(list_is_empty(&api.watchers));
    failed = 0;
    call = make_call(true, false);
    request.n_kinds--;
    dispatch(call, &request.base);
    assert_int_equal(failed, 0);
    api_call_abandon(call);
}

/* Its hypervisor could be had ask its guest. */
static struct vm *add_agentless(void)
{
    static struct intervals intervals;
    struct vm *vm;

    assert_int_equal(vm_create("web1", VM_SOURCE_FILE, &vm), 0);
    assert_int_equal(supervisor_add_vm(&supervisor, vm, NULL), 0);
    supervisor.intervals = &intervals;
    vm->hypervisor.ready = true;
    vm->hypervisor.facts.balloon = ANSWER_YES;
    vm->hypervisor.facts.capabilities =
        DRIVER_CAN_READ_STATISTICS | DRIVER_CAN_SET_STATISTICS_INTERVAL | DRIVER_TELLS_EVENTS;
    assert_null(vm_statistics_why_not(vm));
    return vm;
}

/* The plan of a pulse without an agent sets the hypervisor's interval. */
static void test_who_may_only_look_sets_nothing(void **state)
{
    Vmreclaim__Controller__V1__PulseVmRequest pulse =
        VMRECLAIM__CONTROLLER__V1__PULSE_VM_REQUEST__INIT;
    Vmreclaim__Controller__V1__PlanActionRequest request =
        VMRECLAIM__CONTROLLER__V1__PLAN_ACTION_REQUEST__INIT;
    struct vm *vm = add_agentless();
    struct api_call *call = make_call(true, false);

    request.vm = vm->name;
    request.pulse = &pulse;
    dispatch(call, &request.base);
    assert_null(vm->asking);
    assert_int_equal(failed, -EPERM);
    assert_int_equal(released, 1);
    vm->hypervisor.ready = false;
    supervisor.intervals = NULL;
}

/* ---- a slow reader ---- */

static char directory[] = "/tmp/vmreclaim-calls-XXXXXX";

static void create_store(void)
{
    char path[64];

    strcpy(directory, "/tmp/vmreclaim-calls-XXXXXX");
    assert_non_null(mkdtemp(directory));
    snprintf(path, sizeof(path), "%s/db", directory);
    assert_int_equal(store_create(path, &api.rooms.store), 0);
}

static void destroy_store(void)
{
    static const char *const files[] = {"db", "db-wal", "db-shm"};
    char path[64];

    store_destroy(api.rooms.store);
    for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
        snprintf(path, sizeof(path), "%s/%s", directory, files[i]);
        (void)unlink(path);
    }
    assert_int_equal(rmdir(directory), 0);
}

/* Of a VM that is gone: its records stay. */
static void put_history(void)
{
    for (int i = 0; i < 1000; i++) {
        Vmreclaim__Controller__V1__Waterfall waterfall = VMRECLAIM__CONTROLLER__V1__WATERFALL__INIT;
        waterfall.time_ns = i;
        waterfall.footprint = UINT64_MAX;
        assert_int_equal(store_put_waterfall(api.rooms.store, "web1", &waterfall), 0);
    }
}

static struct api_call *ask_history(void)
{
    Vmreclaim__Controller__V1__GetHistoryRequest request =
        VMRECLAIM__CONTROLLER__V1__GET_HISTORY_REQUEST__INIT;
    struct api_call *call = make_call(true, false);

    request.vm = (char *)"web1";
    request.points = 1000;
    dispatch(call, &request.base);
    return call;
}

/* A history is many messages, and each waits for room. */
static void test_a_history_waits_for_its_reader(void **state)
{
    struct api_call *call;

    create_store();
    put_history();
    room = 3;
    call = ask_history();
    assert_int_equal(sent, 3);
    assert_int_equal(waits_for_room, 1);
    room = 2;
    api_call_drained(call);
    assert_int_equal(sent, 5);
    assert_int_equal(waits_for_room, 2);
    room = UINT_MAX;
    api_call_drained(call);
    assert_int_equal(sent, 8); /* 1000 points, 128 each */
    assert_in_range(largest, 1, 16 * 1024);
    assert_int_equal(finished, 1);
    assert_int_equal(released, 1);
    destroy_store();
}

static void test_a_slow_reader_goes_away(void **state)
{
    struct api_call *call;

    create_store();
    put_history();
    room = 1;
    call = ask_history();
    assert_int_equal(waits_for_room, 1);
    api_call_abandon(call);
    assert_int_equal(released, 1);
    assert_int_equal(finished + sent, 1);
    assert_int_equal(failed, 0);
    destroy_store();
}

#define call_test(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        call_test(test_every_method_is_in_the_table),
        call_test(test_who_may_call_what),
        call_test(test_a_call_is_answered),
        call_test(test_who_reloads_pays_for_it),
        call_test(test_refusals_are_audited_within_bounds),
        call_test(test_who_carries_orders_nothing),
        call_test(test_who_looks_carries_nothing),
        call_test(test_a_change_is_audited_with_its_id),
        call_test(test_changes_are_kept_within_bounds),
        call_test(test_who_rolls_back_keeps_a_policy),
        call_test(test_an_abandoned_call_is_over_for_its_handler),
        call_test(test_a_call_that_nobody_waits_for_is_ended_all_the_same),
        call_test(test_an_event_reaches_a_watcher),
        call_test(test_kinds_of_events_are_bounded),
        call_test(test_who_may_only_look_sets_nothing),
        call_test(test_a_history_waits_for_its_reader),
        call_test(test_a_slow_reader_goes_away),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
