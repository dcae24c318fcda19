/* What the measurements around an action say together. Pure. */
#ifndef VMRECLAIM_CONTROLLER_ACTIONS_JUDGE_H
#define VMRECLAIM_CONTROLLER_ACTIONS_JUDGE_H

#include "controller.pb-c.h"

/* The first sample of a phase; NULL: there is none. */
const Vmreclaim__Controller__V1__ActionSample *judge_sample(
    const Vmreclaim__Controller__V1__Action *action, int phase);

/* What of bytes that are of a run of actions is this action's: all when it is alone. */
int64_t judge_share(const Vmreclaim__Controller__V1__Action *action, int64_t bytes);

/* The drift of a record, bounded by what fell: a fall that was expected and did not come is none.
 */
int64_t judge_drift(const Vmreclaim__Controller__V1__Action *action, uint64_t footprint);

/* What the action has brought the host while that holds `footprint`: the fall since its window
 * began, or its share of that, without the drift. */
int64_t judge_returned(const Vmreclaim__Controller__V1__Action *action, uint64_t footprint);

/* Sets outcome, unless it has failed, guest_reported and confidence from the samples,
 * host_returned, drift and share.
 *
 * High: the growth of what the guest marks as reported, and of its balloon, is what the host got,
 * within 32 MiB or a tenth. Medium: the guest's side is not known, the host's figure is a share, or
 * the footprint of its begin is more than five seconds older. Low: the two contradict each other,
 * the footprint drifted before the action by more than it then moved, or the host was not measured.
 */
void judge_action(Vmreclaim__Controller__V1__Action *action);

#endif
