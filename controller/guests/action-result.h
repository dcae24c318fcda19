/* What an agent says of an action, bounded: it is kept for a year. */
#ifndef VMRECLAIM_CONTROLLER_GUESTS_ACTION_RESULT_H
#define VMRECLAIM_CONTROLLER_GUESTS_ACTION_RESULT_H

#include "agent.pb-c.h"

/* Texts are cut between characters, figures kept within what a machine can have, and fields that
 * this version does not know left out. Who asked is not taken from a guest: an operator's action is
 * in its record, the guest's own are its policy's. `message` points into the structure, which must
 * not be moved. */
struct bounded_result {
    Vmreclaim__Agent__V1__ActionResult message;
    char action_id[64];
    char reason[512];
};

void bounded_result_take(const Vmreclaim__Agent__V1__ActionResult *said,
                         struct bounded_result *ret_result);

#endif
