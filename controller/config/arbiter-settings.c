/* The arbiter's settings. */
#include "controller/config/arbiter-settings.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/base/number.h"
#include "common/base/text.h"

void arbiter_settings_init(struct arbiter_settings *settings)
{
    *settings = (struct arbiter_settings){
        .critical = {.bytes = 4 * GIB, .permyriad = 400},
        .low = {.bytes = 8 * GIB, .permyriad = 800},
        .high = {.bytes = 12 * GIB, .permyriad = 1200},
    };
}

static int refuse(const char *text, const char *why, struct error *error)
{
    return error_set(error, -EINVAL,
                     "watermarks '%s' %s; wanted critical,low,high as 4%%,8%%,12%% or "
                     "1GiB,2GiB,3GiB",
                     TEXT_CUT(text, 64), why);
}

static int parse_mark(const char *text, struct arbiter_mark *ret_mark)
{
    *ret_mark = (struct arbiter_mark){.bytes = 0};
    if (strchr(text, '%') == NULL)
        return bytes_parse(text, &ret_mark->bytes);
    return permyriad_parse(text, &ret_mark->permyriad) < 0 || ret_mark->permyriad > PERMYRIAD_ONE
               ? -EINVAL
               : 0;
}

/* Up to the next comma; NULL: it is too long. */
static const char *take_part(const char *text, char *part, size_t size)
{
    size_t length = strcspn(text, ",");

    if (length >= size)
        return NULL;
    memcpy(part, text, length);
    part[length] = '\0';
    return text + length;
}

int arbiter_set_watermarks(struct arbiter_settings *settings, const char *text, struct error *error)
{
    struct arbiter_mark marks[3];
    const char *rest = text;
    char part[32];

    for (size_t i = 0; i < ARRAY_SIZE(marks); i++, rest++) {
        rest = take_part(rest, part, sizeof(part));
        if (rest == NULL || *rest != (i == 2 ? '\0' : ',') || parse_mark(part, &marks[i]) < 0)
            return refuse(text, "are not three", error);
        if (i > 0 && (marks[i].bytes == 0) != (marks[0].bytes == 0))
            return refuse(text, "mix sizes and shares", error);
        if (i > 0 && marks[i].bytes <= marks[i - 1].bytes &&
            marks[i].permyriad <= marks[i - 1].permyriad)
            return refuse(text, "do not rise", error);
    }
    if (marks[0].bytes == 0 && marks[0].permyriad == 0)
        return refuse(text, "begin at nothing", error);
    settings->critical = marks[0];
    settings->low = marks[1];
    settings->high = marks[2];
    return 0;
}

uint64_t arbiter_mark_bytes(const struct arbiter_mark *mark, uint64_t total)
{
    uint64_t part = total / PERMYRIAD_ONE * mark->permyriad +
                    total % PERMYRIAD_ONE * mark->permyriad / PERMYRIAD_ONE;

    if (mark->bytes == 0 || mark->permyriad == 0)
        return mark->bytes == 0 ? part : mark->bytes;
    return min_of(part, mark->bytes);
}
