/* Lines of a file of any size through one fixed buffer. Files of /proc grow with CPUs and zones,
 * and a reader must not allocate when memory is short. */
#ifndef VMRECLAIM_COMMON_PROC_LINES_H
#define VMRECLAIM_COMMON_PROC_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct lines {
    int descriptor;
    size_t begin; /* of the bytes not yet given */
    size_t end;
    bool at_end;
    bool is_skipping;  /* the rest of an overlong line */
    char buffer[4096]; /* longer lines come cut off */
};

/* `path` is relative to `root`. -errno of open. */
int lines_open(struct lines *lines, int root, const char *path);
void lines_close(struct lines *lines);

#define cleanup_lines __attribute__((cleanup(lines_close)))

/* 1: `*ret_line` is the next line without its end, valid until the next call; 0: the end; -errno of
 * read. A last line without '\n' counts. */
int lines_next(struct lines *lines, char **ret_line);

/* Shows each line of a file. What is not 0 ends it; what is negative is returned. -errno of open
 * and read. */
int lines_visit(int root, const char *path, int (*visit)(const char *line, void *userdata),
                void *userdata);

/* Moves *text over blanks, then over one decimal number. -EINVAL: none there; -ERANGE: too large.
 */
int lines_number(const char **text, uint64_t *ret_value);

/* The text behind `key` at the start of the line; NULL when the line starts otherwise. */
const char *lines_after(const char *line, const char *key);

#endif
