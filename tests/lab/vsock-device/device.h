/* A virtio-vsock device on a libuv loop: one front end, one guest, one socket for the hosts. */
#ifndef VMRECLAIM_TESTS_LAB_VSOCK_DEVICE_DEVICE_H
#define VMRECLAIM_TESTS_LAB_VSOCK_DEVICE_DEVICE_H

#include <uv.h>

#include "common/base/error.h"

struct device;

struct device_options {
    uint64_t guest_cid;
    const char *vhost_path;  /* the front end connects here */
    const char *hybrid_path; /* hosts connect here; guests reach PATH_PORT */
};

/* Both sockets can be connected to when this returns 0. The paths must live as long. */
int device_create(uv_loop_t *loop, const struct device_options *options, struct device **ret_device,
                  struct error *error);

/* The device ends by itself when the front end leaves: then there is nothing to wait for in the
 * loop. device_end does the same before. */
void device_end(struct device *device);

/* After the loop: 0, or why the front end was left. Frees it. */
int device_destroy(struct device *device, struct error *error);

#endif
