/* Records of all actions, of operators and of the guests' own policies: measured before, during,
 * after and ten minutes later. And the waterfall of every VM once a minute. */
#ifndef VMRECLAIM_CONTROLLER_RECORDS_RECORDER_H
#define VMRECLAIM_CONTROLLER_RECORDS_RECORDER_H

#include "controller/records/book.h"

/* `store` stays the caller's. -errno of libuv. */
int recorder_init(struct recorder *recorder, struct supervisor *supervisor, struct store *store);

/* Writes what waits. Run the loop until it is empty, then recorder_finish. */
void recorder_stop(struct recorder *recorder);
void recorder_finish(struct recorder *recorder);

/* What the timer does every second. `now` is CLOCK_BOOTTIME, `time` UNIX nanoseconds. */
void recorder_tick(struct recorder *recorder, nsec_t now, int64_t time);

#endif
