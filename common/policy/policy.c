/* The field table of a policy, and everything that follows from it. */
#include "common/policy/policy.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/base/nearest.h"
#include "common/base/number.h"
#include "common/base/text.h"
#include "common/base/util.h"

#define MINUTE (60 * NSEC_PER_SEC)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

enum field_kind {
    FIELD_BYTES,        /* uint64_t */
    FIELD_DURATION,     /* nsec_t */
    FIELD_PERMYRIAD,    /* uint32_t */
    FIELD_COUNT,        /* uint32_t */
    FIELD_BOOLEAN,      /* bool */
    FIELD_CACHE_METHOD, /* enum policy_cache_method */
};

/* Which values of a field bother the guest less. Enumerations and booleans are ordered from the
 * gentlest up. */
enum gentle_side {
    LOWER_IS_GENTLER,
    HIGHER_IS_GENTLER,
};

struct field {
    const char *key;
    enum field_kind kind;
    size_t offset;
    enum gentle_side gentle;
    uint64_t minimum;
    uint64_t maximum;
    uint64_t defaults[POLICY_PROFILE_COUNT]; /* observe, gentle, balanced, aggressive, wsl */
    const char *help;
};

#define FIELD(kind, member) #member, kind, offsetof(struct policy, member)
#define SECONDS(n)          ((n)*NSEC_PER_SEC)

/* The columns of `defaults` are the profiles; policy_profile_reason() says why. */
static const struct field fields[] = {
    {FIELD(FIELD_DURATION, sample_interval),
     HIGHER_IS_GENTLER,
     SECONDS(1),
     HOUR,
     {SECONDS(30), SECONDS(10), SECONDS(10), SECONDS(5), SECONDS(10)},
     "longest time between two readings of the guest"},
    {FIELD(FIELD_DURATION, idle_window),
     HIGHER_IS_GENTLER,
     SECONDS(5),
     DAY,
     {SECONDS(120), SECONDS(300), SECONDS(120), SECONDS(60), SECONDS(120)},
     "the guest is idle when it was calm for this long"},
    {FIELD(FIELD_PERMYRIAD, idle_cpu),
     LOWER_IS_GENTLER,
     1,
     PERMYRIAD_ONE,
     {50, 50, 50, 200, 50},
     "calm means at most this share of all CPUs busy; of 16, in a guest with more"},
    {FIELD(FIELD_PERMYRIAD, psi_memory),
     LOWER_IS_GENTLER,
     0,
     PERMYRIAD_ONE,
     {100, 50, 100, 200, PERMYRIAD_ONE},
     "above this share of time stalled on memory nothing is done"},
    {FIELD(FIELD_PERMYRIAD, psi_io),
     LOWER_IS_GENTLER,
     0,
     PERMYRIAD_ONE,
     {500, 200, 500, 1000, PERMYRIAD_ONE},
     "above this share of time stalled on I/O nothing is done"},
    {FIELD(FIELD_COUNT, refault_rate),
     LOWER_IS_GENTLER,
     0,
     1000000,
     {250, 50, 250, 1000, 1000000},
     "pages per second read back after they were taken; above it the cache floor rises"},
    {FIELD(FIELD_CACHE_METHOD, cache_method),
     LOWER_IS_GENTLER,
     0,
     POLICY_CACHE_METHOD_COUNT - 1,
     {POLICY_CACHE_NONE, POLICY_CACHE_GRADUAL, POLICY_CACHE_GRADUAL, POLICY_CACHE_GRADUAL,
      POLICY_CACHE_DROP},
     "how page cache is taken: none, gradual (in steps) or drop (all, once per idle period)"},
    {FIELD(FIELD_BYTES, cache_floor),
     HIGHER_IS_GENTLER,
     0,
     (uint64_t)1 << 50,
     {128 * MIB, 512 * MIB, 128 * MIB, 64 * MIB, 128 * MIB},
     "page cache that is always left"},
    {FIELD(FIELD_BYTES, cache_step),
     LOWER_IS_GENTLER,
     MIB,
     (uint64_t)1 << 40,
     {256 * MIB, 64 * MIB, 256 * MIB, GIB, GIB},
     "largest amount of page cache taken in one step"},
    {FIELD(FIELD_BYTES, trickle),
     LOWER_IS_GENTLER,
     0,
     (uint64_t)1 << 40,
     {0, 0, 512 * MIB, 2 * GIB, 0},
     "page cache taken per minute from a guest that is never idle; 0 takes none"},
    {FIELD(FIELD_BOOLEAN, drop_slab),
     LOWER_IS_GENTLER,
     0,
     1,
     {false, false, false, false, true},
     "dropping takes reclaimable slab too"},
    {FIELD(FIELD_BOOLEAN, compact),
     LOWER_IS_GENTLER,
     0,
     1,
     {false, true, true, true, true},
     "compact free memory when it is trapped in small pieces"},
    {FIELD(FIELD_BYTES, compact_min_gain),
     HIGHER_IS_GENTLER,
     0,
     (uint64_t)1 << 40,
     {64 * MIB, 256 * MIB, 64 * MIB, 32 * MIB, 0},
     "trapped bytes that make a compaction worth its cost"},
    {FIELD(FIELD_DURATION, compact_time_limit),
     LOWER_IS_GENTLER,
     NSEC_PER_SEC / 10,
     HOUR,
     {SECONDS(30), SECONDS(10), SECONDS(30), SECONDS(120), HOUR},
     "longest time of one compaction or reclaim"},
    {FIELD(FIELD_DURATION, compact_interval),
     HIGHER_IS_GENTLER,
     SECONDS(1),
     DAY,
     {SECONDS(600), HOUR, SECONDS(600), SECONDS(120), SECONDS(10)},
     "time between two compactions; idle work for more memory comes sooner"},
    {FIELD(FIELD_COUNT, reporting_order),
     HIGHER_IS_GENTLER,
     0,
     20,
     {20, 20, 0, 0, 20},
     "lowest reporting order idle work may set, where the host's backing allows it"},
    {FIELD(FIELD_DURATION, cpu_budget),
     LOWER_IS_GENTLER,
     0,
     HOUR,
     {0, SECONDS(10), SECONDS(60), SECONDS(300), HOUR},
     "CPU time that actions may cost in any hour"},
    {FIELD(FIELD_BOOLEAN, pulse),
     LOWER_IS_GENTLER,
     0,
     1,
     {false, false, true, true, false},
     "take free memory with the balloon and give it back at once, where it is not reported"},
    {FIELD(FIELD_BYTES, pulse_headroom),
     HIGHER_IS_GENTLER,
     256 * MIB,
     (uint64_t)1 << 50,
     {256 * MIB, 512 * MIB, 256 * MIB, 256 * MIB, 256 * MIB},
     "memory that stays free in the guest during a pulse, and 5 % of its memory at least"},
    {FIELD(FIELD_BYTES, pulse_min_gain),
     HIGHER_IS_GENTLER,
     64 * MIB,
     (uint64_t)1 << 40,
     {128 * MIB, 512 * MIB, 128 * MIB, 64 * MIB, 128 * MIB},
     "free memory above the headroom that makes a pulse worth its cost"},
    {FIELD(FIELD_DURATION, pulse_interval),
     HIGHER_IS_GENTLER,
     MINUTE,
     DAY,
     {SECONDS(600), 2 * HOUR, SECONDS(600), SECONDS(120), SECONDS(600)},
     "time between two pulses; longer after one that brought little"},
    {FIELD(FIELD_BOOLEAN, pulse_only_idle),
     HIGHER_IS_GENTLER,
     0,
     1,
     {true, true, true, true, true},
     "pulses only while the guest is idle; else also while it works, of what was free for long"},
    {FIELD(FIELD_COUNT, shares),
     LOWER_IS_GENTLER,
     1,
     1000000,
     {1000, 1000, 1000, 1000, 1000},
     "its part of a host that is short, beside the shares of all others of its priority"},
    {FIELD(FIELD_COUNT, priority),
     HIGHER_IS_GENTLER,
     0,
     9,
     {5, 5, 5, 5, 5},
     "a guest of a lower one gives all that is above its floor first"},
    {FIELD(FIELD_BYTES, floor),
     HIGHER_IS_GENTLER,
     0,
     (uint64_t)1 << 48,
     {0, 0, 0, 0, 0},
     "memory that the guest keeps however short the host is; beside a VM file's, the larger"},
    {FIELD(FIELD_BYTES, ceiling),
     HIGHER_IS_GENTLER,
     0,
     (uint64_t)1 << 48,
     {0, 0, 0, 0, 0},
     "memory that the guest may hold while the host is short; 0 is no limit"},
    {FIELD(FIELD_BOOLEAN, allow_commands),
     LOWER_IS_GENTLER,
     0,
     1,
     {true, true, true, true, true},
     "whether a host may order actions beside the policy"},
};

static_assert(ARRAY_SIZE(fields) <= 64, "a policy_key_set has a bit for each key");

static const struct profile {
    const char *name;
    const char *reason;
} profiles[POLICY_PROFILE_COUNT] = {
    [POLICY_OBSERVE] = {"observe",
                        "measures and reports, changes nothing. Budget and actions are "
                        "zero; the gates are those of balanced, so that what it would do "
                        "can be read off"},
    [POLICY_GENTLE] = {"gentle", "for guests whose latency matters more than their memory. Long "
                                 "idleness, small steps, half a gigabyte of cache kept, never "
                                 "anything while busy, the reporting order as found"},
    [POLICY_BALANCED] = {"balanced", "the default. Two calm minutes, as today's best in-guest "
                                     "reclaimer waits. A trickle from busy guests as long as at "
                                     "most 1 MiB per second is read back. One minute of CPU an "
                                     "hour, 1.7 % of one CPU"},
    [POLICY_AGGRESSIVE] = {"aggressive", "for hosts that are short of memory. One minute of calm, "
                                         "large steps, up to 4 MiB per second read back, 8 % of "
                                         "one CPU"},
    [POLICY_WSL] =
        {"wsl",
         "the constants of WSL's own reclaim thread. Readings every 10 s, 0.5 % "
         "CPU over two minutes, everything dropped once per idle period, "
         "compaction each time. No look at pressure or refaults, no budget, and nothing at all "
         "while a guest works. With trickle, cache is taken then, too, in steps; set refault_rate "
         "beside it"},
};

static const char *const cache_method_names[POLICY_CACHE_METHOD_COUNT] = {
    [POLICY_CACHE_NONE] = "none",
    [POLICY_CACHE_GRADUAL] = "gradual",
    [POLICY_CACHE_DROP] = "drop",
};

static uint64_t field_load(const struct field *field, const struct policy *policy)
{
    const char *base = (const char *)policy + field->offset;
    uint64_t wide;
    uint32_t narrow;
    bool flag;
    enum policy_cache_method method;

    switch (field->kind) {
    case FIELD_BYTES:
    case FIELD_DURATION:
        memcpy(&wide, base, sizeof(wide));
        return wide;
    case FIELD_PERMYRIAD:
    case FIELD_COUNT:
        memcpy(&narrow, base, sizeof(narrow));
        return narrow;
    case FIELD_BOOLEAN:
        memcpy(&flag, base, sizeof(flag));
        return flag;
    case FIELD_CACHE_METHOD:
        memcpy(&method, base, sizeof(method));
        return method;
    }
    return 0;
}

static void field_store(const struct field *field, struct policy *policy, uint64_t value)
{
    char *base = (char *)policy + field->offset;
    const uint32_t narrow = (uint32_t)value;
    const bool flag = value != 0;
    const enum policy_cache_method method = (enum policy_cache_method)value;

    switch (field->kind) {
    case FIELD_BYTES:
    case FIELD_DURATION:
        memcpy(base, &value, sizeof(value));
        break;
    case FIELD_PERMYRIAD:
    case FIELD_COUNT:
        memcpy(base, &narrow, sizeof(narrow));
        break;
    case FIELD_BOOLEAN:
        memcpy(base, &flag, sizeof(flag));
        break;
    case FIELD_CACHE_METHOD:
        memcpy(base, &method, sizeof(method));
        break;
    }
}

static int parse_boolean(const char *text, uint64_t *ret_value)
{
    static const char *const words[] = {"false", "true", "no", "yes", "off", "on"};

    for (size_t i = 0; i < ARRAY_SIZE(words); i++)
        if (strcmp(text, words[i]) == 0) {
            *ret_value = i % 2;
            return 0;
        }
    return -EINVAL;
}

static int parse_cache_method(const char *text, uint64_t *ret_value)
{
    for (size_t i = 0; i < POLICY_CACHE_METHOD_COUNT; i++)
        if (strcmp(text, cache_method_names[i]) == 0) {
            *ret_value = i;
            return 0;
        }
    return -EINVAL;
}

static int value_parse(enum field_kind kind, const char *text, bool is_kept, uint64_t *ret_value)
{
    uint32_t permyriad;
    int r;

    switch (kind) {
    case FIELD_BYTES:
        return is_kept ? bytes_parse_unitless(text, ret_value) : bytes_parse(text, ret_value);
    case FIELD_DURATION:
        return time_parse_duration(text, ret_value);
    case FIELD_PERMYRIAD:
        r = permyriad_parse(text, &permyriad);
        if (r == 0)
            *ret_value = permyriad;
        return r;
    case FIELD_COUNT:
        return number_parse(text, ret_value);
    case FIELD_BOOLEAN:
        return parse_boolean(text, ret_value);
    case FIELD_CACHE_METHOD:
        return parse_cache_method(text, ret_value);
    }
    return -EINVAL;
}

static void value_format(enum field_kind kind, uint64_t value, char *buffer, size_t size)
{
    switch (kind) {
    case FIELD_BYTES:
        bytes_format(value, buffer, size);
        break;
    case FIELD_DURATION:
        time_format_duration(value, buffer, size);
        break;
    case FIELD_PERMYRIAD:
        permyriad_format((uint32_t)value, buffer, size);
        break;
    case FIELD_COUNT:
        snprintf(buffer, size, "%" PRIu64, value);
        break;
    case FIELD_BOOLEAN:
        snprintf(buffer, size, "%s", value != 0 ? "true" : "false");
        break;
    case FIELD_CACHE_METHOD:
        snprintf(buffer, size, "%s", cache_method_names[value]);
        break;
    }
}

static void range_format(const struct field *field, char *buffer, size_t size)
{
    size_t used;

    switch (field->kind) {
    case FIELD_BOOLEAN:
        snprintf(buffer, size, "true or false");
        return;
    case FIELD_CACHE_METHOD:
        snprintf(buffer, size, "none, gradual or drop");
        return;
    default:
        value_format(field->kind, field->minimum, buffer, size);
        used = strlen(buffer);
        used += (size_t)snprintf(buffer + used, size - used, "..");
        value_format(field->kind, field->maximum, buffer + used, size - used);
    }
}

static const struct field *find_field(const char *key)
{
    for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
        if (strcmp(fields[i].key, key) == 0)
            return &fields[i];
    return NULL;
}

void policy_init(struct policy *policy, enum policy_profile profile)
{
    memset(policy, 0, sizeof(*policy));
    policy->profile = profile;
    for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
        field_store(&fields[i], policy, fields[i].defaults[profile]);
}

static int unknown_key(const char *key, struct error *error)
{
    struct nearest nearest = {.wanted = key};

    for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
        nearest_offer(&nearest, fields[i].key);
    if (nearest.name == NULL)
        return error_set(error, -ENOENT, "unknown key '%s'", TEXT_CUT(key, 64));
    return error_set(error, -ENOENT, "unknown key '%s'; did you mean '%s'?", TEXT_CUT(key, 64),
                     nearest.name);
}

/* The value was not taken, for reason `r`. */
static int refuse_value(const struct field *field, const char *value, int r, struct error *error)
{
    const char *join = r == -ERANGE ? "in " : "a value in ";
    char text[80];

    if (field->kind == FIELD_BYTES && r == -EINVAL)
        return error_set(error, r, "%s: '%s' %s", field->key, TEXT_CUT(value, 64),
                         bytes_problem(value, text, sizeof(text)));
    if (field->kind == FIELD_BOOLEAN || field->kind == FIELD_CACHE_METHOD)
        join = "";
    range_format(field, text, sizeof(text));
    return error_set(error, r, "%s: '%s' is not %s%s", field->key, TEXT_CUT(value, 64), join, text);
}

static int set_value(struct policy *policy, const char *key, const char *value, bool is_kept,
                     struct error *error)
{
    const struct field *field = find_field(key);
    uint64_t number;
    int r;

    if (field == NULL)
        return unknown_key(key, error);
    r = value_parse(field->kind, value, is_kept, &number);
    if (r == 0 && (number < field->minimum || number > field->maximum))
        r = -ERANGE;
    if (r < 0)
        return refuse_value(field, value, r, error);
    field_store(field, policy, number);
    return 0;
}

int policy_set(struct policy *policy, const char *key, const char *value, struct error *error)
{
    return set_value(policy, key, value, false, error);
}

int policy_set_kept(struct policy *policy, const char *key, const char *value, struct error *error)
{
    return set_value(policy, key, value, true, error);
}

int policy_get(const struct policy *policy, const char *key, char *buffer, size_t size)
{
    const struct field *field = find_field(key);

    if (field == NULL)
        return -ENOENT;
    value_format(field->kind, field_load(field, policy), buffer, size);
    return 0;
}

const char *policy_key(size_t index)
{
    return index < ARRAY_SIZE(fields) ? fields[index].key : NULL;
}

const char *policy_help(size_t index)
{
    return index < ARRAY_SIZE(fields) ? fields[index].help : NULL;
}

const char *policy_range(size_t index, char *buffer, size_t size)
{
    if (index >= ARRAY_SIZE(fields))
        return NULL;
    range_format(&fields[index], buffer, size);
    return buffer;
}

bool policy_key_is_of_host(const char *key)
{
    return strncmp(key, "pulse", strlen("pulse")) == 0 || policy_key_is_of_arbiter(key);
}

bool policy_key_is_of_arbiter(const char *key)
{
    static const char *const keys[] = {"shares", "priority", "floor", "ceiling"};

    for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
        if (strcmp(keys[i], key) == 0)
            return true;
    return false;
}

policy_key_set policy_key_bit(const char *key)
{
    const struct field *field = find_field(key);

    return field == NULL ? 0 : (policy_key_set)1 << (field - fields);
}

policy_key_set policy_limit(struct policy *policy, const struct policy *limit, policy_key_set keys)
{
    policy_key_set changed = 0;

    for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
        uint64_t value = field_load(&fields[i], policy);
        uint64_t bound = field_load(&fields[i], limit);
        bool is_gentle = fields[i].gentle == LOWER_IS_GENTLER ? value <= bound : value >= bound;

        if ((keys >> i & 1) == 0 || is_gentle)
            continue;
        field_store(&fields[i], policy, bound);
        changed |= (policy_key_set)1 << i;
    }
    return changed;
}

int policy_check(const struct policy *policy, struct error *error)
{
    if (policy->sample_interval > policy->idle_window)
        return error_set(error, -EINVAL,
                         "sample_interval: longer than idle_window, so idleness is never seen");
    if (policy->compact && policy->cpu_budget < NSEC_PER_SEC)
        return error_set(
            error, -EINVAL,
            "cpu_budget: under 1s leaves nothing for a compaction; set compact: false");
    if (policy->ceiling != 0 && policy->ceiling < policy->floor)
        return error_set(error, -EINVAL,
                         "ceiling: below floor, which counts; raise it or leave "
                         "it out");
    return 0;
}

int policy_set_name(struct policy *policy, const char *name, struct error *error)
{
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    size_t length = strlen(name);

    if (length == 0 || length >= sizeof(policy->name))
        return error_set(error, -EINVAL, "name: wanted 1 to %zu characters",
                         sizeof(policy->name) - 1);
    if (name[strspn(name, allowed)] != '\0' || name[0] == '.' || name[0] == '-')
        return error_set(error, -EINVAL,
                         "name: '%s' has characters other than letters, digits, '.', '_', '-'",
                         name);
    memset(policy->name, 0, sizeof(policy->name));
    memcpy(policy->name, name, length);
    return 0;
}

const char *policy_profile_name(enum policy_profile profile)
{
    return (unsigned)profile < POLICY_PROFILE_COUNT ? profiles[profile].name : NULL;
}

int policy_profile_parse(const char *text, enum policy_profile *ret_profile, struct error *error)
{
    struct nearest nearest = {.wanted = text};

    for (unsigned i = 0; i < POLICY_PROFILE_COUNT; i++) {
        if (strcmp(text, profiles[i].name) == 0) {
            *ret_profile = (enum policy_profile)i;
            return 0;
        }
        nearest_offer(&nearest, profiles[i].name);
    }
    return error_set(error, -EINVAL,
                     "profile: '%s' is not one of observe, gentle, balanced, aggressive, wsl"
                     "%s%s%s",
                     TEXT_CUT(text, 64), nearest.name != NULL ? "; did you mean '" : "",
                     nearest.name != NULL ? nearest.name : "", nearest.name != NULL ? "'?" : "");
}

const char *policy_profile_reason(enum policy_profile profile)
{
    return profiles[profile].reason;
}
