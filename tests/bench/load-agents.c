/* Many agents in one process: listens on a UNIX socket, also under the names PATH.0 …
 * PATH.<COUNT-1>, and every connection that the controller makes is one more agent, which answers
 * and reports as a real one does. Writes a line with the
 * time (CLOCK_REALTIME, ns) whenever the number of watched agents reaches COUNT or 0. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent.pb-c.h"
#include "common/base/list.h"
#include "common/transport/transport.h"
#include "common/ttrpc/ttrpc.h"
#include "tests/bench/aliases.h"

#define TICK_MS 10

struct load {
    uv_loop_t loop;
    uv_timer_t timer;
    struct list agents; /* watched, the next to report first */
    unsigned watched;
    unsigned count;
    unsigned next_id;
};

struct agent {
    struct load *load;
    struct list link; /* of load->agents while watched */
    struct ttrpc_call *watch;
    nsec_t interval;
    nsec_t due;
    uint64_t sequence;
    unsigned id;
};

static struct load load;

static void report_count(void)
{
    if (load.watched == load.count || load.watched == 0) {
        printf("%s %lld\n", load.watched == 0 ? "none" : "all", (long long)time_realtime());
        (void)fflush(stdout);
    }
}

static void fill(Vmreclaim__Agent__V1__MemorySample *sample, const struct agent *agent)
{
    static uint64_t free_blocks[] = {513, 405, 311, 208, 107, 54, 33, 21, 12, 7, 901};

    sample->sequence = agent->sequence;
    sample->boottime_ns = time_boottime();
    sample->total = (uint64_t)4 << 30;
    sample->free = (uint64_t)1 << 30;
    sample->reported = (uint64_t)900 << 20;
    sample->reportable = (uint64_t)20 << 20;
    sample->trapped = (uint64_t)80 << 20;
    sample->percpu = (uint64_t)17 << 20;
    sample->cache = (uint64_t)700 << 20;
    sample->in_use = (uint64_t)2 << 30;
    sample->anon = (uint64_t)1 << 30;
    sample->slab_unreclaimable = (uint64_t)60 << 20;
    sample->kernel = (uint64_t)30 << 20;
    sample->active_file = (uint64_t)300 << 20;
    sample->inactive_file = (uint64_t)400 << 20;
    sample->slab_reclaimable = (uint64_t)50 << 20;
    sample->available = (uint64_t)2 << 30;
    sample->cpu_busy_ns = sample->boottime_ns / 10;
    sample->cpu_total_ns = sample->boottime_ns;
    sample->psi_memory_some_us = 12345;
    sample->n_free_blocks = ARRAY_SIZE(free_blocks);
    sample->free_blocks = free_blocks;
    sample->reported_is_known = true;
}

static void send_sample(struct agent *agent)
{
    Vmreclaim__Agent__V1__WatchResponse response = VMRECLAIM__AGENT__V1__WATCH_RESPONSE__INIT;
    Vmreclaim__Agent__V1__MemorySample sample = VMRECLAIM__AGENT__V1__MEMORY_SAMPLE__INIT;

    response.sequence = ++agent->sequence;
    response.event_case = VMRECLAIM__AGENT__V1__WATCH_RESPONSE__EVENT_SAMPLE;
    response.sample = &sample;
    fill(&sample, agent);
    (void)ttrpc_call_send(agent->watch, &response.base);
}

/* Agents come round in turn: all have one interval. */
static void on_tick(uv_timer_t *timer)
{
    nsec_t now = time_monotonic();

    while (!list_is_empty(&load.agents)) {
        struct agent *agent = list_entry(load.agents.next, struct agent, link);

        if (agent->due > now)
            return;
        send_sample(agent);
        agent->due += agent->interval;
        list_remove(&agent->link);
        list_append(&load.agents, &agent->link);
    }
}

/* ---- the service ---- */

static void ping(struct ttrpc_call *call, const ProtobufCMessage *message, void *userdata)
{
    Vmreclaim__Agent__V1__PingResponse response = VMRECLAIM__AGENT__V1__PING_RESPONSE__INIT;

    response.nonce = ((const Vmreclaim__Agent__V1__PingRequest *)message)->nonce;
    response.boottime_ns = time_boottime();
    ttrpc_call_finish(call, &response.base);
}

static void get_info(struct ttrpc_call *call, const ProtobufCMessage *message, void *userdata)
{
    Vmreclaim__Agent__V1__GetInfoResponse response = VMRECLAIM__AGENT__V1__GET_INFO_RESPONSE__INIT;
    const struct agent *agent = userdata;
    char boot_id[40];
    char version[] = VMRECLAIM_VERSION, kernel[] = "6.1.0-load";

    snprintf(boot_id, sizeof(boot_id), "%08x-0000-4000-8000-000000000000", agent->id);
    response.agent_version = version;
    response.protocol_version = 1;
    response.boot_id = boot_id;
    response.kernel_release = kernel;
    response.cpu_count = 2;
    response.page_size = 4096;
    response.pageblock_order = 9;
    response.max_order = 10;
    response.reporting_order = 9;
    response.numa_node_count = 1;
    ttrpc_call_finish(call, &response.base);
}

static void get_memory(struct ttrpc_call *call, const ProtobufCMessage *message, void *userdata)
{
    Vmreclaim__Agent__V1__GetMemoryResponse response =
        VMRECLAIM__AGENT__V1__GET_MEMORY_RESPONSE__INIT;
    Vmreclaim__Agent__V1__MemorySample sample = VMRECLAIM__AGENT__V1__MEMORY_SAMPLE__INIT;

    fill(&sample, userdata);
    response.sample = &sample;
    ttrpc_call_finish(call, &response.base);
}

static void set_reporting(struct ttrpc_call *call, const ProtobufCMessage *message, void *userdata)
{
    Vmreclaim__Agent__V1__SetReportingResponse response =
        VMRECLAIM__AGENT__V1__SET_REPORTING_RESPONSE__INIT;

    ttrpc_call_finish(call, &response.base);
}

static void apply_policy(struct ttrpc_call *call, const ProtobufCMessage *message, void *userdata)
{
    Vmreclaim__Agent__V1__ApplyPolicyResponse response =
        VMRECLAIM__AGENT__V1__APPLY_POLICY_RESPONSE__INIT;

    ttrpc_call_finish(call, &response.base);
}

static void leave(struct agent *agent)
{
    if (agent->watch == NULL)
        return;
    agent->watch = NULL;
    list_remove(&agent->link);
    load.watched--;
    report_count();
}

static void on_watch_over(struct ttrpc_call *call, void *userdata)
{
    leave(userdata);
}

static void watch(struct ttrpc_call *call, const ProtobufCMessage *message, void *userdata)
{
    const Vmreclaim__Agent__V1__WatchRequest *request =
        (const Vmreclaim__Agent__V1__WatchRequest *)message;
    struct agent *agent = userdata;

    if (agent->watch != NULL || request->interval_ns == 0) {
        ttrpc_call_fail(call, TTRPC_INVALID_ARGUMENT, "one Watch with an interval, please");
        return;
    }
    agent->watch = call;
    agent->interval = request->interval_ns;
    agent->due = time_monotonic() + agent->interval;
    ttrpc_call_on_cancel(call, on_watch_over, agent);
    send_sample(agent);
    list_append(&load.agents, &agent->link);
    load.watched++;
    report_count();
}

static const ttrpc_handler handlers[] = {
    ping, get_info, get_memory, NULL, NULL, set_reporting, NULL, apply_policy, watch,
};

static const struct ttrpc_service service = {
    .descriptor = &vmreclaim__agent__v1__agent__descriptor,
    .handlers = handlers,
    .streams = 1u << 8,
};

static const struct ttrpc_service *const services[] = {&service, NULL};

static void on_close(struct ttrpc_connection *connection, int status, const char *reason,
                     void *userdata)
{
    if (status != 0)
        fprintf(stderr, "load-agents: %s\n", reason);
    free(userdata);
}

static void on_accept(int descriptor, const struct peer *peer, void *userdata)
{
    struct ttrpc_connection_options options = {
        .limits = ttrpc_limits_default,
        .services = services,
        .on_close = on_close,
    };
    struct agent *agent = calloc(1, sizeof(*agent));
    struct ttrpc_connection *connection;

    if (agent == NULL)
        abort();
    agent->load = &load;
    agent->id = load.next_id++;
    options.userdata = agent;
    if (ttrpc_connection_create(&load.loop, descriptor, &options, &connection) < 0)
        abort();
}

int main(int argc, char **argv)
{
    struct address address;
    struct error error = {.text = "usage: load-agents unix:PATH COUNT"};
    struct listener *listener;

    list_init(&load.agents);
    if (argc != 3 || uv_loop_init(&load.loop) < 0 || address_parse(argv[1], &address, &error) < 0 ||
        listener_create(&load.loop, &address, 0600, on_accept, NULL, &listener, &error) < 0) {
        fprintf(stderr, "%s\n", error.text);
        return 2;
    }
    load.count = (unsigned)atoi(argv[2]);
    make_aliases(&address, load.count);
    uv_timer_init(&load.loop, &load.timer);
    uv_timer_start(&load.timer, on_tick, TICK_MS, TICK_MS);
    return uv_run(&load.loop, UV_RUN_DEFAULT);
}
