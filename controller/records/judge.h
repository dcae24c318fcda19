/* What the measurements around an action say together. Pure. */
#ifndef VMRECLAIM_CONTROLLER_RECORDS_JUDGE_H
#define VMRECLAIM_CONTROLLER_RECORDS_JUDGE_H

#include "controller.pb-c.h"

/* The first sample of a phase; NULL: there is none. */
const Vmreclaim__Controller__V1__ActionSample *judge_sample(
    const Vmreclaim__Controller__V1__Action *action, int phase);

/* Sets guest_reported and confidence from the samples, host_returned and drift.
 *
 * High: the growth of what the guest marks as reported is what the host got, within 32 MiB or a
 * tenth. Medium: the guest's side is not known. Low: the two contradict each other, or the
 * footprint drifted before the action by more than it then moved. */
void judge_action(Vmreclaim__Controller__V1__Action *action);

#endif
