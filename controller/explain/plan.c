/* What the policy will do, and when. Spoken from the values that are in force, with what they mean
 * for this VM now. */
#include "common/base/number.h"
#include "common/base/text.h"
#include "controller/explain/view.h"

#include <string.h>

#include "controller/explain/windows.h"

/* "0.5%", in a buffer of the caller's line. */
struct permyriad_text {
    char text[64];
};

static struct permyriad_text permyriad_text(uint32_t permyriad)
{
    struct permyriad_text text = {""};
    permyriad_format(permyriad, text.text, sizeof(text.text));
    return text;
}

static void plan_now(const struct view *view, struct explanation *explanation)
{
    if (view->vm->engine_state[0] == '\0')
        return;
    finding_set(explanation_next(explanation), KIND_PLAN, "engine", 0, "Now: %s.",
                view->vm->engine_reason[0] == '\0' ? view->vm->engine_state
                                                   : view->vm->engine_reason);
}

static void plan_cache(const struct view *view, struct explanation *explanation)
{
    const struct policy *policy = view->policy;
    uint64_t gain = saturating_subtract(view->w->cache, policy->cache_floor);
    struct finding *finding = explanation_next(explanation);

    if (policy->cache_method == POLICY_CACHE_NONE)
        finding_set(finding, KIND_PLAN, "plan-cache", 0, "It leaves the file cache alone.");
    else if (gain == 0)
        finding_set(finding, KIND_PLAN, "plan-cache", 0,
                    "It leaves %s of file cache, and there is not more than that.",
                    SIZE(policy->cache_floor));
    else if (policy->cache_method == POLICY_CACHE_DROP)
        finding_set(finding, KIND_PLAN, "plan-cache", gain,
                    "When idle it drops the file cache once: about %s.", SIZE(gain));
    else
        finding_set(finding, KIND_PLAN, "plan-cache", gain,
                    "When idle it takes file cache, coldest first, in steps of at most %s down to "
                    "%s: about %s.",
                    SIZE(policy->cache_step), SIZE(policy->cache_floor), SIZE(gain));
}

static void plan_compaction(const struct view *view, struct explanation *explanation)
{
    const struct policy *policy = view->policy;
    struct finding *finding = explanation_next(explanation);

    if (!policy->compact)
        finding_set(finding, KIND_PLAN, "plan-compaction", 0, "It does not compact memory.");
    else if (view->w->trapped < policy->compact_min_gain)
        finding_set(finding, KIND_PLAN, "plan-compaction", 0,
                    "It compacts once %s are trapped; now %s are.", SIZE(policy->compact_min_gain),
                    SIZE(view->w->trapped));
    else
        finding_set(finding, KIND_PLAN, "plan-compaction", view->w->trapped,
                    "When idle it compacts, for at most %s and not more often than every %s: %s "
                    "are trapped.",
                    duration_text(policy->compact_time_limit).text,
                    duration_text(policy->compact_interval).text, SIZE(view->w->trapped));
}

/* The order step of the guest's engine, which follows what compaction leaves. */
static void plan_order(const struct view *view, struct explanation *explanation)
{
    uint32_t lowest = max_of(view->policy->reporting_order, view->host->lowest_useful_order);

    if (view->info == NULL || !view->host->lowest_useful_order_is_known ||
        !view->info->reporting_order_is_known || view->info->reporting_order <= lowest ||
        !view_has_feature(view, "reporting-order", NULL) ||
        view->w->trapped < view->policy->compact_min_gain / 4)
        return;
    finding_set(explanation_next(explanation), KIND_PLAN, "plan-order", view->w->trapped,
                "For what stays trapped it reports blocks down to order %u instead of %u for a "
                "while, where that promises %s or more.",
                lowest, view->info->reporting_order, SIZE(view->policy->compact_min_gain / 4));
}

/* What a window does: while it is open, and at other times. */
static const struct {
    const char *open;
    const char *closed;
} effects[SCHEDULE_EFFECT_COUNT] = {
    [SCHEDULE_ALLOW] = {"it may act", "It acts only while a schedule allows it"},
    [SCHEDULE_FORCE] = {"it acts without waiting until the guest is idle",
                        "A schedule makes it act without waiting until the guest is idle"},
    [SCHEDULE_FORBID] = {"it does nothing", "A schedule forbids it to act"},
};

static void say_open(const struct schedule *schedule, int64_t now, int64_t closing,
                     struct finding *finding)
{
    char when[64];

    finding_set(
        finding, KIND_PLAN, "plan-schedule", 0, "Until %s (in %s) %s: schedule \"%s\" for %s.",
        window_format_time(schedule, closing, when, sizeof(when)),
        duration_text((nsec_t)(closing - now) * NSEC_PER_SEC).text, effects[schedule->effect].open,
        schedule->cron.text, duration_text(schedule->duration).text);
    finding_add(finding, "closes", (uint64_t)closing * NSEC_PER_SEC, "nanoseconds");
}

static void say_closed(const struct schedule *schedule, int64_t now, int64_t opening,
                       struct finding *finding)
{
    char when[64];

    finding_set(finding, KIND_PLAN, "plan-schedule", 0, "%s: next %s, in %s, for %s.",
                effects[schedule->effect].closed,
                window_format_time(schedule, opening, when, sizeof(when)),
                duration_text((nsec_t)(opening - now) * NSEC_PER_SEC).text,
                duration_text(schedule->duration).text);
    finding_add(finding, "opens", (uint64_t)opening * NSEC_PER_SEC, "nanoseconds");
}

static void plan_schedules(const struct view *view, struct explanation *explanation)
{
    int64_t now = view->time / (int64_t)NSEC_PER_SEC;

    for (size_t i = 0; now > 0 && i < view->policy->schedule_count; i++) {
        const struct schedule *schedule = &view->policy->schedules[i];
        int64_t closing = window_closing(schedule, now);
        int64_t opening = closing != 0 ? 0 : window_next_opening(schedule, now);

        if (closing != 0)
            say_open(schedule, now, closing, explanation_next(explanation));
        else if (opening != 0)
            say_closed(schedule, now, opening, explanation_next(explanation));
        else
            finding_set(explanation_next(explanation), KIND_PLAN, "plan-schedule", 0,
                        "Schedule \"%s\" (%s) opens not once within a year, or never closes.",
                        schedule->cron.text, schedule_effect_name(schedule->effect));
    }
}

/* Whoever reads the policy's file would else not believe the numbers above. */
static void plan_limits(const struct view *view, struct explanation *explanation)
{
    char keys[256] = "";
    struct finding *finding;
    size_t used = 0;

    for (char *const *key = view->own_limits; key != NULL && *key != NULL; key++) {
        int length = text_format(keys + used, sizeof(keys) - used, "%s%s", used > 0 ? ", " : "",
                                 TEXT_CUT(*key, 40));
        if (length < 0 || (size_t)length >= sizeof(keys) - used)
            break;
        used += (size_t)length;
    }
    keys[used] = '\0';
    if (used == 0)
        return;
    finding = explanation_next(explanation);
    finding_set(finding, KIND_PLAN, "plan-limits", 0,
                "The guest's own configuration is gentler than what is assigned, and holds: %s.",
                keys);
    finding_command(finding, "vmreclaim policy show --effective %s", view->name);
}

static void plan_steps(const struct view *view, struct explanation *explanation)
{
    const struct policy *policy = view->policy;

    finding_set(explanation_next(explanation), KIND_PLAN, "plan-idle", 0,
                "Policy \"%s\" waits until the guest is idle: under %s of its CPUs, of at most "
                "16, for %s, and no pressure.",
                policy->name, permyriad_text(policy->idle_cpu).text,
                duration_text(policy->idle_window).text);
    plan_cache(view, explanation);
    plan_compaction(view, explanation);
    plan_order(view, explanation);
    if (policy->trickle == 0)
        finding_set(explanation_next(explanation), KIND_PLAN, "plan-never-idle", 0,
                    "%s, it does nothing: it has no trickle. Profile balanced has one, which takes "
                    "a bounded amount of cache from a guest that works.",
                    strcmp(view->vm->engine_state, "busy") == 0
                        ? "The guest works now; while it does"
                        : "While the guest works");
    else if (policy->cache_method != POLICY_CACHE_NONE)
        finding_set(explanation_next(explanation), KIND_PLAN, "plan-trickle", 0,
                    "If it is never idle, it takes at most %s of cache per minute while there is "
                    "no pressure.",
                    SIZE(policy->trickle));
}

/* Which the host does, whether or not an agent is there. */
static void plan_pulse(const struct view *view, struct explanation *explanation)
{
    if (view->vm->pulse[0] != '\0')
        finding_set(explanation_next(explanation), KIND_PLAN, "plan-pulse", 0,
                    "Pulses of its balloon: %s.", TEXT_CUT(view->vm->pulse, 160));
}

void explain_plan(const struct view *view, struct explanation *explanation)
{
    const struct policy *policy = view->policy;
    struct finding *finding;

    if (view->guest == NULL) {
        plan_pulse(view, explanation);
        return;
    }
    if (policy == NULL) {
        finding = explanation_next(explanation);
        finding_set(finding, KIND_PLAN, "no-policy", 0,
                    "The controller has given this VM no policy; the agent runs its own.");
        finding_command(finding, "vmreclaim policy apply FILE --vm %s", view->name);
        plan_now(view, explanation);
        return;
    }
    plan_now(view, explanation);
    if (policy->profile == POLICY_OBSERVE) {
        finding_set(explanation_next(explanation), KIND_PLAN, "policy-observes", 0,
                    "Policy \"%s\" only observes: nothing happens by itself.", policy->name);
    } else {
        plan_steps(view, explanation);
        plan_schedules(view, explanation);
        plan_pulse(view, explanation);
    }
    plan_limits(view, explanation);
}
