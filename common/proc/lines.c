/* Lines of a file of any size through one fixed buffer. */
#include "common/proc/lines.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "common/base/number.h"
#include "common/base/util.h"

int lines_open(struct lines *lines, int root, const char *path)
{
    lines->descriptor = openat(root, path, O_RDONLY | O_CLOEXEC);
    if (lines->descriptor < 0)
        return -errno;
    lines->begin = 0;
    lines->end = 0;
    lines->at_end = false;
    lines->is_skipping = false;
    return 0;
}

void lines_close(struct lines *lines)
{
    if (lines->descriptor >= 0)
        close(lines->descriptor);
    lines->descriptor = -1;
}

/* Moves the bytes not yet given to the front and reads behind them. */
static int fill(struct lines *lines)
{
    ssize_t n;

    memmove(lines->buffer, lines->buffer + lines->begin, lines->end - lines->begin);
    lines->end -= lines->begin;
    lines->begin = 0;
    do
        n = read(lines->descriptor, lines->buffer + lines->end,
                 sizeof(lines->buffer) - 1 - lines->end);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return -errno;
    lines->end += (size_t)n;
    lines->at_end = n == 0;
    return 0;
}

/* Gives everything in the buffer as one line. */
static char *take_all(struct lines *lines)
{
    char *line = lines->buffer + lines->begin;

    lines->buffer[lines->end] = '\0';
    lines->begin = 0;
    lines->end = 0;
    return line;
}

int lines_next(struct lines *lines, char **ret_line)
{
    for (;;) {
        char *line = lines->buffer + lines->begin;
        char *newline = memchr(line, '\n', lines->end - lines->begin);

        if (newline != NULL) {
            bool is_rest = lines->is_skipping;
            *newline = '\0';
            lines->begin = (size_t)(newline - lines->buffer) + 1;
            lines->is_skipping = false;
            if (is_rest)
                continue;
            *ret_line = line;
            return 1;
        }
        if (lines->at_end || lines->end - lines->begin == sizeof(lines->buffer) - 1) {
            bool is_rest = lines->is_skipping;
            bool is_empty = lines->begin == lines->end;
            lines->is_skipping = !lines->at_end;
            line = take_all(lines);
            if (!is_rest && !is_empty) {
                *ret_line = line;
                return 1;
            }
            if (lines->at_end)
                return 0;
        }
        {
            int r = fill(lines);
            if (r < 0)
                return r;
        }
    }
}

int lines_visit(int root, const char *path, int (*visit)(const char *line, void *userdata),
                void *userdata)
{
    cleanup_lines struct lines lines;
    char *line;
    int r = lines_open(&lines, root, path);

    if (r < 0)
        return r;
    while ((r = lines_next(&lines, &line)) > 0) {
        r = visit(line, userdata);
        if (r != 0)
            break;
    }
    return min_of(r, 0);
}

int lines_number(const char **text, uint64_t *ret_value)
{
    while (**text == ' ' || **text == '\t')
        (*text)++;
    return number_scan(text, ret_value);
}

const char *lines_after(const char *line, const char *key)
{
    size_t length = strlen(key);
    return strncmp(line, key, length) == 0 ? line + length : NULL;
}
