/* Leases of the real vmreclaimd: the guest's size is right whatever happens. */
#include "tests/component/controller/lease-calls.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/number.h"
#include "common/base/util.h"
#include "tests/component/controller/parallel.h"

static void test_a_lease_and_its_release(void **state)
{
    struct fixture *f = *state;
    const Vm *vm;

    start_ready(f);
    set_balloon(f, 768 * MIB, 0);
    assert_int_equal(f->code, TTRPC_OK);
    assert_true(action_of(f)->finished);
    assert_int_equal(f->qmp.balloon_actual, 768 * MIB);
    vm = get_vm(f, "web-1");
    assert_int_equal(vm->balloon_lease, 256 * MIB);
    assert_int_equal(vm->balloon_baseline, GIB);
    assert_int_equal(vm->balloon_target, 768 * MIB);
    assert_string_equal(vm->balloon_owner, "tester");
    assert_int_equal(lease_count(f), 1);
    release_balloon(f);
    assert_int_equal(f->code, TTRPC_OK);
    assert_int_equal(f->qmp.balloon_actual, GIB);
    assert_int_equal(lease_of(f), 0);
    release_balloon(f);
    assert_int_equal(f->code, TTRPC_NOT_FOUND);
}

/* Longer than we keep, two bytes to a character: it is cut between two, in the store as well. The
 * client here is strict: it refuses a message with text that is not UTF-8. */
static void test_an_owner_that_is_cut(void **state)
{
    struct fixture *f = *state;
    char owner[81];
    char kept[63];

    for (size_t i = 0; i + 2 < sizeof(owner); i += 2)
        memcpy(owner + i, "\xc3\xa4", 3);
    snprintf(kept, sizeof(kept), "%.62s", owner);
    start_ready(f);
    set_balloon_for(f, owner, 768 * MIB, 0);
    assert_int_equal(f->code, TTRPC_OK);
    assert_string_equal(get_vm(f, "web-1")->balloon_owner, kept);
    stop_daemon(f, 0);
    restart_daemon(f);
    assert_string_equal(get_vm(f, "web-1")->balloon_owner, kept);
    release_balloon(f);
    wait_for(f, get_vm(f, "web-1")->waterfall->guest_is_known);
    set_balloon_for(f, "two\nlines", 768 * MIB, 0);
    assert_int_equal(f->code, TTRPC_OK);
    assert_string_equal(get_vm(f, "web-1")->balloon_owner, "two?lines");
}

/* A guest that is short gets the part back that its owner gives. */
static void test_a_lease_gets_smaller_in_a_guest_that_is_short(void **state)
{
    struct fixture *f = *state;

    start_ready(f);
    set_balloon(f, 704 * MIB, 0);
    assert_int_equal(f->code, TTRPC_OK);
    f->agent.free = 0; /* nothing could be taken of it any more */
    f->agent.cache = 0;
    wait_for_sample(f);
    set_balloon(f, 640 * MIB, 0);
    assert_int_equal(f->code, TTRPC_FAILED_PRECONDITION);
    set_balloon(f, 720 * MIB, 0); /* less than a headroom */
    assert_int_equal(f->code, TTRPC_OK);
    assert_int_equal(f->qmp.balloon_actual, 720 * MIB);
    assert_int_equal(lease_of(f), 304 * MIB);
}

static void test_an_expired_lease(void **state)
{
    struct fixture *f = *state;

    start_ready(f);
    set_balloon(f, 768 * MIB, 1 * NSEC_PER_SEC);
    wait_for(f, lease_of(f) == 0 && f->qmp.balloon_actual == GIB);
    assert_true(log_has(f, "a lease expired"));
}

static void test_what_cannot_be_taken(void **state)
{
    struct fixture *f = *state;

    start_ready(f);
    set_balloon(f, 100 * MIB, 0);
    assert_int_equal(f->code, TTRPC_FAILED_PRECONDITION);
    assert_non_null(strstr(f->message, "could give"));
    set_balloon(f, 32 * MIB, 0);
    assert_int_equal(f->code, TTRPC_FAILED_PRECONDITION);
    assert_non_null(strstr(f->message, "64.0 MiB must stay: no guest lives with less"));
    set_balloon(f, 2 * GIB, 0);
    assert_int_equal(f->code, TTRPC_FAILED_PRECONDITION);
    assert_non_null(strstr(f->message, "has 1.0 GiB, 0 B of it held by others"));
    assert_int_equal(f->qmp.balloon_commands, 0);
}

static void test_pressure_raises_at_once(void **state)
{
    struct fixture *f = *state;
    nsec_t begun;

    start_ready(f);
    set_balloon(f, 768 * MIB, 0);
    begun = time_monotonic();
    fake_agent_pressure(&f->agent, 10 * MIB);
    wait_for(f, f->qmp.balloon_target == GIB);
    print_message("raised %llu ms after the pressure event\n",
                  (unsigned long long)((time_monotonic() - begun) / NSEC_PER_MSEC));
    wait_for(f, log_has(f, "the guest needs memory"));
    wait_for(f, lease_of(f) == 0);
}

static void test_a_foreign_change(void **state)
{
    struct fixture *f = *state;

    start_ready(f);
    set_balloon(f, 768 * MIB, 0);
    qmp_server_move_balloon(&f->qmp, 640 * MIB);
    wait_for(f, log_has(f, "someone else moves the balloon"));
    wait_for(f, lease_of(f) == 0);
    assert_int_equal(f->qmp.balloon_target, 640 * MIB);
}

static void test_a_reset(void **state)
{
    struct fixture *f = *state;

    start_ready(f);
    set_balloon(f, 768 * MIB, 0);
    qmp_server_event(&f->qmp, "RESET", NULL);
    wait_for(f, f->qmp.balloon_target == GIB);
    wait_for(f, lease_of(f) == 0);
    assert_true(log_has(f, "reset, migrated or restored"));
}

/* QEMU tells of the saving as it tells of a migration. */
static void test_saving_a_snapshot_ends_no_lease(void **state)
{
    struct fixture *f = *state;

    start_ready(f);
    set_balloon(f, 768 * MIB, 0);
    snprintf(f->qmp.status, sizeof(f->qmp.status), "save-vm");
    snprintf(f->qmp.migration, sizeof(f->qmp.migration), "active");
    qmp_server_event(&f->qmp, "STOP", NULL);
    qmp_server_event(&f->qmp, "MIGRATION", json_pack("{s:s}", "status", "setup"));
    wait_for(f, is_in_state(f, "web-1", "paused"));
    snprintf(f->qmp.status, sizeof(f->qmp.status), "running");
    f->qmp.migration[0] = '\0';
    qmp_server_event(&f->qmp, "MIGRATION", json_pack("{s:s}", "status", "completed"));
    qmp_server_event(&f->qmp, "RESUME", NULL);
    wait_for(f, is_in_state(f, "web-1", "managed"));
    assert_int_equal(lease_of(f), 256 * MIB);
    assert_false(log_has(f, "migrating"));
}

/* The guest's clock goes back: nothing else tells of the monitor's own loadvm. */
static void test_a_snapshot(void **state)
{
    struct fixture *f = *state;

    start_ready(f);
    set_balloon(f, 768 * MIB, 0);
    f->agent.clock_back = 600 * NSEC_PER_SEC;
    qmp_server_restore(&f->qmp, 512 * MIB);
    wait_for(f, f->qmp.balloon_actual == GIB);
    wait_for(f, lease_of(f) == 0);
    assert_true(log_has(f, "went back to a snapshot"));
    assert_true(log_has(f, "reset, migrated or restored"));
    assert_false(log_has(f, "someone else moves"));
    assert_true(get_vm(f, "web-1")->host->restored);
    qmp_server_event(&f->qmp, "RESET", NULL);
    wait_for(f, !get_vm(f, "web-1")->host->restored);
}

/* A lease of old is in the snapshot; nobody holds one now. */
static void test_a_snapshot_of_a_lease(void **state)
{
    struct fixture *f = *state;

    start_ready(f);
    f->agent.clock_back = 600 * NSEC_PER_SEC;
    qmp_server_restore(&f->qmp, 768 * MIB);
    wait_for(f, f->qmp.balloon_actual == GIB);
    assert_true(log_has(f, "the snapshot's balloon leaves the guest 768.0 MiB"));
}

/* The facts are read after the guest went back and before anybody knows that it did. */
static void test_a_snapshot_that_is_read_first(void **state)
{
    struct fixture *f = *state;

    start_ready(f);
    f->agent.stands_still = true;
    qmp_server_restore(&f->qmp, 768 * MIB);
    qmp_server_event(&f->qmp, "DEVICE_DELETED", NULL);
    wait_for(f, get_vm(f, "web-1")->balloon_baseline == 768 * MIB);
    f->agent.clock_back = 600 * NSEC_PER_SEC;
    f->agent.stands_still = false;
    wait_for(f, f->qmp.balloon_actual == GIB);
}

/* A guest that wants its memory back says that it went back. Who took it is another client. */
static void test_a_clock_alone_is_no_snapshot(void **state)
{
    struct fixture *f = *state;

    start_ready(f);
    qmp_server_event(&f->qmp, "STOP", NULL);
    qmp_server_event(&f->qmp, "RESUME", NULL);
    qmp_server_move_balloon(&f->qmp, 768 * MIB);
    wait_for(f, get_vm(f, "web-1")->waterfall->balloon == 256 * MIB);
    wait_for_sample(f); /* of the guest that ran on */
    f->agent.clock_back = 600 * NSEC_PER_SEC;
    wait_for(f, log_has(f, "did not stop it: not taken for a snapshot"));
    wait_for_sample(f);
    assert_false(get_vm(f, "web-1")->host->restored);
    assert_int_equal(f->qmp.balloon_commands, 0);
    assert_int_equal(f->qmp.balloon_actual, 768 * MIB);
}

/* What it gets by saying so is what it may have anyway: the memory of our own lease. */
static void test_a_clock_alone_ends_our_lease(void **state)
{
    struct fixture *f = *state;

    start_ready(f);
    set_balloon(f, 768 * MIB, 0);
    f->agent.clock_back = 600 * NSEC_PER_SEC;
    wait_for(f, f->qmp.balloon_actual == GIB);
    wait_for(f, lease_of(f) == 0);
    assert_false(get_vm(f, "web-1")->host->restored);
}

/* QEMU says so: no agent is needed. */
static void test_a_snapshot_job(void **state)
{
    struct fixture *f = *state;

    start_ready(f);
    set_balloon(f, 768 * MIB, 0);
    f->qmp.job.type = "snapshot-save";
    qmp_server_event(&f->qmp, "JOB_STATUS_CHANGE",
                     json_pack("{s:s, s:s}", "id", "job", "status", "concluded"));
    wait_for(f, f->qmp.jobs_queries == 1);
    f->qmp.job.type = "snapshot-load";
    f->qmp.job.status = "running";
    qmp_server_event(&f->qmp, "JOB_STATUS_CHANGE",
                     json_pack("{s:s, s:s}", "id", "job", "status", "running"));
    wait_for(f, f->qmp.jobs_queries == 2);
    assert_int_equal(lease_of(f), 256 * MIB);
    assert_false(log_has(f, "went back to a snapshot"));
    f->qmp.job.type = NULL; /* dismissed before we could ask */
    qmp_server_event(&f->qmp, "JOB_STATUS_CHANGE",
                     json_pack("{s:s, s:s}", "id", "job", "status", "concluded"));
    wait_for(f, f->qmp.balloon_target == GIB);
    wait_for(f, lease_of(f) == 0);
    assert_true(log_has(f, "went back to a snapshot"));
}

static void test_a_migration(void **state)
{
    struct fixture *f = *state;

    start_ready(f);
    set_balloon(f, 768 * MIB, 0);
    snprintf(f->qmp.migration, sizeof(f->qmp.migration), "active");
    qmp_server_event(&f->qmp, "MIGRATION", json_pack("{s:s}", "status", "setup"));
    wait_for(f, f->qmp.balloon_target == GIB);
    wait_for(f, lease_of(f) == 0);
    assert_true(is_in_state(f, "web-1", "migrating"));
    assert_true(log_has(f, "migrating, was managed"));
    set_balloon(f, 768 * MIB, 0);
    assert_int_equal(f->code, TTRPC_FAILED_PRECONDITION);
    assert_non_null(strstr(f->message, "migrating"));
}

/* While the daemon was away the guest moved into another process of this host, balloon and all. */
static void test_a_migration_while_the_daemon_is_away(void **state)
{
    struct fixture *f = *state;

    start_ready(f);
    set_balloon(f, 768 * MIB, 0);
    stop_daemon(f, 0);
    put_other_process(f);
    restart_daemon(f);
    wait_for(f, f->qmp.balloon_actual == GIB);
    wait_for(f, lease_of(f) == 0);
    assert_true(log_has(f, "came into process"));
    stop_daemon(f, 0);
    restart_daemon(f);
    assert_int_equal(lease_of(f), 0); /* nor in the journal */
}

/* An arrival is known for one: its memory may be resident without the guest's doing. */
static void test_an_incoming_guest(void **state)
{
    struct fixture *f = *state;

    snprintf(f->qmp.status, sizeof(f->qmp.status), "inmigrate");
    start_in_state(f, "migrating", NULL);
    snprintf(f->qmp.status, sizeof(f->qmp.status), "running");
    qmp_server_event(&f->qmp, "RESUME", NULL);
    wait_for(f, is_in_state(f, "web-1", "managed"));
    assert_true(get_vm(f, "web-1")->host->migrated_in);
}

static void test_a_dimm_under_a_lease(void **state)
{
    struct fixture *f = *state;

    start_ready(f);
    set_balloon(f, 768 * MIB, 0);
    qmp_server_plug_dimm(&f->qmp, 128 * MIB);
    wait_for(f, get_vm(f, "web-1")->balloon_baseline == 1152 * MIB);
    assert_int_equal(lease_of(f), 256 * MIB);
    assert_int_equal(get_vm(f, "web-1")->waterfall->balloon, 256 * MIB);
    wait_for(f, get_vm(f, "web-1")->waterfall->vm_ram == 1152 * MIB);
    stop_daemon(f, 0);
    qmp_server_plug_dimm(&f->qmp, 128 * MIB);
    restart_daemon(f);
    wait_for(f, lease_of(f) == 256 * MIB);
    assert_int_equal(get_vm(f, "web-1")->balloon_baseline, 1280 * MIB);
    release_balloon(f);
    assert_int_equal(f->code, TTRPC_OK);
    assert_int_equal(f->qmp.balloon_actual, 1280 * MIB);
    assert_false(log_has(f, "someone else moves"));
}

/* Nothing is in the balloon, whatever the VM has beside the memory that it counts. */
static void test_memory_that_the_balloon_does_not_count(void **state)
{
    struct fixture *f = *state;
    const Vm *vm;

    f->qmp.plugged.nvdimm = 128 * MIB;
    f->qmp.plugged.virtio_pmem = 64 * MIB;
    f->qmp.plugged.virtio_mem = 256 * MIB;
    start_ready(f);
    vm = get_vm(f, "web-1");
    assert_int_equal(vm->waterfall->balloon, 0);
    assert_int_equal(vm->waterfall->vm_ram, GIB + 448 * MIB);
    assert_int_equal(vm->waterfall->in_use, vm->waterfall->guest->in_use);
    assert_int_equal(vm->balloon_baseline, GIB + 256 * MIB);
    set_balloon(f, GIB, 0);
    assert_int_equal(f->code, TTRPC_OK);
    assert_int_equal(f->qmp.balloon_actual, 768 * MIB);
    assert_int_equal(get_vm(f, "web-1")->waterfall->balloon, 256 * MIB);
    release_balloon(f);
    assert_int_equal(f->qmp.balloon_actual, GIB);
}

static void test_a_floor(void **state)
{
    struct fixture *f = *state;

    f->floor = "704MiB";
    start_ready(f);
    set_balloon(f, 700 * MIB, 0);
    assert_int_equal(f->code, TTRPC_FAILED_PRECONDITION);
    assert_non_null(strstr(f->message, "keeps at least 704.0 MiB: 'floor' in "));
    assert_non_null(strstr(f->message, "/vms/web-1.yaml; it cannot be left with"));
    set_balloon(f, 704 * MIB, 0);
    assert_int_equal(f->code, TTRPC_OK);
    assert_int_equal(f->qmp.balloon_actual, 704 * MIB);
    release_balloon(f);
    apply_policy(f, "name: night\nprofile: observe\nfloor: 750MiB\n");
    set_balloon(f, 704 * MIB, 0);
    assert_int_equal(f->code, TTRPC_FAILED_PRECONDITION);
    assert_non_null(strstr(f->message, "keeps at least 750.0 MiB: 'floor' in its policy"));
}

/* Its hypervisor serves somebody else: the lease is shown, kept and resumed later. */
static void test_a_lease_that_waits(void **state)
{
    struct fixture *f = *state;

    start_ready(f);
    set_balloon(f, 768 * MIB, 0);
    stop_daemon(f, 0);
    f->qmp.fault = QMP_SERVER_SILENT;
    start_daemon(f, NULL);
    connect_api(f);
    wait_for(f, driver_says(f, "web-1", "serves one client at a time"));
    assert_int_equal(lease_of(f), 256 * MIB);
    assert_int_equal(lease_count(f), 1);
    assert_true(log_has(f, "waits until its hypervisor answers"));
    release_balloon(f); /* nobody can, and it is not said that there is none */
    assert_int_equal(f->code, TTRPC_FAILED_PRECONDITION);
    assert_non_null(strstr(f->message, "a lease of 256.0 MiB waits until its hypervisor answers"));
    f->qmp.fault = QMP_SERVER_WORKS;
    /* Another hypervisor's socket is tried at once; this one not before half a minute. */
    assert_int_equal(renameat(f->root, "web-1.qmp", f->root, "moved"), 0);
    assert_int_equal(renameat(f->root, "moved", f->root, "web-1.qmp"), 0);
    wait_for(f, driver_says(f, "web-1", "ready"));
    assert_int_equal(lease_of(f), 256 * MIB);
    release_balloon(f);
    assert_int_equal(f->qmp.balloon_actual, GIB);
}

/* Causes before effects. */
static void test_events_come_in_order(void **state)
{
    struct fixture *f = *state;
    char *const debug[] = {(char *)"--debug", NULL};
    const char *pressure;

    start_in_state(f, "managed", debug);
    wait_for(f, get_vm(f, "web-1")->waterfall->guest_is_known);
    set_balloon(f, 768 * MIB, 0);
    fake_agent_pressure(&f->agent, 10 * MIB);
    wait_for(f, log_has(f, "memory pressure") && log_has(f, "the guest needs memory"));
    pressure = strstr(f->log_text, "memory pressure");
    assert_true(pressure < strstr(f->log_text, "the guest needs memory"));
}

static void test_an_assigned_device(void **state)
{
    struct fixture *f = *state;

    f->qmp.vfio_devices = 1;
    start_ready(f);
    set_balloon(f, 768 * MIB, 0);
    assert_int_equal(f->code, TTRPC_FAILED_PRECONDITION);
    assert_non_null(strstr(f->message, "assigned device"));
}

static void test_a_planned_restart_keeps_leases(void **state)
{
    struct fixture *f = *state;

    start_ready(f);
    set_balloon(f, 768 * MIB, 0);
    stop_daemon(f, 0);
    assert_int_equal(f->qmp.balloon_target, 768 * MIB);
    restart_daemon(f);
    wait_for(f, lease_of(f) == 256 * MIB);
    wait_for(f, f->qmp.balloon_target == 768 * MIB);
    release_balloon(f);
    assert_int_equal(f->qmp.balloon_actual, GIB);
}

static void test_a_reboot_while_the_daemon_is_away(void **state)
{
    struct fixture *f = *state;

    start_ready(f);
    set_balloon(f, 768 * MIB, 0);
    stop_daemon(f, 0);
    snprintf(f->agent.boot_id, sizeof(f->agent.boot_id), "aaaaaaaa-0000-0000-0000-000000000002");
    restart_daemon(f);
    wait_for(f, lease_of(f) == 0 && f->qmp.balloon_target == GIB);
}

static void test_a_stuck_guest(void **state)
{
    struct fixture *f = *state;

    f->qmp.balloon_is_stuck = true;
    start_ready(f);
    set_balloon(f, 768 * MIB, 0);
    assert_int_equal(f->code, TTRPC_OK);
    assert_non_null(strstr(action_of(f)->reason, "does not give more"));
    f->qmp.balloon_is_stuck = false;
    release_balloon(f);
    wait_for(f, lease_of(f) == 0 && f->qmp.balloon_actual == GIB);
}

/* The hypervisor ends, and one starts in its place. */
static void test_the_hypervisor_ends(void **state)
{
    struct fixture *f = *state;

    start_ready(f);
    set_balloon(f, 768 * MIB, 0);
    put_dead_process(f);
    wait_for(f, log_has(f, "hypervisor process") && log_has(f, "ended"));
    wait_for(f, log_has(f, "a lease of 256.0 MiB ends"));
    f->qmp.balloon_actual = GIB;
    f->qmp.balloon_commands = 0;
    put_footprint(f, 700 * 1024);
    wait_for(f, is_in_state(f, "web-1", "managed") && driver_says(f, "web-1", "ready"));
    assert_int_equal(lease_of(f), 0);
    assert_int_equal(f->qmp.balloon_commands, 0);
    stop_daemon(f, 0);
    restart_daemon(f);
    assert_int_equal(lease_of(f), 0); /* nor in the journal */
}

/* The daemon is dead and stays it. */
static void test_release_without_a_daemon(void **state)
{
    char *const release[] = {(char *)"--release-expired", NULL};
    struct fixture *f = *state;
    int status;

    start_ready(f);
    set_balloon(f, 768 * MIB, 5 * NSEC_PER_SEC); /* it is killed before */
    assert_int_equal(f->code, TTRPC_OK);
    crash_daemon(f);
    for (nsec_t end = time_monotonic() + 5 * NSEC_PER_SEC; time_monotonic() < end;)
        uv_run(&f->loop, UV_RUN_ONCE);
    assert_int_equal(f->qmp.balloon_actual, 768 * MIB);
    start_daemon(f, release);
    wait_for(f, waitpid(f->daemon, &status, WNOHANG) == f->daemon);
    f->daemon = 0;
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_int_equal(f->qmp.balloon_actual, GIB);
    assert_true(log_has(f, "1 expired leases were released"));
}

/* Runs the daemon's program with an option of its own to its end; its exit status. */
static int run_to_its_end(struct fixture *f, const char *option)
{
    char *const arguments[] = {(char *)option, NULL};
    int status;

    start_daemon(f, arguments);
    wait_for(f, waitpid(f->daemon, &status, WNOHANG) == f->daemon);
    f->daemon = 0;
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

/* The daemon is taken away for good: also what is held without an end goes back. */
static void test_release_of_all(void **state)
{
    struct fixture *f = *state;

    start_ready(f);
    set_balloon(f, 768 * MIB, 0);
    assert_int_equal(f->code, TTRPC_OK);
    stop_daemon(f, 0);
    assert_int_equal(run_to_its_end(f, "--release-expired"), 0);
    assert_int_equal(f->qmp.balloon_actual, 768 * MIB);
    assert_int_equal(run_to_its_end(f, "--release-all"), 0);
    assert_int_equal(f->qmp.balloon_actual, GIB);
    assert_true(log_has(f, "1 leases were released"));
    assert_int_equal(run_to_its_end(f, "--release-all"), 0);
    assert_true(log_has(f, "0 leases were released"));
}

#define lease_test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        lease_test(test_a_lease_and_its_release),
        lease_test(test_release_of_all),
        lease_test(test_an_owner_that_is_cut),
        lease_test(test_a_lease_gets_smaller_in_a_guest_that_is_short),
        lease_test(test_an_expired_lease),
        lease_test(test_what_cannot_be_taken),
        lease_test(test_pressure_raises_at_once),
        lease_test(test_a_foreign_change),
        lease_test(test_a_reset),
        lease_test(test_saving_a_snapshot_ends_no_lease),
        lease_test(test_a_snapshot),
        lease_test(test_a_snapshot_of_a_lease),
        lease_test(test_a_snapshot_that_is_read_first),
        lease_test(test_a_clock_alone_is_no_snapshot),
        lease_test(test_a_clock_alone_ends_our_lease),
        lease_test(test_a_snapshot_job),
        lease_test(test_a_migration),
        lease_test(test_a_migration_while_the_daemon_is_away),
        lease_test(test_an_incoming_guest),
        lease_test(test_a_dimm_under_a_lease),
        lease_test(test_memory_that_the_balloon_does_not_count),
        lease_test(test_a_floor),
        lease_test(test_a_lease_that_waits),
        lease_test(test_events_come_in_order),
        lease_test(test_an_assigned_device),
        lease_test(test_a_planned_restart_keeps_leases),
        lease_test(test_a_reboot_while_the_daemon_is_away),
        lease_test(test_a_stuck_guest),
        lease_test(test_the_hypervisor_ends),
        lease_test(test_release_without_a_daemon),
    };

    return run_apart(argc, argv, tests, ARRAY_SIZE(tests));
}
