/* A split virtqueue, seen from the device. Virtual I/O Device 1.2, 2.7. Everything in it is the
 * guest's and may change at any time: each field is read once, checked, and only then used. */
#ifndef VMRECLAIM_TESTS_LAB_VSOCK_DEVICE_RING_H
#define VMRECLAIM_TESTS_LAB_VSOCK_DEVICE_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include "tests/lab/vsock-device/memory.h"

#define RING_SIZE_MAX 1024u /* descriptors; a chain fits into one readv() */

/* Where the front end says that a ring is: user addresses. */
struct ring_layout {
    uint32_t size; /* descriptors */
    uint64_t descriptors;
    uint64_t available;
    uint64_t used;
};

struct ring_descriptor; /* as it is in the guest's memory */
struct ring_used;

struct ring {
    uint16_t size; /* 0: not mapped */
    uint16_t next; /* the entry of the available ring to take next, modulo 2^16 */
    uint16_t used_index;
    const struct ring_descriptor *descriptors;
    const uint16_t *available; /* flags, index, entries */
    struct ring_used *used;
};

/* A buffer of the driver: one or more pieces of its memory, all of them inside a region. */
struct ring_chain {
    uint16_t head;
    unsigned count;
    size_t length; /* bytes in all */
    struct iovec segments[RING_SIZE_MAX];
};

enum ring_direction {
    RING_FROM_GUEST, /* the device may read it */
    RING_TO_GUEST,   /* the device may write it */
};

/* Maps the ring; `next` is the first entry to take. -EINVAL: size or alignment is not allowed,
 * -EFAULT: it is not in the guest's memory; then the ring is unmapped. */
int ring_map(struct ring *ring, const struct memory *memory, const struct ring_layout *layout,
             uint16_t next);

/* `next` stays. */
void ring_unmap(struct ring *ring);

/* 1: a buffer was taken; 0: there is none; -EPROTO: what the driver wrote is not a ring. */
int ring_take(struct ring *ring, const struct memory *memory, enum ring_direction direction,
              struct ring_chain *ret_chain);

/* Puts the buffer taken last back; it was not given yet. */
void ring_untake(struct ring *ring);

/* Gives a buffer back to the driver; the device wrote `length` bytes into it. */
void ring_give(struct ring *ring, uint16_t head, uint32_t length);

/* Whether the driver wants to be told of what was given. */
bool ring_wants_call(const struct ring *ring);

/* The first bytes of the chain, which is at least that long. */
void ring_chain_read(const struct ring_chain *chain, uint8_t *bytes, size_t length);
void ring_chain_write(const struct ring_chain *chain, const uint8_t *bytes, size_t length);

/* Where `length` bytes of the chain are, behind the first `skip`; returns the number of pieces. It
 * has as many bytes. */
unsigned ring_chain_part(const struct ring_chain *chain, size_t skip, size_t length,
                         struct iovec ret_segments[RING_SIZE_MAX]);

#endif
