/* Numbers, sizes and ratios as text. */
#include "common/base/number.h"

#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "common/base/text.h"
#include "common/base/util.h"

static const struct unit {
    const char *suffix;
    uint64_t size;
} units[] = {
    {"B", 1},
    {"K", (uint64_t)1 << 10},
    {"M", (uint64_t)1 << 20},
    {"G", (uint64_t)1 << 30},
    {"T", (uint64_t)1 << 40},
    {"KiB", (uint64_t)1 << 10},
    {"MiB", (uint64_t)1 << 20},
    {"GiB", (uint64_t)1 << 30},
    {"TiB", (uint64_t)1 << 40},
    {"kB", 1000},
    {"MB", (uint64_t)1000 * 1000},
    {"GB", (uint64_t)1000 * 1000 * 1000},
    {"TB", (uint64_t)1000 * 1000 * 1000 * 1000},
};

int number_scan(const char **text, uint64_t *ret_value)
{
    const char *c = *text;
    uint64_t value = 0;

    if (*c < '0' || *c > '9')
        return -EINVAL;
    for (; *c >= '0' && *c <= '9'; c++)
        if (__builtin_mul_overflow(value, (uint64_t)10, &value) ||
            __builtin_add_overflow(value, (uint64_t)(*c - '0'), &value))
            return -ERANGE;
    *text = c;
    *ret_value = value;
    return 0;
}

int number_parse(const char *text, uint64_t *ret_value)
{
    uint64_t value;
    int r = number_scan(&text, &value);
    if (r < 0)
        return r;
    if (*text != '\0')
        return -EINVAL;
    *ret_value = value;
    return 0;
}

/* Reads ".ddd" at *text as `*ret_value` / `*ret_scale`; nothing there is 0 / 1. */
static int scan_fraction(const char **text, unsigned max_digits, uint64_t *ret_value,
                         uint64_t *ret_scale)
{
    const char *c = *text;
    uint64_t value = 0;
    uint64_t scale = 1;

    if (*c == '.') {
        c++;
        for (; *c >= '0' && *c <= '9'; c++) {
            if (max_digits-- == 0)
                return -EINVAL;
            value = value * 10 + (uint64_t)(*c - '0');
            scale *= 10;
        }
        if (scale == 1)
            return -EINVAL;
    }
    *text = c;
    *ret_value = value;
    *ret_scale = scale;
    return 0;
}

/* Reads "1.5" at *text; what it is of a unit is count_of() below. */
struct count {
    uint64_t whole;
    uint64_t fraction; /* of `scale` */
    uint64_t scale;
};

static int scan_count(const char **text, struct count *ret_count)
{
    int r = number_scan(text, &ret_count->whole);

    return r < 0 ? r : scan_fraction(text, 3, &ret_count->fraction, &ret_count->scale);
}

static int count_of(const struct count *count, uint64_t unit, uint64_t *ret_bytes)
{
    uint64_t bytes;

    if (__builtin_mul_overflow(count->whole, unit, &bytes) ||
        __builtin_add_overflow(bytes, count->fraction * unit / count->scale, &bytes))
        return -ERANGE;
    *ret_bytes = bytes;
    return 0;
}

int bytes_parse(const char *text, uint64_t *ret_bytes)
{
    bool is_zero = strcmp(text, "0") == 0;
    struct count count;
    int r = scan_count(&text, &count);

    if (r < 0)
        return r;
    for (size_t i = 0; i < ARRAY_SIZE(units); i++)
        if (strcmp(text, units[i].suffix) == 0)
            return count_of(&count, units[i].size, ret_bytes);
    return is_zero ? count_of(&count, 1, ret_bytes) : -EINVAL;
}

int bytes_parse_unitless(const char *text, uint64_t *ret_bytes)
{
    int r = number_parse(text, ret_bytes);

    return r == -EINVAL ? bytes_parse(text, ret_bytes) : r;
}

/* Sizes of guests are seldom above this. */
#define GUESS_MAX (64 * GIB)

/* The largest unit that leaves the number plausible; NULL: the text is not a mere number. */
static const char *guess_unit(const char *text)
{
    static const struct unit guesses[] = {{"GiB", GIB}, {"MiB", MIB}, {"KiB", KIB}};
    struct count count;

    if (scan_count(&text, &count) < 0 || *text != '\0')
        return NULL;
    for (size_t i = 0; i < ARRAY_SIZE(guesses); i++)
        if (count.whole <= GUESS_MAX / guesses[i].size)
            return guesses[i].suffix;
    return "B";
}

const char *bytes_problem(const char *text, char *buffer, size_t size)
{
    const char *unit = guess_unit(text);

    if (unit == NULL)
        snprintf(buffer, size, "is not a size; write 512MiB, 1.5GiB or 3GB");
    else
        snprintf(buffer, size, "has no unit; did you mean %s%s?", TEXT_CUT(text, 24), unit);
    return buffer;
}

const char *bytes_format(uint64_t bytes, char *buffer, size_t size)
{
    static const char *const suffixes[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    size_t i = 0;

    while (bytes != 0 && bytes % 1024 == 0 && i + 1 < ARRAY_SIZE(suffixes)) {
        bytes /= 1024;
        i++;
    }
    snprintf(buffer, size, "%" PRIu64 "%s", bytes, bytes == 0 ? "" : suffixes[i]);
    return buffer;
}

const char *bytes_format_short(uint64_t bytes, char *buffer, size_t size)
{
    static const char *const suffixes[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    double value = (double)bytes;
    size_t i = 0;

    while (value >= 1023.95 && i + 1 < ARRAY_SIZE(suffixes)) {
        value /= 1024;
        i++;
    }
    snprintf(buffer, size, i == 0 ? "%.0f %s" : "%.1f %s", value, suffixes[i]);
    return buffer;
}

struct bytes_text bytes_text(uint64_t bytes)
{
    struct bytes_text text = {""};

    bytes_format_short(bytes, text.text, sizeof(text.text));
    return text;
}

int permyriad_parse(const char *text, uint32_t *ret_permyriad)
{
    uint64_t whole;
    uint64_t fraction;
    uint64_t scale;

    int r = number_scan(&text, &whole);
    if (r < 0)
        return r;
    r = scan_fraction(&text, 2, &fraction, &scale);
    if (r < 0)
        return r;
    if (strcmp(text, "%") != 0)
        return -EINVAL;
    if (whole > UINT32_MAX / 100 - 1)
        return -ERANGE;
    *ret_permyriad = (uint32_t)(whole * 100 + fraction * 100 / scale);
    return 0;
}

const char *permyriad_format(uint32_t permyriad, char *buffer, size_t size)
{
    uint32_t whole = permyriad / 100;
    uint32_t hundredths = permyriad % 100;

    if (hundredths == 0)
        snprintf(buffer, size, "%" PRIu32 "%%", whole);
    else if (hundredths % 10 == 0)
        snprintf(buffer, size, "%" PRIu32 ".%" PRIu32 "%%", whole, hundredths / 10);
    else
        snprintf(buffer, size, "%" PRIu32 ".%02" PRIu32 "%%", whole, hundredths);
    return buffer;
}
