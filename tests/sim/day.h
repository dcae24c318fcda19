/* The seeded day: a developer's guest from boot to the next morning. */
#ifndef VMRECLAIM_TESTS_SIM_DAY_H
#define VMRECLAIM_TESTS_SIM_DAY_H

#include "tests/sim/contest.h"
#include "tests/sim/random.h"

struct day_result {
    double byte_hours; /* held by the host above what the guest needed */
    double refaults;   /* pages read again that had been in the cache, traced or not */
    double host_filled;
    double cpu_seconds;
    double footprint_mean;
};

/* Factors on what the day is made of; 1: as written. */
struct day_shape {
    double memory;  /* of the guest */
    double sets;    /* what activities keep reading */
    double stream;  /* what is read once */
    double load;    /* CPU */
    double lengths; /* of the phases: shorter ones leave a longer night */
    double breaks;  /* CPU in breaks; an eighth: they are idle, as lunch and night are */
    double window;  /* of idleness, in our policy */
    double trickle; /* bytes per minute, in our policy */
};

extern const struct day_shape day_as_written;

/* The workload alone, for who brings a guest and its rules. */
struct workload {
    struct random random;
    const struct day_shape *shape;
    size_t index;
    uint64_t phase_end;
};

void day_begin(struct workload *workload, struct model *model, uint64_t seed,
               const struct day_shape *shape, unsigned order);

/* Before each model_step(). */
void day_step(struct workload *workload, struct model *model);

void day_run(enum contestant who, uint64_t seed, const struct day_shape *shape,
             struct day_result *ret_result);

#endif
