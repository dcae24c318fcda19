/* Commands through the operators' API: PingVm on VMs taken in turn, RATE a second for SECONDS, each
 * timed from its start to its answer. The VMs are NAME0 … NAME<COUNT-1>.
 * Prints: commands, failures, and p50, p99 and the longest in ms. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/transport/transport.h"
#include "common/ttrpc/ttrpc.h"
#include "controller.pb-c.h"

#define CONNECTIONS 8 /* the API lets each have a few calls under way */

struct load {
    uv_loop_t loop;
    uv_timer_t timer;
    struct ttrpc_connection *connections[CONNECTIONS];
    unsigned connected;
    const char *name;
    unsigned vm_count;
    unsigned next_vm;
    unsigned total;
    unsigned started;
    unsigned answered;
    unsigned failed;
    nsec_t begun;
    nsec_t spacing;
    nsec_t *latencies;
};

static struct load load;

static void on_result(const struct ttrpc_result *result, void *userdata)
{
    nsec_t *latency = userdata;

    *latency = time_monotonic() - *latency;
    if (result->code != TTRPC_OK && load.failed++ == 0)
        (void)fprintf(stderr, "load-commands: %s: %s\n", ttrpc_code_name(result->code),
                      result->message);
    if (++load.answered == load.total)
        uv_stop(&load.loop);
}

static void command(void)
{
    Vmreclaim__Controller__V1__PingVmRequest request =
        VMRECLAIM__CONTROLLER__V1__PING_VM_REQUEST__INIT;
    nsec_t *latency = &load.latencies[load.started++];
    char name[64];

    (void)snprintf(name, sizeof(name), "%s%u", load.name, load.next_vm);
    /* A stride that visits all: neighbours are not asked one after the other. */
    load.next_vm = (load.next_vm + 7919) % load.vm_count;
    request.vm = name;
    *latency = time_monotonic();
    if (ttrpc_call_unary(load.connections[load.started % CONNECTIONS],
                         &vmreclaim__controller__v1__controller__descriptor, "PingVm",
                         &request.base, 30 * NSEC_PER_SEC, on_result, latency, NULL) < 0)
        exit(1);
}

static void on_tick(uv_timer_t *timer)
{
    nsec_t now = time_monotonic();

    (void)timer;
    while (load.started < load.total && load.begun + load.started * load.spacing <= now)
        command();
}

static void on_dialled(int descriptor, const struct error *error, void *userdata)
{
    struct ttrpc_connection_options options = {.limits = ttrpc_limits_default};

    (void)userdata;
    if (descriptor < 0) {
        (void)fprintf(stderr, "%s\n", error->text);
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

static double percentile(unsigned permyriad)
{
    size_t index = (size_t)load.total * permyriad / 10000;

    return (double)load.latencies[min_of(index, (size_t)load.total - 1)] / 1e6;
}

int main(int argc, char **argv)
{
    struct address address;
    struct error error = {.text = "usage: load-commands API NAME COUNT RATE SECONDS"};

    if (argc != 6 || uv_loop_init(&load.loop) < 0 || address_parse(argv[1], &address, &error) < 0 ||
        dial_start(&load.loop, &address, 0, on_dialled, NULL, NULL) < 0) {
        (void)fprintf(stderr, "%s\n", error.text);
        return 2;
    }
    load.name = argv[2];
    load.vm_count = (unsigned)atoi(argv[3]);
    load.total = (unsigned)(atoi(argv[4]) * atoi(argv[5]));
    load.spacing = NSEC_PER_SEC / (unsigned)atoi(argv[4]);
    load.latencies = calloc(load.total, sizeof(*load.latencies));
    if (load.latencies == NULL)
        return 1;
    for (unsigned i = 0; i < CONNECTIONS; i++)
        if (dial_start(&load.loop, &address, 0, on_dialled, NULL, NULL) < 0)
            return 1;
    while (load.connected < CONNECTIONS)
        (void)uv_run(&load.loop, UV_RUN_ONCE);
    load.begun = time_monotonic();
    (void)uv_timer_init(&load.loop, &load.timer);
    (void)uv_timer_start(&load.timer, on_tick, 1, 1);
    (void)uv_run(&load.loop, UV_RUN_DEFAULT);
    qsort(load.latencies, load.total, sizeof(*load.latencies), compare);
    (void)printf("%u %u %.3f %.3f %.3f\n", load.total, load.failed, percentile(5000),
                 percentile(9900), percentile(10000));
    return 0;
}
