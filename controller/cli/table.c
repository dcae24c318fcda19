/* Tables on standard output. */
#include "controller/cli/table.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/number.h"
#include "common/base/text.h"
#include "controller/cli/cli.h"
#include "controller/cli/text-width.h"

enum { SHORTENED_MIN = 8, WRAPPED_MIN = 20, CELL_SIZE = 1024 };

/* ---- cells ---- */

void table_init(struct table *table, const struct table_column *columns, size_t count)
{
    assert(count <= TABLE_COLUMNS_MAX);
    *table = (struct table){.columns = columns,
                            .column_count = count,
                            .room = min_of(terminal_width(), (size_t)READABLE_WIDTH)};
}

void table_init_plain(struct table *table, const struct table_column *columns, size_t count)
{
    table_init(table, columns, count);
    table->is_plain = true;
}

static bool has_room(struct table *table)
{
    size_t room = 2 * table->cells_room + TABLE_COLUMNS_MAX;
    struct table_text *cells;

    if (table->cell_count < table->cells_room)
        return true;
    cells = reallocarray(table->cells, room, sizeof(*cells));
    if (cells == NULL)
        return false;
    table->cells = cells;
    table->cells_room = room;
    return true;
}

static void add_cell(struct table *table, const char *text)
{
    char *copy = has_room(table) ? strdup(text) : NULL;

    if (copy == NULL)
        table->failed = true;
    else
        table->cells[table->cell_count++] = (struct table_text){.text = copy};
}

static void fill_row(struct table *table)
{
    while (!table->failed && table->cell_count % table->column_count != 0)
        add_cell(table, "");
}

void table_row(struct table *table)
{
    fill_row(table);
}

void table_cell(struct table *table, const char *format, ...)
{
    char text[CELL_SIZE];
    va_list arguments;

    if (table->failed)
        return;
    va_start(arguments, format);
    text_format_list(text, sizeof(text), format, arguments);
    va_end(arguments);
    text_make_safe(text, TEXT_ONE_LINE);
    add_cell(table, text);
}

void table_bytes(struct table *table, bool known, uint64_t bytes)
{
    char text[32];
    table_cell(table, "%s", known ? bytes_format_short(bytes, text, sizeof(text)) : "-");
}

void table_color(struct table *table, enum color color)
{
    if (table->cell_count > 0)
        table->cells[table->cell_count - 1].color = color;
}

/* ---- how wide the columns are ---- */

static size_t longest_word(const char *text)
{
    size_t longest = 0;

    for (; *text != '\0'; text += strspn(text, " ")) {
        size_t length = strcspn(text, " ");

        longest = max_of(longest, text_width_of(text, length));
        text += length;
    }
    return longest;
}

/* `measure` of the widest cell of a column, and of its heading. A text takes a column even if none
 * of its characters does: it stands somewhere. */
static size_t widest(const struct table *table, size_t column, size_t (*measure)(const char *text))
{
    size_t width = table->is_plain ? 0 : measure(table->columns[column].heading);

    for (size_t i = column; i < table->cell_count; i += table->column_count) {
        size_t wide = measure(table->cells[i].text);

        if (wide == 0 && table->cells[i].text[0] != '\0')
            wide = 1;
        width = max_of(width, wide);
    }
    return width;
}

/* Less than that a column cannot be. */
static size_t least_width(const struct table *table, size_t column)
{
    const struct table_column *wanted = &table->columns[column];

    if ((wanted->flags & TABLE_WRAP) != 0)
        return max_of(widest(table, column, longest_word), (size_t)WRAPPED_MIN);
    return max_of(text_width(wanted->heading), (size_t)SHORTENED_MIN);
}

/* The widest of those that can be narrower gives, until all fit or none can. */
static void narrow(const struct table *table, size_t *widths)
{
    size_t least[TABLE_COLUMNS_MAX];
    size_t whole = table->column_count - 1;

    for (size_t i = 0; i < table->column_count; i++) {
        bool gives = (table->columns[i].flags & ~(unsigned)TABLE_RIGHT) != 0;

        whole += widths[i];
        least[i] = gives ? least_width(table, i) : widths[i];
    }
    for (; whole > table->room; whole--) {
        size_t *giving = NULL;

        for (size_t i = 0; i < table->column_count; i++)
            if (widths[i] > least[i] && (giving == NULL || widths[i] > *giving))
                giving = &widths[i];
        if (giving == NULL)
            return;
        --*giving;
    }
}

/* ---- lines ---- */

/* Takes what fits on this line from a cell's text; how many bytes. */
static size_t take_words(const char **text, size_t width)
{
    const char *from = *text;
    size_t length = text_fit_width(from, width);

    if (from[length] != '\0') {
        while (length > 0 && from[length] != ' ')
            length--;
        if (length == 0) /* a word that fits nowhere stands alone */
            length = strcspn(from, " ");
    }
    *text += length + strspn(from + length, " ");
    return length;
}

/* What of a cell stands on this line; `*text` is what is left of it then. */
static void take_piece(const char **text, unsigned flags, size_t width, char piece[CELL_SIZE + 4])
{
    const char *from = *text;

    piece[0] = '\0';
    if (*from == '\0') /* the column may have no width */
        return;
    if ((flags & TABLE_WRAP) != 0) {
        size_t length = take_words(text, width);

        snprintf(piece, CELL_SIZE, "%.*s", (int)length, from);
        return;
    }
    *text += strlen(from);
    if ((flags & TABLE_SHORTEN) != 0)
        text_shorten(piece, CELL_SIZE + 4, from, width);
    else if ((flags & TABLE_CUT) != 0)
        text_cut_width(piece, CELL_SIZE + 4, from, width);
    else
        snprintf(piece, CELL_SIZE, "%s", from);
}

/* One line of a row, of whose cells `left` is what is left. No blanks at its end. */
static void print_line(const struct table *table, const size_t *widths, const enum color *colors,
                       const char **left)
{
    char piece[CELL_SIZE + 4];
    size_t blanks = 0;

    for (size_t i = 0; i < table->column_count; i++) {
        unsigned flags = table->columns[i].flags;
        size_t padding;

        take_piece(&left[i], flags, widths[i], piece);
        padding = saturating_subtract(widths[i], text_width(piece));
        if ((flags & TABLE_RIGHT) != 0)
            blanks += padding;
        if (piece[0] != '\0') {
            printf("%*s%s%s%s", (int)blanks, "", color_begin(colors[i]), piece,
                   color_end(colors[i]));
            blanks = 0;
        }
        blanks += 1 + ((flags & TABLE_RIGHT) != 0 ? 0 : padding);
    }
    putchar('\n');
}

static void print_row(const struct table *table, const size_t *widths,
                      const struct table_text *cells)
{
    const char *left[TABLE_COLUMNS_MAX];
    enum color colors[TABLE_COLUMNS_MAX];
    bool is_more = true;

    for (size_t i = 0; i < table->column_count; i++) {
        left[i] = cells[i].text;
        colors[i] = cells[i].color;
    }
    while (is_more) {
        print_line(table, widths, colors, left);
        is_more = false;
        for (size_t i = 0; i < table->column_count; i++)
            is_more = is_more || *left[i] != '\0';
    }
}

static void print_headings(const struct table *table, const size_t *widths)
{
    struct table_text cells[TABLE_COLUMNS_MAX];

    for (size_t i = 0; i < table->column_count; i++)
        cells[i] = (struct table_text){.text = (char *)table->columns[i].heading};
    print_row(table, widths, cells);
}

static void print_table(const struct table *table)
{
    size_t widths[TABLE_COLUMNS_MAX];

    for (size_t i = 0; i < table->column_count; i++)
        widths[i] = widest(table, i, text_width);
    narrow(table, widths);
    if (!table->is_plain)
        print_headings(table, widths);
    for (size_t i = 0; i < table->cell_count; i += table->column_count)
        print_row(table, widths, &table->cells[i]);
}

int table_finish(struct table *table, const char *empty)
{
    bool failed;

    fill_row(table);
    failed = table->failed;
    if (!failed && table->cell_count > 0)
        print_table(table);
    else if (!failed && empty != NULL)
        puts(empty);
    for (size_t i = 0; i < table->cell_count; i++)
        free(table->cells[i].text);
    free(table->cells);
    return failed ? fail(EXIT_FAILED, "out of memory for a table") : EXIT_DONE;
}

int print_wrapped(const char *first, const char *text)
{
    static const struct table_column columns[] = {{"", 0}, {"", TABLE_WRAP}};
    struct table table;

    table_init_plain(&table, columns, ARRAY_SIZE(columns));
    table_row(&table);
    table_cell(&table, "%s", first);
    table_cell(&table, "%s", text);
    return table_finish(&table, "");
}
