/* A bump allocator with a bounded overflow on the heap. */
#include "common/ttrpc/arena.h"

#include <assert.h>
#include <stdlib.h>

#include "common/base/util.h"

#define CHUNK_SIZE ((size_t)64 << 10)

struct arena_overflow {
    struct arena_overflow *next;
    size_t used;
    size_t capacity;
    _Alignas(max_align_t) uint8_t bytes[];
};

static struct arena_overflow *add_chunk(struct arena *arena, size_t size)
{
    size_t usual = min_of(CHUNK_SIZE, arena->limit);
    size_t capacity = max_of(size, usual);
    struct arena_overflow *chunk = malloc(sizeof(*chunk) + capacity);

    if (chunk == NULL)
        return NULL;
    chunk->next = arena->overflow;
    chunk->used = 0;
    chunk->capacity = capacity;
    arena->overflow = chunk;
    return chunk;
}

static void *allocate_overflow(struct arena *arena, size_t size)
{
    struct arena_overflow *chunk = arena->overflow;
    void *pointer;

    assert(arena->overflowed <= arena->limit);
    if (size > arena->limit - arena->overflowed)
        return NULL;
    if (chunk == NULL || size > chunk->capacity - chunk->used)
        chunk = add_chunk(arena, size);
    if (chunk == NULL)
        return NULL;
    pointer = chunk->bytes + chunk->used;
    chunk->used += size;
    arena->overflowed += size;
    assert(chunk->used <= chunk->capacity && arena->overflowed <= arena->limit);
    return pointer;
}

static void *arena_allocate(void *userdata, size_t size)
{
    struct arena *arena = userdata;
    size_t rounded = (size + _Alignof(max_align_t) - 1) & ~(_Alignof(max_align_t) - 1);
    void *pointer;

    assert(arena->used <= ARENA_BLOCK_SIZE);
    if (rounded < size)
        return NULL;
    if (rounded > ARENA_BLOCK_SIZE - arena->used)
        return allocate_overflow(arena, rounded);
    pointer = arena->block + arena->used;
    arena->used += rounded;
    return pointer;
}

static void arena_free(void *userdata, void *pointer)
{
}

void arena_init(struct arena *arena, size_t limit)
{
    arena->allocator = (ProtobufCAllocator){
        .alloc = arena_allocate,
        .free = arena_free,
        .allocator_data = arena,
    };
    arena->used = 0;
    arena->limit = limit;
    arena->overflowed = 0;
    arena->overflow = NULL;
}

void arena_reset(struct arena *arena)
{
    while (arena->overflow != NULL) {
        struct arena_overflow *next = arena->overflow->next;

        free(arena->overflow);
        arena->overflow = next;
    }
    arena->overflowed = 0;
    arena->used = 0;
}
