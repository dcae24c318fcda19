/* Records that the end of the daemon interrupted. */
#ifndef VMRECLAIM_CONTROLLER_RECORDS_RESUME_H
#define VMRECLAIM_CONTROLLER_RECORDS_RESUME_H

#include "controller/records/book.h"

/* Once at start. What waited for its later check waits on, and a guest's action that had just ended
 * goes on settling. Whatever else was under way is closed without figures of the host. */
void records_resume(struct recorder *recorder);

#endif
