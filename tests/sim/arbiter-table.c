/* Days of a host that runs short, under each rule, as a table and as JSON; fails where a promise is
 * not kept or a rival costs its guests less.
 * usage: arbiter-table FILE.json|- [SEEDS [LARGE-SEEDS [FIRST-SEED]]] */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/arbiter-day.h"

#define DAY          86400
#define GUESTS       60
#define LARGE_GUESTS 1000
#define REACHED      30 /* seconds below critical, where the host need not be there */
#define TURNS        4

/* All seeds of one size. */
struct table {
    unsigned guests;
    unsigned seeds;
    struct arbiter_day_result means[RULE_COUNT];
    unsigned fewest_read;    /* seeds on which ours read fewest pages again */
    unsigned least_stalled;  /* ... and stalled least */
    double step_seconds_max; /* of one day's mean */
};

static double read_again(const struct arbiter_day_result *result)
{
    return result->refaults + result->swapped_in;
}

static unsigned greater(unsigned a, unsigned b)
{
    return a > b ? a : b;
}

static void add(struct arbiter_day_result *mean, const struct arbiter_day_result *day,
                unsigned seeds)
{
    mean->refaults += day->refaults / seeds;
    mean->swapped_in += day->swapped_in / seeds;
    mean->stalled += day->stalled / seeds;
    mean->kills += day->kills / seeds;
    mean->critical += day->critical / seeds;
    mean->moved += day->moved / seeds;
    mean->step_seconds += day->step_seconds / seeds;
    mean->critical_run = greater(mean->critical_run, day->critical_run);
    mean->critical_any_run = greater(mean->critical_any_run, day->critical_any_run);
    mean->turns_max = greater(mean->turns_max, day->turns_max);
    mean->under_floor += day->under_floor;
    mean->leases_past += day->leases_past;
}

static void compare(struct table *table, const struct arbiter_day_result days[RULE_COUNT])
{
    const struct arbiter_day_result *ours = &days[RULE_OURS];
    bool reads = true, stalls = true;

    for (unsigned rule = RULE_MOM; rule < RULE_COUNT; rule++) {
        reads = reads && read_again(ours) < read_again(&days[rule]);
        stalls = stalls && ours->stalled < days[rule].stalled;
    }
    table->fewest_read += reads;
    table->least_stalled += stalls;
}

/* Says which seed broke a promise, so that it can be run alone. */
static bool check_seed(uint64_t seed, unsigned guests, const struct arbiter_day_result *ours)
{
    const struct {
        const char *what;
        bool is_broken;
    } promises[] = {
        {"a guest has less than its floor", ours->under_floor > 0},
        {"a lease outlives its end", ours->leases_past > 0},
        {"a guest's direction changes too often", ours->turns_max > TURNS},
        {"the host stays below critical", ours->critical_run > REACHED},
    };
    bool is_kept = true;

    for (size_t i = 0; i < sizeof(promises) / sizeof(promises[0]); i++) {
        if (!promises[i].is_broken)
            continue;
        fprintf(stderr, "seed %llu, %u guests: %s (floor %u, past %u, turns %u, critical %u s)\n",
                (unsigned long long)seed, guests, promises[i].what, ours->under_floor,
                ours->leases_past, ours->turns_max, ours->critical_run);
        is_kept = false;
    }
    return is_kept;
}

static bool run_days(struct table *table, uint64_t first)
{
    bool is_kept = true;

    for (unsigned i = 0; i < table->seeds; i++) {
        struct arbiter_day_result days[RULE_COUNT];

        for (unsigned rule = 0; rule < RULE_COUNT; rule++) {
            arbiter_day_run((enum arbiter_rule)rule, first + i, table->guests, DAY,
                            &host_load_whole, &days[rule]);
            add(&table->means[rule], &days[rule], table->seeds);
        }
        compare(table, days);
        is_kept = check_seed(first + i, table->guests, &days[RULE_OURS]) && is_kept;
        if (days[RULE_OURS].step_seconds > table->step_seconds_max)
            table->step_seconds_max = days[RULE_OURS].step_seconds;
    }
    return is_kept;
}

static void print_table(const struct table *table)
{
    printf("one day, %u guests, mean of %u seeds\n\n", table->guests, table->seeds);
    printf("%-15s %10s %10s %10s %8s %10s %8s %6s %6s\n", "", "refaults", "from swap", "stalled",
           "killed", "below", "needless", "turns", "GiB");
    printf("%-15s %10s %10s %10s %8s %10s %8s %6s %6s\n", "", "1e6 pages", "1e6 pages", "hours", "",
           "critical s", "at most", "an h", "moved");
    for (unsigned rule = 0; rule < RULE_COUNT; rule++) {
        const struct arbiter_day_result *mean = &table->means[rule];

        printf("%-15s %10.1f %10.1f %10.2f %8.2f %10.1f %8u %6u %6.0f\n",
               arbiter_rule_name((enum arbiter_rule)rule), mean->refaults / 1e6,
               mean->swapped_in / 1e6, mean->stalled / 3600, mean->kills, mean->critical,
               mean->critical_run, mean->turns_max, mean->moved / HOST_GIB);
    }
    printf(
        "\nvmreclaim read fewest pages again on %u of %u seeds, stalled least on %u; a step took "
        "%.0f us\n\n",
        table->fewest_read, table->seeds, table->least_stalled,
        table->means[RULE_OURS].step_seconds * 1e6);
}

static void write_rules(FILE *file, const struct table *table, const char *prefix)
{
    static const char *const names[RULE_COUNT] = {"nothing", "ours", "mom", "proxmox"};

    for (unsigned rule = 0; rule < RULE_COUNT; rule++) {
        const struct arbiter_day_result *mean = &table->means[rule];

        fprintf(file,
                "\"%s%s_refaults\":%.0f,\"%s%s_swapped_in\":%.0f,\"%s%s_stalled_seconds\":%.1f,"
                "\"%s%s_kills\":%.2f,\"%s%s_critical_seconds\":%.1f,"
                "\"%s%s_critical_needless_seconds\":%u,\"%s%s_critical_any_seconds\":%u,"
                "\"%s%s_turns_per_hour\":%u,"
                "\"%s%s_under_floor\":%u,",
                prefix, names[rule], mean->refaults, prefix, names[rule], mean->swapped_in, prefix,
                names[rule], mean->stalled, prefix, names[rule], mean->kills, prefix, names[rule],
                mean->critical, prefix, names[rule], mean->critical_run, prefix, names[rule],
                mean->critical_any_run, prefix, names[rule], mean->turns_max, prefix, names[rule],
                mean->under_floor);
    }
    fprintf(file,
            "\"%sours_leases_past\":%u,\"%sseeds_fewest_read\":%u,\"%sseeds_least_stalled\":%u,"
            "\"%sstep_us\":%.1f,\"%sseeds\":%u",
            prefix, table->means[RULE_OURS].leases_past, prefix, table->fewest_read, prefix,
            table->least_stalled, prefix, table->step_seconds_max * 1e6, prefix, table->seeds);
}

static int write_json(const char *path, const struct table *many, const struct table *large)
{
    FILE *file = fopen(path, "we");

    if (file == NULL) {
        perror(path);
        return EXIT_FAILURE;
    }
    fputs("{\"metrics\":{", file);
    write_rules(file, many, "");
    if (large->seeds > 0) {
        fputs(",", file);
        write_rules(file, large, "large_");
    }
    fputs("}}\n", file);
    return fclose(file) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static bool is_best(const struct table *table)
{
    if (table->fewest_read == table->seeds && table->least_stalled == table->seeds)
        return true;
    fprintf(stderr, "host-day: on some seeds a rival's guests read or waited less\n");
    return false;
}

int main(int argc, char **argv)
{
    struct table many = {.guests = GUESTS};
    struct table large = {.guests = LARGE_GUESTS};
    uint64_t first = argc > 4 ? strtoull(argv[4], NULL, 10) : 1;
    bool is_kept;

    if (argc < 2) {
        fprintf(stderr, "usage: arbiter-table FILE.json|- [SEEDS [LARGE-SEEDS [FIRST-SEED]]]\n");
        return 2;
    }
    many.seeds = argc > 2 ? (unsigned)strtoul(argv[2], NULL, 10) : 200;
    large.seeds = argc > 3 ? (unsigned)strtoul(argv[3], NULL, 10) : 5;
    is_kept = run_days(&many, first);
    print_table(&many);
    if (large.seeds > 0) {
        is_kept = run_days(&large, first) && is_kept;
        print_table(&large);
    }
    if (strcmp(argv[1], "-") != 0 && write_json(argv[1], &many, &large) != EXIT_SUCCESS)
        return EXIT_FAILURE;
    return is_best(&many) && is_best(&large) && is_kept ? EXIT_SUCCESS : EXIT_FAILURE;
}
