/* Policies at run time: revisions, assignments, rollback, through the real vmreclaimd. */
#include "tests/component/controller/fixture.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "common/base/util.h"
#include "tests/component/controller/parallel.h"

#define OUTCOME(name) VMRECLAIM__CONTROLLER__V1__POLICY_OUTCOME__POLICY_OUTCOME_##name

static void restart(struct fixture *f)
{
    stop_daemon(f, 0);
    start_daemon(f, NULL);
    connect_api(f);
    wait_for(f, is_in_state(f, "web-1", "managed"));
}

static void test_policies(void **state)
{
    const Vmreclaim__Controller__V1__ApplyVmPolicyResponse *response;
    struct fixture *f = *state;

    start_managed(f);
    apply_policy(f, "name: night\nprofile: gentle\n");
    assert_int_equal(f->code, TTRPC_OK);
    response = (const Vmreclaim__Controller__V1__ApplyVmPolicyResponse *)f->response;
    assert_false(response->pending);
    assert_int_equal(response->n_unsupported_keys, 1);
    assert_string_equal(f->agent.policy_name, "night");
    apply_policy(f, "name: night\ncahce_floor: 64MiB\n");
    assert_int_equal(f->code, TTRPC_INVALID_ARGUMENT);
    assert_non_null(strstr(f->message, "night.yaml:2"));
    assert_non_null(strstr(f->message, "cache_floor"));
    apply_policy(f, "name: night\nidle_cpu: 2000%\n");
    assert_int_equal(f->code, TTRPC_INVALID_ARGUMENT);
    /* The agent that comes back gets the policy in force again. */
    f->agent.policy_name[0] = '\0';
    fake_agent_drop(&f->agent);
    wait_for(f, strcmp(f->agent.policy_name, "night") == 0);
}

static void apply_to(struct fixture *f, const char *name, const char *selector)
{
    Vmreclaim__Controller__V1__ApplyVmPolicyRequest request =
        VMRECLAIM__CONTROLLER__V1__APPLY_VM_POLICY_REQUEST__INIT;
    char source[64];

    snprintf(source, sizeof(source), "%s.yaml", name);
    request.source = text("profile: gentle\n");
    request.source_name = source;
    request.vm = text(selector);
    call(f, "ApplyPolicy", &request.base);
}

static uint64_t applied_revision(const struct fixture *f)
{
    assert_int_equal(f->code, TTRPC_OK);
    return ((const Vmreclaim__Controller__V1__ApplyVmPolicyResponse *)f->response)->revision;
}

static void roll_back(struct fixture *f, const char *name)
{
    Vmreclaim__Controller__V1__RollBackPolicyRequest request =
        VMRECLAIM__CONTROLLER__V1__ROLL_BACK_POLICY_REQUEST__INIT;

    request.name = text(name);
    call(f, "RollBackPolicy", &request.base);
}

static void test_policies_are_revisions(void **state)
{
    Vmreclaim__Controller__V1__ListPoliciesRequest list =
        VMRECLAIM__CONTROLLER__V1__LIST_POLICIES_REQUEST__INIT;
    const Vmreclaim__Controller__V1__ListPoliciesResponse *listed;
    struct fixture *f = *state;

    start_managed(f);
    apply_policy(f, "profile: gentle\n"); /* named after its file */
    assert_int_equal(applied_revision(f), 1);
    apply_policy(f, "profile: gentle\ncache_floor: 64MiB\n");
    assert_int_equal(applied_revision(f), 2);
    apply_policy(f, "profile: gentle\ncache_floor: 64MiB\n");
    assert_int_equal(applied_revision(f), 2);
    /* It outlives the daemon, and the agent gets it from the next one. */
    f->agent.policy_name[0] = '\0';
    restart(f);
    wait_for(f, strcmp(f->agent.policy_name, "night") == 0);
    assert_int_equal(get_vm(f, "web-1")->policy_revision, 2);
    roll_back(f, "night");
    assert_int_equal(f->code, TTRPC_OK);
    wait_for(f, get_vm(f, "web-1")->policy_revision == 3);
    call(f, "ListPolicies", &list.base);
    listed = (const Vmreclaim__Controller__V1__ListPoliciesResponse *)f->response;
    assert_int_equal(listed->n_policies, 1);
    assert_int_equal(listed->policies[0]->rolled_back_to, 1);
    assert_string_equal(listed->policies[0]->hash, /* by sha256sum */
                        "2a8a519acce6e8a4366e1a5cf38f9285"
                        "f2ea55a25898847677ee053d438e695c");
    assert_string_equal(listed->assignments[0]->selector, "web-1");
    roll_back(f, "day");
    assert_int_equal(f->code, TTRPC_NOT_FOUND);
}

static void test_policies_by_label_and_glob(void **state)
{
    Vmreclaim__Controller__V1__ApplyVmPolicyRequest request =
        VMRECLAIM__CONTROLLER__V1__APPLY_VM_POLICY_REQUEST__INIT;
    struct fixture *f = *state;

    start_managed(f);
    request.source = text("profile: gentle\n");
    request.source_name = text("all.yaml");
    request.vm = text("w*");
    call(f, "ApplyPolicy", &request.base);
    assert_int_equal(applied_revision(f), 1);
    wait_for(f, strcmp(f->agent.policy_name, "all") == 0);
    request.source_name = text("web.yaml");
    request.vm = text("label:tier=web");
    call(f, "ApplyPolicy", &request.base);
    assert_int_equal(((const Vmreclaim__Controller__V1__ApplyVmPolicyResponse *)f->response)->n_vms,
                     1);
    wait_for(f, strcmp(f->agent.policy_name, "web") == 0);
    request.vm = text("label:tier=db");
    call(f, "ApplyPolicy", &request.base);
    assert_int_equal(f->code, TTRPC_OK);
}

#define policy_test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

static const Vmreclaim__Controller__V1__EffectiveSetting *setting_of(
    const Vmreclaim__Controller__V1__GetEffectivePolicyResponse *response, const char *key)
{
    for (size_t i = 0; i < response->n_settings; i++)
        if (strcmp(response->settings[i]->key, key) == 0)
            return response->settings[i];
    fail_msg("no key %s", key);
    return NULL;
}

#define ORIGIN(name) VMRECLAIM__CONTROLLER__V1__SETTING_ORIGIN__SETTING_ORIGIN_##name

static bool is_explained(struct fixture *f, const char *code)
{
    Vmreclaim__Controller__V1__ExplainRequest request =
        VMRECLAIM__CONTROLLER__V1__EXPLAIN_REQUEST__INIT;
    const Vmreclaim__Controller__V1__ExplainResponse *response;

    request.vm = text("web-1");
    call(f, "Explain", &request.base);
    assert_int_equal(f->code, TTRPC_OK);
    response = (const void *)f->response;
    for (size_t i = 0; i < response->n_findings; i++)
        if (strcmp(response->findings[i]->code, code) == 0)
            return true;
    return false;
}

static void test_the_effective_policy(void **state)
{
    Vmreclaim__Controller__V1__GetEffectivePolicyRequest request =
        VMRECLAIM__CONTROLLER__V1__GET_EFFECTIVE_POLICY_REQUEST__INIT;
    const Vmreclaim__Controller__V1__GetEffectivePolicyResponse *response;
    struct fixture *f = *state;

    start_managed(f);
    request.vm = text("web-1");
    call(f, "GetEffectivePolicy", &request.base);
    assert_int_equal(f->code, TTRPC_NOT_FOUND);
    assert_non_null(strstr(f->message, "no policy is assigned"));
    f->agent.has_limits = true;
    apply_policy(f, "name: night\nprofile: gentle\ncache_floor: 64MiB\n"
                    "schedules:\n  - {cron: \"0 2 * * *\", for: 1h, do: force}\n");
    assert_int_equal(f->code, TTRPC_OK);
    call(f, "GetEffectivePolicy", &request.base);
    assert_int_equal(f->code, TTRPC_OK);
    response = (const void *)f->response;
    assert_string_equal(response->name, "night");
    assert_int_equal(response->revision, 1);
    assert_false(response->pending);
    assert_string_equal(setting_of(response, "cache_floor")->value, "64MiB");
    assert_int_equal(setting_of(response, "cache_floor")->origin, ORIGIN(POLICY));
    assert_int_equal(setting_of(response, "idle_window")->origin, ORIGIN(PROFILE));
    assert_int_equal(setting_of(response, "cpu_budget")->origin, ORIGIN(GUEST));
    assert_string_equal(setting_of(response, "cpu_budget")->value, "3s");
    assert_string_equal(setting_of(response, "cpu_budget")->asked, "10s");
    assert_string_equal(response->unsupported_keys[0], "from_the_future");
    assert_string_equal(response->schedules[0]->effect, "force");
    assert_true(is_explained(f, "policy-forbids"));
    assert_true(is_explained(f, "plan-schedule"));
    assert_true(is_explained(f, "plan-limits"));
    assert_false(is_explained(f, "can-compact"));
}

static void test_unassigning(void **state)
{
    Vmreclaim__Controller__V1__ApplyVmPolicyRequest apply =
        VMRECLAIM__CONTROLLER__V1__APPLY_VM_POLICY_REQUEST__INIT;
    Vmreclaim__Controller__V1__UnassignPolicyRequest request =
        VMRECLAIM__CONTROLLER__V1__UNASSIGN_POLICY_REQUEST__INIT;
    const Vmreclaim__Controller__V1__UnassignPolicyResponse *response;
    struct fixture *f = *state;

    start_managed(f);
    apply.source = text("profile: gentle\n");
    apply.source_name = text("all.yaml");
    apply.vm = text("w*");
    call(f, "ApplyPolicy", &apply.base);
    apply_policy(f, "name: night\nprofile: gentle\n");
    wait_for(f, strcmp(f->agent.policy_name, "night") == 0);
    request.selector = text("web-1");
    call(f, "UnassignPolicy", &request.base);
    assert_int_equal(f->code, TTRPC_OK);
    response = (const void *)f->response;
    assert_string_equal(response->policy, "night");
    assert_int_equal(response->n_vms, 1);
    wait_for(f, strcmp(f->agent.policy_name, "all") == 0);
    call(f, "UnassignPolicy", &request.base);
    assert_int_equal(f->code, TTRPC_NOT_FOUND);
    request.selector = text("w*");
    call(f, "UnassignPolicy", &request.base); /* nothing else: it runs its own */
    response = (const void *)f->response;
    assert_int_equal(response->n_vms, 0);
    assert_int_equal(response->n_results, 1);
    assert_string_equal(response->results[0]->policy, "");
    assert_int_equal(response->results[0]->outcome, OUTCOME(IN_FORCE));
    assert_string_equal(f->agent.policy_name, "own"); /* when it is said, it is so */
    assert_string_equal(get_vm(f, "web-1")->policy, "");
}

/* Writes a policy file, which web-1 and `other` name, and waits until the daemon has read both. */
static void put_policy_file(struct fixture *f, const char *policy, const char *other)
{
    char path[64];
    char vm[512];

    put(f, "filed.yaml", policy);
    snprintf(path, sizeof(path), "vms/%s.yaml", other);
    snprintf(vm, sizeof(vm),
             "qmp: %s/web-1.qmp\nagent: unix:%s/agent.sock\npolicy: %s/filed.yaml\n", f->directory,
             f->directory, f->directory);
    put(f, "vms/web-1.yaml", vm);
    snprintf(vm, sizeof(vm), "cid: %zu\npolicy: %s/filed.yaml\n", 100 + strlen(other),
             f->directory);
    put(f, path, vm);
    (void)kill(f->daemon, SIGHUP);
    wait_for(f, get_vm(f, other) != NULL && strcmp(get_vm(f, other)->policy, "filed") == 0);
}

static void test_what_is_assigned_holds_before_a_file(void **state)
{
    Vmreclaim__Controller__V1__UnassignPolicyRequest request =
        VMRECLAIM__CONTROLLER__V1__UNASSIGN_POLICY_REQUEST__INIT;
    struct fixture *f = *state;

    start_managed(f);
    apply_policy(f, "name: night\nprofile: gentle\n");
    assert_int_equal(f->code, TTRPC_OK);
    put_policy_file(f, "name: filed\nprofile: observe\n", "db");
    assert_string_equal(get_vm(f, "web-1")->policy, "night");
    put_policy_file(f, "name: filed\nprofile: balanced\n", "db-1");
    assert_string_equal(get_vm(f, "web-1")->policy, "night");
    request.selector = text("web-1");
    call(f, "UnassignPolicy", &request.base);
    assert_int_equal(f->code, TTRPC_OK);
    assert_string_equal(get_vm(f, "web-1")->policy, "filed");
    assert_string_equal(f->agent.policy_name, "filed");
}

static bool runs(struct fixture *f, const char *policy)
{
    (void)get_vm(f, "web-1"); /* something to wait for */
    return strcmp(f->agent.policy_name, policy) == 0;
}

static void put_vm_file(const struct fixture *f, const char *line)
{
    char vm[256];

    snprintf(vm, sizeof(vm), "qmp: %s/web-1.qmp\nagent: unix:%s/agent.sock\n%s", f->directory,
             f->directory, line);
    put(f, "vms/web-1.yaml", vm);
    (void)kill(f->daemon, SIGHUP);
}

/* What a VM's file names no more is not for it. */
static void test_a_file_that_names_no_policy_any_more(void **state)
{
    struct fixture *f = *state;

    start_managed(f);
    put_policy_file(f, "name: filed\nprofile: observe\n", "db");
    wait_for(f, runs(f, "filed"));
    put_vm_file(f, "");
    wait_for(f, runs(f, "own"));
    assert_string_equal(get_vm(f, "web-1")->policy, "");
    wait_for(f, log_has(f, "no policy is assigned: the agent runs its own"));
    /* Nor is it again, for an agent that comes back with it. */
    f->agent.policy_name[0] = '\0';
    f->agent.kept_hash = "abcd";
    fake_agent_drop(&f->agent);
    wait_for(f, runs(f, "own"));
}

/* A guest that was stopped reckons the time from what it was told before. */
static void test_a_guest_whose_clock_stood(void **state)
{
    struct fixture *f = *state;
    uint64_t sequence;
    unsigned policies;

    start_managed(f);
    apply_policy(f, "name: night\nprofile: gentle\nschedules:\n"
                    "  - {cron: \"0 2 * * *\", for: 1h, do: forbid}\n");
    assert_int_equal(f->code, TTRPC_OK);
    policies = f->agent.policies;
    sequence = f->agent.sequence;
    wait_for(f, f->agent.sequence >= sequence + 8); /* two a second: that it is right is seen */
    assert_int_equal(f->agent.policies, policies);
    f->agent.clock_back = 600 * NSEC_PER_SEC;
    wait_for(f, get_vm(f, "web-1") != NULL && f->agent.policies == policies + 1);
}

static void test_a_label_that_is_gone(void **state)
{
    struct fixture *f = *state;

    start_managed(f);
    put_vm_file(f, "labels: [tier=web]\n");
    wait_for(f, strcmp(get_vm(f, "web-1")->labels[0], "tier=web") == 0);
    apply_to(f, "one", "label:tier=web");
    assert_string_equal(f->agent.policy_name, "one");
    put_vm_file(f, "labels: [tier=db]\n");
    wait_for(f, runs(f, "own"));
    assert_string_equal(get_vm(f, "web-1")->policy, "");
}

static void test_an_agent_too_old_to_run_its_own(void **state)
{
    struct fixture *f = *state;

    f->agent.wants_policy = true;
    start_managed(f);
    put_policy_file(f, "name: filed\nprofile: observe\n", "db");
    wait_for(f, runs(f, "filed"));
    put_vm_file(f, "");
    wait_for(f, log_has(f, "the agent is too old to know that"));
    assert_true(runs(f, "filed"));
}

typedef Vmreclaim__Controller__V1__VmPolicyResult PolicyResult;

/* Of the last ApplyPolicy; NULL: the answer does not have the VM. */
static const PolicyResult *result_of(const struct fixture *f, const char *vm)
{
    const Vmreclaim__Controller__V1__ApplyVmPolicyResponse *response = (const void *)f->response;

    assert_int_equal(f->code, TTRPC_OK);
    for (size_t i = 0; i < response->n_results; i++)
        if (strcmp(response->results[i]->vm, vm) == 0)
            return response->results[i];
    return NULL;
}

static void test_each_vm_has_an_outcome(void **state)
{
    struct fixture *f = *state;

    put(f, "vms/web-2.yaml", "cid: 77\n");
    put(f, "vms/db-1.yaml", "cid: 78\n");
    start_managed(f);
    apply_to(f, "one", "*");
    assert_int_equal(result_of(f, "web-1")->outcome, OUTCOME(IN_FORCE));
    assert_false(result_of(f, "web-1")->unchanged);
    assert_string_equal(result_of(f, "web-1")->unsupported_keys[0], "from_the_future");
    assert_string_equal(f->agent.policy_name, "one"); /* when it is said, it is so */
    assert_int_equal(result_of(f, "web-2")->outcome, OUTCOME(PENDING));
    assert_non_null(strstr(result_of(f, "web-2")->reason, "no agent of VM 'web-2' is connected"));
    /* The closer assignment stays, and is named. */
    apply_to(f, "two", "web-*");
    assert_int_equal(result_of(f, "web-1")->outcome, OUTCOME(IN_FORCE));
    assert_null(result_of(f, "db-1"));
    apply_to(f, "three", "*-*");
    assert_int_equal(result_of(f, "web-1")->outcome, OUTCOME(OVERRIDDEN));
    assert_non_null(strstr(result_of(f, "web-1")->reason, "policy 'two' is assigned to it"));
    assert_int_equal(result_of(f, "db-1")->outcome, OUTCOME(PENDING));
    assert_string_equal(f->agent.policy_name, "two");
    /* Without a selector it goes where it is assigned already. */
    apply_to(f, "two", "");
    assert_int_equal(result_of(f, "web-1")->outcome, OUTCOME(IN_FORCE));
    assert_true(result_of(f, "web-1")->unchanged);
    assert_null(result_of(f, "db-1"));
}

/* On a busy machine the agent's answer may be too late for the call's. */
static void expect_refused(struct fixture *f, const char *name, enum ttrpc_code code,
                           const char *words)
{
    f->agent.policy_code = code;
    do
        apply_to(f, name, "web-*");
    while (result_of(f, "web-1")->outcome == OUTCOME(PENDING));
    assert_int_equal(result_of(f, "web-1")->outcome, OUTCOME(REFUSED));
    assert_non_null(strstr(result_of(f, "web-1")->reason, words));
}

/* Also with a code that stands for a lost connection elsewhere: it is tried again. Of one that had
 * no time to answer nobody knows what it did. */
static void test_an_agent_that_refuses_a_policy(void **state)
{
    struct fixture *f = *state;

    start_managed(f);
    expect_refused(f, "one", TTRPC_FAILED_PRECONDITION, "was not taken: ");
    assert_non_null(strstr(result_of(f, "web-1")->reason, "the test says so"));
    expect_refused(f, "two", TTRPC_UNAVAILABLE, "the test says so");
    expect_refused(f, "three", TTRPC_DEADLINE_EXCEEDED, "may be in force or not: ");
}

/* A slip in a selector is not a policy in force. */
static bool selects_none(const struct fixture *f)
{
    return ((const Vmreclaim__Controller__V1__ApplyVmPolicyResponse *)f->response)->selects_none;
}

static void test_selectors_that_mean_nobody(void **state)
{
    static const char *const bad[] = {"label:", "label:=web", "label:tier=w*", "web-[12", "web/*",
                                      "web *",  "w\xc3\xa4*", "web-[!",        "[]",      "*,db"};
    struct fixture *f = *state;

    start_managed(f);
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        apply_to(f, "one", bad[i]);
        if (f->code != TTRPC_INVALID_ARGUMENT)
            fail_msg("'%s' was taken", bad[i]);
        assert_non_null(strstr(f->message, "'"));
    }
    apply_to(f, "one", "nobody");
    assert_int_equal(f->code, TTRPC_NOT_FOUND);
    apply_to(f, "one", "db-*");
    assert_int_equal(f->code, TTRPC_OK);
    assert_null(result_of(f, "web-1"));
    assert_int_equal(f->agent.policies, 0);
    assert_int_equal(applied_revision(f), 1); /* the others left nothing in the store */
    apply_to(f, "one", "web-*");
    assert_non_null(result_of(f, "web-1"));
    assert_false(selects_none(f));
    /* That the policy is others' already does not hide a slip. */
    apply_to(f, "one", "wbe-*");
    assert_non_null(result_of(f, "web-1"));
    assert_true(selects_none(f));
    apply_to(f, "one", "");
    assert_false(selects_none(f));
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        policy_test(test_policies),
        policy_test(test_policies_are_revisions),
        policy_test(test_policies_by_label_and_glob),
        policy_test(test_the_effective_policy),
        policy_test(test_unassigning),
        policy_test(test_what_is_assigned_holds_before_a_file),
        policy_test(test_a_file_that_names_no_policy_any_more),
        policy_test(test_a_label_that_is_gone),
        policy_test(test_a_guest_whose_clock_stood),
        policy_test(test_an_agent_too_old_to_run_its_own),
        policy_test(test_each_vm_has_an_outcome),
        policy_test(test_an_agent_that_refuses_a_policy),
        policy_test(test_selectors_that_mean_nobody),
    };

    return run_apart(argc, argv, tests, ARRAY_SIZE(tests));
}
