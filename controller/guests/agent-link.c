/* Links to agents. */
#include "controller/guests/agent-link.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/base/number.h"
#include "common/base/text.h"

#define GET_INFO_TIMEOUT (5 * NSEC_PER_SEC)

struct agent_link {
    struct ttrpc_connection *connection;
    const struct agent_link_callbacks *callbacks;
    void *userdata;
    nsec_t interval;        /* between samples; 0: not watched */
    nsec_t last_sample;     /* CLOCK_BOOTTIME, or when the watch began */
    nsec_t begun;           /* CLOCK_BOOTTIME */
    bool believed;          /* a sample could be true */
    bool broke;             /* the agent sent what cannot be decoded */
    bool turned_away;       /* it closed before it had said anything */
    char close_reason[128]; /* ours; empty: the peer's doing */
};

int agent_link_call(const struct agent_link *link, const char *method,
                    const ProtobufCMessage *request, nsec_t timeout,
                    ttrpc_message_callback on_message, ttrpc_result_callback on_result,
                    void *userdata, struct ttrpc_client_call **ret_call)
{
    return ttrpc_call_stream(link->connection, &vmreclaim__agent__v1__agent__descriptor, method,
                             request, timeout, on_message, on_result, userdata, ret_call);
}

void agent_link_move(struct agent_link *link, struct ttrpc_share *processor, void *userdata)
{
    ttrpc_connection_set_processor(link->connection, processor);
    link->userdata = userdata;
}

/* -EPROTO: not ttRPC; -ETIMEDOUT: stuck inside a frame; -ENOBUFS: made us hold too much. */
static enum agent_ending ending_of(const struct agent_link *link, int status)
{
    if (link->broke || status == -EPROTO || status == -ETIMEDOUT || status == -ENOBUFS)
        return AGENT_BROKE;
    if (!link->believed)
        return AGENT_FAILED;
    return time_boottime() - link->begun >= AGENT_STAY ? AGENT_STAYED : AGENT_LEFT;
}

static void on_connection_close(struct ttrpc_connection *connection, int status, const char *reason,
                                void *userdata)
{
    struct agent_link *link = userdata;
    const char *why = link->close_reason[0] != '\0' ? link->close_reason : reason;

    assert(!link->turned_away || !link->believed);
    assert(!link->believed || link->interval != 0);
    link->callbacks->on_close(link, ending_of(link, status), why, link->userdata);
    free(link);
}

bool agent_link_was_turned_away(const struct agent_link *link)
{
    return link->turned_away;
}

void agent_link_close(struct agent_link *link, const char *reason)
{
    if (link->close_reason[0] == '\0')
        text_copy_line(link->close_reason, sizeof(link->close_reason), reason);
    ttrpc_connection_close(link->connection);
}

static void say_failed(const char *method, const struct ttrpc_result *result, char *reason,
                       size_t size)
{
    if (result->code == TTRPC_UNIMPLEMENTED)
        text_format(reason, size, "it does not know %s: no vmreclaim-agent, or an older one",
                    method);
    else
        text_format(reason, size, "%s ended: %s: %s", method, ttrpc_code_name(result->code),
                    result->message);
}

static void on_info(const struct ttrpc_result *result, void *userdata)
{
    struct agent_link *link = userdata;
    char reason[128];

    if (result->code == TTRPC_OK) {
        link->callbacks->on_info(
            link, (const Vmreclaim__Agent__V1__GetInfoResponse *)result->response, link->userdata);
        return;
    }
    link->broke = link->broke || result->is_breach;
    link->turned_away =
        result->code == TTRPC_UNAVAILABLE && !ttrpc_connection_was_heard(link->connection);
    say_failed("GetInfo", result, reason, sizeof(reason));
    agent_link_close(link, reason);
}

int agent_link_create(uv_loop_t *loop, int descriptor, struct ttrpc_budget *budget,
                      struct ttrpc_share *processor, const struct agent_link_callbacks *callbacks,
                      void *userdata, struct agent_link **ret_link)
{
    Vmreclaim__Agent__V1__GetInfoRequest request = VMRECLAIM__AGENT__V1__GET_INFO_REQUEST__INIT;
    struct agent_link *link = calloc(1, sizeof(*link));
    struct ttrpc_connection_options options = {
        .limits = ttrpc_limits_guest,
        .budget = budget,
        .processor = processor,
        .userdata = link,
        .on_close = on_connection_close,
    };
    int r;

    if (link == NULL) {
        close(descriptor);
        return -ENOMEM;
    }
    link->callbacks = callbacks;
    link->userdata = userdata;
    link->begun = time_boottime();
    r = ttrpc_connection_create(loop, descriptor, &options, &link->connection);
    if (r < 0) {
        free(link);
        return r;
    }
    *ret_link = link;
    r = agent_link_call(link, "GetInfo", &request.base, GET_INFO_TIMEOUT, NULL, on_info, link,
                        NULL);
    if (r < 0)
        agent_link_close(link, "GetInfo could not be sent");
    return 0;
}

static void on_watch_message(const ProtobufCMessage *message, void *userdata)
{
    const Vmreclaim__Agent__V1__WatchResponse *event =
        (const Vmreclaim__Agent__V1__WatchResponse *)message;
    struct agent_link *link = userdata;
    const struct agent_link_callbacks *callbacks = link->callbacks;

    assert(link->interval != 0 && !link->turned_away);
    switch (event->event_case) {
    case VMRECLAIM__AGENT__V1__WATCH_RESPONSE__EVENT_SAMPLE:
        link->last_sample = time_boottime();
        if (callbacks->on_sample(link, event->sample, event->coalesced, link->userdata))
            link->believed = true;
        break;
    case VMRECLAIM__AGENT__V1__WATCH_RESPONSE__EVENT_PRESSURE:
        callbacks->on_pressure(link, event->pressure, link->userdata);
        break;
    case VMRECLAIM__AGENT__V1__WATCH_RESPONSE__EVENT_ACTION:
        callbacks->on_action(link, event->action, link->userdata);
        break;
    case VMRECLAIM__AGENT__V1__WATCH_RESPONSE__EVENT_ENGINE:
        callbacks->on_engine(link, event->engine, link->userdata);
        break;
    default:
        break; /* of a newer agent */
    }
}

static void on_watch_end(const struct ttrpc_result *result, void *userdata)
{
    struct agent_link *link = userdata;
    char reason[128];

    link->broke = link->broke || result->is_breach;
    say_failed("Watch", result, reason, sizeof(reason));
    agent_link_close(link, reason);
}

int agent_link_watch(struct agent_link *link, nsec_t interval, int lowest_order)
{
    Vmreclaim__Agent__V1__WatchRequest request = VMRECLAIM__AGENT__V1__WATCH_REQUEST__INIT;
    int r;

    assert(interval > 0 && !link->turned_away);
    if (link->interval != 0)
        return -EALREADY;
    request.interval_ns = interval;
    request.set_lowest_order = lowest_order >= 0;
    request.lowest_order = lowest_order >= 0 ? (uint32_t)lowest_order : 0;
    request.controller_time_ns = time_realtime();
    r = agent_link_call(link, "Watch", &request.base, 0, on_watch_message, on_watch_end, link,
                        NULL);
    if (r < 0)
        return r;
    link->interval = interval;
    link->last_sample = time_boottime();
    return 0;
}

nsec_t agent_link_interval(const struct agent_link *link)
{
    return link->interval;
}

unsigned agent_link_tick(struct agent_link *link, nsec_t now, bool forgive)
{
    char reason[128];
    nsec_t silent;
    unsigned missed;

    if (link->interval == 0)
        return 0;
    if (forgive)
        link->last_sample = now;
    silent = saturating_subtract(now, link->last_sample);
    missed = (unsigned)(silent / link->interval);
    /* The first interval is the wait for the next sample, not a miss. */
    missed = missed > 0 ? missed - 1 : 0;
    if (missed >= AGENT_MISSED_SAMPLES_MAX) {
        snprintf(reason, sizeof(reason), "no sample for %llu s, %u missed",
                 (unsigned long long)(silent / NSEC_PER_SEC), missed);
        agent_link_close(link, reason);
    }
    return missed;
}
