/* What the daemon keeps on disk: policy revisions and their assignments, leases, actions,
 * waterfalls over time, audit. One SQLite file in WAL mode, every commit synced.
 *
 * Theory of operation: there are two kinds of writes. What a person must be able to rely on at once
 * (a policy, a lease) is written in its own transaction and fails with a reason. Records of what
 * happened (actions, waterfalls, audit) go through a queue in memory that is written in one
 * transaction; while the file cannot be written they wait there.
 *
 * Failure modes: a full disk, a damaged, read-only or locked file, or one of a newer daemon: the
 * store is degraded. store_problem says what, where and what to do; policies that were read before
 * are still read where the file allows it, writes of the first kind fail, records wait (at most
 * STORE_PENDING_MAX; then the oldest waterfall is dropped and counted, never an action or audit
 * record before a waterfall), and store_tick tries again. A damaged file is never replaced or
 * repaired by the daemon: moving it away is a person's decision. */
#ifndef VMRECLAIM_CONTROLLER_STORE_STORE_H
#define VMRECLAIM_CONTROLLER_STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/error.h"
#include "common/base/time.h"
#include "controller.pb-c.h"
#include "controller/leases/journal.h"

enum { STORE_PENDING_MAX = 20000 };

struct store;

/* Opens `path`, or makes it with the newest schema. Succeeds with a degraded store when the file
 * cannot be used. -ENOMEM. */
int store_create(const char *path, struct store **ret_store);

/* Writes what waits, if it can. NULL is fine. */
void store_destroy(struct store *store);

/* What is wrong; NULL: nothing. Valid until the next call on the store. */
const char *store_problem(const struct store *store);

struct store_status {
    const char *path;
    uint64_t bytes;   /* of the file and its log */
    uint32_t schema;  /* 0: the file is not open */
    uint64_t pending; /* records that wait */
    uint64_t dropped; /* since start */
};
void store_get_status(const struct store *store, struct store_status *ret_status);

/* Writes what waits; opens the file again when it was not usable, at most every ten seconds; goes
 * on with what store_retain began. `now` is CLOCK_BOOTTIME. */
void store_tick(struct store *store, nsec_t now);

/* Begins to thin out waterfalls and to remove what is too old; for once an hour. `now` is UNIX
 * nanoseconds. Does a bounded piece of it. 1: there is more, which later calls and store_tick do;
 * 0: all is done.
 * Waterfalls: every minute for a day, every ten minutes for two weeks, every hour for a year.
 * Actions and audit: a year. Policies and leases: never. */
int store_retain(struct store *store, int64_t now, struct error *error);

/* ---- policies ---- */

struct policy_revision {
    const char *name;
    uint64_t revision; /* 1, 2, ... per name */
    const char *author;
    int64_t time; /* UNIX nanoseconds */
    const char *hash;
    const char *source_name;
    const char *text;
    uint64_t rolled_back_to; /* 0: none */
};

/* Adds the next revision; `revision->revision` is ignored. The same text as the newest revision
 * (by hash) adds nothing and gives its number. */
int store_policy_add(struct store *store, const struct policy_revision *revision,
                     uint64_t *ret_revision, struct error *error);

/* A negative errno ends the walk and is returned. What is pointed to lives until it returns. */
typedef int (*policy_visitor)(const struct policy_revision *revision, void *userdata);

/* One revision with its text; 0: the newest. -ENOENT. */
int store_policy_get(struct store *store, const char *name, uint64_t revision, policy_visitor visit,
                     void *userdata, struct error *error);
/* The newest of each name, by name; without texts ("" instead). */
int store_policy_list(struct store *store, policy_visitor visit, void *userdata,
                      struct error *error);
/* All of one name, newest first; without texts. */
int store_policy_revisions(struct store *store, const char *name, policy_visitor visit,
                           void *userdata, struct error *error);

/* Repeats the text of an older revision as a new one. 0: the one before the newest. -ENOENT. */
int store_policy_roll_back(struct store *store, const char *name, uint64_t revision,
                           const char *author, int64_t time, uint64_t *ret_revision,
                           struct error *error);

struct policy_assignment {
    const char *selector; /* a VM's name, "label:KEY=VALUE", or a glob */
    const char *policy;
    const char *author;
    int64_t time;
};

/* Replaces the selector's assignment. -ENOENT: no such policy. */
int store_assign(struct store *store, const struct policy_assignment *assignment,
                 struct error *error);
/* -ENOENT: nothing was assigned to it. */
int store_unassign(struct store *store, const char *selector, struct error *error);
typedef int (*assignment_visitor)(const struct policy_assignment *assignment, void *userdata);
int store_assignments(struct store *store, assignment_visitor visit, void *userdata,
                      struct error *error);

/* The policy for a VM: its name first, then its labels in order, then the longest glob. -ENOENT:
 * none is assigned. `size` >= 64. */
int store_policy_of(struct store *store, const char *vm, char *const *labels, size_t label_count,
                    char *buffer, size_t size, struct error *error);

/* ---- leases ---- */

/* The journal, valid as long as the store. */
void store_lease_journal(struct store *store, struct lease_journal *ret_journal);

/* ---- records ---- */

/* Replaces the record with its id. Written before it returns, or waits. */
int store_put_action(struct store *store, const Vmreclaim__Controller__V1__Action *action);

/* Waits for the next tick. The guest's raw sample is left out. */
int store_put_waterfall(struct store *store, const char *vm,
                        const Vmreclaim__Controller__V1__Waterfall *waterfall);

/* Written before it returns, or waits. */
int store_put_audit(struct store *store, int64_t time, const char *who, const char *method,
                    const char *request, bool allowed);

typedef int (*action_visitor)(const Vmreclaim__Controller__V1__Action *action, void *userdata);

/* Newest first. `vm` may be NULL: all. */
int store_actions(struct store *store, const char *vm, int64_t since, uint32_t limit,
                  action_visitor visit, void *userdata, struct error *error);

/* 1: there is a record with exactly this id, 0: there is none. */
int store_has_action(struct store *store, const char *id, struct error *error);

/* By a prefix of the id. -ENOENT; -EEXIST: more than one begins so. */
int store_action(struct store *store, const char *prefix, action_visitor visit, void *userdata,
                 struct error *error);

typedef int (*waterfall_visitor)(const Vmreclaim__Controller__V1__Waterfall *waterfall,
                                 void *userdata);

/* Ascending, from `since` to `until`, at most about `points`, evenly thinned. */
int store_waterfalls(struct store *store, const char *vm, int64_t since, int64_t until,
                     uint32_t points, waterfall_visitor visit, void *userdata, struct error *error);

#endif
