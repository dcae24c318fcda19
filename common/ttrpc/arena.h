/* Memory for one decoded message at a time: what protobuf-c allocates while unpacking, given back
 * all at once. Small messages cost no malloc; what a peer's bytes can unfold into is bounded. */
#ifndef VMRECLAIM_COMMON_TTRPC_ARENA_H
#define VMRECLAIM_COMMON_TTRPC_ARENA_H

#include <protobuf-c/protobuf-c.h>
#include <stddef.h>
#include <stdint.h>

#define ARENA_BLOCK_SIZE ((size_t)16 << 10)

struct arena_overflow;

struct arena {
    ProtobufCAllocator allocator; /* for protobuf_c_message_unpack; its free does nothing */
    size_t used;                  /* of block */
    size_t limit;                 /* most bytes beyond block */
    size_t overflowed;            /* bytes beyond block */
    struct arena_overflow *overflow;
    _Alignas(max_align_t) uint8_t block[ARENA_BLOCK_SIZE];
};

void arena_init(struct arena *arena, size_t limit);

/* Gives back everything; the arena can be used again. */
void arena_reset(struct arena *arena);

#endif
