/* Rollouts. */
#include "controller/policies/rollout.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/text.h"
#include "controller/policies/push.h"
#include "controller/vms/announce.h"

struct policy_rollout {
    struct list link;
    policy_rolled_out done;
    void *userdata;
    size_t waiting; /* standings that are */
    size_t count;
    size_t room;
    struct policy_standing standings[];
};

/* As many wait as are waited for. */
static void check(const struct policy_rollout *rollout)
{
    size_t waiting = 0;

    for (size_t i = 0; i < rollout->count; i++) {
        const struct policy_standing *standing = &rollout->standings[i];

        waiting += standing->outcome == POLICY_WAITING;
        assert(standing->vm != NULL || standing->outcome != POLICY_WAITING);
    }
    assert(waiting == rollout->waiting && rollout->count <= rollout->room);
}

static void set_outcome(struct policy_standing *standing, enum policy_outcome outcome,
                        const char *reason)
{
    standing->outcome = outcome;
    text_copy_line(standing->reason, sizeof(standing->reason), reason);
}

/* What the host does by a policy needs no agent. */
static bool host_has_begun(const struct vm *vm)
{
    return vm->links.agent == NULL && vm->hypervisor.ready && vm->assigned.policy != NULL &&
           vm->assigned.policy->pulse;
}

/* It is not sent: why. */
static void set_pending(struct policy_standing *standing)
{
    struct error error = {"its agent has just connected"};
    bool has_begun = false;

    if (standing->vm != NULL) {
        (void)vm_may_command(standing->vm, &error);
        has_begun = host_has_begun(standing->vm);
    }
    if (has_begun)
        (void)error_prefix(&error, -ENOTCONN, "all but its pulses, which the host does");
    set_outcome(standing, POLICY_PENDING, error.text);
}

static struct policy_standing *add_standing(struct policy_rollout *rollout, struct vm *vm)
{
    struct policy_standing *standing = &rollout->standings[rollout->count++];

    assert(rollout->count <= rollout->room);
    *standing = (struct policy_standing){.vm = vm};
    memcpy(standing->name, vm->name, sizeof(standing->name));
    return standing;
}

void policy_rollout_add(struct policy_rollout *rollout, struct vm *vm, const struct policy *policy,
                        const char *selector)
{
    struct policy_standing *standing = add_standing(rollout, vm);
    bool has_it = policy_is_assigned(vm, policy);

    text_copy_line(standing->selector, sizeof(standing->selector), selector);
    if (policy != NULL) {
        standing->revision = policy->revision;
        memcpy(standing->policy, policy->name, sizeof(standing->policy));
    }
    if (!has_it && policy_assign(vm, policy) < 0)
        set_outcome(standing, POLICY_REFUSED, "out of memory");
    else if (vm->assigned.sent) {
        set_outcome(standing, POLICY_IN_FORCE, "");
        standing->is_unchanged = has_it;
    } else if (vm->assigned.under_way)
        rollout->waiting++;
    else
        set_pending(standing);
    assert((standing->outcome == POLICY_WAITING) ==
           (vm->assigned.under_way != NULL && !vm->assigned.sent));
}

void policy_rollout_note(struct policy_rollout *rollout, struct vm *vm, enum policy_outcome outcome,
                         const char *reason)
{
    set_outcome(add_standing(rollout, vm), outcome, reason);
}

struct policy_rollout *policy_rollout_create(struct policy_rollouts *rollouts, size_t room)
{
    struct policy_rollout *rollout =
        calloc(1, sizeof(*rollout) + room * sizeof(rollout->standings[0]));

    if (rollout == NULL)
        return NULL;
    rollout->room = room;
    list_append(&rollouts->open, &rollout->link);
    return rollout;
}

static void end(struct policy_rollout *rollout)
{
    check(rollout);
    assert(rollout->waiting == 0);
    list_remove(&rollout->link);
    rollout->done(rollout->standings, rollout->count, rollout->userdata);
    free(rollout);
}

void policy_rollout_begin(struct policy_rollout *rollout, policy_rolled_out done, void *userdata)
{
    check(rollout);
    assert(rollout->done == NULL);
    rollout->done = done;
    rollout->userdata = userdata;
    if (rollout->waiting == 0)
        end(rollout);
}

/* ---- what agents answer ---- */

static void take_answer(struct policy_standing *standing, const char *text)
{
    const struct vm_policy *assigned = &standing->vm->assigned;
    const char *name = assigned->policy == NULL ? "" : assigned->policy->name;

    if (strcmp(name, standing->policy) != 0 ||
        (assigned->policy != NULL && assigned->policy->revision != standing->revision))
        set_outcome(standing, POLICY_OVERRIDDEN, "another policy was given to it meanwhile");
    else if (assigned->sent)
        set_outcome(standing, POLICY_IN_FORCE, "");
    else if (!assigned->under_way)
        set_outcome(standing, POLICY_REFUSED, text);
}

static void take_event(struct policy_standing *standing, const struct vm_event *event)
{
    switch (event->kind) {
    case VM_EVENT_POLICY:
        take_answer(standing, event->text);
        break;
    case VM_EVENT_STATE:
        if (event->vm->links.agent == NULL)
            set_pending(standing);
        break;
    case VM_EVENT_REMOVED:
        set_outcome(standing, POLICY_PENDING, "the VM went away");
        break;
    default:
        break;
    }
}

static void look(struct policy_rollout *rollout, const struct vm_event *event)
{
    for (size_t i = 0; i < rollout->count; i++) {
        struct policy_standing *standing = &rollout->standings[i];

        if (standing->vm != event->vm)
            continue;
        if (standing->outcome == POLICY_WAITING) {
            take_event(standing, event);
            rollout->waiting -= standing->outcome != POLICY_WAITING;
        }
        if (event->kind == VM_EVENT_REMOVED)
            standing->vm = NULL;
        break;
    }
    check(rollout);
    if (rollout->done != NULL && rollout->waiting == 0)
        end(rollout);
}

static void on_event(const struct vm_event *event, void *userdata)
{
    struct policy_rollouts *rollouts = userdata;

    if (event->kind != VM_EVENT_POLICY && event->kind != VM_EVENT_STATE &&
        event->kind != VM_EVENT_REMOVED)
        return;
    list_for_each_safe (link, following, &rollouts->open)
        look(list_entry(link, struct policy_rollout, link), event);
}

void policy_rollouts_init(struct policy_rollouts *rollouts, struct supervisor *supervisor)
{
    rollouts->listener = (struct supervisor_listener){.on_event = on_event, .userdata = rollouts};
    list_init(&rollouts->open);
    supervisor_listen(supervisor, &rollouts->listener);
}
