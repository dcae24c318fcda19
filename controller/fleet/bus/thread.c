/* The thread that owns every call into libnats. */
#include "controller/fleet/bus/thread.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/random.h"
#include "common/base/time.h"
#include "common/base/util.h"
#include "controller/fleet/bus/arrivals.h"
#include "controller/fleet/bus/following.h"
#include "controller/fleet/bus/problem.h"
#include "controller/fleet/bus/requests.h"
#include "controller/fleet/bus/streams.h"

#define CONNECT_MS  2000
#define WRITE_MS    2000 /* a server that does not read is another one's turn */
#define PING_MS     5000
#define JITTER_MS   5000
#define AGAIN_FIRST (1 * NSEC_PER_SEC)
#define AGAIN_MOST  (10 * NSEC_PER_SEC)

/* ---- what comes by itself, on threads of libnats ---- */

static const char *last_error(natsConnection *connection, char *ret_text, size_t size)
{
    const char *text = NULL;
    natsStatus s = natsConnection_GetLastError(connection, &text);

    if (s == NATS_OK || text == NULL || text[0] == '\0')
        return "the connection was lost";
    return bus_problem(s, text, ret_text, size);
}

/* Of one that is closed for good the thread tells. */
static void on_lost(natsConnection *connection, void *userdata)
{
    char problem[BUS_PROBLEM_SIZE];

    if (!natsConnection_IsClosed(connection))
        arrivals_tell_state(userdata, false, last_error(connection, problem, sizeof(problem)));
}

/* libnats goes on with its subscriptions; the servers may have lost what they are to. */
static void on_back(natsConnection *connection, void *userdata)
{
    struct bus *bus = userdata;

    if (bus->options.stream_count > 0)
        arrivals_note_behind(bus);
    arrivals_tell_state(bus, true, "");
}

/* Nothing of the connection is called back any more: we hung up, or libnats has given up. */
static void on_closed(natsConnection *connection, void *userdata)
{
    arrivals_count_open(userdata, -1);
}

/* A subscription that lost messages does not recover by itself. */
static void on_error(natsConnection *connection, natsSubscription *subscription, natsStatus error,
                     void *userdata)
{
    if (error == NATS_SLOW_CONSUMER || error == NATS_MISMATCH || error == NATS_MISSED_HEARTBEAT)
        arrivals_note_behind(userdata);
}

/* ---- the connection ---- */

static natsStatus set_servers(natsOptions *options, const char *servers)
{
    const char *list[16];
    char *copy = strdup(servers);
    char *rest = NULL;
    int count = 0;
    natsStatus status;

    if (copy == NULL)
        return NATS_NO_MEMORY;
    for (char *server = strtok_r(copy, ",", &rest); server != NULL && count < 16;
         server = strtok_r(NULL, ",", &rest))
        list[count++] = server;
    status = count == 0 ? NATS_INVALID_ARG : natsOptions_SetServers(options, list, count);
    free(copy);
    return status;
}

static natsStatus set_trust(natsOptions *options, const struct bus *bus)
{
    natsStatus s = NATS_OK;

    if (strstr(bus->options.servers, "tls://") != NULL || bus->options.authority != NULL)
        TRY(s, natsOptions_SetSecure(options, true));
    if (bus->options.authority != NULL)
        TRY(s, natsOptions_LoadCATrustedCertificates(options, bus->options.authority));
    if (bus->options.nkey != NULL)
        TRY(s, natsOptions_SetNKeyFromSeed(options, bus->public_key, bus->options.nkey));
    return s;
}

/* Its defaults hang, give up, or come back all at once. */
static natsStatus set_manners(natsOptions *options, struct bus *bus)
{
    natsStatus s = NATS_OK;

    TRY(s, natsOptions_SetName(options, bus->options.name));
    TRY(s, natsOptions_SetTimeout(options, CONNECT_MS));
    TRY(s, natsOptions_SetWriteDeadline(options, WRITE_MS));
    TRY(s, natsOptions_SetPingInterval(options, PING_MS));
    TRY(s, natsOptions_SetMaxReconnect(options, -1));
    TRY(s, natsOptions_SetReconnectJitter(options, JITTER_MS, JITTER_MS));
    TRY(s, natsOptions_SetIgnoreDiscoveredServers(options, true));
    TRY(s, natsOptions_SetDisconnectedCB(options, on_lost, bus));
    TRY(s, natsOptions_SetReconnectedCB(options, on_back, bus));
    TRY(s, natsOptions_SetClosedCB(options, on_closed, bus));
    TRY(s, natsOptions_SetErrorHandler(options, on_error, bus));
    if (bus->options.inbox != NULL)
        TRY(s, natsOptions_SetCustomInboxPrefix(options, bus->options.inbox));
    return s;
}

static void hang_up(struct bus *bus, struct bus_link *link)
{
    following_end(bus);
    jsCtx_Destroy(link->stream);
    natsConnection_Destroy(link->connection);
    link->stream = NULL;
    link->connection = NULL;
}

static natsStatus connect_with(struct bus *bus, natsOptions *options, struct bus_link *link)
{
    jsOptions stream;
    natsStatus s = set_servers(options, bus->options.servers);

    (void)jsOptions_Init(&stream);
    stream.Wait = LINK_WAIT_MS;
    TRY(s, set_manners(options, bus));
    TRY(s, set_trust(options, bus));
    TRY(s, natsConnection_Connect(&link->connection, options));
    if (s == NATS_OK)
        arrivals_count_open(bus, 1);
    TRY(s, natsConnection_JetStream(&link->stream, link->connection, &stream));
    TRY(s, streams_make(bus, link));
    TRY(s, following_begin(bus, link));
    return s;
}

/* Not all of a fleet at once. */
static void try_later(struct bus_link *link)
{
    link->pause = link->pause == 0 ? AGAIN_FIRST : min_of(2 * link->pause, AGAIN_MOST);
    link->due = time_monotonic() + link->pause / 2 + random_bits() % (link->pause / 2);
}

static natsStatus connect_now(struct bus *bus, struct bus_link *link)
{
    natsOptions *options = NULL;
    natsStatus s = natsOptions_Create(&options);

    TRY(s, connect_with(bus, options, link));
    natsOptions_Destroy(options);
    return s;
}

/* Each problem is told once, and it is tried again ever more rarely. libnats 3.4.1 signs about one
 * of 250 of a server's questions wrongly: that is no key that the server does not know. */
static void connect_once(struct bus *bus, struct bus_link *link)
{
    natsStatus s = connect_now(bus, link);
    char problem[BUS_PROBLEM_SIZE];

    if (s == NATS_CONNECTION_AUTH_FAILED) {
        hang_up(bus, link);
        s = connect_now(bus, link);
    }
    if (s == NATS_OK) {
        link->pause = 0;
        link->told[0] = '\0';
        arrivals_tell_state(bus, true, "");
        return;
    }
    (void)bus_problem(s, nats_GetLastError(NULL), problem, sizeof(problem));
    hang_up(bus, link);
    if (strcmp(problem, link->told) != 0)
        arrivals_tell_state(bus, false, problem);
    memcpy(link->told, problem, sizeof(problem));
    try_later(link);
}

/* ---- the thread ---- */

enum turn { TURN_REQUEST, TURN_CONNECT, TURN_AGAIN, TURN_END };

/* While it is lost libnats connects again. */
static bool is_silent(const struct bus *bus, const struct bus_link *link, nsec_t now)
{
    return natsConnection_Status(link->connection) == NATS_CONN_STATUS_CONNECTED &&
           following_is_silent(bus, now);
}

/* Waits for something to do. */
static enum turn next(struct bus *bus, struct bus_link *link, struct bus_request **ret_request)
{
    enum turn turn = TURN_END;

    uv_mutex_lock(&bus->lock);
    while (!bus->is_stopping) {
        nsec_t now = time_monotonic();

        turn = TURN_REQUEST;
        if (link->connection != NULL &&
            (bus->is_behind || natsConnection_IsClosed(link->connection) ||
             is_silent(bus, link, now)))
            turn = TURN_AGAIN;
        else if (link->connection == NULL && now >= link->due)
            turn = TURN_CONNECT;
        if (turn != TURN_REQUEST || !list_is_empty(&bus->asked))
            break;
        if (link->connection == NULL)
            (void)uv_cond_timedwait(&bus->wake, &bus->lock, (uint64_t)(link->due - now));
        else
            (void)uv_cond_timedwait(&bus->wake, &bus->lock, FOLLOWING_HEARTBEAT);
    }
    if (bus->is_stopping)
        turn = TURN_END;
    if (turn == TURN_REQUEST) {
        *ret_request = list_entry(bus->asked.next, struct bus_request, link);
        list_remove(&(*ret_request)->link);
        bus->asked_count--;
        bus->asked_bytes -= (*ret_request)->length;
    }
    uv_mutex_unlock(&bus->lock);
    return turn;
}

static void answer(struct bus *bus, struct bus_request *request)
{
    uv_mutex_lock(&bus->lock);
    list_append(&bus->answered, &request->link);
    uv_mutex_unlock(&bus->lock);
    (void)uv_async_send(&bus->come);
}

/* libnats gave the connection up, or a subscription lost something. */
static void begin_again(struct bus *bus, struct bus_link *link)
{
    bool is_closed = natsConnection_IsClosed(link->connection);
    natsStatus s = NATS_CONNECTION_CLOSED;

    uv_mutex_lock(&bus->lock);
    bus->is_behind = false;
    uv_mutex_unlock(&bus->lock);
    if (!is_closed) {
        following_end(bus);
        s = following_begin(bus, link);
    }
    if (s == NATS_OK)
        return;
    arrivals_tell_state(bus, false,
                        is_closed ? last_error(link->connection, link->told, sizeof(link->told))
                                  : bus_problem(s, NULL, link->told, sizeof(link->told)));
    hang_up(bus, link);
    try_later(link);
}

/* Afterwards libnats calls nothing back. */
static void end(struct bus *bus)
{
    uv_mutex_lock(&bus->lock);
    while (bus->open_count > 0)
        uv_cond_wait(&bus->wake, &bus->lock);
    while (!list_is_empty(&bus->asked)) {
        struct list *first = bus->asked.next;

        list_remove(first);
        list_append(&bus->answered, first);
    }
    bus->has_ended = true;
    uv_mutex_unlock(&bus->lock);
    (void)uv_async_send(&bus->come);
}

void bus_run(void *userdata)
{
    struct bus *bus = userdata;
    struct bus_link link = {.connection = NULL};
    struct bus_request *request = NULL;
    enum turn turn;

    while ((turn = next(bus, &link, &request)) != TURN_END) {
        if (turn == TURN_CONNECT)
            connect_once(bus, &link);
        else if (turn == TURN_AGAIN)
            begin_again(bus, &link);
        else {
            requests_do(&link, request);
            answer(bus, request);
        }
    }
    hang_up(bus, &link);
    end(bus);
}
