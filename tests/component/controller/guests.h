/* Several VMs, each a process of its own as a hypervisor is: a scripted QMP server, an agent, and a
 * footprint that follows the balloon. And a cgroup that stands for their host. */
#ifndef VMRECLAIM_TESTS_COMPONENT_CONTROLLER_GUESTS_H
#define VMRECLAIM_TESTS_COMPONENT_CONTROLLER_GUESTS_H

#include <stdatomic.h>

#include "tests/component/controller/fixture.h"

#define GUESTS_MAX 4

/* Shared with the VM's process. Bytes. */
struct guest {
    /* the test's */
    _Atomic uint64_t uses; /* of its memory, beside `cache`; the rest is free */
    _Atomic uint64_t cache;
    _Atomic uint64_t touched;  /* of it the host holds so much, as far as the balloon leaves it */
    _Atomic unsigned presses;  /* the guest has said so often that it is short */
    _Atomic uint64_t moved_to; /* somebody else's balloon size; 0: nobody moves it */
    _Atomic bool is_stuck;     /* its balloon does not follow */
    _Atomic bool ends;
    /* its own */
    _Atomic uint64_t size; /* what the balloon leaves */
    _Atomic uint64_t footprint;
    _Atomic uint64_t smallest; /* size since it began */
    _Atomic unsigned commands; /* of its balloon */
    pid_t pid;
};

struct guests {
    struct fixture *f;
    struct guest *list; /* shared memory */
    size_t count;
    uint64_t limit; /* of the cgroup */
    uint64_t hog;   /* what it holds beside the guests */
    uv_timer_t timer;
};

/* Each has 1 GiB and uses 400 MiB of it; the host holds 1000 MiB of each. Their files are
 * vms/guest-0.yaml and so on; `policies` has the text of a policy for each, NULL: none. */
void guests_start(struct guests *guests, struct fixture *f, size_t count, uint64_t limit,
                  const char *const *policies);
void guests_stop(struct guests *guests);

/* A vmreclaimd whose arbiter is "on" or "off", on a host whose watermarks are 128, 256 and 384 MiB;
 * `cgroup` stands for it, NULL: the machine does. Returns when all guests are managed and heard. */
void guests_serve(const struct guests *guests, const char *arbiter, const char *cgroup);

/* What the VMs are called. */
extern const char *const guests_names[GUESTS_MAX];

/* Where the cgroup is, for --host-cgroup. The VMs' own are below it. */
extern const char guests_cgroup[];

/* What the cgroup has available, as its files say. */
uint64_t guests_available(const struct guests *guests);

#endif
