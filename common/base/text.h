/* Text that came from outside: guests, clients, files, hypervisors, the kernel.
 *
 * Three rules, all of them here. What is stored or sent is UTF-8, because one string that is not
 * makes a whole message unreadable to strict decoders. What is bounded is bounded in bytes and cut
 * between characters. What is shown steers nothing: no control character, no end of line where a
 * line is expected, nothing that turns the direction of writing. */
#ifndef VMRECLAIM_COMMON_BASE_TEXT_H
#define VMRECLAIM_COMMON_BASE_TEXT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/text.h"
#include "common/base/util.h"

/* Bytes of the character of UTF-8 (RFC 3629) that begins at `text`; 0: none does. */
size_t text_character(const char *text, size_t left);

bool text_is_utf8(const char *text, size_t length);

/* The number of the character of `length` bytes at `text`. */
uint32_t text_code_point(const char *text, size_t length);

/* Each byte that belongs to no character becomes '?'. The length stays. */
void text_mend(char *text, size_t length);

/* How many of the bytes fit into `room` without a character being cut. */
size_t text_fit(const char *text, size_t length, size_t room);

/* Copies what fits, cut between characters and mended, and ends it with '\0'. `size` is not 0. */
void text_copy(char *to, size_t size, const char *from);
void text_copy_bytes(char *to, size_t size, const char *from, size_t length);

/* At most `room` bytes of a text, as an argument of a printing function: a precision would cut
 * characters. `room` is a constant. */
#define TEXT_CUT(text, room) text_cut((char[(room) + 1]){""}, (room) + 1, text)
const char *text_cut(char *to, size_t size, const char *from);

/* Likewise, behind what is there. */
void text_append_bytes(char *to, size_t size, const char *from, size_t length);

/* snprintf(3), but cut between characters and mended. */
int text_format(char *to, size_t size, const char *format, ...) printf_like(3, 4);
int text_format_list(char *to, size_t size, const char *format, va_list arguments)
    printf_like(3, 0);

/* Without the blanks at both ends; cut in place. */
char *text_trim(char *text);

/* The same text, or none on both sides. */
bool text_equal(const char *a, const char *b);

/* It ends so, and has something before. */
bool text_ends_with(const char *text, const char *end);

/* What is shown of ends of lines and tabs. */
enum text_lines {
    TEXT_ONE_LINE, /* '?' for each */
    TEXT_LINES,    /* they are kept */
};

/* Takes the next character, or a byte that belongs to none: returns its bytes, 0 at the end.
 * `*ret_safe`: it may be shown as it is. Not so: C0, DEL and C1 controls, U+2028, U+2029, the
 * controls of bidirectional text, and bytes that belong to no character. */
size_t text_take(const char *text, size_t left, enum text_lines lines, bool *ret_safe);

/* Puts '?' for each character that may not be shown. The text gets no longer. */
void text_make_safe(char *text, enum text_lines lines);

/* The same of one line, with as many '?' as the character has bytes: the length stays. */
void text_blank(char *text, size_t length);

/* `word` as a POSIX shell reads it back: in single quotes where it needs them. Cut where it does
 * not fit; TEXT_QUOTED_SIZE of its length always does. */
#define TEXT_QUOTED_SIZE(length) (4 * (length) + 3)
void text_quote(char *to, size_t size, const char *word);

/* Ends lines between words, so that none has more than `columns`; only a longer word has. `used` of
 * the first are taken. Ends of lines that are there stay. */
void text_wrap(char *text, size_t columns, size_t used);

/* Copies what fits of one line, made safe. */
void text_copy_line(char *to, size_t size, const char *from);

#endif
