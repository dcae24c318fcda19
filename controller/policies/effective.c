/* Policies under the guest's own limits. */
#include "controller/policies/effective.h"

#include <assert.h>
#include <string.h>

const char *vm_own_limit(const struct vm *vm, const char *key)
{
    bool is_told = vm->assigned.capped_values != NULL;

    for (size_t i = 0; vm->assigned.capped_keys != NULL && vm->assigned.capped_keys[i] != NULL;
         i++) {
        is_told = is_told && vm->assigned.capped_values[i] != NULL;
        if (strcmp(vm->assigned.capped_keys[i], key) == 0)
            return is_told ? vm->assigned.capped_values[i] : "";
    }
    return NULL;
}

bool vm_effective_policy(const struct vm *vm, struct policy *ret_policy)
{
    struct error error;
    const char *key;

    if (vm->assigned.policy == NULL)
        return false;
    *ret_policy = *vm->assigned.policy;
    for (size_t i = 0; (key = policy_key(i)) != NULL; i++) {
        const char *limit = policy_key_is_of_arbiter(key) ? NULL : vm_own_limit(vm, key);

        /* A value that this version does not understand leaves what was asked for. */
        if (limit != NULL && limit[0] != '\0')
            (void)policy_set_kept(ret_policy, key, limit, &error);
    }
    assert(ret_policy->revision == vm->assigned.policy->revision);
    return true;
}
