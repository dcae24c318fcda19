/* The rollouts of a fleet: their documents on the bus, and who runs them.
 *
 * Documents lie in a bucket and are only replaced by compare-and-set. Whoever leads steps each of
 * them once a second; everybody has copies to show. A policy has one rollout at a time, which
 * another key of the bucket names. */
#ifndef VMRECLAIM_CONTROLLER_FLEET_COORDINATOR_ROLLOUTS_H
#define VMRECLAIM_CONTROLLER_FLEET_COORDINATOR_ROLLOUTS_H

#include "controller/fleet/coordinator/audit.h"
#include "controller/fleet/coordinator/documents.h"
#include "controller/fleet/coordinator/lease.h"
#include "controller/fleet/coordinator/writer.h"

struct rollouts {
    struct bus *bus;
    const char *name; /* of this coordinator, for the audit */
    struct fleet_hosts *hosts;
    struct writer *writer;
    struct lease *lease;
    struct documents documents;
    struct list orders; /* under way: struct order */
    size_t turn;
    size_t good_turns; /* without a failure, one after another */
    uv_timer_t timer;
    nsec_t listening; /* since when statuses are heard; 0: they are not */
    bool documents_are_whole;
    bool wanted_is_whole;
    bool statuses_are_whole;
    char problem[192]; /* why a rollout cannot go on here, the last one; "": all can */
    /* Why a document is not on the bus, the last one, and the turn in which it was tried; "": none
     * has failed for a while. */
    char unstored[192];
    size_t unstored_turn;
};

/* The caller's memory, until the loop is dry. The bus follows ROLLOUTS_STREAM. */
void rollouts_init(struct rollouts *rollouts, uv_loop_t *loop, struct fleet_hosts *hosts,
                   struct writer *writer, struct lease *lease);

/* Each one's next step: the timer's turn. */
void rollouts_turn(struct rollouts *rollouts);

/* Takes the next step at once, instead of within a second. */
void rollouts_hurry(struct rollouts *rollouts);

/* After bus_stop, and orders_stop. */
void rollouts_stop(struct rollouts *rollouts);

void rollouts_on_bus(struct rollouts *rollouts, bool is_there);
void rollouts_on_whole(struct rollouts *rollouts, const char *stream);
/* The bucket was made anew: whoever leads puts back what is known here. */
void rollouts_on_remade(struct rollouts *rollouts);
void rollouts_on_message(struct rollouts *rollouts, const struct bus_message *message);

/* By its id or a prefix that only it has. NULL: there is none, or several, in words. */
struct rollout_entry *rollouts_find(const struct rollouts *rollouts, const char *id,
                                    struct error *error);

/* What became of an order (orders.h). `document` is NULL where `status` is below 0. */
typedef void (*rollouts_done)(int status, const struct error *error, const Rollout *document,
                              void *userdata);

#endif
