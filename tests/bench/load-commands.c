/* Commands through the operators' API: PingVm on VMs taken in turn, RATE a second for SECONDS, each
 * timed from its start to its answer. The VMs are NAME0 … NAME<COUNT-1>. With more than one API
 * each gets as many, in turn: what the machine does at a moment it does to all of them. Prints, a
 * line for each API: commands, failures, and p50, p99 and the longest in ms. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/transport/transport.h"
#include "common/ttrpc/ttrpc.h"
#include "controller.pb-c.h"

#define CONNECTIONS 8 /* to each API, which lets each have a few calls under way */
#define APIS_MAX    2

struct load {
    uv_loop_t loop;
    uv_timer_t timer;
    struct ttrpc_connection *connections[APIS_MAX * CONNECTIONS];
    unsigned connected;
    unsigned api_count;
    const char *name;
    unsigned vm_count;
    unsigned next_vm;
    unsigned total;
    unsigned started;
    unsigned answered;
    unsigned failed[APIS_MAX];
    nsec_t begun;
    nsec_t spacing;
    nsec_t *latencies; /* those of one API lie together */
};

static struct load load;

static void on_result(const struct ttrpc_result *result, void *userdata)
{
    nsec_t *latency = userdata;

    *latency = time_monotonic() - *latency;
    if (result->code != TTRPC_OK &&
        load.failed[(size_t)(latency - load.latencies) / load.total]++ == 0)
        fprintf(stderr, "load-commands: %s: %s\n", ttrpc_code_name(result->code), result->message);
    if (++load.answered == load.total * load.api_count)
        uv_stop(&load.loop);
}

static void command(void)
{
    Vmreclaim__Controller__V1__PingVmRequest request =
        VMRECLAIM__CONTROLLER__V1__PING_VM_REQUEST__INIT;
    unsigned place = load.started % load.api_count;
    unsigned turn = load.started++ / load.api_count;
    unsigned api = turn % 2 == 0 ? place : load.api_count - 1 - place; /* nobody is always first */
    nsec_t *latency = &load.latencies[api * load.total + turn];
    char name[64];

    snprintf(name, sizeof(name), "%s%u", load.name, load.next_vm);
    /* A stride that visits all: neighbours are not asked one after the other. */
    if (place == load.api_count - 1)
        load.next_vm = (load.next_vm + 7919) % load.vm_count;
    request.vm = name;
    *latency = time_monotonic();
    if (ttrpc_call_unary(load.connections[api * CONNECTIONS + turn % CONNECTIONS],
                         &vmreclaim__controller__v1__controller__descriptor, "PingVm",
                         &request.base, 30 * NSEC_PER_SEC, on_result, latency, NULL) < 0)
        exit(1);
}

static void on_tick(uv_timer_t *timer)
{
    nsec_t now = time_monotonic();

    while (load.started < load.total * load.api_count &&
           load.begun + load.started * load.spacing <= now)
        command();
}

static void on_dialled(int descriptor, const struct error *error, void *userdata)
{
    struct ttrpc_connection_options options = {.limits = ttrpc_limits_default};

    if (descriptor < 0) {
        fprintf(stderr, "%s\n", error->text);
        exit(1);
    }
    if (ttrpc_connection_create(&load.loop, descriptor, &options,
                                &load.connections[load.connected]) < 0)
        exit(1);
    load.connected++;
}

static int compare(const void *a, const void *b)
{
    nsec_t left = *(const nsec_t *)a, right = *(const nsec_t *)b;

    return left < right ? -1 : left > right;
}

static void print(unsigned api)
{
    nsec_t *latencies = load.latencies + (size_t)api * load.total;

    qsort(latencies, load.total, sizeof(*latencies), compare);
    printf("%u %u %.3f %.3f %.3f\n", load.total, load.failed[api],
           (double)latencies[load.total / 2] / 1e6,
           (double)latencies[(size_t)load.total * 99 / 100] / 1e6,
           (double)latencies[load.total - 1] / 1e6);
}

/* All connections to one API, before the next one's. */
static int connect_to(const char *text, struct error *error)
{
    struct address address;
    unsigned all = load.connected + CONNECTIONS;

    if (address_parse(text, &address, error) < 0)
        return -1;
    for (unsigned i = 0; i < CONNECTIONS; i++)
        if (dial_start(&load.loop, &address, 0, on_dialled, NULL, NULL) < 0)
            return -1;
    while (load.connected < all)
        uv_run(&load.loop, UV_RUN_ONCE);
    load.api_count++;
    return 0;
}

int main(int argc, char **argv)
{
    struct error error = {.text = "usage: load-commands NAME COUNT RATE SECONDS API [API]"};

    if (argc < 6 || argc > 5 + APIS_MAX || uv_loop_init(&load.loop) < 0) {
        fprintf(stderr, "%s\n", error.text);
        return 2;
    }
    load.name = argv[1];
    load.vm_count = (unsigned)atoi(argv[2]);
    load.total = (unsigned)(atoi(argv[3]) * atoi(argv[4]));
    for (int i = 5; i < argc; i++)
        if (connect_to(argv[i], &error) < 0) {
            fprintf(stderr, "%s\n", error.text);
            return 2;
        }
    load.spacing = NSEC_PER_SEC / (unsigned)atoi(argv[3]) / load.api_count;
    load.latencies = calloc((size_t)load.total * load.api_count, sizeof(*load.latencies));
    if (load.latencies == NULL)
        return 1;
    load.begun = time_monotonic();
    uv_timer_init(&load.loop, &load.timer);
    uv_timer_start(&load.timer, on_tick, 1, 1);
    uv_run(&load.loop, UV_RUN_DEFAULT);
    for (unsigned i = 0; i < load.api_count; i++)
        print(i);
    return 0;
}
