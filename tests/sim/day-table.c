/* The bench's program: the day on two hundred seeds that nothing was chosen on, as a table and as
 * JSON, and the cost of one engine step. usage: day-table FILE.json */
#include <stdio.h>
#include <stdlib.h>

#include "tests/sim/day.h"

#define FIRST_SEED 1001
#define SEEDS      200
#define STEPS      200000
#define STEP_LIMIT 2000 /* ns */
#define GIB_       (1024.0 * 1024 * 1024)

/* On how many seeds ours is better than every rival. */
struct wins {
    unsigned held; /* lowest */
    unsigned read; /* fewest of those that take anything */
};

static void count_wins(const struct day_result results[CONTEST_COUNT], struct wins *wins)
{
    bool holds_least = true;
    bool reads_least = true;

    for (unsigned who = 0; who < CONTEST_COUNT; who++) {
        if (who == CONTEST_OURS)
            continue;
        holds_least &= results[CONTEST_OURS].byte_hours < results[who].byte_hours;
        reads_least &=
            who == CONTEST_REPORTING || results[CONTEST_OURS].refaults < results[who].refaults;
    }
    wins->held += holds_least;
    wins->read += reads_least;
}

static void run_days(struct day_result sums[CONTEST_COUNT], struct wins *wins)
{
    for (unsigned i = 0; i < SEEDS; i++) {
        struct day_result results[CONTEST_COUNT];
        for (unsigned who = 0; who < CONTEST_COUNT; who++) {
            struct day_result *result = &results[who];
            day_run((enum contestant)who, FIRST_SEED + i, &day_as_written, result);
            sums[who].byte_hours += result->byte_hours / SEEDS;
            sums[who].refaults += result->refaults / SEEDS;
            sums[who].host_filled += result->host_filled / SEEDS;
            sums[who].cpu_seconds += result->cpu_seconds / SEEDS;
            sums[who].footprint_mean += result->footprint_mean / SEEDS;
        }
        count_wins(results, wins);
    }
}

static void print_table(const struct day_result results[CONTEST_COUNT])
{
    printf("one day (compile, browse, idle, containers), 16 GiB, mean of %d seeds\n\n", SEEDS);
    printf("%-16s %14s %12s %12s %14s %10s\n", "", "GiB*h held", "pages read", "host filled",
           "mean footprint", "CPU");
    printf("%-16s %14s %12s %12s %14s %10s\n", "", "above need", "again", "GiB", "GiB", "s");
    for (unsigned who = 0; who < CONTEST_COUNT; who++)
        printf("%-16s %14.1f %12.0f %12.1f %14.2f %10.1f\n", contest_name((enum contestant)who),
               results[who].byte_hours / GIB_, results[who].refaults,
               results[who].host_filled / GIB_, results[who].footprint_mean / GIB_,
               results[who].cpu_seconds);
    printf(
        "reporting alone takes nothing: what it reads again is what the kernel took under its own "
        "pressure\n");
}

/* Samples every second of a guest that changes: every path of the engine is taken. */
static double measure_step(void)
{
    static struct engine engine;
    struct engine_decision decision;
    struct memory_sample sample;
    struct policy policy;
    struct model model;
    nsec_t begun;

    policy_init(&policy, POLICY_BALANCED);
    model_init(&model, 8 * GIB_, GIB_, 4, 9);
    model_sample(&model, &sample);
    engine_init(&engine, &policy, sample.boottime);
    begun = time_monotonic();
    for (uint64_t i = 0; i < STEPS; i++) {
        sample.boottime += NSEC_PER_SEC;
        sample.activity.cpu_total += 4 * NSEC_PER_SEC;
        sample.activity.cpu_busy += i / 500 % 2 == 0 ? NSEC_PER_SEC : NSEC_PER_MSEC;
        sample.cache = (i % 4096) << 20;
        sample.free_blocks[0] = i % 65536;
        engine_step(&engine, &sample, &decision);
        if (decision.action != ACTION_NONE) {
            struct engine_result result = {.action = decision.action,
                                           .completed = true,
                                           .supported = true,
                                           .gained = decision.expected_gain};
            engine_finished(&engine, &result, sample.boottime);
        }
    }
    return (double)(time_monotonic() - begun) / STEPS;
}

static int write_json(const char *path, const struct day_result results[CONTEST_COUNT],
                      const struct wins *wins, double step)
{
    FILE *file = fopen(path, "we");

    if (file == NULL) {
        perror(path);
        return EXIT_FAILURE;
    }
    fprintf(file,
            "{\"metrics\":{\"ours_byte_hours\":%.0f,\"reporting_byte_hours\":%.0f,"
            "\"wsl_byte_hours\":%.0f,\"kata_byte_hours\":%.0f,\"ours_refaults\":%.0f,"
            "\"wsl_refaults\":%.0f,\"kata_refaults\":%.0f,\"engine_step_ns\":%.0f,"
            "\"wsl_gradual_byte_hours\":%.0f,\"wsl_gradual_refaults\":%.0f,"
            "\"reporting_refaults\":%.0f,\"seeds\":%d,\"seeds_lowest\":%u,\"seeds_fewest\":%u}}\n",
            results[CONTEST_OURS].byte_hours, results[CONTEST_REPORTING].byte_hours,
            results[CONTEST_WSL].byte_hours, results[CONTEST_KATA].byte_hours,
            results[CONTEST_OURS].refaults, results[CONTEST_WSL].refaults,
            results[CONTEST_KATA].refaults, step, results[CONTEST_WSL_GRADUAL].byte_hours,
            results[CONTEST_WSL_GRADUAL].refaults, results[CONTEST_REPORTING].refaults, SEEDS,
            wins->held, wins->read);
    return fclose(file) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    struct day_result results[CONTEST_COUNT] = {{0}};
    struct wins wins = {0};
    bool is_best = true;
    double step;

    if (argc != 2) {
        fprintf(stderr, "usage: day-table FILE.json\n");
        return 2;
    }
    run_days(results, &wins);
    step = measure_step();
    print_table(results);
    printf("\nheld least of all on %u of %d seeds, read back fewest of the reclaimers on %u\n",
           wins.held, SEEDS, wins.read);
    printf("one engine step: %.0f ns of at most %d\n", step, STEP_LIMIT);
    if (write_json(argv[1], results, &wins, step) != EXIT_SUCCESS)
        return EXIT_FAILURE;
    for (unsigned who = CONTEST_WSL; who < CONTEST_COUNT; who++)
        is_best &= results[CONTEST_OURS].byte_hours < results[who].byte_hours &&
                   results[CONTEST_OURS].refaults < results[who].refaults;
    is_best &= results[CONTEST_OURS].byte_hours < results[CONTEST_REPORTING].byte_hours;
    if (!is_best)
        fprintf(stderr, "day: a rival held less or read back less\n");
    if (step >= STEP_LIMIT)
        fprintf(stderr, "day: an engine step takes too long\n");
    return is_best && step < STEP_LIMIT ? EXIT_SUCCESS : EXIT_FAILURE;
}
