/* What the fleet wants of this host: taken here, and what became of it.
 *
 * Theory of operation: whoever carries a state hands it in. It is verified, judged and read as a
 * whole; then the store takes all of it in one transaction, and every VM gets what is assigned to
 * it now. One is taken at a time. The same may be handed in again at any time: after a crash
 * between the store and the answer, or when an operator of the host has let go of what was his.
 *
 * Failure modes: what is refused is remembered, the last one, with its reason, and logged within
 * bounds. What was taken is in the audit. What may be tried again fails. While the store was never
 * read, nothing is taken: an older state would be. */
#ifndef VMRECLAIM_CONTROLLER_DESIRED_KEEPER_H
#define VMRECLAIM_CONTROLLER_DESIRED_KEEPER_H

#include "common/base/log.h"
#include "controller/config/fleet-settings.h"
#include "controller/policies/assignments.h"
#include "controller/store/requests.h"

struct desired_order;

struct desired_keeper {
    struct policy_assignments *assignments;
    struct store *store;
    const struct fleet_settings *settings; /* the daemon's, as they are now */
    bool is_known;                         /* the store was read */
    Applied *applied;                      /* in force; NULL: nothing was taken yet */
    struct desired_order *under_way;       /* NULL: none */
    char refused[512];                     /* why the last one was; "": it was taken */
    uint64_t refused_generation;           /* 0: not known */
    int64_t refused_time;                  /* UNIX nanoseconds */
    struct log_limit refusals;             /* that are logged */
};

/* Reads the store, at once where it has no thread yet. */
void desired_keeper_init(struct desired_keeper *keeper, struct policy_assignments *assignments,
                         struct store *store, const struct fleet_settings *settings);
void desired_keeper_finish(struct desired_keeper *keeper);

/* 0: it was taken or is refused, desired_keeper_show says which. A negative errno with words: it
 * may be tried again. */
typedef void (*desired_done)(int status, const struct error *error, void *userdata);

/* Takes a packed SignedState that `who` has handed in. `done` is called once, maybe before this
 * returns. */
void desired_hand_in(struct desired_keeper *keeper, const char *who, const uint8_t *bytes,
                     size_t size, desired_done done, void *userdata);

/* What is in force and what was refused. It points into the keeper, until the next call of
 * desired_hand_in, or the loop's next turn. */
void desired_keeper_show(const struct desired_keeper *keeper, Applied *ret_applied);

#endif
