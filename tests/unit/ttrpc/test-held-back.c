/* A client that asks for more at once than the server's queue holds. */
#include "tests/lib/test.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/ttrpc/connection.h"
#include "tests/lib/fault.h"
#include "tests/unit/ttrpc/raw.h"

#define QUEUE    (64u << 10)
#define ANSWER   1700u
#define REQUESTS 1000u /* 1.7 MB of answers: the socket takes some 200 kB */

static unsigned handled;

static void get_info(struct ttrpc_call *call, const ProtobufCMessage *message, void *userdata)
{
    static char text[ANSWER];
    Vmreclaim__Agent__V1__GetInfoResponse response = VMRECLAIM__AGENT__V1__GET_INFO_RESPONSE__INIT;

    memset(text, 'x', sizeof(text) - 1);
    response.kernel_release = text;
    handled++;
    ttrpc_call_finish(call, &response.base);
}

static const ttrpc_handler handlers[METHOD_COUNT] = {
    [METHOD_GET_INFO] = get_info,
};

static const struct ttrpc_service service = {
    .descriptor = &vmreclaim__agent__v1__agent__descriptor,
    .handlers = handlers,
};

static const struct ttrpc_service *const services[] = {&service, NULL};

static struct fixture fixture;

static void begin(const struct ttrpc_limits *limits)
{
    struct ttrpc_limits smaller = *limits;

    smaller.queued_bytes = QUEUE;
    smaller.frames_per_second = 0;
    handled = 0;
    fixture_init_server(&fixture, services, &smaller);
}

/* All requests in one write, the last one cut by `missing` bytes. */
static void ask(unsigned count, size_t missing)
{
    static const uint8_t request[] = "\x0a\x18vmreclaim.agent.v1.Agent\x12\x07GetInfo";
    size_t size = FRAME_HEADER_SIZE + sizeof(request) - 1;
    uint8_t *bytes = malloc(count * size);

    assert_non_null(bytes);
    for (unsigned i = 0; i < count; i++) {
        struct frame_header header = {
            .length = sizeof(request) - 1, .stream = 2 * i + 1, .type = FRAME_REQUEST};

        frame_header_encode(&header, bytes + i * size);
        memcpy(bytes + i * size + FRAME_HEADER_SIZE, request, sizeof(request) - 1);
    }
    assert_int_equal(write(fixture.raw, bytes, count * size - missing), count * size - missing);
    free(bytes);
}

/* Reads as much as is there; returns the answers that are complete, each of which must be one. */
static unsigned read_answers(struct frame_parser *parser)
{
    static uint8_t buffer[32 << 10];
    const uint8_t *chunk = buffer;
    struct frame frame;
    unsigned count = 0;
    ssize_t n = recv(fixture.raw, buffer, sizeof(buffer), MSG_DONTWAIT);
    size_t length = n > 0 ? (size_t)n : 0;

    while (frame_parser_feed(parser, &chunk, &length, &frame) > 0) {
        assert_int_equal(frame.header.type, FRAME_RESPONSE);
        assert_true(frame.header.length > ANSWER);
        count++;
    }
    return count;
}

static void read_all_answers(unsigned expected)
{
    struct frame_parser parser;
    unsigned answers = 0;

    frame_parser_init(&parser, FRAME_PAYLOAD_MAX);
    while (answers < expected && !fixture.server_ending.done) {
        loop_run_turns(&fixture.loop, 1);
        answers += read_answers(&parser);
    }
    assert_string_equal(fixture.server_ending.reason, "");
    assert_int_equal(answers, expected);
    frame_parser_finish(&parser);
}

static void test_more_answers_than_the_queue_holds(void **state)
{
    const struct ttrpc_limits *const kinds[] = {&ttrpc_limits_default, &ttrpc_limits_guest};

    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        begin(kinds[i]);
        ask(REQUESTS, 0);
        read_all_answers(REQUESTS);
        assert_int_equal(handled, REQUESTS);
        fixture_finish(&fixture);
    }
}

/* Who does not read is not read either, and what waits is bounded. */
static void test_nobody_reads(void **state)
{
    begin(&ttrpc_limits_default);
    ask(REQUESTS, 0);
    loop_run_turns(&fixture.loop, 100);
    assert_false(fixture.server_ending.done);
    assert_true(fixture.server->held_back);
    assert_true(fixture.server->output.bytes <= QUEUE / 2 + ANSWER + 200);
    assert_true(handled < REQUESTS / 2);
    read_all_answers(REQUESTS);
    assert_false(fixture.server->held_back);
    fixture_finish(&fixture);
}

static void test_nobody_reads_ever(void **state)
{
    struct ttrpc_limits limits = ttrpc_limits_default;

    limits.stall = 20 * NSEC_PER_MSEC;
    begin(&limits);
    ask(REQUESTS, 0);
    loop_run_until(&fixture.loop, &fixture.server_ending.done);
    assert_int_equal(fixture.server_ending.status, -ETIMEDOUT);
    assert_string_equal(fixture.server_ending.reason, "the peer did not read for 20ms");
    fixture_finish(&fixture);
}

/* What was held back ends in the middle of a frame. */
static void test_the_rest_of_a_frame_comes_later(void **state)
{
    static const uint8_t last[] = {'I', 'n', 'f', 'o'};

    begin(&ttrpc_limits_default);
    ask(REQUESTS, sizeof(last));
    read_all_answers(REQUESTS - 1);
    assert_int_equal(write(fixture.raw, last, sizeof(last)), sizeof(last));
    read_all_answers(1);
    fixture_finish(&fixture);
}

/* Closed while bytes wait, at the peer's wish and at ours: nothing leaks. */
static void test_closing_while_held_back(void **state)
{
    size_t outstanding = fault_outstanding();

    for (unsigned i = 0; i < 2; i++) {
        begin(&ttrpc_limits_default);
        ask(REQUESTS, 0);
        loop_run_turns(&fixture.loop, 100);
        assert_true(fixture.server->held_back);
        assert_non_null(fixture.server->rest);
        if (i == 0) {
            assert_int_equal(close(fixture.raw), 0);
            fixture.raw = -1;
            loop_run_until(&fixture.loop, &fixture.server_ending.done);
        }
        fixture_finish(&fixture);
    }
    assert_int_equal(fault_outstanding(), outstanding);
}

static void test_no_memory_for_what_is_held_back(void **state)
{
    bool failed = true;
    bool seen = false;

    for (unsigned at = 0; failed && !seen; at++) {
        begin(&ttrpc_limits_default);
        ask(REQUESTS, 0);
        fault_arm(at);
        loop_run_turns(&fixture.loop, 100);
        failed = fault_disarm();
        seen = strcmp(fixture.server_ending.reason, "no memory for what arrived") == 0;
        fixture_finish(&fixture);
    }
    assert_true(seen);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_more_answers_than_the_queue_holds),
        cmocka_unit_test(test_nobody_reads),
        cmocka_unit_test(test_nobody_reads_ever),
        cmocka_unit_test(test_the_rest_of_a_frame_comes_later),
        cmocka_unit_test(test_closing_while_held_back),
        cmocka_unit_test(test_no_memory_for_what_is_held_back),
    };

    fault_install();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
