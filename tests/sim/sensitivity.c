/* Whether the ranking of the day rests on a number: every constant of the model at half and at
 * twice its value, and days of other shapes. Prints a table for README.md; fails when ours does not
 * hold least of all and read back fewest of the reclaimers, in the mean of its seeds, in any row.
 * Then what other values of the policy would bring, a table for each.
 * usage: sensitivity [SEEDS] */
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/sim/constants.h"
#include "tests/sim/day.h"

#define FIRST_SEED 2001
#define GIB_       (1024.0 * 1024 * 1024)

static unsigned seeds = 10;
static unsigned failures;

static struct day_result mean_day(enum contestant who, const struct day_shape *shape)
{
    struct day_result mean = {0};

    for (unsigned i = 0; i < seeds; i++) {
        struct day_result result;
        day_run(who, FIRST_SEED + i, shape, &result);
        mean.byte_hours += result.byte_hours / seeds;
        mean.refaults += result.refaults / seeds;
    }
    return mean;
}

static bool run_row(const char *what, const char *value, const struct day_shape *shape)
{
    struct day_result means[CONTEST_COUNT];
    bool is_best = true;

    for (unsigned who = 0; who < CONTEST_COUNT; who++)
        means[who] = mean_day((enum contestant)who, shape);
    printf("| %s | %s |", what, value);
    for (unsigned who = 0; who < CONTEST_COUNT; who++) {
        printf(" %.1f, %.2f |", means[who].byte_hours / GIB_, means[who].refaults / 1e6);
        is_best &=
            who == CONTEST_OURS ||
            (means[CONTEST_OURS].byte_hours < means[who].byte_hours &&
             (who == CONTEST_REPORTING || means[CONTEST_OURS].refaults < means[who].refaults));
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
        {"memory", "12 GiB", {0.75, 1, 1, 1, 1, 1, 1, 1}},
        {"memory", "32 GiB", {2, 1, 1, 1, 1, 1, 1, 1}},
        {"hot sets", "half", {1, 0.5, 1, 1, 1, 1, 1, 1}},
        {"hot sets", "x 1.5", {1, 1.5, 1, 1, 1, 1, 1, 1}},
        {"read once", "half", {1, 1, 0.5, 1, 1, 1, 1, 1}},
        {"read once", "twice", {1, 1, 2, 1, 1, 1, 1, 1}},
        {"load", "half", {1, 1, 1, 0.5, 1, 1, 1, 1}},
        {"phases", "half as long", {1, 1, 1, 1, 0.5, 1, 1, 1}},
        {"phases", "x 1.5", {1, 1, 1, 1, 1.5, 1, 1, 1}},
        {"breaks", "idle", {1, 1, 1, 1, 1, 0.125, 1, 1}},
    };

    for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++)
        (void)run_row(shapes[i].what, shapes[i].value, &shapes[i].shape);
}

/* A value of our policy, and others in its place. */
struct variation {
    const char *what;
    const char *unit;
    size_t factor; /* offset in a day's shape */
    double own;
    double values[5];
};

static void print_day(const struct variation *variation, const char *what, struct day_shape shape)
{
    double *factor = (double *)((char *)&shape + variation->factor);
    struct day_result wsl = mean_day(CONTEST_WSL, &shape);

    printf("| %s |", what);
    for (size_t i = 0; i < sizeof(variation->values) / sizeof(variation->values[0]); i++) {
        struct day_result ours;
        *factor = variation->values[i] / variation->own;
        ours = mean_day(CONTEST_OURS, &shape);
        printf(" %.1f, %.2f |", ours.byte_hours / GIB_, ours.refaults / 1e6);
    }
    printf(" %.1f, %.2f |\n", wsl.byte_hours / GIB_, wsl.refaults / 1e6);
}

/* What another value would bring, on the days that ask for one. */
static void vary_policy(const struct variation *variation)
{
    static const struct {
        const char *what;
        struct day_shape shape;
    } days[] = {
        {"as it is", {1, 1, 1, 1, 1, 1, 1, 1}},
        {"12 GiB", {0.75, 1, 1, 1, 1, 1, 1, 1}},
        {"half read once", {1, 1, 0.5, 1, 1, 1, 1, 1}},
        {"half the load", {1, 1, 1, 0.5, 1, 1, 1, 1}},
        {"phases x 1.5", {1, 1, 1, 1, 1.5, 1, 1, 1}},
        {"idle breaks", {1, 1, 1, 1, 1, 0.125, 1, 1}},
    };

    printf("\n| %s |", variation->what);
    for (size_t i = 0; i < sizeof(variation->values) / sizeof(variation->values[0]); i++)
        printf(" %.0f %s |", variation->values[i], variation->unit);
    printf(" WSL rules |\n|---|---|---|---|---|---|---|\n");
    for (size_t day = 0; day < sizeof(days) / sizeof(days[0]); day++)
        print_day(variation, days[day].what, days[day].shape);
}

int main(int argc, char **argv)
{
    static const struct variation window = {
        "idle window", "s", offsetof(struct day_shape, window), 120, {30, 120, 300, 600, 1800}};
    static const struct variation trickle = {"trickle per minute",
                                             "MiB",
                                             offsetof(struct day_shape, trickle),
                                             512,
                                             {0, 128, 256, 512, 1024}};

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
    vary_policy(&window);
    vary_policy(&trickle);
    return failures > 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
