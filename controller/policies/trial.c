/* Orders that are tried. */
#include "controller/policies/trial.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/text.h"
#include "controller/policies/give.h"
#include "controller/vms/announce.h"

struct trial {
    struct policy_assignments *assignments;
    char name[64]; /* of the policy */
    char *selector;
    policy_trial_done done;
    void *userdata;
};

const char *policy_trial_outcome_name(enum policy_trial_outcome outcome)
{
    static const char *const names[POLICY_TRIAL_OUTCOME_COUNT] = {
        [POLICY_TRIAL_GIVEN] = "given",
        [POLICY_TRIAL_UNCHANGED] = "unchanged",
        [POLICY_TRIAL_LATER] = "later",
        [POLICY_TRIAL_OVERRIDDEN] = "overridden",
    };

    return names[outcome];
}

static void end(struct trial *trial, const struct policy_trial *result)
{
    trial->done(result, trial->userdata);
    free(trial->selector);
    free(trial);
}

static void fail(struct trial *trial, int status, const struct error *error)
{
    end(trial, &(struct policy_trial){.status = status, .error = error, .name = trial->name});
}

/* The policy would be the VM's. */
static void judge(const struct vm *vm, const struct policy_revision *found,
                  struct policy_trial_vm *entry)
{
    struct error error;

    if (policy_is_given(vm, found)) {
        entry->outcome = POLICY_TRIAL_UNCHANGED;
    } else if (vm_may_command(vm, &error) < 0) {
        entry->outcome = POLICY_TRIAL_LATER;
        text_copy_line(entry->reason, sizeof(entry->reason), error.text);
    } else
        entry->outcome = POLICY_TRIAL_GIVEN;
}

/* False: the VM is not concerned. */
static bool look(const struct trial *trial, const struct vm *vm,
                 const struct policy_revision *found, struct policy_trial_vm *entry)
{
    enum policy_fate fate = policy_fate_of(trial->name, trial->selector, vm, found);

    *entry = (struct policy_trial_vm){.vm = vm};
    if (fate == POLICY_MEANT)
        judge(vm, found, entry);
    else if (fate == POLICY_MEANT_ELSEWHERE) {
        entry->outcome = POLICY_TRIAL_OVERRIDDEN;
        policy_say_overridden(vm, found, entry->reason, sizeof(entry->reason));
    }
    return fate != POLICY_NOT_MEANT;
}

static void look_at_all(const struct trial *trial, const struct store_assigned *assigned,
                        struct policy_trial_vm *entries, struct policy_trial *result)
{
    const struct registry *registry = &trial->assignments->supervisor->registry;
    bool selects_some = trial->selector[0] == '\0';

    for (size_t i = 0; i < assigned->count; i++) {
        const struct vm *vm = registry_find_name(registry, assigned->vms[i]);

        if (vm == NULL)
            continue;
        selects_some = selects_some || policy_means(trial->selector, vm);
        if (assigned->revision_of[i] != POLICY_NONE_ASSIGNED &&
            look(trial, vm, assigned->found.revisions[assigned->revision_of[i]],
                 &entries[result->count]))
            result->count++;
    }
    result->selects_none = !selects_some;
}

static void on_tried(const struct store_assigned *assigned, void *userdata)
{
    static const struct error no_memory = {"out of memory"};
    struct trial *trial = userdata;
    struct policy_trial result = {.name = trial->name, .revision = assigned->tried};
    struct policy_trial_vm *entries;

    if (assigned->answer.status < 0) {
        fail(trial, assigned->answer.status, &assigned->answer.error);
        return;
    }
    entries = calloc(assigned->count + 1, sizeof(*entries));
    if (entries == NULL) {
        fail(trial, -ENOMEM, &no_memory);
        return;
    }
    look_at_all(trial, assigned, entries, &result);
    result.vms = entries;
    end(trial, &result);
    free(entries);
}

void policy_try(struct policy_assignments *assignments, const struct policy *policy,
                const struct policy_order *asked, policy_trial_done done, void *userdata)
{
    static const struct error no_memory = {"out of memory"};
    const struct policy_revision revision = policy_revision_of(policy, asked);
    struct trial *trial = calloc(1, sizeof(*trial));
    struct policy_subject *subjects;
    size_t count = 0;

    if (trial == NULL) {
        done(&(struct policy_trial){.status = -ENOMEM, .error = &no_memory, .name = ""}, userdata);
        return;
    }
    *trial = (struct trial){.assignments = assignments, .done = done, .userdata = userdata};
    text_copy(trial->name, sizeof(trial->name), policy->name);
    trial->selector = strdup(asked->selector);
    subjects = policy_all_subjects(assignments, &count);
    if (trial->selector == NULL || subjects == NULL)
        fail(trial, -ENOMEM, &no_memory);
    else
        store_try_policy(assignments->store, &revision, asked->selector, subjects, count, on_tried,
                         trial);
    free(subjects);
}
