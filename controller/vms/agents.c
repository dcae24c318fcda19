/* A VM's agent: accepting and dialling, who may replace whom, what it sends.
 *
 * A VM has at most one agent link that counts, and at most one candidate: a second connection for
 * the same identity. The candidate is asked who it is while the first is pinged. Another boot id,
 * or a first one that does not answer, lets the candidate in; else it is closed. A guest cannot
 * push its own connection out by dialling again, and one that rebooted is not kept waiting.
 *
 * An agent from a CID that nobody vouches for gets a record of its own, named "cid-N": observed,
 * never commanded, dropped with its connection, bounded in number. */
#include "controller/vms/supervisor.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/util.h"
#include "common/transport/transport.h"

#define PING_TIMEOUT   (1 * NSEC_PER_SEC)
#define DIAL_TIMEOUT   (2 * NSEC_PER_SEC)
#define DEBT_MAX       (5 * NSEC_PER_SEC)
#define CID_FIRST      3
#define INFO_BYTES_MAX 8192

static const ProtobufCServiceDescriptor *const agent_service =
    &vmreclaim__agent__v1__agent__descriptor;

static bool is_current(const struct vm *vm, const struct agent_link *link)
{
    return vm->links.agent == link;
}

/* ---- a link's callbacks ---- */

static void keep_packed(struct agent_info *info,
                        const Vmreclaim__Agent__V1__GetInfoResponse *message)
{
    size_t length = protobuf_c_message_get_packed_size(&message->base);

    free(info->packed);
    info->packed_length = 0;
    info->packed = length == 0 || length > INFO_BYTES_MAX ? NULL : malloc(length);
    if (info->packed != NULL)
        info->packed_length = protobuf_c_message_pack(&message->base, info->packed);
}

static void take_info(struct vm *vm, const Vmreclaim__Agent__V1__GetInfoResponse *message)
{
    struct agent_info *info = &vm->agent.info;

    vm_copy_guest_text(info->version, sizeof(info->version), message->agent_version);
    vm_copy_guest_text(info->boot_id, sizeof(info->boot_id), message->boot_id);
    vm_copy_guest_text(info->kernel_release, sizeof(info->kernel_release), message->kernel_release);
    info->page_size = message->page_size;
    info->pageblock_order = message->pageblock_order;
    info->reporting_order = message->reporting_order;
    info->cpu_count = message->cpu_count;
    keep_packed(info, message);
}

/* The link counts from now on. */
static void start_watch(struct supervisor *supervisor, struct vm *vm)
{
    int order = vm->announced ? supervisor_lowest_order(supervisor, vm) : -1;
    int r = agent_link_watch(vm->links.agent, supervisor->sample_interval, order);

    vm->told_order = order;
    if (r < 0 && r != -EALREADY)
        agent_link_close(vm->links.agent, "Watch could not be opened");
}

static void become_agent(struct vm *vm, struct agent_link *link)
{
    vm->links.agent = link;
    vm->agent.clock_offset_known = false;
    vm->assigned.sent = false;
    vm->assigned.under_way = false;
    vm->assigned.again = false;
    /* A candidate may have said who it is already. */
    (void)snprintf(vm->agent.info.boot_id, sizeof(vm->agent.info.boot_id), "%s",
                   vm->links.candidate_boot_id);
    vm->links.candidate_boot_id[0] = '\0';
    vm->life.facts.agent_late = false;
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

static void replace_by_candidate(struct supervisor *supervisor, struct vm *vm, const char *reason)
{
    struct agent_link *old = vm->links.agent;

    stop_ping(vm);
    become_agent(vm, vm->links.candidate);
    vm->links.candidate = NULL;
    if (old != NULL)
        agent_link_close(old, reason);
    start_watch(supervisor, vm);
}

/* The current link's agent has said who it is. */
static void accept_info(struct vm *vm, const Vmreclaim__Agent__V1__GetInfoResponse *info)
{
    char boot_id[37];
    bool rebooted;

    vm_copy_guest_text(boot_id, sizeof(boot_id), info->boot_id);
    rebooted = vm->agent.boot_id[0] != '\0' && strcmp(vm->agent.boot_id, boot_id) != 0;
    take_info(vm, info);
    (void)snprintf(vm->agent.boot_id, sizeof(vm->agent.boot_id), "%s", boot_id);
    if (rebooted)
        vm_hypervisor_booted(vm, "the guest has booted again");
    /* A policy that the agent kept over its absence is not sent again. */
    if (vm->assigned.policy != NULL && vm->assigned.policy->hash[0] != '\0' &&
        strcmp(vm->assigned.policy->hash, info->policy_hash) == 0 &&
        vm->assigned.policy->revision == info->policy_revision)
        vm->assigned.sent = true;
    vm_agent_send_policy(vm->supervisor, vm);
    supervisor_update_state(vm->supervisor, vm);
}

/* The same boot: the ping of the first link decides. Another boot: the first one is dead. */
static void on_candidate_info(struct vm *vm, const Vmreclaim__Agent__V1__GetInfoResponse *info)
{
    char boot_id[37];

    vm_copy_guest_text(boot_id, sizeof(boot_id), info->boot_id);
    if (vm->agent.info.boot_id[0] == '\0' || strcmp(boot_id, vm->agent.info.boot_id) == 0) {
        (void)snprintf(vm->links.candidate_boot_id, sizeof(vm->links.candidate_boot_id), "%s",
                       boot_id);
        if (vm->links.first_is_alive)
            agent_link_close(vm->links.candidate, "the guest's first connection is alive");
        return;
    }
    replace_by_candidate(vm->supervisor, vm, "the guest has booted again");
    accept_info(vm, info);
}

static void on_info(struct agent_link *link, const Vmreclaim__Agent__V1__GetInfoResponse *info,
                    void *userdata)
{
    struct vm *vm = userdata;

    if (vm->links.candidate == link)
        on_candidate_info(vm, info);
    else if (is_current(vm, link))
        accept_info(vm, info);
}

/* How much longer than the quickest sample of this link this one took to arrive. Both clocks run
 * at one speed, so only the least difference is needed, not the clocks themselves. */
static nsec_t latency_of(struct vm *vm, uint64_t guest_boottime)
{
    int64_t offset = (int64_t)(time_boottime() - guest_boottime);

    if (!vm->agent.clock_offset_known || offset < vm->agent.clock_offset) {
        vm->agent.clock_offset = offset;
        vm->agent.clock_offset_known = true;
    }
    return (nsec_t)(offset - vm->agent.clock_offset);
}

static bool on_sample(struct agent_link *link, const Vmreclaim__Agent__V1__MemorySample *sample,
                      uint64_t coalesced, void *userdata)
{
    struct vm *vm = userdata;
    struct supervisor *supervisor = vm->supervisor;

    if (!is_current(vm, link) ||
        supervisor_take_sample(supervisor, vm, sample, latency_of(vm, sample->boottime_ns)) < 0)
        return false;
    /* Measuring may have found the hypervisor ended. */
    if (!is_current(vm, link))
        return true;
    vm->life.facts.agent_late = false;
    supervisor_emit(supervisor, &(struct vm_event){.vm = vm, .kind = VM_EVENT_SAMPLE, .text = ""});
    supervisor_update_state(supervisor, vm);
    return true;
}

/* What a guest says unasked reaches watchers, the balloon and the store: more than any agent has to
 * say is not passed on. */
static bool may_pass(struct vm *vm, const struct agent_link *link)
{
    unsigned suppressed;

    return is_current(vm, link) && log_limit_pass(&vm->agent.events, time_boottime(), &suppressed);
}

static void on_pressure(struct agent_link *link,
                        const Vmreclaim__Agent__V1__PressureEvent *pressure, void *userdata)
{
    struct vm *vm = userdata;
    char text[128];

    if (!may_pass(vm, link))
        return;
    (void)snprintf(text, sizeof(text),
                   "memory pressure: some %" PRIu32 ".%02" PRIu32 " %%, %" PRIu64
                   " bytes available%s",
                   pressure->memory_some_permyriad / 100, pressure->memory_some_permyriad % 100,
                   pressure->available, pressure->oom_kill ? ", a process was killed" : "");
    supervisor_emit(vm->supervisor,
                    &(struct vm_event){
                        .vm = vm, .kind = VM_EVENT_PRESSURE, .text = text, .pressure = pressure});
}

/* Idle work acts once a second while there is much to take, a trickle six times a minute: the first
 * is recorded whole, the second by samples, and a guest that lies costs 2,880 records a day. */
static bool may_record(struct vm *vm, nsec_t now)
{
    unsigned suppressed;

    return log_limit_pass(&vm->agent.actions, now, &suppressed) ||
           log_limit_pass(&vm->agent.actions_beyond, now, &suppressed);
}

static void on_action(struct agent_link *link, const Vmreclaim__Agent__V1__ActionResult *action,
                      void *userdata)
{
    struct vm *vm = userdata;

    if (!may_pass(vm, link) || !may_record(vm, time_boottime()))
        return;
    supervisor_emit(vm->supervisor, &(struct vm_event){.vm = vm,
                                                       .kind = VM_EVENT_ACTION,
                                                       .text = action->reason,
                                                       .action = action});
}

static void on_engine(struct agent_link *link, const Vmreclaim__Agent__V1__EngineState *engine,
                      void *userdata)
{
    struct vm *vm = userdata;
    char text[192];

    if (!may_pass(vm, link))
        return;
    vm_copy_guest_text(vm->agent.engine_state, sizeof(vm->agent.engine_state), engine->state);
    vm_copy_guest_text(vm->agent.engine_reason, sizeof(vm->agent.engine_reason), engine->reason);
    (void)snprintf(text, sizeof(text), "%s: %s", vm->agent.engine_state, vm->agent.engine_reason);
    supervisor_emit(vm->supervisor,
                    &(struct vm_event){.vm = vm, .kind = VM_EVENT_ENGINE, .text = text});
}

/* The current link ended: a candidate takes its place, an unannounced record goes with it. */
static void on_agent_gone(struct supervisor *supervisor, struct vm *vm, const char *reason)
{
    vm->links.agent = NULL;
    vm->life.facts.agent_late = false;
    vm->agent.engine_state[0] = '\0';
    vm->agent.engine_reason[0] = '\0';
    supervisor_warn(supervisor, vm, "the agent's connection ended: %s", reason);
    if (vm->links.candidate != NULL)
        replace_by_candidate(supervisor, vm, reason);
    else if (vm->sources.set == VM_SOURCE_AGENT)
        supervisor_remove_vm(supervisor, vm);
    if (!vm->life.removed)
        supervisor_update_state(supervisor, vm);
}

static void note_ending(struct vm *vm, enum agent_ending ending)
{
    uint32_t random = 0;

    /* Without chance all wait the least. */
    (void)uv_random(NULL, NULL, &random, sizeof(random), 0, NULL);
    agent_standing_ended(&vm->links.standing, ending, time_boottime(), random);
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
    vm_copy_guest_text(text, sizeof(text), reason);
    if (agent_link_was_turned_away(link) && vm->sources.definition != NULL &&
        vm->sources.definition->agent != NULL)
        (void)snprintf(text, sizeof(text),
                       "closed at once, without a word: the agent may not believe this host's "
                       "port; its log says so, see host_port in vmreclaim-agent(8)");
    if (is_current(vm, link))
        on_agent_gone(vm->supervisor, vm, text);
    vm->links.open -= 2;
    supervisor_reap(vm->supervisor, vm);
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

    vm->links.ping = NULL;
    /* A living connection still loses against another boot: that is told by the candidate. */
    if (result->code == TTRPC_OK && vm->links.candidate_boot_id[0] == '\0')
        vm->links.first_is_alive = true;
    else if (result->code == TTRPC_OK)
        agent_link_close(vm->links.candidate, "the guest's first connection is alive");
    else if (vm->links.agent != NULL)
        replace_by_candidate(vm->supervisor, vm,
                             "does not answer a ping, and the guest has dialled "
                             "again");
    supervisor_update_state(vm->supervisor, vm);
}

static void ping_first(struct vm *vm)
{
    Vmreclaim__Agent__V1__PingRequest request = VMRECLAIM__AGENT__V1__PING_REQUEST__INIT;

    (void)ttrpc_call_unary(agent_link_connection(vm->links.agent), agent_service, "Ping",
                           &request.base, PING_TIMEOUT, on_first_pinged, vm, &vm->links.ping);
}

/* `descriptor` is taken over. */
static void take_connection(struct supervisor *supervisor, struct vm *vm, int descriptor)
{
    struct agent_link *link;

    if (vm->links.candidate != NULL) {
        (void)close(descriptor);
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
        vm->links.candidate_boot_id[0] = '\0';
        vm->links.first_is_alive = false;
        ping_first(vm);
        return;
    }
    become_agent(vm, link);
    start_watch(supervisor, vm);
    supervisor_update_state(supervisor, vm);
}

static struct vm *add_unannounced(struct supervisor *supervisor, uint32_t cid)
{
    const struct agent_standing *standing = strangers_find(&supervisor->strangers, cid);
    struct error error;
    struct vm *vm;
    char name[VM_NAME_SIZE];

    if (supervisor->unannounced_count >= SUPERVISOR_UNANNOUNCED_MAX ||
        (standing != NULL && !agent_standing_admits(standing, time_boottime())))
        return NULL;
    (void)snprintf(name, sizeof(name), "cid-%" PRIu32, cid);
    if (vm_create(name, &vm) < 0)
        return NULL;
    vm->cid = cid;
    vm->sources.set = VM_SOURCE_AGENT;
    if (standing != NULL)
        vm->links.standing = *standing;
    if (supervisor_add_vm(supervisor, vm, &error) < 0) {
        vm_destroy(vm);
        return NULL;
    }
    supervisor->unannounced_count++;
    return vm;
}

void supervisor_accept_agent(struct supervisor *supervisor, int descriptor, const struct peer *peer)
{
    struct vm *vm;

    /* 0 to 2 are the hypervisor, loopback and this host: no guest dials from there. Any process of
     * a guest can use the ports from 1024 on. */
    if (supervisor->stopping || peer->kind != ADDRESS_VSOCK || peer->cid < CID_FIRST ||
        peer->port >= IPPORT_RESERVED) {
        supervisor->refused_count++;
        (void)close(descriptor);
        return;
    }
    vm = registry_find_cid(&supervisor->registry, peer->cid);
    if (vm == NULL)
        vm = add_unannounced(supervisor, peer->cid);
    if (vm == NULL || !agent_standing_admits(&vm->links.standing, time_boottime())) {
        supervisor->refused_count++;
        (void)close(descriptor);
        return;
    }
    take_connection(supervisor, vm, descriptor);
}

/* ---- dialling ---- */

static void on_dialled(int descriptor, const struct error *error, void *userdata)
{
    struct vm *vm = userdata;

    vm->links.dial = NULL;
    if (descriptor >= 0) {
        take_connection(vm->supervisor, vm, descriptor);
        vm_agent_announce(vm->supervisor, vm);
        return;
    }
    note_ending(vm, AGENT_ABSENT);
    if (strncmp(vm->agent.engine_reason, error->text, sizeof(vm->agent.engine_reason) - 1) == 0)
        return;
    (void)snprintf(vm->agent.engine_reason, sizeof(vm->agent.engine_reason), "%.*s",
                   (int)sizeof(vm->agent.engine_reason) - 1, error->text);
    supervisor_warn(vm->supervisor, vm, "agent: %s", error->text);
}

static void dial_agent(struct vm *vm)
{
    struct address address;
    struct error error;

    if (address_parse(vm->sources.definition->agent, &address, &error) < 0 ||
        dial_start(vm->supervisor->loop, &address, DIAL_TIMEOUT, on_dialled, vm, &vm->links.dial) <
            0)
        note_ending(vm, AGENT_ABSENT);
}

/* ---- tick, drop, adopt ---- */

/* The clocks of a schedule's zone have changed: the agent is told again, with the next change. */
static void follow_zones(struct vm *vm)
{
    if (vm->assigned.zone_change != 0 &&
        time_realtime() / (int64_t)NSEC_PER_SEC >= vm->assigned.zone_change)
        vm->assigned.sent = false;
}

void vm_agent_tick(struct supervisor *supervisor, struct vm *vm, nsec_t now)
{
    bool forgive = vm->life.state == VM_PAUSED || vm->life.state == VM_MIGRATING;

    if (vm->links.agent != NULL) {
        vm->life.facts.agent_late = agent_link_tick(vm->links.agent, now, forgive) > 0;
        follow_zones(vm);
        if (now >= vm->assigned.retry && vm->agent.info.boot_id[0] != '\0')
            vm_agent_send_policy(supervisor, vm);
    } else if (vm->sources.definition != NULL && vm->sources.definition->agent != NULL &&
               vm->links.dial == NULL && agent_standing_admits(&vm->links.standing, now))
        dial_agent(vm);
}

void vm_agent_drop(struct vm *vm, const char *reason)
{
    struct agent_link *agent = vm->links.agent;
    struct agent_link *candidate = vm->links.candidate;

    dial_cancel(vm->links.dial);
    vm->links.dial = NULL;
    stop_ping(vm);
    /* Whoever is there next is another; what this one used stays used. */
    vm->links.standing.delay = 0;
    vm->links.standing.not_before = 0;
    vm->links.agent = NULL;
    vm->links.candidate = NULL;
    vm->assigned.under_way = false;
    if (agent != NULL)
        agent_link_close(agent, reason);
    if (candidate != NULL)
        agent_link_close(candidate, reason);
}

void vm_agent_adopt(struct supervisor *supervisor, struct vm *vm, struct vm *unannounced)
{
    struct agent_link *link = unannounced->links.agent;

    /* Which of two links counts is not decided yet: both dial again instead. */
    if (link != NULL && vm->links.agent == NULL && unannounced->links.candidate == NULL) {
        assert(unannounced->links.ping == NULL); /* its end would look at the old record */
        unannounced->links.agent = NULL;
        unannounced->links.open--;
        agent_link_move(link, &vm->links.standing.processor, vm);
        vm->links.agent = link;
        vm->links.open++;
        vm->links.standing = unannounced->links.standing;
        free(vm->agent.info.packed);
        vm->agent.info = unannounced->agent.info;
        unannounced->agent.info = (struct agent_info){0};
        vm->measured.guest = unannounced->measured.guest;
        vm->agent.clock_offset = unannounced->agent.clock_offset;
        vm->agent.clock_offset_known = unannounced->agent.clock_offset_known;
        (void)snprintf(vm->agent.boot_id, sizeof(vm->agent.boot_id), "%s",
                       unannounced->agent.boot_id);
    }
    supervisor_remove_vm(supervisor, unannounced);
    supervisor_update_state(supervisor, vm);
}
