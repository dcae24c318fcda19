/* The frame codec: any chunking gives the same frames, and memory follows the bytes. */
#include "tests/lib/test.h"

#include <errno.h>
#include <string.h>

#include "common/ttrpc/frame.h"

#define LIMIT 1000u

/* Appends a frame whose payload bytes are `fill`. Returns the new length. */
static size_t put_frame(uint8_t *bytes, size_t length, uint32_t stream, uint32_t size, uint8_t fill)
{
    struct frame_header header = {
        .length = size, .stream = stream, .type = FRAME_DATA, .flags = FRAME_REMOTE_CLOSED};

    frame_header_encode(&header, bytes + length);
    memset(bytes + length + FRAME_HEADER_SIZE, fill, size);
    return length + FRAME_HEADER_SIZE + size;
}

static void test_header_bytes(void **state)
{
    static const uint8_t expected[] = {0x00, 0x00, 0x00, 0x32, 0x01, 0x02, 0x03, 0x05, 0x01, 0x02};
    struct frame_header header = {.length = 0x32, .stream = 0x01020305, .type = 1, .flags = 2};
    struct frame_header decoded;
    uint8_t bytes[FRAME_HEADER_SIZE];

    frame_header_encode(&header, bytes);
    assert_memory_equal(bytes, expected, sizeof(expected));
    frame_header_decode(expected, &decoded);
    assert_int_equal(decoded.length, header.length);
    assert_int_equal(decoded.stream, header.stream);
    assert_int_equal(decoded.type, header.type);
    assert_int_equal(decoded.flags, header.flags);
}

static void assert_filled(const struct frame *frame, uint32_t size, uint8_t fill)
{
    assert_int_equal(frame->header.length, size);
    for (uint32_t i = 0; i < size; i++)
        assert_int_equal(frame->payload[i], fill);
}

/* Three frames, one of them empty, in chunks of each size from one byte to all at once. */
static void test_every_chunking(void **state)
{
    static const uint32_t sizes[] = {37, 0, 200};
    uint8_t bytes[400];
    size_t total = 0;

    for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++)
        total = put_frame(bytes, total, 2 * i + 1, sizes[i], (uint8_t)(0xa0 + i));
    for (size_t step = 1; step <= total; step++) {
        struct frame_parser parser;
        unsigned seen = 0;

        frame_parser_init(&parser, LIMIT);
        for (size_t offset = 0; offset < total; offset += step) {
            const uint8_t *chunk = bytes + offset;
            size_t length = min_of(step, total - offset);
            struct frame frame;

            while (frame_parser_feed(&parser, &chunk, &length, &frame) == 1) {
                assert_int_equal(frame.header.stream, 2 * seen + 1);
                assert_filled(&frame, sizes[seen], (uint8_t)(0xa0 + seen));
                seen++;
            }
            assert_int_equal(length, 0);
        }
        assert_int_equal(seen, ARRAY_SIZE(sizes));
        assert_false(frame_parser_is_inside(&parser));
        frame_parser_finish(&parser);
    }
}

static void test_whole_frame_is_not_copied(void **state)
{
    uint8_t bytes[100];
    const uint8_t *chunk = bytes;
    size_t length = put_frame(bytes, 0, 1, 50, 7);
    struct frame_parser parser;
    struct frame frame;

    frame_parser_init(&parser, LIMIT);
    assert_int_equal(frame_parser_feed(&parser, &chunk, &length, &frame), 1);
    assert_ptr_equal(frame.payload, bytes + FRAME_HEADER_SIZE);
    assert_null(parser.buffer);
    frame_parser_finish(&parser);
}

static void test_memory_follows_the_bytes(void **state)
{
    static const uint8_t one = 1;
    struct frame_header header = {.length = FRAME_PAYLOAD_MAX, .stream = 1, .type = FRAME_REQUEST};
    uint8_t bytes[FRAME_HEADER_SIZE];
    const uint8_t *chunk = bytes;
    size_t length = sizeof(bytes);
    struct frame_parser parser;
    struct frame frame;

    frame_header_encode(&header, bytes);
    frame_parser_init(&parser, FRAME_PAYLOAD_MAX);
    assert_int_equal(frame_parser_feed(&parser, &chunk, &length, &frame), 0);
    assert_int_equal(parser.capacity, 0);
    for (uint32_t arrived = 1; arrived <= 3000; arrived++) {
        chunk = &one;
        length = 1;
        assert_int_equal(frame_parser_feed(&parser, &chunk, &length, &frame), 0);
        assert_true(parser.capacity <= 2 * arrived);
    }
    assert_true(frame_parser_is_inside(&parser));
    frame_parser_finish(&parser);
}

static void test_oversized_is_skipped_without_memory(void **state)
{
    uint8_t bytes[LIMIT + 200];
    size_t total = put_frame(bytes, 0, 5, LIMIT + 1, 9);
    struct frame_parser parser;
    struct frame frame;
    const uint8_t *chunk = bytes;

    total = put_frame(bytes, total, 7, 3, 8);
    frame_parser_init(&parser, LIMIT);
    assert_int_equal(frame_parser_feed(&parser, &chunk, &total, &frame), 1);
    assert_int_equal(frame.header.stream, 5);
    assert_int_equal(frame.header.length, LIMIT + 1);
    assert_null(frame.payload);
    assert_int_equal(parser.capacity, 0);
    assert_int_equal(frame_parser_feed(&parser, &chunk, &total, &frame), 1);
    assert_int_equal(frame.header.stream, 7);
    assert_filled(&frame, 3, 8);
    frame_parser_finish(&parser);
}

static void test_limit_itself_is_accepted(void **state)
{
    uint8_t bytes[LIMIT + FRAME_HEADER_SIZE];
    size_t total = put_frame(bytes, 0, 1, LIMIT, 4);
    struct frame_parser parser;
    struct frame frame;
    const uint8_t *chunk = bytes;

    frame_parser_init(&parser, LIMIT);
    assert_int_equal(frame_parser_feed(&parser, &chunk, &total, &frame), 1);
    assert_filled(&frame, LIMIT, 4);
    frame_parser_finish(&parser);
}

static void test_reserved_first_byte(void **state)
{
    struct frame_parser parser;
    struct frame frame;
    const uint8_t *chunk = (const uint8_t *)"GET / HTTP/1.1";
    size_t length = 1;

    frame_parser_init(&parser, LIMIT);
    assert_int_equal(frame_parser_feed(&parser, &chunk, &length, &frame), -EPROTO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_header_bytes),
        cmocka_unit_test(test_every_chunking),
        cmocka_unit_test(test_whole_frame_is_not_copied),
        cmocka_unit_test(test_memory_follows_the_bytes),
        cmocka_unit_test(test_oversized_is_skipped_without_memory),
        cmocka_unit_test(test_limit_itself_is_accepted),
        cmocka_unit_test(test_reserved_first_byte),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
