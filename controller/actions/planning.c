/* Plans of actions. */
#include "controller/actions/planning.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/number.h"
#include "common/base/text.h"
#include "common/base/util.h"
#include "controller/actions/machine.h"
#include "controller/actions/prospects.h"
#include "controller/vms/statistics-now.h"

struct planning {
    struct actions *actions;
    struct squeezes *squeezes;
    struct action_request request;
    bool is_squeeze;
    struct squeeze_asked squeeze;
    char asked_by[64];
    struct fresh_sample sample;
    planning_done done;
    void *userdata;
};

/* ---- one action ---- */

static const char stays[] = "what the guest lets go does not reach the host: 'vmreclaim explain'";

/* What the guest would let go by it. */
static uint64_t let_go(const struct action_request *request, const struct gains *gains)
{
    if (request->kind == &action_compact)
        return gains->trapped;
    if (request->kind == &action_reporting)
        return request->reporting.set_order ? max_of(gains->small, gains->waiting) : gains->waiting;
    if (request->reclaim.drop)
        return gains->all_cache;
    return request->reclaim.bytes == 0 ? gains->cache
                                       : min_of(request->reclaim.bytes, gains->cache);
}

/* Where nothing comes back by itself, a pulse fetches what is free. */
static void expect_of_guest(const struct action_request *request, const struct gains *gains,
                            struct planned_step *step)
{
    uint64_t bytes = let_go(request, gains);

    step->gain_is_known = gains->is_known;
    if (!gains->is_known)
        return;
    if (!gains->comes_back && bytes > 0) {
        step->note = stays;
        bytes = 0;
    }
    step->gain = bytes;
}

/* What is not on the host cannot come back, however much a balloon takes. */
static void expect_of_balloon(const struct action_request *request,
                              const struct prospects *prospects, uint64_t most,
                              struct planned_step *step)
{
    bool is_pulse = request->kind == &action_pulse;

    step->gain_is_known = prospects->footprint > 0 && (!is_pulse || prospects->gains.is_known);
    if (!step->gain_is_known)
        return;
    if (is_pulse)
        step->gain = min_of(most, prospects->free_on_host);
    else
        step->gain = min_of(most, saturating_subtract(prospects->footprint, request->balloon.size));
}

/* Agents take no commands where their owner or a halt says so: they would answer so. */
static int ask_agent(const struct vm *vm, const struct gains *gains, struct error *error)
{
    if (!gains->is_known || gains->takes_commands)
        return 0;
    return error_set(error, -EPERM,
                     "VM '%s': its agent takes no commands now; 'vmreclaim explain %s' says why",
                     vm->name, vm->name);
}

static void plan_one(struct actions *actions, struct vm *vm, const struct action_request *request,
                     const struct prospects *prospects, struct planned_step *step)
{
    const struct action_kind *kind = request->kind;
    uint64_t most = 0;

    step->note = "";
    step->status = action_may_start(vm, request, &step->error);
    if (step->status == 0 && kind->try_out != NULL)
        step->status = kind->try_out(actions->keeper, vm, request, &most, &step->error);
    else if (step->status == 0)
        step->status = ask_agent(vm, &prospects->gains, &step->error);
    if (step->status < 0)
        return;
    if (kind->try_out != NULL)
        expect_of_balloon(request, prospects, most, step);
    else
        expect_of_guest(request, &prospects->gains, step);
}

/* ---- a squeeze ---- */

/* The world after the step has brought what it promised. */
static void believe(const struct squeeze_order *order, uint64_t gain, struct prospects *prospects)
{
    struct gains *gains = &prospects->gains;

    switch (order->step) {
    case SQUEEZE_CACHE:
        gains->cache = saturating_subtract(gains->cache, gain);
        gains->all_cache = saturating_subtract(gains->all_cache, gain);
        break;
    case SQUEEZE_DROP:
        gains->cache = gains->all_cache = 0;
        break;
    case SQUEEZE_COMPACT:
        gains->small = saturating_subtract(gains->small, gains->trapped);
        gains->trapped = 0;
        break;
    case SQUEEZE_ORDER:
        gains->small = 0;
        break;
    case SQUEEZE_KICK:
        gains->waiting = 0;
        break;
    case SQUEEZE_PULSE:
        prospects->free_on_host = saturating_subtract(prospects->free_on_host, gain);
        break;
    default:
        break;
    }
    prospects->footprint = saturating_subtract(prospects->footprint, gain);
}

static void plan_squeeze(const struct planning *planning, struct vm *vm,
                         struct prospects *prospects, struct action_plan *plan)
{
    struct squeeze_input input = {.now = time_boottime()};
    struct squeeze_plan steps;

    squeeze_plan_begin(&steps, &planning->squeeze, input.now);
    for (;;) {
        struct planned_step *step = &plan->steps[plan->count];
        struct squeeze_order order;
        struct action_request request;

        input.footprint = prospects->footprint;
        input.gains = prospects->gains;
        order = squeeze_plan_next(&steps, &input);
        if (order.step == SQUEEZE_NO_STEP)
            break;
        squeeze_request(&planning->squeeze, planning->asked_by, &order, &request);
        *step = (struct planned_step){.name = squeeze_step_name(order.step)};
        plan_one(planning->actions, vm, &request, prospects, step);
        plan->count++;
        believe(&order, step->gain, prospects);
        squeeze_plan_took(&steps, step->status < 0 ? SQUEEZE_REFUSED : SQUEEZE_TAKEN,
                          (int64_t)min_of(step->gain, (uint64_t)INT64_MAX));
    }
    plan->end = steps.end;
}

static void plan_all(const struct planning *planning, struct vm *vm, struct action_plan *plan)
{
    struct prospects prospects;
    struct planned_step *first = &plan->steps[0];

    plan->count = 0;
    plan->end = SQUEEZE_GOES_ON;
    prospects_of(vm, &prospects);
    if (!planning->is_squeeze) {
        plan->count = 1;
        *first = (struct planned_step){.name = planning->request.kind->name};
        plan_one(planning->actions, vm, &planning->request, &prospects, first);
        return;
    }
    *first = (struct planned_step){.name = "squeeze", .note = ""};
    first->status = squeeze_may_start(planning->squeezes, vm, &first->error);
    if (first->status < 0)
        plan->count = 1;
    else
        plan_squeeze(planning, vm, &prospects, plan);
}

/* ---- the whole ---- */

static void on_looked(struct vm *vm, void *userdata)
{
    struct planning *planning = userdata;
    struct action_plan plan;

    if (vm != NULL)
        plan_all(planning, vm, &plan);
    planning->done(vm, vm == NULL ? NULL : &plan, planning->userdata);
    free(planning);
}

static const struct action_kind *kind_of(const struct planning_asked *asked)
{
    return asked->squeeze == NULL ? asked->action.kind : &action_reclaim; /* as before a squeeze */
}

bool planning_sets_hypervisor(const struct vm *vm, const struct planning_asked *asked)
{
    return kind_of(asked)->asks_driver && vm->links.agent == NULL &&
           vm_statistics_why_not(vm) == NULL;
}

int planning_start(struct actions *actions, struct squeezes *squeezes, struct vm *vm,
                   const struct planning_asked *asked, planning_done done, void *userdata,
                   struct planning **ret_planning)
{
    struct planning *planning = calloc(1, sizeof(*planning));

    if (planning == NULL)
        return -ENOMEM;
    planning->actions = actions;
    planning->squeezes = squeezes;
    planning->request = asked->action;
    planning->is_squeeze = asked->squeeze != NULL;
    if (planning->is_squeeze)
        planning->squeeze = *asked->squeeze;
    text_copy_line(planning->asked_by, sizeof(planning->asked_by), asked->asked_by);
    planning->done = done;
    planning->userdata = userdata;
    *ret_planning = planning;
    if (action_look_before(kind_of(asked), vm, &planning->sample, on_looked, planning) == 0)
        return 0;
    *ret_planning = NULL;
    on_looked(vm, planning);
    return 0;
}

void planning_cancel(struct planning *planning)
{
    fresh_sample_cancel(&planning->sample);
    free(planning);
}
