/* What an action would do, of the real vmreclaimd: the same words as the action's own refusal, and
 * nothing is done. */
#include "tests/component/controller/fixture.h"

#include <stdio.h>
#include <string.h>

#include "common/base/number.h"
#include "common/base/util.h"
#include "tests/component/controller/parallel.h"

typedef Vmreclaim__Controller__V1__PlanActionRequest PlanActionRequest;
typedef Vmreclaim__Controller__V1__PlanActionResponse PlanActionResponse;
typedef Vmreclaim__Controller__V1__SetBalloonRequest SetBalloonRequest;

static const PlanActionResponse *plan(struct fixture *f, PlanActionRequest *request)
{
    request->vm = text("web-1");
    call(f, "PlanAction", &request->base);
    assert_int_equal(f->code, TTRPC_OK);
    return (const PlanActionResponse *)f->response;
}

static const PlanActionResponse *plan_compact(struct fixture *f)
{
    Vmreclaim__Controller__V1__CompactVmRequest compaction =
        VMRECLAIM__CONTROLLER__V1__COMPACT_VM_REQUEST__INIT;
    PlanActionRequest request = VMRECLAIM__CONTROLLER__V1__PLAN_ACTION_REQUEST__INIT;

    request.compact = &compaction;
    return plan(f, &request);
}

static const PlanActionResponse *plan_balloon(struct fixture *f, uint64_t size)
{
    PlanActionRequest request = VMRECLAIM__CONTROLLER__V1__PLAN_ACTION_REQUEST__INIT;
    SetBalloonRequest balloon = VMRECLAIM__CONTROLLER__V1__SET_BALLOON_REQUEST__INIT;

    balloon.size = size;
    request.balloon = &balloon;
    return plan(f, &request);
}

static void set_balloon(struct fixture *f, uint64_t size)
{
    SetBalloonRequest balloon = VMRECLAIM__CONTROLLER__V1__SET_BALLOON_REQUEST__INIT;

    balloon.vm = text("web-1");
    balloon.size = size;
    call(f, "SetBalloon", &balloon.base);
}

static size_t action_count(struct fixture *f)
{
    Vmreclaim__Controller__V1__ListActionsRequest request =
        VMRECLAIM__CONTROLLER__V1__LIST_ACTIONS_REQUEST__INIT;

    call(f, "ListActions", &request.base);
    assert_int_equal(f->code, TTRPC_OK);
    return ((const Vmreclaim__Controller__V1__ListActionsResponse *)f->response)->n_actions;
}

static void test_nothing_is_done(void **state)
{
    const PlanActionResponse *response;
    struct fixture *f = *state;

    start_managed(f);
    wait_for(f, f->agent.watch != NULL);
    response = plan_compact(f);
    assert_string_equal(response->vm, "web-1");
    assert_int_equal(response->n_steps, 1);
    assert_string_equal(response->steps[0]->name, "compact");
    assert_string_equal(response->steps[0]->refused, "");
    response = plan_balloon(f, 768 * MIB);
    assert_int_equal(response->n_steps, 1);
    assert_string_equal(response->steps[0]->name, "balloon");
    assert_string_equal(response->steps[0]->refused, "");
    assert_true(response->steps[0]->gain_is_known);
    assert_true(response->steps[0]->gain <= 256 * MIB);
    assert_int_equal(action_count(f), 0);
    assert_int_equal(f->agent.asked.compactions, 0);
    assert_int_equal(f->qmp.balloon_commands, 0);
}

/* The plan's words are the action's own. */
static void assert_same_refusal(struct fixture *f, uint64_t size)
{
    char words[512];

    snprintf(words, sizeof(words), "%s", plan_balloon(f, size)->steps[0]->refused);
    set_balloon(f, size);
    assert_int_not_equal(f->code, TTRPC_OK);
    assert_string_not_equal(words, "");
    assert_string_equal(words, f->message);
}

static void test_the_same_refusals(void **state)
{
    struct fixture *f = *state;

    f->floor = "512MiB";
    start_managed(f);
    wait_for(f, f->agent.watch != NULL);
    assert_same_refusal(f, 256 * MIB); /* below the floor */
    assert_same_refusal(f, 64 * GIB);  /* more than it has */
    assert_int_equal(f->qmp.balloon_commands, 0);
}

static void test_a_halted_vm(void **state)
{
    Vmreclaim__Controller__V1__HaltRequest halt = VMRECLAIM__CONTROLLER__V1__HALT_REQUEST__INIT;
    struct fixture *f = *state;
    char *names[] = {text("web-1")};
    char words[512];

    start_managed(f);
    halt.vms = names;
    halt.n_vms = 1;
    call(f, "Halt", &halt.base);
    assert_int_equal(f->code, TTRPC_OK);
    snprintf(words, sizeof(words), "%s", plan_compact(f)->steps[0]->refused);
    compact(f);
    assert_string_equal(words, f->message);
    assert_non_null(strstr(words, "halted"));
}

/* A squeeze's steps, each by its own gates, and why it would end. */
static void test_a_squeeze(void **state)
{
    Vmreclaim__Controller__V1__SqueezeVmsRequest squeeze =
        VMRECLAIM__CONTROLLER__V1__SQUEEZE_VMS_REQUEST__INIT;
    PlanActionRequest request = VMRECLAIM__CONTROLLER__V1__PLAN_ACTION_REQUEST__INIT;
    const PlanActionResponse *response;
    struct fixture *f = *state;

    start_managed(f);
    wait_for(f, f->agent.watch != NULL);
    squeeze.hold = true;
    request.squeeze = &squeeze;
    response = plan(f, &request);
    assert_string_not_equal(response->end, "");
    assert_string_not_equal(response->reason, "");
    for (size_t i = 0; i < response->n_steps; i++)
        assert_string_not_equal(response->steps[i]->name, "");
    assert_int_equal(action_count(f), 0);
    assert_int_equal(f->agent.asked.compactions, 0);
    assert_int_equal(f->qmp.balloon_commands, 0);
}

/* ---- policies ---- */

typedef Vmreclaim__Controller__V1__ApplyVmPolicyRequest ApplyVmPolicyRequest;
typedef Vmreclaim__Controller__V1__PlanPolicyRequest PlanPolicyRequest;
typedef Vmreclaim__Controller__V1__PlanPolicyResponse PlanPolicyResponse;

static const PlanPolicyResponse *plan_policy(struct fixture *f, const char *selector,
                                             const char *source)
{
    ApplyVmPolicyRequest apply = VMRECLAIM__CONTROLLER__V1__APPLY_VM_POLICY_REQUEST__INIT;
    PlanPolicyRequest request = VMRECLAIM__CONTROLLER__V1__PLAN_POLICY_REQUEST__INIT;

    apply.vm = text(selector);
    apply.source = text(source);
    request.apply = &apply;
    call(f, "PlanPolicy", &request.base);
    return f->code == TTRPC_OK ? (const PlanPolicyResponse *)f->response : NULL;
}

static void give_policy(struct fixture *f, const char *selector, const char *source)
{
    ApplyVmPolicyRequest apply = VMRECLAIM__CONTROLLER__V1__APPLY_VM_POLICY_REQUEST__INIT;

    apply.vm = text(selector);
    apply.source = text(source);
    call(f, "ApplyPolicy", &apply.base);
}

static size_t policy_count(struct fixture *f)
{
    Vmreclaim__Controller__V1__ListPoliciesRequest request =
        VMRECLAIM__CONTROLLER__V1__LIST_POLICIES_REQUEST__INIT;
    const Vmreclaim__Controller__V1__ListPoliciesResponse *list;

    call(f, "ListPolicies", &request.base);
    list = (const Vmreclaim__Controller__V1__ListPoliciesResponse *)f->response;
    return list->n_policies + list->n_assignments;
}

/* What the store would answer, and nothing stays in it. */
static void test_a_policy(void **state)
{
    const PlanPolicyResponse *response;
    struct fixture *f = *state;

    start_managed(f);
    response = plan_policy(f, "web-*", "name: night\nprofile: gentle\n");
    assert_non_null(response);
    assert_int_equal(response->revision, 1);
    assert_int_equal(response->n_vms, 1);
    assert_string_equal(response->vms[0]->vm, "web-1");
    assert_string_equal(response->vms[0]->outcome, "given");
    assert_string_equal(response->vms[0]->policy_now, "");
    assert_int_equal(policy_count(f), 0);
    give_policy(f, "web-1", "name: night\nprofile: gentle\n");
    assert_int_equal(f->code, TTRPC_OK);
    response = plan_policy(f, "web-1", "name: night\nprofile: gentle\n");
    assert_int_equal(response->revision, 1);
    assert_string_equal(response->vms[0]->outcome, "unchanged");
    response = plan_policy(f, "web-1", "name: night\nprofile: balanced\n");
    assert_int_equal(response->revision, 2);
    assert_string_equal(response->vms[0]->outcome, "given");
    assert_int_equal(response->vms[0]->revision_now, 1);
    response = plan_policy(f, "*", "name: day\nprofile: balanced\n");
    assert_string_equal(response->vms[0]->outcome, "overridden");
    assert_non_null(strstr(response->vms[0]->reason, "night"));
    response = plan_policy(f, "db-*", "name: day\nprofile: balanced\n");
    assert_true(response->selects_none);
    assert_int_equal(response->n_vms, 0);
    assert_int_equal(policy_count(f), 2);
}

/* What is wrong is said in the words of the order itself. */
static void test_a_policy_that_is_refused(void **state)
{
    struct fixture *f = *state;
    char words[512];

    start_managed(f);
    assert_null(plan_policy(f, "web-1", "name: night\nprofil: gentle\n"));
    snprintf(words, sizeof(words), "%s", f->message);
    give_policy(f, "web-1", "name: night\nprofil: gentle\n");
    assert_int_not_equal(f->code, TTRPC_OK);
    assert_string_equal(words, f->message);
}

static void test_one_at_a_time(void **state)
{
    PlanActionRequest request = VMRECLAIM__CONTROLLER__V1__PLAN_ACTION_REQUEST__INIT;
    struct fixture *f = *state;

    start_managed(f);
    request.vm = text("web-1");
    call(f, "PlanAction", &request.base);
    assert_int_equal(f->code, TTRPC_INVALID_ARGUMENT);
}

#define planning_test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        planning_test(test_nothing_is_done),
        planning_test(test_the_same_refusals),
        planning_test(test_a_halted_vm),
        planning_test(test_a_squeeze),
        planning_test(test_one_at_a_time),
        planning_test(test_a_policy),
        planning_test(test_a_policy_that_is_refused),
    };

    return run_apart(argc, argv, tests, ARRAY_SIZE(tests));
}
