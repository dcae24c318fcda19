/* Addresses as text, and the hybrid handshake's reply. */
#include "tests/lib/test.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/vm_sockets.h>

#include "common/transport/address.h"
#include "common/transport/hybrid.h"

static void test_round_trips(void **state)
{
    static const char *const texts[] = {
        "vsock:2:1017", "vsock:any:1017",         "vsock:4294967294:0", "hybrid:/run/fc.sock:1017",
        "unix:/run/x",  "hybrid:/run/a:b.sock:5", "unix:relative:path", "fd:3",
    };
    char buffer[160];

    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        struct address address;
        struct error error;

        assert_int_equal(address_parse(texts[i], &address, &error), 0);
        assert_string_equal(address_format(&address, buffer, sizeof(buffer)), texts[i]);
    }
}

static void test_any_is_the_wildcard(void **state)
{
    struct address address;

    assert_int_equal(address_parse("vsock:any:7", &address, NULL), 0);
    assert_true(address.cid == VMADDR_CID_ANY);
    assert_int_equal(address.port, 7);
}

static void test_errors_name_the_fault(void **state)
{
    static const struct {
        const char *text;
        const char *says;
    } cases[] = {
        {"", "no known kind"},
        {"tcp:1:2", "no known kind"},
        {"vsock:2", "no port"},
        {"vsock:x:1", "neither a number nor 'any'"},
        {"vsock::1", "neither a number nor 'any'"},
        {"vsock:4294967296:1", "neither a number nor 'any'"},
        {"vsock:11111111111111111111:1", "neither a number nor 'any'"},
        {"vsock:2:", "'' is not a port"},
        {"vsock:2:1017x", "'1017x' is not a port"},
        {"vsock:2:4294967295", "is not a port"},
        {"hybrid:/run/x", "no port"},
        {"hybrid::1", "path is empty"},
        {"unix:", "path is empty"},
        {"fd:", "not a descriptor"},
        {"fd:-1", "not a descriptor"},
        {"fd:2147483648", "not a descriptor"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct address address = {.port = 12345};
        struct error error = {.text = ""};
        int r = address_parse(cases[i].text, &address, &error);

        if (r != -EINVAL || strstr(error.text, cases[i].says) == NULL)
            fail_msg("%s: %d '%s'", cases[i].text, r, error.text);
        assert_int_equal(address.port, 12345);
    }
}

static void test_path_length(void **state)
{
    struct address address;
    char text[200] = "unix:";

    memset(text + 5, 'p', sizeof(address.path) - 1);
    assert_int_equal(address_parse(text, &address, NULL), 0);
    text[5 + sizeof(address.path) - 1] = 'p';
    assert_int_equal(address_parse(text, &address, NULL), -EINVAL);
}

/* Feeds a line and returns the last answer; bytes behind the answer must not be asked for. */
static int feed(const char *text, struct hybrid_reply *reply)
{
    int r = 0;

    memset(reply, 0, sizeof(*reply));
    for (; *text != '\0' && r == 0; text++)
        r = hybrid_reply_take(reply, *text);
    return r;
}

static void test_hybrid(void **state)
{
    static const char *const refused[] = {
        "\n",
        "OK\n",
        "OK \n",
        "OK x\n",
        "OK 4294967296\n",
        "ok 5\n",
        "ERR no such port\n",
        "OK 5 \n",
        "OK 1000000000000000000000000000000000",
    };
    struct hybrid_reply reply;
    char request[HYBRID_LINE_MAX];

    assert_int_equal(hybrid_request(4294967294u, request), strlen("CONNECT 4294967294\n"));
    assert_string_equal(request, "CONNECT 4294967294\n");
    assert_int_equal(feed("OK 1073741824\n", &reply), 1);
    assert_int_equal(feed("OK 1073741824", &reply), 0);
    for (size_t i = 0; i < ARRAY_SIZE(refused); i++)
        assert_int_equal(feed(refused[i], &reply), -EPROTO);
    assert_int_equal(feed("ERR\a\n", &reply), -EPROTO);
    assert_string_equal(reply.line, "ERR?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trips),
        cmocka_unit_test(test_any_is_the_wildcard),
        cmocka_unit_test(test_errors_name_the_fault),
        cmocka_unit_test(test_path_length),
        cmocka_unit_test(test_hybrid),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
