/* Families of the page, from the daemon's table of counters. What is not known has no sample: a sum
 * with one NaN in it would be none. */
#include "controller/web/metrics.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/cleanup.h"
#include "common/base/util.h"
#include "controller/web/exposition.h"
#include "controller/web/fleet-metrics.h"

enum { LABELS_MAX = 8, SERIES_MAX = 4096 };

typedef Vmreclaim__Controller__V1__GetCountersResponse Counters;
typedef Vmreclaim__Controller__V1__Counter Counter;
typedef Vmreclaim__Controller__V1__CounterSeries Series;
typedef Vmreclaim__Controller__V1__CounterValue Value;
typedef Vmreclaim__Controller__V1__VmCounters VmCounters;

struct page {
    const Counters *counters;
    enum metrics_scope scope;
    struct exposition exposition;
    /* Where each VM has the value of each series, one more than its index; 0: nowhere. */
    uint32_t *places;
};

struct labels {
    struct exposition_label list[LABELS_MAX];
    size_t count;
};

static bool is_text(const Counter *counter)
{
    return strcmp(counter->type, "text") == 0;
}

static unsigned decimals_of(const Counter *counter)
{
    static const struct {
        const char *unit;
        unsigned decimals;
    } units[] = {{"nanoseconds", 9}, {"unix-nanoseconds", 9}, {"permyriad", 4}};

    for (size_t i = 0; i < ARRAY_SIZE(units); i++)
        if (strcmp(counter->unit, units[i].unit) == 0)
            return units[i].decimals;
    return 0;
}

static void add_label(struct labels *labels, const char *name, const char *value)
{
    if (labels->count < LABELS_MAX && exposition_is_name(name))
        labels->list[labels->count++] = (struct exposition_label){name, value};
}

/* The names are the counter's, the values the series'. */
static void add_labels(struct labels *labels, const Counter *counter, char *const *values,
                       size_t count)
{
    for (size_t i = 0; i < count && i < counter->n_labels; i++)
        add_label(labels, counter->labels[i], values[i]);
}

static void put(struct page *page, const char *suffix, const struct labels *labels, int64_t value,
                unsigned decimals)
{
    exposition_sample(&page->exposition, suffix, labels->list, labels->count, value, decimals);
}

/* ---- of the host ---- */

/* Of a histogram: the buckets are counted up, as the format has them. */
static void put_histogram(struct page *page, const Counter *counter, const Value *value,
                          const struct labels *labels)
{
    unsigned decimals = decimals_of(counter);
    uint64_t count = 0;

    if (value->n_buckets != counter->n_bounds + 1)
        return;
    for (size_t i = 0; i < value->n_buckets; i++) {
        char number[EXPOSITION_NUMBER_SIZE];
        struct labels of_bucket = *labels;

        count += value->buckets[i];
        add_label(&of_bucket, "le",
                  i == counter->n_bounds ? "+Inf"
                                         : exposition_number(counter->bounds[i], decimals, number));
        put(page, "_bucket", &of_bucket, (int64_t)count, 0);
    }
    put(page, "_sum", labels, value->value, decimals);
    put(page, "_count", labels, (int64_t)count, 0);
}

static void put_value(struct page *page, const Counter *counter, const Value *value)
{
    struct labels labels = {.count = 0};

    add_labels(&labels, counter, value->labels, value->n_labels);
    if (strcmp(counter->type, "histogram") == 0)
        put_histogram(page, counter, value, &labels);
    else
        put(page, "", &labels, value->value, decimals_of(counter));
}

/* Texts of one name are labels of one sample. */
static void put_host_texts(struct page *page, const char *name)
{
    const Counters *counters = page->counters;
    struct labels labels = {.count = 0};

    for (size_t i = 0; i < counters->n_host; i++) {
        const Value *value = counters->host[i];
        const Counter *counter =
            value->counter < counters->n_counters ? counters->counters[value->counter] : NULL;

        if (counter != NULL && is_text(counter) && counter->n_labels > 0 &&
            strcmp(counter->name, name) == 0)
            add_label(&labels, counter->labels[counter->n_labels - 1], value->text);
    }
    if (labels.count > 0)
        put(page, "", &labels, 1, 0);
}

static void put_host(struct page *page, size_t index)
{
    const Counters *counters = page->counters;

    for (size_t i = 0; i < counters->n_host; i++)
        if (counters->host[i]->counter == index)
            put_value(page, counters->counters[index], counters->host[i]);
}

/* ---- of VMs ---- */

static uint32_t *place_of(const struct page *page, size_t vm, size_t series)
{
    return &page->places[vm * page->counters->n_vm_series + series];
}

/* The counter of a series; NULL: the daemon's table has none. */
static const Counter *counter_of(const Counters *counters, size_t series)
{
    size_t index = counters->vm_series[series]->counter;

    return index < counters->n_counters ? counters->counters[index] : NULL;
}

static void note_place(struct page *page, size_t vm, size_t series, bool of_text, size_t place)
{
    const Counter *counter =
        series < page->counters->n_vm_series ? counter_of(page->counters, series) : NULL;

    if (counter != NULL && is_text(counter) == of_text)
        *place_of(page, vm, series) = (uint32_t)place + 1;
}

static void note_places(struct page *page, size_t index)
{
    const VmCounters *vm = page->counters->vms[index];

    for (size_t i = 0; i < vm->n_series && i < vm->n_values; i++)
        note_place(page, index, vm->series[i], false, i);
    for (size_t i = 0; i < vm->n_text_series && i < vm->n_texts; i++)
        note_place(page, index, vm->text_series[i], true, i);
}

static void put_series(struct page *page, const Counter *counter, size_t index)
{
    const Counters *counters = page->counters;
    const Series *series = counters->vm_series[index];
    unsigned decimals = decimals_of(counter);
    struct labels labels = {.count = 0};

    add_label(&labels, "vm", "");
    add_labels(&labels, counter, series->labels, series->n_labels);
    for (size_t i = 0; i < counters->n_vms; i++) {
        uint32_t place = *place_of(page, i, index);

        if (place == 0)
            continue;
        labels.list[0].value = counters->vms[i]->vm;
        put(page, "", &labels, counters->vms[i]->values[place - 1], decimals);
    }
}

static void put_texts_of(struct page *page, const char *name, size_t vm)
{
    const Counters *counters = page->counters;
    struct labels labels = {.count = 0};

    add_label(&labels, "vm", counters->vms[vm]->vm);
    for (size_t i = 0; i < counters->n_vm_series; i++) {
        const Counter *counter = counter_of(counters, i);
        uint32_t place = *place_of(page, vm, i);

        if (place != 0 && counter != NULL && is_text(counter) && counter->n_labels > 0 &&
            strcmp(counter->name, name) == 0)
            add_label(&labels, counter->labels[counter->n_labels - 1],
                      counters->vms[vm]->texts[place - 1]);
    }
    if (labels.count > 1)
        put(page, "", &labels, 1, 0);
}

static void put_vms(struct page *page, size_t index)
{
    const Counters *counters = page->counters;
    const Counter *counter = counters->counters[index];

    if (page->scope == METRICS_HOST)
        return;
    if (is_text(counter))
        for (size_t i = 0; i < counters->n_vms; i++)
            put_texts_of(page, counter->name, i);
    else
        for (size_t i = 0; i < counters->n_vm_series; i++)
            if (counters->vm_series[i]->counter == index)
                put_series(page, counter, i);
}

/* ---- the page ---- */

/* A family is written once, where it comes first. */
static bool was_before(const Counters *counters, size_t index)
{
    for (size_t i = 0; i < index; i++)
        if (strcmp(counters->counters[i]->name, counters->counters[index]->name) == 0)
            return true;
    return false;
}

static void put_family(struct page *page, size_t index)
{
    const Counter *counter = page->counters->counters[index];

    if (!exposition_is_name(counter->name) || was_before(page->counters, index))
        return;
    exposition_family(&page->exposition, counter->name, is_text(counter) ? "gauge" : counter->type,
                      counter->help);
    if (counter->of_vm)
        put_vms(page, index);
    else if (is_text(counter))
        put_host_texts(page, counter->name);
    else
        put_host(page, index);
}

static int put_families(struct page *page)
{
    const Counters *counters = page->counters;
    cleanup_free uint32_t *places = NULL;

    if (counters->n_vm_series > SERIES_MAX)
        return -EMSGSIZE;
    places = calloc(counters->n_vms + 1, (counters->n_vm_series + 1) * sizeof(*places));
    if (places == NULL)
        return -ENOMEM;
    page->places = places;
    for (size_t i = 0; i < counters->n_vms; i++)
        note_places(page, i);
    for (size_t i = 0; i < counters->n_counters; i++)
        put_family(page, i);
    return 0;
}

int metrics_render(const struct metrics *metrics, char **ret_text, size_t *ret_length)
{
    struct page page = {.counters = metrics->counters, .scope = metrics->scope};
    int r = 0;

    exposition_init(&page.exposition);
    if (metrics->has_daemon) {
        exposition_family(&page.exposition, "up", "gauge", "Whether the daemon answered.");
        exposition_sample(&page.exposition, "", NULL, 0, metrics->counters != NULL, 0);
    }
    if (metrics->counters != NULL)
        r = put_families(&page);
    if (metrics->has_fleet)
        fleet_metrics_put(&page.exposition, metrics->fleet);
    if (r == 0 && page.exposition.is_out_of_memory)
        r = -ENOMEM;
    if (r < 0) {
        exposition_finish(&page.exposition);
        return r;
    }
    *ret_length = page.exposition.length;
    *ret_text = page.exposition.text != NULL ? page.exposition.text : calloc(1, 1);
    return *ret_text == NULL ? -ENOMEM : 0;
}
