/* The vhost-user protocol, seen from the back end: what QEMU tells a device that is another
 * process. https://qemu.org/docs/master/interop/vhost-user.html. Messages come complete, with the
 * descriptors that were passed along; they configure the multiplexer's rings. */
#ifndef VMRECLAIM_TESTS_LAB_VSOCK_DEVICE_VHOST_H
#define VMRECLAIM_TESTS_LAB_VSOCK_DEVICE_VHOST_H

#include "common/base/error.h"
#include "tests/lab/vsock-device/mapping.h"
#include "tests/lab/vsock-device/mux.h"

#define VHOST_HEADER_SIZE     12u
#define VHOST_PAYLOAD_MAX     280u
#define VHOST_DESCRIPTORS_MAX MEMORY_REGIONS_MAX

/* In the machine's byte order, as the protocol wants it. */
struct vhost_header {
    uint32_t request;
    uint32_t flags;
    uint32_t size; /* of the payload, in bytes */
};

struct vhost_message {
    struct vhost_header header;
    uint8_t payload[VHOST_PAYLOAD_MAX];
    int descriptors[VHOST_DESCRIPTORS_MAX]; /* owned; -1 once taken */
    unsigned descriptor_count;
};

struct vhost_ring {
    struct ring_layout layout;
    uint16_t next;
    int kick; /* owned descriptors; -1: none */
    int call;
    int error;
    bool enabled;
};

struct vhost {
    struct mux *mux;
    struct mapping mapping;
    uint64_t guest_cid;
    uint64_t features; /* that the driver took */
    struct vhost_ring rings[MUX_RINGS];
};

/* `mux` is initialised with vhost->mapping.memory. */
void vhost_init(struct vhost *vhost, struct mux *mux, uint64_t guest_cid);

/* Stops the rings, closes all descriptors and unmaps the guest's memory. */
void vhost_finish(struct vhost *vhost);

/* Before the payload is read. -EPROTO: the front end breaks the protocol. */
int vhost_check(const struct vhost_header *header, struct error *error);

/* Carries a message out and closes the descriptors in it that nobody needs. 1: `ret_reply` is to
 * be sent; 0: there is none; negative errno: the front end must go. */
int vhost_handle(struct vhost *vhost, struct vhost_message *message,
                 struct vhost_message *ret_reply, struct error *error);

/* What the driver wrote is no ring: it rests until the driver sets it up again. */
void vhost_break(struct vhost *vhost, enum mux_ring index);

/* Tells the driver to look at a ring. */
void vhost_call(const struct vhost *vhost, enum mux_ring index);

#endif
