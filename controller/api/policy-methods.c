/* Methods about policies. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "controller/api/dispatch.h"
#include "controller/messages/policy.h"
#include "controller/messages/text.h"
#include "controller/policies/assignments.h"
#include "controller/policies/revision.h"
#include "controller/policies/waiting.h"
#include "controller/store/requests.h"

typedef Vmreclaim__Controller__V1__PolicyRevision PolicyRevision;
typedef Vmreclaim__Controller__V1__PolicyAssignment PolicyAssignment;

/* ---- ApplyPolicy ---- */

static void answer_assigned(struct api_call *call, const struct vm *vm, bool pending)
{
    Vmreclaim__Controller__V1__ApplyVmPolicyResponse response =
        VMRECLAIM__CONTROLLER__V1__APPLY_VM_POLICY_RESPONSE__INIT;
    const struct vm_policy *assigned = &vm->assigned;
    char *vms[] = {message_text(vm->name)};

    response.name = assigned->policy->name;
    response.revision = assigned->policy->revision;
    response.pending = pending;
    response.vms = vms;
    response.n_vms = 1;
    response.unsupported_keys = assigned->unsupported_keys;
    response.n_unsupported_keys = message_count(assigned->unsupported_keys);
    response.capped_keys = assigned->capped_keys;
    response.n_capped_keys = message_count(assigned->capped_keys);
    api_call_finish(call, &response.base);
}

static void on_answered(struct vm *vm, enum policy_outcome outcome, const char *text,
                        void *userdata)
{
    struct api_call *call = userdata;

    if (outcome == POLICY_REFUSED)
        api_call_fail(call, -EBUSY, "VM '%s': %s", vm->name, text);
    else
        answer_assigned(call, vm, outcome == POLICY_PENDING);
}

static void on_operator_gone(struct api_call *call, void *userdata)
{
    policy_wait_cancel(userdata);
}

/* Answered when the VM's agent has answered; at once, as pending, when the agent is away. */
static void assign(struct api_call *call, struct vm *vm, const struct policy *policy)
{
    struct policy_wait *wait;
    int r = policy_wait_start(call->api->rooms.policy_waits, vm, policy, on_answered, call, &wait);

    if (r == 0)
        api_call_on_gone(call, on_operator_gone, wait);
    else if (r == -ENOTCONN)
        answer_assigned(call, vm, true);
    else
        api_call_fail(call, r, "out of memory");
}

/* A policy that is being stored. */
struct applying {
    struct api_call *call;
    struct policy policy;
    char vm[VM_NAME_SIZE]; /* whose agent's answer is waited for; empty: nobody's */
};

static void answer_stored(struct api_call *call, const struct policy_result *result)
{
    Vmreclaim__Controller__V1__ApplyVmPolicyResponse response =
        VMRECLAIM__CONTROLLER__V1__APPLY_VM_POLICY_RESPONSE__INIT;

    response.name = message_text(result->revision->name);
    response.revision = result->revision->revision;
    response.n_vms = result->vm_count;
    response.vms = result->vms;
    api_call_finish(call, &response.base);
}

static void on_applied(const struct policy_result *result, void *userdata)
{
    struct applying *applying = userdata;
    struct api_call *call = applying->call;
    struct vm *vm;

    if (result->status < 0) {
        api_call_fail_error(call, result->status, result->error);
    } else if (applying->vm[0] == '\0') {
        answer_stored(call, result);
    } else {
        vm = api_find_vm(call, applying->vm);
        applying->policy.revision = result->revision->revision;
        if (vm != NULL)
            assign(call, vm, &applying->policy);
    }
    free(applying);
}

/* The name of the VM that the policy is for, when that is one. False after failing the call. */
static bool find_target(struct api_call *call, const char *selector, char vm_name[VM_NAME_SIZE])
{
    const struct vm *vm;

    if (selector[0] == '\0' || policy_selector_is_pattern(selector))
        return true;
    vm = api_find_vm(call, selector);
    if (vm != NULL)
        (void)snprintf(vm_name, VM_NAME_SIZE, "%s", vm->name);
    return vm != NULL;
}

static void apply_policy(struct api_call *call, const ProtobufCMessage *request)
{
    const Vmreclaim__Controller__V1__ApplyVmPolicyRequest *asked = (const void *)request;
    const char *source = asked->source_name[0] != '\0' ? asked->source_name : "policy";
    struct applying *applying = calloc(1, sizeof(*applying));
    struct error error;
    int r;

    if (applying == NULL) {
        api_call_fail(call, -ENOMEM, "out of memory");
        return;
    }
    applying->call = call;
    if (!find_target(call, asked->vm, applying->vm)) {
        free(applying);
        return;
    }
    r = policy_revision_read(asked->source, source, &applying->policy, &error);
    if (r < 0) {
        free(applying);
        api_call_fail_error(call, r, &error);
        return;
    }
    policy_order(
        call->api->rooms.assignments, &applying->policy,
        &(struct policy_order){.text = asked->source,
                               .source = asked->source_name,
                               .author = call->caller.name,
                               .selector = applying->vm[0] != '\0' ? applying->vm : asked->vm},
        on_applied, applying);
}

/* ---- looking ---- */

/* Messages of revisions and assignments, for one answer; they point into the originals. */
struct policy_messages {
    PolicyRevision *revisions;
    PolicyRevision **revision_pointers;
    PolicyAssignment *assignments;
    PolicyAssignment **assignment_pointers;
};

static void free_messages(struct policy_messages *messages)
{
    free(messages->revisions);
    free((void *)messages->revision_pointers);
    free(messages->assignments);
    free((void *)messages->assignment_pointers);
}

/* -ENOMEM. */
static int make_messages(const struct store_policies *policies, struct policy_messages *messages)
{
    messages->revisions = calloc(policies->revision_count + 1, sizeof(PolicyRevision));
    messages->revision_pointers = calloc(policies->revision_count + 1, sizeof(PolicyRevision *));
    messages->assignments = calloc(policies->assignment_count + 1, sizeof(PolicyAssignment));
    messages->assignment_pointers =
        calloc(policies->assignment_count + 1, sizeof(PolicyAssignment *));
    if (messages->revisions == NULL || messages->revision_pointers == NULL ||
        messages->assignments == NULL || messages->assignment_pointers == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < policies->revision_count; i++) {
        policy_revision_to_message(policies->revisions[i], &messages->revisions[i]);
        messages->revision_pointers[i] = &messages->revisions[i];
    }
    for (size_t i = 0; i < policies->assignment_count; i++) {
        policy_assignment_to_message(policies->assignments[i], &messages->assignments[i]);
        messages->assignment_pointers[i] = &messages->assignments[i];
    }
    return 0;
}

/* False after failing the call. */
static bool take_policies(struct api_call *call, const struct store_policies *policies,
                          struct policy_messages *messages)
{
    if (policies->answer.status < 0)
        api_call_fail_error(call, policies->answer.status, &policies->answer.error);
    else if (make_messages(policies, messages) < 0)
        api_call_fail(call, -ENOMEM, "out of memory");
    else
        return true;
    return false;
}

static void on_policies(const struct store_policies *policies, void *userdata)
{
    Vmreclaim__Controller__V1__ListPoliciesResponse response =
        VMRECLAIM__CONTROLLER__V1__LIST_POLICIES_RESPONSE__INIT;
    struct policy_messages messages = {0};

    if (take_policies(userdata, policies, &messages)) {
        response.policies = messages.revision_pointers;
        response.n_policies = policies->revision_count;
        response.assignments = messages.assignment_pointers;
        response.n_assignments = policies->assignment_count;
        api_call_finish(userdata, &response.base);
    }
    free_messages(&messages);
}

static void list_policies(struct api_call *call, const ProtobufCMessage *request)
{
    store_ask_policies(call->api->rooms.store, on_policies, call);
}

static void on_revisions(const struct store_policies *policies, void *userdata)
{
    Vmreclaim__Controller__V1__ListPolicyRevisionsResponse response =
        VMRECLAIM__CONTROLLER__V1__LIST_POLICY_REVISIONS_RESPONSE__INIT;
    struct policy_messages messages = {0};

    if (take_policies(userdata, policies, &messages)) {
        response.revisions = messages.revision_pointers;
        response.n_revisions = policies->revision_count;
        api_call_finish(userdata, &response.base);
    }
    free_messages(&messages);
}

static void list_revisions(struct api_call *call, const ProtobufCMessage *request)
{
    const Vmreclaim__Controller__V1__ListPolicyRevisionsRequest *asked = (const void *)request;

    store_ask_revisions(call->api->rooms.store, asked->name, on_revisions, call);
}

static void on_policy(const struct store_policies *policies, void *userdata)
{
    Vmreclaim__Controller__V1__GetPolicyResponse response =
        VMRECLAIM__CONTROLLER__V1__GET_POLICY_RESPONSE__INIT;
    PolicyRevision message;

    if (policies->answer.status < 0) {
        api_call_fail_error(userdata, policies->answer.status, &policies->answer.error);
        return;
    }
    policy_revision_to_message(policies->revisions[0], &message);
    response.policy = &message;
    api_call_finish(userdata, &response.base);
}

static void get_policy(struct api_call *call, const ProtobufCMessage *request)
{
    const Vmreclaim__Controller__V1__GetPolicyRequest *asked = (const void *)request;

    store_ask_policy(call->api->rooms.store, asked->name, asked->revision, on_policy, call);
}

/* ---- RollBackPolicy, UnassignPolicy ---- */

static void on_rolled_back(const struct policy_result *result, void *userdata)
{
    Vmreclaim__Controller__V1__RollBackPolicyResponse response =
        VMRECLAIM__CONTROLLER__V1__ROLL_BACK_POLICY_RESPONSE__INIT;
    PolicyRevision message;

    if (result->status < 0) {
        api_call_fail_error(userdata, result->status, result->error);
        return;
    }
    policy_revision_to_message(result->revision, &message);
    response.policy = &message;
    response.n_vms = result->vm_count;
    response.vms = result->vms;
    api_call_finish(userdata, &response.base);
}

static void roll_back(struct api_call *call, const ProtobufCMessage *request)
{
    const Vmreclaim__Controller__V1__RollBackPolicyRequest *asked = (const void *)request;

    policy_roll_back(call->api->rooms.assignments, asked->name, asked->revision, call->caller.name,
                     on_rolled_back, call);
}

static void on_unassigned(const struct policy_result *result, void *userdata)
{
    Vmreclaim__Controller__V1__UnassignPolicyResponse response =
        VMRECLAIM__CONTROLLER__V1__UNASSIGN_POLICY_RESPONSE__INIT;

    if (result->status < 0) {
        api_call_fail_error(userdata, result->status, result->error);
        return;
    }
    response.policy = message_text(result->assignment->policy);
    response.n_vms = result->vm_count;
    response.vms = result->vms;
    api_call_finish(userdata, &response.base);
}

static void unassign(struct api_call *call, const ProtobufCMessage *request)
{
    const Vmreclaim__Controller__V1__UnassignPolicyRequest *asked = (const void *)request;

    policy_unassign(call->api->rooms.assignments, asked->selector, on_unassigned, call);
}

/* ---- GetEffectivePolicy ---- */

static void get_effective(struct api_call *call, const ProtobufCMessage *request)
{
    const Vmreclaim__Controller__V1__GetEffectivePolicyRequest *asked = (const void *)request;
    struct effective_policy_message response;
    struct vm *vm = api_find_vm(call, asked->vm);

    if (vm == NULL)
        return;
    if (vm->assigned.policy == NULL) {
        api_call_fail(call, -ENOENT,
                      "no policy is assigned to VM '%s': its agent runs its own (in the guest: "
                      "vmreclaim-agent --check); assign one: vmreclaim policy apply FILE --vm %s",
                      vm->name, vm->name);
        return;
    }
    effective_policy_to_message(vm, &response);
    api_call_finish(call, &response.message.base);
}

static const struct api_method rows[] = {
    {"ApplyPolicy", apply_policy, API_CONTROLS},        {"ListPolicies", list_policies, API_READS},
    {"ListPolicyRevisions", list_revisions, API_READS}, {"GetPolicy", get_policy, API_READS},
    {"RollBackPolicy", roll_back, API_CONTROLS},        {"UnassignPolicy", unassign, API_CONTROLS},
    {"GetEffectivePolicy", get_effective, API_READS},
};

const struct api_methods api_policy_methods = {rows, ARRAY_SIZE(rows)};
