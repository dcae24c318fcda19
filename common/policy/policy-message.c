/* A policy to and from the wire. The message is built with one allocation per string and freed by
 * protobuf-c, which uses free(3) for a NULL allocator. */
#include "common/policy/policy-message.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/util.h"

#define NSEC       NSEC_PER_SEC
#define CHANGE_MAX ((int64_t)1 << 40) /* no sum with it overflows */

static const struct {
    enum schedule_effect effect;
    Vmreclaim__Policy__V1__ScheduleEffect message;
} effects[] = {
    {SCHEDULE_ALLOW, VMRECLAIM__POLICY__V1__SCHEDULE_EFFECT__SCHEDULE_EFFECT_ALLOW},
    {SCHEDULE_FORCE, VMRECLAIM__POLICY__V1__SCHEDULE_EFFECT__SCHEDULE_EFFECT_FORCE},
    {SCHEDULE_FORBID, VMRECLAIM__POLICY__V1__SCHEDULE_EFFECT__SCHEDULE_EFFECT_FORBID},
};

/* protobuf-c's empty string is static and never freed, so a copy of "" is that one. */
static int copy_string(char **target, const char *text)
{
    if (text[0] == '\0')
        return 0;
    *target = strdup(text);
    return *target == NULL ? -ENOMEM : 0;
}

static int add_setting(Vmreclaim__Policy__V1__Policy *message, const struct policy *policy,
                       const char *key)
{
    Vmreclaim__Policy__V1__Setting *setting = malloc(sizeof(*setting));
    char value[64];

    if (setting == NULL)
        return -ENOMEM;
    vmreclaim__policy__v1__setting__init(setting);
    message->settings[message->n_settings++] = setting;
    (void)policy_get(policy, key, value, sizeof(value));
    int r = copy_string(&setting->key, key);
    return r < 0 ? r : copy_string(&setting->value, value);
}

static int add_settings(Vmreclaim__Policy__V1__Policy *message, const struct policy *policy)
{
    size_t count = 0;

    while (policy_key(count) != NULL)
        count++;
    message->settings = calloc(count, sizeof(message->settings[0]));
    if (message->settings == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++) {
        int r = add_setting(message, policy, policy_key(i));
        if (r < 0)
            return r;
    }
    return 0;
}

static int add_schedule(Vmreclaim__Policy__V1__Policy *message, const struct schedule *schedule)
{
    Vmreclaim__Policy__V1__Schedule *window = malloc(sizeof(*window));

    if (window == NULL)
        return -ENOMEM;
    vmreclaim__policy__v1__schedule__init(window);
    message->schedules[message->n_schedules++] = window;
    window->duration_seconds = schedule->duration / NSEC;
    window->utc_offset_seconds = schedule->utc_offset;
    window->offset_change_seconds = schedule->offset_change;
    window->utc_offset_after_seconds = schedule->offset_after;
    for (size_t i = 0; i < ARRAY_SIZE(effects); i++)
        if (effects[i].effect == schedule->effect)
            window->effect = effects[i].message;
    return copy_string(&window->cron, schedule->cron.text);
}

static int add_schedules(Vmreclaim__Policy__V1__Policy *message, const struct policy *policy)
{
    if (policy->schedule_count == 0)
        return 0;
    message->schedules = calloc(policy->schedule_count, sizeof(message->schedules[0]));
    if (message->schedules == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < policy->schedule_count; i++) {
        int r = add_schedule(message, &policy->schedules[i]);
        if (r < 0)
            return r;
    }
    return 0;
}

static int fill(Vmreclaim__Policy__V1__Policy *message, const struct policy *policy)
{
    int r = copy_string(&message->name, policy->name);
    if (r < 0)
        return r;
    r = copy_string(&message->profile, policy_profile_name(policy->profile));
    if (r < 0)
        return r;
    r = copy_string(&message->hash, policy->hash);
    if (r < 0)
        return r;
    message->revision = policy->revision;
    r = add_settings(message, policy);
    return r < 0 ? r : add_schedules(message, policy);
}

Vmreclaim__Policy__V1__Policy *policy_message_create(const struct policy *policy)
{
    Vmreclaim__Policy__V1__Policy *message = malloc(sizeof(*message));

    if (message == NULL)
        return NULL;
    vmreclaim__policy__v1__policy__init(message);
    if (fill(message, policy) < 0) {
        policy_message_destroy(message);
        return NULL;
    }
    return message;
}

void policy_message_destroy(Vmreclaim__Policy__V1__Policy *message)
{
    if (message != NULL)
        vmreclaim__policy__v1__policy__free_unpacked(message, NULL);
}

static void add_unsupported(struct policy_unsupported *unsupported, const char *key)
{
    if (unsupported->count < POLICY_UNSUPPORTED_MAX)
        unsupported->keys[unsupported->count++] = key;
    else
        unsupported->omitted++;
}

static int take_setting(struct policy *policy, const Vmreclaim__Policy__V1__Setting *setting,
                        struct policy_unsupported *unsupported, struct error *error)
{
    int r = policy_set_kept(policy, setting->key, setting->value, error);
    if (r != -ENOENT)
        return r;
    add_unsupported(unsupported, setting->key);
    return 0;
}

static bool is_offset(int32_t offset)
{
    return offset >= -SCHEDULE_OFFSET_MAX && offset <= SCHEDULE_OFFSET_MAX;
}

static int take_schedule(struct policy *policy, const Vmreclaim__Policy__V1__Schedule *window,
                         struct error *error)
{
    struct schedule *schedule = &policy->schedules[policy->schedule_count];
    char duration[32] = "";
    const char *effect = "";

    if (policy->schedule_count == POLICY_SCHEDULES_MAX)
        return error_set(error, -EINVAL, "too many schedules, %d at most", POLICY_SCHEDULES_MAX);
    if (!is_offset(window->utc_offset_seconds) || !is_offset(window->utc_offset_after_seconds))
        return error_set(error, -ERANGE, "schedule: UTC offsets %d s and %d s",
                         window->utc_offset_seconds, window->utc_offset_after_seconds);
    if (window->offset_change_seconds < 0 || window->offset_change_seconds > CHANGE_MAX)
        return error_set(error, -ERANGE, "schedule: change of the UTC offset at %lld s",
                         (long long)window->offset_change_seconds);
    if (window->duration_seconds <= SCHEDULE_DURATION_MAX / NSEC)
        time_format_duration(window->duration_seconds * NSEC, duration, sizeof(duration));
    for (size_t i = 0; i < ARRAY_SIZE(effects); i++)
        if (effects[i].message == window->effect)
            effect = schedule_effect_name(effects[i].effect);
    int r = schedule_parse(window->cron, duration, effect, NULL, schedule, error);
    if (r < 0)
        return r;
    schedule->utc_offset = window->utc_offset_seconds;
    schedule->offset_change = window->offset_change_seconds;
    schedule->offset_after = window->utc_offset_after_seconds;
    policy->schedule_count++;
    return 0;
}

static int take_identity(struct policy *policy, const Vmreclaim__Policy__V1__Policy *message,
                         struct error *error)
{
    policy->revision = message->revision;
    if (strlen(message->hash) >= sizeof(policy->hash))
        return error_set(error, -ERANGE, "hash: longer than %zu characters",
                         sizeof(policy->hash) - 1);
    memcpy(policy->hash, message->hash, strlen(message->hash));
    if (message->name[0] == '\0')
        return 0;
    return policy_set_name(policy, message->name, error);
}

int policy_from_message(const Vmreclaim__Policy__V1__Policy *message, struct policy *ret_policy,
                        struct policy_unsupported *ret_unsupported, struct error *error)
{
    struct policy_unsupported unsupported = {.count = 0};
    enum policy_profile profile = POLICY_BALANCED;
    struct policy policy;

    if (policy_profile_parse(message->profile, &profile, NULL) < 0)
        add_unsupported(&unsupported, "profile");
    policy_init(&policy, profile);
    int r = take_identity(&policy, message, error);
    for (size_t i = 0; r == 0 && i < message->n_settings; i++)
        r = take_setting(&policy, message->settings[i], &unsupported, error);
    for (size_t i = 0; r == 0 && i < message->n_schedules; i++)
        r = take_schedule(&policy, message->schedules[i], error);
    if (r == 0)
        r = policy_check(&policy, error);
    if (r < 0)
        return r;
    *ret_policy = policy;
    *ret_unsupported = unsupported;
    return 0;
}
