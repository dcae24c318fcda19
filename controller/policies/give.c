/* From a revision's text to a VM's policy. */
#include "controller/policies/give.h"

#include <assert.h>
#include <string.h>

#include "common/base/text.h"
#include "controller/policies/push.h"
#include "controller/policies/revision.h"
#include "controller/selectors/target.h"

struct policy_subject policy_subject_of(const struct vm *vm)
{
    struct policy_subject subject = {.vm = vm->name};

    subject.labels = vm_labels(vm, &subject.label_count);
    return subject;
}

bool policy_is_given(const struct vm *vm, const struct policy_revision *revision)
{
    const struct policy *policy = vm->assigned.policy;

    return policy != NULL && policy->revision == revision->revision &&
           strcmp(policy->name, revision->name) == 0 && strcmp(policy->hash, revision->hash) == 0;
}

const struct policy *policy_giving_read(struct policy_giving *giving,
                                        const struct policy_revision *revision)
{
    struct error error;

    if (giving->read != revision) {
        giving->read = revision;
        giving->is_readable = policy_revision_load(revision, &giving->policy, &error) == 0;
    }
    assert(giving->read == revision);
    assert(!giving->is_readable || giving->policy.revision == revision->revision);
    return giving->is_readable ? &giving->policy : NULL;
}

/* The store assigns nothing to it: what its own file names is for it, or its agent's own. */
static struct vm *give_rest(struct vm *vm)
{
    const struct policy *rest = vm->assigned.file;

    return policy_is_assigned(vm, rest) || policy_assign(vm, rest) < 0 ? NULL : vm;
}

struct vm *policy_give(struct policy_giving *giving, const struct store_assigned *assigned,
                       size_t index)
{
    struct vm *vm = registry_find_name(giving->registry, assigned->vms[index]);
    const struct policy_revision *revision;

    assert(index < assigned->count && assigned->revision_of[index] >= POLICY_NONE_ASSIGNED);
    if (vm == NULL)
        return NULL;
    if (assigned->revision_of[index] == POLICY_NONE_ASSIGNED)
        return give_rest(vm);
    revision = assigned->found.revisions[assigned->revision_of[index]];
    if (policy_is_given(vm, revision) || policy_giving_read(giving, revision) == NULL ||
        policy_assign(vm, &giving->policy) < 0)
        return NULL;
    return vm;
}

bool policy_means(const char *selector, const struct vm *vm)
{
    size_t count;
    char *const *labels = vm_labels(vm, &count);

    return target_matches(selector, vm->name, labels, count);
}

enum policy_fate policy_fate_of(const char *policy, const char *selector, const struct vm *vm,
                                const struct policy_revision *found)
{
    if (strcmp(found->name, policy) == 0)
        return POLICY_MEANT;
    return selector != NULL && policy_means(selector, vm) ? POLICY_MEANT_ELSEWHERE
                                                          : POLICY_NOT_MEANT;
}

void policy_say_overridden(const struct vm *vm, const struct policy_revision *found, char *text,
                           size_t size)
{
    text_format(text, size,
                "policy '%s' is assigned to it more closely; see: vmreclaim policy why %s",
                found->name, vm->name);
}
