/* A bump allocator with a bounded overflow on the heap. */
#include "common/ttrpc/arena.h"

#include <stdlib.h>

#include "common/base/util.h"

struct arena_overflow {
    struct arena_overflow *next;
    _Alignas(max_align_t) uint8_t bytes[];
};

static void *allocate_overflow(struct arena *arena, size_t size)
{
    struct arena_overflow *overflow;

    if (size > arena->limit - arena->overflowed)
        return NULL;
    overflow = malloc(sizeof(*overflow) + size);
    if (overflow == NULL)
        return NULL;
    overflow->next = arena->overflow;
    arena->overflow = overflow;
    arena->overflowed += size;
    return overflow->bytes;
}

static void *arena_allocate(void *userdata, size_t size)
{
    struct arena *arena = userdata;
    size_t rounded = (size + _Alignof(max_align_t) - 1) & ~(_Alignof(max_align_t) - 1);
    void *pointer;

    if (rounded < size)
        return NULL;
    if (rounded > ARENA_BLOCK_SIZE - arena->used)
        return allocate_overflow(arena, size);
    pointer = arena->block + arena->used;
    arena->used += rounded;
    return pointer;
}

static void arena_free(void *userdata, void *pointer)
{
    (void)userdata;
    (void)pointer;
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
