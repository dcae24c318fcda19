/* The driver's side of a vsock device, for tests of the device: rings and buffers in a piece of
 * memory that stands for a guest's, with the kernel's own structures. It does what a good driver
 * does; tests write to the rings themselves where they want a bad one. */
#ifndef VMRECLAIM_TESTS_LIB_VSOCK_DRIVER_H
#define VMRECLAIM_TESTS_LIB_VSOCK_DRIVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/virtio_ring.h>
#include <linux/virtio_vsock.h>

#include "tests/lab/vsock-device/memory.h"
#include "tests/lab/vsock-device/ring.h"

#define VSOCK_DRIVER_RING          128u
#define VSOCK_DRIVER_MEMORY        ((size_t)8 << 20)
#define VSOCK_DRIVER_GUEST_ADDRESS ((uint64_t)1 << 20)
#define VSOCK_DRIVER_USER_ADDRESS  ((uint64_t)7 << 44)
#define VSOCK_DRIVER_CID           3u
#define VSOCK_DRIVER_CREDIT        (256u << 10) /* as Linux gives */

struct vsock_driver_ring {
    struct vring_desc *descriptors;
    struct vring_avail *available;
    struct vring_used *used;
    uint16_t used_seen;
    uint64_t offset; /* of the ring in the memory */
};

struct vsock_driver {
    uint8_t *memory;
    struct vsock_driver_ring to_guest;
    struct vsock_driver_ring from_guest;
    uint16_t held;      /* the head of the packet that vsock_driver_receive returned */
    uint32_t free_mask; /* of slots for sending */
};

/* Zeroed rings as after a boot; all receive buffers are offered, each of two descriptors. */
void vsock_driver_init(struct vsock_driver *driver, uint8_t *memory);

/* What the device is told of the memory, and of the rings. */
struct memory_region vsock_driver_region(const struct vsock_driver *driver);
struct ring_layout vsock_driver_layout(const struct vsock_driver_ring *ring);

/* Makes the chain that begins at `head` available. */
void vsock_driver_offer(struct vsock_driver_ring *ring, uint16_t head);

/* False: all slots are with the device. `header->len` bytes of data. */
bool vsock_driver_send(struct vsock_driver *driver, const struct virtio_vsock_hdr *header,
                       const void *data);

/* False: there is none. The packet stays until the next call, which offers its buffer again. */
bool vsock_driver_receive(struct vsock_driver *driver, struct virtio_vsock_hdr *ret_header,
                          const uint8_t **ret_data);

/* A stream packet of the guest without data. */
struct virtio_vsock_hdr vsock_driver_header(uint32_t guest_port, uint32_t host_port,
                                            uint16_t operation);

#endif
