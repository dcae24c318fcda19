/* One action at a time. Theory of operation: runner.h. */
#include "agent/service/runner.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* No action starts this long after pressure was seen. */
#define PRESSURE_HOLD (10 * NSEC_PER_SEC)

#define OUTCOME(name) VMRECLAIM__AGENT__V1__OUTCOME__OUTCOME_##name

static void start_next(uv_idle_t *idle);

static void wake(struct runner *runner)
{
    if (!runner->is_closing)
        (void)uv_idle_start(&runner->idle, start_next);
}

/* Fills in free, trapped, reported and cache; what cannot be read stays 0. */
static void measure(struct runner *runner, uint64_t *free, uint64_t *trapped, uint64_t *reported,
                    uint64_t *cache)
{
    struct memory_sample sample;

    if (sensors_read(runner->sensors, time_boottime(), &sample) < 0)
        return;
    *free = sample.free;
    *trapped = sample.trapped;
    *reported = sample.reported;
    *cache = sample.cache;
}

static void measure_before(struct runner *runner, struct job *job)
{
    measure(runner, &job->free_before, &job->trapped_before, &job->reported_before,
            &job->cache_before);
}

static void measure_after(struct runner *runner, struct job *job)
{
    job->free_after = job->free_before;
    job->trapped_after = job->trapped_before;
    job->reported_after = job->reported_before;
    job->cache_after = job->cache_before;
    measure(runner, &job->free_after, &job->trapped_after, &job->reported_after, &job->cache_after);
}

static void set_result(struct job *job, Vmreclaim__Agent__V1__Outcome result, const char *reason)
{
    job->result = result;
    (void)snprintf(job->reason, sizeof(job->reason), "%s", reason);
}

/* The running job is over. */
static void finish(struct runner *runner, struct job *job)
{
    runner->running = NULL;
    runner->on_result(job, runner->userdata);
    wake(runner);
    job->done(job);
}

static void set_result_of_stop(struct runner *runner, struct job *job)
{
    static const struct {
        Vmreclaim__Agent__V1__Outcome outcome;
        const char *reason;
    } reasons[] = {
        {OUTCOME(STOPPED_PRESSURE), "the guest ran short of memory"},
        {OUTCOME(STOPPED_BUSY), "the guest woke up"},
        {OUTCOME(CANCELLED), "on request"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(reasons); i++)
        if (reasons[i].outcome == runner->stop_outcome)
            set_result(job, reasons[i].outcome, reasons[i].reason);
}

static void on_action_done(const struct action_outcome *outcome, void *userdata)
{
    struct runner *runner = userdata;
    struct job *job = runner->running;

    measure_after(runner, job);
    job->outcome = *outcome;
    switch (outcome->end) {
    case ACTION_DONE:
        set_result(job, OUTCOME(DONE), outcome->reason);
        break;
    case ACTION_TIME_LIMIT:
        set_result(job, OUTCOME(STOPPED_TIME_LIMIT), "the time limit was reached");
        break;
    case ACTION_STOPPED:
        set_result_of_stop(runner, job);
        break;
    case ACTION_NOT_SUPPORTED:
        set_result(job, OUTCOME(NOT_SUPPORTED), outcome->reason);
        break;
    case ACTION_FAILED:
        set_result(job, OUTCOME(FAILED), outcome->reason);
        break;
    }
    finish(runner, job);
}

/* A policy lowers the order for a while, and gives back what was in force before: an operator's
 * order, or the one that was found at the start. */
static bool restores_found(const struct runner *runner, const struct job *job)
{
    return job->kind == JOB_RESTORE_ORDER &&
           !(job->is_of_policy && job->order < runner->reporting->found_order);
}

/* Setting or restoring the order is one write, done at once. */
static void run_order(struct runner *runner, struct job *job)
{
    nsec_t started = time_monotonic();
    uint32_t order;
    int r;

    if (restores_found(runner, job))
        r = reporting_restore(runner->reporting);
    else
        r = reporting_set_order(runner->reporting, job->order, job->order_floor, &order);
    job->outcome.duration = time_monotonic() - started;
    measure_after(runner, job);
    if (r == -ENOTSUP)
        set_result(job, OUTCOME(NOT_SUPPORTED), "this guest's reporting order cannot be changed");
    else if (r < 0)
        set_result(job, OUTCOME(FAILED), strerror(-r));
    else
        set_result(job, OUTCOME(DONE), "");
    finish(runner, job);
}

static void run_action(struct runner *runner, struct job *job)
{
    static const enum action_kind kinds[] = {
        [JOB_RECLAIM_CACHE] = ACTION_RECLAIM_CACHE,
        [JOB_DROP_CACHES] = ACTION_DROP_CACHES,
        [JOB_COMPACT] = ACTION_COMPACT,
        [JOB_KICK_REPORTING] = ACTION_KICK_REPORTING,
    };
    struct action_order order = {
        .kind = kinds[job->kind],
        .id = job->action_id,
        .bytes = job->bytes,
        .forbid_drop = job->forbid_drop,
        .drop_slab = job->drop_slab,
        .time_limit = job->time_limit,
    };
    int r = actions_start(&runner->actions, &order, on_action_done, runner);
    if (r == 0)
        return;
    measure_after(runner, job);
    if (r == -ENOTSUP)
        set_result(job, OUTCOME(NOT_SUPPORTED), "this kernel has no way to do it");
    else
        set_result(job, OUTCOME(FAILED), strerror(-r));
    finish(runner, job);
}

static void run(struct runner *runner, struct job *job)
{
    runner->running = job;
    runner->stop_outcome = OUTCOME(CANCELLED);
    measure_before(runner, job);
    if (job->kind == JOB_SET_ORDER || job->kind == JOB_RESTORE_ORDER) {
        run_order(runner, job);
    } else if (time_boottime() < runner->pressure_until) {
        measure_after(runner, job);
        set_result(job, OUTCOME(STOPPED_PRESSURE), "the guest is short of memory");
        finish(runner, job);
    } else {
        run_action(runner, job);
    }
}

static void start_next(uv_idle_t *idle)
{
    struct runner *runner = idle->data;
    struct job *job;

    if (runner->running != NULL || list_is_empty(&runner->queue)) {
        (void)uv_idle_stop(idle);
        return;
    }
    job = list_entry(runner->queue.next, struct job, link);
    list_remove(&job->link);
    runner->queued--;
    run(runner, job);
}

int runner_init(struct runner *runner, uv_loop_t *loop, int root, struct features *features,
                struct settings *settings, struct reporting *reporting, struct sensors *sensors,
                void (*on_result)(const struct job *job, void *userdata), void *userdata)
{
    int r;

    memset(runner, 0, sizeof(*runner));
    runner->reporting = reporting;
    runner->sensors = sensors;
    runner->on_result = on_result;
    runner->userdata = userdata;
    list_init(&runner->queue);
    r = actions_init(&runner->actions, loop, root, features, settings);
    if (r < 0)
        return r;
    (void)uv_idle_init(loop, &runner->idle);
    runner->idle.data = runner;
    return 0;
}

int runner_submit(struct runner *runner, struct job *job)
{
    if (runner->is_closing || runner->queued >= JOBS_MAX)
        return -EBUSY;
    if (job->is_of_policy && runner_is_busy(runner))
        return -EBUSY;
    list_append(&runner->queue, &job->link);
    runner->queued++;
    runner_stop_policy(runner, OUTCOME(CANCELLED));
    wake(runner);
    return 0;
}

static void stop(struct runner *runner, Vmreclaim__Agent__V1__Outcome outcome)
{
    runner->stop_outcome = outcome;
    actions_stop(&runner->actions);
}

void runner_cancel(struct runner *runner, struct job *job)
{
    if (runner->running == job) {
        stop(runner, OUTCOME(CANCELLED));
        return;
    }
    list_remove(&job->link);
    runner->queued--;
    set_result(job, OUTCOME(CANCELLED), "cancelled before it began");
    job->done(job);
}

void runner_stop_policy(struct runner *runner, Vmreclaim__Agent__V1__Outcome outcome)
{
    if (runner->running != NULL && runner->running->is_of_policy)
        stop(runner, outcome);
}

void runner_pressure(struct runner *runner, nsec_t now)
{
    runner->pressure_until = now + PRESSURE_HOLD;
    if (runner->running != NULL)
        stop(runner, OUTCOME(STOPPED_PRESSURE));
}

bool runner_is_busy(const struct runner *runner)
{
    return runner->running != NULL || runner->queued > 0;
}

static void maybe_closed(struct runner *runner)
{
    if (--runner->open_handles == 0)
        runner->on_closed(runner->userdata);
}

static void on_idle_closed(uv_handle_t *handle)
{
    maybe_closed(handle->data);
}

static void on_actions_closed(void *userdata)
{
    maybe_closed(userdata);
}

void runner_close(struct runner *runner, void (*on_closed)(void *userdata))
{
    runner->is_closing = true;
    runner->on_closed = on_closed;
    runner->open_handles = 2;
    while (!list_is_empty(&runner->queue))
        runner_cancel(runner, list_entry(runner->queue.next, struct job, link));
    actions_close(&runner->actions, on_actions_closed, runner);
    uv_close((uv_handle_t *)&runner->idle, on_idle_closed);
}

const char *job_name(const struct job *job)
{
    static const char *const names[] = {
        [JOB_RECLAIM_CACHE] = "cache reclaim",
        [JOB_DROP_CACHES] = "cache drop",
        [JOB_COMPACT] = "compaction",
        [JOB_KICK_REPORTING] = "reporting pass",
        [JOB_SET_ORDER] = "reporting order set",
        [JOB_RESTORE_ORDER] = "reporting order restored",
    };

    return names[job->kind];
}

const char *job_outcome_name(const struct job *job)
{
    static const char *const names[] = {
        [OUTCOME(UNSPECIFIED)] = "unknown",
        [OUTCOME(DONE)] = "done",
        [OUTCOME(NOTHING_TO_DO)] = "nothing to do",
        [OUTCOME(STOPPED_TIME_LIMIT)] = "stopped at its time limit",
        [OUTCOME(STOPPED_PRESSURE)] = "stopped by pressure",
        [OUTCOME(STOPPED_BUSY)] = "stopped by activity",
        [OUTCOME(CANCELLED)] = "cancelled",
        [OUTCOME(NOT_SUPPORTED)] = "not supported",
        [OUTCOME(FORBIDDEN_BY_POLICY)] = "forbidden",
        [OUTCOME(FAILED)] = "failed",
    };

    return (size_t)job->result < ARRAY_SIZE(names) ? names[job->result] : names[0];
}

void job_message(struct job *job, Vmreclaim__Agent__V1__ActionResult *message)
{
    static const Vmreclaim__Agent__V1__ActionKind kinds[] = {
        [JOB_RECLAIM_CACHE] = VMRECLAIM__AGENT__V1__ACTION_KIND__ACTION_KIND_RECLAIM_CACHE,
        [JOB_DROP_CACHES] = VMRECLAIM__AGENT__V1__ACTION_KIND__ACTION_KIND_RECLAIM_CACHE,
        [JOB_COMPACT] = VMRECLAIM__AGENT__V1__ACTION_KIND__ACTION_KIND_COMPACT,
        [JOB_KICK_REPORTING] = VMRECLAIM__AGENT__V1__ACTION_KIND__ACTION_KIND_KICK_REPORTING,
        [JOB_SET_ORDER] = VMRECLAIM__AGENT__V1__ACTION_KIND__ACTION_KIND_SET_REPORTING_ORDER,
        [JOB_RESTORE_ORDER] = VMRECLAIM__AGENT__V1__ACTION_KIND__ACTION_KIND_SET_REPORTING_ORDER,
    };

    vmreclaim__agent__v1__action_result__init(message);
    message->action_id = job->action_id;
    message->kind = kinds[job->kind];
    message->outcome = job->result;
    message->reason = job->reason;
    message->free_before = job->free_before;
    message->free_after = job->free_after;
    message->trapped_before = job->trapped_before;
    message->trapped_after = job->trapped_after;
    message->reported_before = job->reported_before;
    message->reported_after = job->reported_after;
    message->cache_before = job->cache_before;
    message->cache_after = job->cache_after;
    message->duration_ns = job->outcome.duration;
    message->cpu_ns = job->outcome.cpu;
    message->pages_moved = job->outcome.pages_moved;
    message->asked_by = job->asked_by;
}
