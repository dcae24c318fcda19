/* What the tests of leases share: an operator's calls about web-1's balloon. */
#ifndef VMRECLAIM_TESTS_COMPONENT_CONTROLLER_LEASE_CALLS_H
#define VMRECLAIM_TESTS_COMPONENT_CONTROLLER_LEASE_CALLS_H

#include "tests/component/controller/fixture.h"

typedef Vmreclaim__Controller__V1__Action Action;

/* Of the last call. */
const Action *action_of(const struct fixture *f);

/* Return when they are answered. */
void set_balloon(struct fixture *f, uint64_t size, nsec_t duration);
void set_balloon_for(struct fixture *f, const char *owner, uint64_t size, nsec_t duration);
void release_balloon(struct fixture *f);

/* The daemon with a fresh sample of the guest. */
void start_ready(struct fixture *f);

/* Until the daemon has read one that the guest takes from now on. */
void wait_for_sample(struct fixture *f);

/* Until the hypervisor is connected. */
void restart_daemon(struct fixture *f);

/* Bytes; UINT64_MAX: there is no such VM. */
uint64_t lease_of(struct fixture *f);

/* Of all VMs, waiting ones too. */
uint32_t lease_count(struct fixture *f);

#endif
