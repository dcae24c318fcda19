/* Guests that do not report their free memory, and what a host does about it: our pulses as they
 * are planned, and rivals after their published rules. Reporting stands beside them.
 *
 * The plan is the daemon's own. The pulse itself is as coarse as the model's second here; how it
 * ends in the midst of one is tested by the millisecond (pulse-model.h). */
#ifndef VMRECLAIM_TESTS_SIM_HOST_RULES_H
#define VMRECLAIM_TESTS_SIM_HOST_RULES_H

#include "tests/sim/day.h"

enum host_rule {
    HOST_NOTHING,     /* no reporting, nobody acts */
    HOST_AGENTLESS,   /* pulses by balloon statistics */
    HOST_AGENT,       /* pulses while the agent's engine finds the guest idle */
    HOST_SMOLVM,      /* a pulse that takes cache too, after ten minutes of idle CPUs */
    HOST_VM0,         /* holds the balloon: every 5 s, 256 MiB free are left */
    HOST_REPORTING,   /* free page reporting alone */
    HOST_AGENT_WHOLE, /* reporting and the agent: the day of day-table */
    HOST_RULE_COUNT,
};

struct host_result {
    double byte_hours; /* held by the host above what the guest needed */
    double refaults;   /* pages read again */
    double stalled;    /* seconds in which a program waited for memory */
    double pulses;
    double footprint_mean;
};

const char *host_rule_name(enum host_rule rule);

/* The seeded day, in which programs take memory at 512 MiB/s at most. */
void host_day_run(enum host_rule rule, uint64_t seed, struct host_result *ret_result);

#endif
