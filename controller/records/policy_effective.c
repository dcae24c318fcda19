/* GetEffectivePolicy: what was sent to the agent, and what it answered. */
#include "controller/records/policy_effective.h"

#include <stdio.h>
#include <string.h>

#include "common/base/util.h"
#include "common/policy/policy.h"
#include "controller/vms/effective.h"

#define KEYS_MAX     64
#define VALUE_SIZE   64
#define ORIGIN(name) VMRECLAIM__CONTROLLER__V1__SETTING_ORIGIN__SETTING_ORIGIN_##name

typedef Vmreclaim__Controller__V1__EffectiveSetting EffectiveSetting;
typedef Vmreclaim__Controller__V1__EffectiveSchedule EffectiveSchedule;
typedef Vmreclaim__Controller__V1__GetEffectivePolicyResponse GetEffectivePolicyResponse;

/* Room for one answer. */
struct effective {
    EffectiveSetting settings[KEYS_MAX];
    EffectiveSetting *setting_pointers[KEYS_MAX];
    char values[KEYS_MAX][VALUE_SIZE];
    EffectiveSchedule schedules[POLICY_SCHEDULES_MAX];
    EffectiveSchedule *schedule_pointers[POLICY_SCHEDULES_MAX];
    char *unsupported[KEYS_MAX];
};

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
    char own[VALUE_SIZE];

    policy_init(&profile, policy->profile);
    return policy_get(&profile, key, own, sizeof(own)) == 0 && strcmp(own, value) == 0;
}

static void fill_setting(const struct vm *vm, const char *key, char *value,
                         EffectiveSetting *setting)
{
    const char *limit = vm_own_limit(vm, key);

    vmreclaim__controller__v1__effective_setting__init(setting);
    (void)policy_get(vm->assigned.policy, key, value, VALUE_SIZE);
    setting->key = api_text(key);
    setting->value = value;
    setting->origin =
        is_of_profile(vm->assigned.policy, key, value) ? ORIGIN(PROFILE) : ORIGIN(POLICY);
    setting->unsupported = has_key(vm->assigned.unsupported_keys, key);
    if (limit == NULL)
        return;
    setting->origin = ORIGIN(GUEST);
    setting->asked = value;
    setting->value = api_text(limit);
}

static void fill_settings(const struct vm *vm, struct effective *effective,
                          GetEffectivePolicyResponse *response)
{
    const char *key;

    for (size_t i = 0; i < KEYS_MAX && (key = policy_key(i)) != NULL; i++) {
        fill_setting(vm, key, effective->values[i], &effective->settings[i]);
        effective->setting_pointers[i] = &effective->settings[i];
        response->n_settings++;
    }
    response->settings = effective->setting_pointers;
}

static void fill_schedules(const struct policy *policy, struct effective *effective,
                           GetEffectivePolicyResponse *response)
{
    for (size_t i = 0; i < policy->schedule_count; i++) {
        const struct schedule *schedule = &policy->schedules[i];
        EffectiveSchedule *message = &effective->schedules[i];

        vmreclaim__controller__v1__effective_schedule__init(message);
        message->cron = api_text(schedule->cron.text);
        message->duration_ns = schedule->duration;
        message->effect = api_text(schedule_effect_name(schedule->effect));
        message->zone = api_text(schedule->zone);
        message->utc_offset_seconds = schedule->utc_offset;
        message->offset_change_ns = schedule->offset_change * (int64_t)NSEC_PER_SEC;
        message->utc_offset_after_seconds = schedule->offset_after;
        effective->schedule_pointers[i] = message;
    }
    response->schedules = effective->schedule_pointers;
    response->n_schedules = policy->schedule_count;
}

/* Those that no setting can be marked with. */
static void fill_unsupported(const struct vm *vm, struct effective *effective,
                             GetEffectivePolicyResponse *response)
{
    char value[VALUE_SIZE];

    for (char **key = vm->assigned.unsupported_keys; key != NULL && *key != NULL; key++)
        if (response->n_unsupported_keys < KEYS_MAX &&
            policy_get(vm->assigned.policy, *key, value, sizeof(value)) < 0)
            effective->unsupported[response->n_unsupported_keys++] = *key;
    response->unsupported_keys = effective->unsupported;
}

static void get_effective(struct ttrpc_call *call, const ProtobufCMessage *request,
                          const struct api_caller *caller, void *userdata)
{
    const Vmreclaim__Controller__V1__GetEffectivePolicyRequest *asked = (const void *)request;
    GetEffectivePolicyResponse response =
        VMRECLAIM__CONTROLLER__V1__GET_EFFECTIVE_POLICY_RESPONSE__INIT;
    struct vm *vm = api_find_vm(userdata, call, asked->vm);
    struct effective effective;

    if (vm == NULL)
        return;
    if (vm->assigned.policy == NULL) {
        ttrpc_call_fail(call, TTRPC_NOT_FOUND,
                        "no policy is assigned to VM '%s': its agent runs its own (in the guest: "
                        "vmreclaim-agent --check); assign one: vmreclaim policy apply FILE --vm %s",
                        vm->name, vm->name);
        return;
    }
    response.vm = vm->name;
    response.name = vm->assigned.policy->name;
    response.revision = vm->assigned.policy->revision;
    response.profile = api_text(policy_profile_name(vm->assigned.policy->profile));
    response.pending = !vm->assigned.sent;
    fill_settings(vm, &effective, &response);
    fill_schedules(vm->assigned.policy, &effective, &response);
    fill_unsupported(vm, &effective, &response);
    ttrpc_call_finish(call, &response.base);
}

void policy_effective_init(struct api *api)
{
    api_serve(api, "GetEffectivePolicy", get_effective, api);
}
