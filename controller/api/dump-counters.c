/* Figures in a dump. */
#include "controller/api/dump-counters.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/text.h"
#include "controller/api/host-counters.h"
#include "controller/api/vm-counters.h"

#define KEY_SIZE 256

/* Labels one after the other. */
struct counter_key {
    char text[KEY_SIZE];
    bool has_labels;
};

static void key_begin(struct counter_key *key, enum counter_id id)
{
    key->has_labels = false;
    text_copy(key->text, sizeof(key->text), counter_table[id].name);
}

static void key_label(struct counter_key *key, const char *name, const char *value)
{
    size_t length = strlen(key->text);

    text_format(key->text + length, sizeof(key->text) - length, "%s%s=%s",
                key->has_labels ? "," : "{", name, value);
    key->has_labels = true;
}

static const char *key_end(struct counter_key *key)
{
    size_t length = strlen(key->text);

    if (key->has_labels)
        text_format(key->text + length, sizeof(key->text) - length, "}");
    return key->text;
}

/* A histogram as its sum and its buckets. */
static json_t *value_of(const Vmreclaim__Controller__V1__CounterValue *value)
{
    json_t *buckets;

    if (value->text[0] != '\0')
        return json_string(value->text);
    if (value->n_buckets == 0)
        return json_integer(value->value);
    buckets = json_array();
    for (size_t i = 0; buckets != NULL && i < value->n_buckets; i++)
        (void)json_array_append_new(buckets, json_integer((json_int_t)value->buckets[i]));
    return json_pack("{s:I, s:o}", "sum", (json_int_t)value->value, "buckets", buckets);
}

json_t *dump_host_counters(const struct api *api, const struct vm_sums *sums)
{
    struct host_counters *counters = malloc(sizeof(*counters));
    json_t *json = counters == NULL ? NULL : json_object();

    if (json != NULL)
        host_counters_read(api, sums, counters);
    for (size_t i = 0; json != NULL && i < counters->count; i++) {
        const Vmreclaim__Controller__V1__CounterValue *value = &counters->values[i];
        const struct counter_label *labels = counter_table[value->counter].labels;
        struct counter_key key;

        key_begin(&key, (enum counter_id)value->counter);
        for (size_t j = 0; j < value->n_labels; j++)
            key_label(&key, labels[j].name, value->labels[j]);
        (void)json_object_set_new(json, key_end(&key), value_of(value));
    }
    free(counters);
    return json;
}

static void key_of_series(struct counter_key *key, const struct counter_series *series)
{
    const struct counter_label *labels = counter_table[series->counter].labels;

    key_begin(key, series->counter);
    if (labels[0].values != NULL)
        key_label(key, labels[0].name, labels[0].values[series->first]);
    if (labels[1].values != NULL)
        key_label(key, labels[1].name, labels[1].values[series->second]);
}

json_t *dump_vm_counters(const struct supervisor *supervisor, const struct vm *vm,
                         const struct counter_places *places)
{
    struct vm_counters counters;
    const Vmreclaim__Controller__V1__VmCounters *message = &counters.message;
    json_t *json = json_object();
    struct counter_key key;

    vm_counters_read(supervisor, vm, places, &counters);
    for (size_t i = 0; i < message->n_values; i++) {
        key_of_series(&key, &places->series[message->series[i]]);
        (void)json_object_set_new(json, key_end(&key), json_integer(message->values[i]));
    }
    return json;
}
