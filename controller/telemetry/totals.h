/* What actions have brought since the daemon's start, by kind and outcome. Pure.
 *
 * An action counts once, when its record is complete. What it brings later is not taken back. */
#ifndef VMRECLAIM_CONTROLLER_TELEMETRY_TOTALS_H
#define VMRECLAIM_CONTROLLER_TELEMETRY_TOTALS_H

#include <stdbool.h>
#include <stdint.h>

#include "controller/telemetry/histogram.h"

/* Action.kind; others are of agents of a later version. */
enum total_kind {
    TOTAL_RECLAIM,
    TOTAL_COMPACT,
    TOTAL_REPORTING,
    TOTAL_BALLOON,
    TOTAL_RELEASE,
    TOTAL_PULSE,
    TOTAL_OTHER,
    TOTAL_KIND_COUNT,
};

/* Action.outcome. */
enum total_outcome {
    TOTAL_RETURNED,   /* the host has got something */
    TOTAL_NOTHING,    /* it has not */
    TOTAL_GIVEN_BACK, /* the guest was to get something */
    TOTAL_UNMEASURED, /* the host's side is not known */
    TOTAL_FAILED,
    TOTAL_OUTCOME_COUNT,
};

extern const char *const total_kind_names[TOTAL_KIND_COUNT];
extern const char *const total_outcome_names[TOTAL_OUTCOME_COUNT];

/* TOTAL_OTHER and TOTAL_UNMEASURED for names that are none. */
enum total_kind total_kind_of(const char *name);
enum total_outcome total_outcome_of(const char *name);

/* Bytes. Sums stay at UINT64_MAX once they are there. */
struct total {
    uint64_t outcomes[TOTAL_OUTCOME_COUNT]; /* actions */
    uint64_t asked;
    uint64_t freed;    /* by the guest's account */
    uint64_t returned; /* host-measured; what was more than nothing */
    uint64_t lost;     /* ... and what was less */
    uint64_t declined; /* actions that the agent or the hypervisor would not do, or could not */
};

/* One action that has ended. */
struct total_action {
    enum total_kind kind;
    enum total_outcome outcome;
    uint64_t asked; /* 0: it named no size */
    uint64_t freed;
    int64_t returned; /* 0 unless it was measured */
    bool is_declined;
};

struct totals {
    struct total kinds[TOTAL_KIND_COUNT];
};

void totals_add(struct totals *totals, const struct total_action *action);

/* Of all outcomes. */
uint64_t total_count(const struct total *total);

/* ---- of a host ---- */

#define TOTAL_REASONS_MAX 128 /* kinds, outcomes and reasons that are told apart */
#define TOTAL_REASON_SIZE 48

/* Actions by what became of them and why. */
struct total_reason {
    enum total_kind kind;
    enum total_outcome outcome;
    char reason[TOTAL_REASON_SIZE]; /* its code; "": none, "other": there is no room for another */
    uint64_t count;
};

struct host_totals {
    struct totals totals;
    struct histogram durations[TOTAL_KIND_COUNT]; /* nanoseconds */
    struct histogram returns[TOTAL_KIND_COUNT];   /* bytes; of measured ones */
    struct total_reason reasons[TOTAL_REASONS_MAX + TOTAL_KIND_COUNT * TOTAL_OUTCOME_COUNT];
    size_t reason_count;
};

void host_totals_init(struct host_totals *totals);

/* `reason` is a reason code; "": none. `duration` is in nanoseconds. */
void host_totals_add(struct host_totals *totals, const struct total_action *action,
                     const char *reason, uint64_t duration);

#endif
