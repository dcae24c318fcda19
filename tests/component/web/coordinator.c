/* A fleet's coordinator with a script: HOSTS hosts, a few rollouts, and names that nobody should
 * give. It prints "ready" when it listens and ends at the end of standard input.
 *
 *   lose N    the first N hosts are lost, and no others
 *   calls     prints "calls N": what it was asked since the last time
 *   close     all connections
 *
 * Host h00001 never said anything, h00002 is hostile, h00003 refused what it is to run, h00004 has
 * no daemon; every other one is well.
 *
 * usage: coordinator ADDRESS HOSTS */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/number.h"
#include "common/base/util.h"
#include "common/transport/transport.h"
#include "common/ttrpc/ttrpc.h"
#include "controller/selectors/host-selector.h"
#include "tests/component/web/coordinator.h"

typedef Vmreclaim__Fleet__V1__FleetHost FleetHost;
typedef Vmreclaim__Fleet__V1__FleetVm FleetVm;
typedef Vmreclaim__Fleet__V1__HostStatus HostStatus;
typedef Vmreclaim__Fleet__V1__VmStatus VmStatus;
typedef Vmreclaim__Fleet__V1__Applied Applied;
typedef Vmreclaim__Fleet__V1__AppliedPolicy AppliedPolicy;
typedef Vmreclaim__Fleet__V1__HostPolicy HostPolicy;

#define PAGE_MAX 500u
#define EVENTS   60u

enum { VMS = 3, CONNECTIONS = 8 };
enum { SILENT = 1, HOSTILE, REFUSED, ALONE };

/* One host, and all that its status points to. */
struct host {
    char id[16], name[40], rack[16];
    char *labels[2];
    HostStatus status;
    Vmreclaim__Controller__V1__Host memory;
    Applied applied;
    AppliedPolicy policy;
    AppliedPolicy *policies[1];
    VmStatus vms[VMS];
    VmStatus *vm_list[VMS];
    char vm_names[VMS][16];
    FleetHost message;
};

static struct host *hosts;
static unsigned lost;
unsigned coordinator_hosts;
unsigned coordinator_calls;
static struct ttrpc_connection *connections[CONNECTIONS];

/* ---- hosts ---- */

static void fill_vms(struct host *host, unsigned number)
{
    for (unsigned i = 0; i < VMS; i++) {
        VmStatus *vm = &host->vms[i];

        vmreclaim__fleet__v1__vm_status__init(vm);
        snprintf(host->vm_names[i], sizeof(host->vm_names[i]), "vm-%u-%u", number, i);
        vm->name = number == HOSTILE ? text(EVIL) : host->vm_names[i];
        vm->uuid = text("5a1d0f7e-0000-4000-8000-000000000001");
        vm->state = text("managed");
        vm->has_agent = i != 1;
        vm->vm_ram = 4 * GIB;
        vm->footprint_is_known = i != 2;
        vm->footprint = i == 2 ? 0 : (2 + i) * GIB;
        vm->could_return = (VMS - i) * 100 * MIB;
        vm->policy = text("night");
        vm->alarm = number == HOSTILE ? text(EVIL) : text("");
        host->vm_list[i] = vm;
    }
}

static void fill_applied(struct host *host, unsigned number)
{
    static uint8_t digest[] = {1, 2, 3, 4};

    vmreclaim__fleet__v1__applied__init(&host->applied);
    vmreclaim__fleet__v1__applied_policy__init(&host->policy);
    host->policy.name = number == HOSTILE ? text(EVIL) : text("night");
    host->policy.digest = (ProtobufCBinaryData){.len = sizeof(digest), .data = digest};
    host->policy.outcome = number == HOSTILE
                               ? VMRECLAIM__FLEET__V1__APPLIED_OUTCOME__APPLIED_PINNED
                               : VMRECLAIM__FLEET__V1__APPLIED_OUTCOME__APPLIED_IN_FORCE;
    host->policy.reason = number == HOSTILE ? text("held by " EVIL) : text("");
    host->policy.rollout = text("4f00aa");
    host->policies[0] = &host->policy;
    host->applied.policies = host->policies;
    host->applied.n_policies = 1;
    host->applied.host = host->id;
    host->applied.generation = number == REFUSED ? 6 : 7;
    host->applied.time_ns = 1790000000000000000;
    if (number == REFUSED) {
        host->applied.refused = text("its signature is none of a key that this host knows");
        host->applied.refused_generation = 7;
    }
}

static void fill_status(struct host *host, unsigned number)
{
    static char *degraded[] = {(char *)"store: " EVIL};
    HostStatus *status = &host->status;

    vmreclaim__fleet__v1__host_status__init(status);
    vmreclaim__controller__v1__host__init(&host->memory);
    snprintf(host->name, sizeof(host->name), "rack%u-%02u.example", number / 20, number % 20);
    snprintf(host->rack, sizeof(host->rack), "rack=%u", number / 20);
    host->labels[0] = host->rack;
    host->labels[1] = number == HOSTILE ? text("role=" EVIL) : text("role=web");
    host->memory.total = 256 * GIB;
    host->memory.available = (uint64_t)(140 - number * 37 % 100) * GIB;
    status->name = number == HOSTILE ? text(EVIL) : host->name;
    status->version = text("0.1.0");
    status->labels = host->labels;
    status->n_labels = 2;
    status->host = &host->memory;
    status->vm_count = VMS;
    status->footprint = (uint64_t)(100 + number * 37 % 100) * GIB;
    status->could_return = (uint64_t)(number % 100) * GIB;
    status->returned = (uint64_t)number * 128 * MIB;
    status->vms = host->vm_list;
    status->n_vms = VMS;
    status->applied = &host->applied;
    if (number == HOSTILE) {
        status->degraded = degraded;
        status->n_degraded = 1;
    }
    if (number == ALONE)
        status->problem = text("no connection to vmreclaimd");
}

static void make_hosts(void)
{
    hosts = calloc(coordinator_hosts + 1, sizeof(*hosts));
    for (unsigned i = 0; i < coordinator_hosts; i++) {
        struct host *host = &hosts[i];

        snprintf(host->id, sizeof(host->id), "h%05u", i);
        fill_vms(host, i);
        fill_applied(host, i);
        fill_status(host, i);
        vmreclaim__fleet__v1__fleet_host__init(&host->message);
        host->message.host = host->id;
        host->message.status = i == SILENT ? NULL : &host->status;
        host->message.age_is_known = i != SILENT;
        host->message.age_ns = i == SILENT ? 0 : 3 * NSEC_PER_SEC;
        host->message.wanted_generation = 7;
        host->message.wanted_is_known = true;
    }
}

static FleetHost *show(unsigned number, bool with_vms)
{
    FleetHost *message = &hosts[number].message;

    message->presence = text(number == SILENT ? "unknown" : number < lost ? "lost" : "present");
    hosts[number].status.n_vms = with_vms ? VMS : 0;
    return message;
}

static bool is_meant(const char *selector, unsigned number)
{
    const struct host_subject subject = {.id = hosts[number].id,
                                         .name = hosts[number].status.name,
                                         .labels = hosts[number].labels,
                                         .label_count = 2};

    return selector[0] == '\0' || host_selector_matches(selector, &subject);
}

/* The first behind the token. */
static unsigned begin_of(const char *token)
{
    unsigned i = 0;

    while (i < coordinator_hosts && token[0] != '\0' && strcmp(hosts[i].id, token) <= 0)
        i++;
    return i;
}

static bool is_good(struct ttrpc_call *call, const char *selector)
{
    struct error error;

    coordinator_calls++;
    if (selector[0] == '\0' || host_selector_check(selector, &error) == 0)
        return true;
    ttrpc_call_fail(call, TTRPC_INVALID_ARGUMENT, "%s", error.text);
    return false;
}

static void list_hosts(struct ttrpc_call *call, const ProtobufCMessage *message, void *userdata)
{
    const Vmreclaim__Fleet__V1__ListHostsRequest *request = (const void *)message;
    Vmreclaim__Fleet__V1__ListHostsResponse response =
        VMRECLAIM__FLEET__V1__LIST_HOSTS_RESPONSE__INIT;
    FleetHost *list[PAGE_MAX];
    size_t most = request->page_size == 0 ? (size_t)PAGE_MAX : min_of(request->page_size, PAGE_MAX);
    unsigned i = begin_of(request->page_token);

    if (!is_good(call, request->selector))
        return;
    for (; i < coordinator_hosts && response.n_hosts < most; i++)
        if (is_meant(request->selector, i))
            list[response.n_hosts++] = show(i, false);
    response.hosts = list;
    if (i < coordinator_hosts)
        response.next_page_token = hosts[i - 1].id;
    ttrpc_call_finish(call, &response.base);
}

/* What became of the fleet's policies on a host. */
static size_t fill_policies(unsigned number, HostPolicy policies[2], HostPolicy *list[2])
{
    static char *selectors[] = {(char *)"label:role=web", (char *)EVIL};

    for (unsigned i = 0; i < 2; i++) {
        vmreclaim__fleet__v1__host_policy__init(&policies[i]);
        policies[i].name = i == 0 ? text("night") : text(EVIL);
        policies[i].state = VMRECLAIM__FLEET__V1__HOST_POLICY_STATE__HOST_POLICY_IN_FORCE;
        policies[i].selectors = selectors;
        policies[i].n_selectors = 2;
        policies[i].rollout = text("4f00aa");
        list[i] = &policies[i];
    }
    if (number == HOSTILE || number == REFUSED) {
        policies[1].state = number == HOSTILE
                                ? VMRECLAIM__FLEET__V1__HOST_POLICY_STATE__HOST_POLICY_PINNED
                                : VMRECLAIM__FLEET__V1__HOST_POLICY_STATE__HOST_POLICY_REFUSED;
        policies[1].reason = text("held by " EVIL);
    }
    return 2;
}

static void get_host_status(struct ttrpc_call *call, const ProtobufCMessage *message,
                            void *userdata)
{
    const Vmreclaim__Fleet__V1__GetHostStatusRequest *request = (const void *)message;
    Vmreclaim__Fleet__V1__GetHostStatusResponse response =
        VMRECLAIM__FLEET__V1__GET_HOST_STATUS_RESPONSE__INIT;
    HostPolicy policies[2], *list[2];

    coordinator_calls++;
    for (unsigned i = 0; i < coordinator_hosts; i++)
        if (strcmp(hosts[i].id, request->host) == 0) {
            response.host = show(i, true);
            response.policies = list;
            response.n_policies = i == SILENT ? 0 : fill_policies(i, policies, list);
            ttrpc_call_finish(call, &response.base);
            return;
        }
    ttrpc_call_fail(call, TTRPC_NOT_FOUND, "no host \"%s\"; see 'vmreclaim fleet hosts'",
                    request->host);
}

static void explain_vm(struct ttrpc_call *call, const ProtobufCMessage *message, void *userdata)
{
    const Vmreclaim__Fleet__V1__ExplainFleetVmRequest *request = (const void *)message;
    Vmreclaim__Fleet__V1__ExplainFleetVmResponse response =
        VMRECLAIM__FLEET__V1__EXPLAIN_FLEET_VM_RESPONSE__INIT;
    Vmreclaim__Fleet__V1__VmExplanation explanation = VMRECLAIM__FLEET__V1__VM_EXPLANATION__INIT;
    Vmreclaim__Controller__V1__Waterfall waterfall = VMRECLAIM__CONTROLLER__V1__WATERFALL__INIT;
    Vmreclaim__Controller__V1__Returns returns = VMRECLAIM__CONTROLLER__V1__RETURNS__INIT;
    Vmreclaim__Controller__V1__HostStep step = VMRECLAIM__CONTROLLER__V1__HOST_STEP__INIT;
    Vmreclaim__Controller__V1__HostStep *steps = &step;
    Vmreclaim__Controller__V1__Obstacle obstacle = VMRECLAIM__CONTROLLER__V1__OBSTACLE__INIT;
    Vmreclaim__Controller__V1__Obstacle *obstacles = &obstacle;
    HostPolicy policies[2], *list[2];

    coordinator_calls++;
    waterfall.host_is_known = waterfall.guest_is_known = true;
    waterfall.footprint = 2 * GIB;
    waterfall.in_use = waterfall.cache = GIB;
    step.name = text("reclaim");
    step.bytes = 300 * MIB;
    obstacle.code = text("vfio");
    returns.steps = &steps;
    returns.obstacles = &obstacles;
    returns.n_steps = returns.n_obstacles = 1;
    returns.bytes = step.bytes;
    explanation.returns = &returns;
    explanation.waterfall = &waterfall;
    explanation.engine_state = explanation.driver_state = text("ready");
    response.host = show(HOSTILE, false);
    response.vm = &hosts[HOSTILE].vms[0];
    response.explanation = &explanation;
    response.policies = list;
    response.n_policies = fill_policies(HOSTILE, policies, list);
    if (strcmp(request->vm, "nobody") == 0)
        ttrpc_call_fail(call, TTRPC_NOT_FOUND, "no VM \"nobody\" on h00002");
    else
        ttrpc_call_finish(call, &response.base);
}

static void fill_policy(Vmreclaim__Fleet__V1__FleetPolicy *policy, const char *name)
{
    vmreclaim__fleet__v1__fleet_policy__init(policy);
    policy->name = text(name);
    policy->rollout = text("4f00aa");
    policy->texts = 1;
    policy->wanted = coordinator_hosts;
    policy->in_force = saturating_subtract(coordinator_hosts, 3) & UINT32_MAX;
    policy->waits = policy->pinned = policy->refused = 1;
}

static void list_policies(struct ttrpc_call *call, const ProtobufCMessage *message, void *userdata)
{
    const Vmreclaim__Fleet__V1__ListFleetPoliciesRequest *request = (const void *)message;
    Vmreclaim__Fleet__V1__ListFleetPoliciesResponse response =
        VMRECLAIM__FLEET__V1__LIST_FLEET_POLICIES_RESPONSE__INIT;
    Vmreclaim__Fleet__V1__FleetPolicy policies[2];
    Vmreclaim__Fleet__V1__FleetPolicy *list[] = {&policies[0], &policies[1]};

    if (!is_good(call, request->selector))
        return;
    fill_policy(&policies[0], EVIL);
    fill_policy(&policies[1], "night");
    response.policies = list;
    response.n_policies = 2;
    ttrpc_call_finish(call, &response.base);
}

static void get_policy(struct ttrpc_call *call, const ProtobufCMessage *message, void *userdata)
{
    const Vmreclaim__Fleet__V1__GetFleetPolicyRequest *request = (const void *)message;
    Vmreclaim__Fleet__V1__GetFleetPolicyResponse response =
        VMRECLAIM__FLEET__V1__GET_FLEET_POLICY_RESPONSE__INIT;
    Vmreclaim__Fleet__V1__FleetPolicy policy;
    Vmreclaim__Fleet__V1__FleetPolicyText one = VMRECLAIM__FLEET__V1__FLEET_POLICY_TEXT__INIT;
    Vmreclaim__Fleet__V1__FleetPolicyHost host = VMRECLAIM__FLEET__V1__FLEET_POLICY_HOST__INIT;
    Vmreclaim__Fleet__V1__FleetPolicyText *texts[] = {&one};
    Vmreclaim__Fleet__V1__FleetPolicyHost *list[] = {&host};

    if (!is_good(call, request->selector))
        return;
    fill_policy(&policy, request->name);
    one.hosts = coordinator_hosts;
    one.rollout = text("4f00aa");
    one.text = text("name: night\n# " EVIL "\n");
    host.host = hosts[HOSTILE].id;
    host.host_name = text(EVIL);
    host.state = VMRECLAIM__FLEET__V1__HOST_POLICY_STATE__HOST_POLICY_PINNED;
    host.reason = text("held by " EVIL);
    response.policy = &policy;
    response.texts = texts;
    response.n_texts = 1;
    response.hosts = list;
    response.n_hosts = 1;
    ttrpc_call_finish(call, &response.base);
}

static void list_vms(struct ttrpc_call *call, const ProtobufCMessage *message, void *userdata)
{
    const Vmreclaim__Fleet__V1__ListFleetVmsRequest *request = (const void *)message;
    Vmreclaim__Fleet__V1__ListFleetVmsResponse response =
        VMRECLAIM__FLEET__V1__LIST_FLEET_VMS_RESPONSE__INIT;
    FleetVm vms[PAGE_MAX];
    FleetVm *list[PAGE_MAX];
    unsigned i = begin_of(request->page_token);

    if (!is_good(call, request->selector))
        return;
    for (; i < coordinator_hosts && response.n_vms + VMS <= PAGE_MAX; i++)
        for (unsigned k = 0; (request->most == 0 || response.n_vms < request->most) && k < VMS &&
                             is_meant(request->selector, i) && i != SILENT;
             k++) {
            FleetVm *vm = &vms[response.n_vms];

            vmreclaim__fleet__v1__fleet_vm__init(vm);
            vm->host = hosts[i].id;
            vm->host_name = hosts[i].status.name;
            vm->vm = &hosts[i].vms[k];
            list[response.n_vms++] = vm;
        }
    response.vms = list;
    if (i < coordinator_hosts && request->most == 0)
        response.next_page_token = hosts[i - 1].id;
    ttrpc_call_finish(call, &response.base);
}

static void get_coordinator(struct ttrpc_call *call, const ProtobufCMessage *message,
                            void *userdata)
{
    Vmreclaim__Fleet__V1__GetCoordinatorResponse response =
        VMRECLAIM__FLEET__V1__GET_COORDINATOR_RESPONSE__INIT;

    coordinator_calls++;
    response.version = text("0.1.0");
    response.leader = text("other-" EVIL);
    response.epoch = 3;
    response.bus_is_there = true;
    response.hosts = coordinator_hosts;
    response.hosts_lost = lost;
    response.rollouts = 2;
    ttrpc_call_finish(call, &response.base);
}

/* ---- events ---- */

/* The newest first, of each host one: something was done, or of every third nothing but said. */
static void list_events(struct ttrpc_call *call, const ProtobufCMessage *message, void *userdata)
{
    const Vmreclaim__Fleet__V1__ListFleetEventsRequest *request = (const void *)message;
    Vmreclaim__Fleet__V1__ListFleetEventsResponse response =
        VMRECLAIM__FLEET__V1__LIST_FLEET_EVENTS_RESPONSE__INIT;
    static Vmreclaim__Fleet__V1__HeardEvent heard[EVENTS], *list[EVENTS];
    static Vmreclaim__Fleet__V1__FleetEvent events[EVENTS];
    static Vmreclaim__Fleet__V1__FleetAction actions[EVENTS];
    size_t most = request->page_size == 0 ? (size_t)EVENTS : request->page_size;

    if (!is_good(call, request->selector))
        return;
    for (unsigned i = 0; i < min_of(coordinator_hosts, EVENTS) && response.n_events < most; i++) {
        vmreclaim__fleet__v1__heard_event__init(&heard[i]);
        vmreclaim__fleet__v1__fleet_event__init(&events[i]);
        vmreclaim__fleet__v1__fleet_action__init(&actions[i]);
        actions[i].id = actions[i].kind = text("compact");
        actions[i].asked_by = text("policy");
        actions[i].outcome = text("done");
        actions[i].returned_is_known = true;
        actions[i].returned = (int64_t)(300 * MIB);
        events[i].id = text("h/1/ended");
        events[i].time_ns = 1790000000000000000 - (int64_t)(i * NSEC_PER_SEC);
        events[i].kind = i % 3 == 0 ? text("gap") : text("action");
        events[i].vm = i == HOSTILE ? text(EVIL) : text("web1");
        events[i].text = i == HOSTILE ? text("compact " EVIL) : text("compact: 300 MiB came back");
        events[i].action = i % 3 == 0 ? NULL : &actions[i];
        heard[i].host = hosts[i].id;
        heard[i].host_name = hosts[i].status.name;
        heard[i].sequence = EVENTS - i;
        heard[i].event = &events[i];
        if (is_meant(request->selector, i))
            list[response.n_events++] = &heard[i];
    }
    response.events = list;
    ttrpc_call_finish(call, &response.base);
}

/* ---- connections ---- */

static ttrpc_handler handlers[64];
static struct ttrpc_service service = {
    .descriptor = &vmreclaim__fleet__v1__fleet__descriptor,
    .handlers = handlers,
};

static void serve(const char *method, ttrpc_handler handler)
{
    for (unsigned i = 0; i < service.descriptor->n_methods; i++)
        if (strcmp(service.descriptor->methods[i].name, method) == 0)
            handlers[i] = handler;
}

static void on_close(struct ttrpc_connection *connection, int status, const char *reason,
                     void *userdata)
{
    for (unsigned i = 0; i < CONNECTIONS; i++)
        if (connections[i] == connection)
            connections[i] = NULL;
}

static void on_accept(int descriptor, const struct peer *peer, void *userdata)
{
    static const struct ttrpc_service *const services[] = {&service, NULL};
    struct ttrpc_connection_options options = {
        .limits = ttrpc_limits_default, .services = services, .on_close = on_close};

    options.limits.queued_bytes = 64 * MIB;
    for (unsigned i = 0; i < CONNECTIONS; i++)
        if (connections[i] == NULL) {
            (void)ttrpc_connection_create(userdata, descriptor, &options, &connections[i]);
            return;
        }
    (void)close(descriptor);
}

static void obey(const char *line)
{
    unsigned number;

    if (sscanf(line, "lose %u", &number) == 1)
        lost = number;
    else if (strcmp(line, "calls\n") == 0) {
        printf("calls %u\n", coordinator_calls);
        (void)fflush(stdout);
        coordinator_calls = 0;
    } else if (strcmp(line, "close\n") == 0)
        for (unsigned i = 0; i < CONNECTIONS; i++)
            if (connections[i] != NULL)
                ttrpc_connection_close(connections[i]);
}

/* A line at a time, as its writer waits. */
static void on_input(uv_poll_t *poll, int status, int events)
{
    char line[64];
    ssize_t n = read(STDIN_FILENO, line, sizeof(line) - 1);

    if (n <= 0) {
        uv_stop(poll->loop);
        return;
    }
    line[n] = '\0';
    obey(line);
}

int main(int argc, char **argv)
{
    uv_loop_t *loop = uv_default_loop();
    struct listener *listener;
    struct address address;
    struct error error;
    uv_poll_t input;

    if (argc != 3)
        return 2;
    coordinator_hosts = (unsigned)strtoul(argv[2], NULL, 10);
    make_hosts();
    coordinator_make_rollouts();
    serve("GetCoordinator", get_coordinator);
    serve("ListHosts", list_hosts);
    serve("GetHostStatus", get_host_status);
    serve("ExplainFleetVm", explain_vm);
    serve("ListFleetPolicies", list_policies);
    serve("GetFleetPolicy", get_policy);
    serve("ListFleetVms", list_vms);
    serve("ListRollouts", coordinator_list_rollouts);
    serve("ListRolloutHistory", coordinator_list_rollout_history);
    serve("ListFleetEvents", list_events);
    if (address_parse(argv[1], &address, &error) < 0 ||
        listener_create(loop, &address, 0600, on_accept, loop, &listener, &error) < 0) {
        fprintf(stderr, "%s\n", error.text);
        return 1;
    }
    (void)uv_poll_init(loop, &input, STDIN_FILENO);
    (void)uv_poll_start(&input, UV_READABLE | UV_DISCONNECT, on_input);
    puts("ready");
    (void)fflush(stdout);
    uv_run(loop, UV_RUN_DEFAULT);
    listener_destroy(listener);
    return 0;
}
