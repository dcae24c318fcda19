/* The peer's side of the screen. */
#include "controller/cli/top/session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/cleanup.h"
#include "common/base/text.h"
#include "controller/cli/dialling.h"

#define PAGE_TIMEOUT (15 * NSEC_PER_SEC)

/* Seconds between two attempts to reach the peer. */
enum { WAIT_MAX = 5 };

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
            note_answer(session, walk, top_result_words(result));
    } else if (result->is_lost)
        session->code =
            fail(EXIT_UNREACHABLE, "the %s at %s does not answer: %s", session->model->kind->peer,
                 daemon_where(session->cli), top_result_words(result));
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
    turn_page(session, walk, top_next_page(result->response));
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
    top_set_number(request, "page_size", walk->list->page_size);
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
