/* How often an address may try. */
#include "tests/lib/test.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "controller/web/attempts.h"

#define NOW (1000 * NSEC_PER_SEC)

static struct attempts attempts;

static int setup(void **state)
{
    attempts = (struct attempts){0};
    return 0;
}

static void take_all(uint64_t address, nsec_t now)
{
    for (unsigned i = 0; i < ATTEMPTS_BURST; i++)
        assert_int_equal(attempts_take(&attempts, address, now), 0);
}

static void test_a_burst_then_slowly(void **state)
{
    take_all(1, NOW);
    assert_int_equal(attempts_take(&attempts, 1, NOW), ATTEMPTS_PERIOD);
    assert_int_equal(attempts_take(&attempts, 1, NOW + ATTEMPTS_PERIOD / 2), ATTEMPTS_PERIOD / 2);
    assert_int_equal(attempts_take(&attempts, 1, NOW + ATTEMPTS_PERIOD), 0);
    assert_int_equal(attempts_take(&attempts, 1, NOW + ATTEMPTS_PERIOD), ATTEMPTS_PERIOD);
    take_all(1, NOW + (ATTEMPTS_BURST + 1) * ATTEMPTS_PERIOD);
    assert_int_not_equal(attempts_take(&attempts, 1, NOW + (ATTEMPTS_BURST + 1) * ATTEMPTS_PERIOD),
                         0);
}

static void test_others_are_not_in_it(void **state)
{
    take_all(1, NOW);
    take_all(2, NOW);
    take_all(0, NOW);
    assert_int_not_equal(attempts_take(&attempts, 2, NOW), 0);
}

static void test_what_succeeds_is_free(void **state)
{
    for (unsigned i = 0; i < 3 * ATTEMPTS_BURST; i++) {
        assert_int_equal(attempts_take(&attempts, 1, NOW), 0);
        attempts_give_back(&attempts, 1);
    }
    take_all(1, NOW);
    attempts_give_back(&attempts, 1);
    assert_int_equal(attempts_take(&attempts, 1, NOW), 0);
    assert_int_not_equal(attempts_take(&attempts, 1, NOW), 0);
    attempts_give_back(&attempts, 77); /* whom nobody remembers */
}

static void test_the_newest_are_remembered(void **state)
{
    take_all(1, NOW);
    for (uint64_t i = 2; i < 2 + ATTEMPTS_ADDRESSES - 1; i++)
        assert_int_equal(attempts_take(&attempts, i, NOW), 0);
    assert_int_not_equal(attempts_take(&attempts, 1, NOW), 0);
    for (uint64_t i = 2; i < 2 + ATTEMPTS_ADDRESSES - 1; i++)
        assert_int_equal(attempts_take(&attempts, 10000 + i, NOW + ATTEMPTS_PERIOD), 0);
    assert_int_equal(attempts_take(&attempts, 2, NOW + ATTEMPTS_PERIOD), 0);
}

static uint64_t v6(const char *text)
{
    struct sockaddr_in6 name = {.sin6_family = AF_INET6};

    assert_int_equal(inet_pton(AF_INET6, text, &name.sin6_addr), 1);
    return attempts_address((const struct sockaddr *)(const void *)&name);
}

static uint64_t v4(const char *text)
{
    struct sockaddr_in name = {.sin_family = AF_INET};

    assert_int_equal(inet_pton(AF_INET, text, &name.sin_addr), 1);
    return attempts_address((const struct sockaddr *)(const void *)&name);
}

static void test_addresses(void **state)
{
    const struct sockaddr local = {.sa_family = AF_UNIX};

    char text[ATTEMPTS_TEXT_SIZE];

    assert_int_equal(attempts_address(&local), 0);
    assert_string_equal(attempts_text(0, text), "this machine");
    assert_string_equal(attempts_text(v4("10.0.0.255"), text), "10.0.0.255");
    assert_string_equal(attempts_text(v6("2001:db8:1:2::1"), text), "2001:db8:1:2::/64");
    assert_true(v4("10.0.0.1") != v4("10.0.0.2"));
    assert_true(v4("10.0.0.1") == v6("::ffff:10.0.0.1"));
    assert_true(v6("2001:db8:1:2::1") == v6("2001:db8:1:2:ffff::7"));
    assert_true(v6("2001:db8:1:2::1") != v6("2001:db8:1:3::1"));
    assert_true(v4("0.0.0.1") != v6("::1"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_a_burst_then_slowly, setup),
        cmocka_unit_test_setup(test_others_are_not_in_it, setup),
        cmocka_unit_test_setup(test_what_succeeds_is_free, setup),
        cmocka_unit_test_setup(test_the_newest_are_remembered, setup),
        cmocka_unit_test(test_addresses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
