/* Tables on standard output: aligned, no wider than the terminal where the columns allow that, and
 * safe against control characters in the data. Errors are kept until table_finish. */
#ifndef VMRECLAIM_CONTROLLER_CLI_TABLE_H
#define VMRECLAIM_CONTROLLER_CLI_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/util.h"
#include "controller/cli/color.h"

enum { TABLE_COLUMNS_MAX = 32 };

enum table_flags {
    TABLE_RIGHT = 1,   /* align right: numbers */
    TABLE_WRAP = 2,    /* goes on below, broken between words; as print_wrapped() */
    TABLE_SHORTEN = 4, /* names: what is in the middle may be left out */
    TABLE_CUT = 8,     /* what is at the end may be left out */
};

struct table_column {
    const char *heading;
    unsigned flags;
};

struct table_text {
    char *text;
    enum color color;
};

struct table {
    const struct table_column *columns;
    size_t column_count;
    size_t room;              /* columns of the terminal that it may take; SIZE_MAX: any number */
    bool is_plain;            /* without headings */
    struct table_text *cells; /* row after row */
    size_t cell_count;
    size_t cells_room;
    bool failed;
};

/* `columns` live until table_finish; at most TABLE_COLUMNS_MAX. The room is the terminal's width,
 * 80 without one, at most 100. */
void table_init(struct table *table, const struct table_column *columns, size_t count);

/* The same without headings: names and values, sentences with what stands before them. */
void table_init_plain(struct table *table, const struct table_column *columns, size_t count);

/* Begins a row; its cells follow in order. Those that lack are empty. */
void table_row(struct table *table);
void table_cell(struct table *table, const char *format, ...) printf_like(2, 3);
/* "1.5 GiB"; "-" when not known. */
void table_bytes(struct table *table, bool known, uint64_t bytes);
/* Of the cell that was added last. */
void table_color(struct table *table, enum color color);

/* Prints and frees. An exit code; `empty` is said when there is no row; NULL: nothing. */
int table_finish(struct table *table, const char *empty);

/* Prints a sentence in lines as wide as the terminal (80 without one, at most 100). The first
 * begins with `first`, the others with as many blanks. An exit code. */
int print_wrapped(const char *first, const char *text);

#endif
