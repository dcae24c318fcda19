/* Halted VMs: the real vmreclaimd gives everything back, does nothing more, and remembers it. */
#include "tests/component/controller/lease-calls.h"

#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/number.h"
#include "tests/component/controller/parallel.h"

typedef Vmreclaim__Controller__V1__HaltResponse HaltResponse;

static char name[] = "web-1";
static char *const names[] = {name};

static void halt(struct fixture *f, bool all)
{
    Vmreclaim__Controller__V1__HaltRequest request = VMRECLAIM__CONTROLLER__V1__HALT_REQUEST__INIT;

    request.vms = (char **)names;
    request.n_vms = all ? 0 : 1;
    request.all = all;
    call(f, "Halt", &request.base);
}

static void resume(struct fixture *f, bool all)
{
    Vmreclaim__Controller__V1__ResumeRequest request =
        VMRECLAIM__CONTROLLER__V1__RESUME_REQUEST__INIT;

    request.vms = (char **)names;
    request.n_vms = all ? 0 : 1;
    request.all = all;
    call(f, "Resume", &request.base);
}

static void expect_refusal(struct fixture *f)
{
    set_balloon(f, 768 * MIB, 0);
    assert_int_not_equal(f->code, TTRPC_OK);
    assert_non_null(strstr(f->message, "is halted: nothing is done to it until 'vmreclaim resume"));
}

/* Whoever wonders why nothing is done finds it there. */
static void expect_status(struct fixture *f, const char *part, const char *words)
{
    assert_non_null(strstr(why_degraded(f, part), words));
}

static void test_a_halt_gives_everything_back(void **state)
{
    struct fixture *f = *state;

    start_ready(f);
    set_balloon(f, 768 * MIB, 0);
    assert_int_equal(f->code, TTRPC_OK);
    halt(f, false);
    assert_int_equal(f->code, TTRPC_OK);
    assert_int_equal(((const HaltResponse *)f->response)->vms, 1);
    wait_for(f, lease_of(f) == 0 && f->qmp.balloon_actual == GIB);
    assert_true(get_vm(f, "web-1")->halted);
    expect_status(f, "halt:web-1", "'vmreclaim resume web-1' ends it");
    expect_refusal(f);
    resume(f, false);
    assert_int_equal(f->code, TTRPC_OK);
    assert_false(get_vm(f, "web-1")->halted);
    wait_for_sample(f);
    set_balloon(f, 768 * MIB, 0);
    assert_int_equal(f->code, TTRPC_OK);
    resume(f, false);
    assert_int_equal(f->code, TTRPC_NOT_FOUND);
}

/* Each name is something that the disk has to keep, while others wait for it. */
static void test_a_halt_names_so_many_vms(void **state)
{
    static char *many[257];
    Vmreclaim__Controller__V1__HaltRequest request = VMRECLAIM__CONTROLLER__V1__HALT_REQUEST__INIT;
    struct fixture *f = *state;

    start_ready(f);
    for (size_t i = 0; i < ARRAY_SIZE(many); i++)
        many[i] = name;
    request.vms = many;
    request.n_vms = ARRAY_SIZE(many);
    call(f, "Halt", &request.base);
    assert_int_equal(f->code, TTRPC_INVALID_ARGUMENT);
    assert_false(get_vm(f, "web-1")->halted);
    request.n_vms--;
    call(f, "Halt", &request.base);
    assert_int_equal(f->code, TTRPC_OK);
}

static void test_a_halt_outlives_the_daemon(void **state)
{
    struct fixture *f = *state;

    start_ready(f);
    halt(f, true);
    assert_int_equal(f->code, TTRPC_OK);
    stop_daemon(f, 0);
    restart_daemon(f);
    assert_true(get_vm(f, "web-1")->halted);
    expect_refusal(f);
    resume(f, false);
    assert_int_not_equal(f->code, TTRPC_OK);
    assert_non_null(strstr(f->message, "resume --all"));
    resume(f, true);
    assert_int_equal(f->code, TTRPC_OK);
    stop_daemon(f, 0);
    restart_daemon(f);
    assert_false(get_vm(f, "web-1")->halted);
}

static bool runs(const struct fixture *f, const char *policy)
{
    return strcmp(f->agent.policy_name, policy) == 0;
}

/* Its guest observes meanwhile, and gets its policy back. */
static void test_the_agent_of_a_halted_vm(void **state)
{
    struct fixture *f = *state;

    start_ready(f);
    apply_policy(f, "name: night\nprofile: gentle\n");
    wait_for(f, runs(f, "night"));
    halt(f, false);
    wait_for(f, runs(f, "halted"));
    assert_string_equal(f->agent.policy_profile, "observe");
    resume(f, false);
    wait_for(f, runs(f, "night"));
    assert_string_equal(f->agent.policy_profile, "gentle");
}

/* An agent that was told to observe does not go on with that when nothing is assigned any more. */
static void test_a_halted_agent_that_was_away(void **state)
{
    Vmreclaim__Controller__V1__UnassignPolicyRequest request =
        VMRECLAIM__CONTROLLER__V1__UNASSIGN_POLICY_REQUEST__INIT;
    struct fixture *f = *state;

    start_ready(f);
    apply_policy(f, "name: night\nprofile: gentle\n");
    wait_for(f, runs(f, "night"));
    halt(f, false);
    wait_for(f, runs(f, "halted"));
    f->agent.kept_hash = f->agent.policy_hash;
    f->agent.policy_code = TTRPC_RESOURCE_EXHAUSTED; /* it does not hear of what follows */
    request.selector = name;
    call(f, "UnassignPolicy", &request.base);
    assert_int_equal(f->code, TTRPC_OK);
    resume(f, false);
    assert_true(runs(f, "halted"));
    f->agent.policy_code = TTRPC_OK;
    fake_agent_drop(&f->agent);
    wait_for(f, runs(f, "own"));
}

static void start_halted(struct fixture *f)
{
    start_ready(f);
    halt(f, false);
    assert_int_equal(f->code, TTRPC_OK);
}

static void rename_file(struct fixture *f, const char *from, const char *to)
{
    assert_int_equal(renameat(f->root, from, f->root, to), 0);
}

static void remove_file(struct fixture *f)
{
    assert_int_equal(unlinkat(f->root, "vms/web-1.yaml", 0), 0);
    wait_for(f, get_vm(f, "web-1") == NULL);
}

static void expect_one_halt(struct fixture *f)
{
    resume(f, false);
    assert_int_equal(f->code, TTRPC_OK);
    assert_int_equal(((const HaltResponse *)f->response)->vms, 1);
    resume(f, false);
    assert_int_equal(f->code, TTRPC_NOT_FOUND);
}

/* Its halt can be ended nevertheless, by the name that the status gives. */
static void test_a_halted_vm_that_is_gone(void **state)
{
    struct fixture *f = *state;

    start_halted(f);
    remove_file(f);
    expect_status(f, "halt:web-1", "'vmreclaim resume web-1' ends it");
    expect_one_halt(f);
    put_vm(f, "web-1", "/agent.sock");
    wait_for(f, get_vm(f, "web-1") != NULL);
    assert_false(get_vm(f, "web-1")->halted);
}

/* The halt goes with it though only its name is known, and the store has the new one. */
static void test_a_halted_vm_that_is_renamed(void **state)
{
    struct fixture *f = *state;

    f->qmp.uuid[0] = '\0';
    start_halted(f);
    rename_file(f, "vms/web-1.yaml", "vms/shop.yaml");
    wait_for(f, get_vm(f, "shop") != NULL);
    expect_status(f, "halt:shop", "'vmreclaim resume shop' ends it");
    stop_daemon(f, 0);
    start_daemon(f, NULL);
    connect_api(f);
    expect_status(f, "halt:shop", "'vmreclaim resume shop' ends it");
    wait_for(f, get_vm(f, "shop") != NULL);
    assert_true(get_vm(f, "shop")->halted);
}

/* There is one halt of a name: resuming it once is enough. */
static void test_a_halted_vm_that_takes_a_halted_name(void **state)
{
    struct fixture *f = *state;

    f->qmp.uuid[0] = '\0';
    start_halted(f);
    rename_file(f, "vms/web-1.yaml", "vms/away");
    wait_for(f, get_vm(f, "web-1") == NULL);
    rename_file(f, "vms/away", "vms/web-2.yaml");
    wait_for(f, get_vm(f, "web-2") != NULL);
    name[4] = '2';
    halt(f, false);
    name[4] = '1';
    assert_int_equal(f->code, TTRPC_OK);
    rename_file(f, "vms/web-2.yaml", "vms/web-1.yaml");
    wait_for(f, get_vm(f, "web-1") != NULL);
    remove_file(f);
    expect_one_halt(f);
}

/* As many as are remembered, web-1 among them. */
static void put_halts(const struct fixture *f)
{
    char path[200];
    sqlite3 *store;

    snprintf(path, sizeof(path), "%s/state/vmreclaim.db", f->directory);
    assert_int_equal(sqlite3_open(path, &store), SQLITE_OK);
    assert_int_equal(
        sqlite3_exec(store,
                     "WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i+1 FROM n WHERE i<4096)"
                     " INSERT INTO note (kind, key, value)"
                     " SELECT 'halt', 'other-' || i, '- somebody' FROM n",
                     NULL, NULL, NULL),
        SQLITE_OK);
    assert_int_equal(sqlite3_changes(store), 4095);
    assert_int_equal(sqlite3_close(store), SQLITE_OK);
}

/* Who is halted already needs no more room. */
static void test_as_many_halts_as_there_may_be(void **state)
{
    struct fixture *f = *state;

    start_ready(f);
    halt(f, false);
    stop_daemon(f, 0);
    put_halts(f);
    restart_daemon(f);
    halt(f, false);
    assert_int_equal(f->code, TTRPC_OK);
    resume(f, false);
    halt(f, false);
    assert_int_equal(f->code, TTRPC_OK);
    put_vm(f, "web-2", NULL);
    wait_for(f, get_vm(f, "web-2") != NULL);
    name[4] = '2';
    halt(f, false);
    name[4] = '1';
    assert_int_equal(f->code, TTRPC_RESOURCE_EXHAUSTED);
}

static void test_who_is_no_vm(void **state)
{
    Vmreclaim__Controller__V1__HaltRequest request = VMRECLAIM__CONTROLLER__V1__HALT_REQUEST__INIT;
    char *wrong[] = {name, (char *)"nobody"};
    struct fixture *f = *state;

    start_ready(f);
    call(f, "Halt", &request.base);
    assert_int_equal(f->code, TTRPC_INVALID_ARGUMENT);
    request.vms = wrong;
    request.n_vms = 2;
    call(f, "Halt", &request.base);
    assert_int_equal(f->code, TTRPC_NOT_FOUND);
    assert_false(get_vm(f, "web-1")->halted); /* none of them, then */
}

#define halt_test(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        halt_test(test_a_halt_gives_everything_back),
        halt_test(test_a_halt_names_so_many_vms),
        halt_test(test_a_halt_outlives_the_daemon),
        halt_test(test_the_agent_of_a_halted_vm),
        halt_test(test_a_halted_agent_that_was_away),
        halt_test(test_a_halted_vm_that_is_gone),
        halt_test(test_a_halted_vm_that_is_renamed),
        halt_test(test_a_halted_vm_that_takes_a_halted_name),
        halt_test(test_as_many_halts_as_there_may_be),
        halt_test(test_who_is_no_vm),
    };

    return run_apart(argc, argv, tests, ARRAY_SIZE(tests));
}
