/* The frame parser: the same bytes in chunks and at once give the same frames, and the memory held
 * follows what has arrived. The first byte is the chunk size. */
#include <string.h>

#include "common/ttrpc/frame.h"
#include "tests/fuzz/fuzz.h"

#define LIMIT 512u

/* Order, headers and payloads of all frames in one number. */
struct digest {
    uint64_t value;
    int end;
};

static void digest_bytes(struct digest *digest, const void *bytes, size_t length)
{
    const uint8_t *byte = bytes;

    for (size_t i = 0; i < length; i++)
        digest->value = (digest->value ^ byte[i]) * 1099511628211u;
}

static void digest_frame(struct digest *digest, const struct frame *frame)
{
    uint8_t header[FRAME_HEADER_SIZE];

    frame_header_encode(&frame->header, header);
    digest_bytes(digest, header, sizeof(header));
    require((frame->payload == NULL) == (frame->header.length > LIMIT));
    if (frame->payload != NULL)
        digest_bytes(digest, frame->payload, frame->header.length);
}

static struct digest parse(const uint8_t *data, size_t size, size_t step)
{
    struct frame_parser parser;
    struct digest digest = {.value = 14695981039346656037u};

    frame_parser_init(&parser, LIMIT);
    for (size_t offset = 0; offset < size && digest.end == 0; offset += step) {
        size_t length = size - offset < step ? size - offset : step;
        const uint8_t *chunk = data + offset;
        struct frame frame;
        int r;

        while ((r = frame_parser_feed(&parser, &chunk, &length, &frame)) == 1)
            digest_frame(&digest, &frame);
        require(r < 0 || length == 0);
        require(parser.capacity <= 2 * parser.received && parser.capacity <= LIMIT);
        digest.end = r;
    }
    frame_parser_finish(&parser);
    return digest;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct digest chunks, whole;

    if (size < 2)
        return 0;
    chunks = parse(data + 1, size - 1, (size_t)data[0] + 1);
    whole = parse(data + 1, size - 1, size - 1);
    require(chunks.value == whole.value && chunks.end == whole.end);
    return 0;
}
