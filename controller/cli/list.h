/* Lists: one printer for every command that shows rows. A command says what its columns are; how
 * they are chosen, sorted and shown is the same everywhere. */
#ifndef VMRECLAIM_CONTROLLER_CLI_LIST_H
#define VMRECLAIM_CONTROLLER_CLI_LIST_H

#include "controller/cli/cli.h"
#include "controller/cli/color.h"

/* What a value is; numbers align right. */
enum list_kind {
    LIST_TEXT,
    LIST_NUMBER,
    LIST_BYTES,      /* may be negative */
    LIST_TIME,       /* UNIX nanoseconds */
    LIST_SHORT_TIME, /* the same, without year and seconds */
    LIST_DURATION,   /* nanoseconds; shown in milliseconds below ten seconds, else in seconds */
};

enum list_flags {
    LIST_WIDE = 1,     /* only with -o wide, or by its key */
    LIST_BY_KEY = 2,   /* only by its key */
    LIST_NAME = 4,     /* what -o name prints; one column, or none */
    LIST_SUM = 8,      /* added up in the last line */
    LIST_SHORTEN = 16, /* in the table: a name that may lose its middle */
    LIST_CUT = 32,     /* in the table: words that may lose their end; they wrap elsewhere */
    LIST_WRAP = 64,    /* sentences */
};

/* One cell. Zeroed: it is not known, which is "-". */
struct list_value {
    bool is_known;
    int64_t number; /* of every kind but LIST_TEXT */
    char text[512]; /* of LIST_TEXT */
    enum color color;
};

struct list_row {
    const ProtobufCMessage *message;
    const ProtobufCMessage *answer; /* that it is of */
    const char *key;                /* the column's */
};

struct list_column {
    const char *key; /* for -o columns= and --sort */
    const char *heading;
    enum list_kind kind;
    unsigned flags;
    const char *path; /* of the row's field: "waterfall.cache"; NULL: `get` says it */
    void (*get)(const struct list_row *row, struct list_value *value);
    const char *help; /* for --help and completion */
};

struct list {
    const char *rows;                  /* the answer's field that has them: "vms" */
    const struct list_column *columns; /* ended by a NULL key */
    const char
        *sort; /* of the table: a key, behind '-' where the largest is first; NULL: as they come */
    const char *total; /* what the last line counts, in the plural: "VMs"; NULL: no such line */
    const char *empty; /* what is said when there are no rows */
    int (*before)(const ProtobufCMessage *answer); /* above the table; NULL: nothing. Exit codes */
    int (*after)(const ProtobufCMessage *answer);  /* below it */
};

/* For `get` functions. */
void list_text(struct list_value *value, const char *format, ...) printf_like(2, 3);
void list_number(struct list_value *value, bool known, int64_t number);

/* ---- what was asked for ---- */

enum list_form { LIST_FORM_TABLE, LIST_FORM_WIDE, LIST_FORM_COLUMNS, LIST_FORM_NAME };

struct list_view {
    enum list_form form;
    bool is_document;     /* JSON or YAML, whatever `form` says */
    bool has_no_headings; /* rows alone */
    const struct list_column *columns[32];
    size_t column_count;
    const struct list_column *sort; /* NULL: as they come */
    bool sort_is_given;             /* by a person; else it is the table's */
    bool is_descending;
};

/* `output` is "table", "wide", "name", "columns=A,B", "json", "yaml" or a template for a document;
 * NULL: "table". `sort` is "A" or "-A"; NULL: the list's own. `whose` begins what is said:
 * "vm list: ". EXIT_USAGE: said. */
int list_view_parse(const struct list *list, const char *whose, const char *output,
                    const char *sort, struct list_view *ret_view);

/* Shows the answer, whose rows may be put into another order. An exit code. */
int list_print(const struct list *list, const struct list_view *view,
               const ProtobufCMessage *answer);

/* ---- for commands ---- */

/* Those of every list: --sort, --no-headings, -q and -w; ended by a NULL name. */
extern const struct command_option list_options[];

/* Takes what -o and these say. EXIT_DONE, or EXIT_USAGE after saying what is wrong. */
int list_choose(struct cli *cli, const struct command *command);

/* What was chosen. */
const struct list_view *list_view(void);
bool list_is_watched(void);

/* Calls the method, whose answer has the rows, and shows it; page after page where the request has
 * pages, at most `wanted` rows then. An exit code. */
int list_run(struct cli *cli, const struct list *list, const char *method,
             ProtobufCMessage *request, uint64_t wanted);

/* The same of a method that streams: all rows are one list. */
int list_run_stream(struct cli *cli, const struct list *list, const char *method,
                    const ProtobufCMessage *request);

/* A command that streams shows its rows as they come, each message as a document or in words of its
 * own, unless columns, an order or names alone were asked for. */
bool list_flows(void);

#endif
