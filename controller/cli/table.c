/* Tables on standard output. */
#include "controller/cli/table.h"

#include <stdarg.h>
#include <stdio.h>

#include "common/base/number.h"
#include "common/base/text.h"
#include "controller/cli/cli.h"

void table_init(struct table *table, const struct table_column *columns, size_t count)
{
    *table = (struct table){.table = scols_new_table()};
    if (table->table == NULL) {
        table->failed = true;
        return;
    }
    for (size_t i = 0; i < count; i++) {
        int flags = (columns[i].right ? SCOLS_FL_RIGHT : 0) | (columns[i].cut ? SCOLS_FL_TRUNC : 0);
        if (scols_table_new_column(table->table, columns[i].heading, 0, flags) == NULL)
            table->failed = true;
    }
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
    char text[512];
    va_list arguments;

    if (table->failed)
        return;
    va_start(arguments, format);
    (void)text_format_list(text, sizeof(text), format, arguments);
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

    if (!failed && scols_table_get_nlines(table->table) == 0)
        (void)puts(empty);
    else if (!failed)
        failed = scols_print_table(table->table) != 0;
    if (table->table != NULL)
        scols_unref_table(table->table);
    return failed ? fail(EXIT_FAILED, "out of memory for a table") : EXIT_DONE;
}
