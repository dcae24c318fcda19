/* What is looked at before a message is decoded: how many elements, how deep, and its text. */
#include "tests/lib/test.h"

#include <errno.h>
#include <string.h>

#include "agent.pb-c.h"
#include "common/ttrpc/wire.h"

#define INFO   (&vmreclaim__agent__v1__get_info_response__descriptor)
#define RANGES (&vmreclaim__agent__v1__list_free_ranges_response__descriptor)
#define SAMPLE (&vmreclaim__agent__v1__memory_sample__descriptor)

/* Takes a string literal, which may hold '\0'. */
#define CHECK(descriptor, text, elements_max)                                                      \
    wire_check_message(                                                                            \
        descriptor, (struct slice){.data = (const uint8_t *)(text), .length = sizeof(text) - 1},   \
        elements_max)

static void test_elements_are_counted_at_any_depth(void **state)
{
    assert_int_equal(CHECK(INFO, "", 0), 0);
    /* cpu_count, and a feature that has a name */
    assert_int_equal(CHECK(INFO, "\x28\x02\x5a\x05\x0a\x03psi", 3), 0);
    assert_int_equal(CHECK(INFO, "\x28\x02\x5a\x05\x0a\x03psi", 2), -E2BIG);
    assert_int_equal(CHECK(RANGES, "\x0a\x04\x08\x01\x10\x02\x0a\x04\x08\x01\x10\x02", 6), 0);
    assert_int_equal(CHECK(RANGES, "\x0a\x04\x08\x01\x10\x02\x0a\x04\x08\x01\x10\x02", 5), -E2BIG);
    /* a packed list of three, and unknown fields */
    assert_int_equal(CHECK(SAMPLE, "\xa2\x02\x03\x01\x02\x03", 4), 0);
    assert_int_equal(CHECK(SAMPLE, "\xa2\x02\x03\x01\x02\x03", 3), -E2BIG);
    assert_int_equal(CHECK(INFO, "\xf8\x3f\x01\xf8\x3f\x01", 1), -E2BIG);
}

static void test_the_same_as_real_messages(void **state)
{
    Vmreclaim__Agent__V1__Range range = VMRECLAIM__AGENT__V1__RANGE__INIT;
    Vmreclaim__Agent__V1__Range *ranges[1000];
    Vmreclaim__Agent__V1__ListFreeRangesResponse message =
        VMRECLAIM__AGENT__V1__LIST_FREE_RANGES_RESPONSE__INIT;
    static uint8_t packed[32768];
    struct slice slice = {.data = packed};

    range.start = (uint64_t)1 << 40;
    range.length = (uint64_t)2 << 20;
    for (size_t i = 0; i < ARRAY_SIZE(ranges); i++)
        ranges[i] = &range;
    message.ranges = ranges;
    message.n_ranges = ARRAY_SIZE(ranges);
    assert_true(protobuf_c_message_get_packed_size(&message.base) <= sizeof(packed));
    slice.length = protobuf_c_message_pack(&message.base, packed);
    assert_int_equal(wire_check_message(RANGES, slice, 3000), 0);
    assert_int_equal(wire_check_message(RANGES, slice, 2999), -E2BIG);
}

static void test_text_is_utf8(void **state)
{
    assert_int_equal(CHECK(INFO, "\x0a\x02\xc3\xa4", 9), 0);           /* U+00E4 */
    assert_int_equal(CHECK(INFO, "\x0a\x04\xf0\x9f\x90\x8c", 9), 0);   /* U+1F40C */
    assert_int_equal(CHECK(INFO, "\x0a\x04\xf4\x8f\xbf\xbf", 9), 0);   /* U+10FFFF */
    assert_int_equal(CHECK(INFO, "\x0a\x01\xff", 9), -EINVAL);         /* no first byte */
    assert_int_equal(CHECK(INFO, "\x0a\x01\xc3", 9), -EINVAL);         /* cut off */
    assert_int_equal(CHECK(INFO, "\x0a\x02\xc3\x28", 9), -EINVAL);     /* no second byte */
    assert_int_equal(CHECK(INFO, "\x0a\x02\xc0\xaf", 9), -EINVAL);     /* overlong '/' */
    assert_int_equal(CHECK(INFO, "\x0a\x03\xe0\x80\xaf", 9), -EINVAL); /* overlong '/' */
    assert_int_equal(CHECK(INFO, "\x0a\x04\xf0\x80\x80\xaf", 9), -EINVAL);
    assert_int_equal(CHECK(INFO, "\x0a\x03\xed\xa0\x80", 9), -EINVAL);     /* a surrogate */
    assert_int_equal(CHECK(INFO, "\x0a\x04\xf4\x90\x80\x80", 9), -EINVAL); /* U+110000 */
    assert_int_equal(CHECK(INFO, "\x5a\x03\x0a\x01\xff", 9), -EINVAL);     /* in a feature */
}

static void test_malformed(void **state)
{
    assert_int_equal(CHECK(INFO, "\x28", 9), -EINVAL);             /* no value */
    assert_int_equal(CHECK(INFO, "\x0a\x05psi", 9), -EINVAL);      /* shorter than it says */
    assert_int_equal(CHECK(INFO, "\x5a\x02\x0a\x05", 9), -EINVAL); /* inside of a feature */
    assert_int_equal(CHECK(INFO, "\x2b\x2c", 9), -EINVAL);         /* a group */
    assert_int_equal(CHECK(INFO, "\x00\x01", 9), -EINVAL);         /* field 0 */
}

/* No message of ours contains itself, but a later one may. */
static void test_depth(void **state)
{
    static ProtobufCMessageDescriptor nested;
    static const ProtobufCFieldDescriptor field = {
        .name = "again",
        .id = 1,
        .label = PROTOBUF_C_LABEL_NONE,
        .type = PROTOBUF_C_TYPE_MESSAGE,
        .descriptor = &nested,
    };
    static const ProtobufCIntRange ranges[] = {{1, 0}, {0, 1}};
    uint8_t bytes[80];
    struct slice slice = {.data = bytes};

    nested = (ProtobufCMessageDescriptor){
        .magic = PROTOBUF_C__MESSAGE_DESCRIPTOR_MAGIC,
        .n_fields = 1,
        .fields = &field,
        .n_field_ranges = 1,
        .field_ranges = ranges,
    };
    for (unsigned depth = 1; depth <= sizeof(bytes) / 2; depth++) {
        for (unsigned i = 0; i < depth; i++) {
            bytes[2 * i] = 0x0a;
            bytes[2 * i + 1] = (uint8_t)(2 * (depth - 1 - i));
        }
        slice.length = (size_t)2 * depth;
        assert_int_equal(wire_check_message(&nested, slice, 100), depth <= 16 ? 0 : -EINVAL);
    }
}

typedef Vmreclaim__Agent__V1__GetInfoResponse Info;
typedef Vmreclaim__Agent__V1__WatchResponse WatchResponse;

/* What is packed is UTF-8, whatever the message has. */
static bool is_packed_whole(const ProtobufCMessage *message)
{
    static uint8_t bytes[1024];
    size_t size = protobuf_c_message_get_packed_size(message);

    assert_true(size <= sizeof(bytes));
    assert_int_equal(wire_pack_message(message, bytes), size);
    return wire_check_message(message->descriptor, (struct slice){.data = bytes, .length = size},
                              1000) == 0;
}

/* One that is not, wherever a message may have texts. */
static void test_packing_mends(void **state)
{
    Info info = VMRECLAIM__AGENT__V1__GET_INFO_RESPONSE__INIT;
    WatchResponse watch = VMRECLAIM__AGENT__V1__WATCH_RESPONSE__INIT;
    Vmreclaim__Agent__V1__EngineState engine = VMRECLAIM__AGENT__V1__ENGINE_STATE__INIT;
    Vmreclaim__Agent__V1__Feature features[] = {VMRECLAIM__AGENT__V1__FEATURE__INIT,
                                                VMRECLAIM__AGENT__V1__FEATURE__INIT};
    Vmreclaim__Agent__V1__Feature *pointers[] = {&features[0], &features[1]};
    char *keys[] = {(char *)"good", (char *)"bad\xff"};

    assert_true(is_packed_whole(&info.base));
    info.agent_version = (char *)"bad\xff";
    assert_true(is_packed_whole(&info.base));
    info.agent_version = NULL;
    info.unsupported_keys = keys;
    info.n_unsupported_keys = 1;
    assert_true(is_packed_whole(&info.base));
    info.n_unsupported_keys = 2;
    assert_true(is_packed_whole(&info.base));
    info.n_unsupported_keys = 0;
    features[1].reason = (char *)"bad\xff";
    info.features = pointers;
    info.n_features = 2;
    assert_true(is_packed_whole(&info.base));
    engine.reason = (char *)"bad\xff";
    watch.event_case = VMRECLAIM__AGENT__V1__WATCH_RESPONSE__EVENT_ENGINE;
    watch.engine = &engine;
    assert_true(is_packed_whole(&watch.base));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_elements_are_counted_at_any_depth),
        cmocka_unit_test(test_the_same_as_real_messages),
        cmocka_unit_test(test_text_is_utf8),
        cmocka_unit_test(test_malformed),
        cmocka_unit_test(test_depth),
        cmocka_unit_test(test_packing_mends),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
