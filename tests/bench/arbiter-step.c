/* The bench's program: what one step of the arbiter costs with so many VMs, on a host that is
 * critical, so that all of them are weighed.
 * usage: arbiter-step FILE.json */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "controller/arbiter/arbiter.h"
#include "tests/sim/random.h"

#define ROUNDS  200
#define FEW     100
#define MANY    1000
#define FEW_MS  1.0
#define MANY_MS 10.0

struct costs {
    double mean; /* milliseconds */
    double worst;
};

static double milliseconds(void)
{
    struct timespec time;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}

static uint64_t part(struct random *random, uint64_t bytes)
{
    return (uint64_t)((double)bytes * random_unit(random));
}

static void draw_vm(struct random *random, uint64_t serial, struct arbiter_memory *memory,
                    struct arbiter_vm *vm)
{
    uint64_t ram = GIB << random_below(random, 5);

    *vm = (struct arbiter_vm){
        .serial = serial,
        .memory = memory,
        .ram = ram,
        .size = ram,
        .footprint = ram / 2 + part(random, ram / 2),
        .source = ARBITER_AGENT,
        .free = part(random, ram / 5),
        .cold = part(random, ram / 5),
        .trapped = part(random, ram / 20),
        .in_use = ram / 10 + part(random, ram / 4),
        .hot = part(random, ram / 5),
        .headroom = ram / 20,
        .shares = 500u << random_below(random, 3),
        .priority = (uint32_t)random_below(random, 3),
        .floor = part(random, ram / 3),
        .means = ARBITER_CAN_RECLAIM | ARBITER_CAN_COMPACT | ARBITER_CAN_LEASE,
        .may_be_changed = true,
    };
}

/* The host is short of as much as in the round before: nothing of what is asked for comes back. */
static struct arbiter_host host_of(unsigned round, uint64_t total)
{
    return (struct arbiter_host){
        .now = (nsec_t)(round + 1) * NSEC_PER_SEC,
        .total = total,
        .available = total / 100,
        .critical = total / 100 * 3,
        .low = total / 100 * 6,
        .high = total / 100 * 9,
    };
}

static struct costs measure(unsigned count)
{
    struct arbiter_memory *memories = calloc(count, sizeof(*memories));
    struct arbiter_vm *vms = calloc(count, sizeof(*vms));
    struct arbiter_request *requests = calloc(count, sizeof(*requests));
    struct costs costs = {.mean = 0};
    struct arbiter arbiter;
    struct random random;
    uint64_t total = 0;

    if (memories == NULL || vms == NULL || requests == NULL)
        abort();
    random_init(&random, count);
    arbiter_init(&arbiter);
    for (unsigned i = 0; i < count; i++) {
        draw_vm(&random, i + 1, &memories[i], &vms[i]);
        total += vms[i].footprint;
    }
    for (unsigned round = 0; round < ROUNDS; round++) {
        const struct arbiter_host host = host_of(round, total);
        size_t asked = 0;
        double before = milliseconds(), spent;

        if (arbiter_step(&arbiter, &host, vms, count, requests, &asked) < 0)
            abort();
        spent = milliseconds() - before;
        costs.mean += spent / ROUNDS;
        costs.worst = spent > costs.worst ? spent : costs.worst;
    }
    arbiter_finish(&arbiter);
    free(memories);
    free(vms);
    free(requests);
    return costs;
}

static void print(unsigned count, const struct costs *costs)
{
    printf("one step of the arbiter, %4u VMs: %.3f ms, at most %.3f ms\n", count, costs->mean,
           costs->worst);
}

int main(int argc, char **argv)
{
    const struct costs few = measure(FEW), many = measure(MANY);
    FILE *file = argc == 2 ? fopen(argv[1], "we") : NULL;

    if (file == NULL) {
        fprintf(stderr, "usage: arbiter-step FILE.json\n");
        return 2;
    }
    print(FEW, &few);
    print(MANY, &many);
    fprintf(file,
            "{\"metrics\":{\"few_ms\":%.4f,\"few_worst_ms\":%.4f,\"many_ms\":%.4f,"
            "\"many_worst_ms\":%.4f}}\n",
            few.mean, few.worst, many.mean, many.worst);
    if (fclose(file) != 0)
        return EXIT_FAILURE;
    if (few.mean < FEW_MS && many.mean < MANY_MS)
        return EXIT_SUCCESS;
    fprintf(stderr, "arbiter-step: a step takes longer than promised\n");
    return EXIT_FAILURE;
}
