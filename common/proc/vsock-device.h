/* Who is at the other end of this guest's virtio vsock device: the host's kernel, or a process of
 * the hypervisor.
 *
 * Linux offers INDIRECT_DESC for its vhost-vsock (drivers/vhost/vhost.h, VHOST_FEATURES), and QEMU,
 * kvmtool and StratoVirt pass it on. The devices of Firecracker, Cloud Hypervisor and
 * vhost-device-vsock do not have it (src/vmm/src/devices/virtio/vsock/device.rs at 81b38b9dad60,
 * virtio-devices/src/vsock/device.rs at ae44c2971c83, vhost-device-vsock/src/vhu_vsock.rs at
 * d7ec5e4a800b). crosvm uses vhost-vsock and offers only its own features: it looks like a process.
 *
 * Which features there are is the host administrator's choice and the guest kernel's, of no process
 * without privilege on either side. */
#ifndef VMRECLAIM_COMMON_PROC_VSOCK_DEVICE_H
#define VMRECLAIM_COMMON_PROC_VSOCK_DEVICE_H

/* The larger one counts where there are several. */
enum vsock_device {
    VSOCK_DEVICE_NONE,    /* no virtio device that a driver has taken: VMCI, Hyper-V, or nothing */
    VSOCK_DEVICE_PROCESS, /* behind a UNIX socket on the host */
    VSOCK_DEVICE_KERNEL,  /* vhost-vsock: every process of the host can connect */
};

/* From the negotiated features as sysfs shows them: '0' or '1' for each, bit 0 first. Before a
 * driver has taken the device all are '0' (drivers/virtio/virtio.c, features_show). */
enum vsock_device vsock_device_of_features(const char *features);

/* Looks at all virtio devices below /sys. */
enum vsock_device vsock_device_find(int root);

#endif
