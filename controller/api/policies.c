/* Assigning policies. */
#include "controller/api/policies.h"

#include <errno.h>
#include <stdlib.h>

#include "controller/messages/text.h"

/* A call that waits for the agent's answer. */
struct waiting_call {
    struct ttrpc_call *call;
    struct policy_wait *wait;
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

static void on_operator_gone(struct ttrpc_call *call, void *userdata)
{
    struct waiting_call *waiting = userdata;

    policy_wait_cancel(waiting->wait);
    free(waiting);
}

static void on_answer(struct vm *vm, enum policy_outcome outcome, const char *text, void *userdata)
{
    struct waiting_call *waiting = userdata;
    struct ttrpc_call *call = waiting->call;

    free(waiting);
    if (outcome == POLICY_REFUSED)
        ttrpc_call_fail(call, TTRPC_FAILED_PRECONDITION, "VM '%s': %s", vm->name, text);
    else
        answer(call, vm, outcome == POLICY_PENDING);
}

void api_policy_assign(struct policy_waits *waits, struct ttrpc_call *call, struct vm *vm,
                       const struct policy *policy)
{
    struct waiting_call *waiting = calloc(1, sizeof(*waiting));
    int r = waiting == NULL
                ? -ENOMEM
                : policy_wait_start(waits, vm, policy, on_answer, waiting, &waiting->wait);

    if (r == 0) {
        waiting->call = call;
        ttrpc_call_on_cancel(call, on_operator_gone, waiting);
        return;
    }
    free(waiting);
    if (r == -ENOTCONN)
        answer(call, vm, true);
    else
        ttrpc_call_fail(call, TTRPC_RESOURCE_EXHAUSTED, "out of memory");
}
