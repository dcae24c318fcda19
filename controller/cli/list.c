/* Rows of an answer as a table, as names, or as a document. */
#include "controller/cli/list.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/number.h"
#include "common/base/text.h"
#include "controller/cli/table.h"
#include "controller/cli/when.h"
#include "controller/json/absence.h"
#include "controller/json/json.h"

/* ---- values ---- */

void list_text(struct list_value *value, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    text_format_list(value->text, sizeof(value->text), format, arguments);
    va_end(arguments);
    value->is_known = value->text[0] != '\0';
}

void list_number(struct list_value *value, bool known, int64_t number)
{
    value->is_known = known;
    value->number = number;
}

static const void *at(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
    return (const char *)message + field->offset;
}

static const ProtobufCFieldDescriptor *field_of(const ProtobufCMessage *message, const char *name,
                                                size_t length)
{
    char text[64];
    const ProtobufCFieldDescriptor *field;

    assert(length < sizeof(text));
    snprintf(text, sizeof(text), "%.*s", (int)length, name);
    field = protobuf_c_message_descriptor_get_field_by_name(message->descriptor, text);
    assert(field != NULL);
    return field;
}

/* "tier=front, env=test" */
static void join(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field,
                 struct list_value *value)
{
    size_t count =
        *(const size_t *)(const void *)((const char *)message + field->quantifier_offset);
    char *const *texts = *(char *const *const *)at(message, field);
    size_t used = 0;

    for (size_t i = 0; i < count && used < sizeof(value->text); i++)
        used += (size_t)text_format(value->text + used, sizeof(value->text) - used, "%s%s",
                                    i == 0 ? "" : ", ", texts[i]);
    value->is_known = count > 0;
}

static void take_field(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field,
                       struct list_value *value)
{
    const void *place = at(message, field);

    if (field->label == PROTOBUF_C_LABEL_REPEATED) {
        join(message, field, value);
        return;
    }
    value->is_known = !absence_holds(message, field);
    switch (field->type) {
    case PROTOBUF_C_TYPE_STRING:
        list_text(value, "%s", *(const char *const *)place);
        break;
    case PROTOBUF_C_TYPE_BOOL:
        list_text(value, "%s", *(const protobuf_c_boolean *)place ? "yes" : "no");
        break;
    case PROTOBUF_C_TYPE_ENUM: /* 0 is "unspecified" */
        value->is_known =
            *(const int *)place != 0 && json_enum_name(field->descriptor, *(const int *)place,
                                                       value->text, sizeof(value->text)) != NULL;
        break;
    case PROTOBUF_C_TYPE_UINT32:
        value->number = *(const uint32_t *)place;
        break;
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
        value->number = *(const int32_t *)place;
        break;
    default:
        assert(field->type == PROTOBUF_C_TYPE_UINT64 || field->type == PROTOBUF_C_TYPE_INT64 ||
               field->type == PROTOBUF_C_TYPE_SINT64);
        value->number = *(const int64_t *)place;
    }
}

/* Follows the path into the row; a message that is not there is not known. */
static void take_path(const ProtobufCMessage *message, const char *path, struct list_value *value)
{
    size_t length = strcspn(path, ".");
    const ProtobufCFieldDescriptor *field = field_of(message, path, length);

    while (path[length] == '.') {
        assert(field->type == PROTOBUF_C_TYPE_MESSAGE);
        message = *(const ProtobufCMessage *const *)at(message, field);
        if (message == NULL)
            return;
        path += length + 1;
        length = strcspn(path, ".");
        field = field_of(message, path, length);
    }
    take_field(message, field, value);
}

static void take_value(const struct list_column *column, const ProtobufCMessage *message,
                       const ProtobufCMessage *answer, struct list_value *ret_value)
{
    const struct list_row row = {.message = message, .answer = answer, .key = column->key};

    *ret_value = (struct list_value){.is_known = false};
    if (column->get != NULL)
        column->get(&row, ret_value);
    else
        take_path(message, column->path, ret_value);
}

static void format_bytes(int64_t bytes, char *text, size_t size)
{
    uint64_t magnitude = bytes < 0 ? 0 - (uint64_t)bytes : (uint64_t)bytes;

    snprintf(text, size, "%s%s", bytes < 0 ? "-" : "", BYTES_TEXT(magnitude));
}

static void format_duration(nsec_t duration, char *text, size_t size)
{
    nsec_t unit = duration < 10 * NSEC_PER_SEC ? NSEC_PER_MSEC : NSEC_PER_SEC;

    (void)time_format_duration(duration / unit * unit, text, size);
}

static void format_value(enum list_kind kind, const struct list_value *value, char *text,
                         size_t size)
{
    if (!value->is_known) {
        snprintf(text, size, "-");
        return;
    }
    switch (kind) {
    case LIST_TEXT:
        snprintf(text, size, "%s", value->text);
        break;
    case LIST_NUMBER:
        snprintf(text, size, "%" PRId64, value->number);
        break;
    case LIST_BYTES:
        format_bytes(value->number, text, size);
        break;
    case LIST_TIME:
        (void)when_format(value->number, text, size);
        break;
    case LIST_SHORT_TIME:
        (void)when_format_short(value->number, text, size);
        break;
    case LIST_DURATION:
        format_duration((nsec_t)value->number, text, size);
        break;
    }
}

/* ---- rows ---- */

struct rows {
    const ProtobufCMessage **list;
    size_t count;
};

static struct rows rows_of(const struct list *list, const ProtobufCMessage *answer)
{
    const ProtobufCFieldDescriptor *field = field_of(answer, list->rows, strlen(list->rows));

    assert(field->label == PROTOBUF_C_LABEL_REPEATED && field->type == PROTOBUF_C_TYPE_MESSAGE);
    return (struct rows){
        .list = *(const ProtobufCMessage **const *)at(answer, field),
        .count = *(const size_t *)(const void *)((const char *)answer + field->quantifier_offset),
    };
}

/* What a row is sorted by. */
struct sorted {
    const ProtobufCMessage *row;
    size_t place;
    struct list_value value;
    bool is_text;
    bool is_descending;
};

/* What is not known is last in any order; equal ones stay as they came. */
static int compare(const void *left, const void *right)
{
    const struct sorted *a = left;
    const struct sorted *b = right;
    int order = 0;

    if (a->value.is_known != b->value.is_known)
        return a->value.is_known ? -1 : 1;
    if (a->value.is_known && a->is_text)
        order = strcmp(a->value.text, b->value.text);
    else if (a->value.is_known)
        order = (a->value.number > b->value.number) - (a->value.number < b->value.number);
    if (order == 0)
        return a->place < b->place ? -1 : 1;
    return a->is_descending ? -order : order;
}

static int sort(const struct list_view *view, const struct rows *rows,
                const ProtobufCMessage *answer)
{
    struct sorted *sorted;

    if (view->sort == NULL || rows->count == 0 || (view->is_document && !view->sort_is_given))
        return EXIT_DONE;
    sorted = calloc(rows->count, sizeof(*sorted));
    if (sorted == NULL)
        return fail(EXIT_FAILED, "out of memory");
    for (size_t i = 0; i < rows->count; i++) {
        sorted[i] = (struct sorted){.row = rows->list[i],
                                    .place = i,
                                    .is_text = view->sort->kind == LIST_TEXT,
                                    .is_descending = view->is_descending};
        take_value(view->sort, rows->list[i], answer, &sorted[i].value);
    }
    qsort(sorted, rows->count, sizeof(*sorted), compare);
    for (size_t i = 0; i < rows->count; i++)
        rows->list[i] = sorted[i].row;
    free(sorted);
    return EXIT_DONE;
}

/* ---- names ---- */

static void print_names(const struct list_view *view, const struct rows *rows,
                        const ProtobufCMessage *answer)
{
    struct list_value value;
    char text[sizeof(value.text)];

    assert(view->column_count == 1);
    for (size_t i = 0; i < rows->count; i++) {
        take_value(view->columns[0], rows->list[i], answer, &value);
        format_value(view->columns[0]->kind, &value, text, sizeof(text));
        print_text(text);
        putchar('\n');
    }
}

/* ---- tables ---- */

static_assert(ARRAY_SIZE(((struct list_view *)NULL)->columns) <= TABLE_COLUMNS_MAX, "they fit");

struct sum {
    int64_t bytes;
    bool is_known; /* of one row at least */
};

static bool is_number(enum list_kind kind)
{
    return kind == LIST_NUMBER || kind == LIST_BYTES || kind == LIST_DURATION;
}

/* What programs read keeps a line for each row; so does what is wider than the terminal. */
static unsigned table_flags_of(const struct list_column *column, const struct list_view *view)
{
    bool is_table = view->form == LIST_FORM_TABLE;
    unsigned flags = is_number(column->kind) ? TABLE_RIGHT : 0;

    if (is_table && (column->flags & LIST_SHORTEN) != 0)
        return flags | TABLE_SHORTEN;
    if (is_table && (column->flags & LIST_CUT) != 0)
        return flags | TABLE_CUT;
    if ((column->flags & (LIST_WRAP | LIST_CUT)) != 0 && (is_table || isatty(STDOUT_FILENO)))
        return flags | TABLE_WRAP;
    return flags;
}

static void add_row(struct table *table, const struct list_view *view, const ProtobufCMessage *row,
                    const ProtobufCMessage *answer, struct sum *sums)
{
    struct list_value value;
    char text[sizeof(value.text)];

    table_row(table);
    for (size_t i = 0; i < view->column_count; i++) {
        take_value(view->columns[i], row, answer, &value);
        format_value(view->columns[i]->kind, &value, text, sizeof(text));
        table_cell(table, "%s", text);
        table_color(table, value.color);
        if (value.is_known)
            sums[i] =
                (struct sum){.bytes = (int64_t)((uint64_t)sums[i].bytes + (uint64_t)value.number),
                             .is_known = true};
    }
}

static void add_total(struct table *table, const struct list *list, const struct list_view *view,
                      size_t count, const struct sum *sums)
{
    int length = (int)strlen(list->total) - (count == 1 ? 1 : 0);
    char text[64];

    table_row(table);
    for (size_t i = 0; i < view->column_count; i++) {
        const struct list_column *column = view->columns[i];
        const struct list_value value = {.is_known = sums[i].is_known, .number = sums[i].bytes};

        if ((column->flags & LIST_SUM) != 0)
            format_value(column->kind, &value, text, sizeof(text));
        else if (i == 0)
            snprintf(text, sizeof(text), "%zu %.*s", count, length, list->total);
        else
            text[0] = '\0';
        table_cell(table, "%s", text);
    }
}

static int print_table(const struct list *list, const struct list_view *view,
                       const struct rows *rows, const ProtobufCMessage *answer)
{
    struct table_column columns[TABLE_COLUMNS_MAX];
    struct sum sums[TABLE_COLUMNS_MAX] = {0};
    struct table table;

    for (size_t i = 0; i < view->column_count; i++)
        columns[i] = (struct table_column){view->columns[i]->heading,
                                           table_flags_of(view->columns[i], view)};
    table_init(&table, columns, view->column_count);
    table.room = terminal_width();
    table.is_plain = view->has_no_headings;
    for (size_t i = 0; i < rows->count; i++)
        add_row(&table, view, rows->list[i], answer, sums);
    if (list->total != NULL && rows->count > 0 && !view->has_no_headings)
        add_total(&table, list, view, rows->count, sums);
    return table_finish(&table, view->has_no_headings ? NULL : list->empty);
}

static int print_whole(const struct list *list, const struct list_view *view,
                       const struct rows *rows, const ProtobufCMessage *answer)
{
    bool is_alone = view->has_no_headings || view->form == LIST_FORM_COLUMNS;
    int code = EXIT_DONE;

    if (list->before != NULL && !is_alone)
        code = list->before(answer);
    if (code == EXIT_DONE)
        code = print_table(list, view, rows, answer);
    if (code == EXIT_DONE && list->after != NULL && !is_alone)
        code = list->after(answer);
    return code;
}

int list_print(const struct list *list, const struct list_view *view,
               const ProtobufCMessage *answer)
{
    struct rows rows = rows_of(list, answer);
    int code = sort(view, &rows, answer);

    if (code != EXIT_DONE)
        return code;
    if (view->is_document)
        return print_json(answer);
    if (view->form != LIST_FORM_NAME)
        return print_whole(list, view, &rows, answer);
    print_names(view, &rows, answer);
    return EXIT_DONE;
}
