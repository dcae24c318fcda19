/* What VM files claim for themselves: a name, UUID, CID, hypervisor and agent is one VM's. Pure. */
#ifndef VMRECLAIM_CONTROLLER_VMS_CLAIMS_H
#define VMRECLAIM_CONTROLLER_VMS_CLAIMS_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/error.h"
#include "controller/config/vm-file.h"

/* A VM file. */
struct claimant {
    const struct vm_definition *now;  /* in force; NULL: nothing of it is */
    const struct vm_definition *next; /* what it says; NULL: what is in force stays */
    bool refused;                     /* `next` cannot be in force: `now` stays, if there is one */
    struct error error;               /* why */
};

/* Refuses what cannot be in force together with the others. Who has a name, UUID, CID, hypervisor
 * or agent keeps it. Of those that are new the first in the list gets it. What is in force now is
 * in force together. -ENOMEM. */
int claims_settle(struct claimant *claimants, size_t count, struct error *error);

/* What stands of the file; NULL: nothing. */
const struct vm_definition *claimant_stands(const struct claimant *claimant);

#endif
