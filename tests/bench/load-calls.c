/* Calls Ping on a ttRPC server as fast as it answers: CONNECTIONS connections with DEPTH calls
 * under way on each. Prints calls per second. The server may be any that serves Agent.Ping. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent.pb-c.h"
#include "common/transport/transport.h"
#include "common/ttrpc/ttrpc.h"

struct load {
    uv_loop_t loop;
    uv_timer_t timer;
    uint64_t answered;
    bool over;
};

struct line {
    struct load *load;
    struct ttrpc_connection *connection;
};

static void call(struct line *line);

static void on_result(const struct ttrpc_result *result, void *userdata)
{
    struct line *line = userdata;

    if (line->load->over)
        return;
    if (result->code != TTRPC_OK) {
        fprintf(stderr, "%s: %s\n", ttrpc_code_name(result->code), result->message);
        exit(1);
    }
    line->load->answered++;
    call(line);
}

static void call(struct line *line)
{
    Vmreclaim__Agent__V1__PingRequest request = VMRECLAIM__AGENT__V1__PING_REQUEST__INIT;

    request.nonce = line->load->answered;
    if (ttrpc_call_unary(line->connection, &vmreclaim__agent__v1__agent__descriptor, "Ping",
                         &request.base, 60 * NSEC_PER_SEC, on_result, line, NULL) < 0)
        exit(1);
}

static void on_dialled(int descriptor, const struct error *error, void *userdata)
{
    struct ttrpc_connection_options options = {.limits = ttrpc_limits_default};
    struct line *line = userdata;

    if (descriptor < 0) {
        fprintf(stderr, "%s\n", error->text);
        exit(1);
    }
    if (ttrpc_connection_create(&line->load->loop, descriptor, &options, &line->connection) < 0)
        exit(1);
}

static void on_time(uv_timer_t *timer)
{
    struct load *load = timer->data;

    load->over = true;
    uv_stop(&load->loop);
}

static void connect_lines(struct load *load, const char *path, struct line *lines, unsigned count)
{
    struct address address = {.kind = ADDRESS_UNIX};

    snprintf(address.path, sizeof(address.path), "%s", path);
    for (unsigned i = 0; i < count; i++) {
        lines[i] = (struct line){.load = load};
        if (dial_start(&load->loop, &address, 0, on_dialled, &lines[i], NULL) < 0)
            exit(1);
        while (lines[i].connection == NULL)
            uv_run(&load->loop, UV_RUN_ONCE);
    }
}

int main(int argc, char **argv)
{
    static struct load load;
    static struct line lines[1024];
    unsigned connections, depth;
    nsec_t begun;

    if (argc != 5) {
        fprintf(stderr, "usage: load-calls PATH SECONDS CONNECTIONS DEPTH\n");
        return 2;
    }
    connections = (unsigned)atoi(argv[3]);
    depth = (unsigned)atoi(argv[4]);
    if (connections > ARRAY_SIZE(lines) || uv_loop_init(&load.loop) < 0)
        return 2;
    connect_lines(&load, argv[1], lines, connections);
    uv_timer_init(&load.loop, &load.timer);
    load.timer.data = &load;
    uv_timer_start(&load.timer, on_time, (uint64_t)(atof(argv[2]) * 1000), 0);
    begun = time_monotonic();
    for (unsigned i = 0; i < connections; i++)
        for (unsigned j = 0; j < depth; j++)
            call(&lines[i]);
    uv_run(&load.loop, UV_RUN_DEFAULT);
    printf("%.0f\n", (double)load.answered * 1e9 / (double)(time_monotonic() - begun));
    return 0;
}
