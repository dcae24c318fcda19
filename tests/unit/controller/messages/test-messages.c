/* What the daemon holds, as the messages that its clients read. */
#include "tests/lib/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/number.h"
#include "controller/leases/table.h"
#include "controller/messages/action.h"
#include "controller/messages/event.h"
#include "controller/messages/finding.h"
#include "controller/messages/policy.h"
#include "controller/messages/vm.h"

static struct vm *make_vm(void)
{
    static struct supervisor supervisor;
    struct vm *vm;

    assert_int_equal(vm_create("web1", VM_SOURCE_FILE, &vm), 0);
    vm->supervisor = &supervisor;
    return vm;
}

static void test_what_is_not_known_is_absent(void **state)
{
    struct vm *vm = make_vm();
    struct supervisor supervisor = {.transparent_huge_pages = true};
    struct vm_message message;

    vm_to_message(&supervisor, vm, true, &message);
    assert_string_equal(message.message.name, "web1");
    assert_string_equal(message.message.state, "discovered");
    assert_string_equal(message.message.reporting, "");
    assert_string_equal(message.message.driver, "");
    assert_null(message.message.waterfall);
    assert_null(message.message.statistics);
    assert_int_equal(message.message.pid, 0);
    assert_int_equal(message.message.last_sample_ns, 0);
    assert_null(message.message.host);
    assert_non_null(strstr(message.message.driver_state, "give its VM file a 'hypervisor'"));
    vm_destroy(vm);
}

static void test_reporting_that_the_guest_declines(void **state)
{
    struct vm *vm = make_vm();
    struct supervisor supervisor = {.transparent_huge_pages = true};
    struct vm_message message;

    vm->hypervisor.known = true;
    vm->hypervisor.facts.balloon = ANSWER_YES;
    vm->hypervisor.facts.free_page_reporting = ANSWER_YES;
    vm->agent.info.lacks_reporting = true;
    vm_to_message(&supervisor, vm, true, &message);
    assert_string_equal(message.message.reporting, "on"); /* nobody says so now */
    vm->links.agent = (struct agent_link *)&supervisor;
    vm_to_message(&supervisor, vm, true, &message);
    assert_string_equal(message.message.reporting, "inert: offered, and the guest does not use it");
    vm->links.agent = NULL;
    vm_destroy(vm);
}

/* Of the guest's pages, so that the block is as large as 32 of the host's. */
static void test_orders_are_of_the_guests_pages(void **state)
{
    struct vm *vm = make_vm();

    vm->hypervisor.facts.backing = MEMORY_BACKING_ANONYMOUS;
    assert_int_equal(vm_lowest_useful_order(vm, true, 4096), 5);
    vm->agent.info.page_size = 65536;
    assert_int_equal(vm_lowest_useful_order(vm, true, 4096), 1);
    assert_int_equal(vm_lowest_useful_order(vm, true, 65536), 5);
    assert_int_equal(vm_lowest_useful_order(vm, false, 4096), 0);
    vm_destroy(vm);
}

/* A balloon of small pages returns none that is larger than one request of a guest. */
static void test_huge_pages_that_a_balloon_returns(void **state)
{
    struct vm *vm = make_vm();

    vm->hypervisor.facts.backing = MEMORY_BACKING_ANONYMOUS;
    assert_false(lease_meets_huge_pages(vm));
    vm->hypervisor.facts.backing = MEMORY_BACKING_HUGETLB;
    assert_true(lease_meets_huge_pages(vm)); /* of a size that is not known */
    vm->hypervisor.facts.backing_page_size = 64 * KIB;
    assert_false(lease_meets_huge_pages(vm));
    vm->hypervisor.facts.backing_page_size = 2 * MIB;
    assert_true(lease_meets_huge_pages(vm));
    vm_destroy(vm);
}

/* Who moves a balloon is known before it is moved. */
static void test_who_else_has_a_balloon(void **state)
{
    struct vm *vm = make_vm();

    assert_string_equal(lease_foreign_owner(vm), "");
    snprintf(vm->hypervisor.facts.balloon_owner, sizeof(vm->hypervisor.facts.balloon_owner),
             "a manager");
    assert_string_equal(lease_foreign_owner(vm), "a manager");
    snprintf(vm->found.balloon_owner, sizeof(vm->found.balloon_owner), "another");
    assert_string_equal(lease_foreign_owner(vm), "another");
    vm_destroy(vm);
}

static void test_a_waterfall_has_the_sample_on_demand(void **state)
{
    struct vm *vm = make_vm();
    struct waterfall_message message;

    vm->measured.waterfall.footprint = 3 * GIB;
    vm->measured.waterfall.remainder = -5;
    vm->measured.waterfall.guest_is_known = true;
    vm->measured.guest.received = 1;
    vm->measured.guest.free = 7 * MIB;
    waterfall_to_message(vm, false, &message);
    assert_int_equal(message.message.footprint, 3 * GIB);
    assert_int_equal(message.message.remainder, -5);
    assert_null(message.message.guest);
    waterfall_to_message(vm, true, &message);
    assert_int_equal(message.message.guest->free, 7 * MIB);
    vm->measured.waterfall.guest_is_known = false;
    waterfall_to_message(vm, true, &message);
    assert_null(message.message.guest);
    vm_destroy(vm);
}

static void test_a_guests_action(void **state)
{
    struct vm *vm = make_vm();
    Vmreclaim__Agent__V1__ActionResult result = VMRECLAIM__AGENT__V1__ACTION_RESULT__INIT;
    struct vm_event event = {
        .vm = vm, .kind = VM_EVENT_GUEST_ACTION, .text = "idle", .guest_action = &result};
    struct event_message message;

    result.kind = VMRECLAIM__AGENT__V1__ACTION_KIND__ACTION_KIND_RECLAIM_CACHE;
    result.duration_ns = 3 * NSEC_PER_SEC;
    result.asked_by = (char *)"root";
    event_to_message(&event, &message);
    assert_string_equal(message.message.kind, "action");
    assert_string_equal(message.message.vm, "web1");
    assert_string_equal(message.action.kind, "reclaim");
    assert_string_equal(message.action.asked_by, "policy");
    assert_true(message.action.finished);
    assert_int_equal(message.action.footprint_before, 0);
    assert_true(message.action.started_ns <= time_realtime() - 3 * (int64_t)NSEC_PER_SEC);
    assert_ptr_equal(message.action.guest, &result);
    vm_destroy(vm);
}

static void test_a_guest_may_say_any_duration(void **state)
{
    struct vm *vm = make_vm();
    Vmreclaim__Agent__V1__ActionResult result = VMRECLAIM__AGENT__V1__ACTION_RESULT__INIT;
    Vmreclaim__Controller__V1__Action action;

    result.kind = (Vmreclaim__Agent__V1__ActionKind)99;
    result.duration_ns = UINT64_MAX;
    guest_action_to_message(vm, &result, &action);
    assert_string_equal(action.kind, "unknown");
    assert_true(action.started_ns < 0);
    vm_destroy(vm);
}

static void test_a_state_event_has_the_states_name(void **state)
{
    struct vm *vm = make_vm();
    struct vm_event event = {.vm = vm, .kind = VM_EVENT_STATE, .text = ""};
    struct event_message message;

    event_to_message(&event, &message);
    assert_string_equal(message.message.kind, "discovered");
    assert_null(message.message.waterfall);
    assert_null(message.message.action);
    event.kind = VM_EVENT_SAMPLE;
    event_to_message(&event, &message);
    assert_non_null(message.message.waterfall);
    vm_destroy(vm);
}

static void test_an_effective_value_says_where_it_comes_from(void **state)
{
    struct vm *vm = make_vm();
    char *unsupported[] = {(char *)"profile", NULL};
    static struct effective_policy_message message;

    vm->assigned.policy = calloc(1, sizeof(*vm->assigned.policy));
    assert_non_null(vm->assigned.policy);
    policy_init(vm->assigned.policy, POLICY_BALANCED);
    vm->assigned.policy->given = policy_key_bit("idle_window"); /* as the profile has it */
    vm->assigned.unsupported_keys = unsupported;
    effective_policy_to_message(vm, false, &message);
    assert_string_equal(message.message.profile, "balanced");
    assert_true(message.message.pending);
    assert_true(message.message.n_settings > 10);
    for (size_t i = 0; i < message.message.n_settings; i++)
        assert_int_equal(message.message.settings[i]->origin,
                         VMRECLAIM__CONTROLLER__V1__SETTING_ORIGIN__SETTING_ORIGIN_PROFILE);
    assert_int_equal(message.message.n_unsupported_keys, 1);
    vm->assigned.unsupported_keys = NULL;
    free(vm->assigned.policy);
    vm->assigned.policy = NULL;
    vm_destroy(vm);
}

static void test_findings(void **state)
{
    static struct explanation explanation = {
        .findings = {{.code = "host-swap",
                      .bytes = GIB,
                      .sentence = "It is swapped.",
                      .evidence = {{"swapped", (int64_t)GIB, "bytes"}},
                      .evidence_count = 1}},
        .count = 1};
    Vmreclaim__Controller__V1__ExplainResponse message =
        VMRECLAIM__CONTROLLER__V1__EXPLAIN_RESPONSE__INIT;

    assert_int_equal(explanation_to_message(&explanation, &message), 0);
    assert_int_equal(message.n_findings, 1);
    assert_string_equal(message.findings[0]->code, "host-swap");
    assert_string_equal(message.findings[0]->sentence, "It is swapped.");
    assert_int_equal(message.findings[0]->n_evidence, 1);
    assert_int_equal(message.findings[0]->evidence[0]->value, GIB);
    explanation_release_message(&message);
    explanation.count = 0;
    assert_int_equal(explanation_to_message(&explanation, &message), 0);
    assert_int_equal(message.n_findings, 0);
    explanation_release_message(&message);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_not_known_is_absent),
        cmocka_unit_test(test_reporting_that_the_guest_declines),
        cmocka_unit_test(test_orders_are_of_the_guests_pages),
        cmocka_unit_test(test_huge_pages_that_a_balloon_returns),
        cmocka_unit_test(test_who_else_has_a_balloon),
        cmocka_unit_test(test_a_waterfall_has_the_sample_on_demand),
        cmocka_unit_test(test_a_guests_action),
        cmocka_unit_test(test_a_guest_may_say_any_duration),
        cmocka_unit_test(test_a_state_event_has_the_states_name),
        cmocka_unit_test(test_an_effective_value_says_where_it_comes_from),
        cmocka_unit_test(test_findings),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
