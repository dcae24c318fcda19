/* Pushing policies. */
#include "controller/policies/push.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/text.h"
#include "common/base/util.h"
#include "common/policy/policy-message.h"
#include "common/policy/zone.h"
#include "controller/vms/agent.h"

#define CALL_TIMEOUT    (10 * NSEC_PER_SEC)
#define ANSWER_KEYS_MAX 64
#define RETRY           (30 * NSEC_PER_SEC)
#define CLOCK_INTERVAL  (10 * NSEC_PER_SEC)
#define CLOCK_SLACK     (30 * NSEC_PER_SEC) /* schedules go by minutes */

static void push(struct vm *vm);

/* What the guest is to run now; NULL: its own. */
static const struct policy *policy_for(const struct vm *vm)
{
    static struct policy observe;

    if (!vm->halted || vm->assigned.policy == NULL)
        return vm->assigned.policy;
    if (observe.name[0] == '\0') {
        policy_init(&observe, POLICY_OBSERVE);
        snprintf(observe.name, sizeof(observe.name), "halted");
        /* An agent that has a hash has a policy of a host. */
        snprintf(observe.hash, sizeof(observe.hash), "halted");
    }
    return &observe;
}

static void check(const struct vm *vm)
{
    const struct vm_policy *assigned = &vm->assigned;

    assert(assigned->policy != NULL || assigned->withdrawn ||
           (!assigned->sent && assigned->under_way == NULL));
    assert(assigned->policy == NULL || !assigned->withdrawn);
    assert(!assigned->again || assigned->under_way != NULL);
    assert(assigned->policy != NULL || assigned->capped_keys == NULL);
}

/* ---- the agent's answer ---- */

static void free_keys(char **keys)
{
    for (char **key = keys; key != NULL && *key != NULL; key++)
        free(*key);
    free(keys);
}

static void forget_answer(struct vm *vm)
{
    free_keys(vm->assigned.unsupported_keys);
    free_keys(vm->assigned.capped_keys);
    free_keys(vm->assigned.capped_values);
    vm->assigned.unsupported_keys = NULL;
    vm->assigned.capped_keys = NULL;
    vm->assigned.capped_values = NULL;
}

/* A guest's list of keys, NULL-terminated; NULL when it is empty or memory is short. */
static char **copy_keys(char *const *keys, size_t count)
{
    char **copies;

    count = min_of(count, (size_t)ANSWER_KEYS_MAX);
    copies = count == 0 ? NULL : calloc(count + 1, sizeof(*copies));
    for (size_t i = 0; copies != NULL && i < count; i++) {
        char key[64];

        text_copy_line(key, sizeof(key), keys[i]);
        copies[i] = strdup(key);
        if (copies[i] == NULL)
            break;
    }
    return copies;
}

static void on_policy_refused(struct vm *vm, const struct ttrpc_result *result)
{
    struct vm_policy *assigned = &vm->assigned;
    struct error error;

    assert(!assigned->again && (assigned->policy != NULL || assigned->withdrawn));
    assigned->retry = time_boottime() + RETRY;
    (void)agent_failure(vm, result, &error);
    if (assigned->policy != NULL)
        error_prefix(&error, 0,
                     ttrpc_result_is_open(result) ? "policy '%s' may be in force or not"
                                                  : "policy '%s' was not taken",
                     policy_for(vm)->name);
    else
        error_prefix(&error, 0, "the agent keeps a policy that is assigned no more");
    /* An agent of before wants a policy, and would say so for ever. */
    if (assigned->withdrawn && result->code == TTRPC_INVALID_ARGUMENT) {
        assigned->withdrawn = false;
        text_format(
            error.text, sizeof(error.text),
            "no policy is assigned any more, and the agent is too old to know that: it keeps "
            "its last one; upgrade it, or assign another");
    }
    vm_emit(vm, VM_EVENT_POLICY, error.text);
}

/* What the host acts by an older agent need not know. How many are left. */
static size_t leave_out_hosts(const Vmreclaim__Agent__V1__ApplyPolicyResponse *response)
{
    size_t count = 0;

    for (size_t i = 0; i < response->n_unsupported_keys; i++) {
        char *key = response->unsupported_keys[i];

        if (policy_key_is_of_host(key))
            continue;
        response->unsupported_keys[i] = response->unsupported_keys[count];
        response->unsupported_keys[count++] = key;
    }
    return count;
}

static void keep_answer(struct vm *vm, const Vmreclaim__Agent__V1__ApplyPolicyResponse *response)
{
    forget_answer(vm);
    vm->assigned.unsupported_keys =
        copy_keys(response->unsupported_keys, leave_out_hosts(response));
    vm->assigned.capped_keys = copy_keys(response->capped_keys, response->n_capped_keys);
    vm->assigned.capped_values = copy_keys(response->capped_values, response->n_capped_values);
}

static void on_policy_taken(struct vm *vm,
                            const Vmreclaim__Agent__V1__ApplyPolicyResponse *response)
{
    const struct policy *policy = policy_for(vm);
    char text[256] = "no policy is assigned: the agent runs its own";

    vm->assigned.sent = true;
    vm->assigned.agent_has_some = policy != NULL;
    if (policy != NULL) {
        keep_answer(vm, response);
        snprintf(text, sizeof(text),
                 "policy %s revision %" PRIu64 " is in force, %zu keys unsupported, %zu capped by "
                 "the guest",
                 policy->name, policy->revision, leave_out_hosts(response),
                 response->n_capped_keys);
    }
    vm_emit(vm, VM_EVENT_POLICY, text);
}

static void on_policy_answer(const struct ttrpc_result *result, void *userdata)
{
    struct vm *vm = userdata;

    check(vm);
    assert(vm->assigned.under_way != NULL); /* it is answered once */
    vm->assigned.under_way = NULL;
    if (vm->assigned.again) {
        vm->assigned.again = false;
        push(vm);
        return;
    }
    /* The connection ended: the next one gets it. */
    if (result->is_lost)
        return;
    if (result->code != TTRPC_OK) {
        on_policy_refused(vm, result);
        return;
    }
    on_policy_taken(vm, (const Vmreclaim__Agent__V1__ApplyPolicyResponse *)result->response);
}

/* ---- asking ---- */

static bool may_push(const struct vm *vm)
{
    const struct vm_policy *assigned = &vm->assigned;

    return (assigned->policy != NULL || assigned->withdrawn) && !assigned->sent &&
           assigned->under_way == NULL && vm->links.agent != NULL && vm->announced &&
           vm->agent.info.boot_id[0] != '\0';
}

/* -ENOMEM: the next tick tries again. */
static int make_message(struct vm *vm, int64_t now, Vmreclaim__Policy__V1__Policy **ret_message)
{
    struct vm_policy *assigned = &vm->assigned;

    *ret_message = NULL;
    assigned->zone_change = 0;
    if (assigned->policy == NULL)
        return 0;
    assigned->zone_change = zone_resolve_policy(assigned->policy, now / (int64_t)NSEC_PER_SEC);
    *ret_message = policy_message_create(policy_for(vm));
    return *ret_message == NULL ? -ENOMEM : 0;
}

static void push(struct vm *vm)
{
    Vmreclaim__Agent__V1__ApplyPolicyRequest request =
        VMRECLAIM__AGENT__V1__APPLY_POLICY_REQUEST__INIT;
    int64_t now = time_realtime();

    if (!may_push(vm) || make_message(vm, now, &request.policy) < 0)
        return;
    vm->assigned.again = false;
    vm->assigned.clock_is_told = false;
    vm->assigned.clock_next = 0;
    request.controller_time_ns = now;
    (void)agent_link_call(vm->links.agent, "ApplyPolicy", &request.base, CALL_TIMEOUT, NULL,
                          on_policy_answer, vm, &vm->assigned.under_way);
    if (request.policy != NULL)
        policy_message_destroy(request.policy);
    check(vm);
}

/* ---- assigning ---- */

/* Puts a copy in the place of what was there. */
static int replace(struct policy **policy, const struct policy *by)
{
    struct policy *copy = by == NULL ? NULL : malloc(sizeof(*copy));

    if (by != NULL && copy == NULL)
        return -ENOMEM;
    if (by != NULL)
        *copy = *by;
    free(*policy);
    *policy = copy;
    return 0;
}

/* An agent that runs its own needs no command where none is assigned. */
static bool has_nothing_to_be_told(const struct vm *vm)
{
    return vm->assigned.policy == NULL && vm->assigned.withdrawn && vm->links.agent != NULL &&
           vm->agent.info.boot_id[0] != '\0' && !vm->assigned.agent_has_some;
}

int policy_assign(struct vm *vm, const struct policy *policy)
{
    struct vm_policy *assigned = &vm->assigned;

    if (replace(&assigned->policy, policy) < 0)
        return -ENOMEM;
    assigned->withdrawn = policy == NULL;
    assigned->again = assigned->under_way != NULL;
    assigned->sent = !assigned->again && has_nothing_to_be_told(vm);
    assigned->retry = 0;
    forget_answer(vm);
    check(vm);
    push(vm);
    assert(!assigned->sent || assigned->policy == NULL);
    return 0;
}

void policy_push_again(struct vm *vm)
{
    if (vm->assigned.policy == NULL)
        return;
    vm->assigned.sent = false;
    vm->assigned.retry = 0;
    vm->assigned.again = vm->assigned.under_way != NULL;
    push(vm);
    check(vm);
}

bool policy_is_assigned(const struct vm *vm, const struct policy *policy)
{
    const struct policy *assigned = vm->assigned.policy;

    if (assigned == NULL || policy == NULL)
        return assigned == policy && vm->assigned.withdrawn;
    return assigned->revision == policy->revision && strcmp(assigned->name, policy->name) == 0 &&
           strcmp(assigned->hash, policy->hash) == 0;
}

int policy_keep_file(struct vm *vm, const struct policy *policy)
{
    return replace(&vm->assigned.file, policy);
}

/* ---- what happens to the VM ---- */

/* What the one before was asked is of no interest any more. */
static void on_connected(struct vm_policy *assigned)
{
    if (assigned->under_way != NULL)
        ttrpc_client_call_cancel(assigned->under_way);
    assigned->under_way = NULL;
    assigned->sent = false;
    assigned->again = false;
    assigned->agent_has_some = false;
    assigned->clock_is_told = false; /* with the watch it is */
    assigned->clock_next = 0;
}

/* A policy that the agent kept over its absence is not sent again. */
static void on_info(struct vm *vm, const Vmreclaim__Agent__V1__GetInfoResponse *info)
{
    const struct policy *policy = policy_for(vm);

    vm->assigned.agent_has_some = info->policy_hash[0] != '\0' || info->policy_revision != 0;
    if (has_nothing_to_be_told(vm) ||
        (policy != NULL && policy->hash[0] != '\0' &&
         strcmp(policy->hash, info->policy_hash) == 0 && policy->revision == info->policy_revision))
        vm->assigned.sent = true;
    push(vm);
}

static void on_removed(struct vm *vm)
{
    assert(vm->assigned.under_way == NULL); /* the link it was asked over is closed */
    forget_answer(vm);
    (void)replace(&vm->assigned.policy, NULL);
    (void)replace(&vm->assigned.file, NULL);
    vm->assigned.sent = false;
}

static void on_event(const struct vm_event *event, void *userdata)
{
    switch (event->kind) {
    case VM_EVENT_CONNECTED:
        on_connected(&event->vm->assigned);
        break;
    case VM_EVENT_INFO:
        on_info(event->vm, event->info);
        break;
    case VM_EVENT_HYPERVISOR:
        push(event->vm);
        break;
    case VM_EVENT_REMOVED:
        on_removed(event->vm);
        break;
    default:
        break;
    }
    check(event->vm);
}

/* The clocks of a schedule's zone have changed: the agent gets them, with the next change. */
static void follow_zones(struct vm_policy *assigned)
{
    if (assigned->zone_change != 0 &&
        time_realtime() / (int64_t)NSEC_PER_SEC >= assigned->zone_change)
        assigned->sent = false;
}

/* A guest reckons the time of its schedules from the last that it was told, by a clock that stands
 * while it is stopped. Nor may ours have been right then. */
static void follow_clocks(struct vm *vm, nsec_t now)
{
    const struct guest_clock *clock = &vm->agent.beside_ours;
    struct vm_policy *assigned = &vm->assigned;
    int64_t begin;

    if (assigned->policy == NULL || assigned->policy->schedule_count == 0 || !assigned->sent ||
        !clock->is_known || now < assigned->clock_next)
        return;
    begin = (int64_t)((nsec_t)time_realtime() - now + (nsec_t)clock->least);
    assigned->clock_next = now + CLOCK_INTERVAL;
    if (!assigned->clock_is_told)
        assigned->clock_told = begin;
    else if (time_realtime_between(assigned->clock_told, begin) > CLOCK_SLACK ||
             time_realtime_between(begin, assigned->clock_told) > CLOCK_SLACK)
        assigned->sent = false;
    assigned->clock_is_told = true;
}

static void on_visit(struct vm *vm, nsec_t now, void *userdata)
{
    if (vm->links.agent == NULL)
        return;
    follow_zones(&vm->assigned);
    follow_clocks(vm, now);
    if (now >= vm->assigned.retry)
        push(vm);
}

void policy_push_init(struct policy_push *push, struct supervisor *supervisor)
{
    push->listener =
        (struct supervisor_listener){.on_event = on_event, .on_visit = on_visit, .acts = true};
    supervisor_listen(supervisor, &push->listener);
}
