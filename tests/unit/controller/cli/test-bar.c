/* Bars: proportions, small parts, too much for the whole. */
#include "tests/lib/test.h"

#include <string.h>

#include "controller/cli/bar.h"

static void test_proportions(void **state)
{
    char buffer[11];
    const struct bar_part parts[] = {{'a', 50}, {'b', 30}};

    bar_draw(parts, 2, 100, 10, buffer);
    assert_string_equal(buffer, "aaaaabbb..");
}

static void test_small_part_shows(void **state)
{
    char buffer[11];
    const struct bar_part parts[] = {{'a', 1}, {'b', 0}, {'c', 999}};

    bar_draw(parts, 3, 1000, 10, buffer);
    assert_string_equal(buffer, "accccccccc");
}

static void test_parts_larger_than_the_whole_are_scaled(void **state)
{
    char buffer[11];
    const struct bar_part parts[] = {{'a', 300}, {'b', 100}};

    bar_draw(parts, 2, 100, 8, buffer);
    assert_string_equal(buffer, "aaaaaabb");
}

static void test_nothing(void **state)
{
    char buffer[5];
    const struct bar_part parts[] = {{'a', 0}};

    bar_draw(parts, 1, 0, 4, buffer);
    assert_string_equal(buffer, "....");
    bar_draw(NULL, 0, UINT64_MAX, 4, buffer);
    assert_string_equal(buffer, "....");
}

static void test_width_is_exact_for_any_mix(void **state)
{
    char buffer[65];
    struct bar_part parts[BAR_PARTS_MAX];
    uint64_t seed = 1;

    for (unsigned round = 0; round < 2000; round++) {
        for (size_t i = 0; i < BAR_PARTS_MAX; i++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            parts[i] = (struct bar_part){(char)('a' + i), seed >> (seed >> 58)};
        }
        bar_draw(parts, BAR_PARTS_MAX, seed >> 3, 64, buffer);
        assert_int_equal(strlen(buffer), 64);
    }
}

static void test_fewer_cells_than_parts(void **state)
{
    char buffer[3];
    const struct bar_part parts[] = {{'a', 1}, {'b', 1}, {'c', 1}, {'d', 1}};

    bar_draw(parts, 4, 4, 2, buffer);
    assert_int_equal(strlen(buffer), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_proportions),
        cmocka_unit_test(test_small_part_shows),
        cmocka_unit_test(test_parts_larger_than_the_whole_are_scaled),
        cmocka_unit_test(test_nothing),
        cmocka_unit_test(test_width_is_exact_for_any_mix),
        cmocka_unit_test(test_fewer_cells_than_parts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
