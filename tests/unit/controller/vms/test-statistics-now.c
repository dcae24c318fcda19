/* Readings of now: the hypervisor, its guest and the journal are made up. */
#include "tests/lib/test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/base/number.h"
#include "controller/vms/fresh-sample.h"
#include "controller/vms/hypervisor.h"
#include "controller/vms/intervals.h"
#include "controller/vms/statistics-now.h"
#include "tests/lib/loop.h"

#define OURS 10

struct driver_session {
    int unused;
};

/* ---- the hypervisor: answers in the loop's next turn, in order ---- */

struct operation {
    uv_timer_t timer;
    bool is_reading;
    uint32_t seconds;
    driver_done done;
    void *userdata;
};

static uv_loop_t loop;
static struct driver_session session;
static uint32_t interval;      /* as the hypervisor has it */
static unsigned reads_to_wait; /* until the guest's answer is there */
static unsigned reads_left;
static bool is_deaf;         /* the guest answers nothing */
static bool refuses;         /* the hypervisor takes no interval */
static bool changes_nothing; /* ... in the guest, but the time */
static unsigned pokes;
static struct driver_statistics statistics;

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void ask_guest(void)
{
    statistics.updated = time_realtime() / (int64_t)NSEC_PER_SEC;
    if (!changes_nothing)
        statistics.free -= MIB;
}

static void pass_reading(void)
{
    if (reads_left > 0 && --reads_left == 0 && !is_deaf)
        ask_guest();
}

static void set_interval(uint32_t seconds)
{
    if (interval == 0 && seconds != 0) {
        reads_left = reads_to_wait;
        pokes++;
    }
    interval = seconds;
}

static void on_answer(uv_timer_t *timer)
{
    struct operation *operation = timer->data;
    struct driver_result result = {.outcome = DRIVER_OUTCOME_DONE};

    if (operation->is_reading) {
        pass_reading();
        result.statistics = &statistics;
    } else if (refuses) {
        result.status = -EREMOTEIO;
        result.outcome = DRIVER_OUTCOME_NOT_DONE;
    } else
        set_interval(operation->seconds);
    operation->done(&result, operation->userdata);
    uv_close((uv_handle_t *)timer, on_closed);
}

static int start(struct driver_session *of, enum driver_operation kind, uint64_t value,
                 nsec_t timeout, driver_done done, void *userdata)
{
    struct operation *operation = malloc(sizeof(*operation));

    assert_non_null(operation);
    assert_true(kind == DRIVER_READ_STATISTICS || kind == DRIVER_SET_STATISTICS_INTERVAL);
    *operation = (struct operation){.is_reading = kind == DRIVER_READ_STATISTICS,
                                    .seconds = (uint32_t)value,
                                    .done = done,
                                    .userdata = userdata};
    assert_int_equal(uv_timer_init(&loop, &operation->timer), 0);
    operation->timer.data = operation;
    return uv_timer_start(&operation->timer, on_answer, 0, 0);
}

static const struct driver driver = {
    .abi = DRIVER_ABI,
    .name = "test",
    .start = start,
};

/* ---- the journal ---- */

static struct interval_note note;
static bool has_note;
static bool is_full;

static void put(void *userdata, const struct interval_note *put_note,
                void (*done)(int status, void *asker), void *asker)
{
    assert_int_equal(put_note->seconds, interval); /* before the hypervisor is told */
    note = *put_note;
    has_note = !is_full;
    done(is_full ? -EIO : 0, asker);
}

static void remove_note(void *userdata, const struct interval_note *removed)
{
    assert_true(has_note);
    assert_int_equal(note.seconds, interval); /* after it has its own again */
    has_note = false;
}

/* ---- the VM ---- */

static struct supervisor supervisor;
static struct intervals intervals;
static struct vm *vm;

static int set_up(void **state)
{
    const struct interval_journal journal = {.put = put, .remove = remove_note};
    const struct hypervisor_address address = {.driver = &driver, .text = "test:/run/web"};

    interval = 2;
    reads_to_wait = 2;
    reads_left = pokes = 0;
    is_deaf = refuses = changes_nothing = has_note = is_full = false;
    statistics = (struct driver_statistics){.updated = time_realtime() / (int64_t)NSEC_PER_SEC,
                                            .total = 4 * GIB,
                                            .free = 2 * GIB,
                                            .available = 3 * GIB};
    if (uv_loop_init(&loop) < 0 || vm_create("web", VM_SOURCE_FILE, &vm) < 0)
        return -1;
    supervisor = (struct supervisor){.loop = &loop};
    list_init(&supervisor.listeners);
    registry_init(&supervisor.registry);
    intervals_init(&intervals, &supervisor, &journal);
    vm->supervisor = &supervisor;
    assert_int_equal(registry_add(&supervisor.registry, vm, NULL), 0);
    assert_int_equal(registry_set_address(&supervisor.registry, vm, &address, NULL), 0);
    vm->measured.process.directory = open("/proc/self", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    vm->hypervisor.session = &session;
    vm->hypervisor.ready = true;
    vm->hypervisor.facts = (struct driver_facts){
        .capabilities =
            DRIVER_CAN_READ_STATISTICS | DRIVER_CAN_SET_STATISTICS_INTERVAL | DRIVER_TELLS_EVENTS,
        .balloon = ANSWER_YES,
        .statistics_interval = interval,
    };
    return 0;
}

static int tear_down(void **state)
{
    loop_finish(&loop);
    assert_null(vm->asking);
    vm->hypervisor.session = NULL;
    vm->hypervisor.ready = false;
    registry_remove(&supervisor.registry, vm);
    vm_destroy(vm);
    registry_finish(&supervisor.registry);
    intervals_finish(&intervals);
    return 0;
}

struct question {
    struct statistics_asked asked;
    nsec_t since;
    bool is_answered;
    int status;
};

static void on_done(int status, void *userdata)
{
    struct question *question = userdata;

    assert_false(question->is_answered);
    question->is_answered = true;
    question->status = status;
    if (status == 0)
        assert_true(vm->statistics.told >= question->since);
}

static int ask(struct question *question)
{
    *question = (struct question){.since = time_boottime()};
    return vm_statistics_ask(vm, &question->asked, on_done, question);
}

static int ask_and_wait(struct question *question)
{
    int r = ask(question);

    assert_false(question->is_answered);
    if (r == 0)
        loop_run_until(&loop, &question->is_answered);
    return r == 0 ? question->status : r;
}

/* The hold is over, and the next visit comes. */
static void let_go(void)
{
    vm->interval.held = 0;
    vm_interval_visit(vm, false, time_boottime());
    uv_run(&loop, UV_RUN_DEFAULT);
}

static void test_an_owners_interval_is_used_and_stays(void **state)
{
    struct question question;

    assert_int_equal(ask_and_wait(&question), 0);
    assert_true(vm->statistics.last.free == 2 * GIB - MIB);
    assert_int_equal(interval, 2);
    assert_true(has_note);
    assert_int_equal(ask_and_wait(&question), 0); /* without another note */
    let_go();
    assert_int_equal(interval, 2);
    assert_false(has_note);
}

static void test_one_that_was_off_is_off_again(void **state)
{
    struct question question;

    interval = 0;
    vm->hypervisor.facts.statistics_interval = 0;
    assert_int_equal(ask_and_wait(&question), 0);
    assert_int_equal(interval, OURS);
    /* The facts are of then, and are not taken for the owner's. */
    vm->hypervisor.facts.statistics_interval = OURS;
    let_go();
    assert_int_equal(interval, 0);
    assert_int_equal(ask_and_wait(&question), 0);
    let_go();
    assert_int_equal(interval, 0);
    assert_false(has_note);
}

static void test_a_daemon_that_was_killed_while_it_was_0(void **state)
{
    const struct interval_note left = {
        .address = "test:/run/web", .seconds = 2, .pid = vm->measured.process.pid};

    assert_int_equal(intervals_add_left(&intervals, &left), 0);
    has_note = true;
    note = left;
    interval = 0;
    vm->hypervisor.facts.statistics_interval = 0;
    vm_interval_visit(vm, false, time_boottime());
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(interval, 2);
    assert_false(has_note);
}

static void test_a_guest_in_which_nothing_happens(void **state)
{
    struct question question;

    changes_nothing = true;
    assert_int_equal(ask_and_wait(&question), 0);
}

static void test_a_guest_that_answers_nothing(void **state)
{
    struct question question;

    is_deaf = true;
    assert_int_equal(ask_and_wait(&question), -ETIMEDOUT);
    assert_true(vm->statistics.told < question.since);
    assert_int_equal(interval, 2);
}

static void test_who_asks_meanwhile_gets_what_is_newer(void **state)
{
    struct question first;
    struct question second;

    reads_to_wait = 1;
    assert_int_equal(ask(&first), 0);
    while (pokes == 0)
        uv_run(&loop, UV_RUN_ONCE);
    assert_int_equal(ask(&second), 0);
    loop_run_until(&loop, &first.is_answered);
    assert_false(second.is_answered);
    loop_run_until(&loop, &second.is_answered);
    assert_int_equal(second.status, 0);
    assert_int_equal(pokes, 2);
}

static void test_who_does_not_want_it_is_not_called(void **state)
{
    struct question first;
    struct question second;

    assert_int_equal(ask(&first), 0);
    assert_int_equal(ask(&second), 0);
    vm_statistics_cancel(&first.asked);
    loop_run_until(&loop, &second.is_answered);
    assert_false(first.is_answered);
}

static void test_nothing_is_changed_without_a_journal(void **state)
{
    struct question question;

    is_full = true;
    assert_int_equal(ask_and_wait(&question), -ETIMEDOUT);
    assert_int_equal(pokes, 0);
    assert_int_equal(interval, 2);
}

static void test_a_hypervisor_that_refuses(void **state)
{
    struct question question;

    refuses = true;
    assert_true(ask_and_wait(&question) < 0);
    assert_int_equal(interval, 2);
}

static void test_who_is_not_asked(void **state)
{
    struct question question;

    assert_null(vm_statistics_why_not(vm));
    vm->halted = true;
    assert_string_equal(vm_statistics_why_not(vm), "it is halted");
    assert_int_equal(ask(&question), -EOPNOTSUPP);
    vm->halted = false;
    vm->sources.set = VM_SOURCE_FOUND;
    assert_string_equal(vm_statistics_why_not(vm),
                        "it is only observed: it has no file and no policy");
    vm->sources.set = VM_SOURCE_FILE;
    vm->hypervisor.facts.capabilities &= ~(uint32_t)DRIVER_TELLS_EVENTS;
    assert_non_null(vm_statistics_why_not(vm));
    vm->hypervisor.facts.capabilities = DRIVER_TELLS_EVENTS | DRIVER_CAN_READ_STATISTICS;
    assert_int_equal(ask(&question), -EOPNOTSUPP);
    assert_int_equal(pokes, 0);
}

/* ---- for who does not care whose word it is ---- */

struct reader {
    struct fresh_sample sample;
    bool is_answered;
};

static void on_reading(struct vm *read, void *userdata)
{
    struct reader *reader = userdata;

    assert_ptr_equal(read, vm);
    reader->is_answered = true;
}

static void test_a_guest_without_an_agent_is_read(void **state)
{
    struct reader reader = {.is_answered = false};
    nsec_t since = time_boottime();

    assert_int_equal(fresh_sample_start(&reader.sample, vm, on_reading, &reader), -ENOTCONN);
    assert_int_equal(fresh_reading_start(&reader.sample, vm, on_reading, &reader), 0);
    assert_false(reader.is_answered);
    loop_run_until(&loop, &reader.is_answered);
    assert_true(vm->statistics.told >= since);
    reader.is_answered = false;
    assert_int_equal(fresh_reading_start(&reader.sample, vm, on_reading, &reader), 0);
    fresh_sample_cancel(&reader.sample);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_false(reader.is_answered);
    vm->halted = true;
    assert_int_equal(fresh_reading_start(&reader.sample, vm, on_reading, &reader), -ENOTCONN);
}

#define now_test(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        now_test(test_an_owners_interval_is_used_and_stays),
        now_test(test_one_that_was_off_is_off_again),
        now_test(test_a_daemon_that_was_killed_while_it_was_0),
        now_test(test_a_guest_in_which_nothing_happens),
        now_test(test_a_guest_that_answers_nothing),
        now_test(test_who_asks_meanwhile_gets_what_is_newer),
        now_test(test_who_does_not_want_it_is_not_called),
        now_test(test_nothing_is_changed_without_a_journal),
        now_test(test_a_hypervisor_that_refuses),
        now_test(test_who_is_not_asked),
        now_test(test_a_guest_without_an_agent_is_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
