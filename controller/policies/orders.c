/* What operators order about policies.
 *
 * Theory of operation: an order is one object. First the store carries it out; then it says what is
 * assigned to each VM now, and who runs something else gets it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "controller/policies/assignments.h"
#include "controller/policies/give.h"

struct order {
    struct policy_assignments *assignments;
    struct policy_revision *revision;     /* of a policy that is spread; NULL: none is */
    struct policy_assignment *assignment; /* that was taken away; NULL: none was */
    policy_done done;
    void *userdata;
};

/* ---- the end ---- */

static void end(struct order *order, int status, const struct error *error, char **vms,
                size_t vm_count)
{
    order->done(&(struct policy_result){.status = status,
                                        .error = error,
                                        .revision = order->revision,
                                        .assignment = order->assignment,
                                        .vms = vms,
                                        .vm_count = vm_count},
                order->userdata);
    free(order->revision);
    free(order->assignment);
    free(order);
}

static void end_without_memory(struct order *order)
{
    static const struct error error = {"out of memory"};

    end(order, -ENOMEM, &error, NULL, 0);
}

/* ---- who gets it ---- */

static bool is_for(const struct order *order, const struct store_assigned *assigned, size_t index)
{
    int found = assigned->revision_of[index];

    return order->revision != NULL && found != POLICY_NONE_ASSIGNED &&
           strcmp(assigned->found.revisions[found]->name, order->revision->name) == 0;
}

/* A policy that is spread goes to all that it is for; else everybody gets their own. */
static void on_assigned(const struct store_assigned *assigned, void *userdata)
{
    struct order *order = userdata;
    const struct registry *registry = &order->assignments->supervisor->registry;
    struct policy_giving giving = {.registry = registry};
    char **vms = calloc(assigned->count + 1, sizeof(*vms));
    size_t count = 0;

    if (vms == NULL) {
        end_without_memory(order);
        return;
    }
    for (size_t i = 0; i < assigned->count; i++) {
        struct vm *vm = NULL;

        if (order->revision == NULL) {
            vm = policy_give(&giving, assigned, i);
        } else if (is_for(order, assigned, i)) {
            (void)policy_give(&giving, assigned, i);
            vm = registry_find_name(registry, assigned->vms[i]);
        }
        if (vm != NULL)
            vms[count++] = (char *)vm->name;
    }
    end(order, 0, NULL, vms, count);
    free((void *)vms);
}

static void give_to_all(struct order *order)
{
    const struct registry *registry = &order->assignments->supervisor->registry;
    struct policy_subject *subjects = calloc(registry->count + 1, sizeof(*subjects));
    size_t count = 0;

    if (subjects == NULL) {
        end_without_memory(order);
        return;
    }
    list_for_each (link, &registry->vms)
        subjects[count++] = policy_subject_of(list_entry(link, struct vm, link));
    store_ask_assigned(order->assignments->store, subjects, count, on_assigned, order);
    free(subjects);
}

/* ---- the store ---- */

static void on_stored(const struct store_policies *policies, void *userdata)
{
    struct order *order = userdata;

    if (policies->answer.status < 0) {
        end(order, policies->answer.status, &policies->answer.error, NULL, 0);
        return;
    }
    if (policies->revision_count > 0)
        order->revision = policy_revision_copy(policies->revisions[0]);
    if (policies->assignment_count > 0)
        order->assignment = policy_assignment_copy(policies->assignments[0]);
    if (order->revision == NULL && order->assignment == NULL)
        end_without_memory(order);
    else
        give_to_all(order);
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

void policy_order(struct policy_assignments *assignments, const struct policy *policy,
                  const struct policy_order *asked, policy_done done, void *userdata)
{
    const struct policy_revision revision = {.name = policy->name,
                                             .author = asked->author,
                                             .time = time_realtime(),
                                             .hash = policy->hash,
                                             .source_name = asked->source,
                                             .text = asked->text};
    struct order *order = create(assignments, done, userdata);

    if (order != NULL)
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

    if (order != NULL)
        store_unassign_policy(assignments->store, selector, on_stored, order);
}
