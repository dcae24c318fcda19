/* What a person wants of a row: an explanation, a plan, an action. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/cleanup.h"
#include "common/base/number.h"
#include "common/base/text.h"
#include "controller/cli/action.h"
#include "controller/cli/dialling.h"
#include "controller/cli/top/session.h"

#define EXPLAIN_TIMEOUT (60 * NSEC_PER_SEC)
#define PLAN_TIMEOUT    (15 * NSEC_PER_SEC)
#define ACTION_TIMEOUT  (5 * 60 * NSEC_PER_SEC)

struct order {
    struct top_session *session;
    struct top_intention intention;
};

static void on_explained(const struct ttrpc_result *result, void *userdata)
{
    struct order *order = userdata;
    struct top_session *session = order->session;
    char text[320];

    session->is_urgent = true;
    if (result->code == TTRPC_OK) {
        session->peer->take_explanation(session->model, result->response);
    } else {
        text_format(text, sizeof(text), "%s cannot be explained: %s", order->intention.vm,
                    top_result_words(result));
        top_model_say(session->model, true, text);
    }
    free(order);
}

/* What an action brought, or why the guest refused it. */
static enum top_end describe_action(const Action *action, char *text, size_t size)
{
    int code = action_exit_code(action);
    enum top_end end = code == EXIT_DONE || code == EXIT_PARTIAL ? TOP_END_DONE
                       : code == EXIT_REFUSED                    ? TOP_END_REFUSED
                                                                 : TOP_END_FAILED;
    const char *why = action->reason;
    bool grew = action->host_returned < 0;
    uint64_t bytes = grew ? 0 - (uint64_t)action->host_returned : (uint64_t)action->host_returned;

    if (action->guest != NULL && action->guest->reason[0] != '\0')
        why = action->guest->reason;
    text_format(text, size, "%s", action->guest == NULL ? "ended" : action_outcome(action->guest));
    if (end == TOP_END_DONE && action->footprint_before != 0) {
        text_append_bytes(text, size, grew ? ", returned -" : ", returned ",
                          strlen(grew ? ", returned -" : ", returned "));
        text_append_bytes(text, size, BYTES_TEXT(bytes), strlen(BYTES_TEXT(bytes)));
    }
    if (why[0] != '\0') {
        text_append_bytes(text, size, "; ", 2);
        text_append_bytes(text, size, why, strlen(why));
    }
    return end;
}

/* Of UNAVAILABLE and the like nobody says that nothing was done: the daemon may have lost the
 * guest in the midst of it. */
static enum top_end end_of(const struct ttrpc_result *result)
{
    int code = daemon_exit_code(result->code);
    bool is_refused = code == EXIT_REFUSED || code == EXIT_NOT_FOUND || code == EXIT_USAGE;

    if (ttrpc_result_is_open(result))
        return TOP_END_OPEN;
    return is_refused ? TOP_END_REFUSED : TOP_END_FAILED;
}

static void on_acted(const struct ttrpc_result *result, void *userdata)
{
    const ActionResponse *response = (const void *)result->response;
    struct order *order = userdata;
    struct top_session *session = order->session;
    enum top_end end = end_of(result);
    char text[256];

    text_copy(text, sizeof(text), top_result_words(result));
    if (result->code == TTRPC_OK && response->action != NULL)
        end = describe_action(response->action, text, sizeof(text));
    top_model_ended(session->model, order->intention.vm, order->intention.action, end, text);
    session->acting--;
    session->is_urgent = true;
    free(order);
}

/* An older daemon has no plan: then the question stays what it is. */
static void on_planned(const struct ttrpc_result *result, void *userdata)
{
    struct order *order = userdata;

    if (result->code == TTRPC_OK)
        top_model_take_plan(order->session->model, &order->intention,
                            (const void *)result->response);
    order->session->is_urgent = true;
    free(order);
}

static int start_call(struct top_session *session, const char *method,
                      const ProtobufCMessage *request, nsec_t timeout,
                      ttrpc_result_callback on_result, const struct top_intention *intention)
{
    struct order *order = malloc(sizeof(*order));
    int r;

    if (order == NULL)
        return -ENOMEM;
    *order = (struct order){session, *intention};
    r = ttrpc_call_unary(session->connection, session->peer->service, method, request, timeout,
                         on_result, order, NULL);
    if (r < 0)
        free(order);
    return r;
}

static ProtobufCMessage *make_request(const struct top_session *session, const char *method,
                                      const char *vm)
{
    return top_make_request(session->peer->service, method, "vm", vm);
}

/* The action's own request is a field of the plan's, called as the action. */
static int start_plan(struct top_session *session, const struct top_intention *intention)
{
    cleanup_free ProtobufCMessage *action =
        make_request(session, intention->action->method, intention->vm);
    cleanup_free ProtobufCMessage *request = make_request(session, "PlanAction", intention->vm);

    if (action == NULL || request == NULL)
        return -ENOMEM;
    top_set_field(request, intention->action->name, PROTOBUF_C_TYPE_MESSAGE, action);
    return start_call(session, "PlanAction", request, PLAN_TIMEOUT, on_planned, intention);
}

static int start_action(struct top_session *session, const struct top_intention *intention)
{
    const char *method = intention->action->method;
    cleanup_free ProtobufCMessage *request = make_request(session, method, intention->vm);

    if (request == NULL)
        return -ENOMEM;
    return start_call(session, method, request, ACTION_TIMEOUT, on_acted, intention);
}

static int start_explanation(struct top_session *session, const struct top_intention *intention)
{
    const char *method = "";
    cleanup_free ProtobufCMessage *request =
        session->peer->make_explain(session->model, intention->vm, &method);

    if (request == NULL)
        return -ENOMEM;
    return start_call(session, method, request, EXPLAIN_TIMEOUT, on_explained, intention);
}

/* -EPIPE, -ENOMEM, ... */
static int start_wish(struct top_session *session, const struct top_intention *intention)
{
    if (session->connection == NULL)
        return -ENOTCONN;
    if (intention->wish == TOP_WISH_PLAN)
        return start_plan(session, intention);
    return intention->wish == TOP_WISH_ACT ? start_action(session, intention)
                                           : start_explanation(session, intention);
}

void top_session_do(struct top_session *session, const struct top_intention *intention)
{
    int r = start_wish(session, intention);
    char text[96];

    if (r < 0 && intention->wish != TOP_WISH_PLAN) {
        text_format(text, sizeof(text), "the %s does not answer: nothing was done",
                    session->model->kind->peer);
        top_model_say(session->model, true, text);
        return;
    }
    if (intention->wish != TOP_WISH_ACT)
        return;
    session->acting++;
    top_model_begun(session->model, intention->vm, intention->action);
}
