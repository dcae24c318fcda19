/* Visits to a QMP socket that others need: how long, how often, and who goes first. */
#include "tests/lib/test.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/base/number.h"
#include "controller/hypervisors/table.h"
#include "tests/component/controller/qmp-server.h"

#define LONG (20 * NSEC_PER_SEC)

static const struct driver *driver;
static char path[64];
static char where[96];
static uv_loop_t loop;
static uv_timer_t ticker;
static struct qmp_server server;
static struct driver_session *session;
static struct driver_facts facts;
static unsigned ready;
static int failed;
static struct error why_failed;
static unsigned done;
static int status;
static enum driver_outcome outcome;
static uint64_t actual;
static struct error why_not; /* the last error of an operation */
static bool asks_again;      /* from inside the next end */
static int asked_again;
static unsigned opening; /* visits: one, or more on a machine that is too slow for one */
static nsec_t later;     /* so much later it is for the driver */

static void on_ready(const struct driver_facts *told, void *userdata)
{
    ready++;
    facts = *told;
}

static void on_event(enum driver_event event, void *userdata)
{
}

static void on_failed(int why, const struct error *error, void *userdata)
{
    failed = why;
    why_failed = *error;
}

static const struct driver_callbacks callbacks = {on_ready, on_event, on_failed};

static void on_done(const struct driver_result *result, void *userdata)
{
    done++;
    status = result->status;
    outcome = result->outcome;
    actual = result->balloon_actual;
    if (result->error != NULL)
        why_not = *result->error;
    if (asks_again) {
        asks_again = false;
        asked_again = driver->start(session, DRIVER_READ_FACTS, 0, LONG, on_done, NULL);
    }
}

static int start(enum driver_operation operation, uint64_t value, nsec_t timeout)
{
    return driver->start(session, operation, value, timeout, on_done, NULL);
}

static void on_ticker(uv_timer_t *timer)
{
    if (session != NULL)
        driver->tick(session, time_monotonic() + later);
}

static int set_up(void **state)
{
    ready = done = 0;
    failed = 0;
    asks_again = false;
    later = 0;
    session = NULL;
    (void)unlink(path);
    if (uv_loop_init(&loop) < 0 || uv_timer_init(&loop, &ticker) < 0)
        return -1;
    uv_timer_start(&ticker, on_ticker, 1, 1);
    qmp_server_init(&server, &loop);
    return qmp_server_listen(&server, path);
}

static int tear_down(void **state)
{
    driver->close(session);
    session = NULL;
    qmp_server_close(&server);
    uv_close((uv_handle_t *)&ticker, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    return uv_loop_close(&loop);
}

#define run_until(condition)                                                                       \
    do {                                                                                           \
        for (unsigned turns_ = 0; !(condition) && turns_ < 20000; turns_++)                        \
            uv_run(&loop, UV_RUN_ONCE);                                                            \
        assert_true(condition);                                                                    \
    } while (0)

static void open_session(void)
{
    assert_int_equal(driver->open(&loop, where, LONG, &callbacks, NULL, &session), 0);
}

static void open_ready(void)
{
    open_session();
    run_until(ready == 1);
    run_until(!server.has_client);
    opening = server.clients;
}

static void test_it_leaves_when_nothing_is_due(void **state)
{
    open_ready();
    assert_string_equal(facts.name, "web-1");
    assert_int_equal(facts.capabilities & DRIVER_TELLS_EVENTS, 0);
    /* Nothing is asked: nobody comes. */
    for (unsigned i = 0; i < 200; i++)
        uv_run(&loop, UV_RUN_ONCE);
    assert_int_equal(server.clients, opening);
}

static void test_one_visit_for_all_that_is_due(void **state)
{
    open_ready();
    assert_int_equal(start(DRIVER_READ_FACTS, 0, LONG), 0);
    assert_int_equal(start(DRIVER_READ_STATISTICS, 0, LONG), 0);
    assert_int_equal(start(DRIVER_SET_BALLOON, 512 * MIB, LONG), 0);
    assert_int_equal(start(DRIVER_READ_BALLOON, 0, LONG), 0);
    run_until(done == 4);
    run_until(!server.has_client);
    /* A machine that is too slow for one visit needs two, not one for each. */
    assert_in_range(server.clients - opening, 1, 2);
    assert_true(server.balloon_target == 512 * MIB);
}

/* What is global to the VM is its owner's. */
static void test_it_changes_nothing_unasked(void **state)
{
    unsigned commands;

    open_ready();
    commands = server.commands;
    assert_int_equal(start(DRIVER_READ_BALLOON, 0, LONG), 0);
    run_until(done == 1);
    /* qmp_capabilities, and what the balloon takes: no migrate-set-capabilities. */
    assert_int_equal(server.commands - commands, 3);
}

/* ---- somebody else ---- */

static int connect_other(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(descriptor >= 0);
    snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    assert_int_equal(connect(descriptor, (const struct sockaddr *)&address, sizeof(address)), 0);
    return descriptor;
}

/* It has the socket; we come, are not greeted, and are served once it has left. */
static void test_somebody_else_is_there(void **state)
{
    int other;

    open_ready();
    other = connect_other();
    run_until(server.clients == opening + 1);
    assert_int_equal(start(DRIVER_READ_BALLOON, 0, LONG), 0);
    for (unsigned i = 0; i < 300; i++)
        uv_run(&loop, UV_RUN_ONCE);
    assert_int_equal(done, 0);
    assert_int_equal(failed, 0);
    close(other);
    run_until(done == 1);
    assert_int_equal(status, 0);
    assert_true(actual == GIB);
}

/* What was never sent was not done. */
static void test_somebody_else_stays(void **state)
{
    int other;

    open_ready();
    other = connect_other();
    run_until(server.clients == opening + 1);
    assert_int_equal(start(DRIVER_SET_BALLOON, 512 * MIB, 300 * NSEC_PER_MSEC), 0);
    run_until(done == 1);
    assert_int_equal(status, -ETIMEDOUT);
    assert_int_equal(outcome, DRIVER_OUTCOME_NOT_DONE);
    assert_int_equal(server.balloon_commands, 0);
    assert_non_null(strstr(why_not.text, "others had it"));
    assert_int_equal(failed, 0); /* the next may find it free */
    close(other);
}

/* ---- who does not answer is left ---- */

static void test_a_question_is_asked_again(void **state)
{
    open_ready();
    server.fault = QMP_SERVER_DEAF;
    assert_int_equal(start(DRIVER_READ_BALLOON, 0, LONG), 0);
    run_until(server.clients == opening + 1);
    run_until(!server.has_client); /* left, without an answer */
    assert_int_equal(done, 0);
    server.fault = QMP_SERVER_WORKS;
    run_until(done == 1);
    assert_int_equal(status, 0);
    assert_true(server.clients >= opening + 2);
}

/* The time is over between two visits: nobody else is to blame. */
static void test_who_never_answers_is_not_others(void **state)
{
    unsigned commands;

    open_ready();
    server.fault = QMP_SERVER_DEAF;
    commands = server.commands;
    assert_int_equal(start(DRIVER_READ_BALLOON, 0, LONG), 0);
    run_until(server.commands - commands >= 2); /* qmp_capabilities, and a question */
    run_until(!server.has_client);
    later = LONG;
    run_until(done == 1);
    assert_int_equal(status, -ETIMEDOUT);
    assert_non_null(strstr(why_not.text, "no answer"));
    assert_int_equal(failed, 0);
}

/* Its greeting says that nobody else has the socket. */
static void expect_that_it_hangs(enum qmp_server_fault fault)
{
    server.fault = fault;
    open_session();
    run_until(server.clients > 0);
    run_until(!server.has_client);
    later = LONG;
    run_until(failed != 0);
    assert_int_equal(failed, -EBUSY);
    assert_non_null(strstr(why_failed.text, "answer"));
    assert_non_null(strstr(why_failed.text, "hangs"));
    assert_null(strstr(why_failed.text, "others had it"));
}

static void test_who_greets_and_hangs(void **state)
{
    expect_that_it_hangs(QMP_SERVER_HANGS);
}

static void test_who_negotiates_and_hangs(void **state)
{
    expect_that_it_hangs(QMP_SERVER_DEAF);
}

static void test_who_never_greets(void **state)
{
    server.fault = QMP_SERVER_SILENT;
    assert_int_equal(driver->open(&loop, where, 300 * NSEC_PER_MSEC, &callbacks, NULL, &session),
                     0);
    run_until(failed != 0);
    assert_int_equal(failed, -ETIMEDOUT);
    assert_non_null(strstr(why_failed.text, "others had it"));
}

/* It may be carried out later: the balloon's size will tell. */
static void test_a_command_is_not_given_twice(void **state)
{
    open_ready();
    server.fault = QMP_SERVER_DEAF;
    assert_int_equal(start(DRIVER_SET_BALLOON, 512 * MIB, LONG), 0);
    run_until(done == 1);
    assert_int_equal(status, -ETIMEDOUT);
    assert_int_equal(outcome, DRIVER_OUTCOME_UNKNOWN);
    assert_int_equal(server.clients, opening + 1);
    assert_int_equal(failed, 0);
}

static void test_its_hypervisor_ends(void **state)
{
    open_ready();
    qmp_server_close(&server);
    (void)unlink(path);
    asks_again = true;
    assert_int_equal(start(DRIVER_READ_BALLOON, 0, LONG), 0);
    run_until(failed != 0);
    assert_int_equal(done, 1);
    assert_true(status < 0);
    assert_int_equal(asked_again, -ENOTCONN);
    assert_int_equal(start(DRIVER_READ_BALLOON, 0, LONG), -ENOTCONN);
}

static void test_proxmox_is_visited(void **state)
{
    struct error error;

    assert_int_equal(driver->check("shared:/run/x.qmp", &error), 0);
    assert_int_equal(driver->check("shared:x.qmp", &error), -EINVAL);
    assert_null(driver->owner("/run/qemu-server/100.qmp"));
    assert_string_equal(driver->owner("shared:/var/lib/libvirt/qemu/domain-1-a/monitor.sock"),
                        "libvirt");
    assert_true(driver->identify(where) != 0);
    assert_true(driver->identify(where) == driver->identify(path));
}

#define visits_test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        visits_test(test_it_leaves_when_nothing_is_due),
        visits_test(test_one_visit_for_all_that_is_due),
        visits_test(test_it_changes_nothing_unasked),
        visits_test(test_somebody_else_is_there),
        visits_test(test_somebody_else_stays),
        visits_test(test_a_question_is_asked_again),
        visits_test(test_who_never_answers_is_not_others),
        visits_test(test_who_greets_and_hangs),
        visits_test(test_who_negotiates_and_hangs),
        visits_test(test_who_never_greets),
        visits_test(test_a_command_is_not_given_twice),
        visits_test(test_its_hypervisor_ends),
        visits_test(test_proxmox_is_visited),
    };
    int failures;

    signal(SIGPIPE, SIG_IGN);
    snprintf(path, sizeof(path), "/tmp/vmreclaim-test-visits-%d.qmp", (int)getpid());
    snprintf(where, sizeof(where), "shared:%s", path);
    assert_int_equal(driver_find("qemu", &driver, NULL), 0);
    failures = cmocka_run_group_tests(tests, NULL, NULL);
    (void)unlink(path);
    return failures;
}
