/* The table of all figures is what metrics allow, and its series have numbers. */
#include "tests/lib/test.h"

#include <string.h>

#include "controller/telemetry/counters.h"

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text);

    return length >= strlen(end) && strcmp(text + length - strlen(end), end) == 0;
}

static void test_every_row_is_whole(void **state)
{
    for (enum counter_id id = 0; id < COUNTER_COUNT; id++) {
        const struct counter *row = &counter_table[id];

        assert_non_null(row->name);
        assert_int_equal(strspn(row->name, "abcdefghijklmnopqrstuvwxyz_"), strlen(row->name));
        assert_true(ends_with(row->help, "."));
        assert_true(row->source[0] != '\0');
        assert_non_null(row->labels);
        assert_int_equal(row->bounds != NULL, row->type == COUNTER_TYPE_HISTOGRAM);
    }
}

/* As promtool wants it: base units at the end, "_total" for what grows and nothing else. */
static void test_names_say_type_and_unit(void **state)
{
    for (enum counter_id id = 0; id < COUNTER_COUNT; id++) {
        const struct counter *row = &counter_table[id];
        char name[128];

        assert_int_equal(row->type == COUNTER_TYPE_TOTAL, ends_with(row->name, "_total"));
        strcpy(name, row->name);
        if (ends_with(name, "_total"))
            name[strlen(name) - strlen("_total")] = '\0';
        if (row->unit == UNIT_BYTES)
            assert_true(ends_with(name, "_bytes"));
        if (row->unit == UNIT_NANOSECONDS || row->unit == UNIT_UNIX_NANOSECONDS)
            assert_true(ends_with(name, "_seconds"));
        if (row->unit == UNIT_PERMYRIAD)
            assert_true(ends_with(name, "_ratio"));
        if (row->unit == UNIT_PAGES)
            assert_true(ends_with(name, "_pages"));
        assert_int_equal(row->unit == UNIT_NONE, row->type == COUNTER_TYPE_TEXT);
    }
}

/* Metrics have one family per name: several rows of a name are the texts of one. */
static void test_a_name_is_one_family(void **state)
{
    for (enum counter_id id = 0; id < COUNTER_COUNT; id++)
        for (enum counter_id other = 0; other < id; other++) {
            if (strcmp(counter_table[id].name, counter_table[other].name) != 0)
                continue;
            assert_int_equal(counter_table[id].type, COUNTER_TYPE_TEXT);
            assert_int_equal(counter_table[other].type, COUNTER_TYPE_TEXT);
            assert_string_equal(counter_table[id].help, counter_table[other].help);
            assert_string_not_equal(counter_table[id].labels[0].name,
                                    counter_table[other].labels[0].name);
            assert_int_equal(counter_is_of_vm(id), counter_is_of_vm(other));
        }
}

/* A VM's figures are known beforehand, so their labels are; only texts are any. */
static void test_series_have_numbers(void **state)
{
    struct counter_places places;

    counter_places_init(&places);
    for (size_t i = 0; i < places.count; i++) {
        const struct counter_series *series = &places.series[i];
        const struct counter *row = &counter_table[series->counter];

        assert_true(counter_is_of_vm(series->counter));
        assert_int_equal(counter_place(&places, series->counter, series->first, series->second), i);
        if (row->labels[0].name != NULL && row->type != COUNTER_TYPE_TEXT)
            assert_non_null(row->labels[0].values[series->first]);
        if (row->labels[1].name != NULL)
            assert_non_null(row->labels[1].values[series->second]);
        assert_null(row->labels[2].name);
    }
    for (enum counter_id id = 0; id < COUNTERS_OF_VM; id++)
        assert_int_equal(places.series[counter_place(&places, id, 0, 0)].counter, id);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_row_is_whole),
        cmocka_unit_test(test_names_say_type_and_unit),
        cmocka_unit_test(test_a_name_is_one_family),
        cmocka_unit_test(test_series_have_numbers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
