/* The back-off between dials. */
#include "tests/lib/test.h"

#include "agent/connection.h"

static void test_first_dial_comes_soon(void **state)
{
    assert_int_equal(connection_back_off(0, 0, 0), 100 * NSEC_PER_MSEC);
    assert_true(connection_back_off(0, 0, UINT32_MAX) < 200 * NSEC_PER_MSEC);
}

static void test_delay_doubles_up_to_the_limit(void **state)
{
    assert_int_equal(connection_back_off(1, 0, 0), 200 * NSEC_PER_MSEC);
    assert_int_equal(connection_back_off(2, 0, 0), 400 * NSEC_PER_MSEC);
    assert_int_equal(connection_back_off(10, 0, 0), NSEC_PER_SEC);
    assert_int_equal(connection_back_off(1000, 0, 0), NSEC_PER_SEC);
}

/* A guest that has no controller is not woken for one; one that gets it is not kept waiting. */
static void test_delay_grows_with_the_time_alone(void **state)
{
    assert_true(connection_back_off(1000, 8 * NSEC_PER_SEC, UINT32_MAX) < 2 * NSEC_PER_SEC);
    assert_int_equal(connection_back_off(1000, 40 * NSEC_PER_SEC, 0), 5 * NSEC_PER_SEC);
    assert_int_equal(connection_back_off(1000, 86400 * NSEC_PER_SEC, 0), 30 * NSEC_PER_SEC);
    assert_true(connection_back_off(1000, 86400 * NSEC_PER_SEC, UINT32_MAX) < 60 * NSEC_PER_SEC);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first_dial_comes_soon),
        cmocka_unit_test(test_delay_doubles_up_to_the_limit),
        cmocka_unit_test(test_delay_grows_with_the_time_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
