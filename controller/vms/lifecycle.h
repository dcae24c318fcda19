/* The life cycle of a VM: a declared table of states and the changes between them.
 *
 *                  agent connects          its CID is vouched for
 *     discovered ----------------> connected --------------------> managed
 *         |   ^                     |  ^  ^                         |   |
 *         |   |        agent leaves |  |  | agent is back           |   | samples are late
 *         |   | found again         v  |  |                         |   v
 *         |   +------ gone <------ lost ---+ <----------------------+ stalled
 *         |            ^
 *         +------------+  the hypervisor ended, or the last source dropped the VM
 *
 * `paused` and `migrating` can be entered from every state but gone. They are left to every state
 * but managed and stalled: what the VM was before is found again, not assumed. Nothing is decided
 * for a VM in them.
 *
 * The state follows from facts, one allowed change at a time. Pure. */
#ifndef VMRECLAIM_CONTROLLER_VMS_LIFECYCLE_H
#define VMRECLAIM_CONTROLLER_VMS_LIFECYCLE_H

#include <stdbool.h>

enum vm_state {
    VM_DISCOVERED, /* some source names it; no agent */
    VM_CONNECTED,  /* an agent is here; nobody vouched for it yet, or its first answer is due */
    VM_MANAGED,    /* an agent we know and command */
    VM_PAUSED,
    VM_MIGRATING,
    VM_STALLED, /* connected, but samples are late */
    VM_LOST,    /* the agent was here and is not any more */
    VM_GONE,    /* the hypervisor ended or no source names the VM any more */
    VM_STATE_COUNT,
};

/* "discovered", ... */
const char *vm_state_name(enum vm_state state);

/* What the state follows from. */
struct vm_facts {
    bool gone;
    bool migrating;
    bool paused;
    bool agent_connected;
    bool agent_ready;    /* announced, and GetInfo answered */
    bool agent_late;     /* a sample is overdue */
    bool agent_was_here; /* since the VM was found */
};

bool vm_state_may_follow(enum vm_state state, enum vm_state next);

/* The next state on the way to what the facts say; `state` itself when it is reached. */
enum vm_state vm_state_step(enum vm_state state, const struct vm_facts *facts);

#endif
