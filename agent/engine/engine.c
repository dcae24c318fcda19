/* The agent's engine.
 *
 * Theory of operation. Every sample adds an interval to the rolling window (activity.h) and to what
 * is known of the cache the guest needs (cache-floor.h). Then, in this order:
 *
 *   gates   schedule, warm-up, pressure (PSI), activity: what the engine may do now at all
 *             idle     the whole window and the latest seconds calm: the ladder below
 *             trickle  not idle, but under half the CPUs busy: bounded reclaim, and rarely a pass
 *                      at a lower order or a compaction
 *             forced   inside a `force` window: the ladder, whatever the CPUs do
 *   ladder  cold cache in steps -> kick reporting when free blocks wait -> compact when the trapped
 *           bytes promise more than min_gain -> lower the reporting order and kick a pass ->
 *           restore the order when nothing more comes
 *
 * Each step of the ladder is one action with its own conditions: it promises enough, is not backed
 * off, and the CPU budget covers it. Idle work and a trickle have intervals and back-offs of their
 * own. What a guest at work does not give says nothing about the idle one. Between steps the engine
 * waits for the kernel's reporting worker, which takes 2 s per pass and up to 30 s for everything.
 *
 * While an action runs, or the reporting worker may still work for us, kernel time is activity only
 * beyond what the two can take.
 *
 * Failure modes. A gap in the samples or a counter that runs backwards empties the window: the
 * guest is not idle until it was seen to be. An action that never ends keeps the engine quiet; the
 * time limit in the decision is the caller's to enforce. A lowered order is restored on waking, on
 * pressure, by a policy or schedule that no longer wants it, and after MAX_LOWERED. Restoring that
 * failed is tried again every RETRY. */
#include "agent/engine/engine.h"

#include <assert.h>
#include <string.h>

#include "agent/engine/engine-state.h"
#include "agent/engine/ladder.h"
#include "common/base/number.h"
#include "common/base/util.h"

#define WARM_UP             (30 * NSEC_PER_SEC)
#define NEVER_IDLE          (1800 * NSEC_PER_SEC)
#define WARM_UP_SAMPLES     3
#define RECENT              (5 * NSEC_PER_SEC) /* 0.5 % of it is still 2.5 clock ticks of one CPU */
#define SHORTEST_INTERVAL   (NSEC_PER_SEC / 2)
#define GAP                 (3 * 60 * NSEC_PER_SEC)
#define HOST_ORDER_DEFAULT  5
#define WORKER_PART         4  /* of one CPU; order 0 took 11 % of one in an emulated guest */
#define KERNEL_PART         32 /* of one CPU, in a guest with nothing to do */
#define ACTING_INTERVAL     NSEC_PER_SEC
#define WATCHING_INTERVAL   (2 * NSEC_PER_SEC)
#define CACHE_FLOOR_PART(t) ((t) / 4 * 3)

/* What holds between any two calls. */
static void check_state(const struct engine *engine)
{
    assert(engine->running < ACTION_KIND_COUNT);
    assert(!engine->is_stopping || engine->running != ACTION_NONE);
    /* only what was lowered is restored, and what is lowered was so by work */
    assert(engine->running != ACTION_RESTORE_ORDER || engine->is_lowered);
    assert(engine->running != ACTION_SET_ORDER || engine->is_lowered);
    assert(!engine->is_lowered || engine->lowered_at != 0);
    assert(!engine->is_lowered || engine->lowered_mode == ENGINE_IDLE_WORK ||
           engine->lowered_mode == ENGINE_TRICKLE);
    /* idle work's moments are among all work's */
    assert(engine->idle_compacted_at <= engine->compacted_at);
    assert(engine->idle_lowered_at <= engine->lowered_at);
    assert(engine->has_last == (engine->sample_count > 0));
    assert(engine->activity.window == engine->policy.idle_window);
    assert(engine->policy.schedule_count <= POLICY_SCHEDULES_MAX);
}

void engine_init(struct engine *engine, const struct policy *policy, nsec_t now)
{
    memset(engine, 0, sizeof(*engine));
    engine->policy = *policy;
    engine->started = now;
    engine->idle_at = now;
    engine->host_order = HOST_ORDER_DEFAULT;
    engine->effect_minute = INT64_MIN;
    activity_init(&engine->activity, policy->idle_window);
    cache_floor_init(&engine->floor, now);
    check_state(engine);
}

void engine_set_policy(struct engine *engine, const struct policy *policy, nsec_t now)
{
    if (policy->idle_window != engine->policy.idle_window)
        activity_init(&engine->activity, policy->idle_window);
    memset(engine->backoffs, 0, sizeof(engine->backoffs));
    engine->policy = *policy;
    engine->effect_minute = INT64_MIN;
    check_state(engine);
}

void engine_set_lowest_order(struct engine *engine, uint32_t order)
{
    assert(order <= ORDER_COUNT_MAX);
    engine->host_order = order;
}

void engine_set_host_takes_free(struct engine *engine, bool takes_free)
{
    engine->host_takes_free = takes_free;
}

void engine_set_wall_time(struct engine *engine, int64_t wall_time, nsec_t now)
{
    engine->wall_offset = (wall_time - (int64_t)now) / (int64_t)NSEC_PER_SEC;
    engine->knows_wall_time = true;
    engine->effect_minute = INT64_MIN;
}

/* ---- sensing ---- */

static bool is_calm(const struct engine *engine, const struct interval *interval)
{
    return activity_busy(interval) <= engine->policy.idle_cpu;
}

static bool is_idle(const struct engine *engine)
{
    struct interval window = activity_recent(&engine->activity, engine->policy.idle_window);
    struct interval recent = activity_recent(&engine->activity, RECENT);

    return window.length >= engine->policy.idle_window && is_calm(engine, &window) &&
           is_calm(engine, &recent);
}

static void learn(struct engine *engine, const struct memory_sample *sample, uint64_t refaulted)
{
    struct interval recent = activity_recent(&engine->activity, RECENT);
    struct cache_news news = {
        .cache = sample->cache,
        .refaulted = refaulted,
        .is_pain =
            recent.refaults * 1000 > engine->policy.refault_rate * (recent.length / NSEC_PER_MSEC),
        .is_idle = is_idle(engine),
        .limit = CACHE_FLOOR_PART(sample->total),
    };

    cache_floor_update(&engine->floor, sample->boottime, &news);
}

static bool ran_backwards(const struct memory_sample *last, const struct memory_sample *sample)
{
    const struct activity_counters *old = &last->activity;
    const struct activity_counters *new = &sample->activity;

    return sample->boottime < last->boottime || new->cpu_busy < old->cpu_busy ||
           new->cpu_user < old->cpu_user || new->cpu_total < old->cpu_total ||
           new->psi_memory_some < old->psi_memory_some || new->psi_io_some < old->psi_io_some ||
           new->refault_file < old->refault_file || new->refault_anon < old->refault_anon;
}

/* Kernel time in the interval that may be ours. The child of an action is on one CPU. The reporting
 * worker behind it, or at a lowered order, is on part of one. Timers, RCU and the worker that
 * carries our samples to the host take some of a guest with nothing to do. Emulated inside an
 * emulated host that was 2.3 % of its CPU, at a sample every two seconds. More than that is the
 * guest's own: a file server works in the kernel alone. */
static nsec_t own_kernel_time(const struct engine *engine, nsec_t length)
{
    const struct memory_sample *last = &engine->last;

    if (engine->running != ACTION_NONE || engine->ended_at > last->boottime)
        return length;
    if (engine->is_lowered || last->boottime < engine->kernel_work_until)
        return length / WORKER_PART;
    return length / KERNEL_PART;
}

/* The CPU time of others than us. */
static nsec_t activity_of(const struct engine *engine, const struct memory_sample *sample)
{
    const struct activity_counters *old = &engine->last.activity;
    const struct activity_counters *new = &sample->activity;
    nsec_t user = new->cpu_user - old->cpu_user;
    nsec_t all = max_of(new->cpu_busy - old->cpu_busy, user);
    nsec_t kernel = all - user;
    nsec_t ours = own_kernel_time(engine, sample->boottime - engine->last.boottime);
    nsec_t own = saturating_subtract(new->cpu_own, old->cpu_own);
    nsec_t spent = user + saturating_subtract(kernel, ours);

    return saturating_subtract(spent, own);
}

/* True: the sample was counted. False: too early after the last one to say anything. */
static bool sense(struct engine *engine, const struct memory_sample *sample)
{
    const struct memory_sample *last = &engine->last;
    const struct activity_counters *old = &last->activity;
    const struct activity_counters *new = &sample->activity;
    struct interval interval;

    if (!engine->has_last || ran_backwards(last, sample) ||
        sample->boottime - last->boottime > max_of(GAP, 3 * engine->policy.sample_interval)) {
        activity_clear(&engine->activity);
        engine->has_last = true;
        engine->last = *sample;
        engine->sample_count = 1;
        return true;
    }
    if (sample->boottime - last->boottime < SHORTEST_INTERVAL)
        return false;
    interval = (struct interval){
        .length = sample->boottime - last->boottime,
        .busy = activity_of(engine, sample),
        .capacity = new->cpu_total - old->cpu_total,
        .psi_memory = (new->psi_memory_some - old->psi_memory_some) * NSEC_PER_USEC,
        .psi_io = (new->psi_io_some - old->psi_io_some) * NSEC_PER_USEC,
        .refaults = new->refault_file - old->refault_file + new->refault_anon - old->refault_anon,
    };
    activity_add(&engine->activity, &interval);
    learn(engine, sample, interval.refaults * sample->page_size);
    engine->last = *sample;
    engine->sample_count++;
    return true;
}

/* ---- gates ---- */

static bool is_pressed(const struct engine *engine)
{
    struct interval recent = activity_recent(&engine->activity, RECENT);

    return activity_share(recent.psi_memory, recent.length) > engine->policy.psi_memory ||
           activity_share(recent.psi_io, recent.length) > engine->policy.psi_io;
}

static enum schedule_effect current_effect(struct engine *engine, nsec_t now)
{
    int64_t wall = engine->wall_offset + (int64_t)(now / NSEC_PER_SEC);

    if (engine->policy.schedule_count == 0)
        return SCHEDULE_ALLOW;
    if (!engine->knows_wall_time)
        return SCHEDULE_FORBID;
    if (wall / 60 != engine->effect_minute) {
        engine->effect_minute = wall / 60;
        engine->effect =
            schedule_evaluate(engine->policy.schedules, engine->policy.schedule_count, wall);
    }
    return engine->effect;
}

/* What may be done now: ENGINE_IDLE_WORK, ENGINE_TRICKLE, or the gate that holds. */
static enum engine_reason gate(struct engine *engine, nsec_t now)
{
    enum schedule_effect effect = current_effect(engine, now);
    struct interval recent = activity_recent(&engine->activity, RECENT);

    engine->is_calm = is_calm(engine, &recent);
    if (engine->policy.profile == POLICY_OBSERVE)
        return ENGINE_OBSERVING;
    if (effect == SCHEDULE_FORBID)
        return ENGINE_FORBIDDEN;
    if (engine->sample_count < WARM_UP_SAMPLES || recent.length == 0)
        return ENGINE_WARMING_UP;
    if (is_pressed(engine))
        return ENGINE_PRESSURE;
    if (effect == SCHEDULE_FORCE || is_idle(engine)) {
        engine->idle_at = now;
        return ENGINE_IDLE_WORK;
    }
    if (engine->policy.trickle > 0 && now - engine->started >= WARM_UP &&
        activity_share(recent.busy, recent.capacity) <= ENGINE_TRICKLE_CPU)
        return ENGINE_TRICKLE;
    if (engine->policy.trickle == 0 && now - engine->idle_at >= NEVER_IDLE)
        return ENGINE_NEVER_IDLE;
    return engine->is_calm ? ENGINE_NOT_YET_IDLE : ENGINE_BUSY;
}

/* ---- stepping ---- */

/* While an action runs: go on, or stop it. A trickle's own gates are pressure and refaults. */
static void step_running(struct engine *engine, enum engine_reason reason, nsec_t now,
                         struct engine_decision *decision)
{
    bool may_go_on =
        reason == ENGINE_IDLE_WORK || (!engine->is_idle_work && reason == ENGINE_TRICKLE);

    assert(engine->running != ACTION_NONE);
    decision->reason = ENGINE_ACTING;
    decision->next_sample = now + ACTING_INTERVAL;
    if (!engine->is_idle_work && !cache_floor_is_calm(&engine->floor, now)) {
        may_go_on = false;
        reason = ENGINE_REFAULTS;
    }
    /* idle work is ended by waking; not by a window that was cleared under it */
    if (reason == ENGINE_NOT_YET_IDLE || reason == ENGINE_WARMING_UP ||
        engine->running == ACTION_RESTORE_ORDER)
        may_go_on = true;
    if (may_go_on || engine->is_stopping)
        return;
    engine->is_stopping = true;
    decision->stop = true;
    decision->reason = reason == ENGINE_TRICKLE ? ENGINE_BUSY : reason;
}

static void begin(struct engine *engine, enum engine_reason mode,
                  const struct engine_decision *decision)
{
    assert(engine->running == ACTION_NONE && !engine->is_stopping);
    assert(mode == ENGINE_IDLE_WORK || decision->action != ACTION_DROP_CACHES);
    engine->running = decision->action;
    engine->is_idle_work = mode == ENGINE_IDLE_WORK;
    engine->expected = decision->expected_gain;
}

/* Slower when nothing changes, at once when something is under way. A trickle goes at the policy's
 * pace, however often samples come otherwise. */
static nsec_t next_sample(const struct engine *engine, enum engine_reason mode,
                          const struct engine_decision *decision, nsec_t now)
{
    nsec_t interval = engine->policy.sample_interval;

    if (decision->action != ACTION_NONE)
        interval = ACTING_INTERVAL;
    else if (engine->is_lowered || decision->reason == ENGINE_SETTLING)
        interval = WATCHING_INTERVAL;
    else if (mode != ENGINE_IDLE_WORK) /* idleness is noticed within an eighth of its window */
        interval = max_of(engine->policy.idle_window / 8, NSEC_PER_SEC);
    if (mode == ENGINE_TRICKLE && now < ladder_trickle_due(engine))
        interval = min_of(interval, ladder_trickle_due(engine) - now);
    return now + min_of(interval, engine->policy.sample_interval);
}

/* What a decision promises to whoever carries it out. */
static void check_decision(const struct engine *engine, const struct memory_sample *sample,
                           const struct engine_decision *decision)
{
    assert(decision->reason < ENGINE_REASON_COUNT);
    assert(decision->next_sample > sample->boottime);
    assert(decision->action == ACTION_NONE || !decision->stop);
    assert(!decision->stop || engine->is_stopping);
    assert(decision->action == ACTION_NONE || decision->action == engine->running);
    assert(decision->action == ACTION_NONE ||
           decision->time_limit <= engine->policy.compact_time_limit);
    assert(decision->action != ACTION_RECLAIM_CACHE ||
           (decision->bytes > 0 && decision->bytes <= engine->policy.cache_step &&
            decision->bytes <= sample->cache));
    assert(decision->action != ACTION_SET_ORDER || decision->order < engine->found_order);
    assert(decision->action != ACTION_RESTORE_ORDER || decision->order == engine->found_order);
    check_state(engine);
}

void engine_step(struct engine *engine, const struct memory_sample *sample,
                 struct engine_decision *ret_decision)
{
    nsec_t now = sample->boottime;
    enum engine_reason mode;

    *ret_decision = (struct engine_decision){.action = ACTION_NONE};
    (void)sense(engine, sample);
    ladder_observe(engine, sample);
    mode = gate(engine, now);
    ret_decision->is_idle = mode == ENGINE_IDLE_WORK;
    if (engine->running != ACTION_NONE) {
        step_running(engine, mode, now, ret_decision);
        check_decision(engine, sample, ret_decision);
        return;
    }
    ret_decision->reason = mode;
    if (mode != ENGINE_IDLE_WORK)
        engine->has_dropped = false;
    ladder_decide(engine, sample, mode, ret_decision);
    if (ret_decision->action != ACTION_NONE)
        begin(engine, mode, ret_decision);
    ret_decision->next_sample = next_sample(engine, mode, ret_decision, now);
    check_decision(engine, sample, ret_decision);
}

void engine_finished(struct engine *engine, const struct engine_result *result, nsec_t now)
{
    bool was_stopped = engine->is_stopping;

    assert(engine->running != ACTION_NONE && result->action == engine->running);
    assert(result->supported || !result->completed);
    budget_charge(&engine->budget, now, result->cpu);
    if (!result->supported)
        engine->unsupported |= 1u << engine->running;
    else if (!was_stopped && !result->withdrawn)
        backoff_judge(&engine->backoffs[engine->is_idle_work][engine->running], now,
                      engine->expected, result->gained, result->cpu);
    ladder_finished(engine, result, now);
    engine->running = ACTION_NONE;
    engine->is_stopping = false;
    engine->ended_at = now;
    check_state(engine);
}
