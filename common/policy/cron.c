/* A cron expression as sets of bits, and the search for its latest match. */
#include "common/policy/cron.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

#include "common/base/number.h"
#include "common/base/util.h"

#define MINUTE 60
#define HOUR   3600
#define DAY    86400

static const char *const month_names[] = {"jan", "feb", "mar", "apr", "may", "jun",
                                          "jul", "aug", "sep", "oct", "nov", "dec"};
static const char *const weekday_names[] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat"};

static const struct field {
    const char *label;
    uint32_t minimum;
    uint32_t maximum;
    const char *const *names; /* of minimum, minimum + 1, ...; NULL: numbers only */
    uint32_t name_count;
} fields[] = {
    {"minute", 0, 59, NULL, 0},
    {"hour", 0, 23, NULL, 0},
    {"day of month", 1, 31, NULL, 0},
    {"month", 1, 12, month_names, ARRAY_SIZE(month_names)},
    {"day of week", 0, 7, weekday_names, ARRAY_SIZE(weekday_names)},
};

static int scan_value(const struct field *field, const char **text, uint32_t *ret_value)
{
    uint64_t value;

    for (uint32_t i = 0; i < field->name_count; i++)
        if (strncasecmp(*text, field->names[i], 3) == 0) {
            *text += 3;
            *ret_value = field->minimum + i;
            return 0;
        }
    int r = number_scan(text, &value);
    if (r < 0)
        return r;
    if (value < field->minimum || value > field->maximum)
        return -ERANGE;
    *ret_value = (uint32_t)value;
    return 0;
}

/* "*", "5" or "1-5". */
static int scan_range(const struct field *field, const char **text, uint32_t *ret_first,
                      uint32_t *ret_last)
{
    if (**text == '*') {
        (*text)++;
        *ret_first = field->minimum;
        *ret_last = field->maximum;
        return 0;
    }
    int r = scan_value(field, text, ret_first);
    if (r < 0)
        return r;
    *ret_last = *ret_first;
    if (**text != '-')
        return 0;
    (*text)++;
    r = scan_value(field, text, ret_last);
    if (r < 0)
        return r;
    return *ret_last < *ret_first ? -ERANGE : 0;
}

static int scan_item(const struct field *field, const char **text, uint64_t *bits)
{
    uint32_t first;
    uint32_t last;
    uint64_t step = 1;
    const char *start = *text;

    int r = scan_range(field, text, &first, &last);
    if (r < 0)
        return r;
    if (**text == '/') {
        (*text)++;
        r = number_scan(text, &step);
        if (r < 0)
            return r;
        if (step == 0 || step > field->maximum)
            return -ERANGE;
        /* "5/10" means from 5 on */
        if (*start != '*' && first == last)
            last = field->maximum;
    }
    for (uint64_t value = first; value <= last; value += step)
        *bits |= (uint64_t)1 << value;
    return 0;
}

/* One field up to the next blank. */
static int scan_field(const struct field *field, const char **text, uint64_t *ret_bits)
{
    uint64_t bits = 0;

    for (;;) {
        int r = scan_item(field, text, &bits);
        if (r < 0)
            return r;
        if (**text != ',')
            break;
        (*text)++;
    }
    if (**text != '\0' && **text != ' ' && **text != '\t')
        return -EINVAL;
    *ret_bits = bits;
    return 0;
}

static void assign_fields(struct cron *cron, const uint64_t bits[static ARRAY_SIZE(fields)])
{
    cron->minutes = bits[0];
    cron->hours = (uint32_t)bits[1];
    cron->days = (uint32_t)bits[2];
    cron->months = (uint16_t)bits[3];
    cron->weekdays = (uint8_t)((bits[4] | bits[4] >> 7) & 0x7f);
}

int cron_parse(const char *text, struct cron *ret_cron, struct error *error)
{
    struct cron cron = {0};
    uint64_t bits[ARRAY_SIZE(fields)];
    const char *c = text + strspn(text, " \t");

    if (strlen(text) >= sizeof(cron.text))
        return error_set(error, -ERANGE, "cron: longer than %zu characters", sizeof(cron.text) - 1);
    memcpy(cron.text, text, strlen(text));
    for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
        int r;
        if (*c == '\0')
            return error_set(error, -EINVAL, "cron: '%s' has %zu fields, not 5", text, i);
        if (i == 2)
            cron.days_restricted = *c != '*';
        if (i == 4)
            cron.weekdays_restricted = *c != '*';
        r = scan_field(&fields[i], &c, &bits[i]);
        if (r < 0)
            return error_set(error, r, "cron: '%s': bad %s, wanted %u-%u, '*', lists or steps",
                             text, fields[i].label, fields[i].minimum, fields[i].maximum);
        c += strspn(c, " \t");
    }
    if (*c != '\0')
        return error_set(error, -EINVAL, "cron: '%s' has more than 5 fields", text);
    assign_fields(&cron, bits);
    *ret_cron = cron;
    return 0;
}

static int64_t floor_to(int64_t value, int64_t unit)
{
    int64_t rest = value % unit;
    return value - (rest < 0 ? rest + unit : rest);
}

/* Month 1..12 and day 1..31 of a day number since the epoch, in the proleptic Gregorian calendar.
 * The year is counted from March, so that the leap day is its last. */
static void civil_date(int64_t day, unsigned *ret_month, unsigned *ret_day)
{
    int64_t shifted = day + 719468; /* 0000-03-01 */
    int64_t era = floor_to(shifted, 146097) / 146097;
    int64_t day_of_era = shifted - era * 146097;
    int64_t year =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year + year / 4 - year / 100);
    int64_t month = (5 * day_of_year + 2) / 153; /* 0: March */

    *ret_day = (unsigned)(day_of_year - (153 * month + 2) / 5 + 1);
    *ret_month = (unsigned)(month < 10 ? month + 3 : month - 9);
}

static bool matches_day(const struct cron *cron, int64_t time)
{
    int64_t day = floor_to(time, DAY) / DAY;
    unsigned weekday = (unsigned)(((day + 4) % 7 + 7) % 7); /* the epoch was a Thursday */
    unsigned month;
    unsigned day_of_month;
    bool by_day;
    bool by_weekday;

    civil_date(day, &month, &day_of_month);
    if ((cron->months >> month & 1) == 0)
        return false;
    by_day = (cron->days >> day_of_month & 1) != 0;
    by_weekday = (cron->weekdays >> weekday & 1) != 0;
    if (cron->days_restricted && cron->weekdays_restricted)
        return by_day || by_weekday;
    return by_day && by_weekday;
}

bool cron_previous(const struct cron *cron, int64_t time, int64_t earliest, int64_t *ret_start)
{
    int64_t minute = floor_to(time, MINUTE);

    while (minute > earliest) {
        int64_t hour = floor_to(minute, HOUR);
        int64_t day = floor_to(minute, DAY);
        if (!matches_day(cron, minute)) {
            minute = day - MINUTE;
        } else if ((cron->hours >> ((hour - day) / HOUR) & 1) == 0) {
            minute = hour - MINUTE;
        } else if ((cron->minutes >> ((minute - hour) / MINUTE) & 1) == 0) {
            minute -= MINUTE;
        } else {
            *ret_start = minute;
            return true;
        }
    }
    return false;
}
