/* What operators order about policies.
 *
 * Theory of operation: an order is one object. First the store carries it out; then it says what is
 * assigned to each VM now, and who runs something else gets it. It ends when their agents have
 * answered. */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/text.h"
#include "controller/policies/assignments.h"
#include "controller/policies/give.h"
#include "controller/policies/push.h"

struct order {
    struct policy_assignments *assignments;
    bool withdraws;                   /* assignments; else a policy is spread */
    struct policy_revision *revision; /* of the policy that is spread */
    struct policy_assignment **assignments_gone;
    size_t gone_count;
    size_t gone_omitted; /* there was no room for them */
    char *selector;      /* whom it is for; NULL: nobody */
    bool selects_some;   /* there is a VM that it means */
    policy_done done;
    void *userdata;
};

/* ---- the end ---- */

static void end(struct order *order, int status, const struct error *error,
                const struct policy_standing *standings, size_t standing_count)
{
    assert((status < 0) == (error != NULL));
    assert(status < 0 || order->withdraws == (order->revision == NULL));
    order->done(&(struct policy_result){.status = status,
                                        .error = error,
                                        .selects_none = order->selector != NULL &&
                                                        order->selector[0] != '\0' &&
                                                        !order->selects_some,
                                        .revision = order->revision,
                                        .assignments = order->assignments_gone,
                                        .assignment_count = order->gone_count,
                                        .assignments_omitted = order->gone_omitted,
                                        .standings = standings,
                                        .standing_count = standing_count},
                order->userdata);
    free(order->revision);
    for (size_t i = 0; i < order->gone_count; i++)
        free(order->assignments_gone[i]);
    free((void *)order->assignments_gone);
    free(order->selector);
    free(order);
}

static void end_without_memory(struct order *order)
{
    static const struct error error = {"out of memory"};

    end(order, -ENOMEM, &error, NULL, 0);
}

/* ---- who gets it ---- */

static void on_rolled_out(const struct policy_standing *standings, size_t count, void *userdata)
{
    end(userdata, 0, NULL, standings, count);
}

static void give(struct policy_giving *giving, struct policy_rollout *rollout, struct vm *vm,
                 const struct policy_revision *revision, const char *selector)
{
    const struct policy *policy = policy_giving_read(giving, revision);

    if (policy != NULL)
        policy_rollout_add(rollout, vm, policy, selector);
    else
        policy_rollout_note(rollout, vm, POLICY_REFUSED, "the revision's text cannot be read");
}

static void note_overridden(struct policy_rollout *rollout, struct vm *vm,
                            const struct policy_revision *found)
{
    char reason[256];

    policy_say_overridden(vm, found, reason, sizeof(reason));
    policy_rollout_note(rollout, vm, POLICY_OVERRIDDEN, reason);
}

/* `found` is assigned to the VM. A policy that is spread goes to all that it is for; else everybody
 * gets their own. */
static void settle(const struct order *order, struct policy_giving *giving,
                   struct policy_rollout *rollout, struct vm *vm,
                   const struct policy_revision *found, const char *selector)
{
    enum policy_fate fate;

    assert(order->withdraws == (order->revision == NULL));
    if (order->withdraws) {
        if (!policy_is_given(vm, found))
            give(giving, rollout, vm, found, selector);
        return;
    }
    fate = policy_fate_of(order->revision->name, order->selector, vm, found);
    if (fate == POLICY_MEANT)
        give(giving, rollout, vm, found, selector);
    else if (fate == POLICY_MEANT_ELSEWHERE)
        note_overridden(rollout, vm, found);
}

/* Nothing is assigned to the VM, or nothing any more. */
static void settle_rest(const struct order *order, struct policy_rollout *rollout, struct vm *vm)
{
    if (order->withdraws && !policy_is_assigned(vm, vm->assigned.file))
        policy_rollout_add(rollout, vm, vm->assigned.file, "");
}

static void on_assigned(const struct store_assigned *assigned, void *userdata)
{
    struct order *order = userdata;
    const struct registry *registry = &order->assignments->supervisor->registry;
    struct policy_giving giving = {.registry = registry};
    struct policy_rollout *rollout =
        policy_rollout_create(&order->assignments->rollouts, assigned->count);

    if (rollout == NULL) {
        end_without_memory(order);
        return;
    }
    for (size_t i = 0; i < assigned->count; i++) {
        struct vm *vm = registry_find_name(registry, assigned->vms[i]);

        if (vm == NULL)
            continue;
        order->selects_some |= order->selector != NULL && policy_means(order->selector, vm);
        if (assigned->revision_of[i] == POLICY_NONE_ASSIGNED)
            settle_rest(order, rollout, vm);
        else
            settle(order, &giving, rollout, vm, assigned->found.revisions[assigned->revision_of[i]],
                   assigned->selector_of[i]);
    }
    policy_rollout_begin(rollout, on_rolled_out, order);
}

/* ---- the store ---- */

/* -ENOMEM. */
static int keep_gone(struct order *order, const struct store_policies *policies)
{
    order->assignments_gone =
        calloc(policies->assignment_count + 1, sizeof(*order->assignments_gone));
    if (order->assignments_gone == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < policies->assignment_count; i++) {
        order->assignments_gone[i] = policy_assignment_copy(policies->assignments[i]);
        if (order->assignments_gone[i] == NULL)
            return -ENOMEM;
        order->gone_count++;
    }
    order->gone_omitted = policies->omitted;
    return 0;
}

static void on_stored(const struct store_policies *policies, void *userdata)
{
    struct order *order = userdata;

    assert(order->revision == NULL && order->assignments_gone == NULL); /* it answers once */
    if (policies->answer.status < 0) {
        end(order, policies->answer.status, &policies->answer.error, NULL, 0);
        return;
    }
    if (!order->withdraws)
        order->revision = policy_revision_copy(policies->revisions[0]);
    if (order->withdraws ? keep_gone(order, policies) < 0 : order->revision == NULL)
        end_without_memory(order);
    else
        policy_ask_all(order->assignments, on_assigned, order);
}

/* NULL after calling `done`. */
static struct order *create(struct policy_assignments *assignments, policy_done done,
                            void *userdata)
{
    static const struct error error = {"out of memory"};
    struct order *order = calloc(1, sizeof(*order));

    if (order == NULL)
        done(&(struct policy_result){.status = -ENOMEM, .error = &error}, userdata);
    else
        *order = (struct order){.assignments = assignments, .done = done, .userdata = userdata};
    return order;
}

struct policy_revision policy_revision_of(const struct policy *policy,
                                          const struct policy_order *order)
{
    struct policy_revision revision = {.name = policy->name,
                                       .revision = order->made_from,
                                       .author = order->author,
                                       .time = time_realtime(),
                                       .hash = policy->hash,
                                       .source_name = order->source,
                                       .text = order->text};

    text_copy(revision.made_from_hash, sizeof(revision.made_from_hash), order->made_from_hash);
    return revision;
}

void policy_order(struct policy_assignments *assignments, const struct policy *policy,
                  const struct policy_order *asked, policy_done done, void *userdata)
{
    const struct policy_revision revision = policy_revision_of(policy, asked);
    struct order *order = create(assignments, done, userdata);

    if (order == NULL)
        return;
    order->selector = strdup(asked->selector);
    if (order->selector == NULL)
        end_without_memory(order);
    else
        store_order_policy(assignments->store, &revision, asked->selector, on_stored, order);
}

void policy_roll_back(struct policy_assignments *assignments, const char *name, uint64_t revision,
                      const char *author, policy_done done, void *userdata)
{
    struct order *order = create(assignments, done, userdata);

    if (order != NULL)
        store_roll_back(assignments->store, name, revision, author, time_realtime(), on_stored,
                        order);
}

void policy_unassign(struct policy_assignments *assignments, const char *selector, policy_done done,
                     void *userdata)
{
    struct order *order = create(assignments, done, userdata);

    if (order == NULL)
        return;
    order->withdraws = true;
    store_unassign_policy(assignments->store, selector, on_stored, order);
}

void policy_delete(struct policy_assignments *assignments, const char *name, bool unassign,
                   policy_done done, void *userdata)
{
    struct order *order = create(assignments, done, userdata);

    if (order == NULL)
        return;
    order->withdraws = true;
    store_delete_policy(assignments->store, name, unassign, on_stored, order);
}
