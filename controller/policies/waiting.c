/* Who waits for agents' answers. */
#include "controller/policies/waiting.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "controller/policies/push.h"

/* By name: the record may be another's when the agent answers. */
struct policy_wait {
    struct list link;
    char vm[VM_NAME_SIZE];
    policy_answered answered;
    void *userdata;
};

static void end(struct policy_wait *wait, struct vm *vm, enum policy_outcome outcome,
                const char *text)
{
    policy_answered answered = wait->answered;
    void *userdata = wait->userdata;

    policy_wait_cancel(wait);
    answered(vm, outcome, text, userdata);
}

static void on_event(const struct vm_event *event, void *userdata)
{
    struct policy_waits *waits = userdata;
    struct vm *vm = event->vm;
    bool left = event->kind == VM_EVENT_STATE && vm->links.agent == NULL;

    if (event->kind != VM_EVENT_POLICY && !left)
        return;
    list_for_each_safe (link, following, &waits->waits) {
        struct policy_wait *wait = list_entry(link, struct policy_wait, link);

        if (strcmp(wait->vm, vm->name) == 0)
            end(wait, vm,
                left                ? POLICY_PENDING
                : vm->assigned.sent ? POLICY_IN_FORCE
                                    : POLICY_REFUSED,
                event->text);
    }
}

void policy_waits_init(struct policy_waits *waits, struct supervisor *supervisor)
{
    waits->listener = (struct supervisor_listener){.on_event = on_event, .userdata = waits};
    list_init(&waits->waits);
    supervisor_listen(supervisor, &waits->listener);
}

int policy_wait_start(struct policy_waits *waits, struct vm *vm, const struct policy *policy,
                      policy_answered answered, void *userdata, struct policy_wait **ret_wait)
{
    struct policy_wait *wait = calloc(1, sizeof(*wait));

    if (wait == NULL || policy_assign(vm, policy) < 0) {
        free(wait);
        return -ENOMEM;
    }
    if (vm->assigned.under_way == NULL) {
        free(wait);
        return -ENOTCONN;
    }
    (void)snprintf(wait->vm, sizeof(wait->vm), "%s", vm->name);
    wait->answered = answered;
    wait->userdata = userdata;
    list_append(&waits->waits, &wait->link);
    *ret_wait = wait;
    return 0;
}

void policy_wait_cancel(struct policy_wait *wait)
{
    list_remove(&wait->link);
    free(wait);
}
