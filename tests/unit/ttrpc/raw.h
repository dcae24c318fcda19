/* Frames written by hand into a fixture's raw end. */
#ifndef VMRECLAIM_TESTS_UNIT_TTRPC_RAW_H
#define VMRECLAIM_TESTS_UNIT_TTRPC_RAW_H

#include "tests/lib/test.h"

#include "common/ttrpc/frame.h"
#include "tests/unit/ttrpc/fixture.h"

static inline void send_raw(struct fixture *fixture, const struct frame_header *header,
                            const void *payload, size_t length)
{
    uint8_t bytes[FRAME_HEADER_SIZE];

    frame_header_encode(header, bytes);
    assert_int_equal(write(fixture->raw, bytes, sizeof(bytes)), sizeof(bytes));
    if (length > 0)
        assert_int_equal(write(fixture->raw, payload, length), length);
}

/* An answer to GetInfo with so many empty features. */
static inline void answer_with_features(struct fixture *fixture, uint32_t stream, unsigned count)
{
    struct frame_header header = {.stream = stream, .type = FRAME_RESPONSE};
    uint8_t payload[1024];
    unsigned inner = 2 * count;

    assert_true(inner + 3 <= sizeof(payload));
    payload[0] = 0x12; /* payload */
    payload[1] = (uint8_t)(inner | 0x80);
    payload[2] = (uint8_t)(inner >> 7);
    for (unsigned i = 0; i < count; i++) {
        payload[3 + 2 * i] = 0x5a;
        payload[4 + 2 * i] = 0;
    }
    header.length = inner + 3;
    send_raw(fixture, &header, payload, header.length);
}

#endif
