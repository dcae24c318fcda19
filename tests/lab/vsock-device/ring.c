/* Loads from the guest's memory are atomic, so the compiler reads what was checked only once. */
#include "tests/lab/vsock-device/ring.h"

#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <string.h>

#include "common/base/util.h"

#define FLAG_NEXT  1u
#define FLAG_WRITE 2u

#define AVAILABLE_NO_INTERRUPT 1u

struct ring_descriptor {
    uint64_t address;
    uint32_t length;
    uint16_t flags;
    uint16_t next;
};

struct ring_used {
    uint16_t flags;
    uint16_t index;
    struct {
        uint32_t id;
        uint32_t length;
    } entries[];
};

int ring_map(struct ring *ring, const struct memory *memory, const struct ring_layout *layout,
             uint16_t next)
{
    uint64_t size = layout->size;
    uint8_t *descriptors, *available, *used;

    ring_unmap(ring);
    if (size == 0 || size > RING_SIZE_MAX || (size & (size - 1)) != 0)
        return -EINVAL;
    descriptors =
        memory_at_user(memory, layout->descriptors, size * sizeof(struct ring_descriptor));
    available = memory_at_user(memory, layout->available, 4 + 2 * size);
    used = memory_at_user(memory, layout->used, 4 + 8 * size);
    if (descriptors == NULL || available == NULL || used == NULL)
        return -EFAULT;
    if (((uintptr_t)descriptors & 15) != 0 || ((uintptr_t)available & 1) != 0 ||
        ((uintptr_t)used & 3) != 0)
        return -EINVAL;
    *ring = (struct ring){
        .size = (uint16_t)size,
        .next = next,
        .descriptors = (const void *)descriptors,
        .available = (const void *)available,
        .used = (void *)used,
    };
    ring->used_index = le16toh(__atomic_load_n(&ring->used->index, __ATOMIC_RELAXED));
    return 0;
}

void ring_unmap(struct ring *ring)
{
    *ring = (struct ring){.next = ring->next};
}

/* ---- taking ---- */

/* Copies a descriptor, so that nobody changes it between the check and the use. */
static struct ring_descriptor load_descriptor(const struct ring *ring, uint16_t index)
{
    const struct ring_descriptor *from = &ring->descriptors[index];

    return (struct ring_descriptor){
        .address = le64toh(__atomic_load_n(&from->address, __ATOMIC_RELAXED)),
        .length = le32toh(__atomic_load_n(&from->length, __ATOMIC_RELAXED)),
        .flags = le16toh(__atomic_load_n(&from->flags, __ATOMIC_RELAXED)),
        .next = le16toh(__atomic_load_n(&from->next, __ATOMIC_RELAXED)),
    };
}

static int add_segment(struct ring_chain *chain, const struct memory *memory,
                       const struct ring_descriptor *descriptor)
{
    uint8_t *start = memory_at_guest(memory, descriptor->address, descriptor->length);

    if (start == NULL)
        return -EPROTO;
    if (descriptor->length > 0) {
        chain->segments[chain->count++] =
            (struct iovec){.iov_base = start, .iov_len = descriptor->length};
        chain->length += descriptor->length;
    }
    return 0;
}

static int load_chain(const struct ring *ring, const struct memory *memory,
                      enum ring_direction direction, struct ring_chain *chain)
{
    const unsigned wanted = direction == RING_TO_GUEST ? FLAG_WRITE : 0;
    uint16_t index = chain->head;

    /* A chain that is longer than the table has a loop. */
    for (unsigned i = 0; i < ring->size; i++) {
        struct ring_descriptor descriptor;

        if (index >= ring->size)
            return -EPROTO;
        descriptor = load_descriptor(ring, index);
        if ((descriptor.flags & ~FLAG_NEXT) != wanted ||
            add_segment(chain, memory, &descriptor) < 0)
            return -EPROTO;
        if ((descriptor.flags & FLAG_NEXT) == 0)
            return 0;
        index = descriptor.next;
    }
    return -EPROTO;
}

int ring_take(struct ring *ring, const struct memory *memory, enum ring_direction direction,
              struct ring_chain *ret_chain)
{
    uint16_t index, ready;

    if (ring->size == 0)
        return 0;
    index = le16toh(__atomic_load_n(&ring->available[1], __ATOMIC_ACQUIRE));
    ready = (uint16_t)(index - ring->next);
    if (ready == 0)
        return 0;
    if (ready > ring->size)
        return -EPROTO;
    ret_chain->head =
        le16toh(__atomic_load_n(&ring->available[2 + ring->next % ring->size], __ATOMIC_RELAXED));
    ret_chain->count = 0;
    ret_chain->length = 0;
    if (load_chain(ring, memory, direction, ret_chain) < 0)
        return -EPROTO;
    ring->next++;
    return 1;
}

void ring_untake(struct ring *ring)
{
    assert(ring->size > 0);
    ring->next--;
}

/* ---- giving ---- */

void ring_give(struct ring *ring, uint16_t head, uint32_t length)
{
    unsigned slot = ring->used_index % ring->size;

    assert(head < ring->size);
    ring->used->entries[slot].id = htole32(head);
    ring->used->entries[slot].length = htole32(length);
    ring->used_index++;
    __atomic_store_n(&ring->used->index, htole16(ring->used_index), __ATOMIC_RELEASE);
}

bool ring_wants_call(const struct ring *ring)
{
    /* The driver must see the index before we see its flag. */
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    return ring->size > 0 && (le16toh(__atomic_load_n(&ring->available[0], __ATOMIC_RELAXED)) &
                              AVAILABLE_NO_INTERRUPT) == 0;
}

/* ---- buffers ---- */

void ring_chain_read(const struct ring_chain *chain, uint8_t *bytes, size_t length)
{
    assert(length <= chain->length);
    for (unsigned i = 0; length > 0; i++) {
        size_t part = min_of(length, chain->segments[i].iov_len);

        memcpy(bytes, chain->segments[i].iov_base, part);
        bytes += part;
        length -= part;
    }
}

void ring_chain_write(const struct ring_chain *chain, const uint8_t *bytes, size_t length)
{
    assert(length <= chain->length);
    for (unsigned i = 0; length > 0; i++) {
        size_t part = min_of(length, chain->segments[i].iov_len);

        memcpy(chain->segments[i].iov_base, bytes, part);
        bytes += part;
        length -= part;
    }
}

unsigned ring_chain_part(const struct ring_chain *chain, size_t skip, size_t length,
                         struct iovec ret_segments[RING_SIZE_MAX])
{
    unsigned count = 0;

    assert(skip <= chain->length && length <= chain->length - skip);
    for (unsigned i = 0; length > 0; i++) {
        const struct iovec *segment = &chain->segments[i];
        size_t skipped = min_of(skip, segment->iov_len);
        size_t part = min_of(length, segment->iov_len - skipped);

        skip -= skipped;
        if (part == 0)
            continue;
        ret_segments[count++] =
            (struct iovec){.iov_base = (uint8_t *)segment->iov_base + skipped, .iov_len = part};
        length -= part;
    }
    return count;
}
