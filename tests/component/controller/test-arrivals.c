/* Guests that come into another process with something in their balloon: what a past lease took is
 * no baseline, and what somebody else took is left. */
#include "tests/component/controller/lease-calls.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/file.h"
#include "common/base/number.h"
#include "common/base/util.h"
#include "tests/component/controller/parallel.h"

/* It was held, and given back. */
static void hold_once(struct fixture *f)
{
    start_ready(f);
    set_balloon(f, 768 * MIB, 0);
    assert_int_equal(f->code, TTRPC_OK);
    release_balloon(f);
    wait_for(f, lease_count(f) == 0 && f->qmp.balloon_actual == GIB);
}

/* Its hypervisor ends, and another one has the guest as it was when it had `actual`. */
static void bring(struct fixture *f, uint64_t actual)
{
    put_other_process(f);
    put_footprint(f, 700 * 1024);
    f->qmp.balloon_actual = actual;
    f->qmp.balloon_target = actual;
    f->qmp.balloon_commands = 0;
}

/* From a file, or by a migration. */
static void bring_in(struct fixture *f, uint64_t actual)
{
    bring(f, actual);
    snprintf(f->qmp.migration, sizeof(f->qmp.migration), "completed");
}

static void test_while_the_daemon_looks_on(void **state)
{
    struct fixture *f = *state;

    hold_once(f);
    put_dead_process(f);
    wait_for(f, log_has(f, "hypervisor process") && log_has(f, "ended"));
    bring_in(f, 768 * MIB);
    wait_for(f, f->qmp.balloon_actual == GIB);
    assert_true(log_has(f, "the balloon of an earlier lease"));
    wait_for(f, get_vm(f, "web-1")->balloon_baseline == GIB);
}

/* Twice: what is saved can be restored again. */
static void test_under_another_daemon(void **state)
{
    struct fixture *f = *state;

    hold_once(f);
    stop_daemon(f, 0);
    bring_in(f, 768 * MIB);
    restart_daemon(f);
    wait_for(f, f->qmp.balloon_actual == GIB);
    wait_for(f, get_vm(f, "web-1")->balloon_baseline == GIB);
    stop_daemon(f, 0);
    bring_in(f, 640 * MIB);
    put_process_start(f, 4713);
    restart_daemon(f);
    wait_for(f, f->qmp.balloon_actual == GIB);
}

/* QEMU says nothing of a snapshot that it was started with: its command line does. */
static void test_a_snapshot_at_the_start(void **state)
{
    static const char words[] = "qemu-system-x86_64\0-loadvm\0then";
    struct fixture *f = *state;
    char name[64];

    hold_once(f);
    stop_daemon(f, 0);
    bring(f, 768 * MIB);
    snprintf(name, sizeof(name), "proc/%d/cmdline", (int)getpid());
    assert_int_equal(file_replace(f->root, name, words, sizeof(words)), 0);
    restart_daemon(f);
    wait_for(f, f->qmp.balloon_actual == GIB);
}

/* A daemon that is killed in the midst of it does not take what is left for a baseline. */
static void test_a_guest_that_follows_slowly(void **state)
{
    struct fixture *f = *state;

    hold_once(f);
    stop_daemon(f, 0);
    bring_in(f, 768 * MIB);
    f->qmp.balloon_is_stuck = true;
    restart_daemon(f);
    wait_for(f, f->qmp.balloon_target == GIB);
    stop_daemon(f, 0);
    f->qmp.balloon_target = 768 * MIB; /* as if it had not been told */
    restart_daemon(f);
    wait_for(f, f->qmp.balloon_target == GIB);
    assert_int_equal(get_vm(f, "web-1")->balloon_baseline, GIB);
}

/* Who moves it by hand has it, also where the guest goes on elsewhere. */
static void test_a_size_that_a_person_set(void **state)
{
    struct fixture *f = *state;

    hold_once(f);
    qmp_server_move_balloon(&f->qmp, 896 * MIB);
    wait_for(f, get_vm(f, "web-1")->balloon_baseline == 896 * MIB);
    stop_daemon(f, 0);
    restart_daemon(f);
    wait_for_sample(f);
    stop_daemon(f, 0);
    bring_in(f, 896 * MIB);
    restart_daemon(f);
    wait_for_sample(f);
    assert_int_equal(f->qmp.balloon_commands, 0);
    assert_int_equal(get_vm(f, "web-1")->balloon_baseline, 896 * MIB);
}

/* A guest that boots has the balloon that its owner gives it. */
static void test_a_new_boot_with_less(void **state)
{
    struct fixture *f = *state;

    hold_once(f);
    stop_daemon(f, 0);
    bring(f, 768 * MIB);
    restart_daemon(f);
    wait_for_sample(f);
    assert_int_equal(f->qmp.balloon_commands, 0);
    assert_int_equal(get_vm(f, "web-1")->balloon_baseline, 768 * MIB);
}

/* Nobody here knows whose it is: that is said, and it is left. */
static void test_a_balloon_from_another_host(void **state)
{
    struct fixture *f = *state;

    bring_in(f, 768 * MIB);
    start_ready(f);
    wait_for(f, log_has(f, "not by a lease of this host"));
    assert_int_equal(f->qmp.balloon_commands, 0);
}

/* What was found once is no past lease: whoever moved it may have moved it again. */
static void test_a_balloon_from_another_host_twice(void **state)
{
    struct fixture *f = *state;

    bring_in(f, 768 * MIB);
    start_ready(f);
    wait_for(f, log_has(f, "a balloon that leaves it 768.0 MiB"));
    put_dead_process(f);
    wait_for(f, log_has(f, "hypervisor process") && log_has(f, "ended"));
    bring_in(f, 640 * MIB);
    put_process_start(f, 4713);
    wait_for(f, f->qmp.balloon_commands > 0 || log_has(f, "a balloon that leaves it 640.0 MiB"));
    assert_int_equal(f->qmp.balloon_commands, 0);
}

#define arrival_test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        arrival_test(test_while_the_daemon_looks_on),
        arrival_test(test_under_another_daemon),
        arrival_test(test_a_snapshot_at_the_start),
        arrival_test(test_a_guest_that_follows_slowly),
        arrival_test(test_a_size_that_a_person_set),
        arrival_test(test_a_new_boot_with_less),
        arrival_test(test_a_balloon_from_another_host),
        arrival_test(test_a_balloon_from_another_host_twice),
    };

    return run_apart(argc, argv, tests, ARRAY_SIZE(tests));
}
