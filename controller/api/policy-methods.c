/* Methods about policies. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/number.h"
#include "common/policy/policy-yaml.h"
#include "controller/api/dispatch.h"
#include "controller/api/standings.h"
#include "controller/messages/policy.h"
#include "controller/messages/text.h"
#include "controller/policies/assignments.h"
#include "controller/policies/revision.h"
#include "controller/policies/trial.h"
#include "controller/selectors/target.h"
#include "controller/store/requests.h"

typedef Vmreclaim__Controller__V1__PolicyRevision PolicyRevision;
typedef Vmreclaim__Controller__V1__PolicyAssignment PolicyAssignment;

/* ---- ApplyPolicy ---- */

static void on_applied(const struct policy_result *result, void *userdata)
{
    Vmreclaim__Controller__V1__ApplyVmPolicyResponse response =
        VMRECLAIM__CONTROLLER__V1__APPLY_VM_POLICY_RESPONSE__INIT;
    struct standing_messages messages;

    if (!standing_messages_take(userdata, result, &messages))
        return;
    response.name = message_text(result->revision->name);
    response.revision = result->revision->revision;
    response.pending = messages.pending;
    response.selects_none = result->selects_none;
    response.vms = messages.vms;
    response.n_vms = messages.vm_count;
    response.results = messages.pointers;
    response.n_results = messages.count;
    response.results_omitted = (uint32_t)messages.omitted;
    if (result->standing_count == 1) { /* as clients of before read it */
        response.unsupported_keys = messages.results[0].unsupported_keys;
        response.n_unsupported_keys = messages.results[0].n_unsupported_keys;
        response.capped_keys = messages.results[0].capped_keys;
        response.n_capped_keys = messages.results[0].n_capped_keys;
    }
    api_call_finish(userdata, &response.base);
    standing_messages_finish(&messages);
}

/* The selector as it is stored: a VM by its name, whatever the request calls it. */
static int find_selector(const struct api_call *call, const char *asked, const char **ret_selector,
                         struct error *error)
{
    struct vm *vm;
    int r = 0;

    *ret_selector = asked;
    if (asked[0] == '\0')
        return 0;
    if (target_is_pattern(asked))
        return target_check(asked, "VM", error);
    r = registry_find(&call->api->rooms.supervisor->registry, asked, &vm, error);
    if (r == 0)
        *ret_selector = vm->name;
    return r;
}

/* What is asked for, as the policies have it. False after failing the call. */
static bool read_order(struct api_call *call,
                       const Vmreclaim__Controller__V1__ApplyVmPolicyRequest *asked,
                       struct policy_order *ret_order, struct policy *ret_policy)
{
    const char *source = asked->source_name[0] != '\0' ? asked->source_name : "policy";
    struct policy_order order = {.text = asked->source,
                                 .source = asked->source_name,
                                 .author = call->caller.name,
                                 .made_from = asked->made_from,
                                 .made_from_hash = asked->made_from_hash};
    struct error error;
    int r = find_selector(call, asked->vm, &order.selector, &error);

    if (r == 0)
        r = policy_revision_read(asked->source, source, ret_policy, &error);
    if (r < 0)
        api_call_fail_error(call, r, &error);
    *ret_order = order;
    return r == 0;
}

static void apply_policy(struct api_call *call, const ProtobufCMessage *request)
{
    struct policy_order order;
    struct policy policy;

    if (read_order(call, (const void *)request, &order, &policy))
        policy_order(call->api->rooms.assignments, &policy, &order, on_applied, call);
}

/* ---- PlanPolicy ---- */

#define PLANNED_MAX 2000 /* VMs of an answer */

typedef Vmreclaim__Controller__V1__PlannedPolicy Planned;

static void fill_planned(const struct policy_trial_vm *from, Planned *message)
{
    const struct policy *now = from->vm->assigned.policy;

    vmreclaim__controller__v1__planned_policy__init(message);
    message->vm = message_text(from->vm->name);
    message->outcome = message_text(policy_trial_outcome_name(from->outcome));
    message->reason = message_text(from->reason);
    message->policy_now = message_text(now == NULL ? "" : now->name);
    message->revision_now = now == NULL ? 0 : now->revision;
}

static void on_tried(const struct policy_trial *trial, void *userdata)
{
    Vmreclaim__Controller__V1__PlanPolicyResponse response =
        VMRECLAIM__CONTROLLER__V1__PLAN_POLICY_RESPONSE__INIT;
    size_t count = min_of(trial->count, (size_t)PLANNED_MAX);
    Planned *list = calloc(count + 1, sizeof(*list));
    struct api_call *call = userdata;

    response.vms = calloc(count + 1, sizeof(*response.vms));
    if (trial->status < 0)
        api_call_fail_error(call, trial->status, trial->error);
    else if (list == NULL || response.vms == NULL)
        api_call_fail(call, -ENOMEM, "out of memory");
    else {
        for (; response.n_vms < count; response.n_vms++) {
            fill_planned(&trial->vms[response.n_vms], &list[response.n_vms]);
            response.vms[response.n_vms] = &list[response.n_vms];
        }
        response.name = message_text(trial->name);
        response.revision = trial->revision;
        response.selects_none = trial->selects_none;
        response.omitted = (uint32_t)(trial->count - count);
        api_call_finish(call, &response.base);
    }
    free((void *)response.vms);
    free(list);
}

static void plan_policy(struct api_call *call, const ProtobufCMessage *request)
{
    const Vmreclaim__Controller__V1__PlanPolicyRequest *asked = (const void *)request;
    struct policy_order order;
    struct policy policy;

    if (asked->apply == NULL)
        api_call_fail(call, -EINVAL, "ask for the plan of a policy");
    else if (read_order(call, asked->apply, &order, &policy))
        policy_try(call->api->rooms.assignments, &policy, &order, on_tried, call);
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
    api_charge(call, policies->answer.processor);
    if (policies->answer.status < 0)
        api_call_fail_error(call, policies->answer.status, &policies->answer.error);
    else if (make_messages(policies, messages) < 0)
        api_call_fail(call, -ENOMEM, "out of memory");
    else
        return true;
    return false;
}

/* Tokens of ListPolicies: what the last entry was, "p" of a policy or "a" of an assignment, and its
 * name. */
static char *make_token(char kind, const char *last)
{
    size_t size = strlen(last) + 2;
    char *token = malloc(size);

    if (token != NULL)
        snprintf(token, size, "%c%s", kind, last);
    return token;
}

static char *next_of(const struct store_policies *policies)
{
    if (policies->assignment_count > 0)
        return make_token('a', policies->assignments[policies->assignment_count - 1]->selector);
    return make_token('p', policies->revisions[policies->revision_count - 1]->name);
}

static void on_policies(const struct store_policies *policies, void *userdata)
{
    Vmreclaim__Controller__V1__ListPoliciesResponse response =
        VMRECLAIM__CONTROLLER__V1__LIST_POLICIES_RESPONSE__INIT;
    bool has_more = policies->is_cut && policies->revision_count + policies->assignment_count > 0;
    char *token = has_more ? next_of(policies) : NULL;
    struct policy_messages messages = {0};

    if (has_more && token == NULL)
        api_call_fail(userdata, -ENOMEM, "out of memory");
    else if (take_policies(userdata, policies, &messages)) {
        response.policies = messages.revision_pointers;
        response.n_policies = policies->revision_count;
        response.assignments = messages.assignment_pointers;
        response.n_assignments = policies->assignment_count;
        if (has_more)
            response.next_page_token = token;
        api_call_finish(userdata, &response.base);
    }
    free(token);
    free_messages(&messages);
}

static void list_policies(struct api_call *call, const ProtobufCMessage *request)
{
    const Vmreclaim__Controller__V1__ListPoliciesRequest *asked = (const void *)request;
    struct store_policies_place place = {"", ""};
    const char *token = asked->page_token;

    if (token[0] == 'p')
        place.policy = token + 1;
    else if (token[0] == 'a')
        place = (struct store_policies_place){NULL, token + 1};
    else if (token[0] != '\0') {
        api_call_fail(call, -EINVAL, "page_token is not one of ListPolicies");
        return;
    }
    store_ask_policies(api_store(call), &place, asked->page_size, on_policies, call);
}

static void on_revisions(const struct store_policies *policies, void *userdata)
{
    Vmreclaim__Controller__V1__ListPolicyRevisionsResponse response =
        VMRECLAIM__CONTROLLER__V1__LIST_POLICY_REVISIONS_RESPONSE__INIT;
    size_t count = policies->revision_count;
    struct policy_messages messages = {0};
    char token[32];

    if (take_policies(userdata, policies, &messages)) {
        response.revisions = messages.revision_pointers;
        response.n_revisions = count;
        if (policies->is_cut && count > 0) {
            snprintf(token, sizeof(token), "%" PRIu64, policies->revisions[count - 1]->revision);
            response.next_page_token = token;
        }
        api_call_finish(userdata, &response.base);
    }
    free_messages(&messages);
}

static void list_revisions(struct api_call *call, const ProtobufCMessage *request)
{
    const Vmreclaim__Controller__V1__ListPolicyRevisionsRequest *asked = (const void *)request;
    uint64_t before = 0;

    if (asked->page_token[0] != '\0' &&
        (number_parse(asked->page_token, &before) < 0 || before == 0))
        api_call_fail(call, -EINVAL, "page_token is not one of ListPolicyRevisions");
    else
        store_ask_revisions(api_store(call), asked->name, before, asked->page_size, on_revisions,
                            call);
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

    store_ask_policy(api_store(call), asked->name, asked->revision, on_policy, call);
}

/* ---- RollBackPolicy, UnassignPolicy, DeletePolicy ---- */

static void on_rolled_back(const struct policy_result *result, void *userdata)
{
    Vmreclaim__Controller__V1__RollBackPolicyResponse response =
        VMRECLAIM__CONTROLLER__V1__ROLL_BACK_POLICY_RESPONSE__INIT;
    struct standing_messages messages;
    PolicyRevision message;

    if (!standing_messages_take(userdata, result, &messages))
        return;
    policy_revision_to_message(result->revision, &message);
    response.policy = &message;
    response.vms = messages.vms;
    response.n_vms = messages.vm_count;
    response.results = messages.pointers;
    response.n_results = messages.count;
    response.results_omitted = (uint32_t)messages.omitted;
    api_call_finish(userdata, &response.base);
    standing_messages_finish(&messages);
}

static void roll_back(struct api_call *call, const ProtobufCMessage *request)
{
    const Vmreclaim__Controller__V1__RollBackPolicyRequest *asked = (const void *)request;

    /* The text of then is kept once more, and may be as long as any. */
    if (!api_may_keep(call, POLICY_YAML_MAX))
        return;
    policy_roll_back(call->api->rooms.assignments, asked->name, asked->revision, call->caller.name,
                     on_rolled_back, call);
}

static void on_unassigned(const struct policy_result *result, void *userdata)
{
    Vmreclaim__Controller__V1__UnassignPolicyResponse response =
        VMRECLAIM__CONTROLLER__V1__UNASSIGN_POLICY_RESPONSE__INIT;
    struct standing_messages messages;

    if (!standing_messages_take(userdata, result, &messages))
        return;
    response.policy = message_text(result->assignments[0]->policy);
    response.vms = messages.vms;
    response.n_vms = messages.vm_count;
    response.results = messages.pointers;
    response.n_results = messages.count;
    response.results_omitted = (uint32_t)messages.omitted;
    api_call_finish(userdata, &response.base);
    standing_messages_finish(&messages);
}

static void unassign(struct api_call *call, const ProtobufCMessage *request)
{
    const Vmreclaim__Controller__V1__UnassignPolicyRequest *asked = (const void *)request;

    policy_unassign(call->api->rooms.assignments, asked->selector, on_unassigned, call);
}

static void on_deleted(const struct policy_result *result, void *userdata)
{
    Vmreclaim__Controller__V1__DeletePolicyResponse response =
        VMRECLAIM__CONTROLLER__V1__DELETE_POLICY_RESPONSE__INIT;
    char **selectors = calloc(result->assignment_count + 1, sizeof(*selectors));
    struct standing_messages messages;

    if (selectors == NULL)
        api_call_fail(userdata, -ENOMEM, "out of memory");
    else if (standing_messages_take(userdata, result, &messages)) {
        for (size_t i = 0; i < result->assignment_count; i++)
            selectors[i] = message_text(result->assignments[i]->selector);
        response.selectors = selectors;
        response.n_selectors = result->assignment_count;
        response.selectors_omitted = (uint32_t)result->assignments_omitted;
        response.results = messages.pointers;
        response.n_results = messages.count;
        response.results_omitted = (uint32_t)messages.omitted;
        api_call_finish(userdata, &response.base);
        standing_messages_finish(&messages);
    }
    free((void *)selectors);
}

static void delete_policy(struct api_call *call, const ProtobufCMessage *request)
{
    const Vmreclaim__Controller__V1__DeletePolicyRequest *asked = (const void *)request;

    policy_delete(call->api->rooms.assignments, asked->name, asked->unassign, on_deleted, call);
}

static const struct api_method rows[] = {
    {"ApplyPolicy", apply_policy, API_CONTROLS}, {"ListPolicies", list_policies, API_READS},
    {"PlanPolicy", plan_policy, API_CONTROLS},   {"ListPolicyRevisions", list_revisions, API_READS},
    {"GetPolicy", get_policy, API_READS},        {"RollBackPolicy", roll_back, API_CONTROLS},
    {"UnassignPolicy", unassign, API_CONTROLS},  {"DeletePolicy", delete_policy, API_CONTROLS},
};

const struct api_methods api_policy_methods = {rows, ARRAY_SIZE(rows)};
