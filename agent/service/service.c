/* Handlers that answer at once; those that order an action are in orders.c. */
#include "agent/service/service.h"

#include <errno.h>
#include <string.h>

#include "agent/calls/messages.h"
#include "agent/core/agent.h"
#include "agent/service/orders.h"
#include "common/base/log.h"

enum { OWN_KEYS_MAX = 64 };

static void ping(struct ttrpc_call *call, const ProtobufCMessage *message, void *userdata)
{
    const Vmreclaim__Agent__V1__PingRequest *request =
        (const Vmreclaim__Agent__V1__PingRequest *)message;
    Vmreclaim__Agent__V1__PingResponse response = VMRECLAIM__AGENT__V1__PING_RESPONSE__INIT;

    response.nonce = request->nonce;
    response.boottime_ns = time_boottime();
    ttrpc_call_finish(call, &response.base);
}

/* Pointers to the rows of a table of texts, as protobuf-c wants them. */
static size_t point_to_unsupported(struct agent *agent, char *pointers[HOST_POLICY_KEYS_MAX])
{
    for (size_t i = 0; i < agent->policy.unsupported_count; i++)
        pointers[i] = agent->policy.unsupported[i];
    return agent->policy.unsupported_count;
}

/* The keys that the guest's owner set. */
static size_t point_to_own_keys(const struct agent *agent, char *pointers[OWN_KEYS_MAX])
{
    const char *key;
    size_t count = 0;

    for (size_t i = 0; count < OWN_KEYS_MAX && (key = policy_key(i)) != NULL; i++)
        if (configuration_sets(agent->configuration, key))
            pointers[count++] = (char *)key;
    return count;
}

static void get_info(struct ttrpc_call *call, const ProtobufCMessage *message, void *userdata)
{
    struct agent *agent = connection_userdata(call);
    Vmreclaim__Agent__V1__GetInfoResponse response = VMRECLAIM__AGENT__V1__GET_INFO_RESPONSE__INIT;
    Vmreclaim__Agent__V1__Feature features[FEATURE_COUNT];
    Vmreclaim__Agent__V1__Feature *feature_pointers[FEATURE_COUNT];
    struct doctor_complaint complaints[DOCTOR_COMPLAINTS_MAX];
    Vmreclaim__Agent__V1__Check checks[DOCTOR_COMPLAINTS_MAX];
    Vmreclaim__Agent__V1__Check *check_pointers[DOCTOR_COMPLAINTS_MAX];
    char *unsupported[HOST_POLICY_KEYS_MAX];
    char *own_keys[OWN_KEYS_MAX];

    messages_from_features(&agent->features, features, feature_pointers);
    response.n_checks =
        doctor_complain(agent->root, agent->configuration, &agent->features, complaints);
    messages_from_complaints(complaints, response.n_checks, checks, check_pointers);
    response.checks = check_pointers;
    response.agent_version = (char *)VMRECLAIM_VERSION;
    response.protocol_version = AGENT_PROTOCOL_VERSION;
    response.boot_id = agent->boot_id;
    response.kernel_release = agent->kernel_release;
    response.cpu_count = agent->sample.cpu_count;
    response.page_size = agent->sensors.page_size;
    response.pageblock_order = agent->sensors.pageblock_order;
    response.max_order = agent->sensors.max_order;
    response.reporting_order = reporting_order(&agent->reporting);
    response.reporting_order_is_known = response.reporting_order < ORDER_COUNT_MAX;
    response.reporting_not_agreed = agent->sensors.reporting_device == -EOPNOTSUPP;
    response.numa_node_count = agent->node_count;
    response.n_features = FEATURE_COUNT;
    response.features = feature_pointers;
    response.policy_revision = agent->policy.policy.revision;
    response.policy_hash = agent->policy.policy.hash;
    response.n_unsupported_keys = point_to_unsupported(agent, unsupported);
    response.unsupported_keys = unsupported;
    response.own_policy = own_policy_create(agent->configuration);
    response.own_keys = own_keys;
    response.n_own_keys = point_to_own_keys(agent, own_keys);
    ttrpc_call_finish(call, &response.base);
    own_policy_destroy(response.own_policy);
}

static void get_memory(struct ttrpc_call *call, const ProtobufCMessage *message, void *userdata)
{
    const Vmreclaim__Agent__V1__GetMemoryRequest *request =
        (const Vmreclaim__Agent__V1__GetMemoryRequest *)message;
    struct agent *agent = connection_userdata(call);

    if (request->brief)
        scans_get_memory_briefly(&agent->scans, call);
    else
        scans_get_memory(&agent->scans, call, request->exact);
}

static void list_free_ranges(struct ttrpc_call *call, const ProtobufCMessage *message,
                             void *userdata)
{
    const Vmreclaim__Agent__V1__ListFreeRangesRequest *request =
        (const Vmreclaim__Agent__V1__ListFreeRangesRequest *)message;
    struct agent *agent = connection_userdata(call);

    scans_list_ranges(&agent->scans, call, request->start, request->length);
}

/* ---- policy ---- */

static void answer_policy(struct ttrpc_call *call, struct agent *agent)
{
    Vmreclaim__Agent__V1__ApplyPolicyResponse response =
        VMRECLAIM__AGENT__V1__APPLY_POLICY_RESPONSE__INIT;
    char *unsupported[HOST_POLICY_KEYS_MAX];
    char *capped[64];
    char values[ARRAY_SIZE(capped)][64];
    char *value_pointers[ARRAY_SIZE(capped)];
    const char *key;

    response.n_unsupported_keys = point_to_unsupported(agent, unsupported);
    response.unsupported_keys = unsupported;
    response.capped_keys = capped;
    response.capped_values = value_pointers;
    for (size_t i = 0; i < ARRAY_SIZE(capped) && (key = policy_key(i)) != NULL; i++) {
        size_t n = response.n_capped_keys;
        if ((agent->policy.capped & (policy_key_set)1 << i) == 0)
            continue;
        capped[n] = (char *)key;
        value_pointers[n] = values[n];
        (void)policy_get(&agent->policy.policy, key, values[n], sizeof(values[n]));
        response.n_capped_values = ++response.n_capped_keys;
    }
    ttrpc_call_finish(call, &response.base);
}

/* No host's policy is for this guest any more. */
static void withdraw_policy(struct ttrpc_call *call, struct agent *agent)
{
    int r = host_policy_forget(agent->state_directory);

    if (r < 0)
        log_warning("the host's policy is not in force any more, but would be again after a "
                    "restart: %s",
                    strerror(-r));
    agent_set_own_policy(agent);
    log_notice("no policy is assigned by the host: the own configuration is in force");
    answer_policy(call, agent);
}

static void apply_policy(struct ttrpc_call *call, const ProtobufCMessage *message, void *userdata)
{
    const Vmreclaim__Agent__V1__ApplyPolicyRequest *request =
        (const Vmreclaim__Agent__V1__ApplyPolicyRequest *)message;
    struct agent *agent = connection_userdata(call);
    struct host_policy policy;
    struct error error;
    int r;

    if (request->policy == NULL) {
        agent_set_host_time(agent, request->controller_time_ns);
        withdraw_policy(call, agent);
        return;
    }
    r = host_policy_accept(request->policy, agent->configuration, &policy, &error);
    if (r < 0) {
        ttrpc_call_fail(call, TTRPC_INVALID_ARGUMENT, "policy: %s", error.text);
        return;
    }
    r = host_policy_store(agent->state_directory, request->policy);
    if (r < 0)
        log_warning("the policy is in force, but cannot be kept over a restart: %s", strerror(-r));
    agent_set_host_time(agent, request->controller_time_ns);
    agent_set_policy(agent, &policy);
    log_notice("policy %s revision %llu is in force", policy.policy.name,
               (unsigned long long)policy.policy.revision);
    answer_policy(call, agent);
}

/* ---- watch ---- */

static void watch(struct ttrpc_call *call, const ProtobufCMessage *message, void *userdata)
{
    const Vmreclaim__Agent__V1__WatchRequest *request =
        (const Vmreclaim__Agent__V1__WatchRequest *)message;
    struct agent *agent = connection_userdata(call);
    int r;

    if (request->set_lowest_order && request->lowest_order > agent->sensors.max_order) {
        ttrpc_call_fail(call, TTRPC_OUT_OF_RANGE, "lowest_order: %u is above the largest order %u",
                        request->lowest_order, agent->sensors.max_order);
        return;
    }
    r = watches_open(&agent->watches, call, request->interval_ns);
    if (r < 0) {
        ttrpc_call_fail(call, TTRPC_RESOURCE_EXHAUSTED, "watch: %s",
                        r == -EBUSY ? "too many readers" : strerror(-r));
        return;
    }
    if (request->set_lowest_order)
        (void)agent_set_lowest_order(agent, request->lowest_order);
    agent_set_host_time(agent, request->controller_time_ns);
    agent_end_order(agent);
    engine_set_host_takes_free(&agent->engine, false);
    connection_is_watched(call);
    watches_publish_engine(&agent->watches, &agent->decision, time_boottime());
    agent_sample_soon(agent);
}

/* ---- the table ---- */

/* In the order of the .proto file; the descriptor's test holds it to that. */
enum method {
    METHOD_PING,
    METHOD_GET_INFO,
    METHOD_GET_MEMORY,
    METHOD_COMPACT,
    METHOD_RECLAIM_CACHE,
    METHOD_SET_REPORTING,
    METHOD_LIST_FREE_RANGES,
    METHOD_APPLY_POLICY,
    METHOD_WATCH,
};

static const ttrpc_handler handlers[] = {
    [METHOD_PING] = ping,
    [METHOD_GET_INFO] = get_info,
    [METHOD_GET_MEMORY] = get_memory,
    [METHOD_COMPACT] = orders_compact,
    [METHOD_RECLAIM_CACHE] = orders_reclaim_cache,
    [METHOD_SET_REPORTING] = orders_set_reporting,
    [METHOD_LIST_FREE_RANGES] = list_free_ranges,
    [METHOD_APPLY_POLICY] = apply_policy,
    [METHOD_WATCH] = watch,
};

static const struct ttrpc_service agent_service = {
    .descriptor = &vmreclaim__agent__v1__agent__descriptor,
    .handlers = handlers,
    .streams = 1u << METHOD_LIST_FREE_RANGES | 1u << METHOD_WATCH,
};

const struct ttrpc_service *const agent_services[] = {&agent_service, NULL};
