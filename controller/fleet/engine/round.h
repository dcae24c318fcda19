/* One step of a rollout. For the folder's own files. */
#ifndef VMRECLAIM_CONTROLLER_FLEET_ENGINE_ROUND_H
#define VMRECLAIM_CONTROLLER_FLEET_ENGINE_ROUND_H

#include "controller/fleet/engine/gates.h"
#include "controller/fleet/engine/rollout.h"
#include "controller/fleet/engine/tally.h"

/* Two statuses at most are between a figure and its judgement. */
#define ROUND_JUDGING_INTERVAL (15 * NSEC_PER_SEC)
/* A judgement of a whole wave looks at so much of its soak. */
#define ROUND_WINDOW (5 * 60 * NSEC_PER_SEC)
/* So long hosts are looked at before they are treated, at least. */
#define ROUND_PAST_WINDOW (2 * ROUND_JUDGING_INTERVAL)

/* CLOCK_BOOTTIME for all times. */
struct rollout_engine {
    struct marks marks;
    uint32_t marked_wave; /* the wave that they are of, + 1; 0: it has no host yet */
    nsec_t judged;        /* when gates were asked last; 0: never */
    nsec_t reverted;      /* when hosts to revert were named last; 0: never */
    RolloutState state;   /* as the last step saw it, */
    int64_t since_ns;     /* and since when by the document, */
    nsec_t since;         /* and when it was seen first */
    bool *is_treated;     /* of each host of the view */
    const char **hosts;   /* of a result */
    size_t room;          /* of both */
    struct tally treated, wave, untreated;
};

struct round {
    struct rollout_engine *engine;
    Rollout *rollout;
    const struct fleet_view *view;
    struct rollout_result *result;
};

/* ---- times ---- */

/* How long the document has been in its state. */
nsec_t round_elapsed(const struct round *round);
nsec_t round_soak(const struct round *round);

/* ---- hosts ---- */

/* The host lies in the view; NULL: the caller left it out. */
const struct fleet_host *round_host(const struct round *round, size_t index);

/* What has become of the treated hosts from `begin` on. Pinned ones count nowhere. */
struct round_progress {
    size_t wanted; /* that are to have it */
    size_t in_force;
};
struct round_progress round_progress(const struct round *round, size_t begin);

/* Nine of ten have it. */
bool round_is_through(struct round_progress progress);

#define ROUND_REFUSAL_SIZE 256

/* Of a host of the wave that has not the policy: why it takes nothing at all. It says so also of
 * what it cannot tell from others, as where no key of its fits. "": none says anything. */
void round_find_refusal(const struct round *round, char ret_text[ROUND_REFUSAL_SIZE]);

/* ---- edits ---- */

/* The same in the document, where whoever waits sees it. -ENOMEM. */
int round_note_refusal(struct round *round);

int round_move(struct round *round, RolloutState state, const char *reason);
int round_pause(struct round *round, const char *reason);

/* Freezes the hosts of the first wave from `wave` on that has any, and begins to write them. True
 * in `ret_opened` where one has. -ENOMEM. */
int round_open(struct round *round, uint32_t wave, bool *ret_opened);

/* Who was lost when its wave opened and is back is treated with the wave in flight. -ENOMEM. */
int round_take_late(struct round *round);

/* Whoever has come to a complete rollout. -ENOMEM. */
int round_take_newcomers(struct round *round);

/* ---- results ---- */

/* Hosts from `begin` on that are to be written to, `most` of them. */
void round_name_unwritten(struct round *round, size_t begin);
void round_name_unreverted(struct round *round, size_t most);

/* ---- gates ---- */

/* Asks them, unless it was done a moment ago: GATES_WAIT. Moves the document where one fails. */
int round_judge(struct round *round, bool is_final, enum gates_outcome *ret_outcome);

/* Sums over those to be treated now, before they are; over all treated. */
int round_keep_past(struct round *round, const size_t members[], size_t count);
int round_keep_last(struct round *round);

#endif
