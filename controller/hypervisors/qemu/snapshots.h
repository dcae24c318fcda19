/* Snapshots that a guest goes back to, from QEMU's jobs of type snapshot-load. Pure.
 *
 * Theory of operation: the event of a job has its id and status. The list of jobs has its type and
 * error, until somebody dismisses it: another client of QEMU does so milliseconds after it
 * concluded. So the list is asked for from the job's first event on. QEMU loads with its main loop
 * held, and commands wait in a queue behind it. So any list that arrives is read for every job that
 * an event named, whatever job it was asked for. A job that is known for a snapshot-load,
 * concluded, and is gone from the list has loaded one, unless it was seen aborting. To give memory
 * back once too often harms less than to keep it. */
#ifndef VMRECLAIM_CONTROLLER_HYPERVISORS_QEMU_SNAPSHOTS_H
#define VMRECLAIM_CONTROLLER_HYPERVISORS_QEMU_SNAPSHOTS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#define QMP_JOB_ID_SIZE  64
#define QMP_JOBS_WATCHED 4 /* one job may hide the others' answers, hardly four */

struct qmp_job {
    char id[QMP_JOB_ID_SIZE]; /* empty: free */
    bool is_load;             /* seen in a list as snapshot-load */
    bool is_aborting;
    bool is_concluded;
    bool is_over; /* how it ended was reported */
};

/* The jobs that events named last, the oldest is overwritten. Zeroes: none. */
struct qmp_snapshots {
    struct qmp_job jobs[QMP_JOBS_WATCHED];
    size_t next;
};

/* The data of JOB_STATUS_CHANGE. True: ask for the list of jobs. */
bool qmp_snapshots_event(struct qmp_snapshots *snapshots, const json_t *data);

/* The answer to query-jobs, NULL: there is none. True, once per job: the guest went back to a
 * snapshot. */
bool qmp_snapshots_answer(struct qmp_snapshots *snapshots, const json_t *jobs);

#endif
