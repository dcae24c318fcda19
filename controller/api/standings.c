/* Standings as messages. */
#include "controller/api/standings.h"

#include <errno.h>
#include <stdlib.h>

#include "common/base/text.h"
#include "common/base/util.h"
#include "controller/messages/text.h"

#define OUTCOME(name) VMRECLAIM__CONTROLLER__V1__POLICY_OUTCOME__POLICY_OUTCOME_##name

typedef Vmreclaim__Controller__V1__VmPolicyResult VmPolicyResult;

static void fill_result(const struct policy_standing *standing, VmPolicyResult *message)
{
    static const int outcomes[] = {
        [POLICY_WAITING] = OUTCOME(UNSPECIFIED),   [POLICY_IN_FORCE] = OUTCOME(IN_FORCE),
        [POLICY_PENDING] = OUTCOME(PENDING),       [POLICY_REFUSED] = OUTCOME(REFUSED),
        [POLICY_OVERRIDDEN] = OUTCOME(OVERRIDDEN),
    };

    vmreclaim__controller__v1__vm_policy_result__init(message);
    message->vm = message_text(standing->name);
    message->outcome = (Vmreclaim__Controller__V1__PolicyOutcome)outcomes[standing->outcome];
    message->reason = message_text(standing->reason);
    message->policy = message_text(standing->policy);
    message->revision = standing->revision;
    message->unchanged = standing->is_unchanged;
    message->selector = message_text(standing->selector);
    if (standing->outcome != POLICY_IN_FORCE || standing->vm == NULL)
        return;
    message->unsupported_keys = standing->vm->assigned.unsupported_keys;
    message->n_unsupported_keys = message_count(message->unsupported_keys);
    message->capped_keys = standing->vm->assigned.capped_keys;
    message->n_capped_keys = message_count(message->capped_keys);
}

/* What the guest runs by itself, as its agent said. */
static void fill_own(const struct policy_standing *standing, char profile[16],
                     VmPolicyResult *message)
{
    Vmreclaim__Agent__V1__GetInfoResponse *info;

    if (standing->policy[0] != '\0' || standing->vm == NULL)
        return;
    info = vm_info_unpack(standing->vm);
    if (info != NULL && info->own_policy != NULL) {
        text_copy_line(profile, 16, info->own_policy->profile);
        message->own_profile = profile;
        message->own_is_default = info->n_own_keys == 0;
    }
    vm_info_free(info);
}

static bool is_in_force(const VmPolicyResult *result)
{
    return (int)result->outcome == OUTCOME(IN_FORCE);
}

/* What is not as it should be is said first. */
static void choose_results(struct standing_messages *messages, size_t count)
{
    size_t room = STANDING_BYTES;
    size_t room_in_force = STANDING_BYTES;

    for (size_t i = 0; i < count; i++)
        if (!is_in_force(&messages->results[i]))
            room_in_force -= min_of(room_in_force,
                                    protobuf_c_message_get_packed_size(&messages->results[i].base));
    for (size_t i = 0; i < count; i++) {
        VmPolicyResult *result = &messages->results[i];
        size_t *left = is_in_force(result) ? &room_in_force : &room;
        size_t size = protobuf_c_message_get_packed_size(&result->base);

        if (size > *left)
            continue;
        *left -= size;
        messages->pointers[messages->count++] = result;
    }
    messages->omitted = count - messages->count;
}

void standing_messages_finish(struct standing_messages *messages)
{
    free(messages->results);
    free((void *)messages->pointers);
    free((void *)messages->vms);
    free(messages->own_profiles);
}

/* -ENOMEM. */
static int allocate(struct standing_messages *messages, size_t count)
{
    *messages = (struct standing_messages){
        .results = calloc(count + 1, sizeof(*messages->results)),
        .pointers = calloc(count + 1, sizeof(*messages->pointers)),
        .vms = calloc(count + 1, sizeof(*messages->vms)),
        .own_profiles = calloc(count + 1, sizeof(*messages->own_profiles)),
    };
    if (messages->results != NULL && messages->pointers != NULL && messages->vms != NULL &&
        messages->own_profiles != NULL)
        return 0;
    standing_messages_finish(messages);
    return -ENOMEM;
}

bool standing_messages_take(struct api_call *call, const struct policy_result *result,
                            struct standing_messages *messages)
{
    size_t count = result->standing_count;

    if (result->status < 0) {
        api_call_fail_error(call, result->status, result->error);
        return false;
    }
    if (allocate(messages, count) < 0) {
        api_call_fail(call, -ENOMEM, "out of memory");
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        fill_result(&result->standings[i], &messages->results[i]);
        fill_own(&result->standings[i], messages->own_profiles[i], &messages->results[i]);
        messages->pending = messages->pending || result->standings[i].outcome == POLICY_PENDING;
        if (result->standings[i].outcome == POLICY_REFUSED ||
            (result->standings[i].outcome != POLICY_OVERRIDDEN &&
             result->standings[i].policy[0] != '\0'))
            messages->vms[messages->vm_count++] = messages->results[i].vm;
    }
    choose_results(messages, count);
    return true;
}
