/* Snapshots that a guest goes back to, from QEMU's jobs of type snapshot-load. Pure.
 *
 * Theory of operation: the event of a job tells its id and status, the list of jobs its type and
 * error, for as long as nobody dismisses it: another client of QEMU does so milliseconds after it
 * concluded. So the list is asked for from the job's first event on, and the id of a snapshot-load
 * is kept. QEMU loads with its main loop held: the first answer often comes with the end. A job
 * that is known for a snapshot-load, concluded, and is gone from the list has loaded one, unless it
 * was seen aborting: to give memory back once too often harms less than to keep it. */
#ifndef VMRECLAIM_CONTROLLER_HYPERVISORS_QEMU_SNAPSHOTS_H
#define VMRECLAIM_CONTROLLER_HYPERVISORS_QEMU_SNAPSHOTS_H

#include <jansson.h>
#include <stdbool.h>

#define QMP_JOB_ID_SIZE 64

/* The snapshot-load that was seen last. Zeroes: none. */
struct qmp_snapshots {
    char id[QMP_JOB_ID_SIZE];
    bool is_aborting;
    bool is_over; /* how it ended was told */
};

/* The data of JOB_STATUS_CHANGE. True: ask for the list of jobs, `ret_id` is what to look for. */
bool qmp_snapshots_event(struct qmp_snapshots *snapshots, const json_t *data,
                         char ret_id[QMP_JOB_ID_SIZE], bool *ret_concluded);

/* The answer to query-jobs that was asked for job `id`, NULL: there is none. `concluded`: the event
 * that led to it said so. True, once per job: the guest went back to a snapshot. */
bool qmp_snapshots_answer(struct qmp_snapshots *snapshots, const char *id, bool concluded,
                          const json_t *jobs);

#endif
