/* Whether the ranking of the day rests on a number: every constant of the model at half and at
 * twice its value, and days of other shapes. Prints a table for README.md; fails when ours does not
 * hold least of all and read back fewest of the reclaimers, in the mean of its seeds, in any row.
 * usage: sensitivity [SEEDS] */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/sim/constants.h"
#include "tests/sim/day.h"

#define FIRST_SEED 2001
#define GIB_       (1024.0 * 1024 * 1024)

static unsigned seeds = 10;
static unsigned failures;

static bool run_row(const char *what, const char *value, const struct day_shape *shape)
{
    struct day_result sums[CONTEST_COUNT] = {{0}};
    bool is_best = true;

    for (unsigned who = 0; who < CONTEST_COUNT; who++)
        for (unsigned i = 0; i < seeds; i++) {
            struct day_result result;
            day_run((enum contestant)who, FIRST_SEED + i, shape, &result);
            sums[who].byte_hours += result.byte_hours / seeds;
            sums[who].refaults += result.refaults / seeds;
        }
    printf("| %s | %s |", what, value);
    for (unsigned who = 0; who < CONTEST_COUNT; who++) {
        printf(" %.1f, %.2f |", sums[who].byte_hours / GIB_, sums[who].refaults / 1e6);
        is_best &= who == CONTEST_OURS ||
                   (sums[CONTEST_OURS].byte_hours < sums[who].byte_hours &&
                    (who == CONTEST_REPORTING || sums[CONTEST_OURS].refaults < sums[who].refaults));
    }
    printf(" %s |\n", is_best ? "holds" : "**does not hold**");
    return is_best;
}

static void vary_constants(void)
{
    static const struct {
        const char *name;
        double *value;
        const char *source;
    } table[] = {
#define X(name, value, source, how) {#name, &model_constants.name, source},
        MODEL_CONSTANTS(X)
#undef X
    };
    char what[64];

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        double own = *table[i].value;
        double twice = own > 0.5 && own < 1 ? 1 : 2 * own; /* a share stays one */
        snprintf(what, sizeof(what), "%s (%s)", table[i].name, table[i].source);
        *table[i].value = own / 2;
        failures += !run_row(what, "half", &day_as_written);
        *table[i].value = twice;
        failures += !run_row(what, "twice", &day_as_written);
        *table[i].value = own;
    }
}

static void vary_shape(void)
{
    static const struct {
        const char *what;
        const char *value;
        struct day_shape shape;
    } shapes[] = {
        {"memory", "12 GiB", {0.75, 1, 1, 1, 1}}, {"memory", "32 GiB", {2, 1, 1, 1, 1}},
        {"hot sets", "half", {1, 0.5, 1, 1, 1}},  {"hot sets", "x 1.5", {1, 1.5, 1, 1, 1}},
        {"read once", "half", {1, 1, 0.5, 1, 1}}, {"read once", "twice", {1, 1, 2, 1, 1}},
        {"load", "half", {1, 1, 1, 0.5, 1}},      {"phases", "half as long", {1, 1, 1, 1, 0.5}},
        {"phases", "x 1.5", {1, 1, 1, 1, 1.5}},
    };

    for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++)
        (void)run_row(shapes[i].what, shapes[i].value, &shapes[i].shape);
}

int main(int argc, char **argv)
{
    if (argc > 1)
        seeds = (unsigned)strtoul(argv[1], NULL, 10);
    if (seeds == 0) {
        fprintf(stderr, "usage: sensitivity [SEEDS]\n");
        return 2;
    }
    printf("| | |");
    for (unsigned who = 0; who < CONTEST_COUNT; who++)
        printf(" %s |", contest_name((enum contestant)who));
    printf(" ranking |\n|---|---|---|---|---|---|---|---|\n");
    failures += !run_row("as it is", "", &day_as_written);
    vary_constants();
    vary_shape();
    return failures > 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
