/* The rollouts of a fleet: their documents on the bus, and who runs them.
 *
 * Documents lie in a bucket and are only replaced by compare-and-set. Whoever leads steps each of
 * them once a second; everybody has copies to show. A policy has one rollout at a time, which
 * another key of the bucket names. */
#ifndef VMRECLAIM_CONTROLLER_FLEET_COORDINATOR_ROLLOUTS_H
#define VMRECLAIM_CONTROLLER_FLEET_COORDINATOR_ROLLOUTS_H

#include "controller/fleet/coordinator/lease.h"
#include "controller/fleet/coordinator/writer.h"

#define ROLLOUTS_STREAM  "KV_VMR_ROLLOUT"
#define ROLLOUTS_SUBJECT "$KV.VMR_ROLLOUT."

/* Known here; beyond it those that ended are forgotten. */
#define ROLLOUTS_MAX 1000

struct rollout_entry {
    struct list link; /* the newest last */
    struct rollouts *rollouts;
    Rollout *document;
    uint64_t revision;             /* 0: the bus has lost it */
    struct rollout_engine *engine; /* NULL: it was not run here yet */
    Rollout *stored;               /* under way to the bus; NULL: nothing is */
};

struct rollouts {
    struct bus *bus;
    struct fleet_hosts *hosts;
    struct writer *writer;
    struct lease *lease;
    struct list list; /* struct rollout_entry */
    size_t count;
    struct list orders; /* under way: struct order */
    uv_timer_t timer;
    nsec_t listening; /* since when statuses are heard; 0: they are not */
    bool documents_are_whole;
    bool wanted_is_whole;
    bool statuses_are_whole;
    char problem[192]; /* why a rollout cannot go on here, the last one; "": all can */
};

/* The caller's memory, until the loop is dry. The bus follows ROLLOUTS_STREAM. */
void rollouts_init(struct rollouts *rollouts, uv_loop_t *loop, struct fleet_hosts *hosts,
                   struct writer *writer, struct lease *lease);

/* Each one's next step: the timer's turn. */
void rollouts_turn(struct rollouts *rollouts);

/* After bus_stop: orders end without an answer. */
void rollouts_stop(struct rollouts *rollouts);

void rollouts_on_bus(struct rollouts *rollouts, bool is_there);
void rollouts_on_whole(struct rollouts *rollouts, const char *stream);
/* The bucket was made anew: whoever leads puts back what is known here. */
void rollouts_on_remade(struct rollouts *rollouts);
void rollouts_on_message(struct rollouts *rollouts, const struct bus_message *message);

/* By its id or a prefix that only it has. NULL: there is none, or several, in words. */
struct rollout_entry *rollouts_find(const struct rollouts *rollouts, const char *id,
                                    struct error *error);

/* ---- orders of operators; any coordinator takes them ---- */

/* `document` is NULL where `status` is below 0. */
typedef void (*rollouts_done)(int status, const struct error *error, const Rollout *document,
                              void *userdata);

/* Starts it; the message is taken over, as protobuf-c unpacked it. A complete
 * or aborted one of the policy is superseded; one that is under way or paused is in the way,
 * -EBUSY. */
void rollouts_start(struct rollouts *rollouts, Rollout *rollout, const char *author,
                    rollouts_done done, void *userdata);

/* Not ROLLOUT_START. */
void rollouts_order(struct rollouts *rollouts, const char *id, enum rollout_verb verb,
                    const char *author, const char *reason, rollouts_done done, void *userdata);

/* The caller is gone: no answer. */
void rollouts_forget(struct rollouts *rollouts, void *userdata);

#endif
