/* What could be had. */
#include "controller/actions/prospects.h"

#include "controller/explain/view.h"
#include "controller/messages/vm.h"
#include "controller/policies/effective.h"

void prospects_of(const struct vm *vm, struct prospects *ret_prospects)
{
    const struct host_memory *host = &vm->measured.host;
    Vmreclaim__Agent__V1__GetInfoResponse *info = vm_info_unpack(vm);
    struct vm_message message;
    struct policy policy;
    struct view view;
    bool has_policy = vm_effective_policy(vm, &policy);
    const struct explain_subject subject = {
        .vm = &message.message, .info = info, .policy = has_policy ? &policy : NULL};

    vm_to_message(vm->supervisor, vm, true, &message);
    view_init(&view, &subject);
    explain_gains(&subject, &ret_prospects->gains);
    ret_prospects->footprint = host->time == 0 ? 0 : host->footprint;
    ret_prospects->free_on_host = ret_prospects->gains.is_known ? view_free_on_host(&view) : 0;
    vm_info_free(info);
}
