/* The real vsock-device program with a scripted front end and driver: what QEMU and a guest are to
 * it. Hosts are UNIX sockets of the test. Whatever does not come within WAIT_MS fails the test. */
#ifndef VMRECLAIM_TESTS_COMPONENT_VSOCK_DEVICE_FIXTURE_H
#define VMRECLAIM_TESTS_COMPONENT_VSOCK_DEVICE_FIXTURE_H

#include <sys/types.h>

#include "tests/lib/vsock-driver.h"

#define WAIT_MS 60000

extern const char *device_program;

struct device {
    char directory[32];
    char vhost_path[64];
    char hybrid_path[64];
    char log_path[64];
    pid_t pid; /* 0: ended */
    int frontend;
    int memory_file;
    struct vsock_driver driver;
    int kicks[2];
    int calls[2];
    int errors[2];
    /* of the packet received last */
    struct virtio_vsock_hdr header;
    const uint8_t *data;
};

/* cmocka's: started, the front end connected, the guest booted. */
int device_setup(void **state);
int device_teardown(void **state);

/* The same in steps. device_start returns once its sockets are there. */
void device_start(struct device *device);
void device_connect(struct device *device);

/* Zeroed rings from entry 0, as a driver does that begins. */
void device_boot(struct device *device);
/* Rings that go on. */
void device_resume(struct device *device, const uint16_t next[2]);
/* As at a reboot and at a pause. */
void device_stop_rings(struct device *device, uint16_t ret_next[2]);

/* As when QEMU is killed. */
void device_leave(struct device *device);
/* Waits for the end of the program; its exit status. */
int device_wait(struct device *device);
/* What it wrote to its standard error. */
const char *device_log(struct device *device);
/* Its descriptors, and mappings of the guest's memory. */
unsigned device_count_descriptors(const struct device *device);
unsigned device_count_mappings(const struct device *device);

/* One message of the protocol; the reply's payload, if there is one, is returned. */
void device_message(struct device *device, uint32_t request, const void *payload, uint32_t size,
                    int descriptor);
uint32_t device_reply(struct device *device, void *ret_payload, uint32_t size);

/* ---- the guest ---- */

void device_send(struct device *device, const struct virtio_vsock_hdr *header, const void *data);
/* Waits for a packet and requires its operation. */
void device_expect(struct device *device, uint16_t operation);
/* A packet of the guest on the connection that device->header is of. */
struct virtio_vsock_hdr device_answer(const struct device *device, uint16_t operation);

/* ---- hosts ---- */

/* A blocking socket, connected. */
int device_dial(const struct device *device);
void host_write(int host, const void *bytes, size_t length);
/* Waits for exactly these bytes. */
void host_expect(int host, const void *bytes, size_t length);
/* Waits for the end of file; nothing comes before it. */
void host_expect_end(int host);

/* A host socket with an open connection to `guest_port`; device->header is its REQUEST. */
int device_open_by_host(struct device *device, uint32_t guest_port);
/* The guest's port 700 to host port 52, where the test listens; device->header is its RESPONSE. */
int device_open_by_guest(struct device *device);

#endif
