/* The scripted agent. */
#include "tests/component/controller/fake-agent.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent.pb-c.h"
#include "common/base/number.h"
#include "common/base/util.h"

static struct fake_agent *agent_of(const struct ttrpc_call *call)
{
    return ttrpc_call_connection_userdata(call);
}

static void fill_sample(struct fake_agent *agent, Vmreclaim__Agent__V1__MemorySample *sample)
{
    uint64_t taken = agent->size == NULL ? 0 : saturating_subtract(GIB, *agent->size);

    vmreclaim__agent__v1__memory_sample__init(sample);
    sample->sequence = ++agent->sequence;
    sample->boottime_ns = time_boottime() - agent->clock_back;
    sample->total = agent->total - taken;
    sample->free = saturating_subtract(agent->free, taken);
    sample->reportable = sample->free / 2;
    sample->trapped = sample->free / 2;
    if (agent->reporting.joined > 0) {
        sample->reported = min_of(agent->reporting.joined, sample->free);
        sample->reported_is_known = true;
        sample->reportable = 0;
        sample->trapped = sample->free - sample->reported;
    }
#ifndef FAKE_AGENT_IS_PREVIOUS
    sample->reporting_order = agent->reporting.order;
    sample->reporting_order_is_known = agent->reporting.protocol > 0;
#endif
    sample->cache = agent->cache;
    sample->in_use = sample->total - sample->free - agent->cache;
    agent->refaults.sum += agent->refaults.per_sample;
    sample->refault_file = agent->refaults.sum;
    sample->oom_kills = agent->oom_kills;
    sample->available = sample->free + agent->cache;
    if (agent->fault == FAKE_AGENT_LIES)
        sample->cache = UINT64_MAX;
}

static void ping(struct ttrpc_call *call, const ProtobufCMessage *request, void *userdata)
{
    Vmreclaim__Agent__V1__PingResponse response = VMRECLAIM__AGENT__V1__PING_RESPONSE__INIT;

    response.nonce = ((const Vmreclaim__Agent__V1__PingRequest *)request)->nonce;
    response.boottime_ns = 123456789;
    ttrpc_call_finish(call, &response.base);
}

static void get_info(struct ttrpc_call *call, const ProtobufCMessage *request, void *userdata)
{
    Vmreclaim__Agent__V1__GetInfoResponse response = VMRECLAIM__AGENT__V1__GET_INFO_RESPONSE__INIT;

    response.agent_version = (char *)"fake-1";
    response.boot_id = agent_of(call)->boot_id;
    response.page_size = 4096;
    response.pageblock_order = 9;
    response.max_order = 10;
    response.reporting_order = agent_of(call)->reporting.order;
    response.protocol_version = agent_of(call)->reporting.protocol;
#ifndef FAKE_AGENT_IS_PREVIOUS
    response.reporting_order_is_known = agent_of(call)->reporting.protocol > 0;
#endif
#ifndef FAKE_AGENT_IS_PREVIOUS
    Vmreclaim__Policy__V1__Policy own = VMRECLAIM__POLICY__V1__POLICY__INIT;
    Vmreclaim__Policy__V1__Setting settings[] = {VMRECLAIM__POLICY__V1__SETTING__INIT,
                                                 VMRECLAIM__POLICY__V1__SETTING__INIT};
    Vmreclaim__Policy__V1__Setting *pointers[] = {&settings[0], &settings[1]};
    char *own_keys[] = {(char *)agent_of(call)->own_key};

    own.profile = (char *)"balanced";
    own.settings = pointers;
    own.n_settings = 2;
    settings[0].key = (char *)"idle_window";
    settings[0].value = (char *)"2m";
    settings[1].key = (char *)"cache_floor";
    settings[1].value = (char *)"77MiB";
    if (agent_of(call)->own_key != NULL) {
        response.own_policy = &own;
        response.own_keys = own_keys;
        response.n_own_keys = own_keys[0][0] != '\0';
    }
#endif
    if (agent_of(call)->kept_hash != NULL)
        response.policy_hash = (char *)agent_of(call)->kept_hash;
    ttrpc_call_finish(call, &response.base);
}

static void get_memory(struct ttrpc_call *call, const ProtobufCMessage *request, void *userdata)
{
    Vmreclaim__Agent__V1__GetMemoryResponse response =
        VMRECLAIM__AGENT__V1__GET_MEMORY_RESPONSE__INIT;
    Vmreclaim__Agent__V1__MemorySample sample;

#ifndef FAKE_AGENT_IS_PREVIOUS
    agent_of(call)->asked.brief_answers +=
        ((const Vmreclaim__Agent__V1__GetMemoryRequest *)request)->brief ? 1 : 0;
#endif
    if (agent_of(call)->stands_still) {
        ttrpc_call_fail(call, TTRPC_DEADLINE_EXCEEDED, "the guest stands still");
        return;
    }
    fill_sample(agent_of(call), &sample);
    response.sample = &sample;
    ttrpc_call_finish(call, &response.base);
}

static void fill_result(Vmreclaim__Agent__V1__ActionResult *result, const char *id,
                        const char *asked_by)
{
    vmreclaim__agent__v1__action_result__init(result);
    result->action_id = (char *)id;
    result->asked_by = (char *)asked_by;
    result->outcome = VMRECLAIM__AGENT__V1__OUTCOME__OUTCOME_DONE;
}

/* Before the answer: the test may move memory meanwhile. */
static void note(struct fake_agent *agent, const char *order)
{
    size_t length = strlen(agent->asked.orders);

    snprintf(agent->asked.orders + length, sizeof(agent->asked.orders) - length, "%s ", order);
    if (agent->on_action != NULL)
        agent->on_action(agent, agent->userdata);
}

static void reclaim_cache(struct ttrpc_call *call, const ProtobufCMessage *request, void *userdata)
{
    const Vmreclaim__Agent__V1__ReclaimCacheRequest *asked =
        (const Vmreclaim__Agent__V1__ReclaimCacheRequest *)request;
    Vmreclaim__Agent__V1__ReclaimCacheResponse response =
        VMRECLAIM__AGENT__V1__RECLAIM_CACHE_RESPONSE__INIT;
    Vmreclaim__Agent__V1__ActionResult result;

    if (agent_of(call)->lacks_reclaim) {
        ttrpc_call_fail(call, TTRPC_UNIMPLEMENTED, "ReclaimCache");
        return;
    }
    note(agent_of(call), asked->drop ? "drop" : "cache");
    fill_result(&result, asked->action_id, asked->asked_by);
    response.result = &result;
    ttrpc_call_finish(call, &response.base);
}

static void compact(struct ttrpc_call *call, const ProtobufCMessage *request, void *userdata)
{
    const Vmreclaim__Agent__V1__CompactRequest *asked =
        (const Vmreclaim__Agent__V1__CompactRequest *)request;
    Vmreclaim__Agent__V1__CompactResponse response = VMRECLAIM__AGENT__V1__COMPACT_RESPONSE__INIT;
    Vmreclaim__Agent__V1__ActionResult result;
    struct fake_agent *agent = agent_of(call);

    agent->asked.compactions++;
    if (agent->compact_fails) {
        ttrpc_call_fail(call, TTRPC_FAILED_PRECONDITION, "the guest is busy");
        return;
    }
    fill_result(&result, asked->action_id, asked->asked_by);
    note(agent, "compact");
    if (agent->holds) {
        agent->held.call = call;
        snprintf(agent->held.id, sizeof(agent->held.id), "%s", asked->action_id);
        return;
    }
    response.result = &result;
    ttrpc_call_finish(call, &response.base);
}

void fake_agent_answer(struct fake_agent *agent)
{
    Vmreclaim__Agent__V1__CompactResponse response = VMRECLAIM__AGENT__V1__COMPACT_RESPONSE__INIT;
    Vmreclaim__Agent__V1__ActionResult result;
    struct ttrpc_call *call = agent->held.call;

    fill_result(&result, agent->held.id, "");
    response.result = &result;
    agent->held.call = NULL;
    ttrpc_call_finish(call, &response.base);
}

/* As the real one: an order for a while ends when asked to, or with the controller that set it. */
static void end_order(struct fake_agent *agent)
{
    if (agent->reporting.order_before != 0)
        agent->reporting.order = agent->reporting.order_before;
    agent->reporting.order_before = 0;
}

static void set_order(struct fake_agent *agent,
                      const Vmreclaim__Agent__V1__SetReportingRequest *asked)
{
    bool ends_while = false;

#ifndef FAKE_AGENT_IS_PREVIOUS
    if (asked->set_order && asked->duration_ns > 0)
        agent->reporting.order_before = agent->reporting.order;
    ends_while = asked->end_while;
#endif
    if (asked->set_order)
        agent->reporting.order = asked->order;
    if (ends_while)
        end_order(agent);
    if (asked->set_order || ends_while || asked->kick)
        note(agent, ends_while ? "restore" : asked->set_order ? "order" : "kick");
}

static void set_reporting(struct ttrpc_call *call, const ProtobufCMessage *request, void *userdata)
{
    const Vmreclaim__Agent__V1__SetReportingRequest *asked =
        (const Vmreclaim__Agent__V1__SetReportingRequest *)request;
    Vmreclaim__Agent__V1__SetReportingResponse response =
        VMRECLAIM__AGENT__V1__SET_REPORTING_RESPONSE__INIT;
    Vmreclaim__Agent__V1__ActionResult result;

    if (asked->set_lowest_order)
        agent_of(call)->lowest_order = (int)asked->lowest_order;
    set_order(agent_of(call), asked);
#ifndef FAKE_AGENT_IS_PREVIOUS
    if (asked->set_takes_free)
        agent_of(call)->takes_free = asked->takes_free;
#endif
    fill_result(&result, asked->action_id, asked->asked_by);
    response.result = &result;
    ttrpc_call_finish(call, &response.base);
}

static void list_free_ranges(struct ttrpc_call *call, const ProtobufCMessage *request,
                             void *userdata)
{
    Vmreclaim__Agent__V1__ListFreeRangesResponse response =
        VMRECLAIM__AGENT__V1__LIST_FREE_RANGES_RESPONSE__INIT;
    Vmreclaim__Agent__V1__Range range = VMRECLAIM__AGENT__V1__RANGE__INIT;
    Vmreclaim__Agent__V1__Range *ranges[] = {&range};

    range.length = 2 * MIB;
    range.state = VMRECLAIM__AGENT__V1__RANGE_STATE__RANGE_STATE_REPORTED;
    response.ranges = ranges;
    response.n_ranges = 1;
    (void)ttrpc_call_send(call, &response.base);
    range.start = 8 * MIB;
    (void)ttrpc_call_send(call, &response.base);
    ttrpc_call_finish(call, NULL);
}

static void apply_policy(struct ttrpc_call *call, const ProtobufCMessage *request, void *userdata)
{
    const Vmreclaim__Agent__V1__ApplyPolicyRequest *asked =
        (const Vmreclaim__Agent__V1__ApplyPolicyRequest *)request;
    Vmreclaim__Agent__V1__ApplyPolicyResponse response =
        VMRECLAIM__AGENT__V1__APPLY_POLICY_RESPONSE__INIT;
    char *unsupported[] = {(char *)"from_the_future"};
#ifndef FAKE_AGENT_IS_PREVIOUS
    char *capped_keys[] = {(char *)"cpu_budget", (char *)"allow_commands"};
    char *capped_values[] = {(char *)"3s", (char *)"false"};
#endif
    struct fake_agent *agent = agent_of(call);

    agent->policies++;
    if (agent->policy_code != TTRPC_OK) {
        ttrpc_call_fail(call, agent->policy_code, "the test says so");
        return;
    }
    if (asked->policy == NULL && agent->wants_policy) {
        ttrpc_call_fail(call, TTRPC_INVALID_ARGUMENT, "policy: missing");
        return;
    }
    snprintf(agent->policy_name, sizeof(agent->policy_name), "%s",
             asked->policy == NULL ? "own" : asked->policy->name);
    snprintf(agent->policy_profile, sizeof(agent->policy_profile), "%s",
             asked->policy == NULL ? "" : asked->policy->profile);
    snprintf(agent->policy_hash, sizeof(agent->policy_hash), "%s",
             asked->policy == NULL ? "" : asked->policy->hash);
    response.unsupported_keys = unsupported;
    response.n_unsupported_keys = 1;
#ifndef FAKE_AGENT_IS_PREVIOUS
    response.capped_keys = capped_keys;
    response.n_capped_keys = agent->has_limits ? ARRAY_SIZE(capped_keys) : 0;
    response.capped_values = capped_values;
    response.n_capped_values = response.n_capped_keys;
#endif
    ttrpc_call_finish(call, &response.base);
}

/* ---- Watch ---- */

static void on_timer(uv_timer_t *timer)
{
    struct fake_agent *agent = timer->data;
    Vmreclaim__Agent__V1__WatchResponse event = VMRECLAIM__AGENT__V1__WATCH_RESPONSE__INIT;
    Vmreclaim__Agent__V1__MemorySample sample;

    if (agent->watch == NULL || agent->stands_still)
        return;
    fill_sample(agent, &sample);
    event.event_case = VMRECLAIM__AGENT__V1__WATCH_RESPONSE__EVENT_SAMPLE;
    event.sample = &sample;
    (void)ttrpc_call_send(agent->watch, &event.base);
}

static void on_watcher_gone(struct ttrpc_call *call, void *userdata)
{
    struct fake_agent *agent = userdata;

    if (agent->watch == call)
        agent->watch = NULL;
}

static void watch(struct ttrpc_call *call, const ProtobufCMessage *request, void *userdata)
{
    const Vmreclaim__Agent__V1__WatchRequest *asked =
        (const Vmreclaim__Agent__V1__WatchRequest *)request;
    struct fake_agent *agent = agent_of(call);
    uint64_t interval = asked->interval_ns / NSEC_PER_MSEC;

    end_order(agent);
    agent->watch = call;
    agent->watch_interval = asked->interval_ns;
    if (asked->set_lowest_order)
        agent->lowest_order = (int)asked->lowest_order;
    ttrpc_call_on_cancel(call, on_watcher_gone, agent);
    uv_timer_start(&agent->timer, on_timer, 0, interval);
}

void fake_agent_pressure(struct fake_agent *agent, uint64_t available)
{
    Vmreclaim__Agent__V1__WatchResponse event = VMRECLAIM__AGENT__V1__WATCH_RESPONSE__INIT;
    Vmreclaim__Agent__V1__PressureEvent pressure = VMRECLAIM__AGENT__V1__PRESSURE_EVENT__INIT;

    if (agent->watch == NULL)
        return;
    pressure.memory_some_permyriad = 2000;
    pressure.available = available;
    event.event_case = VMRECLAIM__AGENT__V1__WATCH_RESPONSE__EVENT_PRESSURE;
    event.pressure = &pressure;
    (void)ttrpc_call_send(agent->watch, &event.base);
}

void fake_agent_reclaimed(struct fake_agent *agent)
{
    Vmreclaim__Agent__V1__WatchResponse event = VMRECLAIM__AGENT__V1__WATCH_RESPONSE__INIT;
    Vmreclaim__Agent__V1__ActionResult result;

    if (agent->watch == NULL)
        return;
    fill_result(&result, "policy-7", agent->asked_by);
    result.kind = VMRECLAIM__AGENT__V1__ACTION_KIND__ACTION_KIND_RECLAIM_CACHE;
    event.event_case = VMRECLAIM__AGENT__V1__WATCH_RESPONSE__EVENT_ACTION;
    event.action = &result;
    (void)ttrpc_call_send(agent->watch, &event.base);
}

/* ---- connections ---- */

static const ttrpc_handler handlers[] = {
    ping,          get_info,         get_memory,   compact, reclaim_cache,
    set_reporting, list_free_ranges, apply_policy, watch};

static const struct ttrpc_service agent_service = {
    .descriptor = &vmreclaim__agent__v1__agent__descriptor,
    .handlers = handlers,
    .streams = UINT64_C(1) << 6 | UINT64_C(1) << 8,
};

static void on_close(struct ttrpc_connection *connection, int status, const char *reason,
                     void *userdata)
{
    struct fake_agent *agent = userdata;

    if (agent->connection == connection)
        agent->connection = NULL;
}

static void misbehave(const struct fake_agent *agent, int descriptor)
{
    /* Length 16 MiB - 1, stream 1, a response. */
    static const char oversized[] = "\x00\xff\xff\xff\x00\x00\x00\x01\x02\x00";
    static const char truncated[] = "\x00\x00\x00\x40\x00\x00\x00\x01\x02\x00half";
    static const char garbage[] = "GET / HTTP/1.1\r\nHost: example\r\n\r\n";

    switch (agent->fault) {
    case FAKE_AGENT_GARBAGE:
        (void)!write(descriptor, garbage, sizeof(garbage) - 1);
        break;
    case FAKE_AGENT_OVERSIZED:
        (void)!write(descriptor, oversized, sizeof(oversized) - 1);
        break;
    case FAKE_AGENT_TRUNCATED:
        (void)!write(descriptor, truncated, sizeof(truncated) - 1);
        close(descriptor);
        break;
    default:
        break;
    }
}

void fake_agent_serve(struct fake_agent *agent, int descriptor)
{
    static const struct ttrpc_service *const services[] = {&agent_service, NULL};
    const struct ttrpc_connection_options options = {
        .limits = ttrpc_limits_default,
        .services = services,
        .userdata = agent,
        .on_close = on_close,
    };

    agent->connections++;
    if (agent->fault != FAKE_AGENT_WORKS && agent->fault != FAKE_AGENT_LIES) {
        misbehave(agent, descriptor);
        return; /* left open on purpose; the process ends soon */
    }
    if (ttrpc_connection_create(agent->loop, descriptor, &options, &agent->connection) < 0)
        abort();
}

static void on_accept(int descriptor, const struct peer *peer, void *userdata)
{
    fake_agent_serve(userdata, descriptor);
}

void fake_agent_init(struct fake_agent *agent, uv_loop_t *loop)
{
    *agent = (struct fake_agent){
        .loop = loop,
        .boot_id = "aaaaaaaa-0000-0000-0000-000000000001",
        .total = 900 * MIB,
        .free = 400 * MIB,
        .cache = 100 * MIB,
        .lowest_order = -1,
        .reporting.order = 9,
        .asked_by = "policy",
    };
    if (uv_timer_init(loop, &agent->timer) < 0)
        abort();
    agent->timer.data = agent;
}

int fake_agent_listen(struct fake_agent *agent, const char *address)
{
    struct address parsed;
    int r = address_parse(address, &parsed, NULL);

    if (r < 0)
        return r;
    return listener_create(agent->loop, &parsed, 0600, on_accept, agent, &agent->listener, NULL);
}

void fake_agent_drop(struct fake_agent *agent)
{
    if (agent->connection != NULL)
        ttrpc_connection_close(agent->connection);
}

void fake_agent_close(struct fake_agent *agent)
{
    fake_agent_drop(agent);
    if (agent->held.call != NULL)
        fake_agent_answer(agent); /* too late */
    listener_destroy(agent->listener);
    agent->listener = NULL;
    uv_close((uv_handle_t *)&agent->timer, NULL);
}
