/* The incremental frame parser. */
#include "common/ttrpc/frame.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/util.h"

static void store_be32(uint32_t value, uint8_t *bytes)
{
    bytes[0] = (uint8_t)(value >> 24);
    bytes[1] = (uint8_t)(value >> 16);
    bytes[2] = (uint8_t)(value >> 8);
    bytes[3] = (uint8_t)value;
}

static uint32_t load_be32(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

void frame_header_encode(const struct frame_header *header, uint8_t bytes[FRAME_HEADER_SIZE])
{
    store_be32(header->length, bytes);
    store_be32(header->stream, bytes + 4);
    bytes[8] = header->type;
    bytes[9] = header->flags;
}

void frame_header_decode(const uint8_t bytes[FRAME_HEADER_SIZE], struct frame_header *ret_header)
{
    ret_header->length = load_be32(bytes);
    ret_header->stream = load_be32(bytes + 4);
    ret_header->type = bytes[8];
    ret_header->flags = bytes[9];
}

void frame_parser_init(struct frame_parser *parser, uint32_t limit)
{
    assert(limit <= FRAME_PAYLOAD_MAX);
    *parser = (struct frame_parser){.limit = limit};
}

void frame_parser_finish(struct frame_parser *parser)
{
    free(parser->buffer);
    frame_parser_init(parser, parser->limit);
}

bool frame_parser_is_inside(const struct frame_parser *parser)
{
    return !parser->done && parser->header_received > 0;
}

size_t frame_parser_outstanding(const struct frame_parser *parser)
{
    if (!frame_parser_is_inside(parser))
        return FRAME_HEADER_SIZE;
    if (parser->header_received < FRAME_HEADER_SIZE)
        return (size_t)FRAME_HEADER_SIZE - parser->header_received;
    return load_be32(parser->header) - parser->received;
}

static void consume(const uint8_t **chunk, size_t *length, size_t count)
{
    *chunk += count;
    *length -= count;
}

/* True when all ten bytes are there. */
static bool take_header(struct frame_parser *parser, const uint8_t **chunk, size_t *length)
{
    size_t count = min_of((size_t)FRAME_HEADER_SIZE - parser->header_received, *length);

    assert(!parser->done && parser->received == 0);
    memcpy(parser->header + parser->header_received, *chunk, count);
    parser->header_received = (uint8_t)(parser->header_received + count);
    consume(chunk, length, count);
    return parser->header_received == FRAME_HEADER_SIZE;
}

/* Makes room for `needed` of `length` payload bytes, doubling. */
static int reserve(struct frame_parser *parser, uint32_t needed, uint32_t length)
{
    uint32_t doubled = max_of(needed, parser->capacity * 2);
    uint32_t capacity = min_of(length, doubled);
    uint8_t *buffer;

    if (needed <= parser->capacity)
        return 0;
    buffer = realloc(parser->buffer, capacity);
    if (buffer == NULL)
        return -ENOMEM;
    parser->buffer = buffer;
    parser->capacity = capacity;
    return 0;
}

/* Keeps or throws away what the chunk has of the payload; 1 when it is complete. */
static int take_payload(struct frame_parser *parser, uint32_t length, const uint8_t **chunk,
                        size_t *available)
{
    uint32_t count = (uint32_t)min_of((size_t)(length - parser->received), *available);

    if (count > 0 && length <= parser->limit) {
        int r = reserve(parser, parser->received + count, length);
        if (r < 0)
            return r;
        memcpy(parser->buffer + parser->received, *chunk, count);
    }
    parser->received += count;
    assert(parser->received <= length && parser->capacity <= parser->limit);
    consume(chunk, available, count);
    return parser->received == length;
}

int frame_parser_feed(struct frame_parser *parser, const uint8_t **chunk, size_t *length,
                      struct frame *ret_frame)
{
    struct frame frame;
    int r;

    if (parser->done)
        frame_parser_finish(parser);
    if (parser->header_received < FRAME_HEADER_SIZE && !take_header(parser, chunk, length))
        return parser->header_received > 0 && parser->header[0] != 0 ? -EPROTO : 0;
    frame_header_decode(parser->header, &frame.header);
    if (parser->header[0] != 0)
        return -EPROTO;
    if (parser->received == 0 && frame.header.length <= *length &&
        frame.header.length <= parser->limit) {
        frame.payload = *chunk; /* whole in the chunk: no copy */
        consume(chunk, length, frame.header.length);
    } else {
        r = take_payload(parser, frame.header.length, chunk, length);
        if (r <= 0)
            return r;
        frame.payload = frame.header.length <= parser->limit ? parser->buffer : NULL;
    }
    parser->done = true;
    *ret_frame = frame;
    return 1;
}
