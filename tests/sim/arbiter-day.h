/* A day of a host that runs short, under one rule or another: what it costs the guests, and what
 * was promised to them and to the host. The day is the same for all rules. */
#ifndef VMRECLAIM_TESTS_SIM_ARBITER_DAY_H
#define VMRECLAIM_TESTS_SIM_ARBITER_DAY_H

#include "tests/sim/host-load.h"

enum arbiter_rule {
    RULE_NOTHING, /* the host swaps */
    RULE_OURS,
    RULE_MOM,
    RULE_PROXMOX,
    RULE_COUNT,
};

struct arbiter_day_result {
    /* costs */
    double refaults;   /* pages of all guests read again */
    double swapped_in; /* pages read back from the host's swap */
    double stalled;    /* seconds, of all guests */
    double kills;
    /* the host */
    double critical;           /* seconds below the critical watermark */
    unsigned critical_run;     /* most of them in a row while it need not have been there */
    unsigned critical_any_run; /* ... if no guest had to be spared another turn */
    /* promises */
    unsigned under_floor; /* seconds and guests with less than the floor, by its balloon */
    unsigned turns_max;   /* changes of direction of one guest in any hour */
    unsigned leases_past; /* seconds and leases that outlived their end */
    double moved;         /* bytes that balloons took */
    double step_seconds;  /* of processor time for one step of the arbiter */
};

const char *arbiter_rule_name(enum arbiter_rule rule);

/* `seconds` of the seeded day with so many guests. */
void arbiter_day_run(enum arbiter_rule rule, uint64_t seed, unsigned guests, unsigned seconds,
                     const struct host_load_shape *shape, struct arbiter_day_result *ret_result);

#endif
