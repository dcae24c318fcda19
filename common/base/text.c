/* UTF-8, cut, mended and shown. */
#include "common/base/text.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define CHARACTER_MAX 4 /* bytes */

/* ---- characters ---- */

/* What the first byte announces; 0: it begins none. */
static size_t announced(uint8_t first)
{
    if (first < 0x80)
        return 1;
    if (first < 0xc2 || first > 0xf4)
        return 0;
    return first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
}

/* Overlong forms, surrogates, and what lies beyond U+10FFFF show in the second byte. */
static bool may_follow(uint8_t first, uint8_t second)
{
    uint8_t low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
    uint8_t high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;

    return second >= low && second <= high;
}

/* How many of the first bytes of a character are there. */
static size_t well_formed(const uint8_t *bytes, size_t left)
{
    size_t length = left == 0 ? 0 : announced(bytes[0]);
    size_t i = 1;

    if (length == 0)
        return 0;
    if (length > 1 && left > 1 && !may_follow(bytes[0], bytes[1]))
        return 1;
    while (i < length && i < left && (bytes[i] & 0xc0) == 0x80)
        i++;
    return i;
}

size_t text_character(const char *text, size_t left)
{
    const uint8_t *bytes = (const uint8_t *)text;
    size_t length = left == 0 ? 0 : announced(bytes[0]);

    return well_formed(bytes, left) == length ? length : 0;
}

static bool is_ascii_word(const char *text)
{
    uint64_t word;

    memcpy(&word, text, sizeof(word));
    return (word & UINT64_C(0x8080808080808080)) == 0;
}

/* How many of the first bytes are ASCII: nearly all text is, and is looked at by words. The last
 * word overlaps the one before. */
static size_t count_ascii(const char *text, size_t length)
{
    size_t i = 0;

    while (length - i >= sizeof(uint64_t) && is_ascii_word(text + i))
        i += sizeof(uint64_t);
    if (length >= sizeof(uint64_t) && length - i < sizeof(uint64_t) &&
        is_ascii_word(text + length - sizeof(uint64_t)))
        return length;
    while (i < length && (uint8_t)text[i] < 0x80)
        i++;
    return i;
}

/* Where the first byte is that belongs to no character; `length`: there is none. */
static size_t find_misfit(const char *text, size_t length)
{
    size_t i = count_ascii(text, length);

    while (i < length) {
        size_t step = text_character(text + i, length - i);

        if (step == 0)
            break;
        i += step;
        i += count_ascii(text + i, length - i);
    }
    return i;
}

bool text_is_utf8(const char *text, size_t length)
{
    return find_misfit(text, length) == length;
}

void text_mend(char *text, size_t length)
{
    for (size_t i = find_misfit(text, length); i < length; i += find_misfit(text + i, length - i))
        text[i] = '?';
}

/* ---- cutting ---- */

/* The length without a character that the end has cut. */
static size_t without_cut(const char *text, size_t length)
{
    for (size_t back = 1; back < CHARACTER_MAX && back <= length; back++) {
        const uint8_t *begin = (const uint8_t *)text + length - back;

        if (announced(*begin) > back && well_formed(begin, back) == back)
            return length - back;
    }
    return length;
}

size_t text_fit(const char *text, size_t length, size_t room)
{
    return length <= room ? length : without_cut(text, room);
}

void text_copy_bytes(char *to, size_t size, const char *from, size_t length)
{
    assert(size > 0);
    length = text_fit(from, length, size - 1);
    if (length > 0)
        memcpy(to, from, length);
    to[length] = '\0';
    text_mend(to, length);
}

void text_copy(char *to, size_t size, const char *from)
{
    text_copy_bytes(to, size, from, strlen(from));
}

const char *text_cut(char *to, size_t size, const char *from)
{
    text_copy(to, size, from);
    return to;
}

void text_append_bytes(char *to, size_t size, const char *from, size_t length)
{
    size_t used = strlen(to);

    assert(used < size);
    text_copy_bytes(to + used, size - used, from, length);
}

int text_format_list(char *to, size_t size, const char *format, va_list arguments)
{
    size_t length;
    int wanted;

    assert(size > 0);
    wanted = vsnprintf(to, size, format, arguments);
    if (wanted < 0)
        to[0] = '\0';
    length = strlen(to);
    if (wanted >= 0 && (size_t)wanted >= size)
        length = without_cut(to, length);
    to[length] = '\0';
    text_mend(to, length);
    return wanted;
}

int text_format(char *to, size_t size, const char *format, ...)
{
    va_list arguments;
    int wanted;

    va_start(arguments, format);
    wanted = text_format_list(to, size, format, arguments);
    va_end(arguments);
    return wanted;
}

/* ---- showing ---- */

uint32_t text_code_point(const char *text, size_t length)
{
    static const uint8_t masks[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    const uint8_t *bytes = (const uint8_t *)text;
    uint32_t code;

    assert(length >= 1 && length <= CHARACTER_MAX);
    code = bytes[0] & masks[length];
    for (size_t i = 1; i < length; i++)
        code = code << 6 | (bytes[i] & 0x3f);
    return code;
}

static bool steers(uint32_t code)
{
    static const struct {
        uint32_t first, last;
    } ranges[] = {
        {0x00, 0x1f},     {0x7f, 0x9f},     /* controls: C0, DEL, C1 */
        {0x61c, 0x61c},   {0x200e, 0x200f}, /* marks of direction */
        {0x2028, 0x2029},                   /* ends of lines and paragraphs */
        {0x202a, 0x202e}, {0x2066, 0x2069}, /* embedding, override, isolation */
    };

    for (size_t i = 0; i < ARRAY_SIZE(ranges); i++)
        if (code >= ranges[i].first && code <= ranges[i].last)
            return true;
    return false;
}

size_t text_take(const char *text, size_t left, enum text_lines lines, bool *ret_safe)
{
    size_t length = text_character(text, left);

    if (length == 0) {
        *ret_safe = false;
        return left > 0;
    }
    if (lines == TEXT_LINES && (*text == '\n' || *text == '\t'))
        *ret_safe = true;
    else
        *ret_safe = !steers(text_code_point(text, length));
    return length;
}

void text_make_safe(char *text, enum text_lines lines)
{
    size_t left = strlen(text);
    char *to = text;
    size_t step;
    bool safe;

    for (; (step = text_take(text, left, lines, &safe)) > 0; text += step, left -= step) {
        if (!safe) {
            *to++ = '?';
            continue;
        }
        memmove(to, text, step);
        to += step;
    }
    *to = '\0';
}

void text_blank(char *text, size_t length)
{
    size_t step;
    bool safe;

    for (; (step = text_take(text, length, TEXT_ONE_LINE, &safe)) > 0; text += step, length -= step)
        if (!safe)
            memset(text, '?', step);
}

void text_wrap(char *text, size_t columns, size_t used)
{
    char *blank = NULL;
    size_t behind = 0; /* columns since the blank */

    for (; *text != '\0'; text++) {
        if (((unsigned char)*text & 0xc0) != 0x80) { /* not within a character */
            used++;
            behind++;
        }
        if (*text == '\n' || *text == ' ') {
            blank = *text == ' ' && used > 1 ? text : NULL;
            used = *text == ' ' ? used : 0;
            behind = 0;
        } else if (used > columns && blank != NULL) {
            *blank = '\n';
            blank = NULL;
            used = behind;
        }
    }
}

void text_copy_line(char *to, size_t size, const char *from)
{
    text_copy(to, size, from);
    text_make_safe(to, TEXT_ONE_LINE);
}

void text_quote(char *to, size_t size, const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "._-+:/=@%,";
    size_t length;

    if (word[0] != '\0' && word[strspn(word, plain)] == '\0') {
        text_copy(to, size, word);
        return;
    }
    text_copy(to, size, "'");
    for (; word[length = strcspn(word, "'")] != '\0'; word += length + 1) {
        text_append_bytes(to, size, word, length);
        text_append_bytes(to, size, "'\\''", 4);
    }
    text_append_bytes(to, size, word, length);
    text_append_bytes(to, size, "'", 1);
}

char *text_trim(char *text)
{
    size_t length;

    text += strspn(text, " \t\r");
    length = strlen(text);
    while (length > 0 && strchr(" \t\r", text[length - 1]) != NULL)
        text[--length] = '\0';
    return text;
}

bool text_equal(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

bool text_ends_with(const char *text, const char *end)
{
    size_t length = strlen(text);
    size_t end_length = strlen(end);

    return length > end_length && strcmp(text + length - end_length, end) == 0;
}
