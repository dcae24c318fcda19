/* Kinds of events, as they are typed. */
#include "controller/cli/event-kinds.h"

#include "controller/cli/cli.h"

#include "tests/lib/test.h" /* its fail() is another one */

static void test_all_but_samples_without_a_choice(void **state)
{
    struct event_kinds kinds = {.count = 0};

    assert_true(event_kinds_have(&kinds, "action"));
    assert_true(event_kinds_have(&kinds, "connected"));
    assert_true(event_kinds_have(&kinds, "from a newer daemon"));
    assert_false(event_kinds_have(&kinds, "sample"));
    kinds.samples = true;
    assert_true(event_kinds_have(&kinds, "sample"));
}

static void test_some(void **state)
{
    struct event_kinds kinds = {.count = 0};
    char text[] = "action,state";

    assert_int_equal(event_kinds_parse(text, &kinds), EXIT_DONE);
    assert_int_equal(kinds.count, 2);
    assert_true(event_kinds_have(&kinds, "action"));
    assert_true(event_kinds_have(&kinds, "lost"));
    assert_false(event_kinds_have(&kinds, "policy"));
    assert_false(event_kinds_have(&kinds, "sample"));
}

static void test_one_state(void **state)
{
    struct event_kinds kinds = {.count = 0};
    char text[] = "lost";

    assert_int_equal(event_kinds_parse(text, &kinds), EXIT_DONE);
    assert_true(event_kinds_have(&kinds, "lost"));
    assert_false(event_kinds_have(&kinds, "connected"));
}

static void test_what_is_no_kind(void **state)
{
    char empty[] = "";
    char comma[] = "action,";
    char many[] = "action";
    struct event_kinds kinds = {.count = 0};

    assert_int_equal(event_kinds_parse(empty, &kinds), EXIT_USAGE);
    assert_int_equal(event_kinds_parse(comma, &kinds), EXIT_USAGE);
    kinds.count = EVENT_KINDS_MAX;
    assert_int_equal(event_kinds_parse(many, &kinds), EXIT_USAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_but_samples_without_a_choice),
        cmocka_unit_test(test_some),
        cmocka_unit_test(test_one_state),
        cmocka_unit_test(test_what_is_no_kind),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
