/* Pushing policies. */
#include "controller/policies/push.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/text.h"
#include "common/base/util.h"
#include "common/policy/policy-message.h"
#include "common/policy/zone.h"
#include "controller/vms/agent.h"

#define CALL_TIMEOUT    (10 * NSEC_PER_SEC)
#define ANSWER_KEYS_MAX 64
#define RETRY           (30 * NSEC_PER_SEC)

static const ProtobufCServiceDescriptor *const agent_service =
    &vmreclaim__agent__v1__agent__descriptor;

static void push(struct vm *vm);

static void check(const struct vm *vm)
{
    const struct vm_policy *assigned = &vm->assigned;

    assert(assigned->policy != NULL || (!assigned->sent && assigned->under_way == NULL));
    assert(!assigned->again || assigned->under_way != NULL);
    assert(assigned->policy != NULL || assigned->capped_keys == NULL);
}

/* ---- the agent's answer ---- */

static void free_keys(char **keys)
{
    for (char **key = keys; key != NULL && *key != NULL; key++)
        free(*key);
    free(keys);
}

static void forget_answer(struct vm *vm)
{
    free_keys(vm->assigned.unsupported_keys);
    free_keys(vm->assigned.capped_keys);
    free_keys(vm->assigned.capped_values);
    vm->assigned.unsupported_keys = NULL;
    vm->assigned.capped_keys = NULL;
    vm->assigned.capped_values = NULL;
}

/* A guest's list of keys, NULL-terminated; NULL when it is empty or memory is short. */
static char **copy_keys(char *const *keys, size_t count)
{
    char **copies;

    count = min_of(count, (size_t)ANSWER_KEYS_MAX);
    copies = count == 0 ? NULL : calloc(count + 1, sizeof(*copies));
    for (size_t i = 0; copies != NULL && i < count; i++) {
        char key[64];

        text_copy_line(key, sizeof(key), keys[i]);
        copies[i] = strdup(key);
        if (copies[i] == NULL)
            break;
    }
    return copies;
}

static void on_policy_refused(struct vm *vm, const struct ttrpc_result *result)
{
    struct error error;

    assert(vm->assigned.policy != NULL && !vm->assigned.again);
    vm->assigned.retry = time_boottime() + RETRY;
    (void)agent_failure(vm, result, &error);
    error_prefix(&error, 0, "policy '%s' was not taken", vm->assigned.policy->name);
    vm_emit(vm, VM_EVENT_POLICY, error.text);
}

static void on_policy_answer(const struct ttrpc_result *result, void *userdata)
{
    const Vmreclaim__Agent__V1__ApplyPolicyResponse *response;
    struct vm *vm = userdata;
    char text[256];

    check(vm);
    assert(vm->assigned.under_way != NULL); /* it is answered once */
    vm->assigned.under_way = NULL;
    if (vm->assigned.again) {
        vm->assigned.again = false;
        push(vm);
        return;
    }
    /* The connection ended: the next one gets it. */
    if (result->code == TTRPC_UNAVAILABLE)
        return;
    if (result->code != TTRPC_OK) {
        on_policy_refused(vm, result);
        return;
    }
    response = (const Vmreclaim__Agent__V1__ApplyPolicyResponse *)result->response;
    forget_answer(vm);
    vm->assigned.unsupported_keys =
        copy_keys(response->unsupported_keys, response->n_unsupported_keys);
    vm->assigned.capped_keys = copy_keys(response->capped_keys, response->n_capped_keys);
    vm->assigned.capped_values = copy_keys(response->capped_values, response->n_capped_values);
    vm->assigned.sent = true;
    snprintf(text, sizeof(text),
             "policy %s revision %" PRIu64 " is in force, %zu keys unsupported, %zu capped by "
             "the guest",
             vm->assigned.policy->name, vm->assigned.policy->revision, response->n_unsupported_keys,
             response->n_capped_keys);
    vm_emit(vm, VM_EVENT_POLICY, text);
}

/* ---- asking ---- */

static bool may_push(const struct vm *vm)
{
    const struct vm_policy *assigned = &vm->assigned;

    return assigned->policy != NULL && !assigned->sent && assigned->under_way == NULL &&
           vm->links.agent != NULL && vm->announced && vm->agent.info.boot_id[0] != '\0';
}

static void push(struct vm *vm)
{
    Vmreclaim__Agent__V1__ApplyPolicyRequest request =
        VMRECLAIM__AGENT__V1__APPLY_POLICY_REQUEST__INIT;
    Vmreclaim__Policy__V1__Policy *message;

    if (!may_push(vm))
        return;
    vm->assigned.zone_change =
        zone_resolve_policy(vm->assigned.policy, time_realtime() / (int64_t)NSEC_PER_SEC);
    message = policy_message_create(vm->assigned.policy);
    if (message == NULL)
        return; /* the next tick tries again */
    vm->assigned.again = false;
    request.policy = message;
    request.controller_time_ns = time_realtime();
    (void)ttrpc_call_unary(agent_link_connection(vm->links.agent), agent_service, "ApplyPolicy",
                           &request.base, CALL_TIMEOUT, on_policy_answer, vm,
                           &vm->assigned.under_way);
    policy_message_destroy(message);
    check(vm);
}

int policy_assign(struct vm *vm, const struct policy *policy)
{
    struct vm_policy *assigned = &vm->assigned;
    struct policy *copy = malloc(sizeof(*copy));

    if (copy == NULL)
        return -ENOMEM;
    *copy = *policy;
    free(assigned->policy);
    assigned->policy = copy;
    assigned->sent = false;
    assigned->retry = 0;
    assigned->again = assigned->under_way != NULL;
    forget_answer(vm);
    check(vm);
    push(vm);
    assert(!assigned->sent);
    return 0;
}

int policy_assign_file(struct vm *vm, const struct policy *policy, uint64_t hash)
{
    vm->assigned.file_hash = hash;
    return policy_assign(vm, policy);
}

/* ---- what happens to the VM ---- */

/* What the one before was asked is of no interest any more. */
static void on_connected(struct vm_policy *assigned)
{
    if (assigned->under_way != NULL)
        ttrpc_client_call_cancel(assigned->under_way);
    assigned->under_way = NULL;
    assigned->sent = false;
    assigned->again = false;
}

/* A policy that the agent kept over its absence is not sent again. */
static void on_info(struct vm *vm, const Vmreclaim__Agent__V1__GetInfoResponse *info)
{
    const struct policy *policy = vm->assigned.policy;

    if (policy != NULL && policy->hash[0] != '\0' && strcmp(policy->hash, info->policy_hash) == 0 &&
        policy->revision == info->policy_revision)
        vm->assigned.sent = true;
    push(vm);
}

static void on_removed(struct vm *vm)
{
    assert(vm->assigned.under_way == NULL); /* the link it was asked over is closed */
    forget_answer(vm);
    free(vm->assigned.policy);
    vm->assigned.policy = NULL;
    vm->assigned.sent = false;
}

static void on_event(const struct vm_event *event, void *userdata)
{
    switch (event->kind) {
    case VM_EVENT_CONNECTED:
        on_connected(&event->vm->assigned);
        break;
    case VM_EVENT_INFO:
        on_info(event->vm, event->info);
        break;
    case VM_EVENT_HYPERVISOR:
        push(event->vm);
        break;
    case VM_EVENT_REMOVED:
        on_removed(event->vm);
        break;
    default:
        break;
    }
    check(event->vm);
}

/* The clocks of a schedule's zone have changed: the agent gets them, with the next change. */
static void follow_zones(struct vm_policy *assigned)
{
    if (assigned->zone_change != 0 &&
        time_realtime() / (int64_t)NSEC_PER_SEC >= assigned->zone_change)
        assigned->sent = false;
}

static void on_visit(struct vm *vm, nsec_t now, void *userdata)
{
    if (vm->links.agent == NULL)
        return;
    follow_zones(&vm->assigned);
    if (now >= vm->assigned.retry)
        push(vm);
}

void policy_push_init(struct policy_push *push, struct supervisor *supervisor)
{
    push->listener =
        (struct supervisor_listener){.on_event = on_event, .on_visit = on_visit, .acts = true};
    supervisor_listen(supervisor, &push->listener);
}
