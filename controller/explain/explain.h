/* Why a VM costs the host what it costs, in sentences, each with a stable code and the numbers it
 * rests on.
 *
 * Theory of operation: everything here is pure. The subject is what the API says about a VM anyway.
 * It is the Vm message with the waterfall, the agent's answer to GetInfo, the policy, and for an
 * action its record. Four lists of small functions look at it. hold.c says what holds the memory,
 * plan.c what the policy will do, advice.c what a person can do. reasons-*.c say why memory does
 * not come back. A reason is also what an action's record names when the host got nothing.
 *
 * Failure modes: what is not known is not guessed. Without an agent only the host's findings are
 * made. A reason that needs a figure the guest did not send stays silent. When figures contradict
 * each other and no reason fits, the code is "unknown" with the numbers. */
#ifndef VMRECLAIM_CONTROLLER_EXPLAIN_EXPLAIN_H
#define VMRECLAIM_CONTROLLER_EXPLAIN_EXPLAIN_H

#include "controller/explain/finding.h"

/* Everything there is to say about a VM; `subject->action` is not looked at. */
void explain_vm(const struct explain_subject *subject, struct explanation *ret_explanation);

/* Of that why memory does not come back. */
void explain_obstacles(const struct explain_subject *subject, struct explanation *ret_explanation);

/* The one reason why the host got less than half of what the guest let go, or why the guest let
 * nothing go. False: there is nothing to excuse. */
bool explain_action(const struct explain_subject *subject, struct finding *ret_finding);

#endif
