/* dial -> connection -> closed -> (a pause) -> dial. */
#include "controller/client/upstream.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/base/log.h"
#include "common/ttrpc/program.h"
#include "controller.pb-c.h"

#define DIAL_TIMEOUT (5 * NSEC_PER_SEC)
#define AGAIN_MS     1000

/* As the command line: the daemon is trusted with that much. */
#define FRAME_BYTES (4u << 20)

const struct upstream_peer upstream_daemon = {
    .name = "vmreclaimd",
    .option = "--api",
    .advice = "is vmreclaimd running, and is this user in its read group?",
    .service = &vmreclaim__controller__v1__controller__descriptor,
};

static void dial(struct upstream *upstream);

static void tell(struct upstream *upstream)
{
    list_for_each_safe (link, following, &upstream->listeners) {
        struct upstream_listener *listener = list_entry(link, struct upstream_listener, link);

        listener->on_change(listener->userdata);
    }
}

static void on_again(uv_timer_t *timer)
{
    dial(timer->data);
}

/* Says each change once. */
static void fail(struct upstream *upstream, const char *reason)
{
    (void)error_set(&upstream->problem, -EPIPE, "no connection to %s at %s: %s; %s",
                    upstream->peer->name, upstream->where, reason, upstream->peer->advice);
    if (!upstream->was_said)
        log_warning("%s", upstream->problem.text);
    upstream->was_said = true;
    uv_timer_start(&upstream->again, on_again, AGAIN_MS, 0);
    tell(upstream);
}

static void on_close(struct ttrpc_connection *connection, int status, const char *reason,
                     void *userdata)
{
    struct upstream *upstream = userdata;

    upstream->connection = NULL;
    if (!upstream->is_stopping)
        fail(upstream, reason);
}

static void on_dialled(int descriptor, const struct error *error, void *userdata)
{
    struct upstream *upstream = userdata;
    struct ttrpc_connection_options options = {
        .limits = ttrpc_limits_default, .userdata = upstream, .on_close = on_close};
    int r;

    upstream->dial = NULL;
    if (descriptor < 0) {
        fail(upstream, error->text[0] != '\0' ? error->text : strerror(-descriptor));
        return;
    }
    options.limits.frame_bytes = FRAME_BYTES;
    options.metadata = &upstream->program;
    options.metadata_count = 1;
    r = ttrpc_connection_create(upstream->loop, descriptor, &options, &upstream->connection);
    if (r < 0) {
        fail(upstream, strerror(-r));
        return;
    }
    if (upstream->was_said)
        log_notice("connected to %s at %s", upstream->peer->name, upstream->where);
    upstream->was_said = false;
    tell(upstream);
}

static void dial(struct upstream *upstream)
{
    int r = dial_start(upstream->loop, &upstream->address, DIAL_TIMEOUT, on_dialled, upstream,
                       &upstream->dial);

    if (r < 0)
        fail(upstream, strerror(-r));
}

int upstream_init(struct upstream *upstream, uv_loop_t *loop, const struct upstream_peer *peer,
                  const char *address, const char *program, struct error *error)
{
    int r;

    *upstream = (struct upstream){.loop = loop, .peer = peer, .program = {PROGRAM_KEY, program}};
    list_init(&upstream->listeners);
    upstream->is_none = strcmp(address, "none") == 0;
    if (upstream->is_none) {
        (void)error_set(&upstream->problem, -EPIPE, "%s is not asked here; see %s of vmreclaim-web",
                        peer->name, peer->option);
        return 0;
    }
    r = address_parse(address, &upstream->address, error);
    if (r < 0)
        return error_prefix(error, r, "%s", peer->option);
    snprintf(upstream->where, sizeof(upstream->where), "%s", address);
    uv_timer_init(loop, &upstream->again);
    upstream->again.data = upstream;
    dial(upstream);
    return 0;
}

void upstream_stop(struct upstream *upstream)
{
    if (upstream->is_none)
        return;
    upstream->is_stopping = true;
    dial_cancel(upstream->dial);
    upstream->dial = NULL;
    uv_close((uv_handle_t *)&upstream->again, NULL);
    if (upstream->connection != NULL)
        ttrpc_connection_close(upstream->connection);
}

void upstream_listen(struct upstream *upstream, struct upstream_listener *listener)
{
    list_append(&upstream->listeners, &listener->link);
}

bool upstream_is_dialling(const struct upstream *upstream)
{
    return upstream->dial != NULL;
}
