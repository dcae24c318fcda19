/* Peers that come, go, do not read, talk nonsense or do not watch. */
#include "tests/lib/test.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/component/agent/guest.h"
#include "tests/lib/no-vsock.h"

static struct guest guest;

static int setup(void **state)
{
    guest_init(&guest);
    guest_start_listening(&guest);
    return 0;
}

/* The agent must be alive and well at the end of every test. */
static int teardown(void **state)
{
    assert_int_equal(WEXITSTATUS(guest_stop(&guest, SIGTERM)), 0);
    guest_finish(&guest);
    return 0;
}

static int raw_connect(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    memcpy(address.sun_path, guest.path, sizeof(address.sun_path));
    assert_true(descriptor >= 0);
    assert_int_equal(connect(descriptor, (struct sockaddr *)&address, sizeof(address)), 0);
    return descriptor;
}

/* Reads until the agent closes. */
static void wait_for_close(int descriptor)
{
    char bytes[4096];
    ssize_t n;

    do
        n = read(descriptor, bytes, sizeof(bytes));
    while (n > 0);
    assert_true(n == 0 || errno == ECONNRESET);
    close(descriptor);
}

static void assert_alive(void)
{
    Vmreclaim__Agent__V1__PingRequest request = VMRECLAIM__AGENT__V1__PING_REQUEST__INIT;
    struct client client;

    client_init(&client, &guest);
    assert_non_null(client_call(&client, "Ping", &request));
    client_finish(&client);
}

static void test_garbage(void **state)
{
    static const char garbage[] = "GET / HTTP/1.1\r\nHost: vmreclaim\r\n\r\n";
    int descriptor = raw_connect();

    assert_true(send(descriptor, garbage, sizeof(garbage), MSG_NOSIGNAL) > 0);
    assert_int_equal(shutdown(descriptor, SHUT_WR), 0);
    wait_for_close(descriptor);
    assert_alive();
}

static void test_truncated_frame(void **state)
{
    static const char frame[] = {0, 0, 0, 100, 0, 0, 0, 1, 1, 0, 'x'};
    int descriptor = raw_connect();

    assert_true(send(descriptor, frame, sizeof(frame), MSG_NOSIGNAL) > 0);
    close(descriptor);
    assert_alive();
}

/* Requests without end, and never a read: the agent must let go of this peer, not of its memory. */
static void test_client_that_never_reads(void **state)
{
    /* GetInfo of "vmreclaim.agent.v1.Agent"; the stream id at byte 4 counts up. */
    unsigned char frame[10 + 35] = {0, 0, 0, 35, 0, 0, 0, 0, 1, 0, 0x0a, 24};
    int descriptor = raw_connect();
    ssize_t n = 1;

    memcpy(frame + 12, "vmreclaim.agent.v1.Agent", 24);
    frame[36] = 0x12;
    frame[37] = 7;
    memcpy(frame + 38, "GetInfo", 7);
    for (uint32_t stream = 1; n > 0; stream += 2) {
        frame[4] = (unsigned char)(stream >> 24);
        frame[5] = (unsigned char)(stream >> 16);
        frame[6] = (unsigned char)(stream >> 8);
        frame[7] = (unsigned char)stream;
        n = send(descriptor, frame, sizeof(frame), MSG_NOSIGNAL);
    }
    assert_true(errno == EPIPE || errno == ECONNRESET);
    close(descriptor);
    assert_alive();
}

static void test_disconnect_in_the_middle_of_a_call(void **state)
{
    Vmreclaim__Agent__V1__ListFreeRangesRequest ranges =
        VMRECLAIM__AGENT__V1__LIST_FREE_RANGES_REQUEST__INIT;
    Vmreclaim__Agent__V1__GetMemoryRequest memory = VMRECLAIM__AGENT__V1__GET_MEMORY_REQUEST__INIT;
    Vmreclaim__Agent__V1__CompactRequest compact = VMRECLAIM__AGENT__V1__COMPACT_REQUEST__INIT;
    struct client client;

    memory.exact = true;
    compact.force = true;
    for (unsigned i = 0; i < 10; i++) {
        client_init(&client, &guest);
        (void)client_stream(&client, "ListFreeRanges", &ranges);
        (void)client_stream(&client, "GetMemory", &memory);
        (void)client_stream(&client, "Compact", &compact);
        uv_run(&client.loop, UV_RUN_NOWAIT);
        client_finish(&client);
    }
    assert_alive();
}

static void test_newest_connection_wins(void **state)
{
    Vmreclaim__Agent__V1__PingRequest request = VMRECLAIM__AGENT__V1__PING_REQUEST__INIT;
    struct client clients[5];

    for (size_t i = 0; i < ARRAY_SIZE(clients); i++) {
        client_init(&clients[i], &guest);
        assert_non_null(client_call(&clients[i], "Ping", &request));
    }
    while (!clients[0].is_closed)
        uv_run(&clients[0].loop, UV_RUN_ONCE);
    assert_non_null(client_call(&clients[1], "Ping", &request));
    for (size_t i = 0; i < ARRAY_SIZE(clients); i++)
        client_finish(&clients[i]);
}

static void test_unknown_method(void **state)
{
    /* Method "Reboot". */
    unsigned char frame[10 + 34] = {0, 0, 0, 34, 0, 0, 0, 1, 1, 0, 0x0a, 24};
    unsigned char answer[512];
    int descriptor = raw_connect();

    memcpy(frame + 12, "vmreclaim.agent.v1.Agent", 24);
    frame[36] = 0x12;
    frame[37] = 6;
    memcpy(frame + 38, "Reboot", 6);
    assert_int_equal(send(descriptor, frame, sizeof(frame), MSG_NOSIGNAL), sizeof(frame));
    assert_true(recv(descriptor, answer, 14, MSG_WAITALL) == 14);
    /* Response, status, code 12: UNIMPLEMENTED */
    assert_int_equal(answer[8], 2);
    assert_int_equal(answer[10], 0x0a);
    assert_int_equal(answer[12], 0x08);
    assert_int_equal(answer[13], 12);
    close(descriptor);
}

/* What keeps an agent under test from reaching whoever runs this machine. */
static void test_children_have_no_vsock(void **state)
{
    int status = 0;
    pid_t child = fork();

    assert_true(child >= 0);
    if (child == 0) {
        int local;

        deny_vsock();
        local = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        _exit(local >= 0 && socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0) < 0 &&
                      errno == EAFNOSUPPORT
                  ? 0
                  : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

/* ---- the agent dials ---- */

static int listener;

static int setup_dialled(void **state)
{
    const char *const arguments[] = {"--connect", guest.address, NULL};
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    guest_init(&guest);
    listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    memcpy(address.sun_path, guest.path, sizeof(address.sun_path));
    assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(listener, 8), 0);
    guest_start(&guest, arguments);
    return 0;
}

static int teardown_dialled(void **state)
{
    close(listener);
    return teardown(state);
}

static void accept_client(struct client *client)
{
    int descriptor = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

    assert_true(descriptor >= 0);
    client_adopt(client, descriptor);
}

/* Watches the next connection that is early enough: the agent waits for two seconds. */
static void accept_and_watch(struct client *client)
{
    Vmreclaim__Agent__V1__WatchRequest request = VMRECLAIM__AGENT__V1__WATCH_REQUEST__INIT;

    for (;;) {
        accept_client(client);
        (void)client_stream(client, "Watch", &request);
        client_wait_messages(client, 1);
        if (!client->is_done)
            return;
        client_finish(client);
    }
}

static void accept_and_ping(struct client *client)
{
    Vmreclaim__Agent__V1__PingRequest request = VMRECLAIM__AGENT__V1__PING_REQUEST__INIT;

    for (;;) {
        accept_client(client);
        if (client_call(client, "Ping", &request) != NULL)
            return;
        client_finish(client);
    }
}

static void test_redials_when_nobody_watches(void **state)
{
    struct client client;

    accept_and_ping(&client);
    while (!client.is_closed)
        uv_run(&client.loop, UV_RUN_ONCE);
    client_finish(&client);
    accept_and_watch(&client);
    client_finish(&client);
}

static void test_redials_a_controller_that_went_away(void **state)
{
    struct client client;

    for (unsigned i = 0; i < 3; i++) {
        accept_and_watch(&client);
        client_finish(&client);
    }
}

static void test_killed_agent_comes_back(void **state)
{
    const char *const arguments[] = {"--connect", guest.address, NULL};
    struct client client;

    accept_and_watch(&client);
    guest_stop(&guest, SIGKILL);
    while (!client.is_closed)
        uv_run(&client.loop, UV_RUN_ONCE);
    client_finish(&client);
    guest_start(&guest, arguments);
    accept_and_watch(&client);
    client_finish(&client);
}

/* Until the agent has said so on its standard error. */
static void wait_for_words(int descriptor, const char *words)
{
    char text[4096] = "";
    size_t length = 0;

    while (strstr(text, words) == NULL) {
        ssize_t n = read(descriptor, text + length, sizeof(text) - 1 - length);

        assert_true(n > 0);
        length += (size_t)n;
        text[length] = '\0';
    }
}

/* Starts with too few descriptors, and runs when there are enough. */
static void test_a_shortage_at_the_start(void **state)
{
    const char *const arguments[] = {"--connect", "none", "--listen", guest.address, NULL};
    const struct rlimit few = {12, 1024}, enough = {1024, 1024};
    int standard_error = dup(STDERR_FILENO);
    int words[2];

    guest_init(&guest);
    assert_int_equal(pipe(words), 0);
    assert_int_equal(dup2(words[1], STDERR_FILENO), STDERR_FILENO);
    /* It has them from its first instruction on. */
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    guest_spawn(&guest, arguments);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &enough), 0);
    assert_int_equal(dup2(standard_error, STDERR_FILENO), STDERR_FILENO);
    close(standard_error);
    close(words[1]);
    wait_for_words(words[0], "trying again");
    assert_int_equal(prlimit(guest.pid, RLIMIT_NOFILE, &enough, NULL), 0);
    guest_wait_notify(&guest, "READY=1");
    close(words[0]);
}

int main(int argument_count, char **arguments)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_garbage, setup, teardown),
        cmocka_unit_test_setup_teardown(test_truncated_frame, setup, teardown),
        cmocka_unit_test_setup_teardown(test_client_that_never_reads, setup, teardown),
        cmocka_unit_test_setup_teardown(test_disconnect_in_the_middle_of_a_call, setup, teardown),
        cmocka_unit_test_setup_teardown(test_newest_connection_wins, setup, teardown),
        cmocka_unit_test_setup_teardown(test_unknown_method, setup, teardown),
        cmocka_unit_test(test_children_have_no_vsock),
        cmocka_unit_test_setup_teardown(test_a_shortage_at_the_start, NULL, teardown),
        cmocka_unit_test_setup_teardown(test_redials_when_nobody_watches, setup_dialled,
                                        teardown_dialled),
        cmocka_unit_test_setup_teardown(test_redials_a_controller_that_went_away, setup_dialled,
                                        teardown_dialled),
        cmocka_unit_test_setup_teardown(test_killed_agent_comes_back, setup_dialled,
                                        teardown_dialled),
    };

    assert_int_equal(argument_count, 2);
    guest_agent_program = arguments[1];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
