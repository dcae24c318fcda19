/* A stream as long as the connection; one that ends before is begun again. */
#include "controller/fleet/bridge/watch.h"

#include "common/base/util.h"

#define AGAIN_MS 5000

static void begin(struct watch *watch);

static void on_message(const ProtobufCMessage *message, void *userdata)
{
    const struct watch *watch = userdata;

    watch->on_event((const void *)message, watch->userdata);
}

static void on_again(uv_timer_t *timer)
{
    begin(timer->data);
}

static void on_end(const struct ttrpc_result *result, void *userdata)
{
    struct watch *watch = userdata;

    watch->call = NULL;
    if (!result->is_lost)
        (void)uv_timer_start(&watch->again, on_again, AGAIN_MS, 0);
}

static void begin(struct watch *watch)
{
    static char *const kinds[] = {(char *)"state", (char *)"renamed", (char *)"alarm",
                                  (char *)"policy"};
    Vmreclaim__Controller__V1__WatchEventsRequest request =
        VMRECLAIM__CONTROLLER__V1__WATCH_EVENTS_REQUEST__INIT;

    if (watch->call != NULL || watch->upstream->connection == NULL)
        return;
    request.kinds = (char **)kinds;
    request.n_kinds = ARRAY_SIZE(kinds);
    if (ttrpc_call_stream(watch->upstream->connection,
                          &vmreclaim__controller__v1__controller__descriptor, "WatchEvents",
                          &request.base, 0, on_message, on_end, watch, &watch->call) < 0)
        (void)uv_timer_start(&watch->again, on_again, AGAIN_MS, 0);
}

static void on_upstream(void *userdata)
{
    begin(userdata);
}

void watch_init(struct watch *watch, uv_loop_t *loop, struct upstream *upstream,
                void (*on_event)(const Vmreclaim__Controller__V1__Event *event, void *userdata),
                void *userdata)
{
    *watch = (struct watch){.upstream = upstream,
                            .listener = {.on_change = on_upstream, .userdata = watch},
                            .on_event = on_event,
                            .userdata = userdata};
    (void)uv_timer_init(loop, &watch->again);
    watch->again.data = watch;
    upstream_listen(upstream, &watch->listener);
}

void watch_stop(struct watch *watch)
{
    if (watch->call != NULL)
        ttrpc_client_call_cancel(watch->call);
    list_remove(&watch->listener.link);
    uv_close((uv_handle_t *)&watch->again, NULL);
}
