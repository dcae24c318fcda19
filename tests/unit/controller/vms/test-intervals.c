/* The owner's interval of balloon statistics is put back whenever the VM is let go of. The driver
 * is made up: it keeps what it was told, and answers when the test says so. */
#include "tests/lib/test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "controller/vms/hypervisor.h"
#include "controller/vms/intervals.h"
#include "controller/vms/life.h"
#include "controller/vms/tick.h"
#include "tests/lib/fixture.h"
#include "tests/unit/controller/vms/driver-fixture.h"

#define OURS     10
#define NOT_TOLD UINT32_MAX

/* ---- the driver ---- */

static uint32_t told;
static driver_done told_done; /* NULL: nothing waits */
static void *told_userdata;

static void answer(int status, enum driver_outcome outcome)
{
    struct error error;
    driver_done done = told_done;

    error_set(&error, status, "the test says so");
    told_done = NULL;
    assert_non_null(done);
    done(&(struct driver_result){.status = status, .outcome = outcome, .error = &error},
         told_userdata);
}

static void close_session(struct driver_session *closed)
{
    if (told_done != NULL)
        answer(-ECANCELED, DRIVER_OUTCOME_UNKNOWN);
}

static int start(struct driver_session *of, enum driver_operation operation, uint64_t value,
                 nsec_t timeout, driver_done done, void *userdata)
{
    if (operation != DRIVER_SET_STATISTICS_INTERVAL)
        return operation == DRIVER_READ_FACTS ? 0 : -EOPNOTSUPP;
    if (told_done != NULL)
        answer(-ECANCELED, DRIVER_OUTCOME_UNKNOWN);
    told = (uint32_t)value;
    told_done = done;
    told_userdata = userdata;
    return 0;
}

static const struct driver driver = {
    .abi = DRIVER_ABI,
    .name = "test",
    .check = accept_place,
    .open = open_made_up,
    .close = close_session,
    .tick = tick_made_up,
    .start = start,
};

/* ---- the journal ---- */

static struct interval_note kept; /* address "": none */
static void (*put_done)(int status, void *asker);
static void *put_asker;

static void put(void *userdata, const struct interval_note *note,
                void (*done)(int status, void *asker), void *asker)
{
    kept = *note;
    put_done = done;
    put_asker = asker;
}

static void remove_note(void *userdata, const struct interval_note *note)
{
    if (strcmp(kept.address, note->address) == 0)
        kept = (struct interval_note){.seconds = 0};
}

static void write_note(void)
{
    put_done(0, put_asker);
    put_done = NULL;
}

/* ---- the VM ---- */

static const struct hypervisor_address here = {.driver = &driver, .text = "test:/run/here"};
static const struct hypervisor_address there = {.driver = &driver, .text = "test:/run/there"};

static uv_loop_t loop;
static struct supervisor supervisor;
static struct intervals intervals;
static struct fixture files;
static struct vm *vm;

static void add_vm(void)
{
    assert_int_equal(vm_create("web", VM_SOURCE_FILE, &vm), 0);
    assert_int_equal(supervisor_add_vm(&supervisor, vm, NULL), 0);
    assert_int_equal(registry_set_address(&supervisor.registry, vm, &here, NULL), 0);
}

static void get_ready(uint32_t interval)
{
    struct driver_facts facts = {
        .run_state = RUN_STATE_RUNNING,
        .pid = 4711,
        .capabilities = DRIVER_TELLS_EVENTS | DRIVER_CAN_SET_STATISTICS_INTERVAL,
        .statistics_interval = interval,
    };

    vm_hypervisor_visit(vm, time_boottime());
    callbacks->on_ready(&facts, session_vm);
    assert_true(vm->hypervisor.ready);
    assert_true(hypervisor_process_is_open(&vm->measured.process));
}

static void visit_in(bool needed, nsec_t delay)
{
    vm_interval_visit(vm, needed, time_boottime() + delay);
}

static void take(void)
{
    visit_in(true, 0);
    assert_int_equal(vm->interval.state, INTERVAL_NOTING);
    write_note();
    assert_int_equal(told, OURS);
    answer(0, DRIVER_OUTCOME_DONE);
    assert_int_equal(vm->interval.state, INTERVAL_OURS);
    told = NOT_TOLD;
}

static void move(const struct hypervisor_address *address)
{
    vm_leave_hypervisor(vm);
    assert_int_equal(registry_set_address(&supervisor.registry, vm, address, NULL), 0);
}

static int set_up(void **state)
{
    const struct interval_journal journal = {.put = put, .remove = remove_note};

    fixture_init(&files);
    fixture_write(&files, "proc/4711/stat",
                  "4711 (qemu) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 9 0 0\n");
    fixture_write(&files, "proc/4711/status",
                  "RssAnon:\t 1024 kB\nRssShmem:\t 0 kB\nVmSwap:\t 0 kB\n");
    fixture_write(&files, "proc/4711/statm", "1 1 0 0 0 0 0\n");
    fixture_write(&files, "proc/4711/maps", "");
    fixture_write(&files, "proc/4711/fd/0", "");
    told = NOT_TOLD;
    told_done = NULL;
    kept = (struct interval_note){.seconds = 0};
    if (uv_loop_init(&loop) < 0 ||
        supervisor_init(&supervisor, &loop, files.root, NSEC_PER_SEC) < 0)
        return -1;
    intervals_init(&intervals, &supervisor, &journal);
    add_vm();
    get_ready(0);
    return 0;
}

static int tear_down(void **state)
{
    supervisor_stop(&supervisor);
    uv_run(&loop, UV_RUN_DEFAULT);
    supervisor_finish(&supervisor);
    intervals_finish(&intervals);
    assert_int_equal(uv_loop_close(&loop), 0);
    fixture_finish(&files);
    return 0;
}

/* ---- tests ---- */

static void test_it_is_put_back_when_it_is_not_needed(void **state)
{
    take();
    assert_string_equal(kept.address, here.text);
    visit_in(false, 0);
    assert_int_equal(told, 0);
    answer(0, DRIVER_OUTCOME_DONE);
    assert_int_equal(vm->interval.state, INTERVAL_OWNERS);
    assert_string_equal(kept.address, "");
}

/* A reading of now holds it for a while, of a VM that may be changed. */
static void test_it_is_put_back_when_the_vm_is_only_observed(void **state)
{
    vm_interval_hold(vm, time_boottime() + 60 * NSEC_PER_SEC);
    write_note();
    answer(0, DRIVER_OUTCOME_DONE);
    told = NOT_TOLD;
    visit_in(false, 0);
    assert_int_equal(told, NOT_TOLD);
    vm->sources.set = VM_SOURCE_FOUND;
    visit_in(false, 0);
    assert_int_equal(told, 0);
    answer(0, DRIVER_OUTCOME_DONE);
    /* Who waits for a reading gets none. */
    told = NOT_TOLD;
    vm_interval_hold(vm, time_boottime() + 60 * NSEC_PER_SEC);
    assert_int_equal(vm->interval.state, INTERVAL_OWNERS);
    vm->sources.set = VM_SOURCE_FILE;
}

/* Nobody hears whether that was done: a VM that is there again sees it. */
static void test_it_is_put_back_when_the_vm_is_removed(void **state)
{
    static const struct {
        uint32_t interval;
        enum interval_state state;
    } cases[] = {{OURS, INTERVAL_OURS}, {0, INTERVAL_NOTING}};

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        if (vm->interval.state == INTERVAL_OWNERS)
            take();
        told = NOT_TOLD;
        vm_remove(vm);
        assert_int_equal(told, 0);
        assert_string_equal(kept.address, here.text);
        add_vm();
        get_ready(cases[i].interval);
        visit_in(true, 0);
        assert_int_equal(vm->interval.state, cases[i].state);
    }
    write_note();
}

static void test_it_is_put_back_when_the_vm_is_readdressed(void **state)
{
    take();
    move(&there);
    assert_int_equal(told, 0);
    assert_int_equal(vm->interval.state, INTERVAL_OWNERS);
    assert_string_equal(kept.address, here.text);
    /* At its new address nothing is left of that. */
    told = NOT_TOLD;
    get_ready(2);
    visit_in(true, 0);
    visit_in(false, 0);
    assert_int_equal(told, NOT_TOLD);
    assert_string_equal(kept.address, here.text);
    /* Back there, it is seen that it was done. */
    move(&here);
    get_ready(0);
    visit_in(false, 0);
    assert_string_equal(kept.address, "");
}

static void test_a_command_under_way_is_followed_by_the_owners(void **state)
{
    visit_in(true, 0);
    write_note();
    assert_int_equal(vm->interval.state, INTERVAL_SETTING);
    vm_remove(vm);
    assert_int_equal(told, 0);
    add_vm();
}

/* The store takes its time. */
static void test_a_vm_that_is_readdressed_meanwhile(void **state)
{
    visit_in(true, 0);
    move(&there);
    get_ready(0);
    write_note();
    assert_int_equal(told, NOT_TOLD);
    assert_int_equal(vm->interval.state, INTERVAL_OWNERS);
    take();
    assert_string_equal(kept.address, there.text);
}

/* Another record at that address is not told on its behalf. */
static void test_a_vm_that_is_removed_meanwhile(void **state)
{
    void (*earlier_done)(int status, void *asker);
    void *earlier_asker;

    visit_in(true, 0);
    earlier_done = put_done;
    earlier_asker = put_asker;
    vm_remove(vm);
    add_vm();
    get_ready(0);
    visit_in(true, 0);
    assert_int_equal(vm->interval.state, INTERVAL_NOTING);
    earlier_done(0, earlier_asker);
    assert_int_equal(vm->interval.state, INTERVAL_NOTING);
    assert_int_equal(told, NOT_TOLD);
    write_note();
    assert_int_equal(told, OURS);
    assert_string_equal(kept.address, here.text);
}

/* It may have had its reasons, which pass. */
static void test_who_refuses_is_asked_again_later(void **state)
{
    visit_in(true, 0);
    write_note();
    answer(-EREMOTEIO, DRIVER_OUTCOME_NOT_DONE);
    assert_int_equal(vm->interval.state, INTERVAL_OWNERS);
    assert_string_equal(kept.address, "");
    visit_in(true, 590 * NSEC_PER_SEC);
    assert_int_equal(vm->interval.state, INTERVAL_OWNERS);
    visit_in(true, 601 * NSEC_PER_SEC);
    assert_int_equal(vm->interval.state, INTERVAL_NOTING);
    write_note();
}

/* The setting went with the process. */
static void test_a_process_that_ends_leaves_nothing(void **state)
{
    take();
    fixture_write(&files, "proc/4711/statm", ""); /* read by a descriptor that is kept */
    assert_int_equal(vm_measure(vm), -ESRCH);
    assert_int_equal(told, NOT_TOLD);
    assert_int_equal(vm->interval.state, INTERVAL_OWNERS);
    assert_string_equal(kept.address, "");
    assert_int_equal(intervals.left_count, 0);
}

#define interval_test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        interval_test(test_it_is_put_back_when_it_is_not_needed),
        interval_test(test_it_is_put_back_when_the_vm_is_only_observed),
        interval_test(test_it_is_put_back_when_the_vm_is_removed),
        interval_test(test_it_is_put_back_when_the_vm_is_readdressed),
        interval_test(test_a_command_under_way_is_followed_by_the_owners),
        interval_test(test_a_vm_that_is_readdressed_meanwhile),
        interval_test(test_a_vm_that_is_removed_meanwhile),
        interval_test(test_who_refuses_is_asked_again_later),
        interval_test(test_a_process_that_ends_leaves_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
