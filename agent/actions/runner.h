/* Runs what the policy and the host order, one action at a time, and measures the guest around it.
 *
 * Theory of operation. A job is one action with whoever waits for its result; jobs queue in the
 * order they came. The policy's own job is only started when nothing else runs, and is stopped when
 * the host orders something: a person waits for that. Memory pressure stops every job, and keeps
 * new ones from starting: an action forks a child, and a fork needs memory.
 *
 * Failure modes: a job whose asker went away is stopped or leaves the queue; its result still goes
 * to the readers of Watch. */
#ifndef VMRECLAIM_AGENT_ACTIONS_RUNNER_H
#define VMRECLAIM_AGENT_ACTIONS_RUNNER_H

#include <stdbool.h>
#include <uv.h>

#include "agent/actions/actions.h"
#include "agent/actions/reporting.h"
#include "agent/engine/sample.h"
#include "agent/sensors/sensors.h"
#include "common/base/list.h"

#define JOB_ID_SIZE     64
#define JOB_REASON_SIZE 160
#define JOBS_MAX        16

struct job;

/* The job is over and no longer the runner's. */
typedef void (*job_done)(struct job *job);

/* Filled in by whoever orders it, in their memory, which stays until `done`. */
struct job {
    enum action_kind kind;
    char action_id[JOB_ID_SIZE];
    char asked_by[JOB_ID_SIZE];
    uint64_t bytes;       /* RECLAIM_CACHE */
    bool forbid_drop;     /* RECLAIM_CACHE, DROP_CACHES: rather nothing than all */
    bool drop_slab;       /* DROP_CACHES */
    uint32_t order;       /* SET_ORDER; RESTORE_ORDER of the policy: what was in force before */
    uint32_t order_floor; /* SET_ORDER: no lower than this, whatever was ordered */
    bool ends_while;      /* RESTORE_ORDER: of an order for a while alone */
    nsec_t time_limit;    /* 0: none */
    nsec_t end;           /* CLOCK_MONOTONIC when it must be over, begun or not; 0: never */
    bool is_of_policy;
    job_done done;
    void *userdata;
    /* of the result */
    struct action_outcome outcome; /* for the jobs that run in a child */
    uint64_t free_before, free_after;
    uint64_t trapped_before, trapped_after;
    uint64_t reported_before, reported_after;
    uint64_t cache_before, cache_after;
    enum action_end result;
    char reason[JOB_REASON_SIZE];
    char bound[JOB_REASON_SIZE / 2]; /* what kept it below what was asked for; it ends the reason */
    /* the runner's */
    struct list link;
};

struct runner {
    struct actions actions;
    struct reporting *reporting;
    struct sensors *sensors;
    struct list queue; /* waiting jobs */
    unsigned queued;
    struct job *running;
    nsec_t pressure_until; /* boottime until which nothing is started */
    uv_idle_t idle;        /* starts the next job from the loop, never from a caller */
    void (*on_result)(const struct job *job, void *userdata); /* before the job's own callback */
    void *userdata;
    bool is_closing;
    unsigned open_handles;
    void (*on_closed)(void *userdata);
};

/* The pointers outlive it. 0 or -errno. */
int runner_init(struct runner *runner, uv_loop_t *loop, int root, struct features *features,
                struct settings *settings, struct reporting *reporting, struct sensors *sensors,
                void (*on_result)(const struct job *job, void *userdata), void *userdata);

/* Takes the job. -EBUSY: JOBS_MAX wait, or the job is the policy's and something runs. */
int runner_submit(struct runner *runner, struct job *job);

/* Stops the job if it runs; `done` follows from the loop. Takes it out of the queue if it waits;
 * `done` runs at once. */
void runner_cancel(struct runner *runner, struct job *job);

/* Stops the policy's job, if that is what runs, with `end`. */
void runner_stop_policy(struct runner *runner, enum action_end end);

/* The guest is short of memory at `now`. */
void runner_pressure(struct runner *runner, nsec_t now);

bool runner_is_busy(const struct runner *runner);

/* Stops everything; all jobs end first, then `on_closed`. */
void runner_close(struct runner *runner, void (*on_closed)(void *userdata));

#endif
