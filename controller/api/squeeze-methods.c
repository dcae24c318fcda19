/* SqueezeVms: one call for several VMs, answered with how far each of them is.
 *
 * Every message is a VM's whole state, so a slow reader may miss all but the last of each. Those
 * that could not be sent are owed, and are sent once there is room. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/number.h"
#include "common/base/util.h"
#include "controller/actions/squeeze.h"
#include "controller/api/action-requests.h"
#include "controller/api/dispatch.h"
#include "controller/messages/text.h"

#define SQUEEZE_VMS_MAX 64
#define RECORDS_SIZE    (6 * 2048) /* bytes on disk of one VM's steps, as a rule */

typedef Vmreclaim__Controller__V1__SqueezeVmsRequest Request;
typedef Vmreclaim__Controller__V1__SqueezeVmsResponse Response;
typedef Vmreclaim__Controller__V1__SqueezeStep Step;

struct one {
    struct squeezing *of;
    struct squeeze *squeeze; /* NULL: its end was sent */
    bool is_owed;            /* what is new could not be sent */
};

struct squeezing {
    struct api_call *call;
    size_t count;
    size_t open; /* whose end was not sent yet */
    bool drains; /* waits until the reader has room */
    struct one ones[];
};

/* ---- the message ---- */

struct response {
    Response message;
    Step steps[SQUEEZE_STEPS_MAX];
    Step *pointers[SQUEEZE_STEPS_MAX];
};

static const Vmreclaim__Controller__V1__SqueezePhase phases[SQUEEZE_STATE_COUNT] = {
    [SQUEEZE_WAITING] = VMRECLAIM__CONTROLLER__V1__SQUEEZE_PHASE__SQUEEZE_PHASE_WAITING,
    [SQUEEZE_SAMPLING] = VMRECLAIM__CONTROLLER__V1__SQUEEZE_PHASE__SQUEEZE_PHASE_RUNNING,
    [SQUEEZE_STEPPING] = VMRECLAIM__CONTROLLER__V1__SQUEEZE_PHASE__SQUEEZE_PHASE_RUNNING,
    [SQUEEZE_BUSY] = VMRECLAIM__CONTROLLER__V1__SQUEEZE_PHASE__SQUEEZE_PHASE_RUNNING,
    [SQUEEZE_HOLDING] = VMRECLAIM__CONTROLLER__V1__SQUEEZE_PHASE__SQUEEZE_PHASE_HOLDING,
    [SQUEEZE_ENDED] = VMRECLAIM__CONTROLLER__V1__SQUEEZE_PHASE__SQUEEZE_PHASE_ENDED,
};

static void fill_steps(const struct squeeze *squeeze, struct response *response)
{
    for (size_t i = 0; i < squeeze->taken_count; i++) {
        const struct squeeze_taken *taken = &squeeze->taken[i];
        Step *step = &response->steps[i];

        vmreclaim__controller__v1__squeeze_step__init(step);
        step->name = message_text(squeeze_step_name(taken->step));
        step->finished = taken->is_over;
        step->action_id = message_text(taken->action);
        step->action = taken->record;
        step->reason = message_text(taken->reason);
        response->pointers[i] = step;
    }
    response->message.steps = response->pointers;
    response->message.n_steps = squeeze->taken_count;
}

static void fill(const struct squeeze *squeeze, struct response *response)
{
    Response *message = &response->message;
    nsec_t now = time_boottime();
    nsec_t last = squeeze->stopped != 0 ? squeeze->stopped : now;

    vmreclaim__controller__v1__squeeze_vms_response__init(message);
    message->vm = message_text(squeeze->vm_name);
    message->phase = phases[squeeze->state];
    fill_steps(squeeze, response);
    message->footprint_before = squeeze->footprint_before;
    message->footprint = squeeze->footprint;
    message->elapsed_ns = squeeze->started == 0 ? 0 : last - squeeze->started;
    if (squeeze->stopped != 0) {
        message->end = message_text(squeeze_end_name(squeeze->plan.end));
        message->reason = message_text(
            squeeze->problem[0] != '\0' ? squeeze->problem : squeeze_end_text(squeeze->plan.end));
    }
    message->held = squeeze->held;
    message->guest_size = squeeze->size;
    message->held_for_ns = saturating_subtract(squeeze->held_until, now);
}

/* ---- sending ---- */

static void forget_all(struct squeezing *squeezing)
{
    for (size_t i = 0; i < squeezing->count; i++)
        if (squeezing->ones[i].squeeze != NULL)
            squeeze_forget(squeezing->ones[i].squeeze);
    free(squeezing);
}

/* -EAGAIN: it is owed. */
static int tell(struct one *one)
{
    struct squeeze *squeeze = one->squeeze;
    struct response response;
    int r;

    fill(squeeze, &response);
    r = api_call_send(one->of->call, &response.message.base);
    one->is_owed = r == -EAGAIN;
    if (one->is_owed || squeeze->state != SQUEEZE_ENDED)
        return r;
    one->squeeze = NULL;
    one->of->open--;
    squeeze_forget(squeeze);
    return r;
}

static void end_if_all_ended(struct squeezing *squeezing)
{
    struct api_call *call = squeezing->call;

    if (squeezing->open > 0)
        return;
    free(squeezing);
    api_call_finish(call, NULL);
}

/* Nobody reads any more: the steps under way end as usual, and no other begins. */
static void leave(struct squeezing *squeezing)
{
    struct api_call *call = squeezing->call;

    forget_all(squeezing);
    api_call_finish(call, NULL);
}

static void on_drain(struct api_call *call, void *userdata);

static void wait_for_room(struct squeezing *squeezing)
{
    if (squeezing->drains)
        return;
    squeezing->drains = true;
    api_call_on_drain(squeezing->call, on_drain, squeezing);
}

static void go_on(struct squeezing *squeezing, int r)
{
    if (r == -EAGAIN)
        wait_for_room(squeezing);
    else if (r < 0)
        leave(squeezing);
    else
        end_if_all_ended(squeezing);
}

static void on_drain(struct api_call *call, void *userdata)
{
    struct squeezing *squeezing = userdata;
    int r = 0;

    squeezing->drains = false;
    for (size_t i = 0; i < squeezing->count && r == 0; i++)
        if (squeezing->ones[i].is_owed)
            r = tell(&squeezing->ones[i]);
    go_on(squeezing, r);
}

static void on_changed(struct squeeze *squeeze, void *userdata)
{
    struct one *one = userdata;

    if (one->of->drains)
        one->is_owed = true;
    else
        go_on(one->of, tell(one));
}

/* ---- the call ---- */

/* False: the call has failed. */
static bool start_all(struct squeezing *squeezing, const Request *asked)
{
    struct squeeze_asked what = squeeze_asked_of(asked);
    struct api_call *call = squeezing->call;

    memcpy(what.program, call->caller.program, sizeof(what.program));
    for (size_t i = 0; i < asked->n_vms; i++) {
        struct one *one = &squeezing->ones[squeezing->count];
        struct vm *vm = api_find_vm(call, asked->vms[i]);
        struct error error;
        int r;

        if (vm == NULL)
            return false;
        *one = (struct one){.of = squeezing};
        r = squeeze_start(call->api->rooms.squeezes, vm, &what, call->caller.name, on_changed, one,
                          &one->squeeze, &error);
        if (r < 0) {
            api_call_fail_error(call, r, &error);
            return false;
        }
        squeezing->count++;
        squeezing->open++;
    }
    return true;
}

static void squeeze_vms(struct api_call *call, const ProtobufCMessage *message)
{
    const Request *asked = (const void *)message;
    struct squeezing *squeezing;

    if (asked->n_vms == 0 || asked->n_vms > SQUEEZE_VMS_MAX) {
        api_call_fail(call, -EINVAL, "name at least one VM, and at most %d", SQUEEZE_VMS_MAX);
        return;
    }
    if (!api_may_keep(call, asked->n_vms * RECORDS_SIZE))
        return;
    squeezing = calloc(1, sizeof(*squeezing) + asked->n_vms * sizeof(squeezing->ones[0]));
    if (squeezing == NULL) {
        api_call_fail(call, -ENOMEM, "out of memory");
        return;
    }
    squeezing->call = call;
    if (!start_all(squeezing, asked))
        forget_all(squeezing);
}

static const struct api_method rows[] = {
    {"SqueezeVms", squeeze_vms, API_CONTROLS | API_STREAMS},
};

const struct api_methods api_squeeze_methods = {rows, ARRAY_SIZE(rows)};
