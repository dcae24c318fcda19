/* Tables on standard output, by libsmartcols: aligned, cut to the terminal's width, and safe
 * against control characters in the data. Errors are kept until table_finish. */
#ifndef VMRECLAIM_CONTROLLER_CLI_TABLE_H
#define VMRECLAIM_CONTROLLER_CLI_TABLE_H

#include <libsmartcols/libsmartcols.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/util.h"

enum table_flags {
    TABLE_RIGHT = 1, /* align right: numbers */
    TABLE_CUT = 2,   /* may be cut when the terminal is narrow */
    TABLE_WRAP = 4,  /* sentences: goes on below, broken between words; as print_wrapped() */
};

struct table_column {
    const char *heading;
    unsigned flags;
};

struct table {
    struct libscols_table *table;
    struct libscols_line *line;
    size_t column; /* next cell */
    bool failed;
};

void table_init(struct table *table, const struct table_column *columns, size_t count);

/* The same without headings: names and values, sentences with what stands before them. */
void table_init_plain(struct table *table, const struct table_column *columns, size_t count);

/* Begins a row; its cells follow in order. */
void table_row(struct table *table);
void table_cell(struct table *table, const char *format, ...) printf_like(2, 3);
/* "1.5 GiB"; "-" when not known. */
void table_bytes(struct table *table, bool known, uint64_t bytes);

/* Prints and frees. An exit code; `empty` is said when there is no row; NULL: nothing. */
int table_finish(struct table *table, const char *empty);

/* Prints a sentence in lines as wide as the terminal (80 without one, at most 100). The first
 * begins with `first`, the others with as many blanks. An exit code. */
int print_wrapped(const char *first, const char *text);

#endif
