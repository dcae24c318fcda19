/* What a fleet wants, on the database. For the store's own files and their tests. */
#ifndef VMRECLAIM_CONTROLLER_STORE_DESIRED_H
#define VMRECLAIM_CONTROLLER_STORE_DESIRED_H

#include "controller/store/queries.h"

/* For the caller to free; NULL: there is none of this host. -EUCLEAN: it cannot be read. */
int store_desired_get(struct store *store, const char *host, Applied **ret_applied,
                      struct error *error);

/* As store_apply_desired; within a transaction. */
int store_desired_apply(struct store *store, const struct store_desired *desired,
                        Applied **ret_applied, bool *ret_changed, struct error *error);

#endif
