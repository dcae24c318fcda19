/* Which VM gets which policy of the store. */
#include "controller/policies/assignments.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "controller/policies/give.h"
#include "controller/policies/push.h"

/* ---- a VM that comes or changes ---- */

static void on_assigned(const struct store_assigned *assigned, void *userdata)
{
    struct policy_assignments *assignments = userdata;
    struct policy_giving giving = {.registry = &assignments->supervisor->registry};

    for (size_t i = 0; i < assigned->count; i++)
        (void)policy_give(&giving, assigned, i);
}

static void on_event(const struct vm_event *event, void *userdata)
{
    struct policy_assignments *assignments = userdata;
    struct policy_subject subject;

    if (event->kind != VM_EVENT_STATE && event->kind != VM_EVENT_HYPERVISOR)
        return;
    subject = policy_subject_of(event->vm);
    store_ask_assigned(assignments->store, &subject, 1, on_assigned, assignments);
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
    policy_rollouts_init(&assignments->rollouts, supervisor);
}

/* ---- a VM's own file ---- */

struct offer {
    const struct registry *registry;
    char vm[VM_NAME_SIZE];
    struct policy policy;
    uint64_t hash;
};

static void on_offered(const struct store_assigned *assigned, void *userdata)
{
    struct offer *offer = userdata;
    struct vm *vm = registry_find_name(offer->registry, offer->vm);
    /* A store that cannot be read assigns nothing. */
    bool is_assigned = assigned->count > 0 && assigned->revision_of[0] != POLICY_NONE_ASSIGNED;

    if (vm != NULL && !is_assigned)
        (void)policy_assign_file(vm, &offer->policy, offer->hash);
    free(offer);
}

void policy_offer_file(struct policy_assignments *assignments, struct vm *vm,
                       const struct policy *policy, uint64_t hash)
{
    const struct policy_subject subject = policy_subject_of(vm);
    struct offer *offer = malloc(sizeof(*offer));

    if (offer == NULL)
        return; /* the next reading of the files tries again */
    *offer = (struct offer){
        .registry = &assignments->supervisor->registry, .policy = *policy, .hash = hash};
    snprintf(offer->vm, sizeof(offer->vm), "%s", vm->name);
    store_ask_assigned(assignments->store, &subject, 1, on_offered, offer);
}
