/* The driver for Firecracker against a strict fake of it. */
#include "tests/lib/test.h"

#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/number.h"
#include "controller/hypervisors/firecracker/facts.h"
#include "controller/hypervisors/microvm/place.h"
#include "tests/unit/controller/hypervisors/microvm-fixture.h"

static int set_up(void **state)
{
    return microvm_fixture_set_up(state, &firecracker_driver);
}

static void test_facts(void **state)
{
    struct microvm_fixture *f = *state;

    f->firecracker.amount_mib = f->firecracker.actual_mib = 24;
    f->firecracker.uds_path = microvm_fixture_path(); /* any socket will do */
    microvm_fixture_open_ready(f);
    assert_string_equal(f->facts.name, "fc-1");
    assert_int_equal(f->facts.pid, getpid());
    assert_int_equal(f->facts.run_state, RUN_STATE_RUNNING);
    assert_int_equal(f->facts.ram, GIB);
    assert_int_equal(f->facts.guest_cid, 0); /* 3 is not the host's */
    assert_string_equal(f->facts.hybrid_vsock, microvm_fixture_path());
    assert_int_equal(f->facts.balloon, ANSWER_YES);
    assert_int_equal(f->facts.balloon_actual, 1000 * MIB);
    assert_int_equal(f->facts.balloon_maximum, GIB);
    assert_int_equal(f->facts.free_page_reporting, ANSWER_YES);
    assert_int_equal(f->facts.deflate_on_oom, ANSWER_YES);
    assert_int_equal(f->facts.statistics_interval, 5);
    assert_int_equal(f->facts.backing, MEMORY_BACKING_ANONYMOUS);
    assert_int_equal(f->facts.memory.private_bytes, GIB);
    assert_int_equal(f->facts.capabilities, DRIVER_CAN_SET_BALLOON | DRIVER_CAN_READ_STATISTICS);
    assert_int_equal(f->events[DRIVER_EVENT_BALLOON], 0);
}

/* What cannot be known is not said. */
static void test_without_statistics(void **state)
{
    struct microvm_fixture *f = *state;

    f->firecracker.stats_polling_interval_s = 0;
    f->firecracker.amount_mib = 100;
    microvm_fixture_open_ready(f);
    assert_int_equal(f->facts.balloon, ANSWER_YES);
    assert_int_equal(f->facts.balloon_actual, 0); /* the target is no size */
    assert_int_equal(f->facts.capabilities, 0);
    assert_int_equal(f->facts.statistics_interval, 0);
    assert_string_equal(f->facts.hybrid_vsock, ""); /* no such socket */
    assert_int_equal(microvm_fixture_read_statistics(f), -EOPNOTSUPP);
    assert_int_equal(microvm_fixture_set_balloon(f, GIB / 2), -ENODEV);
    assert_int_equal(f->firecracker.patches, 0);
}

static void test_other_machines(void **state)
{
    struct microvm_fixture *f = *state;

    f->firecracker.is_old = true;
    f->firecracker.huge_pages = "2M";
    f->firecracker.guest_cid = 0;
    microvm_fixture_open_ready(f);
    assert_int_equal(f->facts.free_page_reporting, ANSWER_NO);
    assert_int_equal(f->facts.backing, MEMORY_BACKING_HUGETLB);
    assert_int_equal(f->facts.backing_page_size, 2 * MIB);
    assert_int_equal(f->facts.guest_cid, 0);
    f->firecracker.huge_pages = "None";
    f->firecracker.is_old = false;
    f->firecracker.has_vhost_user_drive = true;
    assert_int_equal(microvm_fixture_read_facts(f), 0);
    assert_int_equal(f->facts.backing, MEMORY_BACKING_MEMFD);
    assert_int_equal(f->facts.memory.shared_count, 1);
    /* They take memory from the guest, and the host gets none of it. */
    assert_int_equal(f->facts.free_page_reporting, ANSWER_NO);
    assert_int_equal(f->facts.balloon, ANSWER_NO);
    assert_int_equal(f->facts.capabilities, 0);
    f->firecracker.has_vhost_user_drive = false;
    f->firecracker.has_balloon = false;
    assert_int_equal(microvm_fixture_read_facts(f), 0);
    assert_int_equal(f->facts.balloon, ANSWER_NO);
    assert_int_equal(microvm_fixture_read_balloon(f), -ENODEV);
}

static void test_run_states(void **state)
{
    struct microvm_fixture *f = *state;

    f->firecracker.state = FAKE_FIRECRACKER_NOT_STARTED;
    microvm_fixture_open_ready(f);
    assert_int_equal(f->facts.run_state, RUN_STATE_STOPPED);
    assert_int_equal(f->facts.balloon_actual, 0);
    f->firecracker.state = FAKE_FIRECRACKER_PAUSED;
    assert_int_equal(microvm_fixture_read_facts(f), 0);
    assert_int_equal(f->facts.run_state, RUN_STATE_PAUSED);
    assert_int_equal(f->facts.balloon_actual, GIB);
}

static void test_balloon(void **state)
{
    struct microvm_fixture *f = *state;

    f->firecracker.balloon_is_stuck = true;
    microvm_fixture_open_ready(f);
    assert_int_equal(microvm_fixture_set_balloon(f, 700 * MIB + 1), 0);
    assert_int_equal(f->outcome, DRIVER_OUTCOME_DONE);
    assert_int_equal(f->firecracker.amount_mib, 323); /* whole MiB, and the guest has the rest */
    /* It is looked at while it moves, and what moved is told. */
    for (int i = 0; i < 200; i++) {
        f->driver->tick(f->session, time_monotonic());
        uv_run(&f->loop, UV_RUN_NOWAIT);
    }
    assert_int_equal(f->events[DRIVER_EVENT_BALLOON], 0);
    f->firecracker.actual_mib = 100;
    for (int i = 0; i < 20000 && f->events[DRIVER_EVENT_BALLOON] == 0; i++) {
        f->driver->tick(f->session, time_monotonic());
        uv_run(&f->loop, UV_RUN_NOWAIT);
    }
    assert_int_equal(f->events[DRIVER_EVENT_BALLOON], 1);
    assert_int_equal(microvm_fixture_read_balloon(f), 0);
    assert_int_equal(f->actual, 924 * MIB);
    assert_int_equal(f->maximum, GIB);
    assert_int_equal(microvm_fixture_set_balloon(f, 0), -ERANGE);
}

static void test_refusals(void **state)
{
    struct microvm_fixture *f = *state;

    f->firecracker.driver_is_up = false;
    microvm_fixture_open_ready(f);
    assert_int_equal(microvm_fixture_set_balloon(f, 700 * MIB), -EREMOTEIO);
    assert_int_equal(f->outcome, DRIVER_OUTCOME_NOT_DONE);
    assert_non_null(strstr(f->error.text, "Device not activated yet"));
    assert_int_equal(f->failed, 0);
}

/* The API has no time of a sample: the first one may be a snapshot's. */
static void test_statistics(void **state)
{
    struct microvm_fixture *f = *state;

    f->firecracker.has_oom_kill = true;
    microvm_fixture_open_ready(f);
    assert_int_equal(microvm_fixture_read_statistics(f), 0);
    assert_int_equal(f->statistics.updated, 0);
    assert_int_equal(f->statistics.free, 500000000);
    f->firecracker.minor_faults++;
    assert_int_equal(microvm_fixture_read_statistics(f), 0);
    assert_true(f->statistics.updated > 0);
    assert_int_equal(f->statistics.oom_kills, 2);
    f->firecracker.has_oom_kill = false;
    assert_int_equal(microvm_fixture_read_statistics(f), 0);
    assert_int_equal(f->statistics.oom_kills, UINT64_MAX);
    assert_int_equal(f->statistics.total, 1000000000);
    f->firecracker.has_statistics = false;
    assert_int_equal(microvm_fixture_read_statistics(f), 0);
    assert_int_equal(f->statistics.total, UINT64_MAX);
}

/* A snapshot holds the API: nothing is lost, nothing is sent twice, the session stays. */
static void test_a_snapshot_is_saved(void **state)
{
    struct microvm_fixture *f = *state;
    nsec_t heard;

    microvm_fixture_open_ready(f);
    heard = f->driver->heard(f->session);
    f->firecracker.stalls_on_next = true;
    assert_int_equal(microvm_fixture_start(f, DRIVER_SET_BALLOON, 700 * MIB), 0);
    run_until(f, f->firecracker.http.is_stalled);
    assert_int_equal(microvm_fixture_start(f, DRIVER_READ_BALLOON, 0), 0);
    f->driver->tick(f->session, time_monotonic() + 2 * NSEC_PER_SEC);
    assert_int_equal(f->done, 2);
    assert_int_equal(f->status, -ETIMEDOUT);
    assert_int_equal(f->failed, 0);
    assert_int_equal(f->firecracker.http.connection_count, 1);
    micro_http_stall(&f->firecracker.http, false);
    run_until(f, f->driver->heard(f->session) > heard);
    assert_int_equal(microvm_fixture_read_balloon(f), 0);
    assert_int_equal(f->actual, 700 * MIB);
    assert_int_equal(f->firecracker.patches, 1);
}

static void test_timed_out_outcome(void **state)
{
    struct microvm_fixture *f = *state;

    microvm_fixture_open_ready(f);
    f->firecracker.stalls_on_next = true;
    (void)microvm_fixture_start(f, DRIVER_SET_BALLOON, 700 * MIB);
    run_until(f, f->firecracker.http.is_stalled);
    f->driver->tick(f->session, time_monotonic() + 2 * NSEC_PER_SEC);
    assert_int_equal(f->outcome, DRIVER_OUTCOME_UNKNOWN);
    /* This one never left. */
    (void)microvm_fixture_start(f, DRIVER_SET_BALLOON, 600 * MIB);
    f->driver->tick(f->session, time_monotonic() + 2 * NSEC_PER_SEC);
    assert_int_equal(f->done, 2);
    assert_int_equal(f->outcome, DRIVER_OUTCOME_NOT_DONE);
}

static void test_ends(void **state)
{
    struct microvm_fixture *f = *state;

    microvm_fixture_open_ready(f);
    (void)microvm_fixture_start(f, DRIVER_READ_FACTS, 0);
    (void)microvm_fixture_start(f, DRIVER_READ_BALLOON, 0);
    f->firecracker.http.fault = MICRO_HTTP_HANGS_UP;
    run_until(f, f->failed != 0);
    assert_int_equal(f->failed, -ECONNRESET);
    assert_int_equal(f->done, 2);
    assert_int_equal(f->status, -ECONNRESET);
    assert_null(f->session);
}

static void test_closed_in_a_completion(void **state)
{
    struct microvm_fixture *f = *state;

    microvm_fixture_open_ready(f);
    (void)microvm_fixture_start(f, DRIVER_READ_FACTS, 0);
    (void)microvm_fixture_start(f, DRIVER_READ_BALLOON, 0);
    f->closes_in_done = true;
    run_until(f, f->session == NULL);
    assert_int_equal(f->done, 2);
    assert_int_equal(f->status, -ECANCELED);
    assert_int_equal(f->failed, 0);
}

static void test_something_else_serves(void **state)
{
    struct microvm_fixture *f = *state;

    assert_int_equal(micro_http_listen(&f->cloud.http, microvm_fixture_path()), 0);
    microvm_fixture_open(f);
    assert_int_equal(
        f->driver->start(f->session, DRIVER_READ_FACTS, 0, 1, microvm_fixture_on_done, f),
        -ENOTCONN);
    run_until(f, f->failed != 0);
    assert_int_equal(f->failed, -EREMOTEIO); /* its 404 */
    assert_non_null(strstr(f->error.text, "404"));
}

/* For ever. Answers everybody with an empty object. */
static pid_t start_another_server(void)
{
    static const char answer[] = "HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\n{}";
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    char request[512];
    pid_t pid;
    int connection;

    snprintf(address.sun_path, sizeof(address.sun_path), "%s", microvm_fixture_path());
    assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof(address)), 0);
    pid = fork();
    if (pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        /* Who listens is whose socket it is. */
        (void)listen(listener, 4);
        while ((connection = accept(listener, NULL, NULL)) >= 0) {
            (void)recv(connection, request, sizeof(request), 0);
            (void)send(connection, answer, sizeof(answer) - 1, MSG_NOSIGNAL);
            close(connection);
        }
        _exit(0);
    }
    close(listener);
    return pid;
}

/* Another process at the same path is another VM. */
static void test_another_process_serves(void **state)
{
    struct microvm_fixture *f = *state;
    pid_t other;

    microvm_fixture_open_ready(f);
    micro_http_close(&f->firecracker.http);
    uv_run(&f->loop, UV_RUN_NOWAIT);
    (void)unlink(microvm_fixture_path());
    other = start_another_server();
    for (int r = -1; r < 0;) {
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        struct sockaddr_un address = {.sun_family = AF_UNIX};

        snprintf(address.sun_path, sizeof(address.sun_path), "%s", microvm_fixture_path());
        r = connect(fd, (struct sockaddr *)&address, sizeof(address));
        close(fd);
    }
    (void)f->driver->start(f->session, DRIVER_READ_FACTS, 0, 20 * NSEC_PER_SEC,
                           microvm_fixture_on_done, f);
    while (f->done == 0) {
        uv_run(&f->loop, UV_RUN_NOWAIT);
        if (f->session != NULL)
            f->driver->tick(f->session, time_monotonic());
    }
    assert_int_equal(f->failed, -ECONNRESET);
    assert_int_equal(f->status, -ECONNRESET);
    assert_non_null(strstr(f->error.text, "serves there now"));
    (void)kill(other, SIGKILL);
    assert_int_equal(waitpid(other, NULL, 0), other);
}

static void test_nobody_serves(void **state)
{
    struct microvm_fixture *f = *state;

    microvm_fixture_open(f);
    run_until(f, f->failed != 0);
    assert_int_equal(f->failed, -ENOENT);
    assert_int_equal(firecracker_driver.identify(microvm_fixture_path()), 0);
}

static void test_opening_takes_too_long(void **state)
{
    struct microvm_fixture *f = *state;

    assert_int_equal(micro_http_listen(&f->firecracker.http, microvm_fixture_path()), 0);
    micro_http_stall(&f->firecracker.http, true);
    microvm_fixture_open(f);
    f->driver->tick(f->session, time_monotonic() + 11 * NSEC_PER_SEC);
    assert_int_equal(f->failed, -ETIMEDOUT); /* nobody knows whether it is one */
}

/* ---- pure ---- */

static void test_answers_of_any_shape(void **state)
{
    static const char *const texts[] = {
        "null",
        "[]",
        "\"text\"",
        "{}",
        "{\"machine-config\": 5}",
        "{\"machine-config\": {\"mem_size_mib\": 1e300}}",
        "{\"machine-config\": {\"mem_size_mib\": -1}}",
    };
    struct microvm_view view = {0};
    struct error error;

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        json_t *body = json_loads(texts[i], JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL, NULL);
        struct microvm_reply reply = {.body = body, .code = 200};

        assert_non_null(body);
        assert_int_equal(firecracker_take_config(&view, &reply, &error), -EPROTO);
        assert_int_equal(firecracker_take_instance(&view, &reply, &error), 0);
        assert_int_equal(firecracker_take_statistics(&view, &reply, &error), -EREMOTEIO);
        json_decref(body);
    }
    assert_int_equal(view.facts.run_state, RUN_STATE_UNKNOWN);
}

static void test_places(void **state)
{
    static const struct {
        const char *path, *name;
    } names[] = {
        {"/run/fc/web-1.sock", "web-1"},
        {"/srv/jailer/firecracker/web-2/root/run/firecracker.socket", "web-2"},
        {"/run/web-3/firecracker.socket", "web-3"},
        {"/run/web-4/api.sock", "web-4"},
        {"/run/fc/-x y.sock", "-x y"},
        {"/api.sock", "api"},
    };
    struct error error;
    char name[64];

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        firecracker_driver.suggest_name(names[i].path, name, sizeof(name));
        assert_string_equal(name, names[i].name);
    }
    assert_int_equal(firecracker_driver.check("run/fc.sock", &error), -EINVAL);
    assert_int_equal(firecracker_driver.check("/run/fc.sock", &error), 0);
    assert_false(firecracker_driver.is_vm("/etc/passwd"));
    assert_true(microvm_calls_itself(getpid(), getpid()));
    assert_false(microvm_calls_itself(getpid(), getpid() + 1));
}

static void test_resolves(void **state)
{
    char resolved[108];
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    snprintf(address.sun_path, sizeof(address.sun_path), "%s", microvm_fixture_path());
    unlink(microvm_fixture_path());
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
    microvm_resolve(getpid(), microvm_fixture_path(), resolved, sizeof(resolved));
    assert_string_equal(resolved, microvm_fixture_path());
    microvm_resolve(getpid(), "/etc/passwd", resolved, sizeof(resolved));
    assert_string_equal(resolved, ""); /* no socket */
    microvm_resolve(getpid(), "no.sock", resolved, sizeof(resolved));
    assert_string_equal(resolved, "");
    assert_int_equal(chdir("/tmp"), 0);
    microvm_resolve(getpid(), microvm_fixture_path() + strlen("/tmp/"), resolved, sizeof(resolved));
    assert_string_equal(resolved, microvm_fixture_path());
    microvm_resolve(getpid(), microvm_fixture_path(), resolved, 8);
    assert_string_equal(resolved, ""); /* no room */
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_facts, set_up, microvm_fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_without_statistics, set_up, microvm_fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_other_machines, set_up, microvm_fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_run_states, set_up, microvm_fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_balloon, set_up, microvm_fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_refusals, set_up, microvm_fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_statistics, set_up, microvm_fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_a_snapshot_is_saved, set_up,
                                        microvm_fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_timed_out_outcome, set_up, microvm_fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_ends, set_up, microvm_fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_closed_in_a_completion, set_up,
                                        microvm_fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_something_else_serves, set_up,
                                        microvm_fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_another_process_serves, set_up,
                                        microvm_fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_nobody_serves, set_up, microvm_fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_opening_takes_too_long, set_up,
                                        microvm_fixture_tear_down),
        cmocka_unit_test(test_answers_of_any_shape),
        cmocka_unit_test(test_places),
        cmocka_unit_test(test_resolves),
    };
    int r;

    microvm_fixture_begin();
    r = cmocka_run_group_tests(tests, NULL, NULL);
    microvm_fixture_end();
    return r;
}
