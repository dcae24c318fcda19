/* What VM files claim for themselves: a name, UUID, CID, hypervisor and agent is one VM's. Pure. */
#ifndef VMRECLAIM_VMS_CLAIMS_H
#define VMRECLAIM_VMS_CLAIMS_H

#include <stddef.h>

#include "common/base/error.h"
#include "controller/config/vm_file.h"

/* Whether these definitions could be in force together. -EEXIST: two claim the same; `error` says
 * which and in which files. -ENOMEM. */
int claims_check(struct vm_definition *const *definitions, size_t count, struct error *error);

#endif
