/* Why a balloon brought the host less than it took from the guest. Pure. */
#ifndef VMRECLAIM_CONTROLLER_ACTIONS_BALLOON_REASON_H
#define VMRECLAIM_CONTROLLER_ACTIONS_BALLOON_REASON_H

#include "controller/explain/explain.h"

/* Whether the action is one of the balloon, for which this is to be asked, and not
 * explain_action. */
bool balloon_reason_applies(const Vmreclaim__Controller__V1__Action *action);

/* The reason why the host got less than half of what the balloon took. False: there is nothing to
 * excuse; a release never is, it gives memory to the guest. */
bool balloon_reason(const struct explain_subject *subject, struct finding *ret_finding);

#endif
