/* The arguments for ssh: nothing of a URL may become an option or a word of a shell. */
#include "tests/lib/test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "controller/cli/remote.h"

static void test_urls(void **state)
{
    static const struct {
        const char *host;
        const char *expected; /* NULL: refused */
    } cases[] = {
        {"ssh://host", "ssh -T -- host vmreclaim --api unix:/a relay "},
        {"ssh://alice@host:22", "ssh -T -p 22 -- alice@host vmreclaim --api unix:/a relay "},
        {"ssh://[fe80::1]:22", "ssh -T -p 22 -- [fe80::1] vmreclaim --api unix:/a relay "},
        {"ssh://[fe80::1]", "ssh -T -- [fe80::1] vmreclaim --api unix:/a relay "},
        {"host", NULL},
        {"ssh://", NULL},
        {"ssh://-oProxyCommand=x", NULL},
        {"ssh://host;reboot", NULL},
        {"ssh://host:0", NULL},
        {"ssh://host:65536", NULL},
        {"ssh://host:", NULL},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char buffer[256];
        char joined[256] = "";
        const char *arguments[12];
        struct error error;
        int r = remote_arguments(cases[i].host, "unix:/a", true, buffer, sizeof(buffer), arguments,
                                 &error);
        assert_int_equal(r, cases[i].expected == NULL ? -EINVAL : 0);
        for (size_t j = 0; r == 0 && arguments[j] != NULL; j++) {
            size_t used = strlen(joined);
            snprintf(joined + used, sizeof(joined) - used, "%s ", arguments[j]);
        }
        assert_string_equal(joined, cases[i].expected == NULL ? "" : cases[i].expected);
    }
}

static void test_address_that_a_shell_would_read(void **state)
{
    char buffer[256];
    const char *arguments[12];
    struct error error;

    assert_int_equal(remote_arguments("ssh://host", "unix:/a b", true, buffer, sizeof(buffer),
                                      arguments, &error),
                     -EINVAL);
    assert_string_equal(error.text, "--api: \"unix:/a b\" cannot be used on another host");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_urls),
        cmocka_unit_test(test_address_that_a_shell_would_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
