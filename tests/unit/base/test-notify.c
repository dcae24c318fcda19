/* The service manager's protocol. */
#include "tests/lib/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/base/notify.h"

static int manager;
static char name[64];

/* In the abstract namespace: nothing to clean up. */
static int setup(void **state)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int length = snprintf(name, sizeof(name), "@vmreclaim-test-%d", (int)getpid());

    memcpy(address.sun_path + 1, name + 1, (size_t)length - 1);
    manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_int_equal(bind(manager, (struct sockaddr *)&address,
                          (socklen_t)(offsetof(struct sockaddr_un, sun_path) + (size_t)length)),
                     0);
    return 0;
}

static int teardown(void **state)
{
    (void)unsetenv("NOTIFY_SOCKET");
    (void)unsetenv("WATCHDOG_USEC");
    (void)unsetenv("WATCHDOG_PID");
    return close(manager);
}

static const char *next_message(void)
{
    static char message[64];
    ssize_t n = recv(manager, message, sizeof(message) - 1, 0);

    message[n < 0 ? 0 : n] = '\0';
    return message;
}

static void test_message_arrives(void **state)
{
    struct notify notify;

    assert_int_equal(setenv("NOTIFY_SOCKET", name, 1), 0);
    notify_init(&notify, 0);
    notify_send(&notify, "READY=1");
    assert_string_equal(next_message(), "READY=1");
    notify_finish(&notify);
}

static void test_no_manager_is_no_error(void **state)
{
    struct notify notify;

    notify_init(&notify, 0);
    notify_send(&notify, "READY=1");
    notify_watchdog(&notify, 1000);
    assert_true(notify.watchdog_due == NSEC_INFINITY);
    notify_finish(&notify);
    assert_int_equal(setenv("NOTIFY_SOCKET", "relative", 1), 0);
    notify_init(&notify, 0);
    assert_int_equal(notify.descriptor, -1);
}

/* Due at half the period, and sent up to a quarter before. */
static void test_sign_of_life(void **state)
{
    struct notify notify;

    assert_int_equal(setenv("NOTIFY_SOCKET", name, 1), 0);
    assert_int_equal(setenv("WATCHDOG_USEC", "2000000", 1), 0);
    notify_init(&notify, 100);
    notify_watchdog(&notify, 100);
    assert_string_equal(next_message(), "WATCHDOG=1");
    assert_int_equal(notify.watchdog_due, 100 + NSEC_PER_SEC);
    notify_watchdog(&notify, 100 + NSEC_PER_SEC / 2 - 1);
    assert_string_equal(next_message(), "");
    notify_watchdog(&notify, 100 + NSEC_PER_SEC / 2);
    assert_string_equal(next_message(), "WATCHDOG=1");
    notify_finish(&notify);
}

static void test_watchdog_of_another_process_is_not_ours(void **state)
{
    struct notify notify;

    assert_int_equal(setenv("NOTIFY_SOCKET", name, 1), 0);
    assert_int_equal(setenv("WATCHDOG_USEC", "2000000", 1), 0);
    assert_int_equal(setenv("WATCHDOG_PID", "1", 1), 0);
    notify_init(&notify, 100);
    assert_true(notify.watchdog_due == NSEC_INFINITY);
    notify_finish(&notify);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_message_arrives, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_manager_is_no_error, setup, teardown),
        cmocka_unit_test_setup_teardown(test_sign_of_life, setup, teardown),
        cmocka_unit_test_setup_teardown(test_watchdog_of_another_process_is_not_ours, setup,
                                        teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
