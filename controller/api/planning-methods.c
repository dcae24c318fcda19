/* PlanAction: what would be done, and what refused. */
#include <errno.h>
#include <string.h>

#include "common/base/text.h"
#include "common/base/util.h"
#include "controller/actions/planning.h"
#include "controller/api/action-requests.h"
#include "controller/api/dispatch.h"
#include "controller/messages/text.h"

typedef Vmreclaim__Controller__V1__PlanActionRequest Request;
typedef Vmreclaim__Controller__V1__PlanActionResponse Response;
typedef Vmreclaim__Controller__V1__PlannedStep Step;

/* ---- what is asked ---- */

static bool is_one(const Request *asked)
{
    return (asked->compact != NULL) + (asked->reclaim != NULL) + (asked->balloon != NULL) +
               (asked->pulse != NULL) + (asked->squeeze != NULL) ==
           1;
}

/* As the methods themselves read it. `ret_squeeze` is for one. */
static struct planning_asked read_request(const struct api_call *call, const Request *asked,
                                          struct squeeze_asked *ret_squeeze)
{
    struct planning_asked planning = {.asked_by = call->caller.name};

    if (asked->compact != NULL)
        planning.action = compact_request(asked->compact);
    else if (asked->reclaim != NULL)
        planning.action = reclaim_request(asked->reclaim);
    else if (asked->balloon != NULL)
        planning.action = balloon_request_of(asked->balloon, call->caller.name);
    else if (asked->pulse != NULL)
        planning.action = pulse_request(asked->pulse);
    else {
        *ret_squeeze = squeeze_asked_of(asked->squeeze);
        planning.squeeze = ret_squeeze;
    }
    return planning;
}

/* ---- the answer ---- */

static void fill_step(const struct planned_step *step, Step *message)
{
    vmreclaim__controller__v1__planned_step__init(message);
    message->name = message_text(step->name);
    message->refused = message_text(step->status < 0 ? step->error.text : "");
    message->gain_is_known = step->status == 0 && step->gain_is_known;
    message->gain = message->gain_is_known ? step->gain : 0;
    message->note = message_text(step->note);
}

static void on_planned(const struct vm *vm, const struct action_plan *plan, void *userdata)
{
    Response response = VMRECLAIM__CONTROLLER__V1__PLAN_ACTION_RESPONSE__INIT;
    Step steps[SQUEEZE_STEPS_MAX];
    Step *pointers[SQUEEZE_STEPS_MAX];
    struct api_call *call = userdata;

    if (vm == NULL) {
        api_call_fail(call, -ENOTCONN, "the VM went away meanwhile");
        return;
    }
    for (size_t i = 0; i < plan->count; i++) {
        fill_step(&plan->steps[i], &steps[i]);
        pointers[i] = &steps[i];
    }
    response.vm = message_text(vm->name);
    response.steps = pointers;
    response.n_steps = plan->count;
    response.end = message_text(squeeze_end_name(plan->end));
    response.reason = message_text(squeeze_end_text(plan->end));
    api_call_finish(call, &response.base);
}

static void on_operator_gone(struct api_call *call, void *userdata)
{
    planning_cancel(userdata);
}

static void plan_action(struct api_call *call, const ProtobufCMessage *message)
{
    const struct api_rooms *rooms = &call->api->rooms;
    const Request *asked = (const void *)message;
    struct vm *vm = api_find_vm(call, asked->vm);
    struct planning *planning;
    struct squeeze_asked squeeze;
    struct planning_asked what;

    if (vm == NULL)
        return;
    if (!is_one(asked)) {
        api_call_fail(call, -EINVAL, "ask for the plan of exactly one action");
        return;
    }
    what = read_request(call, asked, &squeeze);
    if (!call->caller.may_control && planning_sets_hypervisor(vm, &what)) {
        api_call_fail(call, -EPERM,
                      "VM '%s' has no agent: for this plan its hypervisor asks the guest, which "
                      "only root and the control_group of vmreclaimd may have done",
                      vm->name);
        return;
    }
    if (planning_start(rooms->actions, rooms->squeezes, vm, &what, on_planned, call, &planning) < 0)
        api_call_fail(call, -ENOMEM, "out of memory");
    else if (planning != NULL)
        api_call_on_gone(call, on_operator_gone, planning);
}

static const struct api_method rows[] = {
    {"PlanAction", plan_action, API_READS},
};

const struct api_methods api_planning_methods = {rows, ARRAY_SIZE(rows)};
