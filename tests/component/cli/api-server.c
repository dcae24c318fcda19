/* An API server with a script instead of VMs: the name of the VM in a request says what is
 * answered. It prints "ready" when it listens and ends at end of standard input.
 *
 *   web1, web2   a settled VM          missing   NOT_FOUND         denied   PERMISSION_DENIED
 *   silent       never an answer       vanish    closes the connection
 *   away         UNAVAILABLE           slow      an action stopped at its time limit
 *   forbidden    an action the guest's policy forbids
 *   fresh, left  the guest counts 2 GiB as free that it never touched; that have left the host
 *   hostile      text with terminal escapes and bad UTF-8
 *   wordy        a history of megabytes
 *   echo         an action whose `why` is the request, field by field
 *
 * usage: test-api-server ADDRESS [VMS]: with a number, the list has so many, see
 * api-server-crowd.c */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/number.h"
#include "common/transport/transport.h"
#include "common/ttrpc/ttrpc.h"
#include "controller.pb-c.h"
#include "tests/component/cli/api-server.h"

typedef Vmreclaim__Controller__V1__Vm Vm;
typedef Vmreclaim__Controller__V1__Waterfall Waterfall;
typedef Vmreclaim__Controller__V1__Action Action;
typedef Vmreclaim__Controller__V1__Finding Finding;
typedef Vmreclaim__Agent__V1__MemorySample MemorySample;

static struct ttrpc_connection *last_connection;

/* A call that is never answered still ends some day. */
static void forget(struct ttrpc_call *call, void *userdata)
{
}

bool play(struct ttrpc_call *call, const char *vm)
{
    if (strcmp(vm, "missing") == 0)
        ttrpc_call_fail(call, TTRPC_NOT_FOUND, "no VM \"missing\"; did you mean \"web1\"?");
    else if (strcmp(vm, "denied") == 0)
        ttrpc_call_fail(call, TTRPC_PERMISSION_DENIED, "you may read, not control");
    else if (strcmp(vm, "away") == 0)
        ttrpc_call_fail(call, TTRPC_UNAVAILABLE, "away: no agent is connected");
    else if (strcmp(vm, "vanish") == 0 || strcmp(vm, "silent") == 0)
        ttrpc_call_on_cancel(call, forget, NULL);
    else
        return false;
    if (strcmp(vm, "vanish") == 0)
        ttrpc_connection_close(last_connection);
    return true;
}

static MemorySample sample = VMRECLAIM__AGENT__V1__MEMORY_SAMPLE__INIT;
static Waterfall waterfall = VMRECLAIM__CONTROLLER__V1__WATERFALL__INIT;

static void fill_waterfall(void)
{
    sample.anon = 300 * MIB;
    sample.shmem = 112 * MIB;
    waterfall.footprint = 2048 * MIB;
    waterfall.vm_ram = 4096 * MIB;
    waterfall.in_use = 412 * MIB;
    waterfall.unmanaged = 100 * MIB;
    waterfall.cache = 1024 * MIB;
    waterfall.trapped = 500 * MIB;
    waterfall.percpu = 12 * MIB;
    waterfall.reported = 2048 * MIB;
    waterfall.host_is_known = true;
    waterfall.guest_is_known = true;
    waterfall.reported_is_known = true;
    waterfall.balloon_is_known = true;
    waterfall.footprint_source = (char *)"memfd";
    waterfall.guest = &sample;
}

/* What a guest could say: DEL, a C1 control, and text that is turned around. */
#define TURNED "del\x7f csi\xc2\x9b turned\xe2\x80\xae"

/* And that tries to be a line of its own. */
#define HOSTILE "\x1b[31mred\xff \x1b]0;owned\x07 " TURNED "\n12:00:00.000  web1  forged"

/* An agent, and no hypervisor that anybody knows; its kernel shows no marks. */
static Waterfall *agent_only(void)
{
    static Waterfall alone = VMRECLAIM__CONTROLLER__V1__WATERFALL__INIT;

    alone.guest_is_known = true;
    alone.in_use = 412 * MIB;
    alone.cache = 1024 * MIB;
    alone.reportable = 512 * MIB;
    alone.guest = &sample;
    return &alone;
}

/* A hypervisor that was found by its process, and that nobody can ask. */
static Waterfall *process_only(void)
{
    static Waterfall found = VMRECLAIM__CONTROLLER__V1__WATERFALL__INIT;

    found.host_is_known = true;
    found.footprint = 512 * MIB;
    return &found;
}

static Waterfall *waterfall_of(const char *name)
{
    static Waterfall absent;

    if (strcmp(name, "found") == 0)
        return process_only();
    if (strcmp(name, "alone") == 0)
        return agent_only();
    if (strcmp(name, "fresh") != 0 && strcmp(name, "left") != 0)
        return &waterfall;
    /* Half of the VM is free by the guest's account, and not on the host. */
    absent = waterfall;
    absent.reported = 0;
    absent.reportable = 2048 * MIB;
    absent.remainder = -(int64_t)(2048 * MIB);
    return &absent;
}

static void fill_vm(Vm *vm, const char *name)
{
    static Vmreclaim__Controller__V1__HostFacts host;

    vmreclaim__controller__v1__vm__init(vm);
    vm->name = (char *)name;
    vm->state = (char *)(strcmp(name, "hostile") == 0 ? HOSTILE : "managed");
    vm->cid = 5;
    vm->agent_connected = 1;
    vm->announced = 1;
    vm->agent_version = (char *)"0.1.0";
    vm->policy = (char *)"balanced";
    vm->policy_revision = 3;
    vm->waterfall = waterfall_of(name);
    vmreclaim__controller__v1__host_facts__init(&host);
    if (strcmp(name, "starved") == 0)
        vm->alarm = (char *)"the guest is short of memory (1 OOM kill)";
    if (strcmp(name, "alone") == 0)
        vm->driver_state = (char *)"its hypervisor is not known";
    host.touched = strcmp(name, "left") == 0 ? 4000 * MIB : 2048 * MIB;
    vm->host = &host;
}

/* Of one that could give something back, and of one that could not. */
static void fill_returns(Vmreclaim__Controller__V1__Returns returns[2])
{
    static Vmreclaim__Controller__V1__HostStep steps[2];
    static Vmreclaim__Controller__V1__HostStep *pointers[] = {&steps[0], &steps[1]};

    vmreclaim__controller__v1__host_step__init(&steps[0]);
    steps[0].name = (char *)"report";
    steps[0].bytes = 64 * MIB;
    vmreclaim__controller__v1__host_step__init(&steps[1]);
    steps[1].name = (char *)"reclaim";
    steps[1].bytes = 960 * MIB;
    vmreclaim__controller__v1__returns__init(&returns[0]);
    returns[0].steps = pointers;
    returns[0].n_steps = ARRAY_SIZE(pointers);
    returns[0].bytes = GIB;
    vmreclaim__controller__v1__returns__init(&returns[1]);
    returns[1].reason = (char *)"what the host holds for it is not known";
}

static bool fails_to_list;

/* In two pages, for who asks for pages. */
static void list_vms(struct ttrpc_call *call, const ProtobufCMessage *message, void *userdata)
{
    const Vmreclaim__Controller__V1__ListVmsRequest *request = (const void *)message;
    Vmreclaim__Controller__V1__ListVmsResponse response =
        VMRECLAIM__CONTROLLER__V1__LIST_VMS_RESPONSE__INIT;
    static char *front[] = {(char *)"tier=front", (char *)"env=test"};
    Vmreclaim__Controller__V1__Returns returns[2];
    Vm vms[3];
    Vm *pointers[] = {&vms[0], &vms[1], &vms[2]};

    if (fails_to_list) {
        ttrpc_call_fail(call, TTRPC_UNAVAILABLE, "the VMs cannot be listed");
        return;
    }
    if (crowd_size > 0) {
        list_crowd(call);
        return;
    }
    fill_vm(&vms[0], "web1");
    fill_vm(&vms[1], "web2");
    vms[1].waterfall = NULL;
    vms[0].labels = front;
    vms[0].n_labels = ARRAY_SIZE(front);
    fill_vm(&vms[2], "alone");
    fill_returns(returns);
    if (request->with_returns) {
        vms[0].returns = &returns[0];
        vms[2].returns = &returns[1];
    }
    response.vms = pointers;
    response.n_vms = 2;
    response.next_page_token = (char *)"web2";
    if (strcmp(request->page_token, "web2") == 0) {
        response.vms = &pointers[2];
        response.n_vms = 1;
        response.next_page_token = (char *)"";
    } else if (request->page_size == 0) {
        response.n_vms = 3;
        response.next_page_token = (char *)"";
    } else if (request->page_token[0] != '\0') {
        ttrpc_call_fail(call, TTRPC_INVALID_ARGUMENT, "not a page: \"%s\"", request->page_token);
        return;
    }
    ttrpc_call_finish(call, &response.base);
}

static void get_vm(struct ttrpc_call *call, const ProtobufCMessage *message, void *userdata)
{
    const Vmreclaim__Controller__V1__GetVmRequest *request = (const void *)message;
    Vmreclaim__Controller__V1__GetVmResponse response =
        VMRECLAIM__CONTROLLER__V1__GET_VM_RESPONSE__INIT;
    Vmreclaim__Agent__V1__GetInfoResponse info = VMRECLAIM__AGENT__V1__GET_INFO_RESPONSE__INIT;
    Vm vm;

    if (play(call, request->vm))
        return;
    fill_vm(&vm, request->vm);
    response.vm = &vm;
    if (strcmp(request->vm, "alone") == 0) {
        info.page_size = 4096;
        response.info = &info;
    }
    ttrpc_call_finish(call, &response.base);
}

static void explain(struct ttrpc_call *call, const ProtobufCMessage *message, void *userdata)
{
    const Vmreclaim__Controller__V1__ExplainRequest *request = (const void *)message;
    Vmreclaim__Controller__V1__ExplainResponse response =
        VMRECLAIM__CONTROLLER__V1__EXPLAIN_RESPONSE__INIT;
    Finding holds = VMRECLAIM__CONTROLLER__V1__FINDING__INIT;
    Finding can = VMRECLAIM__CONTROLLER__V1__FINDING__INIT;
    Finding *findings[] = {&holds, &can};
    Vm vm;

    if (play(call, request->vm))
        return;
    fill_vm(&vm, request->vm);
    holds.code = (char *)"cache";
    holds.kind = VMRECLAIM__CONTROLLER__V1__FINDING_KIND__FINDING_KIND_HOLDS;
    holds.sentence = (char *)"1.0 GiB is file cache.";
    can.code = (char *)"cache";
    can.kind = VMRECLAIM__CONTROLLER__V1__FINDING_KIND__FINDING_KIND_CAN_DO;
    can.sentence = (char *)"Take it now.";
    can.command = (char *)"vmreclaim reclaim web1";
    response.vm = &vm;
    response.findings = findings;
    response.n_findings = 2;
    ttrpc_call_finish(call, &response.base);
}

static void list_ranges(struct ttrpc_call *call, const ProtobufCMessage *message, void *userdata)
{
    const Vmreclaim__Controller__V1__ListRangesRequest *request = (const void *)message;

    if (play(call, request->vm))
        return;
    for (uint64_t i = 0; i < 2; i++) {
        Vmreclaim__Controller__V1__ListRangesResponse response =
            VMRECLAIM__CONTROLLER__V1__LIST_RANGES_RESPONSE__INIT;
        Vmreclaim__Agent__V1__Range range = VMRECLAIM__AGENT__V1__RANGE__INIT;
        Vmreclaim__Agent__V1__Range *ranges[] = {&range};
        range.start = i * GIB;
        range.length = (i + 1) * 2 * MIB;
        range.state = i == 0 ? VMRECLAIM__AGENT__V1__RANGE_STATE__RANGE_STATE_REPORTED
                             : VMRECLAIM__AGENT__V1__RANGE_STATE__RANGE_STATE_REPORTABLE;
        response.ranges = ranges;
        response.n_ranges = 1;
        (void)ttrpc_call_send(call, &response.base);
    }
    ttrpc_call_finish(call, NULL);
}

static void ping_vm(struct ttrpc_call *call, const ProtobufCMessage *message, void *userdata)
{
    const Vmreclaim__Controller__V1__PingVmRequest *request = (const void *)message;
    Vmreclaim__Controller__V1__PingVmResponse response =
        VMRECLAIM__CONTROLLER__V1__PING_VM_RESPONSE__INIT;

    if (play(call, request->vm))
        return;
    response.round_trip_ns = 1250000;
    response.guest_boottime_ns = 60 * NSEC_PER_SEC;
    ttrpc_call_finish(call, &response.base);
}

/* Three events and the end; "vanish" goes away after the first. */
static void watch_events(struct ttrpc_call *call, const ProtobufCMessage *message, void *userdata)
{
    const Vmreclaim__Controller__V1__WatchEventsRequest *request = (const void *)message;
    static const char *const kinds[] = {"connected", "sample", "action"};

    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        Vmreclaim__Controller__V1__Event event = VMRECLAIM__CONTROLLER__V1__EVENT__INIT;
        event.sequence = i + 1;
        event.time_ns = 1700000000000000000;
        event.vm = (char *)"web1";
        event.kind = (char *)kinds[i];
        event.text = (char *)(i == 0 ? "agent 0.1.0 " HOSTILE : "");
        event.waterfall = i == 1 ? &waterfall : NULL;
        (void)ttrpc_call_send(call, &event.base);
        if (play(call, request->vm))
            return;
    }
    ttrpc_call_finish(call, NULL);
}

static void get_history(struct ttrpc_call *call, const ProtobufCMessage *message, void *userdata)
{
    static char words[3 * MIB];
    const Vmreclaim__Controller__V1__GetHistoryRequest *request = (const void *)message;
    Vmreclaim__Controller__V1__GetHistoryResponse response =
        VMRECLAIM__CONTROLLER__V1__GET_HISTORY_RESPONSE__INIT;
    Waterfall points[2] = {waterfall, waterfall};
    Waterfall *pointers[] = {&points[0], &points[1]};
    Action action;
    Action *actions[] = {&action};

    if (play(call, request->vm))
        return;
    fill_action(&action);
    if (strcmp(request->vm, "web3") == 0)
        action.footprint_before = 0;
    points[1].time_ns = action.started_ns + 60 * (int64_t)NSEC_PER_SEC;
    points[0] = *waterfall_of(request->vm);
    points[0].time_ns = action.started_ns - 60 * (int64_t)NSEC_PER_SEC;
    points[1].guest_is_known = 0;
    response.points = pointers;
    response.n_points = strcmp(request->vm, "web2") == 0 ? 0 : 2;
    response.actions = actions;
    response.n_actions = strcmp(request->vm, "web2") == 0 ? 0 : 1;
    if (strcmp(request->vm, "wordy") == 0)
        action.why = (char *)memset(words, 'x', sizeof(words) - 1);
    response.actions_left_out = request->actions == 1;
    (void)ttrpc_call_send(call, &response.base);
    ttrpc_call_finish(call, NULL);
}

/* A policy is pinned, and a newer state was refused. */
static Vmreclaim__Fleet__V1__Applied *fleet_applied(void)
{
    static uint8_t key[] = {0xd7, 0x5a, 0x98, 1, 0x82, 0xb1, 0x0a, 0xb7};
    static Vmreclaim__Fleet__V1__AppliedPolicy policies[2];
    static Vmreclaim__Fleet__V1__AppliedPolicy *pointers[] = {&policies[0], &policies[1]};
    static Vmreclaim__Fleet__V1__Applied applied;

    vmreclaim__fleet__v1__applied__init(&applied);
    for (size_t i = 0; i < ARRAY_SIZE(policies); i++)
        vmreclaim__fleet__v1__applied_policy__init(&policies[i]);
    policies[0].name = (char *)"web";
    policies[0].outcome = VMRECLAIM__FLEET__V1__APPLIED_OUTCOME__APPLIED_IN_FORCE;
    policies[1].name = (char *)"db";
    policies[1].outcome = VMRECLAIM__FLEET__V1__APPLIED_OUTCOME__APPLIED_PINNED;
    policies[1].reason = (char *)"alice made policy db on this host";
    applied.host = (char *)"rack7-12";
    applied.generation = 7;
    applied.key = (ProtobufCBinaryData){sizeof(key), key};
    applied.refused = (char *)"desired state 6 is older than 7";
    applied.policies = pointers;
    applied.n_policies = ARRAY_SIZE(policies);
    return &applied;
}

static void get_status(struct ttrpc_call *call, const ProtobufCMessage *message, void *userdata)
{
    Vmreclaim__Controller__V1__GetStatusResponse response =
        VMRECLAIM__CONTROLLER__V1__GET_STATUS_RESPONSE__INIT;
    Vmreclaim__Controller__V1__Degradation store = VMRECLAIM__CONTROLLER__V1__DEGRADATION__INIT;
    Vmreclaim__Controller__V1__Degradation *degraded[] = {&store};

    response.version = (char *)"0.1.0";
    response.vms = 2;
    response.agents = 1;
    response.refused_agents = 4;
    response.store_path = (char *)"/var/lib/vmreclaim/store.sqlite";
    response.store_pending = 3;
    store.part = (char *)"store";
    store.reason = (char *)"the disk is full";
    response.degraded = degraded;
    response.n_degraded = 1;
    response.fleet = fleet_applied();
    ttrpc_call_finish(call, &response.base);
}

static void dump_state(struct ttrpc_call *call, const ProtobufCMessage *message, void *userdata)
{
    static const char *const pieces[] = {"{\"vms\":[1,", "\"" TURNED "\"]}"};

    for (size_t i = 0; i < ARRAY_SIZE(pieces); i++) {
        Vmreclaim__Controller__V1__DumpStateResponse response =
            VMRECLAIM__CONTROLLER__V1__DUMP_STATE_RESPONSE__INIT;
        response.text.data = (uint8_t *)pieces[i];
        response.text.len = strlen(pieces[i]);
        (void)ttrpc_call_send(call, &response.base);
    }
    ttrpc_call_finish(call, NULL);
}

static void reload(struct ttrpc_call *call, const ProtobufCMessage *message, void *userdata)
{
    Vmreclaim__Controller__V1__ReloadResponse response =
        VMRECLAIM__CONTROLLER__V1__RELOAD_RESPONSE__INIT;
    Vmreclaim__Controller__V1__Degradation file = VMRECLAIM__CONTROLLER__V1__DEGRADATION__INIT;
    Vmreclaim__Controller__V1__Degradation *problems[] = {&file};
    static unsigned calls;

    file.part = (char *)"vms:b.yaml";
    file.reason = (char *)"vms/b.yaml: cid 9 is already given in vms/a.yaml";
    response.vms = 2;
    response.problems = problems;
    response.n_problems = calls++ < 2 ? 1 : 0;
    response.omitted = calls == 1 ? 3 : 0;
    ttrpc_call_finish(call, &response.base);
}

/* Nothing would be done, of what it says. */
static void plan_action(struct ttrpc_call *call, const ProtobufCMessage *message, void *userdata)
{
    const Vmreclaim__Controller__V1__PlanActionRequest *request = (const void *)message;
    Vmreclaim__Controller__V1__PlanActionResponse response =
        VMRECLAIM__CONTROLLER__V1__PLAN_ACTION_RESPONSE__INIT;

    if (play(call, request->vm))
        return;
    response.vm = request->vm;
    response.reason = (char *)(request->compact != NULL   ? "compact"
                               : request->reclaim != NULL ? "reclaim"
                               : request->balloon != NULL ? "balloon"
                               : request->pulse != NULL   ? "pulse"
                                                          : "squeeze");
    ttrpc_call_finish(call, &response.base);
}

#define METHODS(X)                                                                                 \
    X("ListVms", list_vms, false)                                                                  \
    X("GetVm", get_vm, false)                                                                      \
    X("GetHost", get_host, false)                                                                  \
    X("GetPlan", get_plan, false)                                                                  \
    X("PlanAction", plan_action, false)                                                            \
    X("Explain", explain, false)                                                                   \
    X("Diagnose", diagnose, false)                                                                 \
    X("Compact", compact, false)                                                                   \
    X("Reclaim", reclaim, false)                                                                   \
    X("SetReporting", set_reporting, false)                                                        \
    X("ListRanges", list_ranges, true)                                                             \
    X("ApplyPolicy", apply_policy, false)                                                          \
    X("PingVm", ping_vm, false)                                                                    \
    X("WatchEvents", watch_events, true)                                                           \
    X("ListPolicies", list_policies, false)                                                        \
    X("ListPolicyRevisions", list_revisions, false)                                                \
    X("GetPolicy", get_policy, false)                                                              \
    X("RollBackPolicy", roll_back, false)                                                          \
    X("UnassignPolicy", unassign, false)                                                           \
    X("GetEffectivePolicy", get_effective, false)                                                  \
    X("SetBalloon", set_balloon, false)                                                            \
    X("ReleaseBalloon", release_balloon, false)                                                    \
    X("SqueezeVms", squeeze_vms, true)                                                             \
    X("ReserveMemory", reserve_memory, true)                                                       \
    X("ListReservations", list_reservations, false)                                                \
    X("ReleaseReservation", release_reservation, false)                                            \
    X("VerifyAction", verify_action, false)                                                        \
    X("ListActions", list_actions, false)                                                          \
    X("GetHistory", get_history, true)                                                             \
    X("GetStatus", get_status, false)                                                              \
    X("DumpState", dump_state, true)                                                               \
    X("Reload", reload, false)

static ttrpc_handler handlers[64];
static struct ttrpc_service service = {
    .descriptor = &vmreclaim__controller__v1__controller__descriptor,
    .handlers = handlers,
};

static void serve(const char *method, ttrpc_handler handler, bool streams)
{
    for (unsigned i = 0; i < service.descriptor->n_methods; i++) {
        if (strcmp(service.descriptor->methods[i].name, method) != 0)
            continue;
        handlers[i] = handler;
        service.streams |= (uint64_t)streams << i;
        return;
    }
    fprintf(stderr, "no method %s\n", method);
    exit(1);
}

static void on_close(struct ttrpc_connection *connection, int status, const char *reason,
                     void *userdata)
{
    if (last_connection == connection)
        last_connection = NULL;
}

static void on_accept(int descriptor, const struct peer *peer, void *userdata)
{
    static const struct ttrpc_service *const services[] = {&service, NULL};
    struct ttrpc_connection_options options = {
        .limits = ttrpc_limits_default, .services = services, .on_close = on_close};

    options.limits.frame_bytes = 4u << 20;
    options.limits.queued_bytes = 16 * MIB;
    (void)ttrpc_connection_create(userdata, descriptor, &options, &last_connection);
}

static void on_input_end(uv_poll_t *poll, int status, int events)
{
    uv_stop(poll->loop);
}

int main(int argc, char **argv)
{
    uv_loop_t *loop = uv_default_loop();
    struct listener *listener;
    struct address address;
    struct error error;
    uv_poll_t input;

    if (argc != 2 && argc != 3)
        return 2;
    crowd_size = argc == 3 ? (unsigned)atoi(argv[2]) : 0;
    fails_to_list = argc == 3 && strcmp(argv[2], "no-vms") == 0;
    fill_waterfall();
#define SERVE(method, handler, streams) serve(method, handler, streams);
    METHODS(SERVE)
    if (address_parse(argv[1], &address, &error) < 0 ||
        listener_create(loop, &address, 0600, on_accept, loop, &listener, &error) < 0) {
        fprintf(stderr, "%s\n", error.text);
        return 1;
    }
    (void)uv_poll_init(loop, &input, 0);
    (void)uv_poll_start(&input, UV_READABLE | UV_DISCONNECT, on_input_end);
    puts("ready");
    (void)fflush(stdout);
    uv_run(loop, UV_RUN_DEFAULT);
    listener_destroy(listener);
    return 0;
}
