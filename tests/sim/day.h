/* The seeded day: a developer's guest from boot to the next morning. */
#ifndef VMRECLAIM_TESTS_SIM_DAY_H
#define VMRECLAIM_TESTS_SIM_DAY_H

#include "tests/sim/contest.h"

struct day_result {
    double byte_hours; /* held by the host above what the guest needed */
    double refaults;   /* pages read again that had been in the cache, traced or not */
    double host_filled;
    double cpu_seconds;
    double footprint_mean;
};

void day_run(enum contestant who, uint64_t seed, struct day_result *ret_result);

#endif
