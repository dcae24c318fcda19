/* Error text for the paths a person reads: configuration, command line, policy, start-up.
 *
 * Functions return 0 or a negative errno. Where a person needs what, where and what to do, they
 * also take a `struct error *`. It is fixed in size, so that reporting never allocates. */
#ifndef VMRECLAIM_COMMON_BASE_ERROR_H
#define VMRECLAIM_COMMON_BASE_ERROR_H

#include <stdbool.h>

#include "common/base/util.h"

struct error {
    char text[512];
};

/* Writes the text and returns `code`. Whatever is put into it, it is UTF-8 and may be shown.
 * `error` may be NULL. */
int error_set(struct error *error, int code, const char *format, ...) printf_like(3, 4);

/* Puts "PREFIX: " before the text already there and returns `code`. `error` may be NULL. */
int error_prefix(struct error *error, int code, const char *format, ...) printf_like(3, 4);

/* Puts the text behind what is there and returns `code`. `error` may be NULL. What a person is to
 * do is often a line of its own, which "\n" begins. */
int error_append(struct error *error, int code, const char *format, ...) printf_like(3, 4);

/* Whether a negative errno says that descriptors or memory are short, which passes: to be tried
 * again. */
bool error_is_shortage(int code);

#endif
