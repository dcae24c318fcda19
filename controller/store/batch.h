/* Several writes at once. For the store's own files. */
#ifndef VMRECLAIM_CONTROLLER_STORE_BATCH_H
#define VMRECLAIM_CONTROLLER_STORE_BATCH_H

#include "controller/store/request.h"

/* Writes the records that wait and runs the requests, in one transaction; fills their answers. What
 * the records cannot be written for holds up no request. A negative errno: nothing was kept. */
int store_write(struct store *store, struct list *batch);

#endif
