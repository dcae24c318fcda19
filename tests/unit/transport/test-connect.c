/* Listening and dialling over UNIX sockets; AF_VSOCK itself is tested in the lab. */
#include "tests/lib/test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/transport/transport.h"
#include "tests/lib/loop.h"

struct fixture {
    uv_loop_t loop;
    char directory[32];
    struct address address;
    struct error error;
    /* of the listener */
    bool accepted;
    int accepted_descriptor;
    struct peer peer;
    const char *answer; /* written to whoever comes */
    /* of the dial */
    bool done;
    int descriptor;
    struct error dial_error;
};

static int setup(void **state)
{
    static struct fixture fixture;

    fixture = (struct fixture){.accepted_descriptor = -1, .descriptor = -1};
    snprintf(fixture.directory, sizeof(fixture.directory), "/tmp/transport-XXXXXX");
    if (mkdtemp(fixture.directory) == NULL || uv_loop_init(&fixture.loop) < 0)
        return -1;
    fixture.address.kind = ADDRESS_UNIX;
    snprintf(fixture.address.path, sizeof(fixture.address.path), "%s/socket", fixture.directory);
    *state = &fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;

    loop_finish(&fixture->loop);
    if (fixture->accepted_descriptor >= 0)
        close(fixture->accepted_descriptor);
    if (fixture->descriptor >= 0)
        close(fixture->descriptor);
    (void)unlink(fixture->address.path);
    return rmdir(fixture->directory);
}

static void on_accept(int descriptor, const struct peer *peer, void *userdata)
{
    struct fixture *fixture = userdata;

    fixture->accepted = true;
    fixture->accepted_descriptor = descriptor;
    fixture->peer = *peer;
    if (fixture->answer != NULL && write(descriptor, fixture->answer, strlen(fixture->answer)) < 0)
        abort();
}

static void on_dialled(int descriptor, const struct error *error, void *userdata)
{
    struct fixture *fixture = userdata;

    fixture->done = true;
    fixture->descriptor = descriptor;
    fixture->dial_error = *error;
}

static struct listener *listen_at(struct fixture *fixture, const struct address *address)
{
    struct listener *listener = NULL;
    int r = listener_create(&fixture->loop, address, 0600, on_accept, fixture, &listener,
                            &fixture->error);
    if (r < 0)
        fail_msg("%s", fixture->error.text);
    return listener;
}

static void dial(struct fixture *fixture, const struct address *address, nsec_t timeout)
{
    assert_int_equal(dial_start(&fixture->loop, address, timeout, on_dialled, fixture, NULL), 0);
    assert_false(fixture->done);
    loop_run_until(&fixture->loop, &fixture->done);
}

static void test_connect(void **state)
{
    struct fixture *fixture = *state;
    struct listener *listener = listen_at(fixture, &fixture->address);
    struct stat status;
    char byte = 'x';

    assert_int_equal(stat(fixture->address.path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0600);
    dial(fixture, &fixture->address, 0);
    assert_string_equal(fixture->dial_error.text, "");
    loop_run_until(&fixture->loop, &fixture->accepted);
    assert_int_equal(fixture->peer.kind, ADDRESS_UNIX);
    assert_int_equal(fixture->peer.pid, getpid());
    assert_int_equal(fixture->peer.uid, getuid());
    assert_int_equal(write(fixture->descriptor, &byte, 1), 1);
    assert_int_equal(read(fixture->accepted_descriptor, &byte, 1), 1);
    assert_int_equal(read(fixture->accepted_descriptor, &byte, 1), -1);
    assert_int_equal(errno, EAGAIN);
    assert_true((fcntl(fixture->descriptor, F_GETFL) & O_NONBLOCK) != 0);
    assert_true((fcntl(fixture->descriptor, F_GETFD) & FD_CLOEXEC) != 0);
    listener_destroy(listener);
    assert_int_equal(access(fixture->address.path, F_OK), -1);
}

static void test_nobody_listens(void **state)
{
    struct fixture *fixture = *state;

    dial(fixture, &fixture->address, NSEC_PER_SEC * 600);
    assert_int_equal(fixture->descriptor, -ENOENT);
    assert_non_null(strstr(fixture->dial_error.text, fixture->address.path));
    assert_non_null(strstr(fixture->dial_error.text, "No such file"));
}

static void test_cancel(void **state)
{
    struct fixture *fixture = *state;
    struct listener *listener = listen_at(fixture, &fixture->address);
    struct dial *cancelled;

    assert_int_equal(dial_start(&fixture->loop, &fixture->address, NSEC_PER_SEC, on_dialled,
                                fixture, &cancelled),
                     0);
    dial_cancel(cancelled);
    dial_cancel(NULL);
    loop_run_until(&fixture->loop, &fixture->accepted);
    loop_run_turns(&fixture->loop, 5);
    assert_false(fixture->done);
    listener_destroy(listener);
    listener_destroy(NULL);
}

/* A full backlog is waited for: here it has room for one until somebody accepts. */
static void test_full_backlog(void **state)
{
    struct fixture *fixture = *state;
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    int listening = socket(AF_UNIX, SOCK_STREAM, 0);
    int waiting[8];
    int first;

    snprintf(name.sun_path, sizeof(name.sun_path), "%s", fixture->address.path);
    assert_int_equal(bind(listening, (struct sockaddr *)&name, sizeof(name)), 0);
    assert_int_equal(listen(listening, 0), 0);
    for (unsigned i = 0; i < ARRAY_SIZE(waiting); i++) {
        waiting[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
        if (connect(waiting[i], (struct sockaddr *)&name, sizeof(name)) < 0)
            assert_int_equal(errno, EAGAIN);
    }
    assert_int_equal(dial_start(&fixture->loop, &fixture->address, 600 * NSEC_PER_SEC, on_dialled,
                                fixture, NULL),
                     0);
    for (unsigned i = 0; i < 3; i++)
        uv_run(&fixture->loop, UV_RUN_ONCE);
    assert_false(fixture->done);
    first = accept(listening, NULL, NULL);
    loop_run_until(&fixture->loop, &fixture->done);
    assert_true(fixture->descriptor >= 0);
    for (unsigned i = 0; i < ARRAY_SIZE(waiting); i++)
        close(waiting[i]);
    close(first);
    close(listening);
}

static void count_and_close(int descriptor, const struct peer *peer, void *userdata)
{
    unsigned *count = userdata;

    close(descriptor);
    (*count)++;
}

/* 20 may come at once, the others at 10,000 a second: however slow the machine, not sooner. */
static void test_a_storm_is_let_in_at_its_rate(void **state)
{
    struct fixture *fixture = *state;
    struct listener *listener;
    int storm[220];
    unsigned count = 0;
    union {
        struct sockaddr any;
        struct sockaddr_un local;
    } name = {.local = {.sun_family = AF_UNIX}};
    nsec_t begun;

    snprintf(name.local.sun_path, sizeof(name.local.sun_path), "%s", fixture->address.path);
    assert_int_equal(listener_create(&fixture->loop, &fixture->address, 0600, count_and_close,
                                     &count, &listener, &fixture->error),
                     0);
    begun = time_monotonic();
    for (unsigned i = 0; i < ARRAY_SIZE(storm); i++) {
        storm[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
        assert_int_equal(connect(storm[i], &name.any, sizeof(name.local)), 0);
    }
    while (count < ARRAY_SIZE(storm))
        uv_run(&fixture->loop, UV_RUN_ONCE);
    assert_true(time_monotonic() - begun >= 19 * NSEC_PER_MSEC);
    for (unsigned i = 0; i < ARRAY_SIZE(storm); i++)
        close(storm[i]);
    listener_destroy(listener);
}

static void test_stale_socket_is_replaced(void **state)
{
    struct fixture *fixture = *state;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int descriptor = socket(AF_UNIX, SOCK_STREAM, 0);
    struct listener *listener;

    snprintf(address.sun_path, sizeof(address.sun_path), "%s", fixture->address.path);
    assert_int_equal(bind(descriptor, (struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(close(descriptor), 0);
    listener = listen_at(fixture, &fixture->address);
    listener_destroy(listener);
}

static void test_live_socket_is_not_replaced(void **state)
{
    struct fixture *fixture = *state;
    struct listener *listener = listen_at(fixture, &fixture->address);
    struct listener *second = NULL;

    assert_int_equal(listener_create(&fixture->loop, &fixture->address, 0600, on_accept, fixture,
                                     &second, &fixture->error),
                     -EADDRINUSE);
    assert_non_null(strstr(fixture->error.text, "somebody listens there already"));
    assert_int_equal(access(fixture->address.path, F_OK), 0);
    listener_destroy(listener);
}

static void test_other_files_are_not_replaced(void **state)
{
    struct fixture *fixture = *state;
    struct listener *listener = NULL;
    int descriptor = open(fixture->address.path, O_CREAT | O_WRONLY, 0600);

    assert_true(descriptor >= 0);
    assert_int_equal(close(descriptor), 0);
    assert_int_equal(listener_create(&fixture->loop, &fixture->address, 0600, on_accept, fixture,
                                     &listener, &fixture->error),
                     -EEXIST);
    assert_int_equal(access(fixture->address.path, F_OK), 0);
}

static void test_successor_keeps_its_file(void **state)
{
    struct fixture *fixture = *state;
    struct listener *first = listen_at(fixture, &fixture->address);
    struct listener *second;

    assert_int_equal(unlink(fixture->address.path), 0);
    second = listen_at(fixture, &fixture->address);
    listener_destroy(first);
    assert_int_equal(access(fixture->address.path, F_OK), 0);
    listener_destroy(second);
}

static void test_activation(void **state)
{
    struct fixture *fixture = *state;
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    struct address address = {.kind = ADDRESS_FD, .descriptor = socket(AF_UNIX, SOCK_STREAM, 0)};
    struct listener *listener;

    snprintf(name.sun_path, sizeof(name.sun_path), "%s", fixture->address.path);
    assert_int_equal(bind(address.descriptor, (struct sockaddr *)&name, sizeof(name)), 0);
    assert_int_equal(listen(address.descriptor, 5), 0);
    listener = listen_at(fixture, &address);
    dial(fixture, &fixture->address, 0);
    loop_run_until(&fixture->loop, &fixture->accepted);
    assert_int_equal(fixture->peer.kind, ADDRESS_UNIX);
    listener_destroy(listener);
    /* The file belongs to whoever made the socket. */
    assert_int_equal(access(fixture->address.path, F_OK), 0);
}

static void test_activation_of_what_does_not_listen(void **state)
{
    struct fixture *fixture = *state;
    struct address address = {.kind = ADDRESS_FD, .descriptor = socket(AF_UNIX, SOCK_STREAM, 0)};
    struct listener *listener = NULL;

    assert_int_equal(listener_create(&fixture->loop, &address, 0600, on_accept, fixture, &listener,
                                     &fixture->error),
                     -EINVAL);
    assert_non_null(strstr(fixture->error.text, "not a listening socket"));
    assert_int_equal(close(address.descriptor), 0);
}

static void test_dial_descriptor(void **state)
{
    struct fixture *fixture = *state;
    int pair[2];
    struct address address = {.kind = ADDRESS_FD};

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    address.descriptor = pair[0];
    dial(fixture, &address, 0);
    assert_int_equal(fixture->descriptor, pair[0]);
    assert_int_equal(close(pair[1]), 0);
}

/* ---- hybrid ---- */

static struct address hybrid_address(const struct fixture *fixture)
{
    struct address address = fixture->address;

    address.kind = ADDRESS_HYBRID;
    address.port = AGENT_PORT;
    return address;
}

static void test_hybrid_handshake(void **state)
{
    struct fixture *fixture = *state;
    struct address address = hybrid_address(fixture);
    struct listener *listener = listen_at(fixture, &fixture->address);
    char buffer[64] = "";

    fixture->answer = "OK 1073741825\nguest";
    dial(fixture, &address, 0);
    assert_string_equal(fixture->dial_error.text, "");
    assert_true(fixture->descriptor >= 0);
    assert_true(read(fixture->accepted_descriptor, buffer, sizeof(buffer)) > 0);
    assert_string_equal(buffer, "CONNECT 1017\n");
    /* What follows the line is still there. */
    memset(buffer, 0, sizeof(buffer));
    assert_int_equal(read(fixture->descriptor, buffer, sizeof(buffer)), 5);
    assert_string_equal(buffer, "guest");
    listener_destroy(listener);
}

static void test_hybrid_refusal(void **state)
{
    struct fixture *fixture = *state;
    struct address address = hybrid_address(fixture);
    struct listener *listener = listen_at(fixture, &fixture->address);

    fixture->answer = "ERR no\n";
    dial(fixture, &address, 0);
    assert_int_equal(fixture->descriptor, -EPROTO);
    assert_non_null(strstr(fixture->dial_error.text, "'ERR no' in answer to CONNECT"));
    listener_destroy(listener);
}

static void on_accept_and_close(int descriptor, const struct peer *peer, void *userdata)
{
    close(descriptor);
}

static void test_hybrid_nobody_in_the_guest(void **state)
{
    struct fixture *fixture = *state;
    struct address address = hybrid_address(fixture);
    struct listener *listener = NULL;

    assert_int_equal(listener_create(&fixture->loop, &fixture->address, 0600, on_accept_and_close,
                                     NULL, &listener, &fixture->error),
                     0);
    dial(fixture, &address, 0);
    assert_true(fixture->descriptor < 0);
    assert_non_null(strstr(fixture->dial_error.text, "CONNECT"));
    listener_destroy(listener);
}

static void test_hybrid_silence_times_out(void **state)
{
    struct fixture *fixture = *state;
    struct address address = hybrid_address(fixture);
    struct listener *listener = listen_at(fixture, &fixture->address);

    dial(fixture, &address, NSEC_PER_MSEC);
    assert_int_equal(fixture->descriptor, -ETIMEDOUT);
    listener_destroy(listener);
}

/* The guest dials: the VMM connects to PATH_PORT. */
static void test_hybrid_listener(void **state)
{
    struct fixture *fixture = *state;
    struct address address = hybrid_address(fixture);
    struct listener *listener = listen_at(fixture, &address);
    struct address vmm = {.kind = ADDRESS_UNIX};

    snprintf(vmm.path, sizeof(vmm.path), "%s/socket_1017", fixture->directory);
    dial(fixture, &vmm, 0);
    loop_run_until(&fixture->loop, &fixture->accepted);
    assert_int_equal(fixture->peer.kind, ADDRESS_HYBRID);
    listener_destroy(listener);
}

#define loop_test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        loop_test(test_connect),
        loop_test(test_nobody_listens),
        loop_test(test_cancel),
        loop_test(test_full_backlog),
        loop_test(test_a_storm_is_let_in_at_its_rate),
        loop_test(test_stale_socket_is_replaced),
        loop_test(test_live_socket_is_not_replaced),
        loop_test(test_other_files_are_not_replaced),
        loop_test(test_successor_keeps_its_file),
        loop_test(test_activation),
        loop_test(test_activation_of_what_does_not_listen),
        loop_test(test_dial_descriptor),
        loop_test(test_hybrid_handshake),
        loop_test(test_hybrid_refusal),
        loop_test(test_hybrid_nobody_in_the_guest),
        loop_test(test_hybrid_silence_times_out),
        loop_test(test_hybrid_listener),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
