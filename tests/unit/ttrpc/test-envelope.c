/* The hand-written envelope against the generated code and against known bytes. */
#include "tests/lib/test.h"

#include <errno.h>
#include <string.h>

#include "agent.pb-c.h"
#include "common/ttrpc/envelope.h"
#include "common/ttrpc/ttrpc.h"
#include "ttrpc.pb-c.h"

static Vmreclaim__Agent__V1__PingRequest ping = VMRECLAIM__AGENT__V1__PING_REQUEST__INIT;

static void test_request_reads_back(void **state)
{
    static const struct ttrpc_metadata metadata[] = {{"user", "root"}, {"empty", ""}};
    struct envelope_request_source source = {
        .service = "vmreclaim.agent.v1.Agent",
        .method = "Ping",
        .message = &ping.base,
        .timeout_ns = 5000000000,
        .metadata = metadata,
        .metadata_count = ARRAY_SIZE(metadata),
    };
    uint8_t bytes[256];
    size_t length;
    Ttrpc__Request *request;

    ping.nonce = 300;
    length = envelope_size_request(&source);
    assert_true(length <= sizeof(bytes));
    envelope_write_request(&source, bytes);
    request = ttrpc__request__unpack(NULL, length, bytes);
    assert_non_null(request);
    assert_string_equal(request->service, source.service);
    assert_string_equal(request->method, source.method);
    assert_int_equal(request->timeout_nano, source.timeout_ns);
    assert_int_equal(request->payload.len, 3);
    assert_int_equal(request->n_metadata, 2);
    assert_string_equal(request->metadata[0]->key, "user");
    assert_string_equal(request->metadata[0]->value, "root");
    assert_string_equal(request->metadata[1]->value, "");
    /* Byte for byte what the generated code writes. */
    assert_int_equal(ttrpc__request__get_packed_size(request), length);
    {
        uint8_t again[256];

        ttrpc__request__pack(request, again);
        assert_memory_equal(again, bytes, length);
    }
    ttrpc__request__free_unpacked(request, NULL);
}

static void test_request_decodes(void **state)
{
    static const struct ttrpc_metadata metadata[] = {{"a", "1"}, {"b", "2"}, {"a", "3"}};
    struct envelope_request_source source = {
        .service = "s",
        .method = "m",
        .message = &ping.base,
        .timeout_ns = -1,
        .metadata = metadata,
        .metadata_count = ARRAY_SIZE(metadata),
    };
    struct envelope_request request;
    struct slice value;
    uint8_t bytes[256];
    size_t length;

    ping.nonce = 7;
    length = envelope_size_request(&source);
    envelope_write_request(&source, bytes);
    assert_int_equal(envelope_decode_request(bytes, length, &request), 0);
    assert_true(slice_equals(request.service, "s"));
    assert_true(slice_equals(request.method, "m"));
    assert_int_equal(request.payload.length, 2);
    assert_true(request.timeout_ns == -1);
    assert_int_equal(envelope_find_metadata(&request, "a", &value), 0);
    assert_true(slice_equals(value, "1"));
    assert_int_equal(envelope_find_metadata(&request, "c", &value), -ENOENT);
}

static void test_absent_payload_differs_from_empty(void **state)
{
    static const uint8_t absent[] = {0x0a, 0x01, 's'};
    static const uint8_t empty[] = {0x0a, 0x01, 's', 0x1a, 0x00};
    struct envelope_request request;

    assert_int_equal(envelope_decode_request(absent, sizeof(absent), &request), 0);
    assert_null(request.payload.data);
    assert_int_equal(envelope_decode_request(empty, sizeof(empty), &request), 0);
    assert_non_null(request.payload.data);
    assert_int_equal(request.payload.length, 0);
}

static void test_response_error_bytes(void **state)
{
    /* As the Go server refuses an unknown service. */
    static const uint8_t expected[] = {0x0a, 0x12, 0x08, 0x0c, 0x12, 0x0e, 's', 'e', 'r', 'v',
                                       'i',  'c',  'e',  ' ',  'd',  'e',  'm', 'o', '.', 'X'};
    struct envelope_response_source source = {.code = 12, .message = "service demo.X"};
    struct envelope_response response;
    uint8_t bytes[64];

    assert_int_equal(envelope_size_response(&source), sizeof(expected));
    envelope_write_response(&source, bytes);
    assert_memory_equal(bytes, expected, sizeof(expected));
    assert_int_equal(envelope_decode_response(bytes, sizeof(expected), &response), 0);
    assert_int_equal(response.code, 12);
    assert_true(slice_equals(response.message, "service demo.X"));
    assert_null(response.payload.data);
}

/* No bytes at all, as Go writes it, and an empty status, as Rust does. */
static void test_both_spellings_of_ok(void **state)
{
    static const uint8_t rust[] = {0x0a, 0x00};
    struct envelope_response_source source = {.message = ""};
    struct envelope_response response;

    assert_int_equal(envelope_decode_response(rust, 0, &response), 0);
    assert_int_equal(response.code, 0);
    assert_int_equal(envelope_decode_response(rust, sizeof(rust), &response), 0);
    assert_int_equal(response.code, 0);
    assert_int_equal(envelope_size_response(&source), 0);
}

static void test_malformed(void **state)
{
    static const struct {
        const char *name;
        size_t length;
        uint8_t bytes[16];
    } cases[] = {
        {"field number 0", 2, {0x00, 0x01}},
        {"length beyond the end", 3, {0x0a, 0x02, 's'}},
        {"huge length", 7, {0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f, 's'}},
        {"varint without end", 3, {0x20, 0x80, 0x80}},
        {"varint too long", 12, {0x20, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1}},
        {"service as a number", 2, {0x08, 0x01}},
        {"timeout as text", 3, {0x22, 0x01, 'x'}},
        {"group", 2, {0x33, 0x34}},
        {"cut off fixed32", 3, {0x3d, 0x00, 0x00}},
        {"metadata that is no message", 4, {0x2a, 0x02, 0x0a, 0x05}},
        {"tag only", 1, {0x0a}},
    };
    struct envelope_request request;

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        int r = envelope_decode_request(cases[i].bytes, cases[i].length, &request);
        if (r != -EINVAL)
            fail_msg("%s: %d", cases[i].name, r);
    }
}

static void test_unknown_fields_are_skipped(void **state)
{
    static const uint8_t bytes[] = {0x78, 0x96, 0x01,                          /* 15: varint */
                                    0x71, 1,    2,    3,    4,    5,  6, 7, 8, /* 14: fixed64 */
                                    0x6d, 1,    2,    3,    4,                 /* 13: fixed32 */
                                    0x0a, 0x01, 's',  0x62, 0x01, 'x'}; /* service, 12: bytes */
    struct envelope_request request;

    assert_int_equal(envelope_decode_request(bytes, sizeof(bytes), &request), 0);
    assert_true(slice_equals(request.service, "s"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_request_reads_back),
        cmocka_unit_test(test_request_decodes),
        cmocka_unit_test(test_absent_payload_differs_from_empty),
        cmocka_unit_test(test_response_error_bytes),
        cmocka_unit_test(test_both_spellings_of_ok),
        cmocka_unit_test(test_malformed),
        cmocka_unit_test(test_unknown_fields_are_skipped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
