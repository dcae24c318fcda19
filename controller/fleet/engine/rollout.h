/* A rollout of a policy over a fleet: what happens next. Pure: no clock, no file, no bus.
 *
 * Theory of operation: all state is in the document (fleet.proto, Rollout), which lies in a bucket
 * and is written by compare-and-set. A step takes the document and the hosts as they are known. It
 * either edits the document or names hosts to write to, never both. So any coordinator goes on from
 * the document where another one died:
 *
 *     draft --> writing --> soaking --> judging --> writing (the next wave) ... --> complete
 *                  |           |           |   \
 *                  +-----------+-----------+    +--> paused --> judging
 *                              |
 *                              +--> reverting --> reverted
 *
 * Writing: the wave's hosts, frozen in the document, get the policy, until nine of ten have it in
 * force. Soaking: they run it for a time. Judging: gates.h compares them with the untreated and
 * with their own past. A gate that fails reverts all treated hosts, or pauses. Who was lost when
 * its wave opened gets the policy on return; a newcomer of a closed wave waits for the last one.
 * Who comes to a complete rollout gets its policy without gates, until it is superseded: there is
 * one rollout of a policy at a time.
 *
 * How to use it, once a second while this coordinator has the lease, for each rollout that does not
 * rest:
 *   1. read the document with its revision (not by a direct get, which may be stale);
 *   2. rollout_step();
 *   3. `changed`: store it by compare-and-set. When that fails, throw it away and begin at 1. Hosts
 *      are written to only in a later step, so never before the document says so;
 *   4. else write to each of `hosts`, in any order, and stop anywhere:
 *      - read its newest state from the stream; one of a later epoch: stop, another one leads;
 *      - ROLLOUT_APPLY: the policy's entry becomes this rollout's, what was there its previous_*.
 *        Where it is this rollout's, nothing is written;
 *      - ROLLOUT_REVERT: where the entry is this rollout's, it becomes its previous_*. The state is
 *        written in any case, for its epoch: that fences who led before;
 *      - generation + 1, this epoch, signed, published with the expected last sequence;
 *   5. the view says what was written (wanted_*), so nothing is asked for twice.
 *
 * Failure modes: the engine's memory is lost with its coordinator. What treated hosts were before
 * is in the document; the window of figures begins anew, and nothing is judged before it is as long
 * as the soak, five minutes at most. What guests suffer between two coordinators is not counted,
 * what goes on afterwards is. While the reader has not listened for long enough to know who is
 * lost, nothing advances; reverting goes on. Before the first wave hosts are
 * looked at for half a minute: where it is everybody, their own past is all that it can be compared
 * with. Without that either, a figure above its limit is without data, and the rollout pauses. Who
 * is pinned by the host's operator counts nowhere; where all are, it pauses. */
#ifndef VMRECLAIM_CONTROLLER_FLEET_ENGINE_ROLLOUT_H
#define VMRECLAIM_CONTROLLER_FLEET_ENGINE_ROLLOUT_H

#include "common/base/error.h"
#include "controller/fleet/engine/document.h"
#include "controller/fleet/engine/view.h"

#define ROLLOUT_REVERTS_PER_SECOND 200
/* A wave that is not through by then pauses; reverting waits no longer for hosts to confirm. */
#define ROLLOUT_DEADLINE (10 * 60 * NSEC_PER_SEC)

/* ---- documents ---- */

/* Start values for what is not set: waves 1, 5, 25, 100 %, the canary's soak an hour, others five
 * minutes, all hosts. -ENOMEM. */
int rollout_set_defaults(Rollout *rollout);

/* 0 when it can be started. -EINVAL, with what is wrong. */
int rollout_check(const Rollout *rollout, struct error *error);

/* It never does anything again by itself: reverted, aborted, superseded, or a draft. */
bool rollout_rests(const Rollout *rollout);

/* ---- orders of operators ---- */

enum rollout_verb {
    ROLLOUT_START,     /* a draft */
    ROLLOUT_PAUSE,     /* no new host; the treated keep it */
    ROLLOUT_RESUME,    /* judges first */
    ROLLOUT_ABORT,     /* stops for good; the treated keep it */
    ROLLOUT_ROLLBACK,  /* all treated get back what they had, without gates */
    ROLLOUT_SUPERSEDE, /* another rollout of the same policy takes over */
    ROLLOUT_VERB_COUNT,
};

struct rollout_order {
    enum rollout_verb verb;
    const char *author;
    const char *reason; /* "" where none was given */
    int64_t time_ns;
    uint64_t epoch;
};

/* Edits the document, which is then stored by compare-and-set. -EBUSY: its state does not take the
 * verb, with what to do instead. -EINVAL: as rollout_check(). -ESTALE: a later coordinator wrote
 * it. -ENOMEM. After a failure the document is to be thrown away. */
int rollout_order(Rollout *rollout, const struct rollout_order *order, struct error *error);

/* ---- steps ---- */

/* What a coordinator remembers of one rollout; may be lost. */
struct rollout_engine;

/* NULL: no memory. */
struct rollout_engine *rollout_engine_create(void);
void rollout_engine_destroy(struct rollout_engine *engine);

enum rollout_write {
    ROLLOUT_APPLY,
    ROLLOUT_REVERT,
};

struct rollout_result {
    bool changed; /* the document is to be stored first; there are no hosts then */
    enum rollout_write write;
    const char *const *hosts; /* ids; until the next step or an edit of the document */
    size_t count;
};

/* What happens next. 0. -ESTALE: a later coordinator wrote the document, this one is to stop.
 * -EINVAL: the document makes no sense, which is for an operator to look at. -ENOMEM. After a
 * failure the document is to be thrown away. */
int rollout_step(struct rollout_engine *engine, Rollout *rollout, const struct fleet_view *view,
                 struct rollout_result *ret);

#endif
