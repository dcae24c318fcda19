/* Which VM gets which policy of the store. */
#include "controller/policies/assignments.h"

#include <errno.h>
#include <stdlib.h>

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

/* ---- all of them ---- */

/* A store that cannot be read assigns nothing and takes nothing away. */
static void give_files(const struct registry *registry)
{
    list_for_each (link, &registry->vms) {
        struct vm *vm = list_entry(link, struct vm, link);

        if (vm->assigned.policy == NULL && vm->assigned.file != NULL)
            (void)policy_assign(vm, vm->assigned.file);
    }
}

static void on_all_assigned(const struct store_assigned *assigned, void *userdata)
{
    struct policy_assignments *assignments = userdata;

    if (assigned->answer.status < 0)
        give_files(&assignments->supervisor->registry);
    else
        on_assigned(assigned, assignments);
}

void policy_give_all(struct policy_assignments *assignments)
{
    policy_ask_all(assignments, on_all_assigned, assignments);
}

struct policy_subject *policy_all_subjects(const struct policy_assignments *assignments,
                                           size_t *ret_count)
{
    const struct registry *registry = &assignments->supervisor->registry;
    struct policy_subject *subjects = calloc(registry->count + 1, sizeof(*subjects));

    *ret_count = 0;
    if (subjects == NULL)
        return NULL;
    list_for_each (link, &registry->vms)
        subjects[(*ret_count)++] = policy_subject_of(list_entry(link, struct vm, link));
    return subjects;
}

void policy_ask_all(struct policy_assignments *assignments, store_assigned_done done,
                    void *userdata)
{
    static const struct store_assigned no_memory = {.answer = {-ENOMEM, {"out of memory"}, 0}};
    size_t count;
    struct policy_subject *subjects = policy_all_subjects(assignments, &count);

    if (subjects == NULL) {
        done(&no_memory, userdata);
        return;
    }
    store_ask_assigned(assignments->store, subjects, count, done, userdata);
    free(subjects);
}
