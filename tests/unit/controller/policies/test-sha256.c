/* The hash of a policy's text. */
#include "tests/lib/test.h"

#include <string.h>

#include "controller/policies/sha256.h"

/* The examples of FIPS 180-4, and lengths around the block's end (checked with sha256sum). */
static void test_sha256(void **state)
{
    static const struct {
        const char *text;
        const char *hash;
    } cases[] = {
        {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
        {"0123456789012345678901234567890123456789012345678901234", /* 55: one block */
         "f34d5a0f80c0cbf84c8c0b90218c22637abd199965249da736a20143c8c9c9d9"},
        {"0123456789012345678901234567890123456789012345678901234567890123", /* 64 */
         "9674d9e078535b7cec43284387a6ee39956188e735a85452b0050b55341cda56"},
    };
    char text[SHA256_TEXT_SIZE];

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        sha256_text(cases[i].text, strlen(cases[i].text), text);
        assert_string_equal(text, cases[i].hash);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sha256),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
