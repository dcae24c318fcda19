/* Assigning policies. */
#include "controller/api/policies.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/util.h"
#include "controller/messages/text.h"
#include "controller/policies/push.h"

struct policy_wait {
    struct list link;
    struct ttrpc_call *call;
    char vm[VM_NAME_SIZE];
};

static void answer(struct ttrpc_call *call, struct vm *vm, bool pending)
{
    Vmreclaim__Controller__V1__ApplyVmPolicyResponse response =
        VMRECLAIM__CONTROLLER__V1__APPLY_VM_POLICY_RESPONSE__INIT;
    char *vms[] = {message_text(vm->name)};

    response.name = vm->assigned.policy->name;
    response.revision = vm->assigned.policy->revision;
    response.pending = pending;
    response.vms = vms;
    response.n_vms = 1;
    response.unsupported_keys = vm->assigned.unsupported_keys;
    response.n_unsupported_keys = message_count(vm->assigned.unsupported_keys);
    response.capped_keys = vm->assigned.capped_keys;
    response.n_capped_keys = message_count(vm->assigned.capped_keys);
    ttrpc_call_finish(call, &response.base);
}

static void end_wait(struct policy_wait *wait)
{
    list_remove(&wait->link);
    free(wait);
}

static void on_operator_gone(struct ttrpc_call *call, void *userdata)
{
    end_wait(userdata);
}

/* The agent has answered, or went away before it did: then the policy is pending. */
static void on_vm_event(const struct vm_event *event, void *userdata)
{
    struct api_policy_waits *waits = userdata;
    bool left = event->kind == VM_EVENT_STATE && event->vm->links.agent == NULL;

    if (event->kind != VM_EVENT_POLICY && !left)
        return;
    list_for_each_safe (link, following, &waits->waits) {
        struct policy_wait *wait = list_entry(link, struct policy_wait, link);

        if (strcmp(wait->vm, event->vm->name) != 0)
            continue;
        if (left || event->vm->assigned.sent)
            answer(wait->call, event->vm, left);
        else
            ttrpc_call_fail(wait->call, TTRPC_FAILED_PRECONDITION, "VM '%s': %s", event->vm->name,
                            event->text);
        end_wait(wait);
    }
}

void api_policy_waits_init(struct api_policy_waits *waits, struct api *api)
{
    *waits = (struct api_policy_waits){.api = api,
                                       .listener = {.on_event = on_vm_event, .userdata = waits}};
    list_init(&waits->waits);
    supervisor_listen(api->supervisor, &waits->listener);
}

void api_policy_assign(struct api_policy_waits *waits, struct ttrpc_call *call, struct vm *vm,
                       const struct policy *policy)
{
    struct policy_wait *wait = calloc(1, sizeof(*wait));

    if (wait == NULL || policy_assign(vm, policy) < 0) {
        free(wait);
        ttrpc_call_fail(call, TTRPC_RESOURCE_EXHAUSTED, "out of memory");
        return;
    }
    if (!vm->assigned.under_way) {
        answer(call, vm, true);
        free(wait);
        return;
    }
    wait->call = call;
    (void)snprintf(wait->vm, sizeof(wait->vm), "%s", vm->name);
    list_append(&waits->waits, &wait->link);
    ttrpc_call_on_cancel(call, on_operator_gone, wait);
}
