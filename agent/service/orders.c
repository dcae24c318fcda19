/* Orders of the host: one RPC is one job of the runner, or an answer at once.
 *
 * An order object lives from the request to the job's end. When the caller goes away first, the
 * call is forgotten, the job is stopped, and the object goes with the job. */
#include "agent/service/orders.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/calls/messages.h"
#include "agent/core/agent.h"
#include "common/base/number.h"
#include "common/base/text.h"

#define ANSWER_TIME    (5 * NSEC_PER_SEC) /* to end what a slow guest does, and to answer */
#define ORDER_TIME_MAX (3600 * NSEC_PER_SEC)

struct order {
    struct agent *agent;
    struct ttrpc_call *call; /* NULL: the caller is gone */
    struct job job;
    void (*answer)(struct order *order, Vmreclaim__Agent__V1__ActionResult *result);
};

static void answer(struct order *order)
{
    Vmreclaim__Agent__V1__ActionResult result;

    message_from_job(&order->job, &result);
    if (order->call != NULL)
        order->answer(order, &result);
}

static void on_job_done(struct job *job)
{
    struct order *order = job->userdata;

    assert(job == &order->job);
    answer(order);
    free(order);
}

static void on_caller_gone(struct ttrpc_call *call, void *userdata)
{
    struct order *order = userdata;

    assert(order->call == call);
    order->call = NULL;
    runner_cancel(&order->agent->runner, &order->job);
}

/* The caller hears of an action that took too long: it ends before the call does. */
static nsec_t end_before(const struct ttrpc_call *call)
{
    nsec_t deadline = ttrpc_call_deadline(call);
    nsec_t now = time_monotonic();
    nsec_t left = saturating_subtract(deadline, now);

    if (deadline == NSEC_INFINITY)
        return 0;
    return now + (left > 2 * ANSWER_TIME ? left - ANSWER_TIME : left / 2);
}

/* An order that the call holds, with who asked; NULL: the call has failed. */
static struct order *begin(struct ttrpc_call *call, enum action_kind kind, const char *action_id,
                           const char *asked_by,
                           void (*answer_order)(struct order *order,
                                                Vmreclaim__Agent__V1__ActionResult *result))
{
    struct order *order;

    if (strlen(action_id) >= JOB_ID_SIZE || strlen(asked_by) >= JOB_ID_SIZE) {
        ttrpc_call_fail(call, TTRPC_INVALID_ARGUMENT,
                        "action_id and asked_by are at most %d bytes long", JOB_ID_SIZE - 1);
        return NULL;
    }
    order = calloc(1, sizeof(*order));
    if (order == NULL) {
        ttrpc_call_fail(call, TTRPC_RESOURCE_EXHAUSTED, "the agent is out of memory");
        return NULL;
    }
    order->agent = connection_userdata(call);
    order->call = call;
    order->answer = answer_order;
    order->job.kind = kind;
    order->job.end = end_before(call);
    order->job.done = on_job_done;
    order->job.userdata = order;
    text_copy_line(order->job.action_id, JOB_ID_SIZE, action_id);
    text_copy_line(order->job.asked_by, JOB_ID_SIZE, asked_by[0] != '\0' ? asked_by : "host");
    return order;
}

/* Answers without doing anything. */
static void decline(struct order *order, enum action_end result, const char *reason)
{
    const struct memory_sample *sample = &order->agent->sample;
    struct job *job = &order->job;

    job->result = result;
    text_copy_line(job->reason, sizeof(job->reason), reason);
    job->free_before = job->free_after = sample->free;
    job->trapped_before = job->trapped_after = sample->trapped;
    job->reported_before = job->reported_after = sample->reported;
    job->cache_before = job->cache_after = sample->cache;
    answer(order);
    free(order);
}

static void submit(struct order *order)
{
    if (runner_submit(&order->agent->runner, &order->job) < 0) {
        ttrpc_call_fail(order->call, TTRPC_RESOURCE_EXHAUSTED, "%d orders wait already", JOBS_MAX);
        free(order);
        return;
    }
    ttrpc_call_on_cancel(order->call, on_caller_gone, order);
}

static bool commands_are_allowed(const struct agent *agent)
{
    return agent->policy.policy.allow_commands && agent->configuration->policy.allow_commands;
}

/* What its owner, or its policy, set. `key`: what of the owner's it is else. */
static const char *why_forbidden(const struct agent *agent, const char *key)
{
    return commands_are_allowed(agent) ? key : "allow_commands = false";
}

static nsec_t time_limit(const struct agent *agent, nsec_t asked)
{
    nsec_t limit = asked > 0 ? asked : agent->policy.policy.compact_time_limit;

    if (configuration_sets(agent->configuration, "compact_time_limit"))
        limit = min_of(limit, agent->configuration->policy.compact_time_limit);
    return limit;
}

/* For what is decided before the job begins. The agent's own sample stays: the next step compares
 * with it, and would miss a kill that came before this one. */
static struct memory_sample current_sample(struct agent *agent)
{
    struct memory_sample sample;

    if (sensors_read(&agent->sensors, time_boottime(), &sample) < 0)
        sample = agent->sample;
    return sample;
}

/* ---- Compact ---- */

static void answer_compact(struct order *order, Vmreclaim__Agent__V1__ActionResult *result)
{
    Vmreclaim__Agent__V1__CompactResponse response = VMRECLAIM__AGENT__V1__COMPACT_RESPONSE__INIT;

    response.result = result;
    ttrpc_call_finish(order->call, &response.base);
}

void orders_compact(struct ttrpc_call *call, const ProtobufCMessage *message, void *userdata)
{
    const Vmreclaim__Agent__V1__CompactRequest *request =
        (const Vmreclaim__Agent__V1__CompactRequest *)message;
    struct order *order =
        begin(call, ACTION_COMPACT, request->action_id, request->asked_by, answer_compact);
    struct agent *agent;
    struct memory_sample sample;
    char reason[JOB_REASON_SIZE];
    char trapped[32];
    char gain[32];

    if (order == NULL)
        return;
    agent = order->agent;
    sample = current_sample(agent);
    order->job.time_limit = time_limit(agent, request->time_limit_ns);
    if (order->job.time_limit < request->time_limit_ns)
        snprintf(order->job.bound, sizeof(order->job.bound),
                 "this guest's own compact_time_limit is %s",
                 time_format_duration(order->job.time_limit, gain, sizeof(gain)));
    if (!commands_are_allowed(agent) || (configuration_sets(agent->configuration, "compact") &&
                                         !agent->configuration->policy.compact)) {
        decline(order, ACTION_FORBIDDEN, why_forbidden(agent, "compact = false"));
    } else if (!request->force && sample.trapped < agent->policy.policy.compact_min_gain) {
        snprintf(reason, sizeof(reason), "%s are trapped, less than compact_min_gain = %s",
                 bytes_format_short(sample.trapped, trapped, sizeof(trapped)),
                 bytes_format(agent->policy.policy.compact_min_gain, gain, sizeof(gain)));
        decline(order, ACTION_NOTHING_TO_DO, reason);
    } else {
        submit(order);
    }
}

/* ---- ReclaimCache ---- */

static void answer_reclaim_cache(struct order *order, Vmreclaim__Agent__V1__ActionResult *result)
{
    Vmreclaim__Agent__V1__ReclaimCacheResponse response =
        VMRECLAIM__AGENT__V1__RECLAIM_CACHE_RESPONSE__INIT;

    response.result = result;
    ttrpc_call_finish(order->call, &response.base);
}

static bool cache_order_is_allowed(const struct agent *agent, bool drop)
{
    const struct policy *owner = &agent->configuration->policy;

    if (!commands_are_allowed(agent) || (drop && configuration_keeps_cache(agent->configuration)))
        return false;
    if (!configuration_sets(agent->configuration, "cache_method"))
        return true;
    return drop ? owner->cache_method == POLICY_CACHE_DROP
                : owner->cache_method != POLICY_CACHE_NONE;
}

/* How much may go: what was asked for, or all above the policy's floor; never below the owner's. */
static uint64_t reclaimable_bytes(struct agent *agent, uint64_t asked)
{
    uint64_t cache = current_sample(agent).cache;
    uint64_t floor = asked == 0 ? agent->policy.policy.cache_floor : 0;

    if (configuration_sets(agent->configuration, "cache_floor"))
        floor = max_of(floor, agent->configuration->policy.cache_floor);
    cache = saturating_subtract(cache, floor);
    return asked == 0 ? cache : min_of(asked, cache);
}

void orders_reclaim_cache(struct ttrpc_call *call, const ProtobufCMessage *message, void *userdata)
{
    const Vmreclaim__Agent__V1__ReclaimCacheRequest *request =
        (const Vmreclaim__Agent__V1__ReclaimCacheRequest *)message;
    struct order *order = begin(call, request->drop ? ACTION_DROP_CACHES : ACTION_RECLAIM_CACHE,
                                request->action_id, request->asked_by, answer_reclaim_cache);

    if (order == NULL)
        return;
    order->job.time_limit = time_limit(order->agent, request->time_limit_ns);
    order->job.drop_slab = order->agent->policy.policy.drop_slab;
    order->job.bytes = reclaimable_bytes(order->agent, request->bytes);
    if (order->job.bytes < request->bytes)
        snprintf(order->job.bound, sizeof(order->job.bound), "%s of cache %s",
                 BYTES_TEXT(order->job.bytes),
                 configuration_sets(order->agent->configuration, "cache_floor")
                     ? "lie above this guest's own cache_floor"
                     : "is all there is");
    order->job.forbid_drop = configuration_keeps_cache(order->agent->configuration);
    if (!cache_order_is_allowed(order->agent, request->drop))
        decline(order, ACTION_FORBIDDEN,
                why_forbidden(order->agent, request->drop ? "cache_method or cache_floor"
                                                          : "cache_method = none"));
    else if (!request->drop && order->job.bytes == 0)
        decline(order, ACTION_NOTHING_TO_DO, "the cache is at its floor already");
    else
        submit(order);
}

/* ---- SetReporting ---- */

static void answer_set_reporting(struct order *order, Vmreclaim__Agent__V1__ActionResult *result)
{
    Vmreclaim__Agent__V1__SetReportingResponse response =
        VMRECLAIM__AGENT__V1__SET_REPORTING_RESPONSE__INIT;

    response.result = result;
    response.order = reporting_order(&order->agent->reporting);
    ttrpc_call_finish(order->call, &response.base);
}

static enum action_kind reporting_job(const Vmreclaim__Agent__V1__SetReportingRequest *request)
{
    if (request->restore || request->end_while)
        return ACTION_RESTORE_ORDER;
    return request->kick ? ACTION_KICK_REPORTING : ACTION_SET_ORDER;
}

/* When an order for a while ends, CLOCK_BOOTTIME. */
static nsec_t end_of(const Vmreclaim__Agent__V1__SetReportingRequest *request)
{
    return time_boottime() + min_of(request->duration_ns, ORDER_TIME_MAX);
}

/* The order is one write, done before a pass is started; 0 or -errno. */
static int set_order_now(struct order *order,
                         const Vmreclaim__Agent__V1__SetReportingRequest *request)
{
    struct reporting *reporting = &order->agent->reporting;
    uint32_t floor = order->agent->policy.policy.reporting_order;
    uint32_t before = reporting_order(reporting);
    uint32_t in_force;
    int r;

    if (!request->set_order || !request->kick || order->job.kind == ACTION_RESTORE_ORDER)
        return 0;
    if (request->duration_ns > 0) {
        r = reporting_set_order_for(reporting, request->order, floor, end_of(request), &in_force);
    } else {
        reporting_keep_order(reporting);
        r = reporting_set_order(reporting, request->order, floor, &in_force);
    }
    if (r == 0)
        (void)reporting_bound(reporting, before, request->order, floor, order->job.bound,
                              sizeof(order->job.bound));
    return r;
}

void orders_set_reporting(struct ttrpc_call *call, const ProtobufCMessage *message, void *userdata)
{
    const Vmreclaim__Agent__V1__SetReportingRequest *request =
        (const Vmreclaim__Agent__V1__SetReportingRequest *)message;
    struct order *order = begin(call, reporting_job(request), request->action_id, request->asked_by,
                                answer_set_reporting);
    struct agent *agent;
    int r = 0;

    if (order == NULL)
        return;
    agent = order->agent;
    order->job.order = request->order;
    order->job.order_floor = agent->policy.policy.reporting_order;
    order->job.ends_while = request->end_while && !request->restore;
    order->job.time_limit = time_limit(agent, 0);
    if (!commands_are_allowed(agent)) {
        decline(order, ACTION_FORBIDDEN, why_forbidden(agent, NULL));
        return;
    }
    if (request->set_lowest_order)
        r = agent_set_lowest_order(agent, request->lowest_order);
    if (request->set_takes_free)
        engine_set_host_takes_free(&agent->engine, request->takes_free);
    if (r == 0)
        r = set_order_now(order, request);
    if (r < 0)
        decline(order, r == -ENOTSUP ? ACTION_NOT_SUPPORTED : ACTION_FAILED, strerror(-r));
    else if (request->restore || request->end_while || request->kick || request->set_order)
        submit(order);
    else
        decline(order, ACTION_DONE, "");
}
