/* Whose requests are answered. */
#include "tests/lib/test.h"

#include "controller/web/guard.h"

static const struct guard loopback = {
    .checks_host = true, .hosts = {"vm-host.example.net"}, .host_count = 1};

static struct guard_request plain(const char *host)
{
    return (struct guard_request){.method = "GET", .path = "/metrics", .host = host};
}

static unsigned check(const struct guard *guard, struct guard_request request)
{
    const char *reason = NULL;
    unsigned status = guard_check(guard, &request, &reason);

    assert_true((status == 0) == (reason == NULL));
    return status;
}

static void test_names_of_this_machine(void **state)
{
    static const char *const good[] = {
        "localhost", "LOCALHOST:10170", "127.0.0.1:10170",         "127.1.2.3",
        "[::1]",     "[::1]:10170",     "vm-host.example.net:443", "VM-Host.example.net"};
    static const char *const bad[] = {"",
                                      ":",
                                      ":80",
                                      "evil.example",
                                      "127.0.0.1.evil.example",
                                      "localhost.evil.example",
                                      "localhost:",
                                      "localhost:80x",
                                      "localhost:123456",
                                      "localhost:80:80",
                                      "[::1",
                                      "[::1]x",
                                      "[::2]",
                                      "[",
                                      "vm-host.example.ne",
                                      "xvm-host.example.net",
                                      "127."};

    for (size_t i = 0; i < ARRAY_SIZE(good); i++)
        assert_int_equal(check(&loopback, plain(good[i])), 0);
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        assert_int_equal(check(&loopback, plain(bad[i])), 403);
    assert_int_equal(check(&loopback, plain(NULL)), 403);
}

/* No browser reaches a UNIX socket by itself, and a proxy sends what name it likes. */
static void test_any_name_behind_a_unix_socket(void **state)
{
    const struct guard local = {.checks_host = false};

    assert_int_equal(check(&local, plain("whatever")), 0);
    assert_int_equal(check(&local, plain(NULL)), 0);
}

static void test_only_reading(void **state)
{
    static const char *const methods[] = {"POST", "PUT", "DELETE", "OPTIONS", "get", "PATCH", ""};
    struct guard_request request = plain("localhost");

    for (size_t i = 0; i < ARRAY_SIZE(methods); i++) {
        request.method = methods[i];
        assert_int_equal(check(&loopback, request), 405);
    }
    request.method = "HEAD";
    assert_int_equal(check(&loopback, request), 0);
    request.has_body = true;
    assert_int_equal(check(&loopback, request), 413);
}

static void test_other_sites(void **state)
{
    struct guard_request request = plain("localhost");

    request.fetch_site = "same-origin";
    assert_int_equal(check(&loopback, request), 0);
    request.fetch_site = "none";
    assert_int_equal(check(&loopback, request), 0);
    request.fetch_site = "cross-site";
    assert_int_equal(check(&loopback, request), 403);
    request.fetch_site = "same-site";
    assert_int_equal(check(&loopback, request), 403);
    /* a link leads to the page, and to nothing else */
    request.fetch_mode = "navigate";
    assert_int_equal(check(&loopback, request), 403);
    request.path = "/";
    assert_int_equal(check(&loopback, request), 0);
    request.fetch_mode = "no-cors";
    assert_int_equal(check(&loopback, request), 403);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names_of_this_machine),
        cmocka_unit_test(test_any_name_behind_a_unix_socket),
        cmocka_unit_test(test_only_reading),
        cmocka_unit_test(test_other_sites),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
