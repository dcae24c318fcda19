/* The line by which a host asks for a port. */
#include "tests/lib/test.h"

#include <errno.h>
#include <string.h>

#include "tests/lab/vsock-device/command.h"

static void check(const char *text, int result, uint32_t port)
{
    uint32_t got = 0;
    int r = command_parse(text, strlen(text), &got);

    if (r != result || got != port)
        fail_msg("\"%s\": %d, port %u", text, r, got);
}

static void test_lines(void **state)
{
    check("CONNECT 1017\n", 13, 1017);
    check("connect 1\n", 10, 1);
    check("CoNnEcT\t7 \r\n", 12, 7);
    check("CONNECT 4294967295\n", 19, UINT32_MAX);
    check("CONNECT 52\nGET /", 11, 52); /* what follows is the guest's */
    check("CONNECT 5 again\n", 16, 5);
}

static void test_refused(void **state)
{
    check("", -EPROTO, 0);
    check("CONNECT 1017", -EPROTO, 0); /* a piece of a line */
    check("CONNECT\n", -EPROTO, 0);
    check("CONNECT \n\n\n", -EPROTO, 0);
    check("CONNECT -1\n", -EPROTO, 0);
    check("CONNECT 4294967296\n", -EPROTO, 0);
    check("CONNECT 12ab\n", -EPROTO, 0);
    check("CONNECT1017\n", -EPROTO, 0);
    check("DISCONNECT 1017\n", -EPROTO, 0);
    check("CONNECT 1017                      \n", -EPROTO, 0); /* too long */
}

static void test_zero_byte(void **state)
{
    uint32_t port;

    assert_int_equal(command_parse("CONNECT 5\0 6\n", 13, &port), -EPROTO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_zero_byte),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
