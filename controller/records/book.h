/* What the recorder's files share: the actions that are followed, the reports that wait. */
#ifndef VMRECLAIM_CONTROLLER_RECORDS_BOOK_H
#define VMRECLAIM_CONTROLLER_RECORDS_BOOK_H

#include "controller/actions/action.h"
#include "controller/store/store.h"
#include "controller/telemetry/totals.h"

#define RECORDER_TRACKS_MAX 4096 /* more at a time are recorded without a later check */

struct recorder {
    struct supervisor *supervisor;
    struct store *store;
    struct supervisor_listener listener;
    struct list tracks;
    size_t track_count;
    int64_t resume_since; /* UNIX nanoseconds: what may be gone on with began later */
    struct list reports;  /* see reports.h */
    size_t report_count;
    uv_timer_t timer;
    uint64_t seconds; /* ticks since start */
    struct host_totals totals;
};

#endif
