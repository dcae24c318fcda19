/* a stream's last sequence -> listened to -> consumed -> all up to it -> whole -> what comes */
#include "controller/fleet/bus/following.h"

#include <stdlib.h>
#include <string.h>

#include "controller/fleet/bus/arrivals.h"

#define PENDING_BYTES  (128 << 20)
#define TRIES          4
#define FLOW_PREFIX    "$JS.FC."
#define STALLED_HEADER "Nats-Consumer-Stalled"
#define LAST_HEADER    "Nats-Last-Consumer"

/* ---- what comes ---- */

/* The stream's last one may have been replaced before it was followed: a later one tells as well
 * that all of before have come. */
static void take(struct bus_delivery *delivery, natsMsg *message)
{
    struct bus_subscription *of = delivery->of;
    bool is_last = !delivery->is_whole && arrivals_sequence_of(message) >= delivery->kept;

    arrivals_tell_message(of->bus, message, of->stream != NULL, delivery->kept);
    if (is_last)
        arrivals_tell_of_stream(of->bus, of->stream, false);
    delivery->is_whole = delivery->is_whole || is_last;
}

static void on_message(natsConnection *connection, natsSubscription *subscription, natsMsg *message,
                       void *userdata)
{
    take(userdata, message);
    natsMsg_Destroy(message);
}

/* The server asks whether it may go on. */
static bool is_asked_for(const char *reply)
{
    return strncmp(reply, FLOW_PREFIX, strlen(FLOW_PREFIX)) == 0;
}

/* It is there, and waits for us, maybe; and says how many it has sent. */
static void hear_server(struct bus_delivery *delivery, natsConnection *connection, natsMsg *message)
{
    const char *text = NULL;

    if (natsMsgHeader_Get(message, STALLED_HEADER, &text) == NATS_OK)
        (void)natsConnection_Publish(connection, text, NULL, 0);
    if (natsMsgHeader_Get(message, LAST_HEADER, &text) == NATS_OK &&
        strtoull(text, NULL, 10) != delivery->consumed)
        arrivals_note_behind(delivery->of->bus);
}

/* All are numbered by the server: none is missing. */
static void take_numbered(struct bus_delivery *delivery, natsMsg *message)
{
    jsMsgMetaData *meta = NULL;
    uint64_t number = 0;

    if (natsMsg_GetMetaData(&meta, message) == NATS_OK) {
        number = meta->Sequence.Consumer;
        jsMsgMetaData_Destroy(meta);
    }
    if (number != delivery->consumed + 1) {
        arrivals_note_behind(delivery->of->bus);
        return;
    }
    delivery->consumed = number;
    take(delivery, message);
}

/* What the server says itself has another place for an answer, or none: that it is so is not said
 * by a header, which whoever publishes chooses. */
static void on_kept(natsConnection *connection, natsSubscription *subscription, natsMsg *message,
                    void *userdata)
{
    struct bus_delivery *delivery = userdata;
    const char *reply = natsMsg_GetReply(message);

    arrivals_note_alive(delivery);
    if (reply == NULL)
        hear_server(delivery, connection, message);
    else if (is_asked_for(reply))
        (void)natsConnection_Publish(connection, reply, NULL, 0);
    else
        take_numbered(delivery, message);
    natsMsg_Destroy(message);
}

static void on_unsubscribed(void *userdata)
{
    arrivals_count_open(userdata, -1);
}

/* Where one of a subject takes an older one's place, a gap in the sequences is left: who says much
 * leaves many. So it goes back by the share that is left, not by the count. */
static uint64_t begin_of_newest(const jsStreamState *state, uint64_t count)
{
    uint64_t span = state->LastSeq - state->FirstSeq + 1;

    if (state->Msgs <= count)
        return 1;
    return state->LastSeq + 1 - span / state->Msgs * count -
           span % state->Msgs * count / state->Msgs;
}

/* What is there already: told apart from what is said now. And where to begin. */
static natsStatus look_at_stream(struct bus_link *link, struct bus_subscription *subscription,
                                 struct bus_delivery *delivery, jsConsumerConfig *config)
{
    jsStreamInfo *info = NULL;
    natsStatus s = js_GetStreamInfo(&info, link->stream, subscription->stream, NULL, NULL);

    if (s == NATS_OK) {
        delivery->kept = info->State.Msgs == 0 ? 0 : info->State.LastSeq;
        delivery->is_whole = delivery->kept == 0;
        if (subscription->made != 0 && subscription->made != info->Created)
            arrivals_tell_of_stream(subscription->bus, subscription->stream, true);
        subscription->made = info->Created;
    }
    config->DeliverPolicy = js_DeliverLastPerSubject;
    if (s == NATS_OK && subscription->newest > 0) {
        config->DeliverPolicy = js_DeliverByStartSequence;
        config->OptStartSeq = begin_of_newest(&info->State, subscription->newest);
    }
    jsStreamInfo_Destroy(info);
    return s;
}

/* libnats' own way takes some of what is published for the server's word, by its header: then it
 * begins again and again. */
static natsStatus consume(struct bus_link *link, struct bus_subscription *subscription,
                          struct bus_delivery *delivery, jsConsumerConfig *config)
{
    config->DeliverSubject = natsSubscription_GetSubject(subscription->subscription);
    config->FilterSubject = subscription->subject;
    config->AckPolicy = js_AckNone;
    config->MaxDeliver = 1;
    config->Heartbeat = FOLLOWING_HEARTBEAT;
    config->FlowControl = true;
    config->MemoryStorage = true;
    config->Replicas = 1;
    arrivals_note_alive(delivery);
    return js_AddConsumer(NULL, link->stream, subscription->stream, config, NULL, NULL);
}

static natsStatus listen_to(struct bus_link *link, struct bus_subscription *subscription,
                            struct bus_delivery *delivery)
{
    natsInbox *inbox = NULL;
    natsStatus s;

    if (subscription->stream == NULL)
        return natsConnection_Subscribe(&subscription->subscription, link->connection,
                                        subscription->subject, on_message, delivery);
    s = natsInbox_Create(&inbox);
    TRY(s, natsConnection_Subscribe(&subscription->subscription, link->connection, inbox, on_kept,
                                    delivery));
    natsInbox_Destroy(inbox);
    return s;
}

static natsStatus subscribe_one(struct bus_link *link, struct bus_subscription *subscription)
{
    struct bus_delivery *delivery = &subscription->deliveries[subscription->tries % BUS_DELIVERIES];
    jsConsumerConfig config;
    natsStatus s = jsConsumerConfig_Init(&config);

    subscription->tries++;
    *delivery = (struct bus_delivery){.of = subscription, .is_whole = true};
    if (subscription->stream != NULL)
        TRY(s, look_at_stream(link, subscription, delivery, &config));
    TRY(s, listen_to(link, subscription, delivery));
    TRY(s, natsSubscription_SetOnCompleteCB(subscription->subscription, on_unsubscribed,
                                            subscription->bus));
    if (s != NATS_OK)
        return s; /* closed already: nothing of it is called back */
    arrivals_count_open(subscription->bus, 1);
    TRY(s, natsSubscription_SetPendingLimits(subscription->subscription, -1, PENDING_BYTES));
    if (subscription->stream != NULL)
        TRY(s, consume(link, subscription, delivery, &config));
    if (s == NATS_OK && subscription->stream != NULL && delivery->kept == 0)
        arrivals_tell_of_stream(subscription->bus, subscription->stream, false);
    return s;
}

bool following_is_silent(const struct bus *bus, nsec_t now)
{
    for (size_t i = 0; i < bus->subscription_count; i++) {
        const struct bus_subscription *of = &bus->subscriptions[i];

        if (of->stream != NULL && of->tries > 0 &&
            now - of->deliveries[(of->tries - 1) % BUS_DELIVERIES].alive > FOLLOWING_SILENCE)
            return true;
    }
    return false;
}

static void end_one(struct bus_subscription *subscription)
{
    if (subscription->subscription != NULL)
        (void)natsSubscription_Unsubscribe(subscription->subscription);
    natsSubscription_Destroy(subscription->subscription);
    subscription->subscription = NULL;
}

void following_end(struct bus *bus)
{
    for (size_t i = 0; i < bus->subscription_count; i++)
        end_one(&bus->subscriptions[i]);
}

static bool is_stopping(struct bus *bus)
{
    bool stops;

    uv_mutex_lock(&bus->lock);
    stops = bus->is_stopping;
    uv_mutex_unlock(&bus->lock);
    return stops;
}

/* A server that is cut off, while no connection closes, counts as there for minutes, and each
 * consumer is given to one of the stream's servers by chance: the next one may be luckier. To begin
 * all of them again would need luck with all at once. */
static natsStatus begin_one(struct bus_link *link, struct bus_subscription *subscription)
{
    natsStatus s = subscribe_one(link, subscription);

    for (int tries = 1; s == NATS_TIMEOUT && tries < TRIES && !is_stopping(subscription->bus);
         tries++) {
        end_one(subscription);
        s = subscribe_one(link, subscription);
    }
    return s;
}

natsStatus following_begin(struct bus *bus, struct bus_link *link)
{
    natsStatus s = NATS_OK;

    for (size_t i = 0; i < bus->subscription_count && s == NATS_OK; i++)
        s = begin_one(link, &bus->subscriptions[i]);
    return s;
}
