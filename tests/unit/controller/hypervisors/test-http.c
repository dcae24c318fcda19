/* HTTP over a UNIX socket: against servers that work, that are busy and that are broken, and the
 * servers' own strictness. */
#include "tests/lib/test.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "controller/hypervisors/http/client.h"
#include "tests/fakes/cloud-hypervisor.h"
#include "tests/fakes/firecracker.h"
#include "tests/lib/loop.h"

#define ANSWERS_MAX 32
#define TURNS       200

static char directory[] = "/tmp/vmreclaim-test-http-XXXXXX";
static char path[64];

struct seen {
    bool is_there;
    int status;
    int code;
    bool was_sent;
    pid_t peer;
    size_t length;
    unsigned order;
    char body[512];
    char error[512];
    struct fixture *fixture;
    bool destroys; /* the client, when it comes */
};

struct fixture {
    uv_loop_t loop;
    struct fake_firecracker firecracker;
    struct fake_cloud_hypervisor cloud;
    struct http_client *client;
    struct seen seen[ANSWERS_MAX];
    unsigned count;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    (void)unlink(path);
    if (f == NULL || uv_loop_init(&f->loop) < 0)
        return -1;
    fake_firecracker_init(&f->firecracker, &f->loop);
    fake_cloud_hypervisor_init(&f->cloud, &f->loop);
    *state = f;
    return http_client_create(&f->loop, path, &f->client);
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    http_client_destroy(f->client);
    micro_http_close(&f->firecracker.http);
    micro_http_close(&f->cloud.http);
    loop_finish(&f->loop);
    free(f);
    return 0;
}

static void on_answer(const struct http_answer *answer, void *userdata)
{
    struct seen *seen = userdata;
    struct fixture *f = seen->fixture;

    assert_false(seen->is_there);
    assert_true((answer->status < 0) == (answer->error != NULL));
    seen->is_there = true;
    seen->status = answer->status;
    seen->code = answer->code;
    seen->was_sent = answer->was_sent;
    seen->peer = answer->peer;
    seen->length = answer->length;
    seen->order = ++f->count;
    snprintf(seen->body, sizeof(seen->body), "%s", answer->body);
    if (answer->error != NULL)
        snprintf(seen->error, sizeof(seen->error), "%s", answer->error->text);
    if (seen->destroys) {
        http_client_destroy(f->client);
        f->client = NULL;
    }
}

static struct seen *ask(struct fixture *f, unsigned i, const char *method, const char *where,
                        const char *body)
{
    struct seen *seen = &f->seen[i];

    memset(seen, 0, sizeof(*seen));
    seen->fixture = f;
    assert_int_equal(
        http_client_ask(f->client, method, where, body, 2 * NSEC_PER_SEC, on_answer, seen), 0);
    assert_false(seen->is_there);
    return seen;
}

/* Asks, and waits for the answer. */
static const struct seen *get(struct fixture *f, const char *method, const char *where,
                              const char *body)
{
    struct seen *seen = ask(f, 0, method, where, body);

    loop_run_until(&f->loop, &seen->is_there);
    return seen;
}

static void serve_firecracker(struct fixture *f)
{
    assert_int_equal(micro_http_listen(&f->firecracker.http, path), 0);
}

static void serve_cloud(struct fixture *f)
{
    assert_int_equal(micro_http_listen(&f->cloud.http, path), 0);
}

static void test_answers(void **state)
{
    struct fixture *f = *state;
    const struct seen *seen;

    serve_firecracker(f);
    seen = get(f, "GET", "/", NULL);
    assert_int_equal(seen->status, 0);
    assert_int_equal(seen->code, 200);
    assert_int_equal(seen->peer, getpid());
    assert_non_null(strstr(seen->body, "\"state\":\"Running\""));
    assert_int_equal(seen->length, strlen(seen->body));
    assert_true(http_client_heard(f->client) > 0);
    seen = get(f, "PATCH", "/balloon", "{\"amount_mib\": 100}");
    assert_int_equal(seen->code, 204);
    assert_string_equal(seen->body, "");
    assert_int_equal(f->firecracker.amount_mib, 100);
    assert_true(seen->was_sent);
}

/* Nobody is kept out by a connection that idles. */
static void test_no_connection_is_kept(void **state)
{
    struct fixture *f = *state;

    serve_firecracker(f);
    for (unsigned i = 0; i < 30; i++)
        assert_int_equal(get(f, "GET", "/", NULL)->code, 200);
    for (unsigned i = 0; i < TURNS && f->firecracker.http.connection_count > 0; i++)
        uv_run(&f->loop, UV_RUN_NOWAIT);
    assert_int_equal(f->firecracker.http.connection_count, 0);
    assert_int_equal(f->firecracker.http.refused, 0);
}

static void test_one_at_a_time(void **state)
{
    struct fixture *f = *state;
    struct seen *last = NULL;

    serve_firecracker(f);
    for (unsigned i = 0; i < HTTP_REQUESTS_MAX; i++)
        last = ask(f, i, "GET", "/", NULL);
    assert_int_equal(http_client_ask(f->client, "GET", "/", NULL, NSEC_PER_SEC, on_answer, last),
                     -EBUSY);
    while (!last->is_there) {
        uv_run(&f->loop, UV_RUN_ONCE);
        assert_true(f->firecracker.http.connection_count <= 2); /* one, and one that closes */
    }
    for (unsigned i = 0; i < HTTP_REQUESTS_MAX; i++)
        assert_int_equal(f->seen[i].order, i + 1);
}

/* The API's thread is held. What timed out may still be done, so what came later waits for it. */
static void test_a_thread_that_is_held(void **state)
{
    struct fixture *f = *state;
    const struct seen *late, *waiting, *last;

    serve_firecracker(f);
    f->firecracker.stalls_on_next = true;
    late = ask(f, 0, "PATCH", "/balloon", "{\"amount_mib\": 100}");
    waiting = ask(f, 1, "PATCH", "/balloon", "{\"amount_mib\": 200}");
    while (!f->firecracker.http.is_stalled)
        uv_run(&f->loop, UV_RUN_ONCE);
    loop_run_turns(&f->loop, TURNS);
    assert_false(late->is_there);
    http_client_tick(f->client, time_monotonic());
    assert_false(late->is_there);
    http_client_tick(f->client, time_monotonic() + 3 * NSEC_PER_SEC);
    assert_int_equal(late->status, -ETIMEDOUT);
    assert_true(late->was_sent);
    assert_int_equal(waiting->status, -ETIMEDOUT);
    assert_false(waiting->was_sent);
    last = ask(f, 2, "GET", "/balloon", NULL);
    loop_run_turns(&f->loop, TURNS);
    assert_int_equal(f->firecracker.http.accepted, 1);
    micro_http_stall(&f->firecracker.http, false);
    loop_run_until(&f->loop, &last->is_there);
    assert_int_equal(last->code, 200);
    assert_int_equal(f->firecracker.amount_mib, 100);
}

static void test_broken_servers(void **state)
{
    static const struct {
        enum micro_http_fault fault;
        int status;
    } cases[] = {
        {MICRO_HTTP_GARBAGE, -EPROTO},           {MICRO_HTTP_BODY_ENDLESS, -EMSGSIZE},
        {MICRO_HTTP_HEADERS_ENDLESS, -EMSGSIZE}, {MICRO_HTTP_BODY_SHORT, -ECONNRESET},
        {MICRO_HTTP_HANGS_UP, -ECONNRESET},      {MICRO_HTTP_GREETS, -EPROTO},
    };
    struct fixture *f = *state;

    serve_firecracker(f);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        f->firecracker.http.fault = cases[i].fault;
        assert_int_equal(get(f, "GET", "/", NULL)->status, cases[i].status);
        f->firecracker.http.fault = MICRO_HTTP_WORKS;
        assert_int_equal(get(f, "GET", "/", NULL)->code, 200);
    }
}

static void test_nobody_listens(void **state)
{
    struct fixture *f = *state;
    const struct seen *seen = get(f, "GET", "/", NULL);

    assert_int_equal(seen->status, -ENOENT);
    assert_non_null(strstr(seen->error, path));
    assert_false(seen->was_sent);
    assert_int_equal(http_client_heard(f->client), 0);
}

/* It is told 503, if it has not written yet when the server closes. */
static void test_the_eleventh(void **state)
{
    struct fixture *f = *state;
    const struct seen *seen;
    uv_pipe_t others[MICRO_HTTP_CONNECTIONS_MAX];
    uv_connect_t requests[MICRO_HTTP_CONNECTIONS_MAX];

    serve_firecracker(f);
    for (unsigned i = 0; i < MICRO_HTTP_CONNECTIONS_MAX; i++) {
        uv_pipe_init(&f->loop, &others[i], 0);
        uv_pipe_connect(&requests[i], &others[i], path, NULL);
    }
    while (f->firecracker.http.accepted < MICRO_HTTP_CONNECTIONS_MAX)
        uv_run(&f->loop, UV_RUN_ONCE);
    seen = get(f, "GET", "/", NULL);
    assert_true(seen->status == 0 ? seen->code == 503 : seen->status == -ECONNRESET);
    assert_int_equal(f->firecracker.http.refused, 1);
    for (unsigned i = 0; i < MICRO_HTTP_CONNECTIONS_MAX; i++)
        uv_close((uv_handle_t *)&others[i], NULL);
    while (f->firecracker.http.connection_count > 0)
        uv_run(&f->loop, UV_RUN_ONCE);
    assert_int_equal(get(f, "GET", "/", NULL)->code, 200);
}

static void test_destroyed_meanwhile(void **state)
{
    struct fixture *f = *state;
    struct seen *first, *second;

    serve_firecracker(f);
    first = ask(f, 0, "GET", "/", NULL);
    second = ask(f, 1, "GET", "/", NULL);
    first->destroys = true;
    loop_run_until(&f->loop, &first->is_there);
    assert_int_equal(first->status, 0);
    assert_int_equal(second->status, -ECANCELED);
    assert_int_equal(http_client_create(&f->loop, path, &f->client), 0);
    second = ask(f, 1, "GET", "/", NULL);
    http_client_destroy(f->client);
    f->client = NULL;
    assert_int_equal(second->status, -ECANCELED);
}

static void test_paths(void **state)
{
    struct fixture *f = *state;
    struct http_client *client = NULL;
    char longer[256];

    assert_int_equal(http_client_create(&f->loop, "here.sock", &client), -EINVAL);
    memset(longer, 'a', sizeof(longer) - 1);
    longer[0] = '/';
    longer[sizeof(longer) - 1] = '\0';
    assert_int_equal(http_client_create(&f->loop, longer, &client), -EINVAL);
    assert_null(client);
}

/* ---- the fakes are as strict as what they stand for ---- */

static void test_firecracker_is_strict(void **state)
{
    static const struct {
        const char *method, *path, *body;
        int code;
        const char *says;
    } cases[] = {
        {"GET", "/", "{}", 400, "cannot have a body"},
        {"GET", "/nothing", NULL, 400, "Invalid request method and/or path: GET nothing."},
        {"PUT", "/balloon", NULL, 400, "Empty PUT request"},
        {"PATCH", "/balloon", "{\"amount_mib\": 1, \"stats_polling_interval_s\": 1}", 400,
         "unknown field"},
        {"PATCH", "/balloon", "{\"amount_mib\": -1}", 400, "deserializing"},
        {"PATCH", "/balloon", "{\"amount_mib\": 1.5}", 400, "deserializing"},
        {"PATCH", "/balloon", "{", 400, "deserializing"},
        {"PATCH", "/balloon", "{\"amount_mib\": 2000}", 400, "Requested memory"},
        {"PATCH", "/balloon/statistics", "{\"stats_polling_interval_s\": 0}", 400,
         "cannot be enabled/disabled"},
        {"PATCH", "/balloon/statistics", "{\"stats_polling_interval_s\": 1}", 204, ""},
        {"PUT", "/balloon", "{\"amount_mib\": 1, \"deflate_on_oom\": true}", 400,
         "not supported after starting"},
        {"GET", "/hotplug/memory", NULL, 400, "Device not found"},
        {"PATCH", "/vm", "{\"state\": \"Paused\"}", 204, ""},
        {"GET", "/", NULL, 200, "\"state\":\"Paused\""},
        {"POST", "/balloon", "{}", 400, "Unsupported HTTP method"},
    };
    struct fixture *f = *state;

    serve_firecracker(f);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct seen *seen = get(f, cases[i].method, cases[i].path, cases[i].body);

        assert_int_equal(seen->code, cases[i].code);
        assert_non_null(strstr(seen->body, cases[i].says));
    }
    f->firecracker.state = FAKE_FIRECRACKER_NOT_STARTED;
    assert_non_null(strstr(get(f, "GET", "/balloon/statistics", NULL)->body, "before starting"));
}

static void test_cloud_hypervisor_is_strict(void **state)
{
    static const struct {
        const char *method, *path, *body;
        int code;
        const char *says;
    } cases[] = {
        {"GET", "/api/v1/vmm.ping", NULL, 200, "\"pid\""},
        {"GET", "/vm.info", NULL, 404, "[\"Not Found\"]"},
        {"GET", "/api/v1/vm.balloon-stats", NULL, 404, "[\"Not Found\"]"},
        {"GET", "/api/v1/vm.resize", NULL, 400, "[\"Bad Request\"]"},
        {"PUT", "/api/v1/vm.resize", NULL, 400, "[\"Bad Request\"]"},
        {"PATCH", "/api/v1/vm.resize", "{}", 400, ""},
        {"PUT", "/api/v1/vm.resize", "{", 400, "Failed to deserialize JSON"},
        {"PUT", "/api/v1/vm.resize", "{\"desired_balloon\": 4096, \"other\": 1}", 204, ""},
        {"PUT", "/api/v1/vm.resize", "{\"desired_balloon\": 9000000000}", 204, ""},
        {"PUT", "/api/v1/vm.pause", NULL, 204, ""},
        {"PUT", "/api/v1/vm.pause", NULL, 500, "Error from API"},
        {"PUT", "/api/v1/vm.resume", "{}", 400, "[\"Bad Request\"]"},
    };
    struct fixture *f = *state;

    serve_cloud(f);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const struct seen *seen = get(f, cases[i].method, cases[i].path, cases[i].body);

        assert_int_equal(seen->code, cases[i].code);
        assert_non_null(strstr(seen->body, cases[i].says));
    }
    f->cloud.has_balloon = false;
    assert_non_null(strstr(get(f, "PUT", "/api/v1/vm.resize", "{\"desired_balloon\": 1}")->body,
                           "Missing virtio-balloon"));
    f->cloud.is_migrating = true;
    assert_int_equal(get(f, "PUT", "/api/v1/vm.resize", "{\"desired_balloon\": 1}")->code, 500);
    f->cloud.state = NULL;
    assert_int_equal(get(f, "GET", "/api/v1/vm.info", NULL)->code, 404);
}

/* What no client of ours would send. */
static void test_micro_http_is_strict(void **state)
{
    static const struct {
        const char *text; /* NULL: a line of 2000 bytes */
        const char *says;
    } cases[] = {
        {"GET /\r\n", "Invalid request."},
        {"GET / HTTP/2\r\n", "Invalid HTTP Version"},
        {"GET / HTTP/1.1\r\nnonsense\r\n", "Invalid header"},
        {"GET / HTTP/1.1\r\nContent-Length: x\r\n", "Invalid header"},
        {"PUT / HTTP/1.1\r\nContent-Length: 60000\r\n\r\n", "larger than the limit"},
        {NULL, "Invalid request."},
        {"GET / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n\r\n", "HTTP/1.1 200 \r\nServer: Fire"},
    };
    struct fixture *f = *state;
    char line[2000];

    serve_firecracker(f);
    memset(line, 'x', sizeof(line));
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char answer[1024] = "";
        size_t length = 0;
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        const char *text = cases[i].text == NULL ? line : cases[i].text;

        snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
        assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
        assert_true(write(fd, text, cases[i].text == NULL ? sizeof(line) : strlen(text)) > 0);
        while (strstr(answer, cases[i].says) == NULL) {
            ssize_t n;

            uv_run(&f->loop, UV_RUN_NOWAIT);
            n = read(fd, answer + length, sizeof(answer) - 1 - length);
            if (n > 0)
                length += (size_t)n;
        }
        close(fd);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_answers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_connection_is_kept, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_one_at_a_time, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_thread_that_is_held, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_broken_servers, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_nobody_listens, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_eleventh, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_destroyed_meanwhile, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_paths, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_firecracker_is_strict, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_cloud_hypervisor_is_strict, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_micro_http_is_strict, set_up, tear_down),
    };
    int r;

    signal(SIGPIPE, SIG_IGN);
    if (mkdtemp(directory) == NULL)
        return 1;
    snprintf(path, sizeof(path), "%s/api.sock", directory);
    r = cmocka_run_group_tests(tests, NULL, NULL);
    (void)unlink(path);
    (void)rmdir(directory);
    return r;
}
