/* A VM's hypervisor that hangs, that somebody else holds, and that cannot be seen for a while. The
 * driver is made up: it does what the test says. */
#include "tests/lib/test.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "controller/vms/hypervisor.h"
#include "controller/vms/life.h"
#include "controller/vms/tick.h"
#include "tests/lib/fixture.h"
#include "tests/unit/controller/vms/driver-fixture.h"

/* ---- the driver ---- */

static unsigned opened;
static bool is_open;
static unsigned asked; /* for facts */
static driver_done facts_done;
static void *facts_userdata;
static unsigned balloon_asked;
static driver_done balloon_done;
static nsec_t last_word;
static uint64_t identity;
static const char *owner;

static int open_session(uv_loop_t *loop, const char *where, nsec_t timeout,
                        const struct driver_callbacks *given, void *userdata,
                        struct driver_session **ret_session)
{
    opened++;
    is_open = true;
    return open_made_up(loop, where, timeout, given, userdata, ret_session);
}

static void close_session(struct driver_session *closed)
{
    is_open = false;
}

static int start(struct driver_session *of, enum driver_operation operation, uint64_t value,
                 nsec_t timeout, driver_done done, void *userdata)
{
    switch (operation) {
    case DRIVER_READ_FACTS:
        asked++;
        facts_done = done;
        facts_userdata = userdata;
        return 0;
    case DRIVER_READ_BALLOON:
        balloon_asked++;
        balloon_done = done;
        return 0;
    default:
        return -EOPNOTSUPP;
    }
}

static nsec_t heard(const struct driver_session *of)
{
    return last_word;
}

static const char *owner_of(const char *where)
{
    return owner;
}

static uint64_t identify(const char *where)
{
    return identity;
}

static const struct driver driver = {
    .abi = DRIVER_ABI,
    .name = "test",
    .check = accept_place,
    .open = open_session,
    .close = close_session,
    .tick = tick_made_up,
    .start = start,
    .heard = heard,
    .owner = owner_of,
    .identify = identify,
};

/* ---- the VM ---- */

static uv_loop_t loop;
static struct supervisor supervisor;
static struct fixture files;
static struct vm *vm;

static int set_up(void **state)
{
    const struct hypervisor_address address = {.driver = &driver, .text = "test:/run/web"};

    fixture_init(&files);
    opened = asked = balloon_asked = 0;
    balloon_done = NULL;
    is_open = false;
    last_word = time_monotonic();
    identity = 7;
    owner = NULL;
    if (uv_loop_init(&loop) < 0 ||
        supervisor_init(&supervisor, &loop, files.root, NSEC_PER_SEC) < 0 ||
        vm_create("web", VM_SOURCE_FOUND, &vm) < 0)
        return -1;
    assert_int_equal(supervisor_add_vm(&supervisor, vm, NULL), 0);
    assert_int_equal(registry_set_address(&supervisor.registry, vm, &address, NULL), 0);
    return 0;
}

static int tear_down(void **state)
{
    supervisor_stop(&supervisor);
    uv_run(&loop, UV_RUN_DEFAULT);
    supervisor_finish(&supervisor);
    assert_int_equal(uv_loop_close(&loop), 0);
    assert_false(is_open);
    fixture_finish(&files);
    return 0;
}

static void visit_in(nsec_t delay)
{
    vm_hypervisor_visit(vm, time_boottime() + delay);
}

static void fail_session(int status, const char *text)
{
    struct error error;

    error_set(&error, status, "%s", text);
    callbacks->on_failed(status, &error, session_vm);
}

static struct driver_facts facts = {
    .run_state = RUN_STATE_RUNNING, .pid = 4711, .capabilities = DRIVER_TELLS_EVENTS};

static void get_ready(void)
{
    visit_in(0);
    callbacks->on_ready(&facts, session_vm);
    assert_true(vm->hypervisor.ready);
}

static void answer(int status, const char *text)
{
    struct error error;

    error_set(&error, status, "%s", text);
    facts_done(&(struct driver_result){.status = status,
                                       .error = status < 0 ? &error : NULL,
                                       .facts = status < 0 ? NULL : &facts},
               facts_userdata);
}

static void answer_balloon(int status, const char *text)
{
    struct error error;

    error_set(&error, status, "%s", text);
    balloon_done(&(struct driver_result){.status = status, .error = status < 0 ? &error : NULL},
                 vm);
    balloon_done = NULL;
}

static bool condition_has(const char *text)
{
    return strstr(vm->hypervisor.condition, text) != NULL;
}

static void put_process(void)
{
    fixture_write(&files, "proc/4711/stat",
                  "4711 (qemu) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 9 0 0\n");
    fixture_write(&files, "proc/4711/status",
                  "RssAnon:\t 1024 kB\nRssShmem:\t 0 kB\nVmSwap:\t 0 kB\n");
    fixture_write(&files, "proc/4711/statm", "1 1 0 0 0 0 0\n");
    fixture_write(&files, "proc/4711/maps", "");
    fixture_write(&files, "proc/4711/fd/0", "");
}

/* ---- tests ---- */

/* It stays connected: a second connection would find the socket taken, and blame somebody. */
static void test_who_does_not_answer_is_named(void **state)
{
    unsigned before;

    put_process();
    get_ready();
    assert_string_equal(vm->hypervisor.condition, "ready");
    visit_in(61 * NSEC_PER_SEC);
    assert_int_equal(asked, 1);
    answer(-ETIMEDOUT, "no answer to query-status in time");
    assert_true(condition_has("no answer to query-status in time: the hypervisor hangs"));
    assert_true(vm->hypervisor.ready);
    assert_true(vm->hypervisor.silent != 0);
    assert_true(is_open);
    /* It is not asked on and on meanwhile, all of which it would have to work off. */
    before = asked;
    for (unsigned i = 2; i < 20; i++)
        visit_in(i * 61 * NSEC_PER_SEC);
    assert_int_equal(asked, before);
    /* A late word of it, and an answer. */
    last_word = time_monotonic() + 1;
    visit_in(0);
    assert_int_equal(asked, before + 1);
    assert_true(condition_has("hangs"));
    visit_in(0);
    assert_int_equal(asked, before + 1); /* one question for one word */
    answer(0, "");
    assert_string_equal(vm->hypervisor.condition, "ready");
    assert_true(vm->hypervisor.silent == 0);
    assert_int_equal(opened, 1);
}

/* Long before its facts are due again. */
static void test_who_falls_silent_is_asked_for_a_sign_of_life(void **state)
{
    put_process();
    get_ready();
    visit_in(NSEC_PER_SEC);
    assert_int_equal(balloon_asked, 0);
    last_word = time_monotonic() - 11 * NSEC_PER_SEC;
    visit_in(2 * NSEC_PER_SEC);
    visit_in(3 * NSEC_PER_SEC);
    assert_int_equal(balloon_asked, 1); /* one question at a time */
    answer_balloon(-ETIMEDOUT, "no answer to query-balloon in time");
    assert_int_equal(asked, 0);
    assert_true(condition_has("no answer to query-balloon in time: the hypervisor hangs"));
    assert_true(vm->hypervisor.silent != 0);
    visit_in(4 * NSEC_PER_SEC);
    assert_int_equal(balloon_asked, 1);
    last_word = time_monotonic() + 1;
    visit_in(5 * NSEC_PER_SEC);
    answer(0, "");
    assert_true(vm->hypervisor.silent == 0);
}

/* What it refuses, it has answered. */
static void test_a_refusal_is_an_answer(void **state)
{
    put_process();
    get_ready();
    visit_in(61 * NSEC_PER_SEC);
    answer(-EREMOTEIO, "CommandNotFound");
    assert_true(vm->hypervisor.silent == 0);
    assert_string_equal(vm->hypervisor.condition, "ready");
}

/* Who tells no events is asked instead. */
static void test_who_tells_no_events_is_asked_often(void **state)
{
    put_process();
    facts.capabilities = 0;
    get_ready();
    visit_in(9 * NSEC_PER_SEC);
    assert_int_equal(asked, 0);
    visit_in(11 * NSEC_PER_SEC);
    assert_int_equal(asked, 1);
    facts.capabilities = DRIVER_TELLS_EVENTS;
    answer(0, "");
    visit_in(59 * NSEC_PER_SEC);
    assert_int_equal(asked, 1);
}

static void expect_rare(int status, const char *text)
{
    unsigned before = opened;

    vm_hypervisor_drop(vm);
    visit_in(0);
    fail_session(status, text);
    visit_in(10 * NSEC_PER_SEC);
    visit_in(29 * NSEC_PER_SEC);
    assert_int_equal(opened, before + 1);
    visit_in(31 * NSEC_PER_SEC);
    assert_int_equal(opened, before + 2);
    fail_session(status, text);
    visit_in(59 * NSEC_PER_SEC);
    assert_int_equal(opened, before + 2);
    /* Another hypervisor sits there now. */
    identity++;
    visit_in(0);
    assert_int_equal(opened, before + 3);
    fail_session(-ECONNREFUSED, "nobody listens");
    visit_in(5 * NSEC_PER_SEC);
    assert_int_equal(opened, before + 4);
}

/* Who never greets is in somebody else's hand, and every attempt keeps others waiting. */
static void test_who_never_greets_is_left_alone_for_long(void **state)
{
    expect_rare(-ETIMEDOUT, "no greeting");
    expect_rare(-EAGAIN, "others wait already");
}

/* What says something else is not touched again, until another socket is in its place. */
static void test_what_is_no_hypervisor_is_left_alone(void **state)
{
    visit_in(0);
    fail_session(-EPROTO, "not a JSON object");
    for (unsigned i = 1; i < 5; i++)
        visit_in(i * 600 * NSEC_PER_SEC);
    assert_int_equal(opened, 1);
    identity++;
    visit_in(0);
    assert_int_equal(opened, 2);
}

/* Nobody is in the way of one that only was not there. */
static void test_who_is_not_there_is_tried_soon(void **state)
{
    visit_in(0);
    for (unsigned i = 1; i < 5; i++) {
        fail_session(-ENOENT, "no such file");
        visit_in(4100 * NSEC_PER_MSEC);
        assert_int_equal(opened, i + 1);
    }
    fail_session(-EBUSY, "it has greeted, and then said nothing");
    visit_in(4100 * NSEC_PER_MSEC);
    assert_int_equal(opened, 6);
}

static void test_the_socket_of_another_tool_is_not_touched(void **state)
{
    owner = "Proxmox VE's tools";
    for (unsigned i = 0; i < 5; i++)
        visit_in(i * 600 * NSEC_PER_SEC);
    assert_int_equal(opened, 0);
    assert_true(condition_has("is left to Proxmox VE's tools"));
    assert_true(condition_has("name it in the VM's file"));
}

/* For want of a descriptor, say. */
static void test_a_process_that_is_not_seen_is_looked_for_again(void **state)
{
    get_ready();
    assert_true(condition_has("cannot read /proc/4711"));
    assert_false(hypervisor_process_is_open(&vm->measured.process));
    put_process();
    visit_in(9 * NSEC_PER_SEC);
    assert_false(hypervisor_process_is_open(&vm->measured.process));
    visit_in(11 * NSEC_PER_SEC);
    assert_true(hypervisor_process_is_open(&vm->measured.process));
    assert_string_equal(vm->hypervisor.condition, "ready");
    assert_int_equal(asked, 1); /* so that its agent is vouched for */
}

#define hypervisor_test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        hypervisor_test(test_who_does_not_answer_is_named),
        hypervisor_test(test_who_falls_silent_is_asked_for_a_sign_of_life),
        hypervisor_test(test_a_refusal_is_an_answer),
        hypervisor_test(test_who_tells_no_events_is_asked_often),
        hypervisor_test(test_who_never_greets_is_left_alone_for_long),
        hypervisor_test(test_what_is_no_hypervisor_is_left_alone),
        hypervisor_test(test_who_is_not_there_is_tried_soon),
        hypervisor_test(test_the_socket_of_another_tool_is_not_touched),
        hypervisor_test(test_a_process_that_is_not_seen_is_looked_for_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
