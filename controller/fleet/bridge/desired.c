/* the bus -> the newest -> the daemon -> what is in force. */
#include "controller/fleet/bridge/desired.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/log.h"
#include "controller.pb-c.h"

#define ASK_AGAIN_MS 300000
#define RETRY_MS     5000
#define REFUSED_MS   30000 /* until then its clock, or its operator, may have changed */
#define TIMEOUT      (60 * NSEC_PER_SEC) /* the store's disk may be slow */

typedef Vmreclaim__Controller__V1__ApplyDesiredRequest Request;
typedef Vmreclaim__Controller__V1__ApplyDesiredResponse Response;

static void on_timer(uv_timer_t *timer);

/* One answer is enough in the log. */
static void say(struct desired *desired, const char *problem)
{
    if (strcmp(desired->said, problem) == 0)
        return;
    snprintf(desired->said, sizeof(desired->said), "%s", problem);
    if (problem[0] != '\0')
        log_warning("what the fleet wants is not handed over: %s; trying again", problem);
}

static void retry(struct desired *desired, const char *problem)
{
    say(desired, problem);
    (void)uv_timer_start(&desired->timer, on_timer, RETRY_MS, ASK_AGAIN_MS);
}

/* ---- to the daemon ---- */

static void hand_over(struct desired *desired);

/* The text may have the time of day. */
static void note_refusal(struct desired *desired, const Vmreclaim__Fleet__V1__Applied *applied)
{
    bool is_refused = applied != NULL && applied->refused[0] != '\0';
    bool is_new = !is_refused || desired->refused != desired->under_way;

    if (is_new)
        say(desired, is_refused ? applied->refused : "");
    desired->refused = is_refused ? desired->under_way : 0;
    if (is_refused)
        (void)uv_timer_start(&desired->timer, on_timer, REFUSED_MS, ASK_AGAIN_MS);
}

static void on_result(const struct ttrpc_result *result, void *userdata)
{
    struct desired *desired = userdata;
    const Response *response = (const Response *)result->response;

    desired->fetch = NULL;
    if (result->code != TTRPC_OK) {
        retry(desired, result->message);
        return;
    }
    desired->handed = desired->under_way;
    note_refusal(desired, response->applied);
    desired->on_applied(desired->userdata);
    hand_over(desired);
}

static void hand_over(struct desired *desired)
{
    Request message = VMRECLAIM__CONTROLLER__V1__APPLY_DESIRED_REQUEST__INIT;
    const struct fetch_request request = {
        .method = "ApplyDesired",
        .form = FETCH_ONE,
        .message = &message.base,
        .timeout = TIMEOUT,
        .on_end = on_result,
        .userdata = desired,
    };

    if (desired->state == NULL || desired->fetch != NULL || desired->handed == desired->sequence ||
        desired->fetcher->upstream->connection == NULL)
        return;
    message.state = (ProtobufCBinaryData){.data = desired->state, .len = desired->length};
    desired->under_way = desired->sequence;
    if (fetch_start(desired->fetcher, &request, &desired->fetch) < 0)
        retry(desired, "the daemon takes no call now");
}

/* Another daemon than the one that answered, maybe. */
static void on_upstream(void *userdata)
{
    struct desired *desired = userdata;

    desired->handed = 0;
    hand_over(desired);
}

/* ---- from the bus ---- */

static bool is_same(const struct desired *desired, const uint8_t *data, size_t length)
{
    return length == desired->length && (length == 0 || memcmp(data, desired->state, length) == 0);
}

/* It is newer than what is here, or the servers say for the second time that it is the newest. */
static bool is_newer(struct desired *desired, uint64_t sequence, const uint8_t *data, size_t length)
{
    bool is_other = desired->state == NULL || sequence > desired->sequence ||
                    (sequence == desired->sequence && !is_same(desired, data, length));
    bool is_smaller = desired->state != NULL && sequence < desired->sequence;
    bool is_believed = is_smaller && desired->has_smaller;

    desired->has_smaller = is_smaller && !is_believed;
    if (desired->has_smaller)
        (void)uv_timer_start(&desired->timer, on_timer, RETRY_MS, ASK_AGAIN_MS);
    return is_other || is_believed;
}

static void take(struct desired *desired, uint64_t sequence, const uint8_t *data, size_t length)
{
    uint8_t *copy;

    if (!is_newer(desired, sequence, data, length))
        return;
    copy = malloc(length + 1);
    if (copy == NULL)
        return; /* it is asked for again */
    if (length > 0)
        memcpy(copy, data, length);
    free(desired->state);
    desired->state = copy;
    desired->length = length;
    desired->sequence = sequence;
    desired->handed = 0;
    hand_over(desired);
}

static void on_newest(const struct bus_answer *answer, void *userdata)
{
    struct desired *desired = userdata;

    if (answer->status == 0)
        take(desired, answer->sequence, answer->data, answer->length);
    else if (answer->status != -ENOENT && desired->bus_is_there)
        retry(desired, answer->problem);
}

static void on_timer(uv_timer_t *timer)
{
    struct desired *desired = timer->data;

    if (desired->bus_is_there && bus_ask(desired->bus, desired->asked, on_newest, desired) < 0)
        retry(desired, "no memory, or the bus takes no more now");
    desired->handed = 0; /* an operator here may have let go of what was his */
    hand_over(desired);
}

void desired_on_message(struct desired *desired, const struct bus_message *message)
{
    if (strcmp(message->subject, desired->live) == 0)
        take(desired, message->sequence, message->data, message->length);
}

void desired_on_bus(struct desired *desired, bool is_there)
{
    desired->bus_is_there = is_there;
    if (is_there)
        (void)uv_timer_start(&desired->timer, on_timer, 0, ASK_AGAIN_MS);
}

/* ---- the whole ---- */

void desired_init(struct desired *desired, uv_loop_t *loop, const char *host,
                  struct fetcher *fetcher, void (*on_applied)(void *userdata), void *userdata)
{
    *desired = (struct desired){.fetcher = fetcher,
                                .on_applied = on_applied,
                                .userdata = userdata,
                                .listener = {.on_change = on_upstream, .userdata = desired}};
    snprintf(desired->live, sizeof(desired->live), "vmr.v1.live.policy.%s", host);
    snprintf(desired->asked, sizeof(desired->asked), "vmr.v1.policyget.%s", host);
    (void)uv_timer_init(loop, &desired->timer);
    desired->timer.data = desired;
    upstream_listen(fetcher->upstream, &desired->listener);
}

void desired_stop(struct desired *desired)
{
    if (desired->fetch != NULL)
        fetch_cancel(desired->fetch);
    free(desired->state);
    desired->state = NULL;
    list_remove(&desired->listener.link);
    uv_close((uv_handle_t *)&desired->timer, NULL);
}
