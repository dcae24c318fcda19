/* A controller of one agent, for the lab: calls every RPC once, then watches and pings, and prints
 * what it sees with the guest's own time. usage: agent-probe ADDRESS SECONDS [keep]
 * It listens on a vsock: address, and dials a hybrid: or unix: one until the agent is there.
 * With "keep" the reporting order that it lowers stays so.
 *
 *     rpc NAME OK|CODE|failed REASON    once each; failed: an action that was tried
 *     ping MILLISECONDS         every 300 ms, the longest wait is what counts
 *     pressure BOOTTIME-MS SOME-PERMYRIAD
 *     closed REASON */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent.pb-c.h"
#include "common/transport/transport.h"
#include "common/ttrpc/ttrpc.h"

#define PING_INTERVAL_MS 300
#define CALL_TIMEOUT     (20 * NSEC_PER_SEC)
#define REDIAL_MS        200

static uv_loop_t loop;
static uv_timer_t ping_timer;
static uv_timer_t end_timer;
static uv_timer_t dial_timer;
static bool keeps_order;
static struct ttrpc_connection *connection;

static void on_close(struct ttrpc_connection *closed, int status, const char *reason,
                     void *userdata)
{
    printf("closed %s\n", reason);
    if (closed == connection)
        connection = NULL;
}

/* An action that was tried and failed; NULL: no action, or another outcome. */
static const char *failure(const ProtobufCMessage *response)
{
    const ProtobufCFieldDescriptor *field;
    const Vmreclaim__Agent__V1__ActionResult *action;

    if (response == NULL)
        return NULL;
    field = protobuf_c_message_descriptor_get_field_by_name(response->descriptor, "result");
    if (field == NULL)
        return NULL;
    memcpy(&action, (const char *)response + field->offset, sizeof(action));
    return action->outcome == VMRECLAIM__AGENT__V1__OUTCOME__OUTCOME_FAILED ? action->reason : NULL;
}

static void on_rpc(const struct ttrpc_result *result, void *userdata)
{
    const char *reason = failure(result->response);

    printf("rpc %s %s %s\n", (const char *)userdata,
           reason != NULL ? "failed" : ttrpc_code_name(result->code),
           reason != NULL ? reason : result->message);
}

static void ignore_message(const ProtobufCMessage *message, void *userdata)
{
}

static void call(const char *method, const void *request)
{
    if (ttrpc_call_unary(connection, &vmreclaim__agent__v1__agent__descriptor, method, request,
                         CALL_TIMEOUT, on_rpc, (void *)method, NULL) < 0)
        abort();
}

static void call_everything(void)
{
    Vmreclaim__Agent__V1__GetInfoRequest info = VMRECLAIM__AGENT__V1__GET_INFO_REQUEST__INIT;
    Vmreclaim__Agent__V1__GetMemoryRequest memory = VMRECLAIM__AGENT__V1__GET_MEMORY_REQUEST__INIT;
    Vmreclaim__Agent__V1__CompactRequest compact = VMRECLAIM__AGENT__V1__COMPACT_REQUEST__INIT;
    Vmreclaim__Agent__V1__ReclaimCacheRequest reclaim =
        VMRECLAIM__AGENT__V1__RECLAIM_CACHE_REQUEST__INIT;
    Vmreclaim__Agent__V1__SetReportingRequest reporting =
        VMRECLAIM__AGENT__V1__SET_REPORTING_REQUEST__INIT;
    Vmreclaim__Agent__V1__ListFreeRangesRequest ranges =
        VMRECLAIM__AGENT__V1__LIST_FREE_RANGES_REQUEST__INIT;
    Vmreclaim__Agent__V1__ApplyPolicyRequest apply =
        VMRECLAIM__AGENT__V1__APPLY_POLICY_REQUEST__INIT;
    Vmreclaim__Policy__V1__Policy policy = VMRECLAIM__POLICY__V1__POLICY__INIT;
    char profile[] = "gentle";
    char name[] = "probe";

    memory.exact = true;
    compact.force = true;
    reclaim.bytes = 4096 * 1024;
    policy.profile = profile;
    policy.name = name;
    apply.policy = &policy;
    call("GetInfo", &info);
    call("GetMemory", &memory);
    call("Compact", &compact);
    call("ReclaimCache", &reclaim);
    reclaim.drop = true;
    call("ReclaimCache", &reclaim);
    reporting.set_order = true;
    reporting.order = 4;
    reporting.kick = true;
    call("SetReporting", &reporting);
    vmreclaim__agent__v1__set_reporting_request__init(&reporting);
    reporting.restore = !keeps_order;
    call("SetReporting", &reporting);
    call("ApplyPolicy", &apply);
    if (ttrpc_call_stream(connection, &vmreclaim__agent__v1__agent__descriptor, "ListFreeRanges",
                          &ranges.base, CALL_TIMEOUT, ignore_message, on_rpc,
                          (void *)"ListFreeRanges", NULL) < 0)
        abort();
}

static void on_watch(const ProtobufCMessage *message, void *userdata)
{
    const Vmreclaim__Agent__V1__WatchResponse *response =
        (const Vmreclaim__Agent__V1__WatchResponse *)message;

    if (response->event_case == VMRECLAIM__AGENT__V1__WATCH_RESPONSE__EVENT_PRESSURE)
        printf("pressure %" PRIu64 " %" PRIu32 "\n",
               response->pressure->boottime_ns / NSEC_PER_MSEC,
               response->pressure->memory_some_permyriad);
}

static void on_ping(const struct ttrpc_result *result, void *userdata)
{
    nsec_t *sent = userdata;

    if (result->code == TTRPC_OK)
        printf("ping %" PRIu64 "\n", (time_monotonic() - *sent) / NSEC_PER_MSEC);
    else
        printf("ping failed %s\n", result->message);
    free(sent);
}

static void on_ping_timer(uv_timer_t *timer)
{
    Vmreclaim__Agent__V1__PingRequest request = VMRECLAIM__AGENT__V1__PING_REQUEST__INIT;
    nsec_t *sent = malloc(sizeof(*sent));

    if (sent == NULL)
        abort();
    *sent = time_monotonic();
    if (connection == NULL ||
        ttrpc_call_unary(connection, &vmreclaim__agent__v1__agent__descriptor, "Ping",
                         &request.base, CALL_TIMEOUT, on_ping, sent, NULL) < 0)
        free(sent);
}

static void on_accept(int descriptor, const struct peer *peer, void *userdata)
{
    const struct ttrpc_connection_options options = {
        .limits = ttrpc_limits_default,
        .on_close = on_close,
    };
    Vmreclaim__Agent__V1__WatchRequest request = VMRECLAIM__AGENT__V1__WATCH_REQUEST__INIT;

    /* Pressure must not need a sample to be seen. */
    request.interval_ns = 60 * NSEC_PER_SEC;
    printf("connected CID %" PRIu32 " port %" PRIu32 "\n", peer->cid, peer->port);
    if (ttrpc_connection_create(&loop, descriptor, &options, &connection) < 0 ||
        ttrpc_call_stream(connection, &vmreclaim__agent__v1__agent__descriptor, "Watch",
                          &request.base, 0, on_watch, on_rpc, (void *)"Watch", NULL) < 0)
        abort();
    call_everything();
}

/* ---- an agent that is dialled ---- */

static struct address agent_address;

static void on_redial(uv_timer_t *timer);

static void on_dialled(int descriptor, const struct error *error, void *userdata)
{
    const struct peer peer = {.kind = agent_address.kind};

    if (descriptor >= 0)
        on_accept(descriptor, &peer, NULL);
    else
        uv_timer_start(&dial_timer, on_redial, REDIAL_MS, 0);
}

static void on_redial(uv_timer_t *timer)
{
    if (dial_start(&loop, &agent_address, CALL_TIMEOUT, on_dialled, NULL, NULL) < 0)
        abort();
}

/* Dials or listens, as the kind of address has it. */
static int meet_agent(struct error *error)
{
    struct listener *listener;

    if (agent_address.kind == ADDRESS_VSOCK)
        return listener_create(&loop, &agent_address, 0600, on_accept, NULL, &listener, error);
    return uv_timer_start(&dial_timer, on_redial, 0, 0);
}

static void on_end(uv_timer_t *timer)
{
    exit(EXIT_SUCCESS);
}

int main(int argument_count, char **arguments)
{
    struct error error;

    if (argument_count < 3)
        return EXIT_FAILURE;
    keeps_order = argument_count > 3 && strcmp(arguments[3], "keep") == 0;
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    if (uv_loop_init(&loop) < 0 || uv_timer_init(&loop, &dial_timer) < 0)
        return EXIT_FAILURE;
    if (address_parse(arguments[1], &agent_address, &error) < 0 || meet_agent(&error) < 0) {
        fprintf(stderr, "agent-probe: %s\n", error.text);
        return EXIT_FAILURE;
    }
    uv_timer_init(&loop, &ping_timer);
    uv_timer_init(&loop, &end_timer);
    uv_timer_start(&ping_timer, on_ping_timer, PING_INTERVAL_MS, PING_INTERVAL_MS);
    uv_timer_start(&end_timer, on_end, (uint64_t)atoi(arguments[2]) * 1000, 0);
    return uv_run(&loop, UV_RUN_DEFAULT);
}
