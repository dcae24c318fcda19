/* What the fleet wants of a host beside what the host says it has. Pure. */
#ifndef VMRECLAIM_CONTROLLER_FLEET_COORDINATOR_HOST_POLICIES_H
#define VMRECLAIM_CONTROLLER_FLEET_COORDINATOR_HOST_POLICIES_H

#include "controller/fleet/coordinator/fleet-hosts.h"

typedef Vmreclaim__Fleet__V1__HostPolicy HostPolicy;

/* More of what a host says is not looked at: its daemon takes no more. */
#define HOST_POLICIES_MAX 64

/* The policy at `*place`, which is 0 at first, and moves it on. False: there are no more. What the
 * message points to is the entry's. First those that are wanted, in the order of the state; then
 * those that the host has and nobody wants. */
bool host_policy_next(const struct host_entry *entry, size_t *place, HostPolicy *ret_policy);

/* What is wanted under that name, and of its text the digest; NULL: nothing. */
const Vmreclaim__Fleet__V1__DesiredPolicy *host_policy_wanted(
    const struct host_entry *entry, const char *name, const struct text_digest **ret_digest);

/* It may be for the VM: one of its selectors is a label, which its host alone knows, or means the
 * name. */
bool host_policy_may_mean(const HostPolicy *policy, const char *vm);

#endif
