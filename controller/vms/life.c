/* Records come, change their state and go. */
#include "controller/vms/life.h"

#include <assert.h>
#include <stdio.h>

static struct vm_facts gather_facts(struct vm *vm)
{
    const struct vm_hypervisor *hypervisor = &vm->hypervisor;
    enum run_state run_state = hypervisor->known ? hypervisor->facts.run_state : RUN_STATE_UNKNOWN;
    bool connected = vm->links.agent != NULL;

    vm->life.agent_was_here = vm->life.agent_was_here || connected;
    return (struct vm_facts){
        .gone = vm->life.gone || vm->life.removed,
        .migrating = run_state == RUN_STATE_MIGRATING,
        .paused = run_state == RUN_STATE_PAUSED || run_state == RUN_STATE_STOPPED,
        .agent_connected = connected,
        .agent_ready = connected && vm->announced && vm->agent.info.boot_id[0] != '\0',
        .agent_late = connected && vm->links.late,
        .agent_was_here = vm->life.agent_was_here,
    };
}

void vm_update_state(struct vm *vm)
{
    const struct vm_facts facts = gather_facts(vm);

    for (;;) {
        enum vm_state next = vm_state_step(vm->life.state, &facts);
        char text[96];

        if (next == vm->life.state)
            break;
        assert(vm_state_may_follow(vm->life.state, next));
        snprintf(text, sizeof(text), "%s, was %s", vm_state_name(next),
                 vm_state_name(vm->life.state));
        vm->life.state = next;
        vm_emit(vm, VM_EVENT_STATE, text);
    }
    assert(!vm->life.removed || vm->life.state == VM_GONE);
}

void vm_mark_gone(struct vm *vm)
{
    assert(!vm->life.gone && !vm->life.removed);
    vm->life.gone = true;
    vm_update_state(vm);
    vm->life.gone = false;
    assert(vm->life.state == VM_GONE);
    vm->life.agent_was_here = false;
    vm_update_state(vm);
}

int supervisor_add_vm(struct supervisor *supervisor, struct vm *vm, struct error *error)
{
    int r = registry_add(&supervisor->registry, vm, error);

    if (r < 0)
        return r;
    vm->supervisor = supervisor;
    assert(list_is_empty(&vm->life.slot_link) && supervisor->next_slot < SUPERVISOR_SLOTS);
    list_append(&supervisor->slots[supervisor->next_slot], &vm->life.slot_link);
    supervisor->next_slot = (supervisor->next_slot + 1) % SUPERVISOR_SLOTS;
    if (vm->sources.set == VM_SOURCE_AGENT)
        supervisor->unannounced_count++;
    vm_emit(vm, VM_EVENT_STATE, vm_state_name(vm->life.state));
    return 0;
}

void vm_reap(struct vm *vm)
{
    if (!vm->life.removed || vm->links.open > 0)
        return;
    assert(vm->life.state == VM_GONE && list_is_empty(&vm->link));
    assert(vm->links.agent == NULL && vm->links.candidate == NULL && vm->links.dial == NULL);
    assert(vm->hypervisor.session == NULL);
    vm_emit(vm, VM_EVENT_REMOVED, "removed");
    vm_destroy(vm);
}

void vm_remove(struct vm *vm)
{
    struct supervisor *supervisor = vm->supervisor;

    if (vm->life.removed)
        return;
    vm->life.removed = true;
    vm_update_state(vm);
    registry_remove(&supervisor->registry, vm);
    list_remove(&vm->life.slot_link);
    if (vm->sources.set == VM_SOURCE_AGENT) {
        assert(supervisor->unannounced_count > 0);
        supervisor->unannounced_count--;
    }
    vm_reap(vm);
}
