/* What is remembered of a VM, as it is kept. */
#include "tests/lib/test.h"

#include <errno.h>

#include "controller/arbiter/past.h"

#define BOOT "5b1c30c5-47a2-4a0c-8a6c-0d2f4d1b6a01"

static const struct arbiter_memory known = {
    .past = {.direction = ARBITER_GAVE, .moved = 50, .changes = {10, 20, 30, 50}},
    .promised = {.bytes = GIB, .footprint = 2 * GIB, .end = 80},
    .spared = 650,
};

static void test_it_comes_back(void **state)
{
    struct arbiter_memory memory;
    char line[PAST_LINE_SIZE];

    past_format(&known, BOOT, line);
    assert_int_equal(past_parse(line, BOOT, 60, &memory), 0);
    assert_true(past_equal(&memory, &known));
    assert_int_equal(memory.past.moved, 50);
    assert_int_equal(memory.past.changes[3], 50);
    assert_int_equal(memory.promised.footprint, 2 * GIB);
    assert_false(memory.is_known);
    memory.past.moved = 51;
    assert_true(past_equal(&memory, &known));
    memory.spared = 651;
    assert_false(past_equal(&memory, &known));
}

static void test_another_boot_and_what_is_old(void **state)
{
    struct arbiter_memory memory;
    char line[PAST_LINE_SIZE];

    past_format(&known, BOOT, line);
    assert_int_equal(past_parse(line, "another", 60, &memory), -ESTALE);
    assert_int_equal(past_parse(line, "", 60, &memory), -ESTALE);
    assert_int_equal(past_parse(line, BOOT, 51 + PAST_TIME, &memory), -ESTALE);
}

static void test_lines_that_are_none(void **state)
{
    static const char *const wrong[] = {"",
                                        BOOT,
                                        BOOT " 1 2 3",
                                        BOOT " 9 0 0 0 0 0 0 0 0 0",
                                        BOOT " 1 0 0 0 0 0 0 0 0 0 0",
                                        BOOT " 1 0 0 0 0 0 0 0 0 x"};
    struct arbiter_memory memory;

    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
        assert_int_equal(past_parse(wrong[i], BOOT, 1, &memory), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_comes_back),
        cmocka_unit_test(test_another_boot_and_what_is_old),
        cmocka_unit_test(test_lines_that_are_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
