/* Lines of a file of any size through one fixed buffer: /proc files grow with CPUs and zones, and a
 * reader must not allocate when memory is short. */
#ifndef VMRECLAIM_PROC_LINES_H
#define VMRECLAIM_PROC_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LINES_LENGTH_MAX 1023 /* longer lines come cut off; their rest is skipped */

struct lines {
    int descriptor;
    size_t begin; /* of the bytes not yet given */
    size_t end;
    bool at_end;
    char buffer[4096];
};

/* `path` is relative to `root`. -errno of open. */
int lines_open(struct lines *lines, int root, const char *path);
void lines_close(struct lines *lines);

#define cleanup_lines __attribute__((cleanup(lines_close)))

/* 1: `*ret_line` is the next line without its end, valid until the next call; 0: the end; -errno of
 * read. A last line without '\n' counts. */
int lines_next(struct lines *lines, char **ret_line);

/* Moves *text over blanks, then over one decimal number. -EINVAL: none there; -ERANGE: too large.
 */
int lines_number(const char **text, uint64_t *ret_value);

/* True when the line is `key`, blanks or ':' and something; *ret_value is that something. */
bool lines_value(const char *line, const char *key, const char **ret_value);

#endif
