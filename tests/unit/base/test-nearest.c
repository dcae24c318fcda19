/* The nearest name. */
#include "tests/lib/test.h"

#include "common/base/nearest.h"

static const char *nearest_of(const char *wanted)
{
    static const char *const names[] = {"cache_floor", "cache_step", "cid", "name", "policy"};
    struct nearest nearest = {.wanted = wanted};

    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        nearest_offer(&nearest, names[i]);
    return nearest.name;
}

static void test_misspelled_names_are_found(void **state)
{
    assert_string_equal(nearest_of("cache_flor"), "cache_floor");
    assert_string_equal(nearest_of("cahce_step"), "cache_step");
    assert_string_equal(nearest_of("polcy"), "policy");
    assert_string_equal(nearest_of("cdi"), "cid");
    assert_string_equal(nearest_of("name"), "name");
}

static void test_far_names_are_not(void **state)
{
    char longest[100] = {0};

    for (size_t i = 0; i + 1 < sizeof(longest); i++)
        longest[i] = 'n';
    assert_null(nearest_of("memory"));
    assert_null(nearest_of(""));
    assert_null(nearest_of(longest));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_misspelled_names_are_found),
        cmocka_unit_test(test_far_names_are_not),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
