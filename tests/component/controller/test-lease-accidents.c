/* Leases of the real vmreclaimd when files, stores and processes are not where they were. */
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/number.h"
#include "common/base/util.h"
#include "tests/component/controller/lease-calls.h"
#include "tests/component/controller/parallel.h"

#define HOUR (3600 * NSEC_PER_SEC)
#define SOON (5 * NSEC_PER_SEC) /* not before the test has done what it wants to see */

/* web-1's file under another name. */
static void rename_vm(const struct fixture *f)
{
    char text[512];

    snprintf(text, sizeof(text), "qmp: %s/web-1.qmp\nagent: unix:%s/agent.sock\n", f->directory,
             f->directory);
    assert_int_equal(unlinkat(f->root, "vms/web-1.yaml", 0), 0);
    put(f, "vms/shop.yaml", text);
}

/* The lease goes with it, and the journal knows the new name. */
static void test_a_renamed_vm(void **state)
{
    struct fixture *f = *state;

    start_ready(f);
    set_balloon(f, 768 * MIB, 0);
    rename_vm(f);
    wait_for(f, get_vm(f, "shop") != NULL && get_vm(f, "shop")->balloon_lease == 256 * MIB);
    wait_for(f, driver_says(f, "shop", "ready"));
    assert_int_equal(get_vm(f, "shop")->balloon_baseline, GIB);
    assert_int_equal(lease_count(f), 1);
    stop_daemon(f, 0);
    put_other_process(f);
    f->qmp.uuid[0] = '\0'; /* only the name is left to know it by */
    start_daemon(f, NULL);
    connect_api(f);
    wait_for(f, f->qmp.balloon_actual == GIB);
    assert_true(log_has(f, "came into process"));
}

/* While the daemon is away. */
static void test_a_vm_renamed_meanwhile(void **state)
{
    struct fixture *f = *state;

    start_ready(f);
    set_balloon(f, 768 * MIB, SOON);
    stop_daemon(f, 0);
    rename_vm(f);
    start_daemon(f, NULL);
    connect_api(f);
    wait_for(f, f->qmp.balloon_actual == GIB);
    wait_for(f, lease_count(f) == 0);
    assert_int_equal(get_vm(f, "shop")->balloon_baseline, GIB);
    assert_false(log_has(f, "no VM claims it"));
}

/* Its file is gone: the lease ends in time nevertheless, and leaves no VM behind. */
static void test_a_removed_vm(void **state)
{
    struct fixture *f = *state;

    start_ready(f);
    set_balloon(f, 768 * MIB, 2 * SOON); /* the daemon waits until files are quiet */
    assert_int_equal(unlinkat(f->root, "vms/web-1.yaml", 0), 0);
    wait_for(f, get_vm(f, "web-1") == NULL);
    assert_int_equal(f->qmp.balloon_actual, 768 * MIB);
    wait_for(f, f->qmp.balloon_actual == GIB);
    wait_for(f, lease_count(f) == 0 && get_vm(f, "web-1") == NULL);
    assert_true(log_has(f, "no VM claims it"));
}

/* So is its hypervisor. */
static void test_a_removed_vm_that_ended(void **state)
{
    struct fixture *f = *state;

    start_ready(f);
    set_balloon(f, 768 * MIB, SOON);
    assert_int_equal(unlinkat(f->root, "vms/web-1.yaml", 0), 0);
    qmp_server_close(&f->qmp);
    put_other_process(f);
    wait_for(f, log_has(f, "a lease of 256.0 MiB ends"));
    wait_for(f, lease_count(f) == 0);
}

/* The store cannot be read when the daemon starts; its leases are known later. */
static void test_a_store_that_works_later(void **state)
{
    struct fixture *f = *state;
    char path[128];
    sqlite3 *other;

    start_ready(f);
    set_balloon(f, 768 * MIB, SOON);
    stop_daemon(f, 0);
    snprintf(path, sizeof(path), "%s/state/vmreclaim.db", f->directory);
    assert_int_equal(sqlite3_open(path, &other), SQLITE_OK);
    /* The daemon may be writing just now. */
    assert_int_equal(sqlite3_busy_timeout(other, 10000), SQLITE_OK);
    assert_int_equal(
        sqlite3_exec(other, "PRAGMA locking_mode=EXCLUSIVE; BEGIN EXCLUSIVE; CREATE TABLE held(a);",
                     NULL, NULL, NULL),
        SQLITE_OK);
    restart_daemon(f);
    assert_true(log_has(f, "leases are not known until the store works"));
    assert_int_equal(lease_count(f), 0);
    set_balloon(f, 700 * MIB, 0);
    assert_int_not_equal(f->code, TTRPC_OK);
    (void)sqlite3_exec(other, "ROLLBACK", NULL, NULL, NULL);
    (void)sqlite3_close(other);
    wait_for(f, f->qmp.balloon_actual == GIB);
    wait_for(f, lease_of(f) == 0 && lease_count(f) == 0);
    assert_int_equal(get_vm(f, "web-1")->balloon_baseline, GIB);
}

/* What is in the journal of a daemon that is away was written by a clock that has been set since.
 */
static void set_clock_since(const struct fixture *f, int64_t seconds)
{
    char path[128];
    char sql[256];
    sqlite3 *store;

    snprintf(path, sizeof(path), "%s/state/vmreclaim.db", f->directory);
    snprintf(sql, sizeof(sql),
             "UPDATE lease SET created = created - %lld, expires = expires - %lld",
             (long long)seconds * 1000000000, (long long)seconds * 1000000000);
    assert_int_equal(sqlite3_open(path, &store), SQLITE_OK);
    assert_int_equal(sqlite3_exec(store, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_changes(store), 1);
    assert_int_equal(sqlite3_close(store), SQLITE_OK);
}

static void test_a_clock_set_forward_meanwhile(void **state)
{
    struct fixture *f = *state;

    start_ready(f);
    set_balloon(f, 768 * MIB, HOUR);
    stop_daemon(f, 0);
    set_clock_since(f, 7200);
    restart_daemon(f);
    wait_for(f, lease_of(f) == 256 * MIB);
    wait_for_sample(f);
    assert_int_equal(f->qmp.balloon_actual, 768 * MIB);
    assert_false(log_has(f, "a lease expired"));
    /* What is shown goes by the clock of now. */
    assert_true(get_vm(f, "web-1")->balloon_expires_ns > time_realtime());
}

static void test_a_clock_set_back_meanwhile(void **state)
{
    struct fixture *f = *state;

    start_ready(f);
    set_balloon(f, 768 * MIB, SOON);
    stop_daemon(f, 0);
    set_clock_since(f, -7200);
    restart_daemon(f);
    wait_for(f, f->qmp.balloon_actual == GIB);
    assert_true(log_has(f, "a lease expired"));
}

/* No process of an earlier boot is one of now, whatever its number. */
static void test_a_lease_of_an_earlier_boot_of_the_host(void **state)
{
    struct fixture *f = *state;

    start_ready(f);
    set_balloon(f, 768 * MIB, HOUR);
    stop_daemon(f, 0);
    put(f, "proc/sys/kernel/random/boot_id", "8f0e9d52-0000-4a0c-8a6c-0d2f4d1b6a02\n");
    restart_daemon(f);
    wait_for(f, f->qmp.balloon_actual == GIB);
    assert_true(log_has(f, "came into process"));
    wait_for(f, lease_count(f) == 0);
}

/* A guest that is paused; then its hypervisor ends. */
static void stop_and_end(struct fixture *f)
{
    start_ready(f);
    set_balloon(f, 768 * MIB, 0);
    snprintf(f->qmp.status, sizeof(f->qmp.status), "paused");
    qmp_server_event(&f->qmp, "STOP", NULL);
    wait_for(f, is_in_state(f, "web-1", "paused"));
    put_dead_process(f);
    wait_for(f, log_has(f, "hypervisor process") && log_has(f, "ended"));
}

static void start_another(struct fixture *f)
{
    snprintf(f->qmp.status, sizeof(f->qmp.status), "running");
    put_other_process(f);
    put_footprint(f, 700 * 1024);
    wait_for(f, is_in_state(f, "web-1", "managed") && driver_says(f, "web-1", "ready"));
}

/* It goes on in another process with what its balloon held, which is no baseline. */
static void test_a_guest_that_was_saved(void **state)
{
    struct fixture *f = *state;

    stop_and_end(f);
    assert_int_equal(lease_count(f), 1);
    start_another(f);
    wait_for(f, f->qmp.balloon_actual == GIB);
    wait_for(f, lease_count(f) == 0);
    assert_true(log_has(f, "came into process"));
    assert_int_equal(get_vm(f, "web-1")->balloon_baseline, GIB);
}

/* Its next boot has a balloon of its own. */
static void test_a_guest_that_ended_while_paused(void **state)
{
    struct fixture *f = *state;

    stop_and_end(f);
    f->qmp.balloon_actual = GIB;
    f->qmp.balloon_target = GIB;
    f->qmp.balloon_commands = 0;
    start_another(f);
    wait_for(f, lease_count(f) == 0);
    assert_int_equal(f->qmp.balloon_commands, 0);
    assert_false(log_has(f, "came into process"));
}

/* As when it is in another PID namespace. */
static void hide_process(const struct fixture *f)
{
    char name[64];

    snprintf(name, sizeof(name), "proc/%d", (int)getpid());
    assert_int_equal(renameat(f->root, name, f->root, "proc/hidden"), 0);
}

static void test_a_process_that_is_not_seen(void **state)
{
    struct fixture *f = *state;

    hide_process(f);
    put_vm(f, "web-1", "/agent.sock");
    listen_qmp(f, "web-1.qmp");
    listen_agent(f);
    start_daemon(f, NULL);
    connect_api(f);
    wait_for(f, driver_says(f, "web-1", "cannot read /proc/"));
    set_balloon(f, 768 * MIB, 0);
    assert_int_equal(f->code, TTRPC_FAILED_PRECONDITION);
    assert_non_null(strstr(f->message, "PID namespace"));
    assert_int_equal(f->qmp.balloon_commands, 0);
}

/* A lease of earlier is kept, and given back when it expires, however often that fails. */
static void test_a_process_that_is_not_seen_any_more(void **state)
{
    struct fixture *f = *state;
    unsigned commands;

    start_ready(f);
    set_balloon(f, 768 * MIB, SOON);
    stop_daemon(f, 0);
    hide_process(f);
    f->qmp.balloon_refuses = true;
    f->qmp.balloon_commands = 0;
    start_daemon(f, NULL);
    connect_api(f);
    wait_for(f, f->qmp.balloon_commands > 0);
    commands = f->qmp.commands;
    qmp_server_event(&f->qmp, "DEVICE_DELETED", NULL);
    wait_for(f, f->qmp.commands > commands + 8); /* the facts were read again */
    assert_int_equal(lease_count(f), 1);
    f->qmp.balloon_refuses = false;
    wait_for(f, f->qmp.balloon_actual == GIB);
    wait_for(f, lease_count(f) == 0);
}

/* Samples are rare: what is taken is decided with one of now. */
static void start_rarely_sampled(struct fixture *f)
{
    char *const rarely[] = {(char *)"--sample-interval", (char *)"60s", NULL};

    start_in_state(f, "managed", rarely);
    wait_for(f, get_vm(f, "web-1")->waterfall->guest_is_known);
}

static void test_a_lease_asks_the_guest(void **state)
{
    struct fixture *f = *state;

    start_rarely_sampled(f);
    f->agent.free = 10 * MIB;
    f->agent.cache = 0;
    set_balloon(f, 768 * MIB, 0);
    assert_int_equal(f->code, TTRPC_FAILED_PRECONDITION);
    assert_non_null(strstr(f->message, "could give"));
    f->agent.free = 512 * MIB;
    set_balloon(f, 768 * MIB, 0);
    assert_int_equal(f->code, TTRPC_OK);
    assert_int_equal(f->qmp.balloon_actual, 768 * MIB);
}

/* The guest takes its time for the first step, longer than a reading is fresh. */
static void move_late(struct qmp_server *server, const char *command, void *userdata)
{
    nsec_t *told = userdata;

    if (*told == 0 && strcmp(command, "balloon") == 0)
        *told = time_boottime();
    if (!server->balloon_is_stuck || *told == 0 || time_boottime() - *told < 6 * NSEC_PER_SEC)
        return;
    server->balloon_is_stuck = false;
    qmp_server_move_balloon(server, server->balloon_target);
}

static void test_each_step_asks_the_guest(void **state)
{
    struct fixture *f = *state;
    nsec_t told = 0;

    start_rarely_sampled(f);
    f->qmp.balloon_is_stuck = true;
    f->qmp.on_command = move_late;
    f->qmp.userdata = &told;
    set_balloon(f, 768 * MIB, 0);
    assert_int_equal(f->code, TTRPC_OK);
    assert_int_equal(f->qmp.balloon_actual, 768 * MIB);
    assert_true(time_boottime() - told < 30 * NSEC_PER_SEC);
}

/* Nothing is taken, and what was held stays. */
static void test_a_journal_that_cannot_be_written(void **state)
{
    struct fixture *f = *state;
    char path[128];
    sqlite3 *other;

    start_ready(f);
    set_balloon(f, 768 * MIB, 0);
    snprintf(path, sizeof(path), "%s/state/vmreclaim.db", f->directory);
    assert_int_equal(sqlite3_open(path, &other), SQLITE_OK);
    /* The daemon may be writing just now. */
    assert_int_equal(sqlite3_busy_timeout(other, 10000), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    f->qmp.balloon_commands = 0;
    set_balloon(f, 700 * MIB, 0);
    assert_int_not_equal(f->code, TTRPC_OK);
    assert_non_null(strstr(f->message, "could not be written to the journal"));
    (void)sqlite3_exec(other, "ROLLBACK", NULL, NULL, NULL);
    (void)sqlite3_close(other);
    assert_int_equal(lease_of(f), 256 * MIB);
    assert_int_equal(f->qmp.balloon_actual, 768 * MIB);
    assert_int_equal(f->qmp.balloon_commands, 0);
}

/* That the guest has its memory back is not all there is to say. */
static void test_why_a_lease_ended(void **state)
{
    struct fixture *f = *state;

    f->qmp.balloon_is_stuck = true;
    start_ready(f);
    set_balloon(f, 768 * MIB, 1 * NSEC_PER_SEC);
    assert_int_equal(f->code, TTRPC_OK);
    assert_string_equal(action_of(f)->reason, "a lease expired");
    f->qmp.balloon_is_stuck = false;
    set_balloon(f, 768 * MIB, 0);
    assert_null(strstr(action_of(f)->reason, "expired"));
    release_balloon(f);
    assert_null(strstr(action_of(f)->reason, "expired"));
}

/* Given back before, but the hypervisor did not take it. */
static void test_a_removed_vm_that_waits_for_its_memory(void **state)
{
    struct fixture *f = *state;

    start_ready(f);
    set_balloon(f, 768 * MIB, 0);
    f->qmp.balloon_refuses = true;
    fake_agent_pressure(&f->agent, 10 * MIB);
    wait_for(f, log_has(f, "the guest needs memory"));
    assert_int_equal(unlinkat(f->root, "vms/web-1.yaml", 0), 0);
    wait_for(f, log_has(f, "no VM claims it"));
    assert_int_equal(f->qmp.balloon_actual, 768 * MIB);
    f->qmp.balloon_refuses = false;
    wait_for(f, f->qmp.balloon_actual == GIB);
    wait_for(f, lease_count(f) == 0);
}

/* The sentence of this code; NULL: none. */
static const char *explained(struct fixture *f, const char *code)
{
    Vmreclaim__Controller__V1__ExplainRequest request =
        VMRECLAIM__CONTROLLER__V1__EXPLAIN_REQUEST__INIT;
    const Vmreclaim__Controller__V1__ExplainResponse *response;

    request.vm = (char *)"web-1";
    call(f, "Explain", &request.base);
    response = (const Vmreclaim__Controller__V1__ExplainResponse *)f->response;
    for (size_t i = 0; i < response->n_findings; i++)
        if (strcmp(response->findings[i]->code, code) == 0)
            return response->findings[i]->sentence;
    return NULL;
}

/* What is degraded; NULL: nothing. */
static const Vmreclaim__Controller__V1__Degradation *degraded(struct fixture *f)
{
    const Vmreclaim__Controller__V1__GetStatusResponse *status;

    (void)lease_count(f);
    status = (const Vmreclaim__Controller__V1__GetStatusResponse *)f->response;
    return status->n_degraded == 0 ? NULL : status->degraded[0];
}

/* Somebody else took so much that the guest kills processes: we leave it, and say so. */
static void test_a_guest_starved_by_another(void **state)
{
    struct fixture *f = *state;

    start_ready(f);
    qmp_server_move_balloon(&f->qmp, 512 * MIB);
    wait_for(f, get_vm(f, "web-1")->waterfall->balloon == 512 * MIB);
    assert_string_equal(get_vm(f, "web-1")->alarm, "");
    assert_null(degraded(f));
    assert_non_null(explained(f, "foreign-balloon"));
    f->agent.oom_kills = 2;
    wait_for(f, get_vm(f, "web-1")->alarm[0] != '\0');
    assert_non_null(strstr(get_vm(f, "web-1")->alarm,
                           "short of memory (2 OOM kills) while its balloon holds 512.0 MiB: "
                           "512.0 MiB taken by another client of the hypervisor"));
    assert_true(get_vm(f, "web-1")->alarm_since_ns != 0);
    assert_non_null(strstr(log_line(f, "2 OOM kills"), "VM web-1: the guest is short"));
    assert_string_equal(degraded(f)->part, "vm:web-1");
    assert_non_null(strstr(degraded(f)->reason, "2 OOM kills"));
    assert_non_null(strstr(explained(f, "starved"), "another client"));
    assert_null(explained(f, "foreign-balloon"));
    qmp_server_move_balloon(&f->qmp, GIB);
    wait_for(f, get_vm(f, "web-1")->alarm[0] == '\0');
    assert_true(log_has(f, "has given way: it holds 0 B"));
    assert_null(degraded(f));
}

static void test_a_guest_starved_by_a_lease(void **state)
{
    struct fixture *f = *state;

    start_ready(f);
    set_balloon(f, 768 * MIB, 0);
    f->agent.oom_kills = 1;
    wait_for(f, get_vm(f, "web-1")->alarm[0] != '\0');
    assert_non_null(strstr(get_vm(f, "web-1")->alarm,
                           "(1 OOM kill) while its balloon holds 256.0 MiB: 256.0 MiB under a "
                           "lease of tester; vmreclaim release web-1"));
    release_balloon(f);
    wait_for(f, get_vm(f, "web-1")->alarm[0] == '\0');
}

#define lease_test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        lease_test(test_a_guest_starved_by_another),
        lease_test(test_a_guest_starved_by_a_lease),
        lease_test(test_a_clock_set_forward_meanwhile),
        lease_test(test_a_clock_set_back_meanwhile),
        lease_test(test_a_lease_of_an_earlier_boot_of_the_host),
        lease_test(test_a_renamed_vm),
        lease_test(test_a_vm_renamed_meanwhile),
        lease_test(test_a_removed_vm),
        lease_test(test_a_removed_vm_that_ended),
        lease_test(test_a_store_that_works_later),
        lease_test(test_a_guest_that_was_saved),
        lease_test(test_a_guest_that_ended_while_paused),
        lease_test(test_a_process_that_is_not_seen),
        lease_test(test_a_process_that_is_not_seen_any_more),
        lease_test(test_a_lease_asks_the_guest),
        lease_test(test_each_step_asks_the_guest),
        lease_test(test_a_journal_that_cannot_be_written),
        lease_test(test_why_a_lease_ended),
        lease_test(test_a_removed_vm_that_waits_for_its_memory),
    };

    return run_apart(argc, argv, tests, ARRAY_SIZE(tests));
}
