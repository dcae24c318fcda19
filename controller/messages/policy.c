/* Policies as messages. */
#include "controller/messages/policy.h"

#include <assert.h>
#include <string.h>

#include "common/policy/policy.h"
#include "controller/messages/text.h"
#include "controller/policies/effective.h"

#define ORIGIN(name) VMRECLAIM__CONTROLLER__V1__SETTING_ORIGIN__SETTING_ORIGIN_##name

typedef Vmreclaim__Controller__V1__EffectiveSetting EffectiveSetting;
typedef Vmreclaim__Controller__V1__EffectiveSchedule EffectiveSchedule;

/* ---- from the store ---- */

void policy_revision_to_message(const struct policy_revision *revision,
                                Vmreclaim__Controller__V1__PolicyRevision *ret_message)
{
    vmreclaim__controller__v1__policy_revision__init(ret_message);
    ret_message->name = message_text(revision->name);
    ret_message->revision = revision->revision;
    ret_message->author = message_text(revision->author);
    ret_message->time_ns = revision->time;
    ret_message->hash = message_text(revision->hash);
    ret_message->source_name = message_text(revision->source_name);
    ret_message->text = message_text(revision->text);
    ret_message->rolled_back_to = revision->rolled_back_to;
}

void policy_assignment_to_message(const struct policy_assignment *assignment,
                                  Vmreclaim__Controller__V1__PolicyAssignment *ret_message)
{
    vmreclaim__controller__v1__policy_assignment__init(ret_message);
    ret_message->selector = message_text(assignment->selector);
    ret_message->policy = message_text(assignment->policy);
    ret_message->author = message_text(assignment->author);
    ret_message->time_ns = assignment->time;
}

/* ---- of a VM ---- */

static bool has_key(char *const *keys, const char *key)
{
    for (; keys != NULL && *keys != NULL; keys++)
        if (strcmp(*keys, key) == 0)
            return true;
    return false;
}

static bool is_of_profile(const struct policy *policy, const char *key, const char *value)
{
    struct policy profile;
    char own[EFFECTIVE_VALUE_SIZE];

    policy_init(&profile, policy->profile);
    return policy_get(&profile, key, own, sizeof(own)) == 0 && strcmp(own, value) == 0;
}

/* `why`: who gave the value, also where nobody did; else only whether the profile has the same. */
static int origin_of(const struct policy *policy, const char *key, const char *value, bool why)
{
    if ((why && (policy->given & policy_key_bit(key)) != 0) || !is_of_profile(policy, key, value))
        return why && policy->revision == 0 ? ORIGIN(FILE) : ORIGIN(POLICY);
    return why && !policy->gives_profile ? ORIGIN(DEFAULT) : ORIGIN(PROFILE);
}

static void fill_setting(const struct vm *vm, const char *key, bool why, char *value,
                         EffectiveSetting *setting)
{
    const char *limit = vm_own_limit(vm, key);

    vmreclaim__controller__v1__effective_setting__init(setting);
    (void)policy_get(vm->assigned.policy, key, value, EFFECTIVE_VALUE_SIZE);
    setting->key = message_text(key);
    setting->value = value;
    setting->origin =
        (Vmreclaim__Controller__V1__SettingOrigin)origin_of(vm->assigned.policy, key, value, why);
    setting->unsupported = has_key(vm->assigned.unsupported_keys, key);
    if (limit == NULL)
        return;
    setting->origin = ORIGIN(GUEST);
    setting->asked = value;
    setting->value = message_text(limit);
}

static void fill_settings(const struct vm *vm, bool why, struct effective_policy_message *effective)
{
    const char *key;

    for (size_t i = 0; i < EFFECTIVE_KEYS_MAX && (key = policy_key(i)) != NULL; i++) {
        fill_setting(vm, key, why, effective->values[i], &effective->settings[i]);
        effective->setting_pointers[i] = &effective->settings[i];
        effective->message.n_settings++;
    }
    effective->message.settings = effective->setting_pointers;
}

static void fill_schedules(const struct policy *policy, struct effective_policy_message *effective)
{
    for (size_t i = 0; i < policy->schedule_count; i++) {
        const struct schedule *schedule = &policy->schedules[i];
        EffectiveSchedule *message = &effective->schedules[i];

        vmreclaim__controller__v1__effective_schedule__init(message);
        message->cron = message_text(schedule->cron.text);
        message->duration_ns = schedule->duration;
        message->effect = message_text(schedule_effect_name(schedule->effect));
        message->zone = message_text(schedule->zone);
        message->utc_offset_seconds = schedule->utc_offset;
        message->offset_change_ns = time_realtime_of_seconds(schedule->offset_change);
        message->utc_offset_after_seconds = schedule->offset_after;
        effective->schedule_pointers[i] = message;
    }
    effective->message.schedules = effective->schedule_pointers;
    effective->message.n_schedules = policy->schedule_count;
}

/* Those that no setting can be marked with. */
static void fill_unsupported(const struct vm *vm, struct effective_policy_message *effective)
{
    char value[EFFECTIVE_VALUE_SIZE];

    for (char **key = vm->assigned.unsupported_keys; key != NULL && *key != NULL; key++)
        if (effective->message.n_unsupported_keys < EFFECTIVE_KEYS_MAX &&
            policy_get(vm->assigned.policy, *key, value, sizeof(value)) < 0)
            effective->unsupported[effective->message.n_unsupported_keys++] = *key;
    effective->message.unsupported_keys = effective->unsupported;
}

void effective_policy_to_message(const struct vm *vm, bool why,
                                 struct effective_policy_message *ret_message)
{
    Vmreclaim__Controller__V1__GetEffectivePolicyResponse *message = &ret_message->message;

    assert(vm->assigned.policy != NULL);
    vmreclaim__controller__v1__get_effective_policy_response__init(message);
    message->vm = message_text(vm->name);
    message->name = vm->assigned.policy->name;
    message->revision = vm->assigned.policy->revision;
    message->profile = message_text(policy_profile_name(vm->assigned.policy->profile));
    message->pending = !vm->assigned.sent;
    fill_settings(vm, why, ret_message);
    fill_schedules(vm->assigned.policy, ret_message);
    fill_unsupported(vm, ret_message);
}

/* ---- of a guest by itself ---- */

static bool is_own(const Vmreclaim__Agent__V1__GetInfoResponse *info, const char *key)
{
    for (size_t i = 0; i < info->n_own_keys; i++)
        if (strcmp(info->own_keys[i], key) == 0)
            return true;
    return false;
}

void own_policy_to_message(const struct vm *vm, const Vmreclaim__Agent__V1__GetInfoResponse *info,
                           struct effective_policy_message *ret_message)
{
    Vmreclaim__Controller__V1__GetEffectivePolicyResponse *message = &ret_message->message;

    vmreclaim__controller__v1__get_effective_policy_response__init(message);
    message->vm = message_text(vm->name);
    message->own_is_not_known = info == NULL || info->own_policy == NULL;
    if (message->own_is_not_known)
        return;
    message->profile = info->own_policy->profile;
    for (size_t i = 0; i < info->own_policy->n_settings && i < EFFECTIVE_KEYS_MAX; i++) {
        const Vmreclaim__Policy__V1__Setting *own = info->own_policy->settings[i];
        EffectiveSetting *setting = &ret_message->settings[i];

        vmreclaim__controller__v1__effective_setting__init(setting);
        setting->key = own->key;
        setting->value = own->value;
        setting->origin = is_own(info, own->key) ? ORIGIN(OWN) : ORIGIN(DEFAULT);
        ret_message->setting_pointers[i] = setting;
        message->n_settings++;
    }
    message->settings = ret_message->setting_pointers;
}
