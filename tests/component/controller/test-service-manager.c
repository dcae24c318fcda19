/* vmreclaimd under a service manager: it is told when the daemon serves and that its loop runs, and
 * the daemon takes over the sockets that the manager listens on. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/component/controller/fixture.h"

/* A bound socket in the fixture's directory; the daemon's child inherits it. */
static int bind_in(const struct fixture *f, const char *name, int type)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int descriptor = socket(AF_UNIX, type, 0);

    assert_true(descriptor >= 0);
    snprintf(address.sun_path, sizeof(address.sun_path), "%s/%s", f->directory, name);
    assert_int_equal(bind(descriptor, (struct sockaddr *)&address, sizeof(address)), 0);
    return descriptor;
}

static bool manager_hears(int manager, const char *message)
{
    char heard[64] = "";

    while (recv(manager, heard, sizeof(heard) - 1, MSG_DONTWAIT) > 0) {
        if (strcmp(heard, message) == 0)
            return true;
        memset(heard, 0, sizeof(heard));
    }
    return false;
}

static void test_the_manager_is_told(void **state)
{
    struct fixture *f = *state;
    char name[96];
    int status = 0;
    int manager = bind_in(f, "notify", SOCK_DGRAM | SOCK_CLOEXEC);

    snprintf(name, sizeof(name), "%s/notify", f->directory);
    assert_int_equal(setenv("NOTIFY_SOCKET", name, 1), 0);
    assert_int_equal(setenv("WATCHDOG_USEC", "1000000", 1), 0);
    start_daemon(f, NULL);
    (void)unsetenv("NOTIFY_SOCKET");
    (void)unsetenv("WATCHDOG_USEC");
    wait_for(f, manager_hears(manager, "READY=1"));
    connect_api(f);
    wait_for(f, manager_hears(manager, "WATCHDOG=1"));
    wait_for(f, manager_hears(manager, "WATCHDOG=1"));
    /* A socket keeps ten messages: what is not read is in the way of the next. */
    (void)kill(f->daemon, SIGTERM);
    wait_for(f, manager_hears(manager, "STOPPING=1"));
    assert_int_equal(waitpid(f->daemon, &status, 0), f->daemon);
    f->daemon = 0;
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    wait_for(f, f->api == NULL);
    close(manager);
}

/* Whoever connected before the daemon started is served when it does. */
static void test_sockets_are_taken_over(void **state)
{
    struct fixture *f = *state;
    Vmreclaim__Controller__V1__ListVmsRequest request =
        VMRECLAIM__CONTROLLER__V1__LIST_VMS_REQUEST__INIT;
    int listening = bind_in(f, "api.sock", SOCK_STREAM);
    char address[16];
    char *more[] = {(char *)"--api", address, NULL};

    assert_int_equal(listen(listening, 8), 0);
    snprintf(address, sizeof(address), "fd:%d", listening);
    connect_api(f);
    start_daemon(f, more);
    call(f, "ListVms", &request.base);
    assert_int_equal(f->code, TTRPC_OK);
    stop_daemon(f, 0);
    assert_int_equal(faccessat(f->root, "api.sock", F_OK, 0), 0); /* the manager's, not its own */
    close(listening);
}

static void test_a_descriptor_that_does_not_listen(void **state)
{
    struct fixture *f = *state;
    char *more[] = {(char *)"--api", (char *)"fd:0", NULL};
    int status = 0;

    start_daemon(f, more);
    assert_int_equal(waitpid(f->daemon, &status, 0), f->daemon);
    f->daemon = 0;
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 1);
    assert_true(log_has(f, "cannot serve the API: fd:0"));
}

#define manager_test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        manager_test(test_the_manager_is_told),
        manager_test(test_sockets_are_taken_over),
        manager_test(test_a_descriptor_that_does_not_listen),
    };

    if (argc < 2)
        return 2;
    program = argv[1];
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
