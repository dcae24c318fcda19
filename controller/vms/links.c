/* Connections of agents. */
#include "controller/vms/links.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/random.h"
#include "common/base/text.h"
#include "common/base/util.h"
#include "common/transport/transport.h"
#include "controller/vms/agent.h"
#include "controller/vms/life.h"
#include "controller/vms/measured.h"

#define PING_TIMEOUT  (3 * NSEC_PER_SEC) /* a guest that is starved of its processor is not dead */
#define DIAL_TIMEOUT  (2 * NSEC_PER_SEC)
#define ORDER_TIMEOUT (10 * NSEC_PER_SEC)
#define DEBT_MAX      (5 * NSEC_PER_SEC)
#define CID_FIRST     3
#define HYBRID_PORT   1017

static bool is_current(const struct vm *vm, const struct agent_link *link)
{
    return vm->links.agent == link;
}

static const char *defined_agent(const struct vm *vm)
{
    return vm->sources.definition == NULL ? NULL : vm->sources.definition->agent;
}

static bool is_dialled(const struct vm *vm)
{
    return defined_agent(vm) != NULL ||
           (vm->hypervisor.known && vm->hypervisor.facts.hybrid_vsock[0] != '\0');
}

static void check(const struct vm *vm)
{
    const struct vm_links *links = &vm->links;
    unsigned kept = (links->agent != NULL ? 1u : 0u) + (links->candidate != NULL ? 1u : 0u);

    assert(links->candidate == NULL || links->agent != NULL);
    assert(links->candidate == NULL || links->candidate != links->agent);
    assert(links->ping == NULL || links->candidate != NULL);
    assert(!links->late || links->agent != NULL);
    assert(links->open >= kept);
}

/* ---- the link that counts ---- */

/* `link` counts from now on. */
static void become_agent(struct vm *vm, struct agent_link *link, bool is_dialled)
{
    bool is_vouched_for = is_dialled || vm_cid_is_vouched_for(vm);
    int order = is_vouched_for ? supervisor_lowest_order(vm->supervisor, vm) : -1;
    int r;

    assert(vm->links.agent == NULL || vm->links.agent == link);
    vm->links.agent = link;
    vm->links.agent_is_dialled = is_dialled;
    vm->links.late = false;
    vm->links.told_order = order;
    vm->links.told_takes_free = false;
    /* A candidate may have said who it is already. */
    agent_begin(vm, vm->links.candidate_boot_id);
    vm->links.candidate_boot_id[0] = '\0';
    r = agent_link_watch(link, vm->supervisor->sample_interval, order);
    if (r < 0 && r != -EALREADY)
        agent_link_close(link, "Watch could not be opened");
    vm_emit(vm, VM_EVENT_CONNECTED, "");
}

static void on_order_told(const struct ttrpc_result *result, void *userdata)
{
    /* An agent that refuses keeps to its own floor. */
}

void vm_links_tell_order(struct vm *vm)
{
    Vmreclaim__Agent__V1__SetReportingRequest request =
        VMRECLAIM__AGENT__V1__SET_REPORTING_REQUEST__INIT;
    int order = supervisor_lowest_order(vm->supervisor, vm);

    request.set_lowest_order = order >= 0 && order != vm->links.told_order;
    request.set_takes_free = vm->takes_free != vm->links.told_takes_free;
    if (!request.set_lowest_order && !request.set_takes_free)
        return;
    request.asked_by = (char *)"controller";
    if (request.set_lowest_order)
        vm->links.told_order = order;
    request.lowest_order = request.set_lowest_order ? (uint32_t)order : 0;
    vm->links.told_takes_free = vm->takes_free;
    request.takes_free = vm->takes_free;
    (void)agent_link_call(vm->links.agent, "SetReporting", &request.base, ORDER_TIMEOUT, NULL,
                          on_order_told, vm, NULL);
}

/* The candidate that the ping was for is none any more, and with it may go the record that the
 * ping's end would look at. A ping ends before its link does, so one that is known can be
 * cancelled. */
static void stop_ping(struct vm *vm)
{
    if (vm->links.ping != NULL)
        ttrpc_client_call_cancel(vm->links.ping);
    vm->links.ping = NULL;
}

static void replace_by_candidate(struct vm *vm, const char *reason)
{
    struct agent_link *old = vm->links.agent;
    struct agent_link *candidate = vm->links.candidate;

    assert(candidate != NULL);
    stop_ping(vm);
    vm->links.candidate = NULL;
    vm->links.agent = candidate; /* the other's end is nobody's any more */
    if (old != NULL)
        agent_link_close(old, reason);
    become_agent(vm, candidate, vm->links.candidate_is_dialled);
    check(vm);
}

/* ---- a link's callbacks ---- */

/* The same boot: the ping of the first link decides. Another boot: the first one is dead. */
static void on_candidate_info(struct vm *vm, const Vmreclaim__Agent__V1__GetInfoResponse *info)
{
    char boot_id[37];

    text_copy_line(boot_id, sizeof(boot_id), info->boot_id);
    if (vm->agent.info.boot_id[0] == '\0' || strcmp(boot_id, vm->agent.info.boot_id) == 0) {
        snprintf(vm->links.candidate_boot_id, sizeof(vm->links.candidate_boot_id), "%s", boot_id);
        if (vm->links.first_is_alive)
            agent_link_close(vm->links.candidate, "the guest's first connection is alive");
        return;
    }
    replace_by_candidate(vm, "the guest has booted again");
    agent_take_info(vm, info);
}

static void on_info(struct agent_link *link, const Vmreclaim__Agent__V1__GetInfoResponse *info,
                    void *userdata)
{
    struct vm *vm = userdata;

    if (vm->links.candidate == link)
        on_candidate_info(vm, info);
    else if (is_current(vm, link))
        agent_take_info(vm, info);
}

static bool on_sample(struct agent_link *link, const Vmreclaim__Agent__V1__MemorySample *sample,
                      uint64_t coalesced, void *userdata)
{
    struct vm *vm = userdata;

    if (!is_current(vm, link) || agent_take_sample(vm, sample) < 0)
        return false;
    /* Measuring may have found the hypervisor ended. */
    if (!is_current(vm, link))
        return true;
    vm->links.late = false;
    vm_emit(vm, VM_EVENT_SAMPLE, "");
    vm_update_state(vm);
    return true;
}

static void on_pressure(struct agent_link *link,
                        const Vmreclaim__Agent__V1__PressureEvent *pressure, void *userdata)
{
    if (is_current(userdata, link))
        agent_take_pressure(userdata, pressure);
}

static void on_action(struct agent_link *link, const Vmreclaim__Agent__V1__ActionResult *action,
                      void *userdata)
{
    if (is_current(userdata, link))
        agent_take_action(userdata, action);
}

static void on_engine(struct agent_link *link, const Vmreclaim__Agent__V1__EngineState *engine,
                      void *userdata)
{
    if (is_current(userdata, link))
        agent_take_engine(userdata, engine);
}

/* The current link ended: a candidate takes its place, an unannounced record goes with it. */
static void on_agent_gone(struct vm *vm, const char *reason)
{
    vm->links.agent = NULL;
    vm->links.late = false;
    agent_end(vm);
    vm_emit(vm, VM_EVENT_DISCONNECTED, "");
    vm_warn(vm, "the agent's connection ended: %s", reason);
    if (vm->links.candidate != NULL)
        replace_by_candidate(vm, reason);
    else if (vm->sources.set == VM_SOURCE_AGENT)
        vm_remove(vm);
    if (!vm->life.removed)
        vm_update_state(vm);
}

static void note_ending(struct vm *vm, enum agent_ending ending)
{
    agent_standing_ended(&vm->links.standing, ending, time_boottime(), (uint32_t)random_bits());
    if (vm->sources.set == VM_SOURCE_AGENT)
        strangers_remember(&vm->supervisor->strangers, vm->cid, &vm->links.standing);
}

static void on_close(struct agent_link *link, enum agent_ending ending, const char *reason,
                     void *userdata)
{
    struct vm *vm = userdata;
    char text[192];

    vm->links.open++; /* keeps the record while we look at it */
    /* Else it was given up: replaced, or the VM's source changed. */
    if (vm->links.candidate == link || is_current(vm, link))
        note_ending(vm, ending);
    if (vm->links.candidate == link) {
        stop_ping(vm);
        vm->links.candidate = NULL;
    }
    text_copy_line(text, sizeof(text), reason);
    if (agent_link_was_turned_away(link) && is_dialled(vm))
        snprintf(text, sizeof(text),
                 "closed at once, without a word: the agent may not believe this host's "
                 "port; its log says so, see host_port in vmreclaim-agent(8)");
    if (is_current(vm, link))
        on_agent_gone(vm, text);
    assert(vm->links.open >= 2);
    vm->links.open -= 2;
    check(vm);
    vm_reap(vm);
}

static const struct agent_link_callbacks link_callbacks = {
    .on_info = on_info,
    .on_sample = on_sample,
    .on_pressure = on_pressure,
    .on_action = on_action,
    .on_engine = on_engine,
    .on_close = on_close,
};

/* ---- a new connection ---- */

static void on_first_pinged(const struct ttrpc_result *result, void *userdata)
{
    struct vm *vm = userdata;

    assert(vm->links.candidate != NULL); /* else the ping would have been cancelled */
    vm->links.ping = NULL;
    /* A living connection still loses against another boot, which the candidate reports. */
    if (result->code == TTRPC_OK && vm->links.candidate_boot_id[0] == '\0')
        vm->links.first_is_alive = true;
    else if (result->code == TTRPC_OK)
        agent_link_close(vm->links.candidate, "the guest's first connection is alive");
    else if (vm->links.agent != NULL)
        replace_by_candidate(vm, "does not answer a ping, and the guest has dialled again");
    vm_update_state(vm);
}

static void ping_first(struct vm *vm)
{
    Vmreclaim__Agent__V1__PingRequest request = VMRECLAIM__AGENT__V1__PING_REQUEST__INIT;

    (void)agent_link_call(vm->links.agent, "Ping", &request.base, PING_TIMEOUT, NULL,
                          on_first_pinged, vm, &vm->links.ping);
}

/* `descriptor` is taken over. */
static void take_connection(struct vm *vm, int descriptor, bool is_dialled)
{
    struct supervisor *supervisor = vm->supervisor;
    struct agent_link *link;

    if (vm->links.candidate != NULL) {
        close(descriptor);
        return;
    }
    /* Whatever a guest did, its samples are read often enough for none to count as missed. */
    vm->links.standing.processor.debt_max = min_of(supervisor->sample_interval, DEBT_MAX);
    if (agent_link_create(supervisor->loop, descriptor, &supervisor->agent_budget,
                          &vm->links.standing.processor, &link_callbacks, vm, &link) < 0)
        return;
    vm->links.open++;
    if (vm->links.agent != NULL) {
        vm->links.candidate = link;
        vm->links.candidate_is_dialled = is_dialled;
        vm->links.candidate_boot_id[0] = '\0';
        vm->links.first_is_alive = false;
        ping_first(vm);
        check(vm);
        return;
    }
    become_agent(vm, link, is_dialled);
    check(vm);
    vm_update_state(vm);
}

static struct vm *add_unannounced(struct supervisor *supervisor, uint32_t cid)
{
    const struct agent_standing *standing = strangers_find(&supervisor->strangers, cid);
    struct vm *vm;
    char name[VM_NAME_SIZE];

    snprintf(name, sizeof(name), "cid-%" PRIu32, cid);
    if (vm_create(name, VM_SOURCE_AGENT, &vm) < 0)
        return NULL;
    if (standing != NULL)
        vm->links.standing = *standing;
    if (supervisor_add_vm(supervisor, vm, NULL) < 0) {
        vm_destroy(vm);
        return NULL;
    }
    if (registry_set_cid(&supervisor->registry, vm, cid, NULL) == 0)
        return vm;
    vm_remove(vm);
    return NULL;
}

/* Why this is no guest's agent; NULL: it may be one. CIDs 0 to 2 are the hypervisor, loopback and
 * this host. Any process of a guest can use the ports from 1024 on. */
static const char *why_no_agent(const struct peer *peer)
{
    if (peer->cid < CID_FIRST)
        return "no guest has this CID; an agent dials from inside a guest";
    if (peer->port >= IPPORT_RESERVED)
        return "not a port below 1024; run the agent as root, or with CAP_NET_BIND_SERVICE";
    return NULL;
}

/* Why this one is not let in now, whoever it is; NULL: it is. `vm` NULL: no record has its CID. */
static const char *why_not_now(const struct supervisor *supervisor, const struct vm *vm,
                               uint32_t cid)
{
    const struct agent_standing *standing =
        vm != NULL ? &vm->links.standing : strangers_find(&supervisor->strangers, cid);

    if (vm == NULL && supervisor->unannounced_count >= SUPERVISOR_UNANNOUNCED_MAX)
        return "too many agents that no VM's file names; give this VM a file";
    if (standing != NULL && !agent_standing_admits(standing, time_boottime()))
        return "too soon after its last connection failed; it may come again within a minute";
    return NULL;
}

/* `why` NULL: nobody needs to hear of it. */
static void refuse(struct supervisor *supervisor, int descriptor, const struct peer *peer,
                   const char *why)
{
    unsigned suppressed;

    supervisor->refused_count++;
    close(descriptor);
    if (why != NULL && log_limit_pass(&supervisor->refusals, time_boottime(), &suppressed))
        log_warning("agent at CID %" PRIu32 ", port %" PRIu32 ": refused: %s", peer->cid,
                    peer->port, why);
}

void supervisor_accept_agent(struct supervisor *supervisor, int descriptor, const struct peer *peer)
{
    const char *why = peer->kind == ADDRESS_VSOCK ? why_no_agent(peer) : NULL;
    struct vm *vm;

    if (supervisor->stopping || peer->kind != ADDRESS_VSOCK || why != NULL) {
        refuse(supervisor, descriptor, peer, why);
        return;
    }
    vm = registry_find_cid(&supervisor->registry, peer->cid);
    why = why_not_now(supervisor, vm, peer->cid);
    if (why == NULL && vm == NULL) {
        vm = add_unannounced(supervisor, peer->cid);
        why = vm == NULL ? "no memory for its record; free some on this host" : NULL;
    }
    if (why != NULL) {
        refuse(supervisor, descriptor, peer, why);
        return;
    }
    take_connection(vm, descriptor, false);
}

/* ---- dialling ---- */

/* A path that a file gives is the operator's word. One that a hypervisor gives must lead to that
 * hypervisor: it may speak for no other VM. */
static int check_server(const struct vm *vm, int descriptor, struct error *error)
{
    struct ucred server = {0};
    socklen_t size = sizeof(server);

    if (defined_agent(vm) != NULL)
        return 0;
    if (getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &server, &size) < 0 ||
        server.pid != vm->hypervisor.facts.pid)
        return error_set(error, -EPERM,
                         "%s is served by process %d, and the VM's hypervisor is %d; give the VM's "
                         "file an 'agent' address if that is right",
                         vm->hypervisor.facts.hybrid_vsock, (int)server.pid,
                         (int)vm->hypervisor.facts.pid);
    return 0;
}

static void on_dialled(int descriptor, const struct error *error, void *userdata)
{
    struct vm *vm = userdata;
    struct error refusal;

    vm->links.dial = NULL;
    if (descriptor >= 0 && check_server(vm, descriptor, &refusal) < 0) {
        close(descriptor);
        descriptor = -1;
        error = &refusal;
    }
    if (descriptor >= 0) {
        take_connection(vm, descriptor, true);
        return;
    }
    note_ending(vm, AGENT_ABSENT);
    if (agent_note(vm, error->text))
        vm_warn(vm, "agent: %s", error->text);
}

/* As the VM's file says, else where its hypervisor has its vsock device. */
static void dial_agent(struct vm *vm)
{
    const char *agent = defined_agent(vm);
    char text[128];
    struct address address;
    struct error error;

    snprintf(text, sizeof(text), "hybrid:%s:%d", vm->hypervisor.facts.hybrid_vsock, HYBRID_PORT);
    if (address_parse(agent != NULL ? agent : text, &address, &error) < 0 ||
        dial_start(vm->supervisor->loop, &address, DIAL_TIMEOUT, on_dialled, vm, &vm->links.dial) <
            0)
        note_ending(vm, AGENT_ABSENT);
}

/* ---- visit, drop, adopt ---- */

/* A Watch cannot be changed, only begun: with the next connection, which the agent or we make at
 * once. Whatever is done to the VM ends first. */
static bool follow_interval(struct vm *vm)
{
    static const char reason[] = "the time between samples was changed; it is asked anew";
    nsec_t interval = agent_link_interval(vm->links.agent);

    if (interval == 0 || interval == vm->supervisor->sample_interval || vm->action != NULL)
        return false;
    if (vm->sources.set == VM_SOURCE_AGENT)
        agent_link_close(vm->links.agent, reason);
    else
        vm_links_drop(vm, reason);
    return true;
}

void vm_links_visit(struct vm *vm, nsec_t now)
{
    bool forgive = vm->life.state == VM_PAUSED || vm->life.state == VM_MIGRATING;

    if (vm->links.agent != NULL && follow_interval(vm))
        return;
    if (vm->links.agent != NULL)
        vm->links.late = agent_link_tick(vm->links.agent, now, forgive) > 0;
    else if (is_dialled(vm) && vm->links.dial == NULL &&
             agent_standing_admits(&vm->links.standing, now))
        dial_agent(vm);
}

void vm_links_drop(struct vm *vm, const char *reason)
{
    struct agent_link *agent = vm->links.agent;
    struct agent_link *candidate = vm->links.candidate;

    dial_cancel(vm->links.dial);
    vm->links.dial = NULL;
    stop_ping(vm);
    /* What this one used stays used. */
    vm->links.standing.delay = 0;
    vm->links.standing.not_before = 0;
    vm->links.agent = NULL;
    vm->links.candidate = NULL;
    vm->links.late = false;
    check(vm);
    if (agent != NULL)
        agent_link_close(agent, reason);
    if (candidate != NULL)
        agent_link_close(candidate, reason);
}

/* Which of two links counts is not decided yet: both dial again instead. */
static bool can_adopt(const struct vm *vm, const struct vm *unannounced)
{
    return unannounced->links.agent != NULL && vm->links.agent == NULL &&
           unannounced->links.candidate == NULL;
}

static void adopt_link(struct vm *vm, struct vm *unannounced)
{
    struct agent_link *link = unannounced->links.agent;

    assert(unannounced->links.ping == NULL); /* its end would look at the old record */
    unannounced->links.agent = NULL;
    unannounced->links.open--;
    agent_link_move(link, &vm->links.standing.processor, vm);
    vm->links.agent = link;
    vm->links.agent_is_dialled = false; /* it came by a CID, as all that nobody named */
    vm->links.open++;
    vm->links.told_order = unannounced->links.told_order;
    vm->links.told_takes_free = unannounced->links.told_takes_free;
    vm->links.standing = unannounced->links.standing;
    agent_adopt(vm, unannounced);
    measured_adopt_guest(vm, unannounced);
    check(vm);
    check(unannounced);
    vm_emit(vm, VM_EVENT_CONNECTED, "");
}

void vm_links_adopt(struct vm *vm, struct vm *unannounced)
{
    assert(unannounced != vm && unannounced->sources.set == VM_SOURCE_AGENT);
    if (can_adopt(vm, unannounced))
        adopt_link(vm, unannounced);
    vm_remove(unannounced);
    vm_update_state(vm);
}
