/* The leases of one simulated guest: the lease engine as it ships, a journal in memory, and a
 * hypervisor that does what it is told. Stands for controller/leases/requests.c and conduct.c,
 * which need a daemon; what they do is done in their order.
 *
 * The daemon can die between any two of its acts. Then what is in the journal is there, what the
 * hypervisor was told is done, and all else is forgotten. */
#ifndef VMRECLAIM_TESTS_SIM_HOST_LEASES_H
#define VMRECLAIM_TESTS_SIM_HOST_LEASES_H

#include "controller/leases/balloon.h"
#include "tests/sim/host-model.h"

#define HOST_PRESSURE 0.1 /* of a second waited: the agent's trigger */

/* The daemon's life, for all of its guests. */
struct host_daemon {
    uint64_t acts;    /* done so far: writes, removals and commands */
    uint64_t dies_at; /* this act is its last, or is not done any more; 0: it lives on */
    bool is_dead;
    uint64_t next_lease; /* ids outlive it: they are random there */
};

struct host_leases {
    struct balloon_control control;
    bool is_adopted;
    struct lease journal[BALLOON_LEASES_MAX * 2];
    unsigned past; /* leases that were held after their end */
    bool is_voided;
};

/* The guest as its hypervisor and its agent show it; bytes, whole. */
struct balloon_input host_leases_look(const struct host_guest *guest, uint64_t now);

/* A lease that leaves the guest `size` bytes, in place of the one that there is. 0, or as
 * lease_keeper_set(). */
int host_leases_set(struct host_leases *leases, struct host_daemon *daemon,
                    struct host_guest *guest, uint64_t now, uint64_t size, nsec_t term);

/* All of it is given back. */
void host_leases_release(struct host_leases *leases);

/* Does what can be done now: once a second. */
void host_leases_run(struct host_leases *leases, struct host_daemon *daemon,
                     struct host_guest *guest, uint64_t now, bool may_raise);

/* It waits for its turn to get memory back. */
bool host_leases_need_raise(const struct host_leases *leases);

/* The guest has restarted. */
void host_leases_void(struct host_leases *leases);

/* A new daemon finds the journal. */
void host_leases_resume(struct host_leases *leases, const struct host_guest *guest, uint64_t now);

uint64_t host_leases_held(const struct host_leases *leases);
nsec_t host_leases_end(const struct host_leases *leases); /* 0: there is none */
unsigned host_leases_journaled(const struct host_leases *leases);

#endif
