/* Sessions with microVMs' APIs. */
#include "controller/hypervisors/microvm/session.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "controller/hypervisors/http/client.h"

#define POLL_TIMEOUT (3 * NSEC_PER_SEC)
#define MOVING_MAX   (60 * NSEC_PER_SEC) /* a balloon that has not arrived by then is stuck */

enum session_state {
    SESSION_OPENING,
    SESSION_READY,
    SESSION_FAILED, /* on_failed ran, or is about to; waits for close */
    SESSION_CLOSED,
};

struct driver_session {
    const struct microvm_kind *kind;
    struct http_client *client; /* NULL: failed or closed */
    const struct driver_callbacks *callbacks;
    void *userdata;
    enum session_state state;
    unsigned users; /* frames of ours that go on after a callback */
    struct microvm_view view;
    nsec_t heard;
    /* why pending operations end, once it failed */
    int status;
    struct error error;
    /* a balloon that moves */
    nsec_t moving_until; /* CLOCK_MONOTONIC; 0: it does not */
    uint64_t target;
    uint64_t told; /* its size before it was read */
    bool is_polling;
};

struct operation;

/* Makes a result of what is known now. */
typedef void (*fill_result)(const struct microvm_view *view, struct driver_result *result);

struct operation {
    struct driver_session *session;
    const struct microvm_step *step;
    fill_result fill;
    nsec_t deadline; /* CLOCK_MONOTONIC */
    uint64_t target; /* of set_balloon, else 0 */
    driver_done done;
    void *userdata;
};

/* ---- life ---- */

static void hold(struct driver_session *session)
{
    session->users++;
}

static void let_go(struct driver_session *session)
{
    if (--session->users == 0 && session->state == SESSION_CLOSED)
        free(session);
}

/* What is pending ends from inside. */
static void drop_client(struct driver_session *session)
{
    struct http_client *client = session->client;

    if (client != NULL)
        session->heard = http_client_heard(client);
    session->client = NULL;
    http_client_destroy(client);
}

static void fail_session(struct driver_session *session, int status, const struct error *error)
{
    if (session->state >= SESSION_FAILED)
        return;
    session->state = SESSION_FAILED;
    session->status = status;
    session->error = *error;
    hold(session);
    drop_client(session);
    if (session->state == SESSION_FAILED)
        session->callbacks->on_failed(status, &session->error, session->userdata);
    let_go(session);
}

/* ---- operations ---- */

static void end_operation(struct operation *operation, const struct driver_result *result)
{
    driver_done done = operation->done;
    void *userdata = operation->userdata;

    free(operation);
    done(result, userdata);
}

static enum driver_outcome outcome_of(const struct http_answer *answer)
{
    return answer->was_sent ? DRIVER_OUTCOME_UNKNOWN : DRIVER_OUTCOME_NOT_DONE;
}

/* The socket's failures end the session; deadlines and shortness of memory do not. */
static bool ends_session(int status)
{
    return status != -ETIMEDOUT && status != -ECANCELED && status != -ENOMEM;
}

static void on_no_answer(struct operation *operation, const struct http_answer *answer)
{
    struct driver_session *session = operation->session;
    bool has_failed = answer->status == -ECANCELED && session->state == SESSION_FAILED;
    struct driver_result result = {
        .status = has_failed ? session->status : answer->status,
        .error = has_failed ? &session->error : answer->error,
        .outcome = outcome_of(answer),
    };
    struct error error = *answer->error;

    end_operation(operation, &result);
    if (ends_session(answer->status))
        fail_session(session, answer->status, &error);
}

static void refuse(struct operation *operation, int status, enum driver_outcome outcome,
                   const struct error *error)
{
    end_operation(operation,
                  &(struct driver_result){.status = status, .error = error, .outcome = outcome});
}

static int describe_refusal(const struct operation *operation, const struct microvm_reply *reply,
                            struct error *error)
{
    const struct microvm_kind *kind = operation->session->kind;
    char words[256] = "";

    if (reply->code == 503)
        return error_set(error, -EAGAIN, "%s serves ten connections and others have them all",
                         kind->name);
    kind->describe(reply->body, words, sizeof(words));
    return error_set(error, -EREMOTEIO, "%s refused with status %d: %s", kind->name, reply->code,
                     words[0] == '\0' ? "no reason given" : words);
}

static void complete(struct operation *operation)
{
    struct driver_session *session = operation->session;
    struct driver_result result = {.outcome = DRIVER_OUTCOME_DONE};

    if (operation->target != 0) {
        session->target = operation->target;
        session->moving_until = time_monotonic() + MOVING_MAX;
    }
    if (operation->fill != NULL)
        operation->fill(&session->view, &result);
    end_operation(operation, &result);
}

/* The next question that is due; false: none is. */
static bool find_step(struct operation *operation)
{
    while (operation->step->path != NULL && operation->step->is_due != NULL &&
           !operation->step->is_due(&operation->session->view))
        operation->step++;
    return operation->step->path != NULL;
}

static void on_answer(const struct http_answer *answer, void *userdata);

static nsec_t time_left(const struct operation *operation)
{
    nsec_t now = time_monotonic();

    return operation->deadline > now ? operation->deadline - now : 1;
}

static void go_on(struct operation *operation)
{
    struct error error;
    int r;

    operation->step++;
    if (!find_step(operation)) {
        complete(operation);
        return;
    }
    r = http_client_ask(operation->session->client, "GET", operation->step->path, NULL,
                        time_left(operation), on_answer, operation);
    if (r == 0)
        return;
    error_set(&error, r, "%s: cannot ask: %s", operation->session->kind->name, strerror(-r));
    refuse(operation, r, DRIVER_OUTCOME_NOT_DONE, &error);
}

/* False: the operation ended, and so may the session. */
static bool take_answer(struct operation *operation, const struct microvm_reply *reply)
{
    struct driver_session *session = operation->session;
    const struct microvm_step *step = operation->step;
    struct error error;
    int r = 0;

    if (reply->code / 100 == 2)
        r = step->take == NULL ? 0 : step->take(&session->view, reply, &error);
    else if (step->take_refusal == NULL || !step->take_refusal(&session->view, reply))
        r = describe_refusal(operation, reply, &error);
    if (r == 0)
        return true;
    refuse(operation, r, DRIVER_OUTCOME_NOT_DONE, &error);
    if (r == -EPROTO)
        fail_session(session, r, &error);
    return false;
}

/* Another process at the same path is another VM. */
static bool check_peer(struct operation *operation, pid_t peer)
{
    struct driver_session *session = operation->session;
    pid_t known = session->view.facts.pid;
    struct error error;

    if (known == 0 || peer == 0 || known == peer)
        return true;
    error_set(&error, -ECONNRESET, "%s: process %d serves there now, %d is gone",
              session->kind->name, (int)peer, (int)known);
    refuse(operation, -ECONNRESET, DRIVER_OUTCOME_UNKNOWN, &error);
    fail_session(session, -ECONNRESET, &error);
    return false;
}

static void on_answer(const struct http_answer *answer, void *userdata)
{
    struct operation *operation = userdata;
    struct driver_session *session = operation->session;
    struct microvm_reply reply = {
        .peer = answer->peer, .code = answer->code, .now = (int64_t)time(NULL)};
    json_t *body;

    hold(session);
    if (answer->status < 0) {
        on_no_answer(operation, answer);
    } else if (check_peer(operation, answer->peer)) {
        body = json_loadb(answer->body, answer->length, JSON_DECODE_INT_AS_REAL, NULL);
        reply.body = body;
        if (take_answer(operation, &reply))
            go_on(operation);
        json_decref(body);
    }
    let_go(session);
}

static struct operation *operation_create(struct driver_session *session,
                                          const struct microvm_step *steps, nsec_t timeout,
                                          driver_done done, void *userdata)
{
    struct operation *operation = calloc(1, sizeof(*operation));

    if (operation == NULL)
        return NULL;
    operation->session = session;
    operation->step = steps;
    operation->deadline = time_monotonic() + timeout;
    operation->done = done;
    operation->userdata = userdata;
    return operation;
}

static int start(struct driver_session *session, const struct microvm_step *steps, fill_result fill,
                 nsec_t timeout, driver_done done, void *userdata)
{
    struct operation *operation;
    int r;

    if (session->client == NULL)
        return -ENOTCONN;
    operation = operation_create(session, steps, timeout, done, userdata);
    if (operation == NULL)
        return -ENOMEM;
    operation->fill = fill;
    r = find_step(operation) ? http_client_ask(session->client, "GET", operation->step->path, NULL,
                                               timeout, on_answer, operation)
                             : -EOPNOTSUPP;
    if (r < 0)
        free(operation);
    return r;
}

/* ---- what is asked ---- */

static void fill_facts(const struct microvm_view *view, struct driver_result *result)
{
    result->facts = &view->facts;
}

static void fill_balloon(const struct microvm_view *view, struct driver_result *result)
{
    result->balloon_actual = view->facts.balloon_actual;
    result->balloon_maximum = view->facts.balloon_maximum;
}

static void fill_statistics(const struct microvm_view *view, struct driver_result *result)
{
    result->statistics = &view->statistics;
}

static int set_balloon(struct driver_session *session, uint64_t bytes, nsec_t timeout,
                       driver_done done, void *userdata)
{
    static const struct microvm_step command[] = {{.path = ""}, {.path = NULL}};
    char body[MICROVM_BODY_SIZE];
    struct operation *operation;
    int r;

    if (bytes == 0 || bytes > INT64_MAX)
        return -ERANGE;
    if ((session->view.facts.capabilities & DRIVER_CAN_SET_BALLOON) == 0)
        return -ENODEV;
    operation = operation_create(session, command, timeout, done, userdata);
    if (operation == NULL)
        return -ENOMEM;
    operation->target = bytes;
    session->kind->write_set(&session->view, bytes, body);
    r = http_client_ask(session->client, session->kind->set_method, session->kind->set_path, body,
                        timeout, on_answer, operation);
    if (r < 0)
        free(operation);
    return r;
}

int microvm_start(struct driver_session *session, enum driver_operation operation, uint64_t value,
                  nsec_t timeout, driver_done done, void *userdata)
{
    const struct microvm_kind *kind = session->kind;
    const struct driver_facts *facts = &session->view.facts;

    if (session->state != SESSION_READY)
        return -ENOTCONN;
    switch (operation) {
    case DRIVER_READ_FACTS:
        return start(session, kind->facts, fill_facts, timeout, done, userdata);
    case DRIVER_READ_BALLOON:
        if (facts->balloon != ANSWER_YES)
            return -ENODEV;
        return start(session, kind->balloon, fill_balloon, timeout, done, userdata);
    case DRIVER_READ_STATISTICS:
        if ((facts->capabilities & DRIVER_CAN_READ_STATISTICS) == 0)
            return -EOPNOTSUPP;
        return start(session, kind->statistics, fill_statistics, timeout, done, userdata);
    case DRIVER_SET_BALLOON:
        return set_balloon(session, value, timeout, done, userdata);
    default:
        return -EOPNOTSUPP;
    }
}

/* ---- a balloon that moves ---- */

static void on_polled(const struct driver_result *result, void *userdata)
{
    struct driver_session *session = userdata;
    uint64_t actual = result->balloon_actual;

    session->is_polling = false;
    if (result->status < 0 || session->state != SESSION_READY)
        return;
    if (actual == session->target)
        session->moving_until = 0;
    if (actual != session->told)
        session->callbacks->on_event(DRIVER_EVENT_BALLOON, session->userdata);
}

static void poll_balloon(struct driver_session *session, nsec_t now)
{
    if (session->state != SESSION_READY || session->moving_until == 0 || session->is_polling)
        return;
    if (now >= session->moving_until) {
        session->moving_until = 0;
        return;
    }
    session->told = session->view.facts.balloon_actual;
    session->is_polling =
        start(session, session->kind->balloon, fill_balloon, POLL_TIMEOUT, on_polled, session) == 0;
}

void microvm_tick(struct driver_session *session, nsec_t now)
{
    hold(session);
    if (session->client != NULL)
        http_client_tick(session->client, now);
    poll_balloon(session, now);
    let_go(session);
}

/* ---- the session ---- */

static void on_first_facts(const struct driver_result *result, void *userdata)
{
    struct driver_session *session = userdata;
    int status = result->status;

    if (session->state != SESSION_OPENING)
        return;
    if (status == 0) {
        session->state = SESSION_READY;
        session->callbacks->on_ready(result->facts, session->userdata);
        return;
    }
    if (status == -ETIMEDOUT && microvm_heard(session) != 0)
        status = -EBUSY;
    fail_session(session, status, result->error);
}

int microvm_open(uv_loop_t *loop, const char *where, nsec_t timeout,
                 const struct microvm_kind *kind, const struct driver_callbacks *callbacks,
                 void *userdata, struct driver_session **ret_session)
{
    struct driver_session *session = calloc(1, sizeof(*session));
    int r;

    if (session == NULL)
        return -ENOMEM;
    session->kind = kind;
    session->callbacks = callbacks;
    session->userdata = userdata;
    r = http_client_create(loop, where, &session->client);
    if (r == 0)
        r = start(session, kind->facts, fill_facts, timeout, on_first_facts, session);
    if (r < 0) {
        http_client_destroy(session->client);
        free(session);
        return r;
    }
    *ret_session = session;
    return 0;
}

void microvm_close(struct driver_session *session)
{
    if (session == NULL)
        return;
    assert(session->state != SESSION_CLOSED);
    hold(session);
    session->state = SESSION_CLOSED;
    drop_client(session);
    let_go(session);
}

nsec_t microvm_heard(const struct driver_session *session)
{
    return session->client == NULL ? session->heard : http_client_heard(session->client);
}

/* ---- JSON ---- */

uint64_t microvm_number(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    double number = json_is_number(value) ? json_number_value(value) : -1;

    return number >= 0 && number < 0x1p53 ? (uint64_t)number : UINT64_MAX;
}

const char *microvm_text(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text == NULL ? "" : text;
}

enum answer microvm_answer(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);

    if (!json_is_boolean(value))
        return ANSWER_UNKNOWN;
    return json_is_true(value) ? ANSWER_YES : ANSWER_NO;
}
