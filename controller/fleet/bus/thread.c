/* The thread that owns every call into libnats. */
#include "controller/fleet/bus/thread.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/time.h"
#include "common/base/util.h"
#include "controller/fleet/bus/problem.h"

#define CONNECT_MS      2000
#define WRITE_MS        2000 /* a server that does not read is another one's turn */
#define WAIT_MS         2000 /* for an answer */
#define PING_MS         5000
#define JITTER_MS       5000
#define PENDING_BYTES   (128 << 20)
#define AGAIN_FIRST     (1 * NSEC_PER_SEC)
#define AGAIN_MOST      (30 * NSEC_PER_SEC)
#define SUBJECTS_MAX    16
#define WRONG_SEQUENCE  10071
#define SEQUENCE_HEADER "Nats-Sequence"
#define STATUS_HEADER   "Status"

/* ---- what comes by itself, on threads of libnats ---- */

static void tell_arrival(struct bus *bus, struct bus_arrival *arrival, size_t bytes)
{
    uv_mutex_lock(&bus->lock);
    while (bus->arrived_bytes > BUS_COME_BYTES && !bus->is_stopping)
        uv_cond_wait(&bus->room, &bus->lock);
    list_append(&bus->arrived, &arrival->link);
    bus->arrived_bytes += bytes;
    uv_mutex_unlock(&bus->lock);
    (void)uv_async_send(&bus->come);
}

static void tell_state(struct bus *bus, bool is_connected, const char *problem)
{
    struct bus_arrival *arrival = calloc(1, sizeof(*arrival));

    if (arrival == NULL)
        return; /* the next change is told */
    arrival->is_connected = is_connected;
    snprintf(arrival->problem, sizeof(arrival->problem), "%s", problem);
    tell_arrival(bus, arrival, 0);
}

static void tell_of_stream(const struct bus_subscription *subscription, bool is_remade)
{
    struct bus_arrival *arrival = calloc(1, sizeof(*arrival));

    if (arrival == NULL)
        return; /* told after the next connection */
    arrival->stream = subscription->stream;
    arrival->is_remade = is_remade;
    tell_arrival(subscription->bus, arrival, 0);
}

static uint64_t sequence_of(natsMsg *message)
{
    const char *text = NULL;
    jsMsgMetaData *meta = NULL;
    uint64_t sequence = 0;

    if (natsMsgHeader_Get(message, SEQUENCE_HEADER, &text) == NATS_OK)
        return strtoull(text, NULL, 10);
    if (natsMsg_GetReply(message) != NULL && natsMsg_GetMetaData(&meta, message) == NATS_OK) {
        sequence = meta->Sequence.Stream;
        jsMsgMetaData_Destroy(meta);
    }
    return sequence;
}

/* The stream's last one may have been replaced before it was followed: a later one tells as well
 * that all of before have come. */
static void on_message(natsConnection *connection, natsSubscription *subscription, natsMsg *message,
                       void *userdata)
{
    struct bus_subscription *ours = userdata;
    const char *subject = natsMsg_GetSubject(message);
    size_t length = (size_t)natsMsg_GetDataLength(message);
    size_t subject_size = strlen(subject) + 1;
    struct bus_arrival *arrival = calloc(1, sizeof(*arrival) + subject_size + length);
    bool is_last;

    if (arrival != NULL) {
        arrival->subject = (char *)(arrival + 1);
        arrival->data = (uint8_t *)arrival->subject + subject_size;
        arrival->length = length;
        arrival->sequence = sequence_of(message);
        arrival->is_kept = ours->stream != NULL && arrival->sequence <= ours->kept;
        memcpy(arrival->subject, subject, subject_size);
        if (length > 0)
            memcpy(arrival->data, natsMsg_GetData(message), length);
        is_last = ours->stream != NULL && !ours->is_whole && arrival->sequence >= ours->kept;
        ours->is_whole = ours->is_whole || is_last;
        tell_arrival(ours->bus, arrival, sizeof(*arrival) + subject_size + length);
        if (is_last)
            tell_of_stream(ours, false);
    }
    natsMsg_Destroy(message);
}

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
        tell_state(userdata, false, last_error(connection, problem, sizeof(problem)));
}

/* libnats goes on with its subscriptions; the servers may have lost what they are to. */
static void on_back(natsConnection *connection, void *userdata)
{
    struct bus *bus = userdata;

    if (bus->options.stream_count > 0) {
        uv_mutex_lock(&bus->lock);
        bus->is_behind = true;
        uv_cond_signal(&bus->wake);
        uv_mutex_unlock(&bus->lock);
    }
    tell_state(bus, true, "");
}

/* Of what libnats calls back for: one more, or one less, which is woken for. */
static void count(struct bus *bus, int change)
{
    uv_mutex_lock(&bus->lock);
    bus->open_count += change;
    uv_cond_signal(&bus->wake);
    uv_mutex_unlock(&bus->lock);
}

/* Nothing of the connection is called back any more: we hung up, or libnats has given up. */
static void on_closed(natsConnection *connection, void *userdata)
{
    count(userdata, -1);
}

static void on_unsubscribed(void *userdata)
{
    count(userdata, -1);
}

/* A subscription that lost messages does not recover by itself. */
static void on_error(natsConnection *connection, natsSubscription *subscription, natsStatus error,
                     void *userdata)
{
    struct bus *bus = userdata;

    if (error != NATS_SLOW_CONSUMER && error != NATS_MISMATCH && error != NATS_MISSED_HEARTBEAT)
        return;
    uv_mutex_lock(&bus->lock);
    bus->is_behind = true;
    uv_cond_signal(&bus->wake);
    uv_mutex_unlock(&bus->lock);
}

/* ---- the connection ---- */

struct link_up {
    natsConnection *connection; /* NULL: there is none */
    jsCtx *stream;
    nsec_t due; /* of the next try, CLOCK_MONOTONIC */
    nsec_t pause;
    char told[BUS_PROBLEM_SIZE]; /* the problem; "": none */
};

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

/* The first that fails. */
#define TRY(status, call)                                                                          \
    do {                                                                                           \
        if ((status) == NATS_OK)                                                                   \
            (status) = (call);                                                                     \
    } while (0)

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

/* What is there already: told apart from what is said now. And where to begin. */
static natsStatus look_at_stream(struct link_up *link, struct bus_subscription *subscription,
                                 jsConsumerConfig *config)
{
    jsStreamInfo *info = NULL;
    natsStatus s = js_GetStreamInfo(&info, link->stream, subscription->stream, NULL, NULL);

    if (s == NATS_OK) {
        subscription->kept = info->State.Msgs == 0 ? 0 : info->State.LastSeq;
        if (subscription->made != 0 && subscription->made != info->Created)
            tell_of_stream(subscription, true);
        subscription->made = info->Created;
    }
    subscription->is_whole = s == NATS_OK && subscription->kept == 0;
    config->DeliverPolicy = js_DeliverLastPerSubject;
    if (subscription->newest > 0) {
        config->DeliverPolicy = js_DeliverByStartSequence;
        config->OptStartSeq = subscription->kept > subscription->newest
                                  ? subscription->kept - subscription->newest + 1
                                  : 1;
    }
    jsStreamInfo_Destroy(info);
    return s;
}

static natsStatus subscribe_one(struct link_up *link, struct bus_subscription *subscription)
{
    jsSubOptions ordered;
    natsStatus s;

    if (subscription->stream == NULL)
        s = natsConnection_Subscribe(&subscription->subscription, link->connection,
                                     subscription->subject, on_message, subscription);
    else {
        (void)jsSubOptions_Init(&ordered);
        ordered.Stream = subscription->stream;
        ordered.Ordered = true;
        s = look_at_stream(link, subscription, &ordered.Config);
        TRY(s, js_Subscribe(&subscription->subscription, link->stream, subscription->subject,
                            on_message, subscription, NULL, &ordered, NULL));
    }
    TRY(s, natsSubscription_SetOnCompleteCB(subscription->subscription, on_unsubscribed,
                                            subscription->bus));
    if (s != NATS_OK)
        return s; /* closed already: nothing of it is called back */
    count(subscription->bus, 1);
    TRY(s, natsSubscription_SetPendingLimits(subscription->subscription, -1, PENDING_BYTES));
    if (s == NATS_OK && subscription->stream != NULL && subscription->kept == 0)
        tell_of_stream(subscription, false);
    return s;
}

static void unsubscribe(struct bus *bus)
{
    for (size_t i = 0; i < bus->subscription_count; i++) {
        struct bus_subscription *subscription = &bus->subscriptions[i];

        if (subscription->subscription != NULL)
            (void)natsSubscription_Unsubscribe(subscription->subscription);
        natsSubscription_Destroy(subscription->subscription);
        subscription->subscription = NULL;
    }
}

static natsStatus subscribe_all(struct bus *bus, struct link_up *link)
{
    natsStatus s = NATS_OK;

    for (size_t i = 0; i < bus->subscription_count && s == NATS_OK; i++)
        s = subscribe_one(link, &bus->subscriptions[i]);
    return s;
}

/* The texts are in `copy`. */
static int split(char *copy, const char *list[SUBJECTS_MAX])
{
    char *rest = NULL;
    int count = 0;

    for (char *subject = strtok_r(copy, " ", &rest); subject != NULL;
         subject = strtok_r(NULL, " ", &rest)) {
        assert(count < SUBJECTS_MAX);
        list[count++] = subject;
    }
    return count;
}

/* Looked for first: a server refuses to make what is there already, where it has no room for it
 * twice. NATS_NOT_FOUND. */
static natsStatus find_stream(struct link_up *link, const char *name)
{
    jsStreamInfo *info = NULL;
    natsStatus s = js_GetStreamInfo(&info, link->stream, name, NULL, NULL);

    jsStreamInfo_Destroy(info);
    return s;
}

/* One that is there is left as it is, whatever its limits are. */
static natsStatus make_stream(struct link_up *link, const struct bus_stream *wanted,
                              unsigned replicas)
{
    char *copy = strdup(wanted->subject);
    const char *subjects[SUBJECTS_MAX];
    jsRePublish republish = {.Source = wanted->subject, .Destination = wanted->republished};
    jsStreamConfig config;
    jsErrCode code = 0;
    natsStatus s = jsStreamConfig_Init(&config);

    config.Name = wanted->name;
    if (copy == NULL)
        return NATS_NO_MEMORY;
    config.Subjects = subjects;
    config.SubjectsLen = split(copy, subjects);
    config.MaxBytes = wanted->bytes;
    config.MaxMsgSize = wanted->message_bytes;
    config.MaxMsgsPerSubject = wanted->per_subject;
    config.MaxAge = (int64_t)wanted->age_ns;
    config.Replicas = replicas;
    config.AllowDirect = true;
    config.DenyDelete = wanted->is_never_deleted;
    if (wanted->republished != NULL)
        config.RePublish = &republish;
    TRY(s, js_AddStream(NULL, link->stream, &config, NULL, &code));
    free(copy);
    return code == JSStreamNameExistErr ? NATS_OK : s;
}

static natsStatus make_streams(struct bus *bus, struct link_up *link)
{
    natsStatus s = NATS_OK;

    for (size_t i = 0; i < bus->options.stream_count && s == NATS_OK; i++) {
        s = find_stream(link, bus->options.streams[i].name);
        if (s == NATS_NOT_FOUND)
            s = make_stream(link, &bus->options.streams[i], bus->options.replicas);
    }
    return s;
}

static void hang_up(struct bus *bus, struct link_up *link)
{
    unsubscribe(bus);
    jsCtx_Destroy(link->stream);
    natsConnection_Destroy(link->connection);
    link->stream = NULL;
    link->connection = NULL;
}

static natsStatus connect_with(struct bus *bus, natsOptions *options, struct link_up *link)
{
    jsOptions stream;
    natsStatus s = set_servers(options, bus->options.servers);

    (void)jsOptions_Init(&stream);
    stream.Wait = WAIT_MS;
    TRY(s, set_manners(options, bus));
    TRY(s, set_trust(options, bus));
    TRY(s, natsConnection_Connect(&link->connection, options));
    if (s == NATS_OK)
        count(bus, 1);
    TRY(s, natsConnection_JetStream(&link->stream, link->connection, &stream));
    TRY(s, make_streams(bus, link));
    TRY(s, subscribe_all(bus, link));
    return s;
}

static void try_later(struct link_up *link)
{
    link->pause = link->pause == 0 ? AGAIN_FIRST : min_of(2 * link->pause, AGAIN_MOST);
    link->due = time_monotonic() + link->pause;
}

/* Each problem is told once, and it is tried again ever more rarely. */
static void connect_once(struct bus *bus, struct link_up *link)
{
    natsOptions *options = NULL;
    natsStatus s = natsOptions_Create(&options);
    char problem[BUS_PROBLEM_SIZE];

    TRY(s, connect_with(bus, options, link));
    natsOptions_Destroy(options);
    if (s == NATS_OK) {
        link->pause = 0;
        link->told[0] = '\0';
        tell_state(bus, true, "");
        return;
    }
    (void)bus_problem(s, nats_GetLastError(NULL), problem, sizeof(problem));
    hang_up(bus, link);
    if (strcmp(problem, link->told) != 0)
        tell_state(bus, false, problem);
    memcpy(link->told, problem, sizeof(problem));
    try_later(link);
}

/* ---- what is asked ---- */

static void fail(struct bus_request *request, natsStatus s, jsErrCode code)
{
    request->status = -EIO;
    if (code == WRONG_SEQUENCE)
        request->status = -ESTALE;
    else if (s == NATS_NOT_FOUND)
        request->status = -ENOENT;
    else if (s == NATS_TIMEOUT)
        request->status = -ETIMEDOUT;
    else if (s == NATS_NO_RESPONDERS || s == NATS_CONNECTION_CLOSED ||
             s == NATS_CONNECTION_DISCONNECTED)
        request->status = -ENOTCONN;
    else if (s == NATS_MAX_PAYLOAD || code == JSStreamMessageExceedsMaximumErr)
        request->status = -EMSGSIZE;
    else if (s == NATS_INSUFFICIENT_BUFFER || code == JSInsufficientResourcesErr ||
             code == JSStreamStoreFailedErr)
        request->status = -ENOSPC;
    snprintf(request->problem, sizeof(request->problem), "%s%s%s", natsStatus_GetText(s),
             code != 0 ? ": " : "", code != 0 ? nats_GetLastError(NULL) : "");
}

static natsStatus keep_answer(struct bus_request *request, natsMsg *message)
{
    size_t length = (size_t)natsMsg_GetDataLength(message);

    request->data = malloc(length + 1);
    if (request->data == NULL)
        return NATS_NO_MEMORY;
    if (length > 0)
        memcpy(request->data, natsMsg_GetData(message), length);
    request->data_length = length;
    return NATS_OK;
}

static natsStatus put(struct link_up *link, struct bus_request *request, jsErrCode *code)
{
    jsPubOptions options;
    jsPubAck *ack = NULL;
    natsStatus s;

    (void)jsPubOptions_Init(&options);
    if (request->expected == BUS_NOTHING)
        options.ExpectNoMessage = true;
    else if (request->expected != BUS_ANYTHING)
        options.ExpectLastSubjectSeq = request->expected;
    s = js_Publish(&ack, link->stream, request->subject, request->sent, (int)request->length,
                   &options, code);
    if (s == NATS_OK)
        request->sequence = ack->Sequence;
    jsPubAck_Destroy(ack);
    return s;
}

static natsStatus get(struct link_up *link, struct bus_request *request, jsErrCode *code)
{
    natsMsg *message = NULL;
    natsStatus s =
        js_GetLastMsg(&message, link->stream, request->stream, request->subject, NULL, code);

    if (s == NATS_OK)
        request->sequence = natsMsg_GetSequence(message);
    TRY(s, keep_answer(request, message));
    natsMsg_Destroy(message);
    return s;
}

/* A direct get answers with headers: a status where there is nothing. */
static natsStatus ask(struct link_up *link, struct bus_request *request)
{
    const char *status = NULL;
    natsMsg *message = NULL;
    natsStatus s =
        natsConnection_Request(&message, link->connection, request->subject, NULL, 0, WAIT_MS);

    if (s == NATS_OK && natsMsgHeader_Get(message, STATUS_HEADER, &status) == NATS_OK)
        s = strcmp(status, "404") == 0 ? NATS_NOT_FOUND : NATS_ERR;
    if (s == NATS_OK)
        request->sequence = sequence_of(message);
    TRY(s, keep_answer(request, message));
    natsMsg_Destroy(message);
    return s;
}

static void do_one(struct link_up *link, struct bus_request *request)
{
    jsErrCode code = 0;
    natsStatus s = NATS_CONNECTION_CLOSED;

    if (link->connection == NULL)
        ;
    else if (request->verb == BUS_PUBLISH)
        s = natsConnection_Publish(link->connection, request->subject, request->sent,
                                   (int)request->length);
    else if (request->verb == BUS_PUT)
        s = put(link, request, &code);
    else if (request->verb == BUS_GET)
        s = get(link, request, &code);
    else
        s = ask(link, request);
    if (s != NATS_OK)
        fail(request, s, code);
}

/* ---- the thread ---- */

enum turn { TURN_REQUEST, TURN_CONNECT, TURN_AGAIN, TURN_END };

/* Waits for something to do. */
static enum turn next(struct bus *bus, struct link_up *link, struct bus_request **ret_request)
{
    enum turn turn = TURN_END;

    uv_mutex_lock(&bus->lock);
    while (!bus->is_stopping) {
        nsec_t now = time_monotonic();

        turn = TURN_REQUEST;
        if (link->connection != NULL &&
            (bus->is_behind || natsConnection_IsClosed(link->connection)))
            turn = TURN_AGAIN;
        else if (link->connection == NULL && now >= link->due)
            turn = TURN_CONNECT;
        if (turn != TURN_REQUEST || !list_is_empty(&bus->asked))
            break;
        if (link->connection == NULL)
            (void)uv_cond_timedwait(&bus->wake, &bus->lock, (uint64_t)(link->due - now));
        else
            uv_cond_wait(&bus->wake, &bus->lock);
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
static void begin_again(struct bus *bus, struct link_up *link)
{
    bool is_closed = natsConnection_IsClosed(link->connection);
    natsStatus s = NATS_CONNECTION_CLOSED;

    uv_mutex_lock(&bus->lock);
    bus->is_behind = false;
    uv_mutex_unlock(&bus->lock);
    if (!is_closed) {
        unsubscribe(bus);
        s = subscribe_all(bus, link);
    }
    if (s == NATS_OK)
        return;
    tell_state(bus, false,
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
    struct link_up link = {.connection = NULL};
    struct bus_request *request = NULL;
    enum turn turn;

    while ((turn = next(bus, &link, &request)) != TURN_END) {
        if (turn == TURN_CONNECT)
            connect_once(bus, &link);
        else if (turn == TURN_AGAIN)
            begin_again(bus, &link);
        else {
            do_one(&link, request);
            answer(bus, request);
        }
    }
    hang_up(bus, &link);
    end(bus);
}
