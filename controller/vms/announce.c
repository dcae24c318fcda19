/* Vouching for agents. */
#include "controller/vms/announce.h"

#include <errno.h>
#include <inttypes.h>

#include "controller/vms/links.h"

/* A link is believed by how it came. That the VM's file knows a path says nothing of one that came
 * by a CID. */
static bool is_vouched_for(const struct vm *vm)
{
    return (vm->links.agent != NULL && vm->links.agent_is_dialled) || vm_cid_is_vouched_for(vm);
}

/* The CID that the hypervisor says; an unannounced record for it becomes part of this VM. */
static void take_hypervisor_cid(struct vm *vm)
{
    struct registry *registry = &vm->supervisor->registry;
    uint32_t cid = vm->hypervisor.facts.guest_cid;
    bool came_by_cid = vm->cid != 0 && !vm->links.agent_is_dialled;
    struct vm *other;
    struct error error;

    if (cid == 0 || cid == vm->cid)
        return;
    other = registry_find_cid(registry, cid);
    if (other != NULL && other->sources.set == VM_SOURCE_AGENT)
        (void)registry_set_cid(registry, other, 0, NULL);
    if (registry_set_cid(registry, vm, cid, &error) < 0) {
        vm_warn(vm, "%s", error.text);
        return;
    }
    /* An agent that came by the CID of the file is not this VM's. */
    if (came_by_cid)
        vm_links_drop(vm, "the hypervisor has another CID");
    if (other != NULL && other->sources.set == VM_SOURCE_AGENT)
        vm_links_adopt(vm, other);
}

static void announce(struct vm *vm)
{
    take_hypervisor_cid(vm);
    vm->announced = is_vouched_for(vm);
    if (vm->announced && vm->links.agent != NULL)
        vm_links_tell_order(vm);
}

void announce_withdraw(struct vm *vm, const char *reason)
{
    vm->announced = false;
    vm_links_drop(vm, reason);
}

void announce_on_event(const struct vm_event *event)
{
    if (event->kind == VM_EVENT_HYPERVISOR && !event->vm->hypervisor.known)
        announce_withdraw(event->vm, event->text);
    else if (event->kind == VM_EVENT_HYPERVISOR || event->kind == VM_EVENT_CONNECTED ||
             event->kind == VM_EVENT_DISCONNECTED)
        announce(event->vm);
}

int vm_may_command(const struct vm *vm, struct error *error)
{
    if (vm->links.agent == NULL)
        return error_set(error, -ENOTCONN,
                         "no agent of VM '%s' is connected; start vmreclaim-agent in the guest",
                         vm->name);
    if (!vm->announced)
        return error_set(error, -EPERM,
                         "VM '%s' is only observed: no hypervisor vouches for CID %" PRIu32
                         "; give the VM a file with its 'hypervisor' address",
                         vm->name, vm->cid);
    if (vm->life.state == VM_PAUSED || vm->life.state == VM_MIGRATING)
        return error_set(error, -EBUSY, "VM '%s' is %s; nothing is done to it until it runs",
                         vm->name, vm_state_name(vm->life.state));
    return 0;
}
