/* A store with a thread of its own, on a disk that does not answer. */
#include "tests/unit/controller/store/store-fixture.h"

#include <errno.h>
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

static void on_late(uv_timer_t *timer)
{
    fail_msg("nothing was answered");
}

/* Answers of readers come by the loop, one in a turn. */
static void await_reads(const struct answers *answers, unsigned count)
{
    uv_timer_t alive;

    uv_timer_init(&loop, &alive);
    uv_timer_start(&alive, on_late, SOON / NSEC_PER_MSEC, 0);
    while (answers->read < count)
        uv_run(&loop, UV_RUN_ONCE);
    uv_close((uv_handle_t *)&alive, NULL);
    uv_run(&loop, UV_RUN_NOWAIT);
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
    expect_loop_runs();
    store_tick(fixture->store, 1);
    assert_null(store_problem(fixture->store));
    store_get_status(fixture->store, &status);
    assert_int_equal(status.pending, 1);
    assert_int_equal(answers.written, 0); /* it is not durable yet */
    finish(fixture);
    assert_int_equal(answers.written, 1);
    expect_leases(fixture, "1:web1/b/1048576/0 ");
}

/* Nor does who reads, who may be anybody; what was put before is found. */
static void test_reads_do_not_wait_for_the_disk(void **state)
{
    struct fixture *fixture = *state;
    struct store *others = store_for_others(fixture->store);
    const struct store_records_query query = {.until = INT64_MAX};
    struct answers answers = {0};

    put_action(fixture->store, "old", "web1", 1);
    slow_disk_hold();
    write_lease(fixture, 1, &answers);
    slow_disk_await();
    put_action(fixture->store, "new", "web1", 3);
    put_action(fixture->store, "old", "web1", 1); /* again, as it ends */
    put_action(fixture->store, "older", "web1", 2);
    read_records(fixture, &answers);
    await_reads(&answers, 1);
    assert_int_equal(answers.found, 3);
    assert_ptr_not_equal(others, fixture->store);
    store_ask_records(others, &query, on_records, &answers);
    await_reads(&answers, 2);
    assert_int_equal(answers.found, 3);
    store_ask_record(others, "ne", on_records, &answers);
    await_reads(&answers, 3);
    assert_int_equal(answers.found, 1);
    store_ask_record(fixture->store, "older", on_records, &answers);
    await_reads(&answers, 4);
    assert_int_equal(answers.found, 1);
    put_action(fixture->store, "old", "shop", 5); /* it has another name since */
    store_ask_records(others, &(struct store_records_query){.vm = "web1", .until = INT64_MAX},
                      on_records, &answers);
    await_reads(&answers, 5);
    assert_int_equal(answers.found, 2);
    assert_int_equal(answers.written, 0);
    finish(fixture);
    expect_actions(fixture, NULL, "old/shop new/web1 older/web1 ");
}

/* Each waits for the disk once, however many came at a time, and one that fails is alone. */
static void test_what_waits_is_written_together(void **state)
{
    struct fixture *fixture = *state;
    struct answers answers = {0};
    int status = 1;
    unsigned before;

    slow_disk_hold();
    write_lease(fixture, 1, &answers);
    slow_disk_await();
    for (uint64_t i = 2; i < 50; i++)
        write_lease(fixture, i, &answers);
    store_unassign_policy(fixture->store, "nobody", on_policies, &status);
    write_lease(fixture, 50, &answers);
    before = slow_disk_syncs();
    finish(fixture);
    assert_int_equal(answers.written, 50);
    assert_int_equal(status, -ENOENT);
    assert_in_range(slow_disk_syncs() - before, 1, 2); /* the one that was held, and one more */
}

static void on_failure(const struct store_records *records, void *userdata)
{
    assert_int_equal(records->answer.status, -EIO);
    assert_non_null(strstr(records->answer.error.text, "cannot be opened"));
    ((struct answers *)userdata)->read++;
}

/* Readers say what the writer knows. */
static void test_reading_a_store_that_is_not_there(void **state)
{
    const struct store_records_query query = {.until = INT64_MAX};
    struct answers answers = {0};
    struct store *store;

    assert_int_equal(store_create("/nonexistent/store.sqlite", &store), 0);
    assert_int_equal(store_start(store, &loop), 0);
    store_ask_records(store, &query, on_failure, &answers);
    store_ask_records(store_for_others(store), &query, on_failure, &answers);
    await_reads(&answers, 2);
    assert_int_equal(store_stop(store, SOON), 0);
    uv_run(&loop, UV_RUN_DEFAULT);
    store_destroy(store);
}

/* For a while. */
static void test_a_slow_disk_is_told(void **state)
{
    struct fixture *fixture = *state;

    finish(fixture);
    assert_null(store_problem(fixture->store));
    fixture->store->slow = time_boottime();
    assert_non_null(strstr(store_problem(fixture->store), "takes more than a second"));
    fixture->store->slow = time_boottime() - 3600 * NSEC_PER_SEC;
    assert_null(store_problem(fixture->store));
}

static void test_the_lines_are_bounded(void **state)
{
    struct fixture *fixture = *state;
    struct answers answers = {0};
    struct answers reads = {0};

    slow_disk_hold();
    write_lease(fixture, 1, &answers);
    slow_disk_await();
    for (unsigned i = 0; i < STORE_LINE_MAX; i++)
        read_records(fixture, &reads);
    assert_int_equal(reads.refused, STORE_LINE_READS);
    for (unsigned i = 0; i < STORE_LINE_MAX; i++)
        write_lease(fixture, 3, &answers);
    assert_int_equal(answers.refused, 1);
    await_reads(&reads, STORE_LINE_READS);
    finish(fixture);
    assert_int_equal(answers.written, STORE_LINE_MAX);
}

static void on_tried(const struct store_assigned *assigned, void *userdata)
{
    *(int *)userdata = assigned->answer.status;
}

static void order(struct fixture *fixture, const struct policy_revision *revision, int *ret_status)
{
    store_order_policy(fixture->store, revision, "", on_policies, ret_status);
}

static void try(struct fixture *fixture, const struct policy_revision *revision, int *ret_status)
{
    store_try_policy(fixture->store, revision, "", NULL, 0, on_tried, ret_status);
}

/* Two of them take all the room that there is. */
static void expect_bound(struct fixture *fixture, const struct policy_revision *revision,
                         void (*ask)(struct fixture *fixture,
                                     const struct policy_revision *revision, int *ret_status))
{
    struct answers answers = {0};
    int status = 1;

    slow_disk_hold();
    write_lease(fixture, 1, &answers);
    slow_disk_await();
    for (unsigned i = 0; i < 3; i++)
        ask(fixture, revision, &status);
    assert_int_equal(status, -EBUSY);
    finish(fixture);
    assert_int_equal(status, 0);
}

/* NUL-terminated, a little less than half a line. */
static const char *long_text(void)
{
    static char text[STORE_LINE_BYTES / 2 - 4096];

    memset(text, 'x', sizeof(text) - 1);
    return text;
}

static void test_a_line_of_long_requests_is_bounded(void **state)
{
    const struct policy_revision revision = {
        .name = "a", .author = "", .hash = "h", .source_name = "", .text = long_text()};

    expect_bound(*state, &revision, order);
}

static void test_a_line_of_long_names_is_bounded(void **state)
{
    const struct policy_revision revision = {
        .name = "a", .author = "", .hash = "h", .source_name = long_text(), .text = ""};

    expect_bound(*state, &revision, order);
}

static void test_a_line_of_long_trials_is_bounded(void **state)
{
    const struct policy_revision revision = {
        .name = "a", .author = "", .hash = "h", .source_name = "", .text = long_text()};

    expect_bound(*state, &revision, try);
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

struct gate {
    uv_sem_t reached;
    uv_sem_t open;
    bool is_reached; /* the thread's */
};

/* Runs within a reading, on its thread. */
static int wait_at_gate(void *userdata)
{
    struct gate *gate = userdata;

    if (!gate->is_reached) {
        gate->is_reached = true;
        uv_sem_post(&gate->reached);
        uv_sem_wait(&gate->open);
    }
    return 0; /* it goes on */
}

/* It is left behind, and what waits is written all the same. */
static void test_a_reading_that_hangs_holds_no_writing_back(void **state)
{
    struct fixture *fixture = *state;
    struct store *reader = fixture->store->readers[STORE_READER_FIRST];
    struct answers answers = {0};
    struct answers reads = {0};
    struct gate gate = {.is_reached = false};

    assert_int_equal(uv_sem_init(&gate.reached, 0), 0);
    assert_int_equal(uv_sem_init(&gate.open, 0), 0);
    put_action(fixture->store, "aa", "web1", 1);
    read_records(fixture, &reads);
    await_reads(&reads, 1); /* its database is open now */
    sqlite3_progress_handler(reader->database, 1, wait_at_gate, &gate);
    read_records(fixture, &reads);
    uv_sem_wait(&gate.reached);
    write_lease(fixture, 1, &answers);
    assert_int_equal(store_stop(fixture->store, SOON), -EBUSY);
    assert_int_equal(answers.written, 1);
    store_destroy(fixture->store); /* is left alone */
    uv_sem_post(&gate.open);
    finish(fixture);
    uv_sem_destroy(&gate.reached);
    uv_sem_destroy(&gate.open);
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
        worker_test(test_reads_do_not_wait_for_the_disk),
        worker_test(test_what_waits_is_written_together),
        worker_test(test_reading_a_store_that_is_not_there),
        worker_test(test_a_slow_disk_is_told),
        worker_test(test_the_lines_are_bounded),
        worker_test(test_a_line_of_long_requests_is_bounded),
        worker_test(test_a_line_of_long_names_is_bounded),
        worker_test(test_a_line_of_long_trials_is_bounded),
        worker_test(test_records_that_wait_are_bounded_in_bytes),
        worker_test(test_a_stop_does_not_wait_for_ever),
        worker_test(test_a_reading_that_hangs_holds_no_writing_back),
        worker_test(test_answers_come_by_the_loop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
