/* The order of a squeeze: everything that brings a VM's memory back, step after step. Pure.
 *
 * Theory of operation: what was asked, what the steps so far have brought and what time is left
 * lead to the next step, or to the end and why. Each step is an ordinary action, taken while it
 * promises enough by explain/gains.h.
 *
 *     cache --> drop --> compact --> order --> kick --> restore --> hold    where it is reported
 *     cache --> drop --> pulse --> hold                                     where it is not
 *
 * cache: cold first, down to the policy's floor, again while that brings something. drop: all that
 * is clean, only if asked. order: a lower reporting order, for a while; it is restored whatever
 * happens meanwhile. hold: a lease, only if asked, for a guest that is well.
 *
 * Failure modes: a step that is refused, or brings nothing, is not taken again. A guest short of
 * memory ends the squeeze. The time that was asked for bounds the steps that take memory; restore
 * and hold come after it. */
#ifndef VMRECLAIM_CONTROLLER_ACTIONS_SQUEEZE_PLAN_H
#define VMRECLAIM_CONTROLLER_ACTIONS_SQUEEZE_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/time.h"
#include "common/ttrpc/program.h"
#include "controller/explain/gains.h"

#define SQUEEZE_TIME_DEFAULT (5 * 60 * NSEC_PER_SEC)
#define SQUEEZE_STEPS_MAX    16 /* of one squeeze */

enum squeeze_step {
    SQUEEZE_NO_STEP,
    SQUEEZE_CACHE,
    SQUEEZE_DROP,
    SQUEEZE_COMPACT,
    SQUEEZE_ORDER,
    SQUEEZE_KICK,
    SQUEEZE_RESTORE,
    SQUEEZE_PULSE,
    SQUEEZE_HOLD,
    SQUEEZE_STEP_COUNT,
};

/* Why it has ended. */
enum squeeze_end {
    SQUEEZE_GOES_ON,
    SQUEEZE_END_DONE,     /* no step promises enough any more */
    SQUEEZE_END_REACHED,  /* the size that was asked for */
    SQUEEZE_END_TIME,     /* the time is over */
    SQUEEZE_END_PRESSURE, /* the guest is short of memory */
    SQUEEZE_END_BLOCKED,  /* what the guest lets go does not reach the host */
    SQUEEZE_END_NO_AGENT, /* nobody in the guest can be asked */
    SQUEEZE_END_REFUSED,  /* no step could be taken, each has its reason */
    SQUEEZE_END_LEFT,     /* who asked went away */
    SQUEEZE_END_FAILED,   /* a step was ended from outside, or the VM went away */
    SQUEEZE_END_COUNT,
};

/* How a step ended. */
enum squeeze_outcome {
    SQUEEZE_TAKEN,
    SQUEEZE_REFUSED, /* or nothing was done; others may go on */
    SQUEEZE_SHORT,   /* the guest ran short of memory */
};

struct squeeze_asked {
    uint64_t size;     /* footprint to reach, bytes; 0: as small as it gets */
    nsec_t time_limit; /* of all steps that take; 0: SQUEEZE_TIME_DEFAULT */
    bool drop;
    bool hold;
    nsec_t hold_time;           /* of the lease; 0: until released */
    char program[PROGRAM_SIZE]; /* that asks; goes with each step */
};

struct squeeze_input {
    nsec_t now;         /* CLOCK_BOOTTIME */
    uint64_t footprint; /* 0: not known */
    struct gains gains; /* of now */
};

/* What to do now. */
struct squeeze_order {
    enum squeeze_step step;
    uint64_t bytes;    /* CACHE: 0: down to the floor; HOLD: what the guest keeps */
    nsec_t time_limit; /* CACHE, COMPACT; ORDER: until the agent restores it by itself */
    uint32_t order;    /* ORDER */
};

struct squeeze_plan {
    struct squeeze_asked asked;
    nsec_t deadline;             /* CLOCK_BOOTTIME */
    enum squeeze_step under_way; /* NO_STEP: none */
    uint64_t promised;           /* by the step under way, bytes */
    unsigned count;              /* of steps so far */
    unsigned taken;              /* of them, all but those that were refused */
    unsigned spent;              /* steps that are not taken again, one bit each */
    bool is_lowered;             /* the reporting order; it is to be restored */
    enum squeeze_end end;
};

void squeeze_plan_begin(struct squeeze_plan *plan, const struct squeeze_asked *asked, nsec_t now);

/* The next step; nothing is under way. NO_STEP: it is over, plan->end says why. */
struct squeeze_order squeeze_plan_next(struct squeeze_plan *plan,
                                       const struct squeeze_input *input);

/* The step under way has ended; `brought` is what the host got, bytes. */
void squeeze_plan_took(struct squeeze_plan *plan, enum squeeze_outcome outcome, int64_t brought);

/* Ended from outside: what is under way is the last step that takes. The first end stands. */
void squeeze_plan_stop(struct squeeze_plan *plan, enum squeeze_end end);

/* The step under way has had its time. */
bool squeeze_plan_is_late(const struct squeeze_plan *plan, nsec_t now);

/* "compact", as in the API; "done", likewise; and a sentence's worth of why. Static text. */
const char *squeeze_step_name(enum squeeze_step step);
const char *squeeze_end_name(enum squeeze_end end);
const char *squeeze_end_text(enum squeeze_end end);

#endif
