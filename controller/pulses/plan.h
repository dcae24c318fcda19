/* Whether a VM is to get a pulse now, or why not. Pure: no clock, no file, no allocation.
 *
 * Theory of operation: a pulse is the last rung. It is for guests whose free memory does not come
 * back by itself and whose balloon works. It takes what was free for long, while the guest is idle:
 * as its agent's engine says, or as its balloon's statistics show, calm for the policy's idle
 * window. It comes when enough of that is on the host. So a guest that a pulse has emptied gets
 * none until it has used and freed memory again. One that brought little delays the next.
 *
 * Failure modes: what is not known is a reason against it. A VM that was only found has no policy
 * and gets none. Where anybody else moves the balloon it is left alone for a day. */
#ifndef VMRECLAIM_CONTROLLER_PULSES_PLAN_H
#define VMRECLAIM_CONTROLLER_PULSES_PLAN_H

#include "common/policy/policy.h"
#include "controller/leases/pulse.h"
#include "controller/pulses/watch.h"

#define PULSE_TEXT_SIZE 160

/* Causes first: what would have to change before anything below it matters. */
enum pulse_reason {
    PULSE_IS_DUE,
    PULSE_UNASSIGNED,
    PULSE_SWITCHED_OFF,
    PULSE_HALTED,
    PULSE_UNREACHABLE,
    PULSE_NO_BALLOON,
    PULSE_REPORTED,
    PULSE_PINNED,
    PULSE_ENCRYPTED,
    PULSE_LOCKED,
    PULSE_HUGE_PAGES,
    PULSE_FOREIGN,
    PULSE_STANDS_STILL,
    PULSE_STARVED,
    PULSE_HOLDS,
    PULSE_OCCUPIED,
    PULSE_UNREAD,
    PULSE_UNMEASURED,
    PULSE_FORBIDDEN,
    PULSE_WATCHING,
    PULSE_WORKS,
    PULSE_FREE_IS_LITTLE,
    PULSE_HOST_HAS_LITTLE,
    PULSE_TOO_SOON,
    PULSE_QUEUES,
    PULSE_REASON_COUNT,
};

/* The VM as it is now. */
struct pulse_facts {
    nsec_t now;   /* CLOCK_BOOTTIME */
    int64_t time; /* UNIX seconds */
    bool is_halted;
    bool is_reachable; /* the hypervisor takes commands */
    bool has_balloon;
    bool reports;   /* free memory comes back by itself, as far as is known */
    bool is_pinned; /* by an assigned device */
    bool is_encrypted;
    bool is_locked;
    bool has_huge_pages; /* as backing: the host gets nothing of a part of one */
    bool runs;           /* neither paused nor migrating */
    bool is_starved;     /* under its balloon */
    bool is_occupied;    /* something else is done to it */
    bool is_full_up;     /* as many pulses are on as may be */
    bool has_agent;
    bool agent_is_idle; /* as its engine says */
    uint64_t in_balloon;
    uint64_t ram;
    uint64_t footprint;           /* 0: unknown */
    const char *unread;           /* why the guest cannot be read; NULL: it can */
    const char *foreign_owner;    /* of a balloon that somebody else moves; "": nobody known */
    nsec_t foreign_moved;         /* CLOCK_BOOTTIME when it was last moved so; 0: never */
    struct guest_reading reading; /* the newest */
};

/* What pulses brought before; zeroes: there was none. */
struct pulse_history {
    nsec_t ended; /* CLOCK_BOOTTIME, of the last; 0: there was none */
    uint64_t brought;
    unsigned barren; /* how many in a row brought less than half of what was asked at least */
};

struct pulse_plan {
    enum pulse_reason reason;
    uint64_t gain; /* bytes that it would bring, as far as is known; of PULSE_IS_DUE and the last */
    nsec_t wait;   /* of PULSE_WATCHING, PULSE_TOO_SOON, PULSE_FOREIGN: so long at least */
};

/* `policy` is the effective one; NULL: none is assigned. */
struct pulse_plan pulse_decide(const struct pulse_facts *facts, const struct pulse_watch *watch,
                               const struct pulse_history *history, const struct policy *policy);

/* Pulses will take what is free of it, sooner or later: an agent may free cache for them. */
bool pulse_takes_free(const struct pulse_facts *facts, const struct policy *policy);

/* What the plan asks for when it is due. */
struct pulse_limits pulse_limits_of(const struct policy *policy);

/* A pulse has ended, which was to bring `min_gain` at least. */
void pulse_note_end(struct pulse_history *history, nsec_t now, uint64_t brought, uint64_t min_gain);

/* The reason in words, without a full stop. */
void pulse_plan_text(const struct pulse_plan *plan, const struct pulse_facts *facts,
                     const struct pulse_history *history, const struct policy *policy,
                     char text[PULSE_TEXT_SIZE]);

/* A word for the reason, for tests and the debug dump: "too-soon". */
const char *pulse_reason_name(enum pulse_reason reason);

#endif
