/* Policies at run time. */
#include "controller/records/policy_service.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "controller/messages/copy.h"
#include "controller/messages/policy.h"
#include "controller/messages/text.h"

enum { REVISIONS_MAX = 1000 };

typedef Vmreclaim__Controller__V1__PolicyRevision PolicyRevision;
typedef Vmreclaim__Controller__V1__PolicyAssignment PolicyAssignment;

static char **allocate_names(const struct policy_service *service)
{
    return calloc(service->api->supervisor->registry.count + 1, sizeof(char *));
}

/* ---- ApplyPolicy ---- */

static void answer_spread(struct policy_service *service, struct ttrpc_call *call,
                          const struct policy *policy)
{
    Vmreclaim__Controller__V1__ApplyVmPolicyResponse response =
        VMRECLAIM__CONTROLLER__V1__APPLY_VM_POLICY_RESPONSE__INIT;
    char **vms = allocate_names(service);

    if (vms == NULL) {
        ttrpc_call_fail(call, TTRPC_RESOURCE_EXHAUSTED, "out of memory");
        return;
    }
    response.name = message_text(policy->name);
    response.revision = policy->revision;
    response.n_vms = policy_spread(&service->assignments, policy->name, vms);
    response.vms = vms;
    ttrpc_call_finish(call, &response.base);
    free((void *)vms);
}

static void apply_policy(struct ttrpc_call *call, const ProtobufCMessage *request,
                         const struct api_caller *caller, void *userdata)
{
    const Vmreclaim__Controller__V1__ApplyVmPolicyRequest *asked = (const void *)request;
    const char *source = asked->source_name[0] != '\0' ? asked->source_name : "policy";
    struct policy_service *service = userdata;
    struct vm *vm = NULL;
    struct policy policy;
    struct error error;

    if (asked->vm[0] != '\0' && !policy_selector_is_pattern(asked->vm)) {
        vm = api_find_vm(service->api, call, asked->vm);
        if (vm == NULL)
            return;
    }
    int r = policy_revision_read(asked->source, source, &policy, &error);
    if (r == 0)
        r = policy_order(&service->assignments, &policy,
                         &(struct policy_order){.text = asked->source,
                                                .source = asked->source_name,
                                                .author = caller->name,
                                                .selector = vm != NULL ? vm->name : asked->vm},
                         &error);
    if (r < 0) {
        api_fail(call, r, &error);
        return;
    }
    if (vm == NULL) {
        answer_spread(service, call, &policy);
        return;
    }
    char **vms = allocate_names(service);
    if (vms != NULL)
        (void)policy_spread(&service->assignments, policy.name, vms); /* the other VMs it is for */
    free((void *)vms);
    api_policy_assign(&service->waits, call, vm, &policy);
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

static void list_policies(struct ttrpc_call *call, const ProtobufCMessage *request,
                          const struct api_caller *caller, void *userdata)
{
    Vmreclaim__Controller__V1__ListPoliciesResponse response =
        VMRECLAIM__CONTROLLER__V1__LIST_POLICIES_RESPONSE__INIT;
    struct policy_service *service = userdata;
    struct copies *copies = calloc(1, sizeof(*copies));
    struct error error;

    int r = copies == NULL ? error_set(&error, -ENOMEM, "out of memory")
                           : store_policy_list(service->store, keep_revision, copies, &error);
    if (r == 0)
        r = store_assignments(service->store, keep_assignment, copies, &error);
    if (r < 0) {
        api_fail(call, r, &error);
    } else {
        response.policies = copies->revisions;
        response.n_policies = copies->revision_count;
        response.assignments = copies->assignments;
        response.n_assignments = copies->assignment_count;
        ttrpc_call_finish(call, &response.base);
    }
    free_copies(copies);
}

static void list_revisions(struct ttrpc_call *call, const ProtobufCMessage *request,
                           const struct api_caller *caller, void *userdata)
{
    const Vmreclaim__Controller__V1__ListPolicyRevisionsRequest *asked = (const void *)request;
    Vmreclaim__Controller__V1__ListPolicyRevisionsResponse response =
        VMRECLAIM__CONTROLLER__V1__LIST_POLICY_REVISIONS_RESPONSE__INIT;
    struct policy_service *service = userdata;
    struct copies *copies = calloc(1, sizeof(*copies));
    struct error error;

    int r = copies == NULL ? error_set(&error, -ENOMEM, "out of memory")
                           : store_policy_revisions(service->store, asked->name, keep_revision,
                                                    copies, &error);
    if (r < 0) {
        api_fail(call, r, &error);
    } else {
        response.revisions = copies->revisions;
        response.n_revisions = copies->revision_count;
        ttrpc_call_finish(call, &response.base);
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
    ttrpc_call_finish(userdata, &response.base);
    return 0;
}

static void get_policy(struct ttrpc_call *call, const ProtobufCMessage *request,
                       const struct api_caller *caller, void *userdata)
{
    const Vmreclaim__Controller__V1__GetPolicyRequest *asked = (const void *)request;
    struct policy_service *service = userdata;
    struct error error;

    int r =
        store_policy_get(service->store, asked->name, asked->revision, answer_policy, call, &error);
    if (r < 0)
        api_fail(call, r, &error);
}

/* ---- RollBackPolicy ---- */

struct rollback_answer {
    struct policy_service *service;
    struct ttrpc_call *call;
};

static int answer_rollback(const struct policy_revision *revision, void *userdata)
{
    const struct rollback_answer *answer = userdata;
    Vmreclaim__Controller__V1__RollBackPolicyResponse response =
        VMRECLAIM__CONTROLLER__V1__ROLL_BACK_POLICY_RESPONSE__INIT;
    char **vms = allocate_names(answer->service);
    PolicyRevision message;

    if (vms == NULL)
        return -ENOMEM;
    policy_revision_to_message(revision, &message);
    response.policy = &message;
    response.n_vms = policy_spread(&answer->service->assignments, revision->name, vms);
    response.vms = vms;
    ttrpc_call_finish(answer->call, &response.base);
    free((void *)vms);
    return 0;
}

static void roll_back(struct ttrpc_call *call, const ProtobufCMessage *request,
                      const struct api_caller *caller, void *userdata)
{
    const Vmreclaim__Controller__V1__RollBackPolicyRequest *asked = (const void *)request;
    struct rollback_answer answer = {.service = userdata, .call = call};
    struct store *store = answer.service->store;
    uint64_t revision;
    struct error error = {"out of memory"};
    int r = store_policy_roll_back(store, asked->name, asked->revision, caller->name,
                                   time_realtime(), &revision, &error);

    if (r == 0)
        r = store_policy_get(store, asked->name, revision, answer_rollback, &answer, &error);
    if (r < 0)
        api_fail(call, r, &error);
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

static void unassign(struct ttrpc_call *call, const ProtobufCMessage *request,
                     const struct api_caller *caller, void *userdata)
{
    const Vmreclaim__Controller__V1__UnassignPolicyRequest *asked = (const void *)request;
    Vmreclaim__Controller__V1__UnassignPolicyResponse response =
        VMRECLAIM__CONTROLLER__V1__UNASSIGN_POLICY_RESPONSE__INIT;
    struct policy_service *service = userdata;
    struct assigned assigned = {.selector = asked->selector};
    char **vms = allocate_names(service);
    struct error error = {"out of memory"};
    int r = vms == NULL ? -ENOMEM
                        : store_assignments(service->store, match_selector, &assigned, &error);

    if (r == 0)
        r = store_unassign(service->store, asked->selector, &error);
    if (r < 0) {
        api_fail(call, r, &error);
    } else {
        response.policy = assigned.policy;
        response.n_vms = policy_settle(&service->assignments, vms);
        response.vms = vms;
        ttrpc_call_finish(call, &response.base);
    }
    free((void *)vms);
}

/* ---- GetEffectivePolicy ---- */

static void get_effective(struct ttrpc_call *call, const ProtobufCMessage *request,
                          const struct api_caller *caller, void *userdata)
{
    const Vmreclaim__Controller__V1__GetEffectivePolicyRequest *asked = (const void *)request;
    const struct policy_service *service = userdata;
    struct effective_policy_message response;
    struct vm *vm = api_find_vm(service->api, call, asked->vm);

    if (vm == NULL)
        return;
    if (vm->assigned.policy == NULL) {
        ttrpc_call_fail(call, TTRPC_NOT_FOUND,
                        "no policy is assigned to VM '%s': its agent runs its own (in the guest: "
                        "vmreclaim-agent --check); assign one: vmreclaim policy apply FILE --vm %s",
                        vm->name, vm->name);
        return;
    }
    effective_policy_to_message(vm, &response);
    ttrpc_call_finish(call, &response.message.base);
}

void policy_service_init(struct policy_service *service, struct api *api, struct store *store)
{
    *service = (struct policy_service){.api = api, .store = store};
    policy_assignments_init(&service->assignments, api->supervisor, store);
    policy_waits_init(&service->waits, api->supervisor);
    api_serve(api, "ApplyPolicy", apply_policy, service);
    api_serve(api, "ListPolicies", list_policies, service);
    api_serve(api, "ListPolicyRevisions", list_revisions, service);
    api_serve(api, "GetPolicy", get_policy, service);
    api_serve(api, "RollBackPolicy", roll_back, service);
    api_serve(api, "UnassignPolicy", unassign, service);
    api_serve(api, "GetEffectivePolicy", get_effective, service);
}
