/* The life cycle of calls. */
#include "controller/api/call.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>

#include "common/base/text.h"
#include "controller/api/method.h"
#include "controller/api/rpc-times.h"

static void count(const struct api_call *call, enum rpc_result result)
{
    if (call->times != NULL)
        rpc_times_add(call->times, call->method_index, call->method->flags == API_READS, result,
                      time_monotonic() - call->begun);
}

static void end(struct api_call *call)
{
    call->state = API_CALL_ENDED;
    call->door->release(call);
}

int api_call_send(struct api_call *call, const ProtobufCMessage *message)
{
    assert(call->state != API_CALL_ENDED);
    assert(call->method->flags & API_STREAMS);
    return call->state == API_CALL_OPEN ? call->door->send(call, message) : -EPIPE;
}

void api_call_on_drain(struct api_call *call,
                       void (*on_drain)(struct api_call *call, void *userdata), void *userdata)
{
    assert(call->state == API_CALL_OPEN && call->on_drain == NULL);
    call->on_drain = on_drain;
    call->drain_userdata = userdata;
    call->door->await_drain(call);
}

void api_call_drained(struct api_call *call)
{
    void (*on_drain)(struct api_call * call, void *userdata) = call->on_drain;

    call->on_drain = NULL;
    if (on_drain != NULL)
        on_drain(call, call->drain_userdata);
}

void api_call_finish(struct api_call *call, const ProtobufCMessage *response)
{
    assert(call->state != API_CALL_ENDED);
    assert((response == NULL) == ((call->method->flags & API_STREAMS) != 0));
    count(call, call->state == API_CALL_OPEN ? RPC_OK : RPC_LEFT);
    if (call->state == API_CALL_OPEN)
        call->door->finish(call, response);
    end(call);
}

void api_call_fail(struct api_call *call, int status, const char *format, ...)
{
    struct error error;
    va_list arguments;

    va_start(arguments, format);
    text_format_list(error.text, sizeof(error.text), format, arguments);
    va_end(arguments);
    api_call_fail_error(call, status, &error);
}

void api_call_fail_error(struct api_call *call, int status, const struct error *error)
{
    assert(call->state != API_CALL_ENDED && status < 0);
    count(call, call->state == API_CALL_OPEN ? RPC_FAILED : RPC_LEFT);
    if (call->state == API_CALL_OPEN)
        call->door->fail(call, status, error->text);
    end(call);
}

void api_call_on_gone(struct api_call *call, void (*on_gone)(struct api_call *call, void *userdata),
                      void *userdata)
{
    assert(call->state == API_CALL_OPEN && call->on_gone == NULL);
    call->on_gone = on_gone;
    call->gone_userdata = userdata;
}

void api_call_abandon(struct api_call *call)
{
    assert(call->state == API_CALL_OPEN);
    call->state = API_CALL_ABANDONED;
    if (call->on_gone == NULL) {
        api_call_drained(call);
        return;
    }
    count(call, RPC_LEFT);
    call->on_gone(call, call->gone_userdata);
    end(call);
}
