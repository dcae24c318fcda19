/* A policy as "key = value" lines. */
#include "common/policy/policy-text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/number.h"
#include "common/base/text.h"
#include "common/base/util.h"

#define LINE_MAX_LENGTH 256

struct writer {
    char *buffer;
    size_t size;
    size_t used;
};

static void print(struct writer *writer, const char *format, ...) printf_like(2, 3);

static void print(struct writer *writer, const char *format, ...)
{
    va_list arguments;
    int length;

    va_start(arguments, format);
    length =
        vsnprintf(writer->buffer + writer->used, writer->size - writer->used, format, arguments);
    va_end(arguments);
    writer->used = min_of(writer->used + (size_t)length, writer->size - 1);
}

static void print_schedule(struct writer *writer, const struct schedule *schedule)
{
    char duration[48];

    print(writer, "schedule = %s; %s; %s; %s; %" PRId32 "\n", schedule->cron.text,
          time_format_duration(schedule->duration, duration, sizeof(duration)),
          schedule_effect_name(schedule->effect), schedule->zone, schedule->utc_offset);
}

size_t policy_write_text(const struct policy *policy, char *buffer, size_t size)
{
    struct writer writer = {buffer, size, 0};
    const char *key;

    if (policy->name[0] != '\0')
        print(&writer, "name = %s\n", policy->name);
    print(&writer, "profile = %s\n", policy_profile_name(policy->profile));
    if (policy->revision != 0)
        print(&writer, "revision = %" PRIu64 "\n", policy->revision);
    if (policy->hash[0] != '\0')
        print(&writer, "hash = %s\n", policy->hash);
    for (size_t i = 0; (key = policy_key(i)) != NULL; i++) {
        char value[64];
        (void)policy_get(policy, key, value, sizeof(value));
        print(&writer, "# %s\n%s = %s\n", policy_help(i), key, value);
    }
    for (size_t i = 0; i < policy->schedule_count; i++)
        print_schedule(&writer, &policy->schedules[i]);
    return writer.used;
}

static int set_offset(struct schedule *schedule, const char *text, struct error *error)
{
    bool is_west = text[0] == '-';
    uint64_t offset;

    if (number_parse(text + is_west, &offset) < 0 || offset > SCHEDULE_OFFSET_MAX)
        return error_set(error, -ERANGE, "schedule: '%s' is not an offset in seconds", text);
    schedule->utc_offset = is_west ? -(int32_t)offset : (int32_t)offset;
    return 0;
}

static int set_schedule(struct policy *policy, char *value, struct error *error)
{
    char *parts[5] = {NULL};
    size_t count = 0;
    struct schedule *schedule = &policy->schedules[policy->schedule_count];
    int r;

    if (policy->schedule_count == POLICY_SCHEDULES_MAX)
        return error_set(error, -EINVAL, "too many schedules, %d at most", POLICY_SCHEDULES_MAX);
    for (char *part; count < ARRAY_SIZE(parts) && (part = strsep(&value, ";")) != NULL;)
        parts[count++] = text_trim(part);
    if (count < 3 || value != NULL)
        return error_set(error, -EINVAL, "schedule: wanted CRON; FOR; DO; ZONE; OFFSET");
    r = schedule_parse(parts[0], parts[1], parts[2], parts[3], schedule, error);
    if (r == 0 && parts[4] != NULL)
        r = set_offset(schedule, parts[4], error);
    if (r == 0)
        policy->schedule_count++;
    return r;
}

static int set_hash(struct policy *policy, const char *value, struct error *error)
{
    if (strlen(value) >= sizeof(policy->hash) || value[strspn(value, "0123456789abcdef")] != '\0')
        return error_set(error, -EINVAL, "hash: not a SHA-256 in hexadecimal");
    memset(policy->hash, 0, sizeof(policy->hash));
    memcpy(policy->hash, value, strlen(value));
    return 0;
}

static int set_pair(struct policy *policy, const char *key, char *value, struct error *error)
{
    if (strcmp(key, "profile") == 0)
        return 0;
    if (strcmp(key, "name") == 0)
        return policy_set_name(policy, value, error);
    if (strcmp(key, "hash") == 0)
        return set_hash(policy, value, error);
    if (strcmp(key, "schedule") == 0)
        return set_schedule(policy, value, error);
    if (strcmp(key, "revision") == 0) {
        int r = number_parse(value, &policy->revision);
        return r < 0 ? error_set(error, r, "revision: '%.64s' is not a number", value) : 0;
    }
    return policy_set(policy, key, value, error);
}

static int set_profile(struct policy *policy, const char *key, char *value, struct error *error)
{
    enum policy_profile profile;
    int r;

    if (strcmp(key, "profile") != 0)
        return 0;
    r = policy_profile_parse(value, &profile, error);
    if (r == 0)
        policy_init(policy, profile);
    return r;
}

typedef int (*pair_reader)(struct policy *policy, const char *key, char *value,
                           struct error *error);

static int read_line(struct policy *policy, const char *text, size_t length, pair_reader take,
                     struct error *error)
{
    char line[LINE_MAX_LENGTH];
    char *key;
    char *value;

    if (length >= sizeof(line))
        return error_set(error, -ERANGE, "line longer than %d characters", LINE_MAX_LENGTH - 1);
    memcpy(line, text, length);
    line[length] = '\0';
    key = text_trim(line);
    if (key[0] == '\0' || key[0] == '#')
        return 0;
    value = strchr(key, '=');
    if (value == NULL)
        return error_set(error, -EINVAL, "wanted 'key = value'");
    *value = '\0';
    return take(policy, text_trim(key), text_trim(value + 1), error);
}

static int read_lines(struct policy *policy, const char *text, const char *source_name,
                      pair_reader take, struct error *error)
{
    unsigned number = 1;

    while (*text != '\0') {
        size_t length = strcspn(text, "\n");
        int r = read_line(policy, text, length, take, error);
        if (r < 0)
            return error_prefix(error, r, "%s:%u", source_name, number);
        text += length + (text[length] == '\n');
        number++;
    }
    return 0;
}

int policy_read_text(const char *text, const char *source_name, struct policy *ret_policy,
                     struct error *error)
{
    struct policy policy;
    int r;

    policy_init(&policy, POLICY_BALANCED);
    r = read_lines(&policy, text, source_name, set_profile, error);
    if (r < 0)
        return r;
    r = read_lines(&policy, text, source_name, set_pair, error);
    if (r < 0)
        return r;
    r = policy_check(&policy, error);
    if (r < 0)
        return error_prefix(error, r, "%s", source_name);
    *ret_policy = policy;
    return 0;
}
