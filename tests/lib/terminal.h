/* A terminal for tests: what a program wrote, as it stands on the screen. It knows what ncurses
 * sends to "xterm", and fails the test on anything else. */
#ifndef VMRECLAIM_TESTS_LIB_TERMINAL_H
#define VMRECLAIM_TESTS_LIB_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>

enum { TERMINAL_ROWS_MAX = 60, TERMINAL_COLUMNS_MAX = 200, TERMINAL_PARAMETERS_MAX = 16 };

struct terminal {
    size_t rows;
    size_t columns;
    wchar_t cells[TERMINAL_ROWS_MAX][TERMINAL_COLUMNS_MAX];
    size_t row;
    size_t column;
    size_t top; /* of the region that scrolls */
    size_t bottom;
    bool is_other_screen; /* the one that programs take */
    bool was_coloured;    /* ever */
    /* of a sequence that has not ended, in bytes */
    char sequence[64];
    size_t length;
};

/* Blank, of this size; and again of another one, as when a window is drawn larger. */
void terminal_init(struct terminal *terminal, size_t rows, size_t columns);

/* What was written to it. */
void terminal_take(struct terminal *terminal, const char *bytes, size_t length);

/* A row without the blanks behind; static text. Characters beyond ASCII are '*'. */
const char *terminal_row(const struct terminal *terminal, size_t row);

/* Whether one row has the words. */
bool terminal_has(const struct terminal *terminal, const char *words);

#endif
