/* What is asked for against what a kernel takes. */
#include "tests/lib/test.h"

#include "agent/actions/portion.h"
#include "common/base/number.h"
#include "common/base/util.h"

/* As 6.1 did in the lab, bytes asked for and taken. */
static const struct {
    uint64_t asked, taken;
} measured[] = {
    {64 * KIB, 128 * KIB}, {128 * KIB, 128 * KIB}, {256 * KIB, 436 * KIB}, {512 * KIB, 540 * KIB},
    {1 * MIB, 1264 * KIB}, {2 * MIB, 2740 * KIB},  {4 * MIB, 5760 * KIB},  {8 * MIB, 12132 * KIB},
};

/* Between two measurements a straight line. */
static uint64_t old_kernel(uint64_t asked)
{
    size_t i = 1;

    while (i + 1 < ARRAY_SIZE(measured) && measured[i].asked < asked)
        i++;
    return measured[i - 1].taken + (uint64_t)((double)(asked - measured[i - 1].asked) *
                                              (double)(measured[i].taken - measured[i - 1].taken) /
                                              (double)(measured[i].asked - measured[i - 1].asked));
}

static uint64_t exact_kernel(uint64_t asked)
{
    return asked;
}

static uint64_t take(uint64_t wanted, uint64_t (*kernel)(uint64_t), unsigned *ret_steps)
{
    struct portion portion = {.wanted = wanted};
    uint64_t taken = 0;
    uint64_t next;

    *ret_steps = 0;
    while ((next = portion_next(&portion)) > 0) {
        uint64_t took = kernel(next);

        assert_true(next <= portion.wanted);
        portion_took(&portion, next, took);
        taken += took;
        assert_true(++*ret_steps < 1000);
    }
    return taken;
}

static void test_an_old_kernel_takes_what_is_wanted(void **state)
{
    unsigned steps;

    for (uint64_t wanted = MIB; wanted <= 256 * MIB; wanted += 777 * KIB) {
        /* the first step, before anything is known, may be too large by itself */
        uint64_t bound = wanted < 13 * MIB ? wanted / 2 : 256 * KIB;
        uint64_t taken = take(wanted, old_kernel, &steps);

        assert_true(taken + 128 * KIB >= wanted);
        assert_true(taken <= wanted + bound);
        assert_true(steps <= wanted / (7 * MIB) + 6);
    }
}

static void test_an_exact_kernel_is_asked_once_a_step(void **state)
{
    unsigned steps;

    assert_int_equal(take(64 * MIB, exact_kernel, &steps), 64 * MIB);
    assert_int_equal(steps, 8);
    assert_int_equal(take(4 * KIB, exact_kernel, &steps), 4 * KIB);
    assert_int_equal(steps, 1);
    assert_int_equal(take(0, exact_kernel, &steps), 0);
    assert_int_equal(steps, 0);
}

static uint64_t hidden_kernel(uint64_t asked)
{
    return 0;
}

/* Cache that grows at the same time hides what was taken: still it comes to an end. */
static void test_nothing_seen_counts_as_asked_for(void **state)
{
    unsigned steps;

    take(64 * MIB, hidden_kernel, &steps);
    assert_int_equal(steps, 8);
}

static void test_what_came_back_was_taken(void **state)
{
    struct portion_cache before = {.bytes = 100 * MIB, .read_back = 7 * MIB};
    struct portion_cache after = {.bytes = 92 * MIB, .read_back = 7 * MIB};

    assert_int_equal(portion_taken(&before, &after), 8 * MIB);
    after = (struct portion_cache){.bytes = 97 * MIB, .read_back = 12 * MIB};
    assert_int_equal(portion_taken(&before, &after), 8 * MIB);
    after.bytes = 120 * MIB; /* somebody reads something new */
    assert_int_equal(portion_taken(&before, &after), 0);
    after = (struct portion_cache){0}; /* cannot be read */
    assert_int_equal(portion_taken(&before, &after), 100 * MIB);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_old_kernel_takes_what_is_wanted),
        cmocka_unit_test(test_an_exact_kernel_is_asked_once_a_step),
        cmocka_unit_test(test_nothing_seen_counts_as_asked_for),
        cmocka_unit_test(test_what_came_back_was_taken),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
