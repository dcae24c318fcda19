/* Wanted ones are matched with the host's by name. */
#include "controller/fleet/coordinator/host-policies.h"

#include <string.h>

#include "common/base/util.h"
#include "controller/selectors/target.h"

#define STATE(name) VMRECLAIM__FLEET__V1__HOST_POLICY_STATE__HOST_POLICY_##name

typedef Vmreclaim__Fleet__V1__Applied Applied;
typedef Vmreclaim__Fleet__V1__AppliedPolicy AppliedPolicy;
typedef Vmreclaim__Fleet__V1__DesiredPolicy DesiredPolicy;

static char empty[] = "";

static const Applied *applied_of(const struct host_entry *entry)
{
    return entry->status == NULL ? NULL : entry->status->applied;
}

static size_t count_applied(const struct host_entry *entry)
{
    const Applied *applied = applied_of(entry);

    return applied == NULL ? 0 : min_of(applied->n_policies, (size_t)HOST_POLICIES_MAX);
}

static size_t count_wanted(const struct host_entry *entry)
{
    return entry->wanted == NULL ? 0 : entry->wanted->n_policies;
}

/* What the host has of that name; NULL: nothing. */
static const AppliedPolicy *find_applied(const struct host_entry *entry, const char *name)
{
    for (size_t i = 0; i < count_applied(entry); i++)
        if (strcmp(applied_of(entry)->policies[i]->name, name) == 0)
            return applied_of(entry)->policies[i];
    return NULL;
}

const DesiredPolicy *host_policy_wanted(const struct host_entry *entry, const char *name,
                                        const struct text_digest **ret_digest)
{
    for (size_t i = 0; i < count_wanted(entry); i++)
        if (strcmp(entry->wanted->policies[i]->name, name) == 0) {
            *ret_digest = &entry->wanted_digests[i];
            return entry->wanted->policies[i];
        }
    return NULL;
}

/* Nothing of a state that is refused is taken. */
static bool is_refused(const struct host_entry *entry)
{
    const Applied *applied = applied_of(entry);

    return applied != NULL && applied->refused[0] != '\0' && entry->wanted != NULL &&
           applied->refused_generation == entry->wanted->generation;
}

static bool is_pinned(const AppliedPolicy *applied)
{
    return applied != NULL &&
           applied->outcome == VMRECLAIM__FLEET__V1__APPLIED_OUTCOME__APPLIED_PINNED;
}

static bool is_in_force(const AppliedPolicy *applied, const struct text_digest *wanted)
{
    return applied != NULL &&
           applied->outcome == VMRECLAIM__FLEET__V1__APPLIED_OUTCOME__APPLIED_IN_FORCE &&
           applied->digest.len == sizeof(wanted->bytes) &&
           memcmp(applied->digest.data, wanted->bytes, sizeof(wanted->bytes)) == 0;
}

static void fill_wanted(const struct host_entry *entry, size_t index, HostPolicy *policy)
{
    const DesiredPolicy *wanted = entry->wanted->policies[index];
    struct text_digest *digest = &entry->wanted_digests[index];
    const AppliedPolicy *applied = find_applied(entry, wanted->name);

    policy->name = wanted->name;
    policy->selectors = wanted->selectors;
    policy->n_selectors = wanted->n_selectors;
    policy->rollout = wanted->rollout;
    policy->wanted_digest =
        (ProtobufCBinaryData){.len = sizeof(digest->bytes), .data = digest->bytes};
    if (applied != NULL)
        policy->digest = applied->digest;
    policy->state = STATE(WAITS);
    if (is_refused(entry)) {
        policy->state = STATE(REFUSED);
        policy->reason = applied_of(entry)->refused;
    } else if (is_pinned(applied)) {
        policy->state = STATE(PINNED);
        policy->reason = applied->reason;
    } else if (is_in_force(applied, digest)) {
        policy->state = STATE(IN_FORCE);
    }
}

static void fill_left(const AppliedPolicy *applied, HostPolicy *policy)
{
    policy->name = applied->name;
    policy->state = is_pinned(applied) ? STATE(PINNED) : STATE(LEFT);
    policy->reason = is_pinned(applied) ? applied->reason : empty;
    policy->rollout = applied->rollout;
    policy->digest = applied->digest;
}

bool host_policy_next(const struct host_entry *entry, size_t *place, HostPolicy *ret_policy)
{
    size_t wanted = count_wanted(entry);
    const struct text_digest *digest;

    vmreclaim__fleet__v1__host_policy__init(ret_policy);
    if (*place < wanted) {
        fill_wanted(entry, (*place)++, ret_policy);
        return true;
    }
    while (*place < wanted + count_applied(entry)) {
        const AppliedPolicy *applied = applied_of(entry)->policies[(*place)++ - wanted];

        if (host_policy_wanted(entry, applied->name, &digest) != NULL)
            continue;
        fill_left(applied, ret_policy);
        return true;
    }
    return false;
}

bool host_policy_may_mean(const HostPolicy *policy, const char *vm)
{
    for (size_t i = 0; i < policy->n_selectors; i++)
        if (strncmp(policy->selectors[i], "label:", strlen("label:")) == 0 ||
            target_matches(policy->selectors[i], vm, NULL, 0))
            return true;
    return policy->n_selectors == 0;
}
