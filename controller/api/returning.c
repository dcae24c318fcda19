/* What could come back of a VM. */
#include "controller/api/returning.h"

#include "controller/messages/text.h"
#include "controller/policies/effective.h"

static void look(const struct vm *vm, const struct vm_message *shown, struct returns *ret_returns)
{
    Vmreclaim__Agent__V1__GetInfoResponse *info = vm_info_unpack(vm);
    struct policy policy;
    bool has_policy = vm_effective_policy(vm, &policy);

    explain_returns(&(struct explain_subject){.vm = &shown->message,
                                              .info = info,
                                              .policy = has_policy ? &policy : NULL,
                                              .own_limits = vm->assigned.capped_keys},
                    ret_returns);
    vm_info_free(info);
}

static void fill_steps(struct returns_message *returns)
{
    Vmreclaim__Controller__V1__Returns *message = &returns->message;

    for (enum return_step step = 0; step < RETURN_STEP_COUNT; step++) {
        Vmreclaim__Controller__V1__HostStep *one = &returns->steps[message->n_steps];

        if (returns->returns.bytes[step] == 0)
            continue;
        vmreclaim__controller__v1__host_step__init(one);
        one->name = message_text(return_step_name(step));
        one->bytes = returns->returns.bytes[step];
        returns->pointers[message->n_steps++] = one;
    }
    message->steps = returns->pointers;
}

void returns_of_vm(const struct vm *vm, const struct vm_message *shown,
                   struct returns_message *ret_returns)
{
    vmreclaim__controller__v1__returns__init(&ret_returns->message);
    look(vm, shown, &ret_returns->returns);
    fill_steps(ret_returns);
    ret_returns->message.bytes = ret_returns->returns.total;
    ret_returns->message.reason = message_text(ret_returns->returns.why);
}
