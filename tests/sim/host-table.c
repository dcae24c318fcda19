/* The bench's program: days of guests that do not report, under host rules, as a table and as JSON.
 * usage: host-table FILE.json */
#include <stdio.h>
#include <stdlib.h>

#include "tests/sim/host-rules.h"

#define FIRST_SEED 1001
#define SEEDS      50
#define GIB_       (1024.0 * 1024 * 1024)

static void run_days(struct host_result sums[HOST_RULE_COUNT])
{
    for (unsigned i = 0; i < SEEDS; i++)
        for (unsigned rule = 0; rule < HOST_RULE_COUNT; rule++) {
            struct host_result result;

            host_day_run((enum host_rule)rule, FIRST_SEED + i, &result);
            sums[rule].byte_hours += result.byte_hours / SEEDS;
            sums[rule].refaults += result.refaults / SEEDS;
            sums[rule].stalled += result.stalled / SEEDS;
            sums[rule].pulses += result.pulses / SEEDS;
            sums[rule].footprint_mean += result.footprint_mean / SEEDS;
        }
}

static void print_table(const struct host_result results[HOST_RULE_COUNT])
{
    printf("one day (compile, browse, idle, containers), 16 GiB, mean of %d seeds\n\n", SEEDS);
    printf("%-20s %12s %12s %10s %8s %15s\n", "", "GiB*h held", "pages read", "stalled", "pulses",
           "mean footprint");
    printf("%-20s %12s %12s %10s %8s %15s\n", "", "above need", "again", "s", "", "GiB");
    for (unsigned rule = 0; rule < HOST_RULE_COUNT; rule++)
        printf("%-20s %12.1f %12.0f %10.1f %8.1f %15.2f\n", host_rule_name((enum host_rule)rule),
               results[rule].byte_hours / GIB_, results[rule].refaults, results[rule].stalled,
               results[rule].pulses, results[rule].footprint_mean / GIB_);
}

static int write_json(const char *path, const struct host_result results[HOST_RULE_COUNT])
{
    static const char *const names[HOST_RULE_COUNT] = {
        "nothing", "agentless", "agent", "smolvm", "vm0", "reporting", "agent_reporting"};
    FILE *file = fopen(path, "we");

    if (file == NULL) {
        perror(path);
        return EXIT_FAILURE;
    }
    fputs("{\"metrics\":{", file);
    for (unsigned rule = 0; rule < HOST_RULE_COUNT; rule++)
        fprintf(file, "\"%s_byte_hours\":%.0f,\"%s_refaults\":%.0f,\"%s_stalled\":%.2f,",
                names[rule], results[rule].byte_hours, names[rule], results[rule].refaults,
                names[rule], results[rule].stalled);
    fprintf(file, "\"agentless_pulses\":%.1f,\"seeds\":%d}}\n", results[HOST_AGENTLESS].pulses,
            SEEDS);
    return fclose(file) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* Without an agent a pulse costs the guest nothing that it had. With one the guest reads again what
 * its engine takes, about as where that is reported. */
static bool is_kept(const struct host_result results[HOST_RULE_COUNT])
{
    const struct host_result *nothing = &results[HOST_NOTHING];
    const struct host_result *alone = &results[HOST_AGENTLESS];
    const struct host_result *agent = &results[HOST_AGENT];

    return alone->byte_hours < nothing->byte_hours && alone->stalled <= nothing->stalled + 0.01 &&
           alone->refaults <= nothing->refaults * 1.01 &&
           agent->byte_hours < alone->byte_hours / 3 && agent->stalled <= nothing->stalled + 0.01 &&
           agent->refaults <= results[HOST_AGENT_WHOLE].refaults * 1.25;
}

int main(int argc, char **argv)
{
    struct host_result results[HOST_RULE_COUNT] = {{0}};

    if (argc != 2) {
        fprintf(stderr, "usage: host-table FILE.json\n");
        return 2;
    }
    run_days(results);
    print_table(results);
    if (write_json(argv[1], results) != EXIT_SUCCESS)
        return EXIT_FAILURE;
    if (is_kept(results))
        return EXIT_SUCCESS;
    fprintf(stderr, "pulse-day: pulses held no less, stalled the guest or made it read again\n");
    return EXIT_FAILURE;
}
