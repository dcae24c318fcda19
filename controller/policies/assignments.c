/* Assigning policies from the store. */
#include "controller/policies/assignments.h"

#include <string.h>

#include "controller/policies/push.h"

/* The name of the policy that is assigned to a VM. -ENOENT: none. */
static int assigned_name(const struct policy_assignments *assignments, const struct vm *vm,
                         char *name, size_t size, struct error *error)
{
    const struct vm_definition *definition = vm->sources.definition;

    return store_policy_of(assignments->store, vm->name,
                           definition == NULL ? NULL : definition->labels,
                           definition == NULL ? 0 : definition->label_count, name, size, error);
}

bool policy_is_assigned(const struct policy_assignments *assignments, const struct vm *vm)
{
    struct error error;
    char name[64];

    return assigned_name(assignments, vm, name, sizeof(name), &error) == 0;
}

static int assigned_policy(const struct policy_assignments *assignments, const struct vm *vm,
                           struct policy *ret_policy)
{
    struct error error;
    char name[64];
    int r = assigned_name(assignments, vm, name, sizeof(name), &error);

    return r < 0 ? r : policy_revision_newest(assignments->store, name, ret_policy, &error);
}

static bool runs(const struct vm *vm, const struct policy *policy)
{
    return vm->assigned.policy != NULL && vm->assigned.policy->revision == policy->revision &&
           strcmp(vm->assigned.policy->name, policy->name) == 0 &&
           strcmp(vm->assigned.policy->hash, policy->hash) == 0;
}

static void on_event(const struct vm_event *event, void *userdata)
{
    const struct policy_assignments *assignments = userdata;
    struct policy policy;

    if (event->kind != VM_EVENT_STATE && event->kind != VM_EVENT_HYPERVISOR)
        return;
    if (assigned_policy(assignments, event->vm, &policy) == 0 && !runs(event->vm, &policy))
        (void)policy_assign(event->vm, &policy);
}

bool policy_selector_is_pattern(const char *selector)
{
    return strncmp(selector, "label:", 6) == 0 || strpbrk(selector, "*?[") != NULL;
}

int policy_order(struct policy_assignments *assignments, struct policy *policy,
                 const struct policy_order *order, struct error *error)
{
    const struct policy_revision revision = {.name = policy->name,
                                             .author = order->author,
                                             .time = time_realtime(),
                                             .hash = policy->hash,
                                             .source_name = order->source,
                                             .text = order->text};
    const struct policy_assignment assignment = {order->selector, policy->name, order->author,
                                                 revision.time};
    int r = store_policy_add(assignments->store, &revision, &policy->revision, error);

    if (r < 0 || order->selector[0] == '\0')
        return r;
    return store_assign(assignments->store, &assignment, error);
}

size_t policy_spread(struct policy_assignments *assignments, const char *name, char **ret_vms)
{
    struct policy policy;
    char assigned[64];
    struct error error;
    size_t count = 0;

    if (policy_revision_newest(assignments->store, name, &policy, &error) < 0)
        return 0;
    list_for_each (link, &assignments->supervisor->registry.vms) {
        struct vm *vm = list_entry(link, struct vm, link);

        if (assigned_name(assignments, vm, assigned, sizeof(assigned), &error) < 0 ||
            strcmp(assigned, name) != 0)
            continue;
        if (!runs(vm, &policy))
            (void)policy_assign(vm, &policy);
        ret_vms[count++] = (char *)vm->name;
    }
    return count;
}

size_t policy_settle(struct policy_assignments *assignments, char **ret_vms)
{
    struct policy policy;
    size_t count = 0;

    list_for_each (link, &assignments->supervisor->registry.vms) {
        struct vm *vm = list_entry(link, struct vm, link);

        if (assigned_policy(assignments, vm, &policy) < 0 || runs(vm, &policy))
            continue;
        (void)policy_assign(vm, &policy);
        ret_vms[count++] = (char *)vm->name;
    }
    return count;
}

void policy_assignments_init(struct policy_assignments *assignments, struct supervisor *supervisor,
                             struct store *store)
{
    *assignments = (struct policy_assignments){
        .supervisor = supervisor,
        .store = store,
        .listener = {.on_event = on_event, .userdata = assignments},
    };
    supervisor_listen(supervisor, &assignments->listener);
}
