/* The driver for QEMU against a scripted server: what it learns, and every way it can fail. */
#include "tests/lib/test.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/number.h"
#include "controller/hypervisors/table.h"
#include "tests/component/controller/qmp-server.h"

#define TURNS_MAX 2000 /* a loop that needs more hangs */

static const struct driver *driver; /* as the table has it */
static char directory[] = "/tmp/vmreclaim-test-qmp-XXXXXX";
static char path[64];

struct fixture {
    uv_loop_t loop;
    uv_timer_t ticker; /* keeps the loop turning */
    struct qmp_server server;
    struct driver_session *session;
    struct driver_facts facts;
    struct driver_statistics statistics;
    bool ready;
    int failed; /* status */
    struct error error;
    int done;   /* operations completed */
    int status; /* of the last */
    enum driver_outcome outcome;
    uint64_t actual;
    uint64_t maximum;
    unsigned events[16];
};

static void on_ready(const struct driver_facts *facts, void *userdata)
{
    struct fixture *f = userdata;

    f->ready = true;
    f->facts = *facts;
}

static void on_event(enum driver_event event, void *userdata)
{
    struct fixture *f = userdata;

    f->events[event]++;
}

static void on_failed(int status, const struct error *error, void *userdata)
{
    struct fixture *f = userdata;

    f->failed = status;
    f->error = *error;
    driver->close(f->session);
    f->session = NULL;
}

static const struct driver_callbacks callbacks = {on_ready, on_event, on_failed};

static void on_done(const struct driver_result *result, void *userdata)
{
    struct fixture *f = userdata;

    f->done++;
    f->status = result->status;
    f->outcome = result->outcome;
    f->actual = result->balloon_actual;
    f->maximum = result->balloon_maximum;
    if (result->error != NULL)
        f->error = *result->error;
    if (result->statistics != NULL)
        f->statistics = *result->statistics;
    if (result->facts != NULL)
        f->facts = *result->facts;
}

static int start(struct fixture *f, enum driver_operation operation, uint64_t value)
{
    return driver->start(f->session, operation, value, NSEC_PER_SEC, on_done, f);
}

static void on_ticker(uv_timer_t *timer)
{
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    (void)unlink(path);
    if (f == NULL || uv_loop_init(&f->loop) < 0 || uv_timer_init(&f->loop, &f->ticker) < 0)
        return -1;
    uv_timer_start(&f->ticker, on_ticker, 1, 1);
    qmp_server_init(&f->server, &f->loop);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    if (f->session != NULL)
        driver->close(f->session);
    qmp_server_close(&f->server);
    uv_close((uv_handle_t *)&f->ticker, NULL);
    uv_run(&f->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&f->loop), 0);
    free(f);
    return 0;
}

#define run_until(f, condition)                                                                    \
    do {                                                                                           \
        int turns_ = 0;                                                                            \
        while (!(condition) && turns_++ < TURNS_MAX)                                               \
            uv_run(&(f)->loop, UV_RUN_ONCE);                                                       \
        assert_true(condition);                                                                    \
    } while (0)

static void open_session(struct fixture *f)
{
    assert_int_equal(driver->open(&f->loop, path, 10 * NSEC_PER_SEC, &callbacks, f, &f->session),
                     0);
}

static void open_ready(struct fixture *f)
{
    assert_int_equal(qmp_server_listen(&f->server, path), 0);
    open_session(f);
    run_until(f, f->ready);
}

static void test_facts(void **state)
{
    struct fixture *f = *state;

    f->server.has_memfd = true;
    f->server.vfio_devices = 1;
    open_ready(f);
    assert_int_equal(f->facts.pid, getpid());
    assert_string_equal(f->facts.name, "web-1");
    assert_string_equal(f->facts.uuid, "11111111-2222-3333-4444-555555555555");
    assert_int_equal(f->facts.run_state, RUN_STATE_RUNNING);
    assert_int_equal(f->facts.ram, GIB);
    assert_int_equal(f->facts.guest_cid, 5);
    assert_int_equal(f->facts.balloon, ANSWER_YES);
    assert_int_equal(f->facts.capabilities,
                     DRIVER_TELLS_EVENTS | DRIVER_CAN_SET_BALLOON | DRIVER_CAN_READ_STATISTICS |
                         DRIVER_CAN_SET_STATISTICS_INTERVAL | DRIVER_TELLS_MEMORY_MAP);
    assert_int_equal(f->facts.statistics_interval, 0);
    assert_int_equal(f->facts.balloon_actual, GIB);
    assert_int_equal(f->facts.free_page_reporting, ANSWER_YES);
    assert_int_equal(f->facts.deflate_on_oom, ANSWER_YES);
    assert_int_equal(f->facts.backing, MEMORY_BACKING_MEMFD);
    assert_int_equal(f->facts.vfio_devices, 1);
    assert_int_equal(f->facts.memory.private_bytes, 0);
    assert_int_equal(f->facts.memory.shared_count, 1);
    assert_int_equal(f->facts.memory.shared[0], GIB);
    /* What is preallocated is given back all the same. */
    assert_false(f->facts.locked);
}

/* The largest backend speaks for all, whatever the last one says. */
static void test_several_backends(void **state)
{
    struct fixture *f = *state;

    f->server.has_memfd = true;
    f->server.is_mixed = true;
    f->server.ram = GIB + MIB;
    open_ready(f);
    assert_int_equal(f->facts.backing, MEMORY_BACKING_HUGETLB);
    assert_int_equal(f->facts.backing_page_size, 2 * MIB);
    assert_int_equal(f->facts.memory.private_bytes, 200 * MIB);
    assert_int_equal(f->facts.memory.shared_count, 1);
    assert_int_equal(f->facts.memory.shared[0], GIB + 2 * MIB);
    assert_int_equal(f->facts.vfio_devices, 1);
}

static void test_a_machine_without_devices(void **state)
{
    struct fixture *f = *state;

    f->server.balloon_actual = 0;
    f->server.guest_cid = 0;
    snprintf(f->server.uuid, sizeof(f->server.uuid), "00000000-0000-0000-0000-000000000000");
    open_ready(f);
    assert_int_equal(f->facts.balloon, ANSWER_NO);
    assert_int_equal(f->facts.capabilities, DRIVER_TELLS_EVENTS | DRIVER_TELLS_MEMORY_MAP);
    assert_true(f->facts.statistics_interval == DRIVER_INTERVAL_UNKNOWN);
    assert_int_equal(f->facts.free_page_reporting, ANSWER_UNKNOWN);
    assert_int_equal(f->facts.guest_cid, 0);
    assert_string_equal(f->facts.uuid, "");
    assert_int_equal(f->facts.backing, MEMORY_BACKING_ANONYMOUS);
    assert_int_equal(start(f, DRIVER_READ_STATISTICS, 0), -ENODEV);
}

static void test_migration_is_seen(void **state)
{
    struct fixture *f = *state;

    snprintf(f->server.migration, sizeof(f->server.migration), "active");
    open_ready(f);
    assert_int_equal(f->facts.run_state, RUN_STATE_MIGRATING);
}

static void test_balloon(void **state)
{
    struct fixture *f = *state;

    open_ready(f);
    assert_int_equal(start(f, DRIVER_SET_BALLOON, 512 * MIB), 0);
    assert_int_equal(f->done, 0);
    run_until(f, f->done == 1 && f->events[DRIVER_EVENT_BALLOON] == 1);
    assert_int_equal(f->status, 0);
    assert_int_equal(start(f, DRIVER_READ_BALLOON, 0), 0);
    run_until(f, f->done == 2);
    assert_int_equal(f->actual, 512 * MIB);
    assert_int_equal(f->maximum, GIB);
    assert_int_equal(start(f, DRIVER_SET_BALLOON, 0), -ERANGE);
}

/* 7.2 answered so to a machine of 256 MiB with one device of each kind: its balloon counts base
 * memory and the DIMM, the summary counts everything. */
static void test_memory_devices(void **state)
{
    struct fixture *f = *state;

    f->server.ram = 256 * MIB;
    f->server.plugged.dimm = 128 * MIB;
    f->server.plugged.nvdimm = 128 * MIB;
    f->server.plugged.virtio_pmem = 64 * MIB;
    f->server.plugged.virtio_mem = 512 * MIB;
    f->server.balloon_actual = 384 * MIB;
    open_ready(f);
    assert_int_equal(f->facts.ram, 1088 * MIB);
    assert_int_equal(f->facts.balloon_actual, 896 * MIB);
    assert_int_equal(f->facts.balloon_maximum, 896 * MIB);
    assert_true(f->facts.balloon_minimum > 512 * MIB);
    assert_int_equal(start(f, DRIVER_SET_BALLOON, 700 * MIB), 0);
    run_until(f, f->done == 1);
    assert_int_equal(f->server.balloon_target, 188 * MIB);
    assert_int_equal(start(f, DRIVER_READ_BALLOON, 0), 0);
    run_until(f, f->done == 2);
    assert_int_equal(f->actual, 700 * MIB);
    assert_int_equal(f->maximum, 896 * MIB);
    assert_int_equal(start(f, DRIVER_SET_BALLOON, 64 * MIB), 0);
    run_until(f, f->done == 3);
    assert_int_equal(f->status, 0); /* as little as the balloon can leave */
    assert_int_equal(f->server.balloon_target, MIB);
}

static void test_a_dimm_is_plugged(void **state)
{
    struct fixture *f = *state;

    f->server.balloon_actual = 768 * MIB;
    open_ready(f);
    assert_int_equal(f->facts.balloon_maximum, GIB);
    qmp_server_plug_dimm(&f->server, 128 * MIB);
    assert_int_equal(start(f, DRIVER_READ_BALLOON, 0), 0);
    run_until(f, f->done == 1);
    assert_int_equal(f->actual, 896 * MIB);
    assert_int_equal(f->maximum, GIB + 128 * MIB);
}

static void *no_memory(size_t size)
{
    return NULL;
}

/* A command without its arguments would be another command. */
static void test_no_memory_for_arguments(void **state)
{
    struct fixture *f = *state;
    unsigned commands;
    int r;

    open_ready(f);
    commands = f->server.commands;
    json_set_alloc_funcs(no_memory, free);
    r = start(f, DRIVER_SET_BALLOON, 512 * MIB);
    json_set_alloc_funcs(malloc, free);
    assert_int_equal(r, -ENOMEM);
    assert_int_equal(start(f, DRIVER_READ_BALLOON, 0), 0);
    run_until(f, f->done == 1);
    assert_int_equal(f->server.commands, commands + 2);
    assert_int_equal(f->server.balloon_commands, 0);
}

static void send_job_event(struct fixture *f, const char *status)
{
    qmp_server_event(&f->server, "JOB_STATUS_CHANGE",
                     json_pack("{s:s, s:s}", "id", "job", "status", status));
}

/* Another client dismisses the job as soon as it concludes, before we can ask about it. */
static void test_a_snapshot_job_that_is_dismissed(void **state)
{
    struct fixture *f = *state;

    open_ready(f);
    f->server.job.type = "snapshot-load";
    f->server.job.status = "running";
    send_job_event(f, "created");
    run_until(f, f->server.jobs_queries == 1);
    f->server.job.type = NULL;
    send_job_event(f, "concluded");
    send_job_event(f, "null");
    run_until(f, f->events[DRIVER_EVENT_RESTORED] == 1);
    assert_int_equal(f->server.jobs_queries, 2);
}

static void test_a_refused_balloon(void **state)
{
    struct fixture *f = *state;

    f->server.balloon_refuses = true;
    open_ready(f);
    assert_int_equal(start(f, DRIVER_SET_BALLOON, MIB), 0);
    run_until(f, f->done == 1);
    assert_int_equal(f->status, -EREMOTEIO);
    assert_int_equal(f->outcome, DRIVER_OUTCOME_NOT_DONE);
    assert_non_null(strstr(f->error.text, "GenericError"));
    assert_non_null(strstr(f->error.text, "expects a size"));
    assert_int_equal(f->failed, 0);
}

static void test_statistics_with_missing_values(void **state)
{
    struct fixture *f = *state;

    open_ready(f);
    assert_int_equal(start(f, DRIVER_READ_STATISTICS, 0), 0);
    run_until(f, f->done == 1);
    assert_int_equal(f->status, 0);
    assert_int_equal(f->statistics.updated, 1700000000);
    assert_int_equal(f->statistics.total, 1000000000);
    assert_true(f->statistics.free == UINT64_MAX);
    assert_true(f->statistics.major_faults == UINT64_MAX);
    assert_int_equal(f->statistics.oom_kills, 3);
}

static void test_events(void **state)
{
    struct fixture *f = *state;

    open_ready(f);
    qmp_server_event(&f->server, "STOP", NULL);
    qmp_server_event(&f->server, "RESUME", NULL);
    qmp_server_event(&f->server, "RESET", json_pack("{s:b}", "guest", 1));
    qmp_server_event(&f->server, "SHUTDOWN", NULL);
    qmp_server_event(&f->server, "SOMETHING_NEW", NULL);
    qmp_server_event(&f->server, "MIGRATION", json_pack("{s:s}", "status", "setup"));
    qmp_server_event(&f->server, "MIGRATION", json_pack("{s:s}", "status", "completed"));
    run_until(f, f->events[DRIVER_EVENT_MIGRATION] == 2);
    assert_int_equal(f->events[DRIVER_EVENT_PAUSED], 1);
    assert_int_equal(f->events[DRIVER_EVENT_RESUMED], 1);
    assert_int_equal(f->events[DRIVER_EVENT_RESET], 1);
    assert_int_equal(f->events[DRIVER_EVENT_SHUTDOWN], 1);
}

static void test_no_socket(void **state)
{
    struct fixture *f = *state;

    open_session(f);
    run_until(f, f->failed != 0);
    assert_int_equal(f->failed, -ENOENT);
    assert_non_null(strstr(f->error.text, path));
    assert_non_null(strstr(f->error.text, "-qmp"));
}

static void test_silence_is_another_client(void **state)
{
    struct fixture *f = *state;

    f->server.fault = QMP_SERVER_SILENT;
    assert_int_equal(qmp_server_listen(&f->server, path), 0);
    open_session(f);
    run_until(f, f->server.has_client);
    driver->tick(f->session, time_monotonic() + 9 * NSEC_PER_SEC);
    assert_int_equal(f->failed, 0);
    driver->tick(f->session, time_monotonic() + 11 * NSEC_PER_SEC);
    assert_int_equal(f->failed, -ETIMEDOUT);
    assert_non_null(strstr(f->error.text, "one client at a time"));
}

/* Its greeting says that nobody else has the socket. */
static void test_greeting_alone_is_no_other_client(void **state)
{
    struct fixture *f = *state;

    f->server.fault = QMP_SERVER_HANGS;
    assert_int_equal(qmp_server_listen(&f->server, path), 0);
    open_session(f);
    run_until(f, f->server.commands == 1);
    driver->tick(f->session, time_monotonic() + 11 * NSEC_PER_SEC);
    assert_int_equal(f->failed, -EBUSY);
    assert_non_null(strstr(f->error.text, "it greets"));
}

static void test_garbage(void **state)
{
    struct fixture *f = *state;

    f->server.fault = QMP_SERVER_GARBAGE;
    assert_int_equal(qmp_server_listen(&f->server, path), 0);
    open_session(f);
    run_until(f, f->failed != 0);
    assert_int_equal(f->failed, -EPROTO);
    assert_non_null(strstr(f->error.text, "not a JSON object"));
}

static void test_a_line_without_end(void **state)
{
    struct fixture *f = *state;

    f->server.fault = QMP_SERVER_OVERSIZED;
    assert_int_equal(qmp_server_listen(&f->server, path), 0);
    open_session(f);
    run_until(f, f->failed != 0);
    assert_int_equal(f->failed, -EMSGSIZE);
}

static void test_hanging_up(void **state)
{
    struct fixture *f = *state;

    f->server.fault = QMP_SERVER_HANGS_UP;
    assert_int_equal(qmp_server_listen(&f->server, path), 0);
    open_session(f);
    run_until(f, f->failed != 0);
    assert_false(f->ready);
}

static void test_an_answer_that_never_comes(void **state)
{
    struct fixture *f = *state;

    open_ready(f);
    f->server.fault = QMP_SERVER_DEAF;
    assert_int_equal(start(f, DRIVER_READ_BALLOON, 0), 0);
    driver->tick(f->session, time_monotonic() + 2 * NSEC_PER_SEC);
    assert_int_equal(f->done, 1);
    assert_int_equal(f->status, -ETIMEDOUT);
    assert_non_null(strstr(f->error.text, "query-balloon"));
    /* The connection lives on. */
    f->server.fault = QMP_SERVER_WORKS;
    assert_int_equal(start(f, DRIVER_READ_BALLOON, 0), 0);
    run_until(f, f->done == 2);
    assert_int_equal(f->status, 0);
}

static void test_closing_ends_what_is_open(void **state)
{
    struct fixture *f = *state;

    open_ready(f);
    assert_int_equal(start(f, DRIVER_READ_BALLOON, 0), 0);
    assert_int_equal(start(f, DRIVER_READ_FACTS, 0), 0);
    driver->close(f->session);
    f->session = NULL;
    assert_int_equal(f->done, 2);
    assert_int_equal(f->status, -ECANCELED);
}

/* Closing after every number of loop turns: nothing leaks, nothing is called twice. */
static void test_closing_at_any_step(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(qmp_server_listen(&f->server, path), 0);
    for (int turns = 0; turns < 40; turns++) {
        open_session(f);
        for (int i = 0; i < turns && f->session != NULL; i++)
            uv_run(&f->loop, UV_RUN_ONCE);
        driver->close(f->session);
        f->session = NULL;
    }
    f->ready = false;
    open_session(f);
    run_until(f, f->ready);
}

#define qmp_test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        qmp_test(test_facts),
        qmp_test(test_several_backends),
        qmp_test(test_a_machine_without_devices),
        qmp_test(test_migration_is_seen),
        qmp_test(test_balloon),
        qmp_test(test_memory_devices),
        qmp_test(test_a_dimm_is_plugged),
        qmp_test(test_no_memory_for_arguments),
        qmp_test(test_a_snapshot_job_that_is_dismissed),
        qmp_test(test_a_refused_balloon),
        qmp_test(test_statistics_with_missing_values),
        qmp_test(test_events),
        qmp_test(test_no_socket),
        qmp_test(test_silence_is_another_client),
        qmp_test(test_greeting_alone_is_no_other_client),
        qmp_test(test_garbage),
        qmp_test(test_a_line_without_end),
        qmp_test(test_hanging_up),
        qmp_test(test_an_answer_that_never_comes),
        qmp_test(test_closing_ends_what_is_open),
        qmp_test(test_closing_at_any_step),
    };
    int failed;

    signal(SIGPIPE, SIG_IGN);
    assert_int_equal(driver_find("qemu", &driver, NULL), 0);
    if (mkdtemp(directory) == NULL)
        return 1;
    snprintf(path, sizeof(path), "%s/qmp", directory);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    (void)unlink(path);
    (void)rmdir(directory);
    return failed;
}
