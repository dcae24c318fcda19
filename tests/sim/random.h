/* A small seeded generator, so that a sequence is the same on every machine. xorshift64*. */
#ifndef VMRECLAIM_TESTS_SIM_RANDOM_H
#define VMRECLAIM_TESTS_SIM_RANDOM_H

#include <stdint.h>

struct random {
    uint64_t state;
};

static inline void random_init(struct random *random, uint64_t seed)
{
    random->state = seed * 0x9e3779b97f4a7c15u + 0x2545f4914f6cdd1du;
}

static inline uint64_t random_next(struct random *random)
{
    random->state ^= random->state >> 12;
    random->state ^= random->state << 25;
    random->state ^= random->state >> 27;
    return random->state * 0x2545f4914f6cdd1du;
}

/* 0 <= x < limit */
static inline uint64_t random_below(struct random *random, uint64_t limit)
{
    return (random_next(random) >> 11) % limit;
}

static inline double random_unit(struct random *random)
{
    return (double)(random_next(random) >> 11) / 9007199254740992.0;
}

#endif
