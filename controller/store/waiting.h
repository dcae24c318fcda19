/* Records that were put into the store and are not on disk yet: what readers find besides the
 * database. For the store's own files.
 *
 * Theory of operation: the queue is looked at before the database. What is written between the two
 * is in both then, and shown once, as it waits: that is newer. */
#ifndef VMRECLAIM_CONTROLLER_STORE_WAITING_H
#define VMRECLAIM_CONTROLLER_STORE_WAITING_H

#include "controller/store/database.h"
#include "controller/store/queries.h"

/* store_walk_actions over both, in one order. */
int store_walk_all_actions(struct store *store, const struct action_walk *walk,
                           action_visitor visit, void *userdata, struct error *error);

/* How many wait that a walk over the VM's would come to. A negative errno. */
int store_count_waiting(struct store *store, const struct action_walk *walk);

/* store_action over both. */
int store_find_action(struct store *store, const char *prefix, action_visitor visit, void *userdata,
                      struct error *error);

/* The VM's waterfalls that wait and are of the time, ascending. */
int store_waiting_waterfalls(struct store *store, const char *vm, int64_t since, int64_t until,
                             waterfall_visitor visit, void *userdata);

#endif
