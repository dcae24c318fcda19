/* The peer's side of the screen. */
#include "controller/cli/top/session.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/cleanup.h"
#include "common/base/number.h"
#include "common/base/text.h"
#include "controller/cli/action.h"
#include "controller/cli/dialling.h"

#define PAGE_TIMEOUT    (15 * NSEC_PER_SEC)
#define EXPLAIN_TIMEOUT (60 * NSEC_PER_SEC)
#define PLAN_TIMEOUT    (15 * NSEC_PER_SEC)
#define ACTION_TIMEOUT  (5 * 60 * NSEC_PER_SEC)

/* Seconds between two attempts to reach the peer. */
enum { WAIT_MAX = 5 };

/* ---- requests ---- */

/* A text or a message, of which the field has the pointer. */
static void set_field(ProtobufCMessage *message, const char *name, ProtobufCType type,
                      const void *value)
{
    const ProtobufCFieldDescriptor *field =
        protobuf_c_message_descriptor_get_field_by_name(message->descriptor, name);

    assert(field != NULL && field->type == type);
    memcpy((char *)message + field->offset, &value, sizeof(value));
}

ProtobufCMessage *top_make_request(const ProtobufCServiceDescriptor *service, const char *method,
                                   const char *field, const char *text)
{
    const ProtobufCMethodDescriptor *row =
        protobuf_c_service_descriptor_get_method_by_name(service, method);
    ProtobufCMessage *message = malloc(row->input->sizeof_message);

    if (message == NULL)
        return NULL;
    protobuf_c_message_init(row->input, message);
    set_field(message, field, PROTOBUF_C_TYPE_STRING, text);
    return message;
}

static void set_number(ProtobufCMessage *message, const char *name, uint32_t value)
{
    const ProtobufCFieldDescriptor *field =
        protobuf_c_message_descriptor_get_field_by_name(message->descriptor, name);

    assert(field != NULL && field->type == PROTOBUF_C_TYPE_UINT32);
    memcpy((char *)message + field->offset, &value, sizeof(value));
}

/* "": it is the last page. */
static const char *next_of(const ProtobufCMessage *page)
{
    const ProtobufCFieldDescriptor *field =
        protobuf_c_message_descriptor_get_field_by_name(page->descriptor, "next_page_token");
    const char *token;

    assert(field != NULL && field->type == PROTOBUF_C_TYPE_STRING);
    memcpy(&token, (const char *)page + field->offset, sizeof(token));
    return token;
}

static const char *words_of(const struct ttrpc_result *result)
{
    return result->message[0] != '\0' ? result->message : ttrpc_code_name(result->code);
}

/* ---- lists ---- */

static void walk_on(struct top_session *session, struct top_walk *walk);

/* Somebody answers when all is answered. */
static void note_answer(struct top_session *session, struct top_walk *walk, const char *why)
{
    text_copy(walk->why, sizeof(walk->why), why);
    for (size_t i = 0; i < TOP_LISTS; i++)
        if (session->walks[i].why[0] != '\0') {
            top_model_set_away(session->model, session->walks[i].why);
            return;
        }
    top_model_set_away(session->model, "");
}

/* A connection that was lost is on_close's, once there is a screen. */
static void on_page_failed(struct top_session *session, struct top_walk *walk,
                           const struct ttrpc_result *result)
{
    walk->token[0] = '\0';
    if (session->is_ending || session->code != EXIT_DONE)
        return;
    if (session->has_answered) {
        if (!result->is_lost)
            note_answer(session, walk, words_of(result));
    } else if (result->is_lost)
        session->code =
            fail(EXIT_UNREACHABLE, "the %s at %s does not answer: %s", session->model->kind->peer,
                 daemon_where(session->cli), words_of(result));
    else
        session->code = daemon_fail_call(session->cli, walk->list->method, PAGE_TIMEOUT, result);
}

/* The first time goes without pauses. */
static void turn_page(struct top_session *session, struct top_walk *walk, const char *next)
{
    text_copy(walk->token, sizeof(walk->token), next);
    if (next[0] == '\0')
        walk->passes++;
    else if (walk->passes == 0)
        walk_on(session, walk);
}

/* The first list is on the screen; the second has its turn behind it. */
static void on_first_page(struct top_session *session)
{
    session->has_answered = true;
    session->losses = 0;
    session->is_urgent = true;
    if (session->walks[1].passes == 0)
        walk_on(session, &session->walks[1]);
}

static void on_page(const struct ttrpc_result *result, void *userdata)
{
    struct top_walk *walk = userdata;
    struct top_session *session = walk->session;

    walk->is_under_way = false;
    if (result->code != TTRPC_OK) {
        on_page_failed(session, walk, result);
        return;
    }
    if (walk->list->take(session->model, result->response) < 0)
        top_model_say(session->model, true, "out of memory: some are not shown");
    note_answer(session, walk, "");
    session->is_urgent = session->is_urgent || walk->passes == 0;
    turn_page(session, walk, next_of(result->response));
    if (walk == &session->walks[0])
        on_first_page(session);
}

/* Asks for the next page, unless one is on its way. */
static void walk_on(struct top_session *session, struct top_walk *walk)
{
    const ProtobufCServiceDescriptor *service = session->peer->service;
    cleanup_free ProtobufCMessage *request = NULL;

    if (walk->is_under_way || session->connection == NULL || session->is_ending)
        return;
    request = top_make_request(service, walk->list->method, "page_token", walk->token);
    if (request == NULL)
        return;
    set_number(request, "page_size", walk->list->page_size);
    if (walk->list->prepare != NULL)
        walk->list->prepare(request);
    walk->is_under_way = ttrpc_call_unary(session->connection, service, walk->list->method, request,
                                          PAGE_TIMEOUT, on_page, walk, NULL) == 0;
}

static void begin_walks(struct top_session *session)
{
    for (size_t i = 0; i < TOP_LISTS; i++)
        session->walks[i] = (struct top_walk){.session = session, .list = &session->peer->lists[i]};
}

/* ---- events ---- */

static void on_event(const ProtobufCMessage *message, void *userdata)
{
    struct top_session *session = userdata;

    top_model_take_event(session->model, (const Event *)message);
}

/* It has no end of its own: it is asked for again. */
static void on_events_ended(const struct ttrpc_result *result, void *userdata)
{
    struct top_session *session = userdata;

    session->is_watching = false;
}

static void watch(struct top_session *session)
{
    Vmreclaim__Controller__V1__WatchEventsRequest request =
        VMRECLAIM__CONTROLLER__V1__WATCH_EVENTS_REQUEST__INIT;

    if (session->is_watching || !session->peer->has_events)
        return;
    session->is_watching =
        ttrpc_call_stream(session->connection, session->peer->service, "WatchEvents", &request.base,
                          0, on_event, on_events_ended, session, NULL) == 0;
}

/* ---- what a person wants ---- */

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
                    words_of(result));
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

    text_copy(text, sizeof(text), words_of(result));
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
    set_field(request, intention->action->name, PROTOBUF_C_TYPE_MESSAGE, action);
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

/* ---- the connection ---- */

/* It is dialled again, ever less often. */
static void lose(struct top_session *session, const char *why)
{
    session->losses++;
    session->wait = min_of(session->losses, (unsigned)WAIT_MAX);
    top_model_set_away(session->model, why);
    session->is_urgent = true;
}

static void on_close(struct ttrpc_connection *connection, int status, const char *reason,
                     void *userdata)
{
    struct top_session *session = userdata;

    session->connection = NULL;
    if (session->is_ending)
        return;
    if (session->has_answered)
        lose(session, reason);
    else if (session->code == EXIT_DONE)
        session->code = fail(EXIT_UNREACHABLE, "the %s at %s went away: %s",
                             session->model->kind->peer, daemon_where(session->cli), reason);
}

static void on_dialled(int descriptor, const struct error *error, void *userdata)
{
    struct top_session *session = userdata;
    struct ttrpc_connection_options options = {
        .limits = ttrpc_limits_default, .userdata = session, .on_close = on_close};
    int r = descriptor;

    session->is_dialling = false;
    options.limits.frame_bytes = DAEMON_FRAME_BYTES;
    daemon_say_who(&options);
    if (descriptor >= 0)
        r = ttrpc_connection_create(session->loop, descriptor, &options, &session->connection);
    if (r < 0) {
        if (session->has_answered)
            lose(session, error->text[0] != '\0' ? error->text : strerror(-r));
        else
            session->code = daemon_fail_dial(session->cli, r, error);
        return;
    }
    if (session->is_ending) {
        ttrpc_connection_close(session->connection);
        return;
    }
    begin_walks(session);
    walk_on(session, &session->walks[0]);
    watch(session);
}

/* Once the screen is there nobody can be asked for a password. */
static void dial(struct top_session *session)
{
    struct error error = {""};
    int r;

    session->cli->is_unattended = session->has_answered;
    r = daemon_dial(session->cli, session->loop, on_dialled, session, &error);
    session->is_dialling = r == 0;
    if (r == 0)
        return;
    if (session->has_answered)
        lose(session, error.text);
    else
        session->code = fail(r == -EINVAL ? EXIT_USAGE : EXIT_UNREACHABLE, "%s", error.text);
}

void top_session_start(struct top_session *session, const struct top_peer *peer, struct cli *cli,
                       uv_loop_t *loop, struct top_model *model)
{
    *session = (struct top_session){.peer = peer, .cli = cli, .loop = loop, .model = model};
    begin_walks(session);
    dial(session);
}

bool top_session_hears(const struct top_session *session)
{
    return session->connection != NULL && !session->walks[0].is_under_way;
}

void top_session_tick(struct top_session *session)
{
    if (session->connection != NULL) {
        watch(session);
        for (size_t i = 0; i < TOP_LISTS; i++)
            walk_on(session, &session->walks[i]);
    } else if (session->wait > 0)
        session->wait--;
    else if (!session->is_dialling)
        dial(session);
}

void top_session_end(struct top_session *session)
{
    session->is_ending = true;
    if (session->connection != NULL)
        ttrpc_connection_close(session->connection);
}
