/* A store with a thread of its own, on a disk that does not answer. */
#include "tests/unit/controller/store/store-fixture.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include "common/base/number.h"
#include "controller/store/database.h"
#include "controller/store/requests.h"
#include "controller/store/worker.h"
#include "tests/unit/controller/store/slow-disk.h"

#define SOON (10 * NSEC_PER_SEC)

static uv_loop_t loop;

/* What was answered. */
struct answers {
    unsigned written;
    unsigned read;
    unsigned refused;
    size_t found; /* by the last reading */
};

static int begin(void **state)
{
    struct fixture *fixture;

    slow_disk_install();
    if (setup(state) < 0 || uv_loop_init(&loop) < 0)
        return -1;
    fixture = *state;
    return store_start(fixture->store, &loop);
}

static int end(void **state)
{
    struct fixture *fixture = *state;

    slow_disk_let_go();
    if (store_stop(fixture->store, SOON) < 0)
        return -1;
    uv_run(&loop, UV_RUN_DEFAULT);
    return uv_loop_close(&loop) < 0 ? -1 : teardown(state);
}

static void on_written(int status, const struct error *error, void *userdata)
{
    struct answers *answers = userdata;

    if (status == 0)
        answers->written++;
    else
        answers->refused++;
}

static void on_records(const struct store_records *records, void *userdata)
{
    struct answers *answers = userdata;

    if (records->answer.status == -EBUSY) {
        answers->refused++;
        assert_non_null(strstr(records->answer.error.text, "the store is behind"));
    } else {
        assert_int_equal(records->answer.status, 0);
        answers->read++;
        answers->found = records->count;
    }
}

static void on_policies(const struct store_policies *policies, void *userdata)
{
    *(int *)userdata = policies->answer.status;
}

static void write_lease(struct fixture *fixture, uint64_t id, struct answers *answers)
{
    struct lease lease = make_lease(id, MIB);
    struct lease_journal journal;

    store_lease_journal(fixture->store, &journal);
    journal.put(journal.userdata, &lease, on_written, answers);
}

static void read_records(struct fixture *fixture, struct answers *answers)
{
    const struct store_records_query query = {.until = INT64_MAX};

    store_ask_records(fixture->store, &query, on_records, answers);
}

static void on_timer(uv_timer_t *timer)
{
    *(bool *)timer->data = true;
}

/* The loop does what else there is. */
static void expect_loop_runs(void)
{
    bool has_run = false;
    uv_timer_t timer;

    uv_timer_init(&loop, &timer);
    timer.data = &has_run;
    uv_timer_start(&timer, on_timer, 0, 0);
    uv_run(&loop, UV_RUN_NOWAIT);
    uv_run(&loop, UV_RUN_NOWAIT);
    assert_true(has_run);
    uv_close((uv_handle_t *)&timer, NULL);
    uv_run(&loop, UV_RUN_NOWAIT);
}

static void finish(struct fixture *fixture)
{
    slow_disk_let_go();
    assert_int_equal(store_stop(fixture->store, SOON), 0);
    uv_run(&loop, UV_RUN_DEFAULT);
}

static void test_the_loop_does_not_wait_for_the_disk(void **state)
{
    struct fixture *fixture = *state;
    struct answers answers = {0};
    struct store_status status;

    slow_disk_hold();
    write_lease(fixture, 1, &answers);
    slow_disk_await();
    put_action(fixture->store, "aa", "web1", 1);
    read_records(fixture, &answers);
    expect_loop_runs();
    store_tick(fixture->store, 1);
    assert_null(store_problem(fixture->store));
    store_get_status(fixture->store, &status);
    assert_int_equal(status.pending, 1);
    assert_int_equal(answers.written, 0); /* it is not durable yet */
    assert_int_equal(answers.read, 0);
    finish(fixture);
    assert_int_equal(answers.written, 1);
    assert_int_equal(answers.read, 1);
    assert_int_equal(answers.found, 1); /* what was put before it was asked */
    expect_leases(fixture, "1:web1/b/1048576/0 ");
}

static void test_the_line_is_bounded_and_writes_find_room(void **state)
{
    struct fixture *fixture = *state;
    struct answers answers = {0};

    slow_disk_hold();
    write_lease(fixture, 1, &answers);
    slow_disk_await();
    for (unsigned i = 0; i < STORE_LINE_MAX; i++)
        read_records(fixture, &answers);
    assert_int_equal(answers.refused, STORE_LINE_READS + 1);
    write_lease(fixture, 2, &answers);
    assert_int_equal(answers.refused, STORE_LINE_READS + 1);
    for (unsigned i = 0; i < STORE_LINE_MAX; i++)
        write_lease(fixture, 3, &answers);
    assert_int_equal(answers.refused, STORE_LINE_MAX + 2);
    finish(fixture);
    assert_int_equal(answers.read, STORE_LINE_READS - 1);
    assert_int_equal(answers.written, STORE_LINE_READS + 1);
}

static void test_a_line_of_long_requests_is_bounded(void **state)
{
    static char text[STORE_LINE_BYTES / 2 - 4096];
    const struct policy_revision revision = {
        .name = "a", .author = "", .hash = "h", .source_name = "", .text = text};
    int status = 1;
    struct fixture *fixture = *state;
    struct answers answers = {0};

    memset(text, 'x', sizeof(text) - 1);
    slow_disk_hold();
    write_lease(fixture, 1, &answers);
    slow_disk_await();
    for (unsigned i = 0; i < 3; i++)
        store_order_policy(fixture->store, &revision, "", on_policies, &status);
    assert_int_equal(status, -EBUSY);
    finish(fixture);
    assert_int_equal(status, 0);
}

static void test_records_that_wait_are_bounded_in_bytes(void **state)
{
    struct fixture *fixture = *state;
    struct answers answers = {0};
    static char text[1024 * 1024];
    struct store_status status;

    memset(text, 'x', sizeof(text) - 1);
    slow_disk_hold();
    write_lease(fixture, 1, &answers);
    slow_disk_await();
    for (unsigned i = 0; i < 100; i++) {
        Action action = VMRECLAIM__CONTROLLER__V1__ACTION__INIT;

        action.id = action.vm = (char *)"a";
        action.reason = text;
        assert_int_equal(store_put_action(fixture->store, &action), 0);
    }
    store_get_status(fixture->store, &status);
    assert_in_range(status.pending, 1, STORE_PENDING_BYTES / sizeof(text));
    assert_int_equal(status.dropped, 100 - status.pending);
    finish(fixture);
}

static void test_a_stop_does_not_wait_for_ever(void **state)
{
    struct fixture *fixture = *state;
    struct answers answers = {0};

    slow_disk_hold();
    write_lease(fixture, 1, &answers);
    slow_disk_await();
    assert_int_equal(store_stop(fixture->store, 0), -ETIMEDOUT);
    assert_int_equal(answers.written, 0);
    store_destroy(fixture->store); /* is left alone */
    finish(fixture);
    assert_int_equal(answers.written, 1);
}

static void on_late(uv_timer_t *timer)
{
    fail_msg("nothing was answered");
}

static void test_answers_come_by_the_loop(void **state)
{
    struct fixture *fixture = *state;
    struct answers answers = {0};
    uv_timer_t alive;

    uv_timer_init(&loop, &alive);
    uv_timer_start(&alive, on_late, SOON / NSEC_PER_MSEC, 0);
    write_lease(fixture, 1, &answers);
    while (answers.written == 0)
        uv_run(&loop, UV_RUN_ONCE);
    uv_close((uv_handle_t *)&alive, NULL);
    finish(fixture);
}

#define worker_test(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        worker_test(test_the_loop_does_not_wait_for_the_disk),
        worker_test(test_the_line_is_bounded_and_writes_find_room),
        worker_test(test_a_line_of_long_requests_is_bounded),
        worker_test(test_records_that_wait_are_bounded_in_bytes),
        worker_test(test_a_stop_does_not_wait_for_ever),
        worker_test(test_answers_come_by_the_loop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
