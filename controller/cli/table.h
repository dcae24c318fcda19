/* Tables on standard output, by libsmartcols: aligned, cut to the terminal's width, and safe
 * against control characters in the data. Errors are kept until table_finish. */
#ifndef VMRECLAIM_CONTROLLER_CLI_TABLE_H
#define VMRECLAIM_CONTROLLER_CLI_TABLE_H

#include <libsmartcols/libsmartcols.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/util.h"

struct table_column {
    const char *heading;
    bool right; /* align right: numbers */
    bool cut;   /* may be cut when the terminal is narrow */
};

struct table {
    struct libscols_table *table;
    struct libscols_line *line;
    size_t column; /* next cell */
    bool failed;
};

void table_init(struct table *table, const struct table_column *columns, size_t count);

/* Begins a row; its cells follow in order. */
void table_row(struct table *table);
void table_cell(struct table *table, const char *format, ...) printf_like(2, 3);
/* "1.5 GiB"; "-" when not known. */
void table_bytes(struct table *table, bool known, uint64_t bytes);

/* Prints and frees. An exit code; `empty` is said when there is no row. */
int table_finish(struct table *table, const char *empty);

#endif
