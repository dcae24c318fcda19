/* GetEffectivePolicy: what a VM's guest runs, and why. */
#include <errno.h>
#include <stdlib.h>

#include "controller/api/dispatch.h"
#include "controller/config/vm-file.h"
#include "controller/messages/policy.h"
#include "controller/messages/text.h"
#include "controller/policies/give.h"
#include "controller/store/requests.h"

typedef Vmreclaim__Controller__V1__PolicyAssignment PolicyAssignment;

/* Messages of the assignments; they point into the originals. */
struct assignment_messages {
    PolicyAssignment messages[STORE_MATCHES_MAX];
    PolicyAssignment *pointers[STORE_MATCHES_MAX];
};

static void fill_assignments(const struct store_policies *found,
                             struct assignment_messages *assignments,
                             Vmreclaim__Controller__V1__GetEffectivePolicyResponse *response)
{
    response->assignments = assignments->pointers;
    for (size_t i = 0; i < found->assignment_count && i < STORE_MATCHES_MAX; i++) {
        policy_assignment_to_message(found->assignments[i], &assignments->messages[i]);
        assignments->pointers[i] = &assignments->messages[i];
        response->n_assignments++;
    }
}

static void finish_why(struct api_call *call, const struct vm *vm,
                       const struct store_assigned *assigned)
{
    const struct vm_definition *definition = vm->sources.definition;
    Vmreclaim__Agent__V1__GetInfoResponse *info = vm_info_unpack(vm);
    struct assignment_messages assignments = {.pointers = {NULL}};
    struct effective_policy_message response;

    if (vm->assigned.policy != NULL)
        effective_policy_to_message(vm, true, &response);
    else
        own_policy_to_message(vm, info, &response);
    fill_assignments(&assigned->found, &assignments, &response.message);
    if (definition != NULL && definition->policy != NULL)
        response.message.file = message_text(definition->policy);
    api_call_finish(call, &response.message.base);
    vm_info_free(info);
}

static void on_matching(const struct store_assigned *assigned, void *userdata)
{
    struct api_call *call = userdata;
    const struct vm *vm;

    api_charge(call, assigned->answer.processor);
    if (assigned->answer.status < 0) {
        api_call_fail_error(call, assigned->answer.status, &assigned->answer.error);
        return;
    }
    vm = registry_find_name(&call->api->rooms.supervisor->registry, assigned->vms[0]);
    if (vm == NULL)
        api_call_fail(call, -ENOENT, "VM '%s' went away meanwhile", assigned->vms[0]);
    else
        finish_why(call, vm, assigned);
}

static void get_effective(struct api_call *call, const ProtobufCMessage *request)
{
    const Vmreclaim__Controller__V1__GetEffectivePolicyRequest *asked = (const void *)request;
    struct effective_policy_message response;
    struct vm *vm = api_find_vm(call, asked->vm);
    struct policy_subject subject;

    if (vm == NULL)
        return;
    if (asked->why) {
        subject = policy_subject_of(vm);
        store_ask_matching(api_store(call), &subject, on_matching, call);
        return;
    }
    if (vm->assigned.policy == NULL) {
        api_call_fail(call, -ENOENT,
                      "no policy is assigned to VM '%s': its agent runs its own; see: vmreclaim "
                      "policy why %s; assign one: vmreclaim policy apply FILE --vm %s",
                      vm->name, vm->name, vm->name);
        return;
    }
    effective_policy_to_message(vm, false, &response);
    api_call_finish(call, &response.message.base);
}

static const struct api_method rows[] = {
    {"GetEffectivePolicy", get_effective, API_READS},
};

const struct api_methods api_effective_methods = {rows, ARRAY_SIZE(rows)};
