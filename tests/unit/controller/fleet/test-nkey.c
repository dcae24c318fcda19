/* Keys of NATS' users. */
#include "tests/lib/test.h"

#include <sodium.h>
#include <string.h>

#include "controller/fleet/bus/nkey.h"

/* As NATS' own documentation of nkeys prints it. */
#define SEED   "SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VY"
#define PUBLIC "UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7NLCNF4"

static void test_a_published_pair(void **state)
{
    char key[NKEY_PUBLIC_SIZE];
    struct error error;

    assert_int_equal(nkey_public(SEED, key, &error), 0);
    assert_string_equal(key, PUBLIC);
    assert_int_equal(nkey_public(SEED " \n", key, &error), 0);
}

static void test_what_is_no_seed(void **state)
{
    static const char *const bad[] = {
        "",
        "SU",
        PUBLIC,
        SEED "A",
        SEED "\nmore",
        "SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VZ", /* checksum */
        "suacssl3uahudxkfsnvuzrf5uhpmwz6bfdtj7m6usdxiednppqyyycu3vy",
        "SAACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VY", /* an account's */
    };
    char key[NKEY_PUBLIC_SIZE];
    struct error error;

    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        if (nkey_public(bad[i], key, &error) == 0)
            fail_msg("%s", bad[i]);
}

static void test_new_ones_differ(void **state)
{
    char one[NKEY_SEED_SIZE], other[NKEY_SEED_SIZE], key[NKEY_PUBLIC_SIZE];
    struct error error;

    nkey_make(one);
    nkey_make(other);
    assert_string_not_equal(one, other);
    assert_memory_equal(one, "SU", 2);
    assert_int_equal(strlen(one), NKEY_SEED_SIZE - 1);
    assert_int_equal(nkey_public(one, key, &error), 0);
    assert_int_equal(key[0], 'U');
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_published_pair),
        cmocka_unit_test(test_what_is_no_seed),
        cmocka_unit_test(test_new_ones_differ),
    };

    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
