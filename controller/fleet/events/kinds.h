/* The kinds of events that a host tells: the last token of their subject. A host may publish these
 * and no others, so whoever adds one has hosts.conf made anew (docs/fleet.md). */
#ifndef VMRECLAIM_CONTROLLER_FLEET_EVENTS_KINDS_H
#define VMRECLAIM_CONTROLLER_FLEET_EVENTS_KINDS_H

/* X(name, what it is, for people), in the order in which they are offered. */
#define FLEET_EVENT_KINDS(X)                                                                       \
    X("action", "something was done to a VM, and what it returned")                                \
    X("checked", "the same ten minutes later")                                                     \
    X("vm", "a VM comes, changes its state, or goes; its agent, too")                              \
    X("alarm", "a guest is starved under a balloon, or is no more")                                \
    X("policy", "an agent has taken its policy, or not")                                           \
    X("daemon", "something in a host's daemon does not work, or does again")                       \
    X("gap", "something was let go before it was told")

#endif
