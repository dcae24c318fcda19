/* The command line of vmreclaim-web. */
#include "tests/lib/test.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "controller/web/options.h"

#define parse(...) parse_list((const char *const[]){"vmreclaim-web", __VA_ARGS__, NULL})

static struct options options;
static struct error error;

static int parse_list(const char *const *arguments)
{
    char *copy[32];
    int count = 0;

    for (; arguments[count] != NULL; count++)
        copy[count] = (char *)(uintptr_t)arguments[count];
    copy[count] = NULL;
    error = (struct error){""};
    return options_parse(count, copy, &options, &error);
}

static void test_defaults(void **state)
{
    unsetenv("VMRECLAIM_API");
    assert_string_equal((parse("--debug"), options.fleet), "none");
    assert_int_equal(parse_list((const char *const[]){"vmreclaim-web", NULL}), 0);
    assert_string_equal(options.listen, OPTIONS_LISTEN);
    assert_string_equal(options.api, OPTIONS_API);
    assert_int_equal(options.mode, OPTIONS_RUN);
    setenv("VMRECLAIM_API", "unix:/other", 1);
    assert_int_equal(parse("--debug"), 0);
    assert_string_equal(options.api, "unix:/other");
    assert_true(options.debug);
    assert_int_equal(parse("--api=unix:/third"), 0);
    assert_string_equal(options.api, "unix:/third");
    unsetenv("VMRECLAIM_API");
}

static void test_values(void **state)
{
    assert_int_equal(parse("--listen", "unix:/run/x", "--host", "a.example", "--host=[fd00::1]",
                           "--tls-certificate", "c.pem", "--tls-key", "k.pem", "--basic-auth", "b"),
                     0);
    assert_string_equal(options.listen, "unix:/run/x");
    assert_int_equal(options.host_count, 2);
    assert_string_equal(options.hosts[1], "[fd00::1]");
    assert_string_equal(options.certificate, "c.pem");
    assert_string_equal(options.key, "k.pem");
    assert_string_equal(options.basic_auth, "b");
    assert_int_equal(parse("--textfile", "x.prom", "--interval", "15s", "--metrics", "host"), 0);
    assert_string_equal(options.textfile, "x.prom");
    assert_int_equal(options.interval, 15 * NSEC_PER_SEC);
    assert_int_equal(options.scope, METRICS_HOST);
    assert_int_equal(parse("--help"), 0);
    assert_int_equal(options.mode, OPTIONS_HELP);
}

static void refused(int result, const char *words)
{
    assert_int_equal(result, -EINVAL);
    if (strstr(error.text, words) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", error.text, words);
}

static void test_refusals(void **state)
{
    refused(parse("--host", "a:80"), "without a port");
    refused(parse("--host", ""), "without a port");
    refused(parse("--tls-key", "k.pem"), "together");
    refused(parse("--basic-auth", "b"), "--tls-key");
    refused(parse("--interval", "15s"), "--textfile");
    refused(parse("--textfile", "x", "--interval", "15"), "duration");
    refused(parse("--textfile", "x", "--interval", "500ms"), "duration");
    refused(parse("--textfile", ""), "no file");
    refused(parse("--metrics", "some"), "neither");
    refused(parse("--nonsense"), "--help");
    refused(parse("word"), "no option");
}

/* Without a daemon there has to be a fleet. */
static void test_whom_to_ask(void **state)
{
    assert_int_equal(parse("--api=none", "--fleet=unix:/fleet"), 0);
    assert_string_equal(options.api, "none");
    assert_string_equal(options.fleet, "unix:/fleet");
    assert_int_equal(parse("--api=none"), -EINVAL);
    assert_non_null(strstr(error.text, "--fleet"));
    assert_int_equal(parse("--textfile=/t", "--fleet=unix:/fleet"), -EINVAL);
    assert_non_null(strstr(error.text, "--textfile"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_whom_to_ask),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_refusals),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
