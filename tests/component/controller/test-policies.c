/* Policies at run time: revisions, assignments, rollback, through the real vmreclaimd. */
#include "tests/component/controller/fixture.h"

#include <string.h>

#include "common/base/util.h"
#include "tests/component/controller/parallel.h"

static char *text(const char *constant)
{
    return (char *)(uintptr_t)constant;
}

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

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        policy_test(test_policies),
        policy_test(test_policies_are_revisions),
        policy_test(test_policies_by_label_and_glob),
    };

    return run_apart(argc, argv, tests, ARRAY_SIZE(tests));
}
