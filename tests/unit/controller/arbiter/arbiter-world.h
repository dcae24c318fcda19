/* A host and its VMs that do at once what the arbiter asks for. Bytes. */
#ifndef VMRECLAIM_TESTS_UNIT_CONTROLLER_ARBITER_ARBITER_WORLD_H
#define VMRECLAIM_TESTS_UNIT_CONTROLLER_ARBITER_ARBITER_WORLD_H

#include "controller/arbiter/arbiter.h"

#define WORLD_MAX 8

struct world {
    struct arbiter arbiter;
    struct arbiter_host host;
    struct arbiter_vm vms[WORLD_MAX];
    struct arbiter_memory memories[WORLD_MAX];
    size_t count;
    struct arbiter_request requests[WORLD_MAX];
    size_t request_count;
    bool leases_look; /* they refuse what leaves a guest less than its headroom, by its own words */
};

extern struct world world;

/* 16 GiB; 1, 2 and 3 GiB are critical, low and high; `count` VMs of 4 GiB that the host holds
 * whole, with agents and all means but pulses; each uses 1 GiB, and its other cache is cool, not
 * cold. The hog leaves 8 GiB. Usable as a set-up of cmocka's, with 3 VMs. */
void world_begin(size_t count);
int world_set_up(void **state);
int world_tear_down(void **state);

/* So much is available. */
void world_leave(uint64_t available);

/* One step of the arbiter; nothing is carried out. */
void world_step(void);

/* Carries the requests out, and a second passes. */
void world_follow(void);

/* So many seconds of both. */
void world_run(unsigned seconds);

/* The request to a VM in the last step; NULL: there is none. */
const struct arbiter_request *world_asked(size_t vm);
enum arbiter_step world_step_of(size_t vm);

#endif
