/* What went wrong with the bus, as a person reads it; libnats' words are of its version 3.4.1. */
#include "tests/lib/test.h"

#include <string.h>

#include "controller/fleet/bus/problem.h"

static void test_sentences(void **state)
{
    static const struct {
        natsStatus status;
        const char *detail;
        const char *words;
    } cases[] = {
        {NATS_SSL_ERROR,
         "(conn.c:733): SSL handshake error: 20:unable to get local issuer certificate:depth=0:"
         "cert=/CN=bus-3:issuer=/CN=x",
         "not signed by who 'authority' names"},
        {NATS_SSL_ERROR,
         "(conn.c:733): SSL handshake error: 64:IP address mismatch:depth=0:cert=/CN=bus-3",
         "for another name"},
        {NATS_SSL_ERROR, "SSL handshake error: 62:hostname mismatch", "for another name"},
        {NATS_SSL_ERROR, "SSL handshake error: 10:certificate has expired", "clock is ahead"},
        {NATS_SSL_ERROR, "SSL handshake error: 9:certificate is not yet valid", "clock is behind"},
        {NATS_SSL_ERROR, "(opts.c:380): Error loading trusted certificates '/x': (",
         "the file of 'authority'"},
        {NATS_SSL_ERROR, "(conn.c:1): SSL handshake error: 7:certificate signature failure",
         "SSL Error: SSL handshake error: 7:certificate signature failure"},
        {NATS_CONNECTION_AUTH_FAILED, "(conn.c:1905): Authorization Violation", "--enrol"},
        {NATS_NO_SERVER, NULL, "no server answers"},
        {NATS_NO_MEMORY, NULL, "No Memory"},
        {NATS_NO_MEMORY, "", "No Memory"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char text[BUS_PROBLEM_SIZE];

        (void)bus_problem(cases[i].status, cases[i].detail, text, sizeof(text));
        if (strstr(text, cases[i].words) == NULL || strchr(text, '(') == text)
            fail_msg("%s", text);
    }
}

static void test_a_long_detail_is_cut(void **state)
{
    char text[24];

    (void)bus_problem(NATS_ERR, "a detail that is longer than the room", text, sizeof(text));
    assert_int_equal(strlen(text), sizeof(text) - 1);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sentences),
        cmocka_unit_test(test_a_long_detail_is_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
