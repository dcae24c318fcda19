/* Decoding any request or response of a service in the arena that connections use. */
#ifndef VMRECLAIM_TESTS_FUZZ_MESSAGES_H
#define VMRECLAIM_TESTS_FUZZ_MESSAGES_H

#include <errno.h>

#include "common/ttrpc/arena.h"
#include "common/ttrpc/wire.h"
#include "tests/fuzz/fuzz.h"

/* The look before decoding. */
static inline void fuzz_check(const ProtobufCMessageDescriptor *descriptor, const uint8_t *data,
                              size_t size)
{
    struct slice slice = {.data = data, .length = size};
    int few = wire_check_message(descriptor, slice, 16);
    int many = wire_check_message(descriptor, slice, UINT32_MAX);

    /* No message has more elements than bytes; a limit changes nothing else. */
    require(many != -E2BIG && wire_check_message(descriptor, slice, (uint32_t)size) == many);
    require(few == many || few == -E2BIG);
}

/* What decodes can be packed into exactly the bytes announced. (It need not decode again:
 * protobuf-c keeps unknown fields with tags that it does not write the same way.) */
static inline void fuzz_message(const ProtobufCMessageDescriptor *descriptor, const uint8_t *data,
                                size_t size)
{
    static struct arena arena;
    ProtobufCMessage *message;

    fuzz_check(descriptor, data, size);
    arena_init(&arena, 32 * size);
    message = protobuf_c_message_unpack(descriptor, &arena.allocator, size, data);
    require(arena.overflowed <= arena.limit);
    if (message != NULL) {
        size_t packed_size = protobuf_c_message_get_packed_size(message);
        uint8_t *packed = malloc(packed_size + 1);

        require(packed != NULL);
        require(protobuf_c_message_pack(message, packed) == packed_size);
        free(packed);
    }
    arena_reset(&arena);
}

/* The first byte chooses the method and the direction. */
static inline int fuzz_service(const ProtobufCServiceDescriptor *service, const uint8_t *data,
                               size_t size)
{
    const ProtobufCMethodDescriptor *method;

    if (size == 0)
        return 0;
    method = &service->methods[data[0] / 2 % service->n_methods];
    fuzz_message(data[0] % 2 == 0 ? method->input : method->output, data + 1, size - 1);
    return 0;
}

#endif
