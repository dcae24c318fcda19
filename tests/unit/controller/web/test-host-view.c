/* A fleet's hosts: rows, sums, orders and pages of them. */
#include "tests/lib/test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/number.h"
#include "controller/web/host-view.h"

typedef Vmreclaim__Fleet__V1__FleetHost FleetHost;
typedef Vmreclaim__Fleet__V1__HostStatus HostStatus;

static struct error error;

/* A host that is well. */
struct host {
    FleetHost message;
    HostStatus status;
    Vmreclaim__Controller__V1__Host memory;
    Vmreclaim__Fleet__V1__Applied applied;
    char *labels[1];
};

static void make(struct host *host, const char *id, const char *name, uint64_t could_return)
{
    vmreclaim__fleet__v1__fleet_host__init(&host->message);
    vmreclaim__fleet__v1__host_status__init(&host->status);
    vmreclaim__controller__v1__host__init(&host->memory);
    vmreclaim__fleet__v1__applied__init(&host->applied);
    host->labels[0] = (char *)"rack=1";
    host->status.name = (char *)name;
    host->status.labels = host->labels;
    host->status.n_labels = 1;
    host->status.host = &host->memory;
    host->status.applied = &host->applied;
    host->status.could_return = could_return;
    host->status.vm_count = 2;
    host->applied.generation = 7;
    host->message.host = (char *)id;
    host->message.status = &host->status;
    host->message.presence = (char *)"present";
    host->message.wanted_is_known = true;
    host->message.wanted_generation = 7;
}

static void take(struct host_table *table, const char *id, const char *name, uint64_t could_return)
{
    struct host host;

    make(&host, id, name, could_return);
    assert_int_equal(host_table_take(table, &host.message), 0);
}

/* Four hosts: "b" is lost and behind, "d" never said anything. */
static void make_table(struct host_table *table)
{
    struct host host;

    *table = (struct host_table){.rows = NULL};
    take(table, "a", "zulu", 5);
    make(&host, "b", "yankee", 9);
    host.message.presence = (char *)"lost";
    host.message.wanted_generation = 8;
    host.applied.refused = (char *)"no key of ours";
    host.labels[0] = (char *)"rack=2";
    assert_int_equal(host_table_take(table, &host.message), 0);
    take(table, "c", "xray", 5);
    make(&host, "d", "", 0);
    host.message.status = NULL;
    host.message.presence = (char *)"unknown";
    assert_int_equal(host_table_take(table, &host.message), 0);
}

/* Ids of the answer's rows, one letter each. */
static const char *ask(const struct host_table *table, struct host_query query, json_t **ret_answer)
{
    static char ids[16];
    json_t *answer = host_view(table, &query), *row;
    size_t i;

    assert_non_null(answer);
    ids[0] = '\0';
    json_array_foreach(json_object_get(answer, "hosts"), i, row)
        strcat(ids, json_string_value(json_object_get(row, "host")));
    if (ret_answer != NULL)
        *ret_answer = answer;
    else
        json_decref(answer);
    return ids;
}

static struct host_query query_of(const char *sort, uint32_t down)
{
    struct host_query query = {.limit = HOST_VIEW_LIMIT, .down = down};

    if (sort != NULL)
        assert_int_equal(host_query_set(&query, "sort", sort, &error), 0);
    return query;
}

static void test_orders(void **state)
{
    struct host_table table;

    make_table(&table);
    assert_string_equal(ask(&table, query_of(NULL, 0), NULL), "abcd");
    assert_string_equal(ask(&table, query_of("name", 0), NULL), "cbad");
    assert_string_equal(ask(&table, query_of("name", 1), NULL), "abcd");
    /* what is the same stays in its order, what is not known is last in any case */
    assert_string_equal(ask(&table, query_of("could_return", 0), NULL), "acbd");
    assert_string_equal(ask(&table, query_of("could_return", 1), NULL), "bacd");
    assert_string_equal(ask(&table, query_of("presence", 1), NULL), "bdac");
    host_table_finish(&table);
}

static void test_pages(void **state)
{
    struct host_query query = query_of("could_return", 1);
    struct host_table table;
    json_t *answer;

    make_table(&table);
    query.limit = 2;
    assert_string_equal(ask(&table, query, NULL), "ba");
    query.offset = 2;
    assert_string_equal(ask(&table, query, &answer), "cd");
    assert_int_equal(json_integer_value(json_object_get(answer, "offset")), 2);
    json_decref(answer);
    query.offset = UINT32_MAX;
    assert_string_equal(ask(&table, query, NULL), "");
    host_table_finish(&table);
}

static json_int_t sum(const json_t *answer, const char *name)
{
    return json_integer_value(json_object_get(json_object_get(answer, "sums"), name));
}

static void test_sums_are_of_all_that_are_meant(void **state)
{
    struct host_query query = query_of(NULL, 0);
    struct host_table table;
    json_t *answer;

    make_table(&table);
    query.limit = 1;
    (void)ask(&table, query, &answer);
    assert_int_equal(sum(answer, "hosts"), 4);
    assert_int_equal(sum(answer, "present"), 2);
    assert_int_equal(sum(answer, "lost"), 1);
    assert_int_equal(sum(answer, "unknown"), 1);
    assert_int_equal(sum(answer, "without_figures"), 1);
    assert_int_equal(sum(answer, "vms"), 6);
    assert_int_equal(sum(answer, "could_return"), 19);
    assert_int_equal(sum(answer, "refused"), 1);
    /* who never said anything runs nothing of it, as far as is known */
    assert_int_equal(sum(answer, "behind"), 2);
    json_decref(answer);
    assert_int_equal(host_query_set(&query, "selector", "label:rack=2", &error), 0);
    assert_string_equal(ask(&table, query, &answer), "b");
    assert_int_equal(sum(answer, "hosts"), 1);
    json_decref(answer);
    host_table_finish(&table);
}

static void test_what_is_not_known_is_absent(void **state)
{
    struct host_table table;
    json_t *answer, *silent;

    make_table(&table);
    (void)ask(&table, query_of(NULL, 0), &answer);
    silent = json_array_get(json_object_get(answer, "hosts"), 3);
    assert_null(json_object_get(silent, "footprint"));
    assert_null(json_object_get(silent, "age_ns"));
    assert_string_equal(json_string_value(json_object_get(silent, "note")), "never heard");
    json_decref(answer);
    host_table_finish(&table);
}

static void test_queries_that_are_none(void **state)
{
    static const char *const bad[][2] = {
        {"sort", "nothing"},      {"sort", ""},      {"limit", "0"}, {"limit", "501"},
        {"limit", "-1"},          {"offset", "1e9"}, {"down", "2"},  {"selector", "\xff"},
        {"selector", "label:=="}, {"nonsense", "1"}, {"", ""},
    };
    struct host_query query = {.limit = 1};
    char selector[300];

    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        assert_int_equal(host_query_set(&query, bad[i][0], bad[i][1], &error), -EINVAL);
    memset(selector, 'a', sizeof(selector) - 1);
    selector[sizeof(selector) - 1] = '\0';
    assert_int_equal(host_query_set(&query, "selector", selector, &error), -EINVAL);
}

/* What a host says of itself is cut, and all of them have an end. */
static void test_hosts_that_talk(void **state)
{
    static char words[60000];
    static char *labels[100];
    struct host_table table = {.rows = NULL};
    struct host host;
    json_t *answer;
    unsigned taken = 0;
    int r;

    memset(words, 'w', sizeof(words) - 1);
    for (size_t i = 0; i < ARRAY_SIZE(labels); i++)
        labels[i] = words + sizeof(words) - 100;
    make(&host, "a", "b\xff\xe2\x80", 0);
    host.status.labels = labels;
    host.status.n_labels = ARRAY_SIZE(labels);
    host.status.problem = words;
    for (r = 0; r == 0; taken++)
        r = host_table_take(&table, &host.message);
    assert_int_equal(r, -EMSGSIZE);
    assert_true(taken > 10000);
    assert_true(table.bytes <= HOST_TABLE_BYTES);
    assert_int_equal(host_table_take(&table, &host.message), -EMSGSIZE);
    host_table_finish(&table);

    assert_int_equal(host_table_take(&table, &host.message), 0);
    assert_string_equal(table.rows[0].id, "a");
    assert_string_equal(table.rows[0].name, "b???");
    assert_true(strlen(table.rows[0].note) < HOST_ROW_BYTES);
    answer = host_view(&table, &(struct host_query){.limit = 1});
    assert_non_null(answer);
    json_decref(answer);
    host_table_finish(&table);

    host.status.problem = (char *)"";
    assert_int_equal(host_table_take(&table, &host.message), 0);
    assert_int_equal(table.rows[0].label_count, 41); /* each has a hundred bytes */
    host_table_finish(&table);
}

static void test_sums_that_do_not_fit(void **state)
{
    struct host_sums sums = {.could_return = UINT64_MAX - 1};
    struct host_row row = {.has_figures = true, .could_return = 5};
    json_t *json;

    host_sums_add(&sums, &row);
    assert_true(sums.could_return == UINT64_MAX);
    json = host_sums_json(&sums);
    assert_true(json_integer_value(json_object_get(json, "could_return")) == INT64_MAX);
    json_decref(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_orders),
        cmocka_unit_test(test_pages),
        cmocka_unit_test(test_sums_are_of_all_that_are_meant),
        cmocka_unit_test(test_what_is_not_known_is_absent),
        cmocka_unit_test(test_queries_that_are_none),
        cmocka_unit_test(test_hosts_that_talk),
        cmocka_unit_test(test_sums_that_do_not_fit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
