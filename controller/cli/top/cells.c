/* Cells. */
#include "controller/cli/top/cells.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/text.h"
#include "common/base/util.h"
#include "controller/cli/text-width.h"

/* ---- characters ---- */

struct glyph {
    wchar_t character;
    size_t columns; /* 0: it is put over the one before */
    size_t bytes;
};

/* The next character as it is shown; false at the end. What may not be shown, or has no width here,
 * is a '?'. */
static bool take_glyph(const char *text, size_t left, struct glyph *ret_glyph)
{
    bool safe;
    size_t step = text_take(text, left, TEXT_ONE_LINE, &safe);
    wchar_t character = safe ? (wchar_t)text_code_point(text, step) : L'?';
    int columns = step == 0 ? 0 : wcwidth(character);

    if (columns < 0) {
        character = L'?';
        columns = 1;
    }
    *ret_glyph = (struct glyph){character, (size_t)columns, step};
    return step > 0;
}

size_t text_break(const char *text, size_t columns, size_t *ret_skip)
{
    size_t length = strlen(text);
    size_t used = 0;
    size_t at = 0;
    size_t blank = 0;
    struct glyph glyph;

    while (take_glyph(text + at, length - at, &glyph)) {
        if (text[at] == ' ')
            blank = at;
        if (at > 0 && used + glyph.columns > columns)
            break;
        used += glyph.columns;
        at += glyph.bytes;
    }
    if (at < length && blank > 0)
        at = blank;
    *ret_skip = strspn(text + at, " ");
    return at;
}

/* ---- pages ---- */

int page_resize(struct page *page, size_t rows, size_t columns)
{
    struct cell *cells;

    rows = min_of(rows, (size_t)PAGE_ROWS_MAX);
    columns = min_of(columns, (size_t)PAGE_COLUMNS_MAX);
    cells = calloc(rows * columns + 1, sizeof(*cells));
    if (cells == NULL)
        return -ENOMEM;
    free(page->cells);
    page->cells = cells;
    page->rows = rows;
    page->columns = columns;
    page_clear(page);
    return 0;
}

void page_finish(struct page *page)
{
    free(page->cells);
    *page = (struct page){.cells = NULL};
}

void page_clear(struct page *page)
{
    for (size_t i = 0; i < page->rows * page->columns; i++)
        page->cells[i] = (struct cell){.text = L" "};
}

struct cell *page_cell(const struct page *page, size_t row, size_t column)
{
    assert(row < page->rows && column < page->columns);
    return &page->cells[row * page->columns + column];
}

/* Puts a character over the one in the cell, where it is the first. */
static void add_over(struct cell *cell, wchar_t character)
{
    if (cell->text[1] == L'\0')
        cell->text[1] = character;
}

static void put_glyph(struct page *page, size_t row, size_t column, enum style style,
                      const struct glyph *glyph)
{
    for (size_t i = 0; i < glyph->columns; i++)
        *page_cell(page, row, column + i) =
            (struct cell){.text = {i == 0 ? glyph->character : L'\0'}, .style = style};
}

/* Says in the last column that there is more. Half a wide character is none. */
static void put_cut(struct page *page, size_t row, size_t column, enum style style)
{
    if (page_cell(page, row, column)->text[0] == L'\0')
        *page_cell(page, row, column - 1) = (struct cell){.text = L" ", .style = style};
    *page_cell(page, row, column) =
        (struct cell){.text = {wcwidth(L'\u2026') == 1 ? L'\u2026' : L'~'}, .style = style};
}

size_t page_put(struct page *page, size_t row, size_t column, size_t room, enum style style,
                const char *text)
{
    size_t begin = column;
    size_t left = strlen(text);
    struct glyph glyph;
    size_t end;

    if (row >= page->rows || column >= page->columns || room == 0)
        return column;
    end = column + min_of(room, page->columns - column);
    for (; take_glyph(text, left, &glyph); text += glyph.bytes, left -= glyph.bytes) {
        if (glyph.columns == 0 && column > begin) {
            size_t base = page_cell(page, row, column - 1)->text[0] == L'\0' ? 2 : 1;

            add_over(page_cell(page, row, column - base), glyph.character);
        }
        if (column + glyph.columns > end) {
            put_cut(page, row, end - 1, style);
            return end;
        }
        put_glyph(page, row, column, style, &glyph);
        column += glyph.columns;
    }
    return column;
}

size_t page_put_right(struct page *page, size_t row, size_t column, size_t room, enum style style,
                      const char *text)
{
    size_t columns = min_of(text_width(text), room);

    (void)page_put(page, row, column + room - columns, columns, style, text);
    return column + room;
}

void page_choose_row(struct page *page, size_t row)
{
    for (size_t column = 0; row < page->rows && column < page->columns; column++)
        page_cell(page, row, column)->is_chosen = true;
}
