/* Hosts counted by what became of each policy of the fleet on them. Pure. */
#ifndef VMRECLAIM_CONTROLLER_FLEET_COORDINATOR_POLICY_TALLY_H
#define VMRECLAIM_CONTROLLER_FLEET_COORDINATOR_POLICY_TALLY_H

#include "controller/fleet/coordinator/host-policies.h"

typedef Vmreclaim__Fleet__V1__FleetPolicy FleetPolicy;
typedef Vmreclaim__Fleet__V1__FleetPolicyHost FleetPolicyHost;

#define POLICY_TEXTS_MAX      8   /* different ones of a policy that are told apart */
#define POLICY_EXCEPTIONS_MAX 100 /* hosts that are named */
#define POLICY_LEFT_MAX       256 /* names that hosts have and nobody wants; more are left out */

struct policy_text {
    struct text_digest digest;
    uint32_t hosts;
    const struct host_entry *first; /* of which it is wanted */
};

struct policy_count {
    struct hash_link link;
    FleetPolicy message; /* its name is ours; rollout and digest are set by policy_tally_sort() */
    struct policy_text texts[POLICY_TEXTS_MAX];
    size_t text_count;
    char rollout[64];
};

struct policy_exception {
    const struct host_entry *host;
    Vmreclaim__Fleet__V1__HostPolicyState state;
    char reason[160];
};

struct policy_tally {
    char *only; /* this name alone; NULL: all */
    struct hash_table table;
    struct policy_count **list;
    size_t count;
    size_t room;
    size_t left_count;                   /* names that came from hosts */
    struct policy_exception *exceptions; /* of a tally of one name */
    size_t exception_count;
};

/* `only` may be NULL. -ENOMEM. */
int policy_tally_init(struct policy_tally *tally, const char *only);
void policy_tally_finish(struct policy_tally *tally);

/* Counts a host, whose entry lives longer than the tally. Returns how many policies were looked at,
 * or -ENOMEM. */
int policy_tally_add(struct policy_tally *tally, const struct host_entry *entry);

/* When all were counted: by name, each with its texts, that of most hosts first. */
void policy_tally_sort(struct policy_tally *tally);

#endif
