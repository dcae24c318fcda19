/* The virtio vsock devices in sysfs. */
#include "common/proc/vsock-device.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/cleanup.h"
#include "common/base/file.h"
#include "common/base/util.h"

#define DEVICES_PATH  "sys/bus/virtio/devices"
#define VSOCK_ID      "0x0013" /* virtio 1.2 section 5.10.1 */
#define INDIRECT_DESC 28       /* feature bits, section 6 */
#define VERSION_1     32

enum vsock_device vsock_device_of_features(const char *features)
{
    size_t count = strspn(features, "01");

    if (count <= VERSION_1)
        return VSOCK_DEVICE_NONE;
    if (features[INDIRECT_DESC] == '1')
        return VSOCK_DEVICE_KERNEL;
    /* No hypervisor's own device is older than VERSION_1. */
    return features[VERSION_1] == '1' ? VSOCK_DEVICE_PROCESS : VSOCK_DEVICE_NONE;
}

static int read_attribute(int root, const char *device, const char *name, char *text, size_t size)
{
    char path[160];

    snprintf(path, sizeof(path), DEVICES_PATH "/%.64s/%s", device, name);
    return file_read_into(root, path, text, size);
}

static enum vsock_device look_at(int root, const char *device)
{
    char text[256];

    if (read_attribute(root, device, "device", text, sizeof(text)) < 0)
        return VSOCK_DEVICE_NONE;
    text[strcspn(text, "\n")] = '\0';
    if (strcmp(text, VSOCK_ID) != 0 ||
        read_attribute(root, device, "features", text, sizeof(text)) < 0)
        return VSOCK_DEVICE_NONE;
    return vsock_device_of_features(text);
}

enum vsock_device vsock_device_find(int root)
{
    int descriptor = openat(root, DEVICES_PATH, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cleanup_closedir DIR *devices = descriptor < 0 ? NULL : fdopendir(descriptor);
    enum vsock_device found = VSOCK_DEVICE_NONE;

    if (devices == NULL) {
        if (descriptor >= 0)
            close(descriptor);
        return found;
    }
    for (const struct dirent *entry = readdir(devices); entry != NULL; entry = readdir(devices)) {
        enum vsock_device kind = look_at(root, entry->d_name);

        found = max_of(found, kind);
    }
    return found;
}
