/* ttRPC frames: ten bytes of header, then the payload. No I/O here: bytes come in chunks of any
 * size, frames come out.
 *
 *     0        4        8      9       10
 *     +--------+--------+------+-------+----------
 *     | length | stream | type | flags | payload
 *     +--------+--------+------+-------+----------
 *
 * Length and stream are big-endian; the length does not count the header. */
#ifndef VMRECLAIM_COMMON_TTRPC_FRAME_H
#define VMRECLAIM_COMMON_TTRPC_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FRAME_HEADER_SIZE 10
#define FRAME_PAYLOAD_MAX ((uint32_t)4 << 20) /* of the protocol, both ways */

enum frame_type {
    FRAME_REQUEST = 1,
    FRAME_RESPONSE = 2,
    FRAME_DATA = 3,
};

/* From the receiver's point of view. */
enum frame_flag {
    FRAME_REMOTE_CLOSED = 1, /* the sender sends no more on this stream */
    FRAME_REMOTE_OPEN = 2,   /* of a request: more data follows */
    FRAME_NO_DATA = 4,       /* the empty payload is not an empty message */
};

struct frame_header {
    uint32_t length;
    uint32_t stream;
    uint8_t type;
    uint8_t flags;
};

void frame_header_encode(const struct frame_header *header, uint8_t bytes[FRAME_HEADER_SIZE]);
void frame_header_decode(const uint8_t bytes[FRAME_HEADER_SIZE], struct frame_header *ret_header);

struct frame {
    struct frame_header header;
    const uint8_t *payload; /* header.length bytes; NULL: above the limit and thrown away */
};

/* Collects frames. Whatever length is claimed, it never holds more than twice the payload bytes of
 * the frame that have arrived. Between frames it holds none. */
struct frame_parser {
    uint32_t limit;    /* largest payload kept */
    uint32_t received; /* payload bytes of this frame, kept or thrown away */
    uint32_t capacity; /* of buffer */
    uint8_t *buffer;   /* NULL: the payload is still empty or lies in the caller's chunk */
    uint8_t header_received;
    uint8_t header[FRAME_HEADER_SIZE];
    bool done; /* the frame in here was handed out: start afresh */
};

void frame_parser_init(struct frame_parser *parser, uint32_t limit);
void frame_parser_finish(struct frame_parser *parser);

/* Consumes bytes of the chunk until a frame is complete: 1. Then `*ret_frame` is valid until the
 * next call or as long as the chunk, whichever ends first. 0: the chunk is used up. -ENOMEM;
 * -EPROTO: the first byte, which the protocol reserves, is not zero. Both are final. */
int frame_parser_feed(struct frame_parser *parser, const uint8_t **chunk, size_t *length,
                      struct frame *ret_frame);

/* True when a frame has begun and is not complete. */
bool frame_parser_is_inside(const struct frame_parser *parser);

/* Bytes that are certain to come: the rest of the header, or of the payload it announced. */
size_t frame_parser_outstanding(const struct frame_parser *parser);

#endif
