/* How much of a line a text takes: columns of a terminal, not bytes. Pure. */
#ifndef VMRECLAIM_CONTROLLER_CLI_TEXT_WIDTH_H
#define VMRECLAIM_CONTROLLER_CLI_TEXT_WIDTH_H

#include <stddef.h>

/* Columns of a text without control characters. Wide characters take two, combining ones none. */
size_t text_width(const char *text);

/* The same of its first `length` bytes. */
size_t text_width_of(const char *text, size_t length);

/* How many of its bytes fit into `width` columns. */
size_t text_fit_width(const char *text, size_t width);

/* The same of its first `length` bytes. */
size_t text_fit_width_of(const char *text, size_t length, size_t width);

/* The text in at most `width` columns: where it is wider, what is in the middle or at the end is
 * left out, and "…" stands there. `size` of three bytes more than the text has always fits. */
void text_shorten(char *to, size_t size, const char *text, size_t width);
void text_cut_width(char *to, size_t size, const char *text, size_t width);

#endif
