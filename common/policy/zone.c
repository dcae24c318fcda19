/* TZif files: the second block's transitions, then its footer's rule for all time after them. */
#include "common/policy/zone.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/cleanup.h"
#include "common/base/util.h"
#include "common/policy/zone-files.h"

#define HEADER_SIZE 44
#define DAY         86400
#define TYPE_SIZE   6 /* ttinfo: offset, is_dst, index of the name */

/* The data of one block; pointers into the file. */
struct block {
    const uint8_t *times;
    const uint8_t *indices;
    const uint8_t *types;
    uint32_t time_count;
    uint32_t type_count;
    size_t size;
};

/* One of the two days of a POSIX rule. */
struct rule_day {
    char kind; /* 'J', 'n' or 'M' */
    int64_t day, week, month;
    int64_t time; /* seconds after local midnight */
};

struct rule {
    int32_t standard;
    int32_t daylight;
    bool has_daylight;
    struct rule_day begin;
    struct rule_day end;
};

static uint32_t load32(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static int64_t load64(const uint8_t *bytes)
{
    return (int64_t)((uint64_t)load32(bytes) << 32 | load32(bytes + 4));
}

/* ---- transitions ---- */

/* The block at `data`, whose times have `width` bytes. -EBADMSG. */
static int read_block(const uint8_t *data, size_t length, size_t width, struct block *ret_block)
{
    uint32_t counts[6]; /* isut, isstd, leap, time, type, char */
    struct block block;
    size_t size;

    if (length < HEADER_SIZE || memcmp(data, "TZif", 4) != 0)
        return -EBADMSG;
    for (size_t i = 0; i < ARRAY_SIZE(counts); i++) {
        counts[i] = load32(data + 20 + 4 * i);
        if (counts[i] > ZONE_FILE_MAX)
            return -EBADMSG;
    }
    size = HEADER_SIZE + counts[3] * (width + 1) + (size_t)counts[4] * TYPE_SIZE + counts[5] +
           counts[2] * (width + 4) + counts[1] + counts[0];
    if (size > length || counts[4] == 0)
        return -EBADMSG;
    block = (struct block){.times = data + HEADER_SIZE,
                           .time_count = counts[3],
                           .type_count = counts[4],
                           .size = size};
    block.indices = block.times + counts[3] * width;
    block.types = block.indices + counts[3];
    *ret_block = block;
    return 0;
}

/* After transition `i`, or before all of them (-1). */
static int32_t offset_of(const struct block *block, int64_t i)
{
    uint32_t type = i < 0 ? 0 : block->indices[i];

    return type < block->type_count ? (int32_t)load32(block->types + (size_t)type * TYPE_SIZE) : 0;
}

/* Goes on from the offset in `result` over the transitions in the file. True: a change was found.
 */
static bool find_transition(const struct block *block, int64_t time, struct zone_offset *result)
{
    int64_t i = 0;

    while (i < block->time_count && load64(block->times + 8 * i) <= time)
        i++;
    result->offset = offset_of(block, i - 1);
    for (; i < block->time_count; i++)
        if (load64(block->times + 8 * i) > time && offset_of(block, i) != result->offset) {
            result->change = load64(block->times + 8 * i);
            result->offset_after = offset_of(block, i);
            return true;
        }
    return false;
}

/* ---- the footer's rule: "CET-1CEST,M3.5.0,M10.5.0/3" ---- */

static bool skip_name(const char **text)
{
    const char *start = *text;

    if (**text == '<') {
        *text += strcspn(*text, ">");
        return *(*text)++ == '>';
    }
    while ((**text >= 'a' && **text <= 'z') || (**text >= 'A' && **text <= 'Z'))
        (*text)++;
    return *text - start >= 3;
}

static bool scan_number(const char **text, int64_t *ret_number)
{
    char *end;

    if (**text < '0' || **text > '9')
        return false;
    *ret_number = strtol(*text, &end, 10);
    *text = end;
    return true;
}

/* "[+-]h[:m[:s]]" in seconds. */
static bool scan_time(const char **text, int64_t *ret_seconds)
{
    int64_t sign = **text == '-' ? -1 : 1;
    int64_t unit = 3600;
    int64_t sum = 0;
    int64_t part;

    *text += **text == '-' || **text == '+';
    do {
        if (!scan_number(text, &part))
            return false;
        sum += part * unit;
        unit /= 60;
    } while (**text == ':' && unit > 0 && *(*text)++ == ':');
    *ret_seconds = sign * sum;
    return true;
}

static bool scan_day(const char **text, struct rule_day *day)
{
    *day = (struct rule_day){.kind = 'n', .time = 7200};
    if (*(*text)++ != ',')
        return false;
    if (**text == 'J' || **text == 'M')
        day->kind = *(*text)++;
    if (!scan_number(text, day->kind == 'M' ? &day->month : &day->day))
        return false;
    if (day->kind == 'M' && (*(*text)++ != '.' || !scan_number(text, &day->week) ||
                             *(*text)++ != '.' || !scan_number(text, &day->day)))
        return false;
    if (**text != '/')
        return true;
    (*text)++;
    return scan_time(text, &day->time);
}

static bool read_rule(const char *text, struct rule *rule)
{
    int64_t seconds;

    *rule = (struct rule){.has_daylight = false};
    if (!skip_name(&text) || !scan_time(&text, &seconds))
        return false;
    rule->standard = rule->daylight = (int32_t)-seconds;
    if (*text == '\0')
        return true;
    rule->daylight += 3600;
    if (!skip_name(&text))
        return false;
    if (*text != ',') {
        if (!scan_time(&text, &seconds))
            return false;
        rule->daylight = (int32_t)-seconds;
    }
    rule->has_daylight = true;
    return scan_day(&text, &rule->begin) && scan_day(&text, &rule->end) && *text == '\0';
}

static bool is_leap(int64_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

/* Days since the epoch of the first of January. */
static int64_t year_start(int64_t year)
{
    int64_t past = year - 1;

    return (year - 1970) * 365 + past / 4 - past / 100 + past / 400 -
           (1969 / 4 - 1969 / 100 + 1969 / 400);
}

static int64_t month_start(int64_t year, int64_t month)
{
    static const int16_t days[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365};

    return year_start(year) + days[month - 1] + (month > 2 && is_leap(year));
}

/* The rule's day and time in that year, in seconds of local time. */
static int64_t rule_time(const struct rule_day *rule, int64_t year)
{
    int64_t day = year_start(year) + rule->day;

    if (rule->kind == 'J')
        day += (rule->day > 59 && is_leap(year)) - 1;
    if (rule->kind == 'M' && rule->month >= 1 && rule->month <= 12) {
        int64_t first = month_start(year, rule->month);
        int64_t next =
            rule->month == 12 ? year_start(year + 1) : month_start(year, rule->month + 1);
        day = first + (rule->day - (first + 4) % 7 + 7) % 7 + (rule->week - 1) * 7;
        while (day >= next)
            day -= 7;
    }
    return day * DAY + rule->time;
}

/* What the rule says from `time` on; `result->offset` is overwritten only with `is_past`. */
static void apply_rule(const struct rule *rule, int64_t time, struct zone_offset *result)
{
    int64_t year = 1970 + time / DAY * 400 / 146097;
    int64_t latest = INT64_MIN;

    result->offset = rule->standard;
    result->change = 0;
    if (!rule->has_daylight)
        return;
    for (int64_t y = year - 2; y <= year + 2; y++) {
        const struct {
            int64_t at;
            int32_t offset;
        } changes[] = {{rule_time(&rule->begin, y) - rule->standard, rule->daylight},
                       {rule_time(&rule->end, y) - rule->daylight, rule->standard}};
        for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
            if (changes[i].at <= time && changes[i].at > latest) {
                latest = changes[i].at;
                result->offset = changes[i].offset;
            }
            if (changes[i].at > time && (result->change == 0 || changes[i].at < result->change)) {
                result->change = changes[i].at;
                result->offset_after = changes[i].offset;
            }
        }
    }
}

/* ---- together ---- */

int zone_parse(const char *text, size_t length, int64_t time, struct zone_offset *ret_offset)
{
    const uint8_t *data = (const uint8_t *)text;
    struct zone_offset result = {.change = 0};
    struct block block;
    struct rule rule;
    char footer[128];
    size_t used;

    int r = read_block(data, length, 4, &block);
    if (r < 0)
        return r;
    if (data[4] < '2') /* the first version's times end in 2038 */
        return -EBADMSG;
    used = block.size;
    r = read_block(data + used, length - used, 8, &block);
    if (r < 0)
        return r;
    used += block.size;
    if (!find_transition(&block, time, &result) && used + 2 < length && text[used] == '\n') {
        size_t size = strcspn(text + used + 1, "\n");
        if (size > 0 && size < sizeof(footer)) {
            memcpy(footer, text + used + 1, size);
            footer[size] = '\0';
            if (read_rule(footer, &rule))
                apply_rule(&rule, time, &result);
        }
    }
    *ret_offset = result;
    return 0;
}

int zone_resolve(const char *name, int64_t time, struct zone_offset *ret_offset,
                 struct error *error)
{
    cleanup_free char *text = NULL;
    size_t length;
    int r;

    if (name[0] == '\0') {
        *ret_offset = (struct zone_offset){.offset = 0};
        return 0;
    }
    r = zone_file_read(name, &text, &length);
    if (r == -ENODEV)
        return error_set(error, -ENOENT, "zone: no " ZONE_DIRECTORY " here: install tzdata");
    if (r == 0)
        r = zone_parse(text, length, time, ret_offset);
    if (r == -EBADMSG)
        return error_set(error, r, "zone: " ZONE_DIRECTORY "/%s is not a time zone", name);
    if (r < 0)
        return error_set(error, -ENOENT,
                         "zone: no '%s' in " ZONE_DIRECTORY ": wanted a name like "
                         "Europe/Berlin",
                         name);
    return 0;
}

int64_t zone_resolve_policy(struct policy *policy, int64_t time)
{
    int64_t next = 0;

    for (size_t i = 0; i < policy->schedule_count; i++) {
        struct schedule *schedule = &policy->schedules[i];
        struct zone_offset offset = {.change = 0};
        if (schedule->zone[0] == '\0' || zone_resolve(schedule->zone, time, &offset, NULL) < 0)
            continue;
        schedule->utc_offset = offset.offset;
        schedule->offset_change = offset.change;
        schedule->offset_after = offset.offset_after;
        if (offset.change != 0 && (next == 0 || offset.change < next))
            next = offset.change;
    }
    return next;
}
