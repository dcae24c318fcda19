/* What is found of what a server says of a stream; the texts are nats-server 2.9.10's, shortened.
 */
#include "tests/lib/test.h"

#include <stdlib.h>
#include <string.h>

#include "common/base/cleanup.h"
#include "controller/fleet/check/stream.h"

#define CONFIG(replicas, bytes)                                                                    \
    "{\"type\":\"io.nats.jetstream.api.v1.stream_info_response\",\"config\":{\"name\":\"S\","      \
    "\"max_bytes\":1000000,\"max_msg_size\":65536,\"num_replicas\":" #replicas "},"                \
    "\"state\":{\"messages\":2,\"bytes\":" #bytes "},"
#define LEADER "\"cluster\":{\"name\":\"fleet\",\"leader\":\"bus-1\",\"replicas\":["
#define WHOLE  "{\"name\":\"bus-2\",\"current\":true,\"active\":1}"
#define BEHIND "{\"name\":\"bus-3\",\"current\":false,\"offline\":true,\"active\":1}"

static void check(const char *text, const char *line)
{
    cleanup_free char *said = NULL;
    size_t length;
    struct report report = {.output = open_memstream(&said, &length)};

    assert_non_null(report.output);
    check_stream(&report, "S", text);
    (void)fclose(report.output);
    if (strstr(said, line) == NULL)
        fail_msg("%s", said);
    assert_int_equal(report.failures, strncmp(line, "failure", 7) == 0);
}

static void test_whole(void **state)
{
    check(CONFIG(3, 500) LEADER WHOLE "," WHOLE "]}}", "ok: S: 3 copies, 500 of 1000000 bytes");
    check(CONFIG(1, 500) "\"cluster\":{\"leader\":\"bus-1\"}}", "ok: S: 1 copy,");
    check(CONFIG(1, 0) "\"cluster\":{\"leader\":\"bus-1\"}}", "ok: S: 1 copy, 0 of");
}

static void test_a_server_is_away(void **state)
{
    check(CONFIG(3, 500) LEADER WHOLE "," BEHIND "]}}", "warning: S: 2 of 3 copies are whole");
    check(CONFIG(3, 500) "\"cluster\":{\"name\":\"fleet\"}}", "failure: S: no server leads");
}

static void test_nearly_full(void **state)
{
    check(CONFIG(1, 799999) "\"cluster\":{\"leader\":\"b\"}}", "ok: S: ");
    check(CONFIG(1, 800000) "\"cluster\":{\"leader\":\"b\"}}", "warning: S: 800000 of 1000000");
}

static void test_none(void **state)
{
    check("{\"error\":{\"code\":404,\"err_code\":10059,\"description\":\"stream not found\"}}",
          "warning: S: there is no such stream yet");
    check("{\"error\":{\"code\":503,\"err_code\":10039}}", "failure: S: the servers do not say");
    check("", "failure: S: the servers do not say");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole),
        cmocka_unit_test(test_a_server_is_away),
        cmocka_unit_test(test_nearly_full),
        cmocka_unit_test(test_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
