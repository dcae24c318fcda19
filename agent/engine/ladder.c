/* The ladder of idle work.
 *
 * Hysteresis: after a compaction or a lowered order the policy's compaction interval passes before
 * the next. Idle work counts only its own: what a trickle did to a busy guest is no reason to leave
 * an idle one alone. It comes sooner for more memory, see idle_interval(). Reclaim starts only
 * RECLAIM_LEAST above the floor. */
#include "agent/engine/ladder.h"

#include <assert.h>

#include "common/base/number.h"
#include "common/base/util.h"

#define RECLAIM_LEAST  (32 * MIB)
#define DROP_AGAIN     (256 * MIB) /* growth of the cache that makes a second drop worth it */
#define COMPACT_LEAST  (4 * MIB)
#define CPU_LEAST      (50 * NSEC_PER_MSEC) /* budget that is worth starting with */
#define REPORTING_TIME (35 * NSEC_PER_SEC)  /* the kernel reports all of a list in about 30 s */
#define SETTLE_LEAST   (5 * NSEC_PER_SEC)   /* two of its passes */
#define SETTLE_MOST    (15 * NSEC_PER_SEC)
#define STALLED        (12 * NSEC_PER_SEC) /* six passes without progress */
#define MAX_LOWERED    (120 * NSEC_PER_SEC)
#define KICK_INTERVAL  (60 * NSEC_PER_SEC)
#define RETRY          (10 * NSEC_PER_SEC)
#define TRICKLE_PAUSE  (11 * NSEC_PER_SEC) /* no minute has more than ... */
#define TRICKLE_STEPS  6                   /* ... so many steps */
#define LARGE_PART     8 /* an eighth of the memory trapped is worth disturbing a busy guest */

uint64_t ladder_trapped(const struct memory_sample *sample, uint32_t order)
{
    uint64_t pages = 0;

    for (uint32_t i = 0; i < order && i < sample->order_count && i < ORDER_COUNT_MAX; i++)
        pages += sample->free_blocks[i] << i;
    return pages * sample->page_size;
}

static bool has_reporting(const struct memory_sample *sample)
{
    return sample->reporting_order < ORDER_COUNT_MAX;
}

uint64_t ladder_stuck(const struct memory_sample *sample, uint32_t order)
{
    uint64_t trapped = ladder_trapped(sample, order);
    uint64_t gone = sample->reported + sample->reportable;
    uint64_t all = ladder_trapped(sample, ORDER_COUNT_MAX);

    return min_of(trapped, saturating_subtract(all, gone));
}

void ladder_observe(struct engine *engine, const struct memory_sample *sample)
{
    if (!engine->is_lowered)
        engine->found_order = sample->reporting_order;
    if (sample->reported > engine->reported_last + MIB)
        engine->progress_at = sample->boottime;
    engine->reported_last = sample->reported;
    engine->residue = min_of(engine->residue, ladder_stuck(sample, engine->found_order));
}

/* The action may be asked for at all; else the reason is noted, the first one stays. */
static bool may_ask(const struct engine *engine, enum engine_reason mode, enum action_kind action,
                    nsec_t now, struct engine_decision *decision)
{
    if ((engine->unsupported >> action & 1) != 0)
        return false;
    if (backoff_holds(&engine->backoffs[mode == ENGINE_IDLE_WORK][action], now)) {
        decision->reason = ENGINE_BACKED_OFF;
        return false;
    }
    if (budget_left(&engine->budget, now, engine->policy.cpu_budget) < CPU_LEAST) {
        decision->reason = ENGINE_BUDGET_SPENT;
        return false;
    }
    return true;
}

static void ask(const struct engine *engine, enum action_kind action, enum engine_reason why,
                uint64_t gain, nsec_t now, struct engine_decision *decision)
{
    assert(decision->action == ACTION_NONE); /* one a step */
    decision->action = action;
    decision->reason = why;
    decision->expected_gain = gain;
    decision->time_limit = min_of(engine->policy.compact_time_limit,
                                  budget_left(&engine->budget, now, engine->policy.cpu_budget));
}

/* ---- cache ---- */

static uint64_t above_floor(const struct engine *engine, const struct memory_sample *sample)
{
    uint64_t floor = max_of(engine->policy.cache_floor, engine->floor.learned);

    return saturating_subtract(sample->cache, floor);
}

nsec_t ladder_trickle_due(const struct engine *engine)
{
    return engine->trickled_at + TRICKLE_PAUSE;
}

static uint64_t step_size(const struct engine *engine, enum engine_reason mode, nsec_t now)
{
    if (mode != ENGINE_TRICKLE)
        return engine->policy.cache_step;
    if (now < ladder_trickle_due(engine))
        return 0;
    return min_of(engine->policy.cache_step, engine->policy.trickle / TRICKLE_STEPS);
}

/* Idle work takes in steps or drops, as the policy says. A trickle always takes in steps. */
static bool takes_in_steps(const struct engine *engine, enum engine_reason mode)
{
    return engine->policy.cache_method == POLICY_CACHE_GRADUAL ||
           (engine->policy.cache_method == POLICY_CACHE_DROP && mode == ENGINE_TRICKLE);
}

static bool reclaim(struct engine *engine, const struct memory_sample *sample,
                    enum engine_reason mode, struct engine_decision *decision)
{
    nsec_t now = sample->boottime;
    uint64_t bytes = above_floor(engine, sample);
    uint64_t step = step_size(engine, mode, now);

    if (!takes_in_steps(engine, mode) || bytes < RECLAIM_LEAST || step == 0)
        return false;
    if (!cache_floor_is_calm(&engine->floor, now)) {
        decision->reason = ENGINE_REFAULTS;
        return false;
    }
    if (!may_ask(engine, mode, ACTION_RECLAIM_CACHE, now, decision))
        return false;
    decision->bytes = min_of(bytes, step);
    ask(engine, ACTION_RECLAIM_CACHE, mode, decision->bytes, now, decision);
    engine->trickled_at = now;
    return true;
}

/* Where the kernel cannot take cache by amount, an idle guest's goes at once. */
static bool takes_by_dropping(const struct engine *engine)
{
    return engine->policy.cache_method == POLICY_CACHE_DROP ||
           (engine->policy.cache_method == POLICY_CACHE_GRADUAL &&
            (engine->unsupported >> ACTION_RECLAIM_CACHE & 1) != 0);
}

static bool drop(struct engine *engine, const struct memory_sample *sample,
                 struct engine_decision *decision)
{
    nsec_t now = sample->boottime;
    uint64_t bytes = above_floor(engine, sample);

    if (!takes_by_dropping(engine) || bytes < RECLAIM_LEAST)
        return false;
    if (engine->has_dropped && sample->cache < engine->cache_after_drop + DROP_AGAIN)
        return false;
    if (!may_ask(engine, ENGINE_IDLE_WORK, ACTION_DROP_CACHES, now, decision))
        return false;
    decision->drop_slab = engine->policy.drop_slab;
    engine->has_dropped = true;
    ask(engine, ACTION_DROP_CACHES, ENGINE_IDLE_WORK, bytes, now, decision);
    return true;
}

/* ---- free memory ---- */

/* Free blocks wait, and no pass has taken any for a while: none was started. */
static bool kick(struct engine *engine, const struct memory_sample *sample,
                 struct engine_decision *decision)
{
    nsec_t now = sample->boottime;

    if (!sample->reported_is_known ||
        memory_sample_waiting(sample) < engine->policy.compact_min_gain ||
        memory_sample_waiting(sample) < COMPACT_LEAST || now - engine->progress_at < STALLED ||
        now - engine->kicked_at < KICK_INTERVAL)
        return false;
    if (!may_ask(engine, ENGINE_IDLE_WORK, ACTION_KICK_REPORTING, now, decision))
        return false;
    ask(engine, ACTION_KICK_REPORTING, ENGINE_IDLE_WORK, 0, now, decision);
    engine->kicked_at = now;
    return true;
}

/* While the guest is not idle, one compaction has to do for a whole interval. It comes when reclaim
 * has nothing more to take, or when a large part of the memory is trapped. Not while the guest is
 * calm: in the idleness that may follow, the same work disturbs nobody. */
static bool is_worth_disturbing(const struct engine *engine, const struct memory_sample *sample)
{
    if (engine->is_calm)
        return false;
    return above_floor(engine, sample) < RECLAIM_LEAST ||
           !cache_floor_is_calm(&engine->floor, sample->boottime) ||
           ladder_stuck(sample, engine->found_order) >= sample->total / LARGE_PART;
}

/* The policy's interval is for the least gain that is worth it. Idle work for n times as much comes
 * n * n times sooner. Waiting costs the host n times the memory, and n times the cost of the work
 * is still in proportion. What it may cost at all is the budget's to say. */
static nsec_t idle_interval(const struct engine *engine, uint64_t gain)
{
    uint64_t least = max_of(engine->policy.compact_min_gain, RECLAIM_LEAST);
    uint64_t times = min_of(gain / least, (uint64_t)UINT16_MAX);

    return engine->policy.compact_interval / max_of(times * times, (uint64_t)1);
}

static bool is_too_soon(const struct engine *engine, enum engine_reason mode, nsec_t last,
                        nsec_t last_idle, uint64_t gain, nsec_t now)
{
    if (mode == ENGINE_IDLE_WORK)
        return last_idle != 0 && now - last_idle < idle_interval(engine, gain);
    return last != 0 && now - last < engine->policy.compact_interval;
}

static bool compact(struct engine *engine, const struct memory_sample *sample,
                    enum engine_reason mode, struct engine_decision *decision)
{
    nsec_t now = sample->boottime;
    uint64_t stuck = ladder_stuck(sample, engine->found_order);
    uint64_t gain = stuck - engine->residue;

    assert(engine->residue <= stuck); /* every sample brings it down */
    if (!engine->policy.compact || gain < engine->policy.compact_min_gain || gain < COMPACT_LEAST)
        return false;
    if (is_too_soon(engine, mode, engine->compacted_at, engine->idle_compacted_at, gain, now))
        return false;
    if (!may_ask(engine, mode, ACTION_COMPACT, now, decision))
        return false;
    ask(engine, ACTION_COMPACT, mode, gain, now, decision);
    return true;
}

static uint32_t lowest_order(const struct engine *engine)
{
    return max_of(engine->policy.reporting_order, engine->host_order);
}

static bool lower(struct engine *engine, const struct memory_sample *sample,
                  enum engine_reason mode, struct engine_decision *decision)
{
    nsec_t now = sample->boottime;
    uint32_t order = lowest_order(engine);
    uint64_t gain;

    if (order >= engine->found_order)
        return false;
    assert(!engine->is_lowered);
    gain = ladder_trapped(sample, engine->found_order) - ladder_trapped(sample, order);
    gain = min_of(gain, ladder_stuck(sample, engine->found_order));
    if (gain < engine->policy.compact_min_gain / 4 || gain < COMPACT_LEAST)
        return false;
    if (is_too_soon(engine, mode, engine->lowered_at, engine->idle_lowered_at, gain, now))
        return false;
    if (!may_ask(engine, mode, ACTION_SET_ORDER, now, decision))
        return false;
    decision->order = order;
    ask(engine, ACTION_SET_ORDER, mode, gain, now, decision);
    engine->is_lowered = true;
    engine->lowered_mode = mode;
    engine->lowered_at = now;
    if (mode == ENGINE_IDLE_WORK)
        engine->idle_lowered_at = now;
    engine->reported_at_lower = sample->reported;
    engine->progress_at = now;
    engine->kicked_at = 0;
    return true;
}

static bool is_drained(const struct engine *engine, const struct memory_sample *sample)
{
    nsec_t now = sample->boottime;

    if (now - engine->lowered_at >= MAX_LOWERED)
        return true;
    if (!sample->reported_is_known)
        return now - engine->lowered_at >= REPORTING_TIME;
    return memory_sample_waiting(sample) < COMPACT_LEAST
               ? now - engine->kicked_at >= SETTLE_LEAST
               : now - max_of(engine->progress_at, engine->kicked_at) >= STALLED;
}

/* While the order is lowered: kick once, watch, restore. It is restored at once when the guest is
 * busier than when it was lowered. The same when it became idle: a compaction brings most of it
 * sooner. */
static void finish_lowered(struct engine *engine, const struct memory_sample *sample,
                           enum engine_reason mode, struct engine_decision *decision)
{
    nsec_t now = sample->boottime;
    bool may_go_on = mode == engine->lowered_mode;

    assert(engine->is_lowered && now >= engine->lowered_at);
    if (may_go_on && engine->kicked_at == 0 &&
        (engine->unsupported >> ACTION_KICK_REPORTING & 1) == 0) {
        engine->kicked_at = now;
        ask(engine, ACTION_KICK_REPORTING, mode, 0, now, decision);
        return;
    }
    if (may_go_on && !is_drained(engine, sample)) {
        decision->reason = ENGINE_SETTLING;
        return;
    }
    if (now < engine->restore_not_before)
        return;
    decision->order = engine->found_order;
    ask(engine, ACTION_RESTORE_ORDER, ENGINE_RESTORING, 0, now, decision);
}

/* The reporting worker still takes what the last action freed. */
static bool is_settling(const struct engine *engine, const struct memory_sample *sample)
{
    nsec_t since = sample->boottime - engine->compacted_at;

    if (engine->compacted_at == 0 || since >= SETTLE_MOST)
        return false;
    return since < SETTLE_LEAST || !sample->reported_is_known ||
           memory_sample_waiting(sample) >= RECLAIM_LEAST;
}

/* ---- together ---- */

/* Not idle: first a bounded step of reclaim. Else a pass at a lower order, which moves nothing and
 * takes most of what reclaim left in pieces. Else a compaction. */
static void trickle(struct engine *engine, const struct memory_sample *sample,
                    struct engine_decision *decision)
{
    if (reclaim(engine, sample, ENGINE_TRICKLE, decision) || !is_worth_disturbing(engine, sample))
        return;
    if (!lower(engine, sample, ENGINE_TRICKLE, decision))
        (void)compact(engine, sample, ENGINE_TRICKLE, decision);
}

static void climb(struct engine *engine, const struct memory_sample *sample,
                  struct engine_decision *decision)
{
    if (reclaim(engine, sample, ENGINE_IDLE_WORK, decision) || drop(engine, sample, decision))
        return;
    if (is_settling(engine, sample)) {
        decision->reason = ENGINE_SETTLING;
        return;
    }
    if (compact(engine, sample, ENGINE_IDLE_WORK, decision) ||
        lower(engine, sample, ENGINE_IDLE_WORK, decision))
        return;
    (void)kick(engine, sample, decision);
}

/* A balloon takes single pages: the cache is all that has to be freed for it. */
static void free_for_host(struct engine *engine, const struct memory_sample *sample,
                          struct engine_decision *decision)
{
    if (!reclaim(engine, sample, ENGINE_IDLE_WORK, decision))
        (void)drop(engine, sample, decision);
}

void ladder_decide(struct engine *engine, const struct memory_sample *sample,
                   enum engine_reason mode, struct engine_decision *decision)
{
    assert(engine->running == ACTION_NONE && decision->action == ACTION_NONE);
    if (engine->is_lowered) {
        finish_lowered(engine, sample, mode, decision);
        return;
    }
    if (mode != ENGINE_IDLE_WORK && mode != ENGINE_TRICKLE)
        return;
    decision->reason = ENGINE_NOTHING_TO_GAIN;
    /* freed memory that cannot go back is no gain */
    if (!has_reporting(sample)) {
        if (engine->host_takes_free && mode == ENGINE_IDLE_WORK)
            free_for_host(engine, sample, decision);
        return;
    }
    if (mode == ENGINE_IDLE_WORK)
        climb(engine, sample, decision);
    else
        trickle(engine, sample, decision);
}

static struct backoff *lower_backoff(struct engine *engine)
{
    assert(engine->lowered_at != 0);
    return &engine->backoffs[engine->lowered_mode == ENGINE_IDLE_WORK][ACTION_SET_ORDER];
}

static void finished_order(struct engine *engine, const struct engine_result *result, nsec_t now)
{
    uint64_t brought = saturating_subtract(engine->reported_last, engine->reported_at_lower);

    assert(engine->is_lowered);
    if (!result->completed && result->supported) {
        engine->restore_not_before = now + RETRY;
        return;
    }
    engine->restore_not_before = 0;
    engine->is_lowered = false;
    engine->kernel_work_until = max_of(engine->kernel_work_until, now + SETTLE_LEAST);
    if (engine->last.reported_is_known)
        backoff_judge(lower_backoff(engine), now, COMPACT_LEAST, brought, 0);
}

/* The action never began: what asking for it noted is taken back. */
static void forget_asking(struct engine *engine)
{
    switch (engine->running) {
    case ACTION_RECLAIM_CACHE:
        engine->trickled_at = 0;
        break;
    case ACTION_DROP_CACHES:
        engine->has_dropped = false;
        break;
    case ACTION_SET_ORDER:
        engine->is_lowered = false;
        break;
    case ACTION_KICK_REPORTING:
        engine->kicked_at = 0;
        break;
    default: /* a restored order: still lowered, so it comes again */
        break;
    }
}

void ladder_finished(struct engine *engine, const struct engine_result *result, nsec_t now)
{
    const struct memory_sample *last = &engine->last;
    uint64_t trapped = ladder_stuck(last, engine->found_order);

    assert(engine->running == result->action);
    if (result->withdrawn && result->gained == 0) {
        forget_asking(engine);
        return;
    }
    if (engine->is_idle_work)
        engine->kernel_work_until = now + REPORTING_TIME;
    switch (engine->running) {
    case ACTION_RECLAIM_CACHE:
    case ACTION_DROP_CACHES:
        engine->cache_after_drop = saturating_subtract(last->cache, result->gained);
        cache_floor_took(&engine->floor, now, result->gained, engine->cache_after_drop);
        break;
    case ACTION_COMPACT:
        engine->compacted_at = now;
        if (engine->is_idle_work)
            engine->idle_compacted_at = now;
        if (result->completed)
            engine->residue = saturating_subtract(trapped, result->gained);
        break;
    case ACTION_SET_ORDER:
        *lower_backoff(engine) = (struct backoff){0};
        if (!result->supported)
            engine->is_lowered = false;
        break;
    case ACTION_RESTORE_ORDER:
        finished_order(engine, result, now);
        break;
    default:
        break;
    }
}
