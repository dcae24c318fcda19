/* The dry run's words. */
#include "tests/lib/test.h"

#include <string.h>

#include "agent/engine/report.h"
#include "common/base/number.h"

static char text[ENGINE_REPORT_MAX];
static struct memory_sample first;
static struct memory_sample second;
static struct policy policy;

static int setup(void **state)
{
    (void)state;
    policy_init(&policy, POLICY_BALANCED);
    first = (struct memory_sample){.boottime = NSEC_PER_SEC};
    second = (struct memory_sample){.boottime = 2 * NSEC_PER_SEC,
                                    .cpu_total = 4 * NSEC_PER_SEC,
                                    .psi_is_known = true,
                                    .order_count = 11,
                                    .page_size = 4096,
                                    .reporting_order = 9};
    return 0;
}

static const char *report(void)
{
    size_t length = engine_report(&policy, &first, &second, 5, text, sizeof(text));

    assert_int_equal(length, strlen(text));
    return text;
}

static void test_steps_and_sum(void **state)
{
    (void)state;
    second.cache = GIB + 128 * MIB;
    second.free_blocks[0] = 256 * MIB / 4096;
    second.free_blocks[10] = 128;
    second.reportable = 512 * MIB;
    (void)report();
    assert_non_null(strstr(text, "1.0 GiB  page cache in steps of 256.0 MiB, down to 128.0 MiB"));
    assert_non_null(strstr(text, "512.0 MiB  free blocks that only wait"));
    assert_non_null(strstr(text, "256.0 MiB  trapped in small pieces"));
    assert_non_null(strstr(text, "in all at most 1.8 GiB"));
}

static void test_lower_order(void **state)
{
    (void)state;
    second.free_blocks[6] = 40 * MIB / 4096 / 64;
    assert_non_null(strstr(report(), "40.0 MiB  by lowering the reporting order from 9 to 5"));
}

static void test_why_nothing(void **state)
{
    (void)state;
    assert_non_null(strstr(report(), "nothing to do: cache is at its floor"));
    second.reporting_order = ORDER_COUNT_MAX;
    assert_non_null(strstr(report(), "no free page reporting"));
    policy_init(&policy, POLICY_OBSERVE);
    assert_non_null(strstr(report(), "only observes"));
}

static void test_gates(void **state)
{
    (void)state;
    second.cpu_busy = 2 * NSEC_PER_SEC;
    second.cpu_own = NSEC_PER_SEC;
    second.psi_memory_some = 20000;
    (void)report();
    assert_non_null(strstr(text, "CPUs busy              25% of at most 0.5%   holds it back"));
    assert_non_null(strstr(text, "stalled on memory       2% of at most 1%   holds it back"));
    assert_non_null(strstr(text, "stalled on I/O          0% of at most 5%\n"));
    second.psi_is_known = false;
    assert_non_null(strstr(report(), "no PSI"));
}

static void test_short_buffer(void **state)
{
    char small[32];

    (void)state;
    assert_int_equal(engine_report(&policy, &first, &second, 5, small, sizeof(small)), 31);
    assert_int_equal(strlen(small), 31);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_steps_and_sum, setup),
        cmocka_unit_test_setup(test_lower_order, setup),
        cmocka_unit_test_setup(test_why_nothing, setup),
        cmocka_unit_test_setup(test_gates, setup),
        cmocka_unit_test_setup(test_short_buffer, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
