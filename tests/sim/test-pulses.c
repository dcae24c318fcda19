/* Pulses of guests of all kinds, in which a program takes half or all of what is free at a random
 * moment, and what must hold in each of them:
 *
 *   nothing is killed
 *   the program is not slowed by more than a second for what the balloon held
 *   everything is given back, and soon
 *   what nobody disturbed took what was above the headroom
 *
 * usage: test-sim-pulses [FIRST-SEED [COUNT]]. A failure prints the seed; the end is a table. */
#include <stdio.h>
#include <stdlib.h>

#include "common/base/number.h"
#include "common/base/util.h"
#include "tests/sim/pulse-model.h"
#include "tests/sim/random.h"

#define STALL_MAX NSEC_PER_SEC

struct kind {
    unsigned half : 1, deflate_on_oom : 1, has_agent : 1;
};

struct tally {
    unsigned lives;
    unsigned cut_short;
    nsec_t stall_max;
    double stall_sum;
};

static struct tally tallies[2][2][2];

static uint64_t between(struct random *random, uint64_t low, uint64_t high)
{
    return low + random_below(random, high - low);
}

/* An emulated guest at one end, metal at the other. In the lab deflating was as fast as touching
 * memory or faster: both are a page at a time, and only one of them clears it. */
static void random_guest(struct random *random, const struct kind *kind, struct pulse_guest *guest)
{
    uint64_t touch = between(random, 100, 4096) * MIB;

    *guest = (struct pulse_guest){
        .ram = between(random, 1024, 16384) * MIB,
        .deflate_on_oom = kind->deflate_on_oom,
        .touch_speed = touch,
        .inflate_speed = max_of(90 * MIB, touch / 10 * between(random, 2, 6)),
        .deflate_speed = touch / 10 * between(random, 10, 30),
        .reclaim_speed = between(random, 50, 400) * MIB,
        .reading_time = between(random, 2, kind->has_agent ? 60 : 120) * NSEC_PER_MSEC,
        .command_time = between(random, 1, 20) * NSEC_PER_MSEC,
    };
    guest->free = guest->ram / 100 * between(random, 40, 90);
    guest->cache = random_below(random, 2) == 0 ? 0 : (guest->ram - guest->free) / 2;
}

static bool fail(uint64_t seed, const struct kind *kind, const char *what)
{
    fprintf(stderr, "seed %llu (%s, %s, %s): %s\n", (unsigned long long)seed,
            kind->half ? "half" : "all", kind->deflate_on_oom ? "deflate-on-oom" : "stock",
            kind->has_agent ? "agent" : "statistics", what);
    return false;
}

static bool undisturbed(uint64_t seed, const struct kind *kind, const struct pulse_guest *guest,
                        struct pulse_life *life)
{
    uint64_t headroom = pulse_headroom_min(guest->ram, &(struct pulse_past){0});

    if (!pulse_model_run(guest, life))
        return fail(seed, kind, "a pulse is refused");
    if (!life->is_whole)
        return fail(seed, kind, "an undisturbed pulse gave not everything back");
    if (life->end != PULSE_END_DEPTH && life->end != PULSE_END_TIME)
        return fail(seed, kind, pulse_end_text(life->end));
    if (life->end == PULSE_END_DEPTH && life->returned + headroom + 4 * MIB < guest->free)
        return fail(seed, kind, "an undisturbed pulse left some");
    return true;
}

static bool disturbed(uint64_t seed, const struct kind *kind, const struct pulse_guest *guest)
{
    struct tally *tally = &tallies[kind->half][kind->deflate_on_oom][kind->has_agent];
    struct pulse_life life;

    if (!pulse_model_run(guest, &life))
        return fail(seed, kind, "a pulse is refused");
    tally->lives++;
    tally->cut_short += life.end != PULSE_END_DEPTH;
    tally->stall_max = max_of(tally->stall_max, life.stall);
    tally->stall_sum += (double)life.stall / (double)NSEC_PER_SEC;
    if (life.was_killed)
        return fail(seed, kind, "the program was killed");
    if (life.stall > STALL_MAX)
        return fail(seed, kind, "the program was slowed by more than a second");
    if (!life.is_whole)
        return fail(seed, kind, "not everything was given back");
    return true;
}

static bool live(uint64_t seed)
{
    const struct kind kind = {seed & 1, seed >> 1 & 1, seed >> 2 & 1};
    struct pulse_guest guest;
    struct pulse_life life;
    struct random random;

    random_init(&random, seed);
    random_guest(&random, &kind, &guest);
    if (!undisturbed(seed, &kind, &guest, &life))
        return false;
    guest.wanted = guest.free - 64 * MIB;
    if (kind.half)
        guest.wanted /= 2;
    guest.wanted_at = random_below(&random, life.duration);
    return disturbed(seed, &kind, &guest);
}

static void print(void)
{
    puts("takes  driver          reads       lives  cut short  stall, mean  longest");
    for (unsigned i = 0; i < 8; i++) {
        const struct kind kind = {i & 1, i >> 1 & 1, i >> 2 & 1};
        const struct tally *tally = &tallies[kind.half][kind.deflate_on_oom][kind.has_agent];

        printf("%-6s %-15s %-11s %5u %10u %9.0f ms %5.0f ms\n", kind.half ? "half" : "all",
               kind.deflate_on_oom ? "deflate-on-oom" : "stock",
               kind.has_agent ? "agent" : "statistics", tally->lives, tally->cut_short,
               tally->lives == 0 ? 0 : 1000 * tally->stall_sum / tally->lives,
               (double)tally->stall_max / (double)NSEC_PER_MSEC);
    }
}

int main(int argc, char **argv)
{
    uint64_t first = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
    uint64_t count = argc > 2 ? strtoull(argv[2], NULL, 10) : 100;
    unsigned failures = 0;

    for (uint64_t seed = first; seed < first + count; seed++)
        failures += !live(seed);
    print();
    return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
