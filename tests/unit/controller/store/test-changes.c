/* Records in the order in which they were written. */
#include "tests/unit/controller/store/store-fixture.h"

#include <stdio.h>
#include <string.h>

#include "controller/store/database.h"
#include "controller/store/requests.h"

/* What the last completion got. */
static char line[512];
static char store_name[32];
static uint64_t newest;
static uint64_t lost;
static int status;

static void on_changes(const struct store_changes *changes, void *userdata)
{
    line[0] = '\0';
    status = changes->answer.status;
    newest = changes->newest;
    lost = changes->lost;
    snprintf(store_name, sizeof(store_name), "%s", changes->store);
    for (size_t i = 0; i < changes->count; i++) {
        size_t used = strlen(line);

        snprintf(line + used, sizeof(line) - used, "%s%s/%llu", i > 0 ? " " : "",
                 changes->actions[i]->id, (unsigned long long)changes->numbers[i]);
    }
}

static void expect(struct fixture *fixture, uint64_t after, uint32_t limit, const char *expected)
{
    const struct store_changes_query query = {.after = after, .since = INT64_MIN, .limit = limit};

    store_ask_changes(fixture->store, &query, on_changes, NULL);
    assert_int_equal(status, 0);
    assert_string_equal(line, expected);
}

/* As they were written, whatever the times of the actions; what is written again comes again, once.
 */
static void test_order(void **state)
{
    struct fixture *fixture = *state;

    expect(fixture, 0, 10, "");
    assert_int_equal(newest, 0);
    put_action(fixture->store, "late", "a", 30);
    put_action(fixture->store, "early", "b", 10);
    put_action(fixture->store, "mid", "a", 20);
    expect(fixture, 0, 10, "late/1 early/2 mid/3");
    expect(fixture, 0, 2, "late/1 early/2");
    expect(fixture, 2, 10, "mid/3");
    put_action(fixture->store, "early", "b", 10);
    expect(fixture, 0, 10, "late/1 mid/3 early/4");
    expect(fixture, 3, 10, "early/4");
    expect(fixture, 4, 10, "");
    assert_int_equal(newest, 4);
    assert_int_equal(lost, 0);
}

static void test_since(void **state)
{
    struct fixture *fixture = *state;
    const struct store_changes_query query = {.since = 20, .limit = 10};

    put_action(fixture->store, "old", "a", 10);
    put_action(fixture->store, "new", "a", 20);
    store_ask_changes(fixture->store, &query, on_changes, NULL);
    assert_string_equal(line, "new/2");
}

/* The numbers go on, also where nothing is left of what they were given to. */
static void test_outlives(void **state)
{
    struct fixture *fixture = *state;
    char before[32];

    put_action(fixture->store, "a", "a", 10);
    put_action(fixture->store, "b", "a", 20);
    expect(fixture, 0, 10, "a/1 b/2");
    assert_int_equal(strlen(store_name), 16);
    snprintf(before, sizeof(before), "%s", store_name);
    assert_int_equal(
        store_execute(fixture->store, "DELETE FROM action", "letting go", &fixture->error), 0);
    reopen(fixture);
    put_action(fixture->store, "c", "a", 30);
    expect(fixture, 0, 10, "c/3");
    assert_int_equal(lost, 2);
    assert_string_equal(store_name, before);
}

/* A page has a bound of its own. */
static void test_many(void **state)
{
    struct fixture *fixture = *state;
    const struct store_changes_query query = {.since = INT64_MIN, .limit = UINT32_MAX};
    struct work work;

    put_many_actions(fixture, 3 * STORE_CHANGES_MAX);
    store_ask_changes(fixture->store, &query, on_changes, NULL);
    assert_int_equal(status, 0);
    assert_int_equal(newest, 3 * STORE_CHANGES_MAX);
    work_begin(fixture, &work);
    expect(fixture, newest, 10, "");
    assert_int_equal(work.scanned, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(order),
        TEST(since),
        TEST(outlives),
        TEST(many),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
