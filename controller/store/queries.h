/* What requests.h asks, done on the database at once: for the store's own files and their tests.
 * Nobody else calls these, so that the database may get a thread of its own. */
#ifndef VMRECLAIM_CONTROLLER_STORE_QUERIES_H
#define VMRECLAIM_CONTROLLER_STORE_QUERIES_H

#include "controller/store/requests.h"

/* ---- policies ---- */

/* Adds the next revision. The same text as the newest revision (by hash) adds nothing and gives its
 * number. -EBUSY: the newest is not `revision->revision` with `made_from_hash`, from which this was
 * made; 0 and "": any is. Of a policy that was deleted and made anew the numbers are the same. */
int store_policy_add(struct store *store, const struct policy_revision *revision,
                     uint64_t *ret_revision, struct error *error);

/* A negative errno ends the walk and is returned. What is pointed to lives until it returns. */
typedef int (*policy_visitor)(const struct policy_revision *revision, void *userdata);

/* One revision with its text; 0: the newest. -ENOENT. */
int store_policy_get(struct store *store, const char *name, uint64_t revision, policy_visitor visit,
                     void *userdata, struct error *error);
/* The newest of each name after `after`, by name; without texts ("" instead). */
int store_policy_list(struct store *store, const char *after, policy_visitor visit, void *userdata,
                      struct error *error);
/* All of one name below the revision `before`, newest first; without texts. 0: all, and -ENOENT
 * when there is none. */
int store_policy_revisions(struct store *store, const char *name, uint64_t before,
                           policy_visitor visit, void *userdata, struct error *error);

/* Repeats the text of an older revision as a new one. 0: the one before the newest. -ENOENT. */
int store_policy_roll_back(struct store *store, const char *name, uint64_t revision,
                           const char *author, int64_t time, uint64_t *ret_revision,
                           struct error *error);

/* Removes all revisions of a name. -EBUSY: it is assigned, the error says to whom; not with
 * `unassign`, which removes that first. -ENOENT. */
int store_policy_delete(struct store *store, const char *name, bool unassign, struct error *error);

/* Replaces the selector's assignment. -ENOENT: no such policy. */
int store_assign(struct store *store, const struct policy_assignment *assignment,
                 struct error *error);
/* -ENOENT: nothing was assigned to it. */
int store_unassign(struct store *store, const char *selector, struct error *error);
typedef int (*assignment_visitor)(const struct policy_assignment *assignment, void *userdata);
/* Those whose selector comes after `after`, by selector. */
int store_assignments(struct store *store, const char *after, assignment_visitor visit,
                      void *userdata, struct error *error);

/* Adds the revision, and assigns it to the assignment's selector unless that is empty. */
int store_policy_order(struct store *store, const struct policy_revision *revision,
                       const struct policy_assignment *assignment, uint64_t *ret_revision,
                       struct error *error);

/* It is a fleet's. */
bool store_is_by_fleet(const char *author);

/* The assignments that mean a VM, the one that holds first: those of the host's operators before a
 * fleet's, of each its name, then its labels in order, then globs, the longest first. As
 * assignment_visitor; 1 ends the walk as well, without an error.
 */
int store_assignments_of(struct store *store, const struct policy_subject *subject,
                         assignment_visitor visit, void *userdata, struct error *error);

/* The first of them: its policy, and its selector, which may be cut. -ENOENT: there is none. */
struct store_holder {
    char policy[64];
    char selector[128];
};
int store_policy_of(struct store *store, const struct policy_subject *subject,
                    struct store_holder *ret_holder, struct error *error);

/* ---- records ---- */

/* 1: it takes the action over. A negative errno ends the walk and is returned. */
typedef int (*action_visitor)(Vmreclaim__Controller__V1__Action *action, void *userdata);

/* A walk over actions by their times, and by their ids where times are the same. */
struct action_walk {
    const char *vm;            /* NULL: all */
    bool is_ascending;         /* else the newest first */
    struct record_place place; /* begins beyond it */
    int64_t end;               /* the last time that is of it */
};
struct action_walk action_walk_down(const char *vm, int64_t since, int64_t until);
struct action_walk action_walk_up(const char *vm, int64_t since, int64_t until);
int store_walk_actions(struct store *store, const struct action_walk *walk, action_visitor visit,
                       void *userdata, struct error *error);

/* Shortens a walk upwards to the newest `count`. 1: it leaves older ones out. */
int store_skip_actions(struct store *store, struct action_walk *walk, uint32_t count,
                       struct error *error);

/* By a prefix of the id. -ENOENT; -EEXIST: more than one begins so. */
int store_action(struct store *store, const char *prefix, action_visitor visit, void *userdata,
                 struct error *error);

/* As action_visitor. */
typedef int (*waterfall_visitor)(Vmreclaim__Controller__V1__Waterfall *waterfall, void *userdata);

/* Where a reading of a VM's waterfalls is. The span from the first to the last is cut into equal
 * parts. The first of each part is found by its key, so no row is read that is not shown. */
struct waterfall_scan {
    const char *vm; /* the caller's, with `next` (since) and `until` to begin with */
    int64_t next;
    int64_t until;
    int64_t first;
    int64_t width; /* of a part */
    bool is_over;
};
int waterfall_scan_begin(struct store *store, struct waterfall_scan *scan, uint32_t points,
                         struct error *error);

/* The next `rows` of them, or as many as there are up to the time `horizon`. 1: there are more up
 * to then. */
int waterfall_scan_page(struct store *store, struct waterfall_scan *scan, uint32_t rows,
                        int64_t horizon, waterfall_visitor visit, void *userdata,
                        struct error *error);

#endif
