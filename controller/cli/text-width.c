/* Widths, by wcwidth(3). */
#include "controller/cli/text-width.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <wchar.h>

#include "common/base/text.h"

/* Of the character at `text`, which has `*ret_bytes`. */
static size_t take_character(const char *text, size_t left, size_t *ret_bytes)
{
    size_t bytes = text_character(text, left);
    int width = 1;

    *ret_bytes = bytes == 0 ? 1 : bytes;
    if (bytes > 0)
        width = wcwidth((wchar_t)text_code_point(text, bytes));
    return width < 0 ? 1 : (size_t)width;
}

size_t text_width_of(const char *text, size_t length)
{
    size_t width = 0;
    size_t bytes;

    for (; length > 0; text += bytes, length -= bytes)
        width += take_character(text, length, &bytes);
    return width;
}

size_t text_width(const char *text)
{
    return text_width_of(text, strlen(text));
}

size_t text_fit_width_of(const char *text, size_t length, size_t width)
{
    size_t used = 0;
    size_t bytes;

    while (used < length) {
        size_t wide = take_character(text + used, length - used, &bytes);

        if (wide > width)
            break;
        width -= wide;
        used += bytes;
    }
    return used;
}

size_t text_fit_width(const char *text, size_t width)
{
    return text_fit_width_of(text, strlen(text), width);
}

/* Where the last part begins that is no wider than `width`. */
static const char *last_part(const char *text, size_t width)
{
    size_t length = strlen(text);
    size_t whole = text_width(text);
    size_t bytes;

    while (whole > width) {
        whole -= take_character(text, length, &bytes);
        text += bytes;
        length -= bytes;
    }
    return text;
}

static void leave_out(char *to, size_t size, const char *text, size_t width, size_t behind)
{
    int before;

    if (text_width(text) <= width) {
        snprintf(to, size, "%s", text);
        return;
    }
    before = (int)text_fit_width(text, width - 1 - behind);
    snprintf(to, size, "%.*s…%s", before, text, last_part(text, behind));
}

void text_shorten(char *to, size_t size, const char *text, size_t width)
{
    assert(width > 0);
    leave_out(to, size, text, width, (width - 1) / 2);
}

void text_cut_width(char *to, size_t size, const char *text, size_t width)
{
    assert(width > 0);
    leave_out(to, size, text, width, 0);
}
