/* Deciding about pulses. */
#include "controller/pulses/plan.h"

#include "common/base/number.h"
#include "common/base/util.h"
#include "controller/leases/foreign.h"

#define DAY         (86400 * NSEC_PER_SEC)
#define BARREN_MAX  8         /* doublings of the interval */
#define HOLDS_SLACK (4 * MIB) /* in a balloon that nobody uses */

/* ---- what the VM is ---- */

static enum pulse_reason judge_vm(const struct pulse_facts *facts, const struct policy *policy)
{
    if (policy == NULL)
        return PULSE_UNASSIGNED;
    if (!policy->pulse)
        return PULSE_SWITCHED_OFF;
    if (facts->is_halted)
        return PULSE_HALTED;
    if (!facts->is_reachable)
        return PULSE_UNREACHABLE;
    if (!facts->has_balloon)
        return PULSE_NO_BALLOON;
    if (facts->reports)
        return PULSE_REPORTED;
    if (facts->is_pinned)
        return PULSE_PINNED;
    if (facts->is_encrypted)
        return PULSE_ENCRYPTED;
    if (facts->is_locked)
        return PULSE_LOCKED;
    return facts->has_huge_pages ? PULSE_HUGE_PAGES : PULSE_IS_DUE;
}

static bool is_foreign(const struct pulse_facts *facts)
{
    return facts->foreign_owner[0] != '\0' ||
           (facts->foreign_moved != 0 && facts->now - facts->foreign_moved < FOREIGN_TIME);
}

/* ---- what is being done to it ---- */

static enum schedule_effect effect_now(const struct pulse_facts *facts, const struct policy *policy)
{
    return schedule_evaluate(policy->schedules, policy->schedule_count, facts->time);
}

static enum pulse_reason judge_moment(const struct pulse_facts *facts, const struct policy *policy)
{
    if (is_foreign(facts))
        return PULSE_FOREIGN;
    if (!facts->runs)
        return PULSE_STANDS_STILL;
    if (facts->is_starved)
        return PULSE_STARVED;
    if (facts->in_balloon > HOLDS_SLACK)
        return PULSE_HOLDS;
    if (facts->is_occupied)
        return PULSE_OCCUPIED;
    if (facts->unread != NULL || facts->reading.source == READING_NONE)
        return PULSE_UNREAD;
    if (facts->footprint == 0 || facts->ram == 0)
        return PULSE_UNMEASURED;
    return effect_now(facts, policy) == SCHEDULE_FORBID ? PULSE_FORBIDDEN : PULSE_IS_DUE;
}

/* ---- what the guest does ---- */

/* An agent's engine has waited for the idle window itself. */
static struct pulse_plan judge_idleness(const struct pulse_facts *facts,
                                        const struct pulse_watch *watch,
                                        const struct policy *policy)
{
    nsec_t calm = watch->calm_since == 0 ? 0 : facts->now - watch->calm_since;
    struct pulse_plan plan = {.reason = PULSE_IS_DUE};

    if (facts->has_agent)
        plan.reason = facts->agent_is_idle ? PULSE_IS_DUE : PULSE_WORKS;
    else if (!watch->tells_faults || watch->calm_since == 0)
        plan.reason = PULSE_WORKS;
    else if (calm < policy->idle_window)
        plan = (struct pulse_plan){.reason = PULSE_WATCHING, .wait = policy->idle_window - calm};
    return plan;
}

/* What of its free memory has been free for long; false: that is not known yet. */
static bool free_for_long(const struct pulse_facts *facts, const struct pulse_watch *watch,
                          const struct policy *policy, uint64_t *ret_bytes)
{
    *ret_bytes = facts->reading.free;
    if (policy->pulse_only_idle) {
        if (!facts->has_agent && watch->calm_since != 0)
            *ret_bytes = min_of(*ret_bytes, watch->calm_free);
        return true;
    }
    if (!pulse_watch_free_for_long(watch, ret_bytes))
        return false;
    *ret_bytes = min_of(*ret_bytes, facts->reading.free);
    return true;
}

/* ---- what it would bring ---- */

/* Of the guest's free memory what is on the host: what is held beside all that is not free. */
static uint64_t free_on_host(const struct pulse_facts *facts)
{
    uint64_t used = saturating_subtract(facts->ram, facts->reading.free);

    return min_of(facts->reading.free, saturating_subtract(facts->footprint, used));
}

/* What must stay free may be what the host holds: only what is beyond it is sure to come. */
static struct pulse_plan judge_gain(const struct pulse_facts *facts, uint64_t free,
                                    const struct policy *policy)
{
    static const struct pulse_past nothing;
    uint64_t headroom = max_of(policy->pulse_headroom, pulse_headroom_min(facts->ram, &nothing));
    uint64_t takeable = saturating_subtract(free, headroom);
    struct pulse_plan plan = {.reason = PULSE_IS_DUE,
                              .gain = saturating_subtract(free_on_host(facts), headroom)};

    plan.gain = min_of(plan.gain, takeable);
    if (takeable < policy->pulse_min_gain)
        plan.reason = PULSE_FREE_IS_LITTLE;
    else if (plan.gain < policy->pulse_min_gain)
        plan.reason = PULSE_HOST_HAS_LITTLE;
    return plan;
}

/* Between the last pulse and the next. */
static nsec_t pause_of(const struct pulse_history *history, const struct policy *policy)
{
    nsec_t pause = policy->pulse_interval;

    for (unsigned i = 0; i < history->barren && pause < DAY; i++)
        pause *= 2;
    pause = min_of(pause, DAY);
    return max_of(policy->pulse_interval, pause);
}

static struct pulse_plan judge_time(const struct pulse_facts *facts,
                                    const struct pulse_history *history,
                                    const struct policy *policy, struct pulse_plan plan)
{
    nsec_t pause = pause_of(history, policy);
    nsec_t passed = facts->now - history->ended;

    if (history->ended != 0 && passed < pause) {
        plan.reason = PULSE_TOO_SOON;
        plan.wait = pause - passed;
    } else if (facts->is_full_up)
        plan.reason = PULSE_QUEUES;
    return plan;
}

/* ---- the whole ---- */

struct pulse_plan pulse_decide(const struct pulse_facts *facts, const struct pulse_watch *watch,
                               const struct pulse_history *history, const struct policy *policy)
{
    struct pulse_plan plan = {.reason = judge_vm(facts, policy)};
    uint64_t free;

    if (plan.reason == PULSE_IS_DUE)
        plan.reason = judge_moment(facts, policy);
    if (plan.reason == PULSE_FOREIGN && facts->foreign_moved != 0)
        plan.wait = saturating_subtract(facts->foreign_moved + FOREIGN_TIME, facts->now);
    if (plan.reason != PULSE_IS_DUE)
        return plan;
    if (policy->pulse_only_idle && effect_now(facts, policy) != SCHEDULE_FORCE)
        plan = judge_idleness(facts, watch, policy);
    if (plan.reason != PULSE_IS_DUE)
        return plan;
    if (!free_for_long(facts, watch, policy, &free))
        return (struct pulse_plan){.reason = PULSE_WATCHING, .wait = policy->idle_window};
    plan = judge_gain(facts, free, policy);
    return plan.reason == PULSE_IS_DUE ? judge_time(facts, history, policy, plan) : plan;
}

bool pulse_takes_free(const struct pulse_facts *facts, const struct policy *policy)
{
    return judge_vm(facts, policy) == PULSE_IS_DUE && !is_foreign(facts);
}

struct pulse_limits pulse_limits_of(const struct policy *policy)
{
    return (struct pulse_limits){.headroom = policy->pulse_headroom,
                                 .min_gain = policy->pulse_min_gain};
}

void pulse_note_end(struct pulse_history *history, nsec_t now, uint64_t brought, uint64_t min_gain)
{
    history->ended = now;
    history->brought = brought;
    history->barren =
        brought >= min_gain / 2 ? 0 : min_of(history->barren + 1, (unsigned)BARREN_MAX);
}
