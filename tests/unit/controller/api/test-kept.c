/* What users may make the daemon keep. */
#include "tests/lib/test.h"

#include "controller/api/kept.h"

#define NOW (1000 * NSEC_PER_SEC)

static void test_a_burst_and_then_a_rate(void **state)
{
    struct kept_share share = {.per_second = 10, .burst = 100};

    for (unsigned i = 0; i < 10; i++)
        assert_int_equal(kept_share_take(&share, 10, NOW), 0);
    assert_int_equal(kept_share_take(&share, 10, NOW), NSEC_PER_SEC);
    assert_int_equal(kept_share_take(&share, 10, NOW), NSEC_PER_SEC); /* nothing was taken */
    assert_int_equal(kept_share_take(&share, 10, NOW + NSEC_PER_SEC), 0);
    assert_int_equal(kept_share_take(&share, 5, NOW + NSEC_PER_SEC), NSEC_PER_SEC / 2);
    /* No more than the burst is saved. */
    assert_int_equal(kept_share_take(&share, 100, NOW + 3600 * NSEC_PER_SEC), 0);
    assert_int_equal(kept_share_take(&share, 10, NOW + 3600 * NSEC_PER_SEC), NSEC_PER_SEC);
}

static void test_parts_of_a_whole(void **state)
{
    struct kept_share whole = {.per_second = 10, .burst = 150};
    struct kept_share first = {.per_second = 10, .burst = 100, .whole = &whole};
    struct kept_share second = first;

    assert_int_equal(kept_share_take(&first, 100, NOW), 0);
    assert_int_equal(kept_share_take(&second, 100, NOW), 5 * NSEC_PER_SEC);
    assert_int_equal(kept_share_take(&second, 50, NOW), 0); /* none of its own was taken before */
    assert_int_equal(second.full, NOW + 5 * NSEC_PER_SEC);
    assert_int_equal(kept_share_take(&second, 50, NOW), 5 * NSEC_PER_SEC);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_burst_and_then_a_rate),
        cmocka_unit_test(test_parts_of_a_whole),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
