/* A screen as cells: text of any source put at places, made safe and as wide as a terminal shows
 * it. Pure; how wide a character is, the locale says. */
#ifndef VMRECLAIM_CONTROLLER_CLI_TOP_CELLS_H
#define VMRECLAIM_CONTROLLER_CLI_TOP_CELLS_H

#include <stdbool.h>
#include <stddef.h>
#include <wchar.h>

enum {
    CELL_CHARACTERS = 3, /* one, what is put over it, and the end */
    PAGE_ROWS_MAX = 256, /* what is beyond stays empty */
    PAGE_COLUMNS_MAX = 512,
};

enum style {
    STYLE_PLAIN,
    STYLE_STRONG,
    STYLE_FAINT,
    STYLE_GOOD,
    STYLE_WARNING,
    STYLE_ALARM,
    STYLE_IN_USE, /* the parts of a bar */
    STYLE_CACHE,
    STYLE_TRAPPED,
    STYLE_FREE,
    STYLE_COUNT,
};

struct cell {
    wchar_t text[CELL_CHARACTERS]; /* empty: the second half of a wide character */
    enum style style;
    bool is_chosen; /* with its whole row */
};

/* `rows` times `columns` of them. Zero-initialise. */
struct page {
    struct cell *cells;
    size_t rows;
    size_t columns;
};

/* Takes the size, within the bounds, and clears it. -ENOMEM: it is as it was. */
int page_resize(struct page *page, size_t rows, size_t columns);
void page_finish(struct page *page);
void page_clear(struct page *page);

struct cell *page_cell(const struct page *page, size_t row, size_t column);

/* Writes one line of text into at most `room` columns from `column` on, and returns the column
 * behind it. What does not fit is cut, which its last column says. Outside the page nothing is
 * written. */
size_t page_put(struct page *page, size_t row, size_t column, size_t room, enum style style,
                const char *text);

/* The same at the right end of exactly `room` columns. */
size_t page_put_right(struct page *page, size_t row, size_t column, size_t room, enum style style,
                      const char *text);

/* Marks the row as the chosen one. */
void page_choose_row(struct page *page, size_t row);

/* How many bytes of the text go into a line of `columns`, broken at a blank where there is one.
 * `*ret_skip` are the blanks behind. At least one character, while there is one. */
size_t text_break(const char *text, size_t columns, size_t *ret_skip);

#endif
