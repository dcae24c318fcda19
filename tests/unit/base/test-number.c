/* Numbers, sizes and ratios as text. */
#include "tests/lib/test.h"

#include <errno.h>

#include "common/base/number.h"

static void test_number_parse(void **state)
{
    uint64_t value = 7;

    assert_int_equal(number_parse("0", &value), 0);
    assert_int_equal(value, 0);
    assert_int_equal(number_parse("18446744073709551615", &value), 0);
    assert_true(value == UINT64_MAX);
    assert_int_equal(number_parse("18446744073709551616", &value), -ERANGE);
    assert_true(value == UINT64_MAX);
    assert_int_equal(number_parse("", &value), -EINVAL);
    assert_int_equal(number_parse("-1", &value), -EINVAL);
    assert_int_equal(number_parse("1 ", &value), -EINVAL);
}

static void test_bytes_parse(void **state)
{
    static const struct {
        const char *text;
        int result;
        uint64_t bytes;
    } cases[] = {
        {"0", 0, 0},
        {"4096", -EINVAL, 0},
        {"4096B", 0, 4096},
        {"64MiB", 0, 64 * MIB},
        {"64M", 0, 64 * MIB},
        {"3GB", 0, 3000000000},
        {"1.5GiB", 0, GIB + GIB / 2},
        {"16T", 0, (uint64_t)16 << 40},
        {"1.GiB", -EINVAL, 0},
        {"MiB", -EINVAL, 0},
        {"64 MiB", -EINVAL, 0},
        {"64mib", -EINVAL, 0},
        {"-1", -EINVAL, 0},
        {"16777216TiB", -ERANGE, 0},
        {"99999999999999999999", -ERANGE, 0},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        uint64_t bytes = 1;
        assert_int_equal(bytes_parse(cases[i].text, &bytes), cases[i].result);
        assert_true(bytes == (cases[i].result == 0 ? cases[i].bytes : 1));
    }
}

/* What an earlier version sent or kept. */
static void test_bytes_without_a_unit(void **state)
{
    uint64_t bytes = 1;

    assert_int_equal(bytes_parse_unitless("4097", &bytes), 0);
    assert_true(bytes == 4097);
    assert_int_equal(bytes_parse_unitless("64MiB", &bytes), 0);
    assert_true(bytes == 64 * MIB);
    assert_int_equal(bytes_parse_unitless("64 MiB", &bytes), -EINVAL);
    assert_int_equal(bytes_parse_unitless("99999999999999999999", &bytes), -ERANGE);
}

static void test_bytes_problem(void **state)
{
    static const struct {
        const char *text;
        const char *problem;
    } cases[] = {
        {"2", "has no unit; did you mean 2GiB?"},
        {"1.5", "has no unit; did you mean 1.5GiB?"},
        {"1024", "has no unit; did you mean 1024MiB?"},
        {"1048576", "has no unit; did you mean 1048576KiB?"}, /* as libvirt has them */
        {"3000000000", "has no unit; did you mean 3000000000B?"},
        {"18446744073709551615", "has no unit; did you mean 18446744073709551615B?"},
        {"much", "is not a size; write 512MiB, 1.5GiB or 3GB"},
        {"64mib", "is not a size; write 512MiB, 1.5GiB or 3GB"},
        {"", "is not a size; write 512MiB, 1.5GiB or 3GB"},
    };
    char text[80];

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
        assert_string_equal(bytes_problem(cases[i].text, text, sizeof(text)), cases[i].problem);
}

static void test_bytes_format_round_trip(void **state)
{
    static const uint64_t values[] = {0, 1, 1023, 1024, 4097, 1536 * KIB, 128 * MIB, UINT64_MAX};

    for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
        char text[32];
        uint64_t back;
        assert_int_equal(bytes_parse(bytes_format(values[i], text, sizeof(text)), &back), 0);
        assert_true(back == values[i]);
    }
}

static void test_bytes_format_short(void **state)
{
    char text[32];

    assert_string_equal(bytes_format_short(0, text, sizeof(text)), "0 B");
    assert_string_equal(bytes_format_short(1023, text, sizeof(text)), "1023 B");
    assert_string_equal(bytes_format_short(GIB + GIB / 2, text, sizeof(text)), "1.5 GiB");
    assert_string_equal(bytes_format_short(GIB - 1, text, sizeof(text)), "1.0 GiB");
    assert_string_equal(bytes_format_short(UINT64_MAX, text, sizeof(text)), "16.0 EiB");
}

static void test_permyriad(void **state)
{
    static const char *const texts[] = {"0%", "0.5%", "0.25%", "12%", "100%", "1.05%"};
    static const uint32_t values[] = {0, 50, 25, 1200, 10000, 105};
    uint32_t value;
    char text[32];

    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        assert_int_equal(permyriad_parse(texts[i], &value), 0);
        assert_int_equal(value, values[i]);
        assert_string_equal(permyriad_format(value, text, sizeof(text)), texts[i]);
    }
    assert_int_equal(permyriad_parse("0.005%", &value), -EINVAL);
    assert_int_equal(permyriad_parse("5", &value), -EINVAL);
    assert_int_equal(permyriad_parse("99999999%", &value), -ERANGE);
}

static void test_differences_do_not_wrap(void **state)
{
    assert_int_equal(saturating_subtract(5, 3), 2);
    assert_int_equal(saturating_subtract(3, 5), 0);
    assert_true(saturating_subtract(UINT64_MAX, 0) == UINT64_MAX);
    assert_int_equal(distance_between(5, 3), 2);
    assert_int_equal(distance_between(3, 5), 2);
    assert_true(distance_between(0, UINT64_MAX) == UINT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_number_parse),
        cmocka_unit_test(test_bytes_parse),
        cmocka_unit_test(test_bytes_without_a_unit),
        cmocka_unit_test(test_bytes_problem),
        cmocka_unit_test(test_bytes_format_round_trip),
        cmocka_unit_test(test_bytes_format_short),
        cmocka_unit_test(test_permyriad),
        cmocka_unit_test(test_differences_do_not_wrap),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
