/* A stacked bar of one line: parts of a whole in proportion. Pure, for the waterfall. */
#ifndef VMRECLAIM_CONTROLLER_CLI_BAR_H
#define VMRECLAIM_CONTROLLER_CLI_BAR_H

#include <stddef.h>
#include <stdint.h>

enum { BAR_PARTS_MAX = 16 };

struct bar_part {
    char letter;
    uint64_t bytes;
};

/* Writes exactly `width` letters and a '\0' into `buffer` (`width` + 1 bytes). A part that is not 0
 * gets at least one letter while there is room. What is left of `whole` is filled with '.'; parts
 * larger than `whole` are scaled to fit. At most BAR_PARTS_MAX parts. */
void bar_draw(const struct bar_part *parts, size_t count, uint64_t whole, size_t width,
              char *buffer);

#endif
