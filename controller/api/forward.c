/* Forwarded calls. The VM is kept by its serial: its record may go or merge, and be called
 * otherwise, while the agent works. */
#include "controller/api/forward.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "controller/vms/agent.h"

struct forward {
    struct api_call *call;
    struct ttrpc_client_call *client;
    uint64_t vm;    /* its serial */
    nsec_t started; /* CLOCK_MONOTONIC */
    forward_message on_message;
    forward_answer on_answer;
    void *userdata;
};

static void on_operator_gone(struct api_call *call, void *userdata)
{
    struct forward *forward = userdata;

    ttrpc_client_call_cancel(forward->client);
    free(forward);
}

static void on_result(const struct ttrpc_result *result, void *userdata)
{
    struct forward *forward = userdata;
    struct vm *vm =
        registry_find_serial(&forward->call->api->rooms.supervisor->registry, forward->vm);

    /* The handler ends the call at once, so on_operator_gone cannot run any more. */
    forward->on_answer(forward->call, vm, result, time_monotonic() - forward->started,
                       forward->userdata);
    free(forward);
}

static void on_message(const ProtobufCMessage *message, void *userdata)
{
    struct forward *forward = userdata;

    int r = forward->on_message(forward->call, message, forward->userdata);

    if (r == 0)
        return;
    ttrpc_client_call_cancel(forward->client);
    api_call_fail(forward->call, -ENOMEM, "the answer is read too slowly");
    free(forward);
}

void forward_stream(struct api_call *call, struct vm *vm, const char *method,
                    const ProtobufCMessage *request, nsec_t timeout, forward_message on_each,
                    forward_answer on_answer, void *userdata)
{
    struct forward *forward = calloc(1, sizeof(*forward));
    int r;

    if (forward == NULL) {
        api_call_fail(call, -ENOMEM, "out of memory");
        return;
    }
    *forward = (struct forward){
        .call = call,
        .vm = vm->serial,
        .started = time_monotonic(),
        .on_message = on_each,
        .on_answer = on_answer,
        .userdata = userdata,
    };
    r = agent_link_call(vm->links.agent, method, request, timeout,
                        on_each != NULL ? on_message : NULL, on_result, forward, &forward->client);
    if (r < 0) {
        free(forward);
        api_call_fail(call, -ENOTCONN, "the agent of VM '%s' cannot be asked: %s", vm->name,
                      strerror(-r));
        return;
    }
    api_call_on_gone(call, on_operator_gone, forward);
}

void forward_unary(struct api_call *call, struct vm *vm, const char *method,
                   const ProtobufCMessage *request, nsec_t timeout, forward_answer on_answer,
                   void *userdata)
{
    forward_stream(call, vm, method, request, timeout, NULL, on_answer, userdata);
}

void forward_fail(struct api_call *call, const struct vm *vm, const struct ttrpc_result *result)
{
    struct error error;
    int r = vm == NULL ? error_set(&error, -ENOTCONN, "the VM went away meanwhile")
                       : agent_failure(vm, result, &error);

    api_call_fail_error(call, r, &error);
}
