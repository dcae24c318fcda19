/* Dialling, listening, and what becomes of connections. Theory of operation: connection.h. */
#include "agent/core/connection.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/list.h"
#include "common/base/log.h"
#include "common/base/number.h"
#include "common/base/random.h"
#include "common/transport/transport.h"

#define BACK_OFF_FIRST (200 * NSEC_PER_MSEC)
#define BACK_OFF_LIMIT (2 * NSEC_PER_SEC)  /* while a controller is likely to be back soon */
#define BACK_OFF_QUIET (60 * NSEC_PER_SEC) /* in the long run */
#define BACK_OFF_PART  4                   /* in between: this part of the time alone */
#define RETURN_TIME    (600 * NSEC_PER_SEC)
#define DIAL_TIMEOUT   (2 * NSEC_PER_SEC)
#define WATCH_TIMEOUT  (2 * NSEC_PER_SEC)

/* The host may only keep this much unread: samples are coalesced past half of it. */
#define QUEUED_BYTES_MAX ((uint64_t)64 * 1024)

/* Of each text of a request: ids, who asks, the keys and values of a policy. */
#define TEXT_BYTES_MAX 256

enum state {
    STATE_NONE, /* this agent does not dial */
    STATE_WAITING,
    STATE_DIALLING,
    STATE_UNWATCHED,
    STATE_WATCHED,
    STATE_COUNT,
};

/* allowed[from] has a bit for each state that may follow. */
static const unsigned allowed[STATE_COUNT] = {
    [STATE_NONE] = 1u << STATE_WAITING,
    [STATE_WAITING] = 1u << STATE_DIALLING,
    [STATE_DIALLING] = 1u << STATE_WAITING | 1u << STATE_UNWATCHED,
    [STATE_UNWATCHED] = 1u << STATE_WAITING | 1u << STATE_WATCHED,
    [STATE_WATCHED] = 1u << STATE_WAITING,
};

/* One ttRPC connection. */
struct session {
    struct connections *owner;
    struct list link;
    struct ttrpc_connection *connection;
    bool dialled;
};

struct connections {
    uv_loop_t *loop;
    struct connections_options options;
    struct list sessions; /* oldest first */
    unsigned session_count;
    struct listener *listener;
    struct host_gate gate; /* who may come by it */
    /* dialling */
    enum state state;
    struct dial *dial;
    uv_timer_t timer;
    unsigned attempt;
    nsec_t delay;      /* of the timer, while WAITING */
    nsec_t lone_since; /* boottime: for this long no controller is to be expected */
    int last_failure;  /* the last dial's error that was logged */
    bool closing;
    bool timer_closed;
};

static void start_dial(struct connections *connections);

static void set_state(struct connections *connections, enum state state)
{
    assert((allowed[connections->state] & 1u << state) != 0);
    connections->state = state;
}

/* What holds between any two events. */
static void check_state(const struct connections *connections)
{
    assert((connections->state == STATE_DIALLING) == (connections->dial != NULL));
    assert((connections->session_count == 0) == list_is_empty(&connections->sessions));
    assert(connections->state != STATE_UNWATCHED || connections->session_count > 0);
    assert(connections->state != STATE_WATCHED || connections->session_count > 0);
    assert(connections->state == STATE_NONE || connections->options.dial != NULL);
}

static void maybe_free(struct connections *connections)
{
    if (connections->closing && connections->timer_closed && connections->session_count == 0)
        free(connections);
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct connections *connections = handle->data;

    connections->timer_closed = true;
    maybe_free(connections);
}

static void start_timer(struct connections *connections, uv_timer_cb callback, nsec_t delay)
{
    /* The loop's clock stands still while a callback works. */
    uv_update_time(connections->loop);
    uv_timer_start(&connections->timer, callback, delay / NSEC_PER_MSEC, 0);
}

nsec_t connection_back_off(unsigned attempt, nsec_t alone, uint32_t random)
{
    nsec_t limit = min_of(alone / BACK_OFF_PART, BACK_OFF_QUIET);
    nsec_t delay = BACK_OFF_FIRST << min_of(attempt, 9u);

    limit = max_of(limit, BACK_OFF_LIMIT);
    delay = min_of(delay, limit);
    assert(BACK_OFF_FIRST <= delay && delay <= max_of(BACK_OFF_LIMIT, BACK_OFF_QUIET));
    /* Between half and whole: spread, yet no busy dialling. */
    return delay / 2 + (delay / 2 * random >> 32);
}

static void on_back_off_over(uv_timer_t *timer)
{
    start_dial(timer->data);
}

static void wait_and_redial(struct connections *connections)
{
    nsec_t now = time_boottime();
    nsec_t alone = saturating_subtract(now, connections->lone_since);

    if (connections->closing)
        return;
    set_state(connections, STATE_WAITING);
    connections->delay =
        connection_back_off(connections->attempt++, alone, (uint32_t)random_bits());
    start_timer(connections, on_back_off_over, connections->delay);
}

void connections_awake(struct connections *connections)
{
    nsec_t left;

    if (connections == NULL || connections->closing || connections->state != STATE_WAITING)
        return;
    left = uv_timer_get_due_in(&connections->timer) * NSEC_PER_MSEC;
    if (left > connections->delay / 3 * 2)
        return;
    uv_timer_stop(&connections->timer);
    start_dial(connections);
}

/* ---- sessions ---- */

static void on_session_closed(struct ttrpc_connection *connection, int status, const char *reason,
                              void *userdata)
{
    struct session *session = userdata;
    struct connections *connections = session->owner;

    if (session->dialled && connections->state == STATE_WATCHED && !connections->closing) {
        connections->lone_since = time_boottime() + RETURN_TIME;
        log_notice("the controller is gone: %s; working on under the last policy", reason);
    } else if (status != 0) {
        log_debug("connection closed: %s", reason);
    }
    list_remove(&session->link);
    assert(connections->session_count > 0);
    connections->session_count--;
    if (session->dialled)
        wait_and_redial(connections);
    free(session);
    maybe_free(connections);
}

static int start_session(struct connections *connections, int descriptor, bool dialled)
{
    struct ttrpc_connection_options options = {
        .limits = ttrpc_limits_default,
        .services = connections->options.services,
        .on_close = on_session_closed,
    };
    struct session *session = calloc(1, sizeof(*session));
    int r;

    if (session == NULL) {
        close(descriptor);
        return -ENOMEM;
    }
    session->owner = connections;
    session->dialled = dialled;
    options.limits.text_bytes = TEXT_BYTES_MAX;
    options.userdata = session;
    options.limits.queued_bytes = QUEUED_BYTES_MAX;
    r = ttrpc_connection_create(connections->loop, descriptor, &options, &session->connection);
    if (r < 0) {
        free(session);
        return r;
    }
    list_append(&connections->sessions, &session->link);
    connections->session_count++;
    assert(!dialled || connections->state == STATE_DIALLING);
    return 0;
}

/* ---- dialling ---- */

static void on_nobody_watches(uv_timer_t *timer)
{
    struct connections *connections = timer->data;

    assert(connections->state == STATE_UNWATCHED);
    log_debug("connected, but nobody opened Watch within 2 s; dialling again");
    list_for_each (link, &connections->sessions) {
        struct session *session = list_entry(link, struct session, link);
        if (session->dialled)
            ttrpc_connection_close(session->connection);
    }
}

static void report_dial_failure(struct connections *connections, int r, const char *reason)
{
    if (r == connections->last_failure)
        return;
    connections->last_failure = r;
    log_info("no controller yet: %s", reason);
    log_info(r == -ENODEV || r == -EAFNOSUPPORT || r == -EACCES
                 ? "working alone, and trying again; what is missing: vmreclaim-agent --doctor"
                 : "working alone, and trying again; on the host: systemctl status vmreclaimd");
}

static void on_dialled(int descriptor, const struct error *error, void *userdata)
{
    struct connections *connections = userdata;
    int r = descriptor;

    check_state(connections);
    assert(connections->state == STATE_DIALLING); /* it is answered once */
    connections->dial = NULL;
    if (r >= 0)
        r = start_session(connections, descriptor, true);
    if (r < 0) {
        report_dial_failure(connections, r, descriptor < 0 ? error->text : strerror(-r));
        wait_and_redial(connections);
        return;
    }
    set_state(connections, STATE_UNWATCHED);
    start_timer(connections, on_nobody_watches, WATCH_TIMEOUT);
    check_state(connections);
}

static void start_dial(struct connections *connections)
{
    int r;

    set_state(connections, STATE_DIALLING);
    r = dial_start(connections->loop, connections->options.dial, DIAL_TIMEOUT, on_dialled,
                   connections, &connections->dial);
    if (r < 0) {
        report_dial_failure(connections, r, strerror(-r));
        wait_and_redial(connections);
    }
}

/* ---- listening ---- */

static void close_oldest(struct connections *connections)
{
    struct session *oldest = list_entry(connections->sessions.next, struct session, link);

    log_info("more than %d connections; the oldest is closed", CONNECTIONS_MAX);
    /* Moved to the end, so that the next one in need closes another. */
    list_remove(&oldest->link);
    list_append(&connections->sessions, &oldest->link);
    ttrpc_connection_close(oldest->connection);
}

static void on_accept(int descriptor, const struct peer *peer, void *userdata)
{
    struct connections *connections = userdata;

    if (!host_gate_admits(&connections->gate, peer, time_boottime())) {
        close(descriptor);
        return;
    }
    if (connections->session_count >= CONNECTIONS_MAX)
        close_oldest(connections);
    if (start_session(connections, descriptor, false) < 0)
        log_warning("a connection could not be taken: out of memory");
}

/* ---- the whole ---- */

int connections_create(uv_loop_t *loop, const struct connections_options *options,
                       struct connections **ret_connections, struct error *error)
{
    struct connections *connections = calloc(1, sizeof(*connections));

    if (connections == NULL)
        return error_set(error, -ENOMEM, "out of memory");
    connections->loop = loop;
    connections->options = *options;
    connections->lone_since = time_boottime();
    list_init(&connections->sessions);
    host_gate_init(&connections->gate, options->root, options->host_port);
    uv_timer_init(loop, &connections->timer);
    connections->timer.data = connections;
    if (options->listen != NULL) {
        int r = listener_create(loop, options->listen, 0600, on_accept, connections,
                                &connections->listener, error);
        if (r < 0) {
            connections_destroy(connections);
            return error_prefix(error, r, "cannot listen for the controller");
        }
    }
    if (options->dial != NULL) {
        set_state(connections, STATE_WAITING);
        start_dial(connections);
    }
    *ret_connections = connections;
    return 0;
}

void connections_destroy(struct connections *connections)
{
    if (connections == NULL)
        return;
    connections->closing = true;
    listener_destroy(connections->listener);
    dial_cancel(connections->dial);
    list_for_each (link, &connections->sessions)
        ttrpc_connection_close(list_entry(link, struct session, link)->connection);
    uv_close((uv_handle_t *)&connections->timer, on_timer_closed);
}

void *connection_userdata(const struct ttrpc_call *call)
{
    const struct session *session = ttrpc_call_connection_userdata(call);

    return session->owner->options.userdata;
}

void connection_is_watched(const struct ttrpc_call *call)
{
    const struct session *session = ttrpc_call_connection_userdata(call);
    struct connections *connections = session->owner;

    if (!session->dialled || connections->state != STATE_UNWATCHED)
        return;
    uv_timer_stop(&connections->timer);
    set_state(connections, STATE_WATCHED);
    connections->attempt = 0;
    connections->last_failure = 0;
    check_state(connections);
    log_notice("a controller watches");
}
