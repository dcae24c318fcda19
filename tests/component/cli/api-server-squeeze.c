/* The scripted API server's squeezes: a VM's name says how its goes. */
#include <string.h>

#include "common/base/number.h"
#include "common/base/time.h"
#include "common/base/util.h"
#include "controller.pb-c.h"
#include "tests/component/cli/api-server.h"

typedef Vmreclaim__Controller__V1__Action Action;
typedef Vmreclaim__Controller__V1__SqueezeStep Step;
typedef Vmreclaim__Controller__V1__SqueezeVmsRequest Request;
typedef Vmreclaim__Controller__V1__SqueezeVmsResponse Response;

struct script {
    Action reclaimed;
    Action compacted;
    Vmreclaim__Agent__V1__ActionResult guest;
    Step steps[3];
    Step *pointers[3];
};

static void fill_record(Action *action, const char *id, uint64_t returned, uint64_t duration)
{
    fill_action(action);
    action->id = (char *)id;
    action->footprint_before = 4 * GIB;
    action->host_returned = (int64_t)returned;
    action->duration_ns = duration;
    action->reason = (char *)"";
    action->reason_code = (char *)"";
}

static void fill_step(Step *step, const char *name, const char *id, Action *action)
{
    vmreclaim__controller__v1__squeeze_step__init(step);
    step->name = (char *)name;
    step->action_id = (char *)id;
    step->finished = action != NULL;
    step->action = action;
}

static void fill_script(struct script *script)
{
    fill_record(&script->reclaimed, "a-17", GIB, 4 * NSEC_PER_SEC);
    fill_record(&script->compacted, "a-18", 512 * MIB, 2 * NSEC_PER_SEC);
    vmreclaim__agent__v1__action_result__init(&script->guest);
    script->guest.outcome = VMRECLAIM__AGENT__V1__OUTCOME__OUTCOME_STOPPED_TIME_LIMIT;
    script->compacted.guest = &script->guest;
    fill_step(&script->steps[0], "cache", "a-17", &script->reclaimed);
    fill_step(&script->steps[1], "compact", "a-18", NULL);
    fill_step(&script->steps[2], "hold", "", NULL);
    for (size_t i = 0; i < ARRAY_SIZE(script->steps); i++)
        script->pointers[i] = &script->steps[i];
}

static void tell(struct ttrpc_call *call, const char *vm, int phase, struct script *script,
                 size_t steps, const char *end, uint64_t held, uint64_t held_for)
{
    Response response = VMRECLAIM__CONTROLLER__V1__SQUEEZE_VMS_RESPONSE__INIT;

    response.vm = (char *)vm;
    response.phase = (Vmreclaim__Controller__V1__SqueezePhase)phase;
    response.steps = script->pointers;
    response.n_steps = steps;
    response.footprint_before = 4 * GIB;
    response.footprint = 2 * GIB + 512 * MIB;
    response.elapsed_ns = 6500 * NSEC_PER_MSEC;
    response.end = (char *)end;
    response.reason = (char *)(end[0] == '\0' ? "" : "the script says so");
    response.held = held;
    response.held_for_ns = held_for;
    response.guest_size = held == 0 ? 0 : phase == 4 ? 4 * GIB : 3 * GIB;
    if (phase == 4 && strcmp(vm, "stopped") == 0)
        response.guest_size = 0;
    (void)ttrpc_call_send(call, &response.base);
}

/* "blocked" and "failed" end so; any other VM gets two steps. "stuck", "endless" and "taking" are
 * not answered. The daemon stops while "stopped" is held. */
static void squeeze(struct ttrpc_call *call, const char *vm, const Request *request)
{
    struct script script;
    const char *end = request->size != 0 ? "reached" : "done";

    fill_script(&script);
    if (strcmp(vm, "blocked") == 0 || strcmp(vm, "failed") == 0) {
        tell(call, vm, 4, &script, 0, vm, 0, 0);
        return;
    }
    tell(call, vm, 2, &script, 0, "", 0, 0);
    tell(call, vm, 2, &script, 2, "", 0, 0);
    if (strcmp(vm, "stuck") == 0)
        return;
    fill_step(&script.steps[1], "compact", "a-18", &script.compacted);
    if (!request->hold) {
        tell(call, vm, 4, &script, 2, end, 0, 0);
        return;
    }
    if (strcmp(vm, "taking") == 0) {
        tell(call, vm, 2, &script, 3, "", 0, 0);
        return;
    }
    script.steps[2].finished = true;
    if (strcmp(vm, "foreign") == 0) {
        script.steps[2].reason = (char *)"its balloon is not ours to move";
        tell(call, vm, 4, &script, 3, end, 0, 0);
        return;
    }
    tell(call, vm, 3, &script, 3, end, GIB, request->hold_ns);
    if (strcmp(vm, "endless") != 0)
        tell(call, vm, 4, &script, 3, end, GIB, 0);
}

void squeeze_vms(struct ttrpc_call *call, const ProtobufCMessage *message, void *userdata)
{
    const Request *request = (const void *)message;

    if (play(call, request->vms[0]))
        return;
    for (size_t i = 0; i < request->n_vms; i++)
        squeeze(call, request->vms[i], request);
    if (strcmp(request->vms[0], "endless") != 0 && strcmp(request->vms[0], "stuck") != 0 &&
        strcmp(request->vms[0], "taking") != 0)
        ttrpc_call_finish(call, NULL);
}
