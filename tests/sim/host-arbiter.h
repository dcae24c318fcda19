/* The arbiter as it ships, on the model: what controller/arbiter/keeper.c does for real VMs. Guests
 * are shown as their hypervisor and agent show them, lies included; what is asked for takes its
 * time; leases are the lease engine's. */
#ifndef VMRECLAIM_TESTS_SIM_HOST_ARBITER_H
#define VMRECLAIM_TESTS_SIM_HOST_ARBITER_H

#include "controller/arbiter/arbiter.h"
#include "tests/sim/host-leases.h"

/* The daemon's default watermarks on this host; bytes. */
struct host_marks {
    double critical, low, high;
};
struct host_marks host_marks_of(const struct host_model *host);

/* What is kept for one VM. */
struct host_seat {
    struct arbiter_memory memory;
    struct host_leases leases;
    enum arbiter_step running; /* NO_STEP: nothing is done to it */
    uint64_t pressed;          /* second in which its agent last spoke of pressure; 0: never */
    uint64_t ends;             /* second in which it ends, at the latest */
    double before;             /* the footprint then */
};

struct host_arbiter {
    struct arbiter arbiter;
    struct host_daemon daemon;
    struct host_seat *seats;
    struct arbiter_vm *vms;
    struct arbiter_request *requests;
    uint64_t steps[ARBITER_STEP_COUNT];     /* how many of each were asked for */
    uint64_t reasons[ARBITER_REASON_COUNT]; /* ... and why */
    uint64_t refused;
    double seconds; /* of processor time in arbiter_step() */
    unsigned count;
};

void host_arbiter_init(struct host_arbiter *side, unsigned count);
void host_arbiter_finish(struct host_arbiter *side);

/* After each host_model_step(). */
void host_arbiter_step(struct host_arbiter *side, struct host_model *host);

/* Guest `i` has restarted. */
void host_arbiter_void(struct host_arbiter *side, unsigned i);

/* The daemon is started again: it knows what is in its journals. */
void host_arbiter_restart(struct host_arbiter *side, const struct host_model *host);

/* A second of the leases alone: the arbiter is switched off. */
void host_arbiter_run_leases(struct host_arbiter *side, struct host_model *host);

#endif
