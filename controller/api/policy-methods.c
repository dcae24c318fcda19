/* Methods about policies. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "controller/api/api.h"
#include "controller/messages/copy.h"
#include "controller/messages/policy.h"
#include "controller/messages/text.h"
#include "controller/policies/assignments.h"
#include "controller/policies/waiting.h"

enum { REVISIONS_MAX = 1000 };

typedef Vmreclaim__Controller__V1__PolicyRevision PolicyRevision;
typedef Vmreclaim__Controller__V1__PolicyAssignment PolicyAssignment;

static char **allocate_names(const struct api_call *call)
{
    return calloc(call->api->rooms.supervisor->registry.count + 1, sizeof(char *));
}

/* ---- ApplyPolicy ---- */

static void answer_spread(struct api_call *call, const struct policy *policy)
{
    Vmreclaim__Controller__V1__ApplyVmPolicyResponse response =
        VMRECLAIM__CONTROLLER__V1__APPLY_VM_POLICY_RESPONSE__INIT;
    char **vms = allocate_names(call);

    if (vms == NULL) {
        api_call_fail(call, -ENOMEM, "out of memory");
        return;
    }
    response.name = message_text(policy->name);
    response.revision = policy->revision;
    response.n_vms = policy_spread(call->api->rooms.assignments, policy->name, vms);
    response.vms = vms;
    api_call_finish(call, &response.base);
    free((void *)vms);
}

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

static void apply_policy(struct api_call *call, const ProtobufCMessage *request)
{
    const Vmreclaim__Controller__V1__ApplyVmPolicyRequest *asked = (const void *)request;
    const char *source = asked->source_name[0] != '\0' ? asked->source_name : "policy";
    struct policy_assignments *assignments = call->api->rooms.assignments;
    struct vm *vm = NULL;
    struct policy policy;
    struct error error;

    if (asked->vm[0] != '\0' && !policy_selector_is_pattern(asked->vm)) {
        vm = api_find_vm(call, asked->vm);
        if (vm == NULL)
            return;
    }
    int r = policy_revision_read(asked->source, source, &policy, &error);
    if (r == 0)
        r = policy_order(assignments, &policy,
                         &(struct policy_order){.text = asked->source,
                                                .source = asked->source_name,
                                                .author = call->caller.name,
                                                .selector = vm != NULL ? vm->name : asked->vm},
                         &error);
    if (r < 0) {
        api_call_fail_error(call, r, &error);
        return;
    }
    if (vm == NULL) {
        answer_spread(call, &policy);
        return;
    }
    char **vms = allocate_names(call);
    if (vms != NULL)
        (void)policy_spread(assignments, policy.name, vms); /* the other VMs it is for */
    free((void *)vms);
    assign(call, vm, &policy);
}

/* ---- looking ---- */

/* Copies of revisions and assignments, for one answer. */
struct copies {
    PolicyRevision *revisions[REVISIONS_MAX];
    size_t revision_count;
    PolicyAssignment *assignments[REVISIONS_MAX];
    size_t assignment_count;
};

static int keep_revision(const struct policy_revision *revision, void *userdata)
{
    struct copies *copies = userdata;
    PolicyRevision message;

    if (copies->revision_count == REVISIONS_MAX)
        return 0;
    policy_revision_to_message(revision, &message);
    PolicyRevision *copy = (PolicyRevision *)message_copy(&message.base);
    if (copy == NULL)
        return -ENOMEM;
    copies->revisions[copies->revision_count++] = copy;
    return 0;
}

static int keep_assignment(const struct policy_assignment *assignment, void *userdata)
{
    struct copies *copies = userdata;
    PolicyAssignment message;

    if (copies->assignment_count == REVISIONS_MAX)
        return 0;
    policy_assignment_to_message(assignment, &message);
    PolicyAssignment *copy = (PolicyAssignment *)message_copy(&message.base);
    if (copy == NULL)
        return -ENOMEM;
    copies->assignments[copies->assignment_count++] = copy;
    return 0;
}

static void free_copies(struct copies *copies)
{
    if (copies == NULL)
        return;
    for (size_t i = 0; i < copies->revision_count; i++)
        message_free(&copies->revisions[i]->base);
    for (size_t i = 0; i < copies->assignment_count; i++)
        message_free(&copies->assignments[i]->base);
    free(copies);
}

static void list_policies(struct api_call *call, const ProtobufCMessage *request)
{
    Vmreclaim__Controller__V1__ListPoliciesResponse response =
        VMRECLAIM__CONTROLLER__V1__LIST_POLICIES_RESPONSE__INIT;
    struct copies *copies = calloc(1, sizeof(*copies));
    struct error error;

    int r = copies == NULL
                ? error_set(&error, -ENOMEM, "out of memory")
                : store_policy_list(call->api->rooms.store, keep_revision, copies, &error);
    if (r == 0)
        r = store_assignments(call->api->rooms.store, keep_assignment, copies, &error);
    if (r < 0) {
        api_call_fail_error(call, r, &error);
    } else {
        response.policies = copies->revisions;
        response.n_policies = copies->revision_count;
        response.assignments = copies->assignments;
        response.n_assignments = copies->assignment_count;
        api_call_finish(call, &response.base);
    }
    free_copies(copies);
}

static void list_revisions(struct api_call *call, const ProtobufCMessage *request)
{
    const Vmreclaim__Controller__V1__ListPolicyRevisionsRequest *asked = (const void *)request;
    Vmreclaim__Controller__V1__ListPolicyRevisionsResponse response =
        VMRECLAIM__CONTROLLER__V1__LIST_POLICY_REVISIONS_RESPONSE__INIT;
    struct copies *copies = calloc(1, sizeof(*copies));
    struct error error;

    int r = copies == NULL ? error_set(&error, -ENOMEM, "out of memory")
                           : store_policy_revisions(call->api->rooms.store, asked->name,
                                                    keep_revision, copies, &error);
    if (r < 0) {
        api_call_fail_error(call, r, &error);
    } else {
        response.revisions = copies->revisions;
        response.n_revisions = copies->revision_count;
        api_call_finish(call, &response.base);
    }
    free_copies(copies);
}

static int answer_policy(const struct policy_revision *revision, void *userdata)
{
    Vmreclaim__Controller__V1__GetPolicyResponse response =
        VMRECLAIM__CONTROLLER__V1__GET_POLICY_RESPONSE__INIT;
    PolicyRevision message;

    policy_revision_to_message(revision, &message);
    response.policy = &message;
    api_call_finish(userdata, &response.base);
    return 0;
}

static void get_policy(struct api_call *call, const ProtobufCMessage *request)
{
    const Vmreclaim__Controller__V1__GetPolicyRequest *asked = (const void *)request;
    struct error error;

    int r = store_policy_get(call->api->rooms.store, asked->name, asked->revision, answer_policy,
                             call, &error);
    if (r < 0)
        api_call_fail_error(call, r, &error);
}

/* ---- RollBackPolicy ---- */

static int answer_rollback(const struct policy_revision *revision, void *userdata)
{
    struct api_call *call = userdata;
    Vmreclaim__Controller__V1__RollBackPolicyResponse response =
        VMRECLAIM__CONTROLLER__V1__ROLL_BACK_POLICY_RESPONSE__INIT;
    char **vms = allocate_names(call);
    PolicyRevision message;

    if (vms == NULL)
        return -ENOMEM;
    policy_revision_to_message(revision, &message);
    response.policy = &message;
    response.n_vms = policy_spread(call->api->rooms.assignments, revision->name, vms);
    response.vms = vms;
    api_call_finish(call, &response.base);
    free((void *)vms);
    return 0;
}

static void roll_back(struct api_call *call, const ProtobufCMessage *request)
{
    const Vmreclaim__Controller__V1__RollBackPolicyRequest *asked = (const void *)request;
    struct store *store = call->api->rooms.store;
    uint64_t revision;
    struct error error = {"out of memory"};
    int r = store_policy_roll_back(store, asked->name, asked->revision, call->caller.name,
                                   time_realtime(), &revision, &error);

    if (r == 0)
        r = store_policy_get(store, asked->name, revision, answer_rollback, call, &error);
    if (r < 0)
        api_call_fail_error(call, r, &error);
}

/* ---- UnassignPolicy ---- */

struct assigned {
    const char *selector;
    char policy[64]; /* empty: nothing */
};

static int match_selector(const struct policy_assignment *assignment, void *userdata)
{
    struct assigned *assigned = userdata;

    if (strcmp(assignment->selector, assigned->selector) == 0)
        (void)snprintf(assigned->policy, sizeof(assigned->policy), "%s", assignment->policy);
    return 0;
}

static void unassign(struct api_call *call, const ProtobufCMessage *request)
{
    const Vmreclaim__Controller__V1__UnassignPolicyRequest *asked = (const void *)request;
    Vmreclaim__Controller__V1__UnassignPolicyResponse response =
        VMRECLAIM__CONTROLLER__V1__UNASSIGN_POLICY_RESPONSE__INIT;
    struct assigned assigned = {.selector = asked->selector};
    char **vms = allocate_names(call);
    struct error error = {"out of memory"};
    int r = vms == NULL
                ? -ENOMEM
                : store_assignments(call->api->rooms.store, match_selector, &assigned, &error);

    if (r == 0)
        r = store_unassign(call->api->rooms.store, asked->selector, &error);
    if (r < 0) {
        api_call_fail_error(call, r, &error);
    } else {
        response.policy = assigned.policy;
        response.n_vms = policy_settle(call->api->rooms.assignments, vms);
        response.vms = vms;
        api_call_finish(call, &response.base);
    }
    free((void *)vms);
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
