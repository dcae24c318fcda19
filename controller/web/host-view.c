/* Columns, and who comes before whom. */
#include "controller/web/host-view.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/number.h"
#include "common/base/text.h"
#include "common/base/util.h"
#include "controller/json/json.h"
#include "controller/selectors/host-selector.h"

/* Of what is wrong with a host; its own page has all of it. */
#define NOTE_BYTES 200

typedef struct host_row Row;

/* What a row is sorted by; texts before numbers. */
struct key {
    const char *text;
    bool is_known;
    uint64_t number;
};

/* ---- columns ---- */

static struct key id_of(const Row *row)
{
    return (struct key){.text = row->id, .is_known = true};
}

static struct key name_of(const Row *row)
{
    return (struct key){.text = row->name, .is_known = row->name[0] != '\0'};
}

static struct key presence_of(const Row *row)
{
    static const uint64_t order[] = {[HOST_LOST] = 2, [HOST_UNKNOWN] = 1, [HOST_PRESENT] = 0};

    return (struct key){.is_known = true, .number = order[row->presence]};
}

static struct key vms_of(const Row *row)
{
    return (struct key){.is_known = row->has_figures, .number = row->vms};
}

static struct key available_of(const Row *row)
{
    return (struct key){.is_known = row->has_figures, .number = row->available};
}

static struct key footprint_of(const Row *row)
{
    return (struct key){.is_known = row->has_figures, .number = row->footprint};
}

static struct key could_return_of(const Row *row)
{
    return (struct key){.is_known = row->has_figures, .number = row->could_return};
}

static struct key returned_of(const Row *row)
{
    return (struct key){.is_known = row->has_figures, .number = row->returned};
}

static struct key age_of(const Row *row)
{
    return (struct key){.is_known = row->age_is_known, .number = row->age};
}

static struct key in_force_of(const Row *row)
{
    return (struct key){.is_known = row->has_figures, .number = row->in_force};
}

static struct key note_of(const Row *row)
{
    return (struct key){.text = row->note, .is_known = row->note[0] != '\0'};
}

static const struct column {
    const char *name;
    struct key (*key)(const Row *row);
} columns[] = {
    {"id", id_of},
    {"name", name_of},
    {"presence", presence_of},
    {"vms", vms_of},
    {"available", available_of},
    {"footprint", footprint_of},
    {"could_return", could_return_of},
    {"returned", returned_of},
    {"age", age_of},
    {"in_force", in_force_of},
    {"note", note_of},
};

/* NULL: there is none. */
static const struct column *find_column(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(columns); i++)
        if (strcmp(columns[i].name, name) == 0)
            return &columns[i];
    return NULL;
}

/* ---- the query ---- */

static int set_number(uint32_t *field, const char *name, const char *value, uint64_t least,
                      uint64_t most, struct error *error)
{
    uint64_t number;

    if (number_parse(value, &number) < 0 || number < least || number > most)
        return error_set(error, -EINVAL, "%s: \"%s\" is not a number that it can be", name,
                         TEXT_CUT(value, 60));
    *field = (uint32_t)number;
    return 0;
}

static int set_selector(struct host_query *query, const char *value, struct error *error)
{
    if (!text_is_utf8(value, strlen(value)))
        return error_set(error, -EINVAL, "selector: not UTF-8");
    if (strlen(value) >= sizeof(query->selector))
        return error_set(error, -EINVAL, "selector: longer than %zu bytes",
                         sizeof(query->selector) - 1);
    if (value[0] != '\0' && host_selector_check(value, error) < 0)
        return -EINVAL;
    memset(query->selector, 0, sizeof(query->selector));
    memcpy(query->selector, value, strlen(value));
    return 0;
}

static int set_sort(struct host_query *query, const char *value, struct error *error)
{
    const struct column *column = find_column(value);

    if (column == NULL)
        return error_set(error, -EINVAL, "sort: no column \"%s\"", TEXT_CUT(value, 60));
    memset(query->sort, 0, sizeof(query->sort));
    memcpy(query->sort, column->name, strlen(column->name));
    return 0;
}

int host_query_set(struct host_query *query, const char *name, const char *value,
                   struct error *error)
{
    if (strcmp(name, "selector") == 0)
        return set_selector(query, value, error);
    if (strcmp(name, "sort") == 0)
        return set_sort(query, value, error);
    if (strcmp(name, "offset") == 0)
        return set_number(&query->offset, name, value, 0, UINT32_MAX, error);
    if (strcmp(name, "limit") == 0)
        return set_number(&query->limit, name, value, 1, HOST_VIEW_LIMIT_MAX, error);
    if (strcmp(name, "down") == 0)
        return set_number(&query->down, name, value, 0, 1, error);
    return error_set(error, -EINVAL, "no argument \"%s\"", TEXT_CUT(name, 60));
}

/* ---- the order ---- */

struct order {
    const struct column *column;
    bool is_down;
};

static int compare_keys(const struct key *a, const struct key *b)
{
    if (a->text != NULL)
        return strcmp(a->text, b->text);
    return (a->number > b->number) - (a->number < b->number);
}

/* Where they are the same, by their places in the table. */
static int compare(const void *left, const void *right, void *userdata)
{
    const struct order *order = userdata;
    const Row *const *a = left;
    const Row *const *b = right;
    struct key key_a = order->column->key(*a);
    struct key key_b = order->column->key(*b);
    int r = 0;

    if (key_a.is_known != key_b.is_known)
        return key_a.is_known ? -1 : 1;
    if (key_a.is_known)
        r = compare_keys(&key_a, &key_b);
    if (r != 0)
        return order->is_down ? -r : r;
    return (*a > *b) - (*a < *b);
}

static bool is_meant(const char *selector, const Row *row)
{
    const struct host_subject subject = {
        .id = row->id, .name = row->name, .labels = row->labels, .label_count = row->label_count};

    return selector[0] == '\0' || host_selector_matches(selector, &subject);
}

/* ---- JSON ---- */

static int set_text(json_t *object, const char *name, const char *text)
{
    return json_object_set_new(object, name, json_text(text, strlen(text)));
}

static int set_figure(json_t *object, const char *name, uint64_t value)
{
    return json_object_set_new(object, name,
                               json_integer((json_int_t)min_of(value, (uint64_t)INT64_MAX)));
}

static int set_figures(json_t *object, const Row *row)
{
    const struct {
        const char *name;
        uint64_t value;
        bool is_known;
    } figures[] = {
        {"vms", row->vms, row->has_figures},
        {"available", row->available, row->has_figures},
        {"total", row->total, row->has_figures},
        {"footprint", row->footprint, row->has_figures},
        {"could_return", row->could_return, row->has_figures},
        {"returned", row->returned, row->has_figures},
        {"age_ns", row->age, row->age_is_known},
        {"wanted", row->wanted, row->wanted_is_known},
        {"in_force", row->in_force, true},
        {"pinned", row->pinned, true},
        {"degraded", row->degraded, true},
    };
    int r = 0;

    for (size_t i = 0; i < ARRAY_SIZE(figures) && r == 0; i++)
        if (figures[i].is_known)
            r = set_figure(object, figures[i].name, figures[i].value);
    return r;
}

/* NULL: no memory. */
static json_t *row_json(const Row *row)
{
    static const char *const words[] = {
        [HOST_UNKNOWN] = "unknown", [HOST_PRESENT] = "present", [HOST_LOST] = "lost"};
    json_t *object = json_object();

    if (object != NULL && set_text(object, "host", row->id) == 0 &&
        set_text(object, "name", TEXT_CUT(row->name, 256)) == 0 &&
        set_text(object, "presence", words[row->presence]) == 0 &&
        set_text(object, "note", TEXT_CUT(row->note, NOTE_BYTES)) == 0 &&
        set_figures(object, row) == 0 &&
        json_object_set_new(object, "refused", json_boolean(row->is_refused)) == 0)
        return object;
    json_decref(object);
    return NULL;
}

json_t *host_sums_json(const struct host_sums *sums)
{
    const struct {
        const char *name;
        uint64_t value;
    } figures[] = {
        {"hosts", sums->hosts},
        {"present", sums->by_presence[HOST_PRESENT]},
        {"lost", sums->by_presence[HOST_LOST]},
        {"unknown", sums->by_presence[HOST_UNKNOWN]},
        {"without_figures", sums->without_figures},
        {"vms", sums->vms},
        {"footprint", sums->footprint},
        {"could_return", sums->could_return},
        {"returned", sums->returned},
        {"behind", sums->behind},
        {"refused", sums->refused},
        {"pinned", sums->pinned},
        {"degraded", sums->degraded},
    };
    json_t *object = json_object();

    for (size_t i = 0; i < ARRAY_SIZE(figures) && object != NULL; i++)
        if (set_figure(object, figures[i].name, figures[i].value) < 0) {
            json_decref(object);
            return NULL;
        }
    return object;
}

static json_t *rows_json(const Row **rows, size_t count, const struct host_query *query)
{
    json_t *list = json_array();

    for (size_t i = query->offset; i < count && i - query->offset < query->limit && list != NULL;
         i++)
        if (json_array_append_new(list, row_json(rows[i])) < 0) {
            json_decref(list);
            return NULL;
        }
    return list;
}

json_t *host_view(const struct host_table *table, const struct host_query *query)
{
    struct order order = {.column = find_column(query->sort), .is_down = query->down == 1};
    const Row **rows = calloc(table->count + 1, sizeof(*rows));
    struct host_sums sums = {.hosts = 0};
    size_t count = 0;
    json_t *answer;

    if (rows == NULL)
        return NULL;
    for (size_t i = 0; i < table->count; i++)
        if (is_meant(query->selector, &table->rows[i])) {
            rows[count++] = &table->rows[i];
            host_sums_add(&sums, &table->rows[i]);
        }
    if (order.column != NULL)
        qsort_r((void *)rows, count, sizeof(*rows), compare, &order);
    answer = json_pack("{s:o, s:o, s:I}", "hosts", rows_json(rows, count, query), "sums",
                       host_sums_json(&sums), "offset", (json_int_t)query->offset);
    free((void *)rows);
    return answer;
}
