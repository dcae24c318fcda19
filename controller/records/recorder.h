/* Records of all actions: of operators and of the guests' own policies, measured before, during,
 * after and ten minutes later; the waterfall of every VM once a minute. */
#ifndef VMRECLAIM_CONTROLLER_RECORDS_RECORDER_H
#define VMRECLAIM_CONTROLLER_RECORDS_RECORDER_H

#include "controller/actions/action.h"
#include "controller/store/store.h"

#define RECORDER_TRACKS_MAX 4096 /* more at a time are recorded without a later check */

struct recorder {
    struct supervisor *supervisor;
    struct store *store;
    struct supervisor_listener listener;
    struct list tracks;
    size_t track_count;
    struct list reports; /* see reports.h */
    size_t report_count;
    uv_timer_t timer;
    uint64_t seconds; /* ticks since start */
};

/* `store` stays the caller's. -errno of libuv. */
int recorder_init(struct recorder *recorder, struct supervisor *supervisor, struct store *store);

/* Writes what waits. Run the loop until it is empty, then recorder_finish. */
void recorder_stop(struct recorder *recorder);
void recorder_finish(struct recorder *recorder);

/* Whether a footprint of the VM now can be compared with the record: the same process holds it. */
bool recorder_is_comparable(const struct vm *vm, const Vmreclaim__Controller__V1__Action *action);

/* Measures now what the record's host_returned was, less the same drift: that of the action's own
 * window, which says nothing about later. -ENODATA: it cannot be compared. */
int recorder_measure_again(struct vm *vm, const Vmreclaim__Controller__V1__Action *action,
                           int64_t *ret_returned);

/* What the timer does every second. `now` is CLOCK_BOOTTIME, `time` UNIX nanoseconds. */
void recorder_tick(struct recorder *recorder, nsec_t now, int64_t time);

#endif
