/* Layout of the memory: the two rings, 64 buffers to receive into, 32 slots to send from. */
#include "tests/lib/vsock-driver.h"

#include <stdlib.h>
#include <string.h>

#define RING_SPACE    ((size_t)16 << 10)
#define RECEIVE_COUNT (VSOCK_DRIVER_RING / 2)
#define RECEIVE_SIZE  4096u
#define RECEIVE_SPACE ((size_t)8 << 10) /* header, then data on a page of its own */
#define SEND_COUNT    32u
#define SEND_SPACE    ((size_t)68 << 10)
#define DATA_OFFSET   4096u

#define RECEIVE_START (2 * RING_SPACE)
#define SEND_START    (RECEIVE_START + RECEIVE_COUNT * RECEIVE_SPACE)
#define HEADER_SIZE   sizeof(struct virtio_vsock_hdr)

static void must(bool condition)
{
    if (!condition)
        abort();
}

static void place(struct vsock_driver_ring *ring, uint8_t *memory, uint64_t offset)
{
    struct vring vring;

    memset(memory + offset, 0, RING_SPACE);
    vring_init(&vring, VSOCK_DRIVER_RING, memory + offset, 4096);
    *ring = (struct vsock_driver_ring){
        .descriptors = vring.desc, .available = vring.avail, .used = vring.used, .offset = offset};
}

static uint64_t guest_address(size_t offset)
{
    return VSOCK_DRIVER_GUEST_ADDRESS + offset;
}

/* Header and data in a descriptor each, as Linux before 6.3 has it. */
static void describe(struct vsock_driver_ring *ring, uint16_t head, size_t offset, uint32_t length,
                     uint16_t flags)
{
    bool has_data = length > 0;

    ring->descriptors[head] =
        (struct vring_desc){.addr = guest_address(offset),
                            .len = HEADER_SIZE,
                            .flags = (uint16_t)(flags | (has_data ? VRING_DESC_F_NEXT : 0)),
                            .next = (uint16_t)(head + 1)};
    ring->descriptors[head + 1] = (struct vring_desc){
        .addr = guest_address(offset + DATA_OFFSET), .len = length, .flags = flags};
}

void vsock_driver_offer(struct vsock_driver_ring *ring, uint16_t head)
{
    uint16_t index = ring->available->idx;

    ring->available->ring[index % VSOCK_DRIVER_RING] = head;
    __atomic_store_n(&ring->available->idx, (uint16_t)(index + 1), __ATOMIC_RELEASE);
}

void vsock_driver_init(struct vsock_driver *driver, uint8_t *memory)
{
    must(SEND_START + SEND_COUNT * SEND_SPACE <= VSOCK_DRIVER_MEMORY);
    *driver = (struct vsock_driver){.memory = memory, .held = UINT16_MAX, .free_mask = UINT32_MAX};
    place(&driver->to_guest, memory, 0);
    place(&driver->from_guest, memory, RING_SPACE);
    for (uint16_t i = 0; i < RECEIVE_COUNT; i++) {
        describe(&driver->to_guest, (uint16_t)(2 * i), RECEIVE_START + i * RECEIVE_SPACE,
                 RECEIVE_SIZE, VRING_DESC_F_WRITE);
        vsock_driver_offer(&driver->to_guest, (uint16_t)(2 * i));
    }
}

struct memory_region vsock_driver_region(const struct vsock_driver *driver)
{
    return (struct memory_region){
        .guest_address = VSOCK_DRIVER_GUEST_ADDRESS,
        .user_address = VSOCK_DRIVER_USER_ADDRESS,
        .size = VSOCK_DRIVER_MEMORY,
        .start = driver->memory,
    };
}

struct ring_layout vsock_driver_layout(const struct vsock_driver_ring *ring)
{
    uint64_t start = VSOCK_DRIVER_USER_ADDRESS + ring->offset;
    const uint8_t *first = (const uint8_t *)ring->descriptors;

    return (struct ring_layout){
        .size = VSOCK_DRIVER_RING,
        .descriptors = start,
        .available = start + (uint64_t)((const uint8_t *)ring->available - first),
        .used = start + (uint64_t)((const uint8_t *)ring->used - first),
    };
}

/* The next buffer that the device gave back. False: none. */
static bool reclaim(struct vsock_driver_ring *ring, struct vring_used_elem *ret_element)
{
    uint16_t index = __atomic_load_n(&ring->used->idx, __ATOMIC_ACQUIRE);

    if (index == ring->used_seen)
        return false;
    *ret_element = ring->used->ring[ring->used_seen++ % VSOCK_DRIVER_RING];
    return true;
}

bool vsock_driver_send(struct vsock_driver *driver, const struct virtio_vsock_hdr *header,
                       const void *data)
{
    struct vring_used_elem element;
    unsigned slot;
    size_t offset;

    while (reclaim(&driver->from_guest, &element)) {
        must(element.id < 2 * SEND_COUNT && element.id % 2 == 0 && element.len == 0);
        must((driver->free_mask & 1u << element.id / 2) == 0);
        driver->free_mask |= 1u << element.id / 2;
    }
    if (driver->free_mask == 0)
        return false;
    slot = (unsigned)__builtin_ctz(driver->free_mask);
    driver->free_mask &= ~(1u << slot);
    offset = SEND_START + slot * SEND_SPACE;
    memcpy(driver->memory + offset, header, HEADER_SIZE);
    if (header->len > 0)
        memcpy(driver->memory + offset + DATA_OFFSET, data, header->len);
    describe(&driver->from_guest, (uint16_t)(2 * slot), offset, header->len, 0);
    vsock_driver_offer(&driver->from_guest, (uint16_t)(2 * slot));
    return true;
}

bool vsock_driver_receive(struct vsock_driver *driver, struct virtio_vsock_hdr *ret_header,
                          const uint8_t **ret_data)
{
    struct vring_used_elem element;
    const uint8_t *start;

    if (driver->held != UINT16_MAX)
        vsock_driver_offer(&driver->to_guest, driver->held);
    driver->held = UINT16_MAX;
    if (!reclaim(&driver->to_guest, &element))
        return false;
    must(element.id < VSOCK_DRIVER_RING && element.id % 2 == 0);
    driver->held = (uint16_t)element.id;
    start = driver->memory + RECEIVE_START + element.id / 2 * RECEIVE_SPACE;
    memcpy(ret_header, start, HEADER_SIZE);
    must(element.len == HEADER_SIZE + ret_header->len && ret_header->len <= RECEIVE_SIZE);
    *ret_data = start + DATA_OFFSET;
    return true;
}

struct virtio_vsock_hdr vsock_driver_header(uint32_t guest_port, uint32_t host_port,
                                            uint16_t operation)
{
    return (struct virtio_vsock_hdr){
        .src_cid = VSOCK_DRIVER_CID,
        .dst_cid = 2,
        .src_port = guest_port,
        .dst_port = host_port,
        .type = VIRTIO_VSOCK_TYPE_STREAM,
        .op = operation,
        .buf_alloc = VSOCK_DRIVER_CREDIT,
    };
}
