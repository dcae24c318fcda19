/* a stream's last sequence -> subscribed -> all up to it -> whole -> what comes */
#include "controller/fleet/bus/following.h"

#include "controller/fleet/bus/arrivals.h"

#define PENDING_BYTES (128 << 20)

/* The stream's last one may have been replaced before it was followed: a later one tells as well
 * that all of before have come. */
static void on_message(natsConnection *connection, natsSubscription *subscription, natsMsg *message,
                       void *userdata)
{
    struct bus_delivery *delivery = userdata;
    struct bus_subscription *of = delivery->of;
    bool is_last = !delivery->is_whole && arrivals_sequence_of(message) >= delivery->kept;

    arrivals_tell_message(of->bus, message, of->stream != NULL, delivery->kept);
    if (is_last)
        arrivals_tell_of_stream(of->bus, of->stream, false);
    delivery->is_whole = delivery->is_whole || is_last;
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

static natsStatus follow_stream(struct bus_link *link, struct bus_subscription *subscription,
                                struct bus_delivery *delivery)
{
    jsSubOptions ordered;
    natsStatus s;

    (void)jsSubOptions_Init(&ordered);
    ordered.Stream = subscription->stream;
    ordered.Ordered = true;
    s = look_at_stream(link, subscription, delivery, &ordered.Config);
    TRY(s, js_Subscribe(&subscription->subscription, link->stream, subscription->subject,
                        on_message, delivery, NULL, &ordered, NULL));
    return s;
}

static natsStatus subscribe_one(struct bus_link *link, struct bus_subscription *subscription)
{
    struct bus_delivery *delivery = &subscription->deliveries[subscription->tries % BUS_DELIVERIES];
    natsStatus s;

    subscription->tries++;
    *delivery = (struct bus_delivery){.of = subscription, .is_whole = true};
    if (subscription->stream != NULL)
        s = follow_stream(link, subscription, delivery);
    else
        s = natsConnection_Subscribe(&subscription->subscription, link->connection,
                                     subscription->subject, on_message, delivery);
    TRY(s, natsSubscription_SetOnCompleteCB(subscription->subscription, on_unsubscribed,
                                            subscription->bus));
    if (s != NATS_OK)
        return s; /* closed already: nothing of it is called back */
    arrivals_count_open(subscription->bus, 1);
    TRY(s, natsSubscription_SetPendingLimits(subscription->subscription, -1, PENDING_BYTES));
    if (s == NATS_OK && subscription->stream != NULL && delivery->kept == 0)
        arrivals_tell_of_stream(subscription->bus, subscription->stream, false);
    return s;
}

void following_end(struct bus *bus)
{
    for (size_t i = 0; i < bus->subscription_count; i++) {
        struct bus_subscription *subscription = &bus->subscriptions[i];

        if (subscription->subscription != NULL)
            (void)natsSubscription_Unsubscribe(subscription->subscription);
        natsSubscription_Destroy(subscription->subscription);
        subscription->subscription = NULL;
    }
}

natsStatus following_begin(struct bus *bus, struct bus_link *link)
{
    natsStatus s = NATS_OK;

    for (size_t i = 0; i < bus->subscription_count && s == NATS_OK; i++)
        s = subscribe_one(link, &bus->subscriptions[i]);
    return s;
}
