/* Tables on standard output. */
#include "controller/cli/table.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/base/number.h"
#include "common/base/text.h"
#include "controller/cli/cli.h"

enum { WRAP_WIDTH_MAX = 100 };

/* ---- sentences: libsmartcols breaks lines where we want it to ---- */

/* The least width of a cell: its longest word. */
static size_t longest_word(const struct libscols_column *column, const char *text, void *userdata)
{
    size_t longest = 0;

    for (; *text != '\0'; text += strspn(text, " ")) {
        size_t length = strcspn(text, " ");

        longest = max_of(longest, length);
        text += length;
    }
    return longest;
}

/* Ends the line at the last blank that fits; what is left of the text, or NULL. */
static char *break_line(const struct libscols_column *column, char *text, void *userdata)
{
    size_t width = scols_column_get_width(column);
    char *blank = NULL;

    for (size_t columns = 0; *text != '\0' && (columns <= width || blank == NULL); text++) {
        if (*text == ' ')
            blank = text;
        columns += ((unsigned char)*text & 0xc0) != 0x80; /* not within a character of UTF-8 */
    }
    if (*text == '\0' || blank == NULL)
        return NULL;
    *blank = '\0';
    return blank + 1;
}

static int make_wrapping(struct table *table, struct libscols_column *column)
{
    int r = scols_table_set_termforce(table->table, SCOLS_TERMFORCE_ALWAYS);

    if (r == 0)
        r = scols_table_set_termwidth(table->table,
                                      min_of(terminal_width(), (size_t)WRAP_WIDTH_MAX));
    return r == 0 ? scols_column_set_wrapfunc(column, longest_word, break_line, NULL) : r;
}

/* ---- tables ---- */

void table_init(struct table *table, const struct table_column *columns, size_t count)
{
    *table = (struct table){.table = scols_new_table()};
    if (table->table == NULL) {
        table->failed = true;
        return;
    }
    for (size_t i = 0; i < count; i++) {
        unsigned wanted = columns[i].flags;
        int flags = ((wanted & TABLE_RIGHT) != 0 ? SCOLS_FL_RIGHT : 0) |
                    ((wanted & TABLE_CUT) != 0 ? SCOLS_FL_TRUNC : 0) |
                    ((wanted & TABLE_WRAP) != 0 ? SCOLS_FL_WRAP : 0);
        struct libscols_column *column =
            scols_table_new_column(table->table, columns[i].heading, 0, flags);

        if (column == NULL || ((wanted & TABLE_WRAP) != 0 && make_wrapping(table, column) != 0))
            table->failed = true;
    }
}

void table_init_plain(struct table *table, const struct table_column *columns, size_t count)
{
    table_init(table, columns, count);
    if (!table->failed)
        table->failed = scols_table_enable_noheadings(table->table, 1) != 0;
}

void table_row(struct table *table)
{
    table->column = 0;
    if (table->failed)
        return;
    table->line = scols_table_new_line(table->table, NULL);
    table->failed = table->line == NULL;
}

void table_cell(struct table *table, const char *format, ...)
{
    char text[1024];
    va_list arguments;

    if (table->failed)
        return;
    va_start(arguments, format);
    text_format_list(text, sizeof(text), format, arguments);
    va_end(arguments);
    text_make_safe(text, TEXT_ONE_LINE);
    table->failed = scols_line_set_data(table->line, table->column++, text) != 0;
}

void table_bytes(struct table *table, bool known, uint64_t bytes)
{
    char text[32];
    table_cell(table, "%s", known ? bytes_format_short(bytes, text, sizeof(text)) : "-");
}

int table_finish(struct table *table, const char *empty)
{
    bool failed = table->failed;

    if (!failed && scols_table_get_nlines(table->table) == 0) {
        if (empty != NULL)
            puts(empty);
    } else if (!failed)
        failed = scols_print_table(table->table) != 0;
    if (table->table != NULL)
        scols_unref_table(table->table);
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
