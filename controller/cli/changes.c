/* Events without measurements, over a connection of its own that outlives the command's. */
#include "controller/cli/changes.h"

#include <poll.h>
#include <unistd.h>

#include "controller.pb-c.h"
#include "controller/cli/dialling.h"

static void on_event(const ProtobufCMessage *message, void *userdata)
{
    struct changes *changes = userdata;

    changes->has_happened = true;
}

/* Without it everything is found by looking again and again. */
static void on_end(const struct ttrpc_result *result, void *userdata)
{
    struct changes *changes = userdata;

    if (changes->connection != NULL)
        ttrpc_connection_close(changes->connection);
}

static void on_close(struct ttrpc_connection *connection, int status, const char *reason,
                     void *userdata)
{
    struct changes *changes = userdata;

    changes->connection = NULL;
}

static void listen_to(struct changes *changes)
{
    Vmreclaim__Controller__V1__WatchEventsRequest request =
        VMRECLAIM__CONTROLLER__V1__WATCH_EVENTS_REQUEST__INIT;

    request.without_samples = true;
    if (ttrpc_call_stream(changes->connection, &vmreclaim__controller__v1__controller__descriptor,
                          "WatchEvents", &request.base, 0, on_event, on_end, changes, NULL) < 0)
        ttrpc_connection_close(changes->connection);
}

static void on_dialled(int descriptor, const struct error *error, void *userdata)
{
    struct changes *changes = userdata;
    struct ttrpc_connection_options options = {
        .limits = ttrpc_limits_default, .userdata = changes, .on_close = on_close};

    if (descriptor < 0)
        return;
    options.limits.frame_bytes = DAEMON_FRAME_BYTES;
    daemon_say_who(&options);
    if (ttrpc_connection_create(&changes->loop, descriptor, &options, &changes->connection) < 0)
        return;
    if (changes->is_stopping)
        ttrpc_connection_close(changes->connection);
    else
        listen_to(changes);
}

int changes_start(struct changes *changes, const struct cli *cli)
{
    struct error error = {""};
    int r;

    *changes = (struct changes){.cli = *cli};
    changes->cli.is_unattended = true; /* the command itself has asked for a password */
    r = uv_loop_init(&changes->loop);
    if (r == 0)
        (void)daemon_dial(&changes->cli, &changes->loop, on_dialled, changes, &error);
    return r;
}

void changes_stop(struct changes *changes)
{
    changes->is_stopping = true;
    if (changes->connection != NULL)
        ttrpc_connection_close(changes->connection);
    uv_run(&changes->loop, UV_RUN_DEFAULT);
    (void)uv_loop_close(&changes->loop);
}

/* For the time, the loop, or the end of the reader of our output. False: that one. uv_poll would
 * make standard output non-blocking for everybody who shares it. */
static bool sleep_for(struct changes *changes, nsec_t duration)
{
    struct pollfd descriptors[] = {
        {.fd = STDOUT_FILENO},
        {.fd = uv_backend_fd(&changes->loop), .events = POLLIN},
    };
    int own = uv_backend_timeout(&changes->loop);
    int most = (int)(duration / NSEC_PER_MSEC) + 1;

    (void)poll(descriptors, ARRAY_SIZE(descriptors), own < 0 || own > most ? most : own);
    return descriptors[0].revents == 0;
}

bool changes_wait(struct changes *changes, nsec_t least, nsec_t most)
{
    nsec_t begin = time_monotonic();

    for (;;) {
        nsec_t waited = time_monotonic() - begin;
        nsec_t wanted;

        uv_run(&changes->loop, UV_RUN_NOWAIT);
        wanted = changes->has_happened ? least : most;
        if (waited >= wanted)
            break;
        if (!sleep_for(changes, wanted - waited))
            return false;
    }
    changes->has_happened = false;
    return true;
}
