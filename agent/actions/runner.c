/* One action at a time. Theory of operation: runner.h. */
#include "agent/actions/runner.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "agent/actions/plan.h"
#include "common/base/number.h"
#include "common/base/text.h"
#include "common/base/util.h"

/* No action starts this long after pressure was seen. */
#define PRESSURE_HOLD (10 * NSEC_PER_SEC)

static void start_next(uv_idle_t *idle);

/* What holds whenever nobody is inside. */
static void check_state(const struct runner *runner)
{
    assert(runner->queued <= JOBS_MAX);
    assert((runner->queued == 0) == list_is_empty(&runner->queue));
    /* a child works for the job that runs, and for no other */
    assert(!actions_is_running(&runner->actions) || runner->running != NULL);
    assert(runner->running == NULL || !plan_takes_child(runner->running->kind) ||
           actions_is_running(&runner->actions));
    assert(!runner->is_closing || runner->queued == 0);
}

static void wake(struct runner *runner)
{
    if (!runner->is_closing)
        uv_idle_start(&runner->idle, start_next);
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

static void set_result(struct job *job, enum action_end result, const char *reason)
{
    job->result = result;
    text_format(job->reason, sizeof(job->reason), "%s%s%s", reason,
                reason[0] != '\0' && job->bound[0] != '\0' ? "; " : "", job->bound);
    text_make_safe(job->reason, TEXT_ONE_LINE);
}

/* The running job is over. */
static void finish(struct runner *runner, struct job *job)
{
    assert(runner->running == job && !actions_is_running(&runner->actions));
    runner->running = NULL;
    runner->on_result(job, runner->userdata);
    wake(runner);
    job->done(job);
}

static void on_action_done(const struct action_outcome *outcome, void *userdata)
{
    static const char *const reasons[ACTION_END_COUNT] = {
        [ACTION_TIME_LIMIT] = "the time limit was reached",
        [ACTION_PRESSURE] = "the guest ran short of memory",
        [ACTION_BUSY] = "the guest woke up",
        [ACTION_CANCELLED] = "on request",
    };
    struct runner *runner = userdata;
    struct job *job = runner->running;
    const char *reason = reasons[outcome->end];

    assert(job != NULL && job->kind == outcome->kind);
    measure_after(runner, job);
    job->outcome = *outcome;
    set_result(job, outcome->end, reason != NULL ? reason : outcome->reason);
    finish(runner, job);
}

/* A policy lowers the order for a while and restores what was in force before: an operator's order,
 * or the one found at the start. */
static bool restores_found(const struct runner *runner, const struct job *job)
{
    return job->kind == ACTION_RESTORE_ORDER &&
           !(job->is_of_policy && job->order < runner->reporting->found_order);
}

/* Setting or restoring the order is one write, done at once. */
static void run_order(struct runner *runner, struct job *job)
{
    uint32_t before = reporting_order(runner->reporting);
    nsec_t started = time_monotonic();
    uint32_t order;
    int r;

    assert(job->kind == ACTION_SET_ORDER || job->kind == ACTION_RESTORE_ORDER);
    if (!job->is_of_policy && !job->ends_while)
        reporting_keep_order(runner->reporting);
    if (job->ends_while)
        r = reporting_end_while(runner->reporting);
    else if (restores_found(runner, job))
        r = reporting_restore(runner->reporting);
    else {
        r = reporting_set_order(runner->reporting, job->order, job->order_floor, &order);
        if (r == 0)
            (void)reporting_bound(runner->reporting, before, job->order, job->order_floor,
                                  job->bound, sizeof(job->bound));
    }
    job->outcome.duration = time_monotonic() - started;
    measure_after(runner, job);
    if (r == -ENOTSUP)
        set_result(job, ACTION_NOT_SUPPORTED, "this guest's reporting order cannot be changed");
    else if (r < 0)
        set_result(job, ACTION_FAILED, strerror(-r));
    else
        set_result(job, ACTION_DONE, "");
    finish(runner, job);
}

/* What waited for others has less time. */
static nsec_t limit_of(const struct job *job)
{
    nsec_t left = max_of(saturating_subtract(job->end, time_monotonic()), (nsec_t)1);

    if (job->end == 0)
        return job->time_limit;
    return job->time_limit == 0 ? left : min_of(job->time_limit, left);
}

static void run_action(struct runner *runner, struct job *job)
{
    struct action_order order = {
        .kind = job->kind,
        .id = job->action_id,
        .bytes = job->bytes,
        .forbid_drop = job->forbid_drop,
        .drop_slab = job->drop_slab,
        .time_limit = limit_of(job),
    };
    int r = actions_start(&runner->actions, &order, on_action_done, runner);
    if (r == 0)
        return;
    measure_after(runner, job);
    if (r == -ENOTSUP)
        set_result(job, ACTION_NOT_SUPPORTED, "this kernel has no way to do it");
    else
        set_result(job, ACTION_FAILED, strerror(-r));
    finish(runner, job);
}

static void run(struct runner *runner, struct job *job)
{
    assert(runner->running == NULL && !runner->is_closing);
    runner->running = job;
    measure_before(runner, job);
    if (!plan_takes_child(job->kind)) {
        run_order(runner, job);
    } else if (time_boottime() < runner->pressure_until) {
        measure_after(runner, job);
        set_result(job, ACTION_PRESSURE, "the guest is short of memory");
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
        uv_idle_stop(idle);
        return;
    }
    job = list_entry(runner->queue.next, struct job, link);
    list_remove(&job->link);
    assert(runner->queued > 0);
    runner->queued--;
    run(runner, job);
    check_state(runner);
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
    uv_idle_init(loop, &runner->idle);
    runner->idle.data = runner;
    return 0;
}

int runner_submit(struct runner *runner, struct job *job)
{
    assert(job->done != NULL && job != runner->running);
    check_state(runner);
    if (runner->is_closing || runner->queued >= JOBS_MAX)
        return -EBUSY;
    if (job->is_of_policy && runner_is_busy(runner))
        return -EBUSY;
    list_append(&runner->queue, &job->link);
    runner->queued++;
    runner_stop_policy(runner, ACTION_CANCELLED);
    wake(runner);
    check_state(runner);
    return 0;
}

void runner_cancel(struct runner *runner, struct job *job)
{
    if (runner->running == job) {
        actions_stop(&runner->actions, ACTION_CANCELLED);
        return;
    }
    assert(runner->queued > 0);
    list_remove(&job->link);
    runner->queued--;
    set_result(job, ACTION_CANCELLED, "cancelled before it began");
    job->done(job);
}

void runner_stop_policy(struct runner *runner, enum action_end end)
{
    if (runner->running != NULL && runner->running->is_of_policy)
        actions_stop(&runner->actions, end);
}

void runner_pressure(struct runner *runner, nsec_t now)
{
    runner->pressure_until = now + PRESSURE_HOLD;
    if (runner->running != NULL)
        actions_stop(&runner->actions, ACTION_PRESSURE);
}

bool runner_is_busy(const struct runner *runner)
{
    return runner->running != NULL || runner->queued > 0;
}

static void maybe_closed(struct runner *runner)
{
    assert(runner->is_closing && runner->open_handles > 0);
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
    assert(!runner->is_closing);
    runner->is_closing = true;
    runner->on_closed = on_closed;
    runner->open_handles = 2;
    while (!list_is_empty(&runner->queue))
        runner_cancel(runner, list_entry(runner->queue.next, struct job, link));
    assert(runner->queued == 0);
    actions_close(&runner->actions, on_actions_closed, runner);
    uv_close((uv_handle_t *)&runner->idle, on_idle_closed);
}
