/* A reason why memory does not come back: one detector each, pure, that looks at few figures and
 * keeps them as evidence.
 *
 * A reason more is one detector and its row, in the file of its group; the manual's table comes
 * from the rows. Groups and their rows are in the order of a page's way, from what forbids an
 * action to where the host gets its memory. The first that holds is the one that an action's record
 * names. */
#ifndef VMRECLAIM_CONTROLLER_EXPLAIN_REASON_H
#define VMRECLAIM_CONTROLLER_EXPLAIN_REASON_H

#include "controller/explain/view.h"

enum reason_flags {
    REASON_OF_CACHE = 1,     /* why cache was not freed at all; the others are of free memory */
    REASON_OF_REPORTING = 2, /* nothing comes back by itself while it holds */
    REASON_OF_EXCESS = 4,    /* an excess has one cause: the first of these that holds */
};

struct reason {
    const char *code; /* stable, for programs */
    /* for the manual */
    const char *meaning;
    const char *evidence; /* the names that a finding may have, see evidence.c; NULL: none */
    const char *cure;
    bool (*detect)(const struct view *view, struct finding *finding);
    unsigned flags;
};

struct reason_group {
    const struct reason *list;
    size_t count;
};

extern const struct reason_group reasons_orders, reasons_reporting, reasons_refilled, reasons_cache,
    reasons_free, reasons_host;

/* ---- for detectors ---- */

/* Begins the finding; its code is the row's. */
void reason_set(struct finding *finding, uint64_t bytes, const char *format, ...) printf_like(3, 4);

bool reason_is_reclaim(const Action *action);

/* The last sample of an action, or its BEFORE, in which the guest is known. NULL: none. */
const ActionSample *reason_sample(const Action *action, bool last);

#endif
