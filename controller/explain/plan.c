/* What the policy will do, and when. Spoken from the policy's own values, with what they mean for
 * this VM now. */
#include "controller/explain/view.h"

#include <string.h>

/* "0.5%", in a buffer of the caller's line. */
struct permyriad_text {
    char text[64];
};

static struct permyriad_text permyriad_text(uint32_t permyriad)
{
    struct permyriad_text text = {""};
    (void)permyriad_format(permyriad, text.text, sizeof(text.text));
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
    uint64_t gain = view->w->cache > policy->cache_floor ? view->w->cache - policy->cache_floor : 0;
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

void explain_plan(const struct view *view, struct explanation *explanation)
{
    const struct policy *policy = view->policy;
    struct finding *finding;

    if (view->guest == NULL)
        return;
    if (policy == NULL) {
        finding = explanation_next(explanation);
        finding_set(finding, KIND_PLAN, "no-policy", 0,
                    "The controller has given this VM no policy; the agent runs its own.");
        finding_command(finding, "vmreclaim policy apply FILE --vm %s", view->name);
        plan_now(view, explanation);
        return;
    }
    plan_now(view, explanation);
    finding = explanation_next(explanation);
    if (policy->profile == POLICY_OBSERVE) {
        finding_set(finding, KIND_PLAN, "policy-observes", 0,
                    "Policy \"%s\" only observes: nothing happens by itself.", policy->name);
        return;
    }
    finding_set(finding, KIND_PLAN, "plan-idle", 0,
                "Policy \"%s\" waits until the guest is idle: under %s of its CPUs for %s, and no "
                "pressure.",
                policy->name, permyriad_text(policy->idle_cpu).text,
                duration_text(policy->idle_window).text);
    plan_cache(view, explanation);
    plan_compaction(view, explanation);
    if (policy->trickle > 0 && policy->cache_method != POLICY_CACHE_NONE)
        finding_set(explanation_next(explanation), KIND_PLAN, "plan-trickle", 0,
                    "If it is never idle, it takes at most %s of cache per minute while there is "
                    "no pressure.",
                    SIZE(policy->trickle));
}
