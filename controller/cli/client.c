/* One call on the daemon per run of the program, on a loop of its own; of a list one per page.
 *
 * dial -> connection -> call -> (messages) -> result -> close -> the loop runs dry. Each step's
 * callback starts the next; `struct client` lives on the caller's stack until the loop is dry, so
 * nothing can outlive it. Failures: the dial fails or times out, the daemon goes away in the
 * middle, the call fails, our printing fails. When the daemon goes away, the call ends as lost and
 * the connection closes. The first failure decides the exit code. */
#include "common/ttrpc/ttrpc.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/text.h"
#include "common/transport/transport.h"
#include "controller.pb-c.h"
#include "controller/cli/cli.h"
#include "controller/cli/dialling.h"
#include "controller/cli/progress.h"
#include "controller/client/pages.h"

/* Many calls of one method. */
struct many {
    struct client *client;
    ProtobufCMessage *const *requests;
    size_t count;
    size_t next; /* that is not called yet */
    size_t ended;
    client_told told;
    void *userdata;
};

/* One of them. */
struct one {
    struct many *many;
    size_t index;
};

struct client {
    struct cli *cli;
    const char *method;
    const ProtobufCMessage *request;
    client_print print;
    void *userdata;
    bool streams;
    bool as_json;
    struct pages *pages; /* of a list; NULL: it is none */
    struct many *many;   /* calls side by side; NULL: it is one call */
    uv_loop_t loop;
    uv_timer_t output_timer; /* of a stream: looks whether anybody still reads our output */
    struct ttrpc_connection *connection;
    struct ttrpc_client_call *call;
    bool call_ended;
    bool was_lost; /* the connection, before the call's answer */
    int code;
};

static nsec_t call_timeout = 15 * NSEC_PER_SEC;

void client_set_timeout(nsec_t timeout)
{
    call_timeout = timeout == 0 ? 15 * NSEC_PER_SEC : timeout == NSEC_INFINITY ? 0 : timeout;
}

/* Shows one message; a failure ends the call. */
static int show(struct client *client, const ProtobufCMessage *message)
{
    int code = EXIT_DONE;

    progress_clear();
    if (client->as_json)
        return print_json(message);
    if (client->print != NULL)
        code = client->print(message, client->userdata);
    if (fflush(stdout) != 0)
        return EXIT_FAILED;
    return code;
}

static void end_stream(struct client *client, int code)
{
    client->code = code;
    ttrpc_client_call_cancel(client->call);
    client->call_ended = true;
    ttrpc_connection_close(client->connection);
}

static void on_message(const ProtobufCMessage *message, void *userdata)
{
    struct client *client = userdata;
    int code;

    progress_stop(); /* what comes shows that it goes on */
    code = show(client, message);
    if (code != EXIT_DONE)
        end_stream(client, code);
}

/* `events -f | head` must end although no event comes that would fail to be written. uv_poll would
 * make standard output non-blocking for everybody who shares it. */
static void on_output_timer(uv_timer_t *timer)
{
    struct client *client = timer->data;
    struct pollfd output = {.fd = STDOUT_FILENO};

    if (client->connection != NULL && !client->call_ended && poll(&output, 1, 0) > 0 &&
        (output.revents & POLLERR))
        end_stream(client, EXIT_FAILED);
}

static int start_call(struct client *client);

/* Shows the list with its last page. True: there is another page, and it was asked for. */
static bool take_page(struct client *client, const ProtobufCMessage *page)
{
    int r = pages_take(client->pages, page);
    ProtobufCMessage *whole = NULL;

    if (r > 0)
        r = start_call(client);
    else if (r == 0) {
        whole = pages_join(client->pages);
        client->code = whole == NULL ? fail(EXIT_FAILED, "out of memory") : show(client, whole);
        protobuf_c_message_free_unpacked(whole, NULL);
        return false;
    }
    if (r < 0)
        client->code = fail(EXIT_FAILED, "cannot call %s: %s", client->method, strerror(-r));
    return r == 0;
}

static void on_result(const struct ttrpc_result *result, void *userdata)
{
    struct client *client = userdata;

    progress_clear();
    if (result->code == TTRPC_OK && client->pages != NULL && take_page(client, result->response))
        return;
    client->call_ended = true;
    if (result->is_lost)
        client->was_lost = true;
    else if (result->code != TTRPC_OK)
        client->code = daemon_fail_call(client->cli, client->method, call_timeout, result);
    else if (!client->streams && client->pages == NULL)
        client->code = show(client, result->response);
    ttrpc_connection_close(client->connection);
}

/* ---- whose methods they are ---- */

static const ProtobufCServiceDescriptor *service_of(const struct cli *cli)
{
    return cli->service != NULL ? cli->service : &vmreclaim__controller__v1__controller__descriptor;
}

/* ---- many calls side by side ---- */

static void start_more(struct many *many);

static void end_one(struct many *many, size_t index, int code, const ProtobufCMessage *response,
                    const char *words)
{
    char line[512];

    progress_clear();
    progress_count(many->ended + 1);
    text_copy_line(line, sizeof(line), words);
    many->told(index, code, response, line, many->userdata);
    many->ended++;
}

static void on_one_result(const struct ttrpc_result *result, void *userdata)
{
    struct one *one = userdata;
    struct many *many = one->many;
    char words[512];

    if (result->code == TTRPC_OK)
        end_one(many, one->index, EXIT_DONE, result->response, "");
    else
        end_one(many, one->index, daemon_exit_code(result->code), NULL,
                daemon_words(many->client->method, result, words, sizeof(words)));
    free(one);
    if (many->client->connection != NULL)
        start_more(many);
}

static int start_one(struct many *many, size_t index)
{
    const ProtobufCServiceDescriptor *service = service_of(many->client->cli);
    struct one *one = malloc(sizeof(*one));
    struct ttrpc_client_call *call;
    int r;

    if (one == NULL)
        return -ENOMEM;
    *one = (struct one){.many = many, .index = index};
    r = ttrpc_call_unary(many->client->connection, service, many->client->method,
                         many->requests[index], call_timeout, on_one_result, one, &call);
    if (r < 0)
        free(one);
    return r;
}

static void start_more(struct many *many)
{
    while (many->next < many->count && many->next - many->ended < CLIENT_SIDE_BY_SIDE) {
        int r = start_one(many, many->next);

        if (r == -EPIPE)
            return; /* the connection closes: on_close ends the others */
        many->next++;
        if (r < 0)
            end_one(many, many->next - 1, EXIT_FAILED, NULL, strerror(-r));
    }
    if (many->ended < many->count)
        return;
    many->client->call_ended = true;
    ttrpc_connection_close(many->client->connection);
}

/* ---- the connection ---- */

static void on_close(struct ttrpc_connection *connection, int status, const char *reason,
                     void *userdata)
{
    struct client *client = userdata;
    char words[256];

    progress_clear();
    if (!client->call_ended || client->was_lost)
        client->code = daemon_fail_lost(client->cli, reason);
    client->connection = NULL;
    text_format(words, sizeof(words), "not asked any more: %s", reason);
    while (client->many != NULL && client->many->next < client->many->count)
        end_one(client->many, client->many->next++, EXIT_UNREACHABLE, NULL, words);
}

static int start_call(struct client *client)
{
    const ProtobufCServiceDescriptor *service = service_of(client->cli);

    if (client->streams)
        return ttrpc_call_stream(client->connection, service, client->method, client->request,
                                 call_timeout, on_message, on_result, client, &client->call);
    return ttrpc_call_unary(client->connection, service, client->method, client->request,
                            call_timeout, on_result, client, &client->call);
}

static void on_dialled(int descriptor, const struct error *error, void *userdata)
{
    struct client *client = userdata;
    struct ttrpc_connection_options options = {
        .limits = ttrpc_limits_default, .userdata = client, .on_close = on_close};

    progress_clear();
    if (descriptor < 0) {
        client->code = daemon_fail_dial(client->cli, descriptor, error);
        return;
    }
    options.limits.frame_bytes = DAEMON_FRAME_BYTES;
    daemon_say_who(&options);
    int r = ttrpc_connection_create(&client->loop, descriptor, &options, &client->connection);
    if (r < 0) {
        client->code =
            fail(EXIT_FAILED, "cannot talk to %s: %s", daemon_where(client->cli), strerror(-r));
        return;
    }
    if (client->many != NULL) {
        start_more(client->many);
        return;
    }
    r = start_call(client);
    if (r == 0)
        return;
    client->code = fail(EXIT_FAILED, "cannot call %s: %s", client->method, strerror(-r));
    client->call_ended = true;
    ttrpc_connection_close(client->connection);
}

static int start(struct client *client)
{
    struct error error = {""};
    int r = daemon_dial(client->cli, &client->loop, on_dialled, client, &error);

    if (r == 0)
        return EXIT_DONE;
    return fail(r == -EINVAL ? EXIT_USAGE : EXIT_UNREACHABLE, "%s", error.text);
}

/* Not of what has no end, and not where ssh may ask for a password meanwhile. */
static void start_progress(struct client *client)
{
    bool has_end = !client->streams || call_timeout != 0;

    if (has_end && client->cli->host == NULL && !client->cli->is_unattended)
        progress_start(&client->loop, client->many == NULL ? 1 : client->many->count);
}

static int run(struct client *client)
{
    int r = uv_loop_init(&client->loop);
    if (r < 0)
        return fail(EXIT_FAILED, "cannot start: %s", uv_strerror(r));
    uv_timer_init(&client->loop, &client->output_timer);
    client->output_timer.data = client;
    uv_unref((uv_handle_t *)&client->output_timer);
    if (client->streams)
        uv_timer_start(&client->output_timer, on_output_timer, 500, 500);
    start_progress(client);
    r = start(client);
    if (r != EXIT_DONE)
        client->code = r;
    uv_run(&client->loop, UV_RUN_DEFAULT);
    progress_stop();
    uv_close((uv_handle_t *)&client->output_timer, NULL);
    uv_run(&client->loop, UV_RUN_DEFAULT);
    (void)uv_loop_close(&client->loop);
    return client->code;
}

static struct client make_client(struct cli *cli, const char *method,
                                 const ProtobufCMessage *request, client_print print,
                                 void *userdata)
{
    return (struct client){
        .cli = cli, .method = method, .request = request, .print = print, .userdata = userdata};
}

int client_call(struct cli *cli, const char *method, const ProtobufCMessage *request,
                client_print print, void *userdata)
{
    struct client client = make_client(cli, method, request, print, userdata);

    client.as_json = cli->json;
    return run(&client);
}

int client_list(struct cli *cli, const char *method, ProtobufCMessage *request, uint64_t wanted,
                client_print print, void *userdata)
{
    struct client client = make_client(cli, method, request, print, userdata);
    struct pages pages;
    int code;

    pages_init(&pages, request, wanted);
    client.pages = &pages;
    client.as_json = cli->json;
    code = run(&client);
    pages_finish(&pages);
    return code;
}

int client_fetch(struct cli *cli, const char *method, const ProtobufCMessage *request,
                 client_print use, void *userdata)
{
    struct client client = make_client(cli, method, request, use, userdata);

    return run(&client);
}

int client_each(struct cli *cli, const char *method, ProtobufCMessage *const requests[],
                size_t count, client_told told, void *userdata)
{
    struct client client = make_client(cli, method, NULL, NULL, NULL);
    struct many many = {.client = &client,
                        .requests = requests,
                        .count = count,
                        .told = told,
                        .userdata = userdata};

    client.many = &many;
    return run(&client);
}

int client_stream(struct cli *cli, const char *method, const ProtobufCMessage *request,
                  client_print print, void *userdata)
{
    struct client client = make_client(cli, method, request, print, userdata);

    client.streams = true;
    client.as_json = cli->json;
    return run(&client);
}
