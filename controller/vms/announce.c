/* Whose agent this is, and what it is told then: the lowest useful reporting order, and its policy.
 */
#include "controller/vms/supervisor.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/util.h"
#include "common/policy/policy-message.h"
#include "common/policy/zone.h"

#define CALL_TIMEOUT           (10 * NSEC_PER_SEC)
#define POLICY_ANSWER_KEYS_MAX 64
#define POLICY_RETRY           (30 * NSEC_PER_SEC)

static const ProtobufCServiceDescriptor *const agent_service =
    &vmreclaim__agent__v1__agent__descriptor;

/* ---- announcing, reporting order ---- */

static void on_order_told(const struct ttrpc_result *result, void *userdata)
{
    /* An agent that refuses keeps to its own floor. */
}

static void tell_lowest_order(struct supervisor *supervisor, struct vm *vm)
{
    Vmreclaim__Agent__V1__SetReportingRequest request =
        VMRECLAIM__AGENT__V1__SET_REPORTING_REQUEST__INIT;
    int order = supervisor_lowest_order(supervisor, vm);

    if (order < 0 || order == vm->told_order)
        return;
    vm->told_order = order;
    request.asked_by = (char *)"controller";
    request.set_lowest_order = true;
    request.lowest_order = (uint32_t)order;
    (void)ttrpc_call_unary(agent_link_connection(vm->links.agent), agent_service, "SetReporting",
                           &request.base, CALL_TIMEOUT, on_order_told, vm, NULL);
}

/* Whether somebody other than the guest says that this agent is this VM's. */
static bool is_vouched_for(const struct vm *vm)
{
    if (vm->sources.definition != NULL && vm->sources.definition->agent != NULL)
        return true;
    return vm->hypervisor.known && hypervisor_process_is_open(&vm->measured.process) &&
           vm->cid != 0 && vm->hypervisor.facts.guest_cid == vm->cid;
}

/* The CID that the hypervisor says; an unannounced record for it becomes part of this VM. */
static void take_hypervisor_cid(struct supervisor *supervisor, struct vm *vm)
{
    uint32_t cid = vm->hypervisor.facts.guest_cid;
    bool came_by_cid =
        vm->cid != 0 && (vm->sources.definition == NULL || vm->sources.definition->agent == NULL);
    struct vm *other;
    struct error error;

    if (cid == 0 || cid == vm->cid)
        return;
    other = registry_find_cid(&supervisor->registry, cid);
    if (other != NULL && other->sources.set == VM_SOURCE_AGENT)
        (void)registry_set_cid(&supervisor->registry, other, 0, NULL);
    if (registry_set_cid(&supervisor->registry, vm, cid, &error) < 0) {
        supervisor_warn(supervisor, vm, "%s", error.text);
        return;
    }
    /* An agent that came by the CID of the file is not this VM's. */
    if (came_by_cid)
        vm_agent_drop(vm, "the hypervisor has another CID");
    if (other != NULL && other->sources.set == VM_SOURCE_AGENT)
        vm_agent_adopt(supervisor, vm, other);
}

void vm_agent_announce(struct supervisor *supervisor, struct vm *vm)
{
    take_hypervisor_cid(supervisor, vm);
    vm->announced = is_vouched_for(vm);
    if (!vm->announced || vm->links.agent == NULL)
        return;
    tell_lowest_order(supervisor, vm);
    vm_agent_send_policy(supervisor, vm);
}

/* ---- policy ---- */

/* A guest's list of keys, NULL-terminated; NULL when it is empty or memory is short. */
static char **copy_keys(char *const *keys, size_t count)
{
    char **copies;

    count = min_of(count, (size_t)POLICY_ANSWER_KEYS_MAX);
    copies = count == 0 ? NULL : calloc(count + 1, sizeof(*copies));
    for (size_t i = 0; copies != NULL && i < count; i++) {
        char key[64];

        vm_copy_guest_text(key, sizeof(key), keys[i]);
        copies[i] = strdup(key);
        if (copies[i] == NULL)
            break;
    }
    return copies;
}

static void tell_policy(struct vm *vm, const char *text)
{
    supervisor_emit(vm->supervisor,
                    &(struct vm_event){.vm = vm, .kind = VM_EVENT_POLICY, .text = text});
}

static void on_policy_refused(struct vm *vm, const struct ttrpc_result *result)
{
    char text[384];

    vm->assigned.retry = time_boottime() + POLICY_RETRY;
    (void)snprintf(text, sizeof(text), "the agent did not take policy '%s': %s: %.200s",
                   vm->assigned.policy->name, ttrpc_code_name(result->code), result->message);
    tell_policy(vm, text);
}

static void on_policy_answer(const struct ttrpc_result *result, void *userdata)
{
    const Vmreclaim__Agent__V1__ApplyPolicyResponse *response;
    struct vm *vm = userdata;
    char text[256];

    vm->assigned.under_way = false;
    if (vm->assigned.again) {
        vm_agent_send_policy(vm->supervisor, vm);
        return;
    }
    if (result->code != TTRPC_OK) {
        on_policy_refused(vm, result);
        return;
    }
    response = (const Vmreclaim__Agent__V1__ApplyPolicyResponse *)result->response;
    vm_forget_policy_answer(vm);
    vm->assigned.unsupported_keys =
        copy_keys(response->unsupported_keys, response->n_unsupported_keys);
    vm->assigned.capped_keys = copy_keys(response->capped_keys, response->n_capped_keys);
    vm->assigned.capped_values = copy_keys(response->capped_values, response->n_capped_values);
    vm->assigned.sent = true;
    (void)snprintf(text, sizeof(text),
                   "policy %s revision %" PRIu64
                   " is in force, %zu keys unsupported, %zu capped by "
                   "the guest",
                   vm->assigned.policy->name, vm->assigned.policy->revision,
                   response->n_unsupported_keys, response->n_capped_keys);
    tell_policy(vm, text);
}

void vm_agent_send_policy(struct supervisor *supervisor, struct vm *vm)
{
    Vmreclaim__Agent__V1__ApplyPolicyRequest request =
        VMRECLAIM__AGENT__V1__APPLY_POLICY_REQUEST__INIT;
    Vmreclaim__Policy__V1__Policy *message;

    if (vm->assigned.policy == NULL || vm->assigned.sent || vm->assigned.under_way ||
        vm->links.agent == NULL || !vm->announced)
        return;
    vm->assigned.zone_change =
        zone_resolve_policy(vm->assigned.policy, time_realtime() / (int64_t)NSEC_PER_SEC);
    message = policy_message_create(vm->assigned.policy);
    if (message == NULL)
        return; /* the next tick tries again */
    vm->assigned.again = false;
    request.policy = message;
    request.controller_time_ns = time_realtime();
    if (ttrpc_call_unary(agent_link_connection(vm->links.agent), agent_service, "ApplyPolicy",
                         &request.base, CALL_TIMEOUT, on_policy_answer, vm, NULL) == 0)
        vm->assigned.under_way = true;
    policy_message_destroy(message);
}

int supervisor_set_policy(struct supervisor *supervisor, struct vm *vm, const struct policy *policy)
{
    struct policy *copy = malloc(sizeof(*copy));

    if (copy == NULL)
        return -ENOMEM;
    *copy = *policy;
    free(vm->assigned.policy);
    vm->assigned.policy = copy;
    vm->assigned.sent = false;
    vm->assigned.retry = 0;
    vm->assigned.again = vm->assigned.under_way;
    vm_forget_policy_answer(vm);
    vm_agent_send_policy(supervisor, vm);
    return 0;
}
