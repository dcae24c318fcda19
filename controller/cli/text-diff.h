/* Differences between two texts, line by line. */
#ifndef VMRECLAIM_CONTROLLER_CLI_TEXT_DIFF_H
#define VMRECLAIM_CONTROLLER_CLI_TEXT_DIFF_H

/* One line of the result: ' ' in both, '-' only in the old text, '+' only in the new one. The text
 * is not ended by '\0' but has `length` bytes, without the newline. */
typedef void (*text_diff_line)(char kind, const char *text, int length, void *userdata);

/* The shortest set of differences. -ENOMEM; -EFBIG: more than 4096 lines in either. */
int text_diff(const char *old_text, const char *new_text, text_diff_line line, void *userdata);

#endif
