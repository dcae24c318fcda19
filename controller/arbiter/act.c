/* What the arbiter does. */
#include "controller/arbiter/act.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/base/text.h"
#include "controller/policies/effective.h"

static_assert(sizeof(((struct action_request *)NULL)->why) >= ARBITER_TEXT_SIZE, "a line fits");

#define RECLAIM_TIME (10 * NSEC_PER_SEC) /* of one step: the agent says then how far it came */

/* An action of ours. */
struct acting {
    struct arbiter_keeper *keeper;
    uint64_t serial; /* of its VM */
    enum arbiter_step step;
};

/* ---- what came of it ---- */

/* One that has begun has an event of its own. */
static void say_refused(struct vm *vm, enum arbiter_step step, const struct action_end *end)
{
    char text[512];

    if (end->record != NULL)
        return;
    text_format(text, sizeof(text), "%s was refused: %s", arbiter_step_name(step), end->message);
    vm_emit(vm, VM_EVENT_ARBITER, text);
}

static void take_end(struct vm *vm, enum arbiter_step step, const struct action_end *end)
{
    struct arbiter_memory *memory = &vm->arbiter->memory;
    int64_t brought = end->record == NULL ? 0 : end->record->host_returned;

    if (end->status < 0) {
        arbiter_note_refused(memory, step, time_boottime());
        say_refused(vm, step, end);
    } else {
        arbiter_note_end(memory, step, brought > 0 ? (uint64_t)brought : 0, time_boottime());
    }
}

static void on_done(const struct action_end *end, void *userdata)
{
    struct acting *acting = userdata;
    struct arbiter_keeper *keeper = acting->keeper;
    struct vm *vm = registry_find_serial(&keeper->supervisor->registry, acting->serial);

    assert(keeper->acting_count > 0);
    if (vm != NULL && vm->arbiter != NULL)
        take_end(vm, acting->step, end);
    keeper->acting_count--;
    free(acting);
}

/* ---- what is asked ---- */

static bool ends_lease(const struct arbiter_vm *facts, const struct arbiter_request *request)
{
    return request->step == ARBITER_GIVE_BACK &&
           request->size >= saturating_subtract(facts->ram, facts->others);
}

static void set_pulse(const struct vm *vm, struct pulse_limits *limits)
{
    struct policy policy;

    *limits = (struct pulse_limits){.headroom = 0};
    if (vm_effective_policy(vm, &policy))
        *limits = (struct pulse_limits){.headroom = policy.pulse_headroom,
                                        .min_gain = policy.pulse_min_gain};
}

static void set_request(const struct vm *vm, const struct arbiter_vm *facts,
                        const struct arbiter_request *asked, struct action_request *ret_request)
{
    struct action_request request = {.id = ""};

    snprintf(request.owner, sizeof(request.owner), ARBITER_OWNER);
    switch (asked->step) {
    case ARBITER_RECLAIM:
        request.kind = &action_reclaim;
        request.reclaim.bytes = asked->bytes;
        request.reclaim.time_limit = RECLAIM_TIME;
        break;
    case ARBITER_COMPACT:
        request.kind = &action_compact;
        break;
    case ARBITER_PULSE:
        request.kind = &action_pulse;
        set_pulse(vm, &request.pulse);
        break;
    default:
        request.kind = ends_lease(facts, asked) ? &action_release : &action_balloon;
        request.balloon.size = asked->size;
        request.balloon.lifetime = ARBITER_LEASE_TERM;
        request.balloon.doubts = asked->reason == ARBITER_DOUBTED;
        break;
    }
    *ret_request = request;
}

static int start(struct arbiter_keeper *keeper, struct vm *vm, enum arbiter_step step,
                 const struct action_request *request, struct error *error)
{
    struct acting *acting = calloc(1, sizeof(*acting));
    int r;

    if (acting == NULL)
        return error_set(error, -ENOMEM, "out of memory");
    *acting = (struct acting){.keeper = keeper, .serial = vm->serial, .step = step};
    keeper->acting_count++;
    r = action_start(keeper->actions, vm, request, ARBITER_OWNER, on_done, acting, NULL, error);
    if (r == 0)
        return 0;
    keeper->acting_count--;
    free(acting);
    return r;
}

/* ---- requests ---- */

static bool is_put_off(const struct arbiter_keeper *keeper, const struct arbiter_request *request)
{
    return request->step != ARBITER_GIVE_BACK && request->reason != ARBITER_RENEWED &&
           keeper->acting_count >= ARBITER_ACTIONS_MAX;
}

void arbiter_act(struct arbiter_keeper *keeper, struct vm *vm, const struct arbiter_vm *facts,
                 const struct arbiter_request *request)
{
    struct action_request action;
    struct error error;
    char text[ARBITER_TEXT_SIZE];
    char line[ARBITER_TEXT_SIZE + sizeof(error.text)];

    if (is_put_off(keeper, request)) {
        arbiter_note_put_off(facts->memory);
        return;
    }
    set_request(vm, facts, request, &action);
    arbiter_text(request->step, request->reason, request->bytes, &request->figures, text);
    text_copy_line(action.why, sizeof(action.why), text);
    if (start(keeper, vm, request->step, &action, &error) == 0) {
        vm_emit(vm, VM_EVENT_ARBITER, text);
        return;
    }
    arbiter_note_refused(facts->memory, request->step, time_boottime());
    text_format(line, sizeof(line), "%s: refused: %s", text, error.text);
    vm_emit(vm, VM_EVENT_ARBITER, line);
}

void arbiter_give_all(struct arbiter_keeper *keeper, struct vm *vm, const char *why)
{
    struct action_request request = {.kind = &action_release};
    struct vm_arbiter *kept = vm->arbiter;
    struct error error;
    char line[ARBITER_TEXT_SIZE + sizeof(error.text)];

    snprintf(request.owner, sizeof(request.owner), ARBITER_OWNER);
    text_copy_line(request.why, sizeof(request.why), why);
    if (start(keeper, vm, ARBITER_GIVE_BACK, &request, &error) == 0) {
        kept->was_refused = false;
        arbiter_note_released(&kept->memory, time_boottime());
        vm_emit(vm, VM_EVENT_ARBITER, why);
        return;
    }
    text_format(line, sizeof(line), "%s: refused: %s", why, error.text);
    if (!kept->was_refused)
        vm_emit(vm, VM_EVENT_ARBITER, line);
    kept->was_refused = true;
}
