/* What a squeeze does next. */
#include "controller/actions/squeeze-plan.h"

#include <assert.h>

#include "common/base/number.h"
#include "common/base/util.h"

#define BIT(step)     (1u << (step))
#define ORDER_TIME    (120 * NSEC_PER_SEC) /* an action takes less */
#define SETTLING_TIME (15 * NSEC_PER_SEC)  /* what a step leaves to the guest's kernel */
#define LEAST_BROUGHT 4                    /* a quarter of what was promised: it is worth another */

static const char *const step_names[SQUEEZE_STEP_COUNT] = {
    [SQUEEZE_NO_STEP] = "",        [SQUEEZE_CACHE] = "cache", [SQUEEZE_DROP] = "drop",
    [SQUEEZE_COMPACT] = "compact", [SQUEEZE_ORDER] = "order", [SQUEEZE_KICK] = "kick",
    [SQUEEZE_RESTORE] = "restore", [SQUEEZE_PULSE] = "pulse", [SQUEEZE_HOLD] = "hold",
};

static const struct {
    const char *name;
    const char *text;
} ends[SQUEEZE_END_COUNT] = {
    [SQUEEZE_GOES_ON] = {"", ""},
    [SQUEEZE_END_DONE] = {"done", "no step promises more"},
    [SQUEEZE_END_REACHED] = {"reached", "it is as small as was asked for"},
    [SQUEEZE_END_TIME] = {"time", "the time is over"},
    [SQUEEZE_END_PRESSURE] = {"pressure", "the guest is short of memory"},
    [SQUEEZE_END_BLOCKED] = {"blocked", "what the guest lets go does not reach the host; "
                                        "'vmreclaim explain' says why"},
    [SQUEEZE_END_NO_AGENT] = {"no-agent", "no agent in the guest takes commands now"},
    [SQUEEZE_END_REFUSED] = {"refused", "no step could be taken, for the reasons beside them"},
    [SQUEEZE_END_LEFT] = {"left", "who asked for it went away"},
    [SQUEEZE_END_FAILED] = {"failed", "it was ended from outside"},
};

const char *squeeze_step_name(enum squeeze_step step)
{
    return step_names[step];
}

const char *squeeze_end_name(enum squeeze_end end)
{
    return ends[end].name;
}

const char *squeeze_end_text(enum squeeze_end end)
{
    return ends[end].text;
}

static void check_plan(const struct squeeze_plan *plan)
{
    assert(plan->under_way < SQUEEZE_STEP_COUNT && plan->end < SQUEEZE_END_COUNT);
    assert(plan->count <= SQUEEZE_STEPS_MAX && plan->taken <= plan->count);
    assert(!plan->is_lowered || (plan->spent & BIT(SQUEEZE_ORDER)) != 0);
    assert(plan->under_way == SQUEEZE_NO_STEP || plan->count > 0);
}

void squeeze_plan_begin(struct squeeze_plan *plan, const struct squeeze_asked *asked, nsec_t now)
{
    nsec_t limit = asked->time_limit == 0 ? SQUEEZE_TIME_DEFAULT : asked->time_limit;

    *plan = (struct squeeze_plan){
        .asked = *asked,
        .deadline = time_after(now, limit),
    };
    check_plan(plan);
}

/* ---- what promises enough ---- */

static bool is_spent(const struct squeeze_plan *plan, enum squeeze_step step)
{
    return (plan->spent & BIT(step)) != 0;
}

/* Bytes that a step promises; 0: it is not to be taken. */
static uint64_t promise_of(const struct squeeze_plan *plan, enum squeeze_step step,
                           const struct gains *gains)
{
    /* no step is taken where a later one is known to be blocked */
    bool is_asked =
        gains->is_known && gains->takes_commands && (gains->comes_back || gains->may_pulse);
    bool is_reported = is_asked && gains->comes_back;

    switch (step) {
    case SQUEEZE_CACHE:
        return is_asked ? gains->cache : 0;
    case SQUEEZE_DROP:
        return is_asked && plan->asked.drop ? gains->all_cache : 0;
    case SQUEEZE_COMPACT:
        return is_reported ? gains->trapped : 0;
    case SQUEEZE_ORDER:
        return is_reported && gains->order_for_a_while ? gains->small : 0;
    case SQUEEZE_KICK:
        return is_reported ? gains->waiting : 0;
    case SQUEEZE_PULSE: /* refused with words where there is too little */
        return gains->may_pulse ? gains->worth : 0;
    default:
        return 0;
    }
}

/* The steps that take, in their order. */
static enum squeeze_step choose(const struct squeeze_plan *plan, const struct gains *gains,
                                uint64_t *ret_promise)
{
    for (enum squeeze_step step = SQUEEZE_CACHE; step <= SQUEEZE_PULSE; step++) {
        uint64_t promise = is_spent(plan, step) ? 0 : promise_of(plan, step, gains);

        if (promise == 0 || promise < gains->worth)
            continue;
        *ret_promise = promise;
        return step;
    }
    return SQUEEZE_NO_STEP;
}

/* Nothing is to be taken: why. */
static enum squeeze_end end_of(const struct squeeze_plan *plan, const struct gains *gains)
{
    if (plan->count > 0)
        return plan->taken > 0 ? SQUEEZE_END_DONE : SQUEEZE_END_REFUSED;
    if (gains->is_known && !gains->comes_back && !gains->may_pulse)
        return SQUEEZE_END_BLOCKED;
    if (!gains->is_known || !gains->takes_commands)
        return SQUEEZE_END_NO_AGENT;
    return SQUEEZE_END_DONE;
}

/* ---- the next step ---- */

static struct squeeze_order order(struct squeeze_plan *plan, struct squeeze_order next,
                                  uint64_t promise)
{
    assert(plan->under_way == SQUEEZE_NO_STEP && next.step != SQUEEZE_NO_STEP);
    plan->under_way = next.step;
    plan->promised = promise;
    plan->count++;
    if (next.step == SQUEEZE_ORDER) {
        plan->is_lowered = true;
        plan->spent |= BIT(SQUEEZE_ORDER);
    }
    check_plan(plan);
    return next;
}

/* A part of the time is the kernel's, which reports what the step has freed. */
static nsec_t limit_of(const struct squeeze_plan *plan, nsec_t now)
{
    nsec_t left = saturating_subtract(plan->deadline, now);

    nsec_t settling = min_of(left / 3, SETTLING_TIME);

    return max_of(left - settling, (nsec_t)1);
}

static struct squeeze_order take(struct squeeze_plan *plan, enum squeeze_step step,
                                 uint64_t promise, const struct squeeze_input *input)
{
    struct squeeze_order next = {.step = step};
    uint64_t excess = saturating_subtract(input->footprint, plan->asked.size);

    if (step == SQUEEZE_CACHE || step == SQUEEZE_COMPACT)
        next.time_limit = limit_of(plan, input->now);
    if (step == SQUEEZE_CACHE && plan->asked.size > 0 && excess > 0 && excess < promise)
        next.bytes = excess;
    if (step == SQUEEZE_ORDER) {
        next.order = input->gains.lowest;
        next.time_limit = ORDER_TIME;
    }
    return order(plan, next, promise);
}

static bool may_hold(const struct squeeze_plan *plan)
{
    return plan->asked.hold && !is_spent(plan, SQUEEZE_HOLD) &&
           (plan->end == SQUEEZE_END_DONE || plan->end == SQUEEZE_END_REACHED ||
            plan->end == SQUEEZE_END_TIME || plan->end == SQUEEZE_END_BLOCKED ||
            plan->end == SQUEEZE_END_REFUSED);
}

/* Beside the steps that take: what was lowered is restored, and a guest that is well is held. */
static struct squeeze_order wind_up(struct squeeze_plan *plan, const struct gains *gains)
{
    if (plan->is_lowered) {
        plan->is_lowered = false;
        return order(plan, (struct squeeze_order){.step = SQUEEZE_RESTORE}, 0);
    }
    if (may_hold(plan)) {
        plan->spent |= BIT(SQUEEZE_HOLD);
        return order(plan,
                     (struct squeeze_order){
                         .step = SQUEEZE_HOLD,
                         .bytes = gains->size == 0 ? 0 : max_of(gains->size, plan->asked.size)},
                     0);
    }
    return (struct squeeze_order){.step = SQUEEZE_NO_STEP};
}

struct squeeze_order squeeze_plan_next(struct squeeze_plan *plan, const struct squeeze_input *input)
{
    enum squeeze_step step = SQUEEZE_NO_STEP;
    uint64_t promise = 0;

    assert(plan->under_way == SQUEEZE_NO_STEP);
    if (plan->end == SQUEEZE_GOES_ON && plan->asked.size > 0 && input->footprint > 0 &&
        input->footprint <= plan->asked.size)
        plan->end = SQUEEZE_END_REACHED;
    if (plan->end == SQUEEZE_GOES_ON && input->now >= plan->deadline)
        plan->end = SQUEEZE_END_TIME;
    if (plan->end == SQUEEZE_GOES_ON) {
        step = choose(plan, &input->gains, &promise);
        if (step == SQUEEZE_NO_STEP || plan->count >= SQUEEZE_STEPS_MAX - 2)
            plan->end = end_of(plan, &input->gains);
    }
    return plan->end == SQUEEZE_GOES_ON ? take(plan, step, promise, input)
                                        : wind_up(plan, &input->gains);
}

/* ---- what came of it ---- */

/* Cache comes in portions; a compaction frees blocks for another one. */
static bool is_worth_another(const struct squeeze_plan *plan, enum squeeze_outcome outcome,
                             int64_t brought)
{
    if (outcome != SQUEEZE_TAKEN ||
        (plan->under_way != SQUEEZE_CACHE && plan->under_way != SQUEEZE_COMPACT))
        return false;
    return brought > 0 && (uint64_t)brought >= plan->promised / LEAST_BROUGHT;
}

void squeeze_plan_took(struct squeeze_plan *plan, enum squeeze_outcome outcome, int64_t brought)
{
    assert(plan->under_way != SQUEEZE_NO_STEP);
    if (!is_worth_another(plan, outcome, brought))
        plan->spent |= BIT(plan->under_way);
    plan->taken += outcome != SQUEEZE_REFUSED;
    if (outcome == SQUEEZE_SHORT)
        squeeze_plan_stop(plan, SQUEEZE_END_PRESSURE);
    plan->under_way = SQUEEZE_NO_STEP;
    check_plan(plan);
}

void squeeze_plan_stop(struct squeeze_plan *plan, enum squeeze_end end)
{
    assert(end != SQUEEZE_GOES_ON);
    if (plan->end == SQUEEZE_GOES_ON)
        plan->end = end;
}

bool squeeze_plan_is_late(const struct squeeze_plan *plan, nsec_t now)
{
    return plan->under_way != SQUEEZE_NO_STEP && plan->under_way != SQUEEZE_RESTORE &&
           plan->under_way != SQUEEZE_HOLD && now >= plan->deadline;
}
