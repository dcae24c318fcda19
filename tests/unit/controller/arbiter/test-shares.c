/* A budget divided by shares: exact to the page. */
#include "tests/lib/test.h"

#include "common/base/number.h"
#include "controller/arbiter/shares.h"

static struct share_claim claims[4];
static struct share_result result;

static int set_up(void **state)
{
    for (size_t i = 0; i < ARRAY_SIZE(claims); i++)
        claims[i] = (struct share_claim){.shares = 1000, .active = 8 * GIB, .ceiling = 8 * GIB};
    return 0;
}

static void divide(uint64_t budget)
{
    shares_divide(claims, ARRAY_SIZE(claims), budget, SHARES_TAX, &result);
}

static void test_by_shares(void **state)
{
    claims[1].shares = 2000;
    claims[2].shares = 4000;
    claims[3].shares = 3000;
    divide(10 * GIB);
    assert_int_equal(claims[0].size, 1 * GIB);
    assert_int_equal(claims[1].size, 2 * GIB);
    assert_int_equal(claims[2].size, 4 * GIB);
    assert_int_equal(claims[3].size, 3 * GIB);
    assert_int_equal(result.given, 10 * GIB);
    assert_in_range(result.level, 1 * GIB / 1000 - 4, 1 * GIB / 1000 + 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_by_shares, set_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
