/* What a VM's footprint was: what drifted before an action, and what the host held when one began
 * that is heard of at its end.
 *
 * Theory of operation: points are kept in series, one per second of late and fewer further back. So
 * a guest's own step of an hour still has a begin, in less than 1 KiB per VM. A point is found by
 * its time. Who asks sees how far it lies from that moment, and judges. */
#ifndef VMRECLAIM_CONTROLLER_VMS_FOOTPRINT_HISTORY_H
#define VMRECLAIM_CONTROLLER_VMS_FOOTPRINT_HISTORY_H

#include <stdint.h>

#include "common/base/time.h"

enum {
    FOOTPRINT_HISTORY_RECENT = 24, /* one per second */
    FOOTPRINT_HISTORY_COUNT = 58,
    FOOTPRINT_HISTORY_SERIES = 3,
};

struct footprint_point {
    nsec_t time; /* CLOCK_BOOTTIME; 0: none */
    uint64_t footprint;
};

/* All zero: nothing is known. */
struct footprint_history {
    struct footprint_point points[FOOTPRINT_HISTORY_COUNT]; /* one series after the other */
    uint32_t next[FOOTPRINT_HISTORY_SERIES];                /* where its next point goes */
    struct footprint_point claimed; /* up to here actions account for what came back */
};

/* Adds the newest point. */
void footprint_history_add(struct footprint_history *history, nsec_t time, uint64_t footprint);

/* Actions account for what came back until `time`, when the footprint was that. */
void footprint_history_claim(struct footprint_history *history, nsec_t time, uint64_t footprint);

/* The points were measured `bytes` too high (negative: too low). */
void footprint_history_lower(struct footprint_history *history, int64_t bytes);

/* The last point that is not after `time`; NULL: the history does not reach so far back. */
const struct footprint_point *footprint_history_at(const struct footprint_history *history,
                                                   nsec_t time);

/* One of the points of the last seconds, the newest at `age` 0; its time is 0 past the oldest. */
const struct footprint_point *footprint_history_recent(const struct footprint_history *history,
                                                       uint32_t age);

#endif
