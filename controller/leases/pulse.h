/* One pulse: a balloon lease that ends by itself. Pure: no clock, no file, no allocation.
 *
 * Theory of operation: where reporting returns nothing, what is free in the guest still can be had.
 * The balloon takes it in steps, down to a headroom, and gives all of it back at once. The host has
 * discarded the pages meanwhile, and the footprint stays down until the guest needs them.
 *
 *     none --> looking --step--> inflating --reached--> looking ... --end--> deflating --> over
 *
 * The balloon (balloon.h) carries a pulse out: a lease whose `bytes` are the pulse's deepest, in
 * the journal once before the first step. There it stays LEASE_REQUESTED: whoever finds it after a
 * crash gives it back at once. What the balloon takes for it now is pulse_depth().
 *
 * Between two steps of at most 64 MiB there is a reading of the guest that is newer than the step.
 * While it inflates the guest is read every 50 ms. Only what is free is taken, nothing of the
 * cache.
 *
 * Failure modes: each is an end, enum pulse_end, and each end gives everything back at once. A
 * guest may allocate faster than it can be read. So the headroom is at least what it was seen to
 * allocate in the time that a reading and a command take, and a pulse without that room is refused.
 * A guest that does not move within four seconds has no driver. For a while after a deflate a
 * guest's kernel keeps some 50 MiB in its CPUs' lists: without any page cache it kills rather than
 * use them. */
#ifndef VMRECLAIM_CONTROLLER_LEASES_PULSE_H
#define VMRECLAIM_CONTROLLER_LEASES_PULSE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/error.h"
#include "common/base/number.h"
#include "common/base/time.h"

#define PULSE_STEP     (64 * MIB)           /* taken at a time, at most */
#define PULSE_INTERVAL (50 * NSEC_PER_MSEC) /* between two readings while it takes */
#define PULSE_TERM     (300 * NSEC_PER_SEC) /* of its lease in the journal */
#define PULSE_TIME_MAX (120 * NSEC_PER_SEC) /* it takes for so long at most */
#define PULSE_OWNER    "pulse"              /* of its lease */

/* What whoever asks for one wants; 0: the least that is allowed. */
struct pulse_limits {
    uint64_t headroom; /* bytes that stay free in the guest; never less than pulse_headroom_min */
    uint64_t min_gain; /* a pulse that could take less is refused; at least one step */
};

enum pulse_state {
    PULSE_NONE,
    PULSE_LOOKING,   /* the last step is in; the next waits for a newer reading */
    PULSE_INFLATING, /* a step is under way */
    PULSE_DEFLATING, /* it has ended; the guest does not have everything back yet */
    PULSE_OVER,
    PULSE_STATE_COUNT,
};

/* Why a pulse ended; the first two took what there was to take. */
enum pulse_end {
    PULSE_NOT_ENDED,
    PULSE_END_DEPTH,      /* everything above the headroom was taken */
    PULSE_END_NOTHING,    /* there was nothing above the headroom */
    PULSE_END_GROWTH,     /* the guest allocated meanwhile */
    PULSE_END_HEADROOM,   /* less is free than the headroom: it fell, or the headroom grew */
    PULSE_END_PRESSURE,   /* the guest said that it is short, or took memory back by itself */
    PULSE_END_STALE,      /* no reading of the guest in time */
    PULSE_END_UNHEARD,    /* its agent went away */
    PULSE_END_STALLED,    /* the guest gives no more */
    PULSE_END_NO_DRIVER,  /* ... and never gave anything */
    PULSE_END_STOPPED,    /* the guest is paused, migrates or was reset */
    PULSE_END_LOST,       /* the hypervisor takes no commands */
    PULSE_END_INERT,      /* the host got nothing */
    PULSE_END_FOREIGN,    /* somebody else moves the balloon */
    PULSE_END_TIME,       /* it took too long */
    PULSE_END_CALLED_OFF, /* who asked does not want it any more, or its lease is gone */
    PULSE_END_COUNT,
};

/* A reading of the guest, from its agent or its balloon's statistics. */
struct pulse_reading {
    nsec_t time;    /* CLOCK_BOOTTIME: the guest was so then, or later; 0: there is none */
    uint64_t total; /* as the guest says; with some drivers it shrinks with the balloon */
    uint64_t free;
};

/* What earlier pulses and readings of this VM have shown; all 0: nothing yet. */
struct pulse_past {
    uint64_t fastest; /* allocation seen, bytes per second; 256 MiB/s are assumed at least */
    nsec_t reaction;  /* from a need in the guest to the command that helps it, at worst ... */
    nsec_t time;      /* ... when that was seen, CLOCK_BOOTTIME: a busy hour is forgotten */
};

/* The balloon and the guest as they are now. */
struct pulse_input {
    nsec_t now;      /* CLOCK_BOOTTIME */
    bool ready;      /* the hypervisor takes commands */
    bool running;    /* neither paused nor migrating */
    bool may_take;   /* the balloon is where it was asked to be, and trusted */
    bool is_strange; /* the guest's size is what nobody of ours asked for */
    bool is_back;    /* the guest has all that the other leases leave it */
    uint64_t ram;
    uint64_t actual;              /* what the guest has left */
    uint64_t target;              /* what it was last commanded to have, and that was answered */
    struct pulse_reading reading; /* the newest */
};

struct pulse {
    enum pulse_state state;
    enum pulse_end end;
    uint64_t lease;            /* id; 0: none */
    uint64_t bytes;            /* the deepest that it may go */
    uint64_t headroom;         /* as asked */
    uint64_t depth;            /* bytes that the balloon is to hold for it now */
    uint64_t taken;            /* the most that it held */
    uint64_t base;             /* the guest's size without it */
    nsec_t begun;              /* CLOCK_BOOTTIME */
    nsec_t ended;              /* ... of its end; 0: not yet */
    nsec_t since;              /* ... of its last move: only a newer reading decides the next one */
    nsec_t commanded;          /* ... when the step was commanded; 0: that was answered */
    nsec_t moved;              /* ... when the guest's size last moved towards the target */
    nsec_t command;            /* the longest that a command took */
    uint64_t seen;             /* the smallest that the guest was */
    uint64_t before;           /* the guest's size at the last look ... */
    struct pulse_reading look; /* ... and its reading */
    struct pulse_reading last; /* the newest that was taken in */
    uint64_t grown;            /* what the guest used more by it than at the look, for sure */
    struct pulse_past past;    /* and what this one has shown */
};

/* The smallest headroom of a guest: 256 MiB, 5 % of its memory, and what it was seen to allocate
 * within the reaction time. */
uint64_t pulse_headroom_min(uint64_t ram, const struct pulse_past *past);

/* How deep a pulse could go now. -EBUSY, with words: there is no reading of the guest, it does not
 * run, or it has less than `min_gain` above the headroom. */
int pulse_plan(const struct pulse_limits *limits, const struct pulse_past *past,
               const struct pulse_input *input, uint64_t *ret_bytes, struct error *error);

/* Begins one under the lease `id`, of `bytes`, that is in the journal already. */
void pulse_begin(struct pulse *pulse, uint64_t id, uint64_t bytes,
                 const struct pulse_limits *limits, const struct pulse_past *past,
                 const struct pulse_input *input);

/* Looks at the world: takes the next step, or ends. Harmless when there is no pulse. */
void pulse_step(struct pulse *pulse, const struct pulse_input *input);

/* Ends it from outside. Harmless when it has ended. */
void pulse_abort(struct pulse *pulse, enum pulse_end end, nsec_t now);

/* Bytes that the balloon is to hold for it now. */
uint64_t pulse_depth(const struct pulse *pulse);

/* Its balloon has gone with the hypervisor's process: there is nothing to give back. */
void pulse_drop(struct pulse *pulse, nsec_t now);

/* It takes memory: it looks or inflates. */
bool pulse_takes(const struct pulse *pulse);

/* It takes, or its memory is on the way back. */
bool pulse_is_on(const struct pulse *pulse);

bool pulse_state_may_follow(enum pulse_state state, enum pulse_state next);

/* Why it ended, for a person; "" for an end that took all there was. Static text. */
const char *pulse_end_text(enum pulse_end end);

#endif
