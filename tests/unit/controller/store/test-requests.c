/* What is asked of the store is answered once, by a completion. */
#include "tests/unit/controller/store/store-fixture.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "controller/store/requests.h"

/* What the last completion got. */
static unsigned answers;
static int status;
static char error_text[512];
static char line[1024];
static size_t count;
static bool is_cut;

static void note(const struct store_answer *answer)
{
    answers++;
    status = answer->status;
    snprintf(error_text, sizeof(error_text), "%s", answer->error.text);
    line[0] = '\0';
}

static void add(const char *text)
{
    size_t used = strlen(line);

    snprintf(line + used, sizeof(line) - used, "%s ", text);
}

static void on_records(const struct store_records *records, void *userdata)
{
    note(&records->answer);
    count = records->count;
    is_cut = records->is_cut;
    for (size_t i = 0; records->actions != NULL && i < records->count; i++)
        add(records->actions[i]->id);
}

static void on_history(const struct store_history *history, void *userdata)
{
    on_records(&history->records, userdata);
    count = history->point_count;
}

static void on_policies(const struct store_policies *policies, void *userdata)
{
    char text[128];

    note(&policies->answer);
    for (size_t i = 0; i < policies->revision_count; i++) {
        snprintf(text, sizeof(text), "%s/%llu/%s", policies->revisions[i]->name,
                 (unsigned long long)policies->revisions[i]->revision,
                 policies->revisions[i]->text);
        add(text);
    }
    for (size_t i = 0; i < policies->assignment_count; i++) {
        snprintf(text, sizeof(text), "%s=%s", policies->assignments[i]->selector,
                 policies->assignments[i]->policy);
        add(text);
    }
}

static void on_assigned(const struct store_assigned *assigned, void *userdata)
{
    note(&assigned->answer);
    count = assigned->found.revision_count;
    for (size_t i = 0; i < assigned->count; i++) {
        int found = assigned->revision_of[i];

        add(assigned->vms[i]);
        add(found == POLICY_NONE_ASSIGNED ? "-" : assigned->found.revisions[found]->text);
    }
}

static int setup_requests(void **state)
{
    answers = 0;
    return setup(state);
}

static bool is_of_b(const Action *action)
{
    return strcmp(action->vm, "b") == 0;
}

static void test_records(void **state)
{
    struct fixture *fixture = *state;
    struct store_records_query query = {.until = INT64_MAX};

    put_action(fixture->store, "a1", "a", 10);
    put_action(fixture->store, "b1", "b", 20);
    put_action(fixture->store, "a2", "a", 30);
    store_ask_records(fixture->store, &query, on_records, NULL);
    assert_int_equal(answers, 1);
    assert_int_equal(status, 0);
    assert_string_equal(line, "a2 b1 a1 ");
    query = (struct store_records_query){.vm = "a", .until = 20, .limit = 5};
    store_ask_records(fixture->store, &query, on_records, NULL);
    assert_string_equal(line, "a1 ");
    assert_false(is_cut);
    query = (struct store_records_query){.since = 10, .until = INT64_MAX, .limit = 2};
    store_ask_records(fixture->store, &query, on_records, NULL);
    assert_string_equal(line, "a2 b1 ");
    assert_true(is_cut);
    query = (struct store_records_query){.until = INT64_MAX, .limit = 1, .is_wanted = is_of_b};
    store_ask_records(fixture->store, &query, on_records, NULL);
    assert_string_equal(line, "b1 ");
    assert_false(is_cut);
    assert_int_equal(answers, 4);
}

static void test_one_record(void **state)
{
    struct fixture *fixture = *state;

    put_action(fixture->store, "abc1", "a", 10);
    put_action(fixture->store, "abd1", "a", 20);
    store_ask_record(fixture->store, "abc", on_records, NULL);
    assert_string_equal(line, "abc1 ");
    store_ask_record(fixture->store, "ab", on_records, NULL);
    assert_int_equal(status, -EEXIST);
    assert_int_equal(count, 0);
    store_ask_record(fixture->store, "x", on_records, NULL);
    assert_int_equal(status, -ENOENT);
    assert_non_null(strstr(error_text, "no action \"x\""));
    store_ask_id(fixture->store, "abc1", on_records, NULL);
    assert_int_equal(count, 1);
    store_ask_id(fixture->store, "abc", on_records, NULL);
    assert_int_equal(count, 0);
    assert_int_equal(status, 0);
}

static void test_a_history(void **state)
{
    struct fixture *fixture = *state;
    struct store_records_query query = {.vm = "a", .until = INT64_MAX, .limit = 10};

    put_waterfall(fixture->store, "a", 5, 1);
    put_waterfall(fixture->store, "a", 15, 2);
    put_action(fixture->store, "a1", "a", 10);
    store_ask_history(fixture->store, &query, 512, on_history, NULL);
    assert_int_equal(status, 0);
    assert_int_equal(count, 2);
    assert_string_equal(line, "a1 ");
}

static void order(struct fixture *fixture, const char *name, const char *text, const char *selector)
{
    const struct policy_revision revision = {
        .name = name, .author = "alice", .time = 1, .hash = text, .source_name = "f", .text = text};

    store_order_policy(fixture->store, &revision, selector, on_policies, NULL);
}

static void test_policies(void **state)
{
    struct fixture *fixture = *state;

    order(fixture, "night", "one", "web-*");
    assert_string_equal(line, "night/1/ ");
    order(fixture, "night", "two", "");
    order(fixture, "night", "two", "");
    assert_string_equal(line, "night/2/ "); /* the same text again */
    store_ask_policies(fixture->store, on_policies, NULL);
    assert_string_equal(line, "night/2/ web-*=night ");
    store_ask_revisions(fixture->store, "night", on_policies, NULL);
    assert_string_equal(line, "night/2/ night/1/ ");
    store_ask_policy(fixture->store, "night", 1, on_policies, NULL);
    assert_string_equal(line, "night/1/one ");
    store_roll_back(fixture->store, "night", 0, "bob", 2, on_policies, NULL);
    assert_string_equal(line, "night/3/one ");
    store_unassign_policy(fixture->store, "web-*", on_policies, NULL);
    assert_string_equal(line, "web-*=night ");
    store_unassign_policy(fixture->store, "web-*", on_policies, NULL);
    assert_int_equal(status, -ENOENT);
    assert_string_equal(line, "");
    store_ask_policy(fixture->store, "nihgt", 0, on_policies, NULL);
    assert_int_equal(status, -ENOENT);
}

static void test_what_is_assigned(void **state)
{
    struct fixture *fixture = *state;
    char *labels[] = {(char *)"tier=db"};
    const struct policy_subject subjects[] = {
        {.vm = "web-1"}, {.vm = "web-2"}, {"x", labels, 1}, {.vm = "y"}};

    order(fixture, "night", "one", "web-*");
    order(fixture, "day", "two", "label:tier=db");
    order(fixture, "night", "three", "");
    store_ask_assigned(fixture->store, subjects, ARRAY_SIZE(subjects), on_assigned, NULL);
    assert_int_equal(status, 0);
    assert_string_equal(line, "web-1 three web-2 three x two y - ");
    assert_int_equal(count, 2); /* each text once */
}

/* Every request is answered, whatever the file is. */
static void test_a_store_that_cannot_be_used(void **state)
{
    const struct policy_subject subject = {.vm = "web-1"};
    struct store_records_query query = {.vm = "a", .until = INT64_MAX};
    struct store *store;

    assert_int_equal(store_create("/nowhere/at/all.db", &store), 0);
    store_ask_records(store, &query, on_records, NULL);
    assert_int_equal(status, -EIO);
    assert_int_equal(count, 0);
    store_ask_id(store, "x", on_records, NULL);
    assert_int_equal(status, -EIO);
    store_ask_history(store, &query, 1, on_history, NULL);
    store_ask_policies(store, on_policies, NULL);
    assert_int_equal(status, -EIO);
    assert_non_null(strstr(error_text, "/nowhere/at/all.db"));
    store_ask_assigned(store, &subject, 1, on_assigned, NULL);
    assert_int_equal(status, -EIO);
    assert_string_equal(line, "");
    assert_int_equal(answers, 5);
    store_destroy(store);
}

#define requests_test(test) cmocka_unit_test_setup_teardown(test, setup_requests, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        requests_test(test_records),          requests_test(test_one_record),
        requests_test(test_a_history),        requests_test(test_policies),
        requests_test(test_what_is_assigned), requests_test(test_a_store_that_cannot_be_used),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
