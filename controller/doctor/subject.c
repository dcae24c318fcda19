/* Who keeps a VM's configuration. */
#include "controller/doctor/subject.h"

#include <string.h>

#include "common/base/text.h"

static const char *const names[DOCTOR_MANAGERS] = {
    [DOCTOR_MANAGER_UNKNOWN] = "unknown",
    [DOCTOR_MANAGER_QEMU] = "qemu",
    [DOCTOR_MANAGER_LIBVIRT] = "libvirt",
    [DOCTOR_MANAGER_PROXMOX] = "proxmox",
    [DOCTOR_MANAGER_INCUS] = "incus",
    [DOCTOR_MANAGER_FIRECRACKER] = "firecracker",
    [DOCTOR_MANAGER_CLOUD_HYPERVISOR] = "cloud-hypervisor",
};

const char *doctor_manager_name(enum doctor_manager manager)
{
    return names[manager];
}

/* "/run/qemu-server/100.qmp" -> "100". */
static bool read_vmid(const char *where, char *vmid, size_t size)
{
    const char *start = strstr(where, "/run/qemu-server/");
    size_t length;

    if (start == NULL)
        return false;
    start += strlen("/run/qemu-server/");
    length = strspn(start, "0123456789");
    if (length == 0 || length >= size || strcmp(start + length, ".qmp") != 0)
        return false;
    memcpy(vmid, start, length);
    vmid[length] = '\0';
    return true;
}

/* "/run/incus/web-1/qemu.monitor" -> "web-1". */
static void name_of_directory(const char *where, char *name, size_t size)
{
    const char *end = strrchr(where, '/');
    const char *start = end;

    while (start != NULL && start > where && start[-1] != '/')
        start--;
    if (start != NULL && end > start)
        text_copy_bytes(name, size, start, (size_t)(end - start));
}

/* virsh takes it for another domain's ID, for an option, or it was cut. */
static bool misleads_virsh(const char *name, size_t size)
{
    return name[0] == '-' || name[strspn(name, "0123456789")] == '\0' || strlen(name) + 1 == size;
}

static enum doctor_manager manager_of_qemu(struct doctor_subject *subject, const char *where)
{
    if (read_vmid(where, subject->place, sizeof(subject->place)))
        return DOCTOR_MANAGER_PROXMOX;
    if (text_ends_with(where, "/qemu.monitor")) {
        name_of_directory(where, subject->name, sizeof(subject->name));
        return DOCTOR_MANAGER_INCUS;
    }
    return DOCTOR_MANAGER_QEMU;
}

void doctor_subject_place(struct doctor_subject *subject, const char *driver, const char *where,
                          const char *name)
{
    static const char shared[] = "shared:";
    char *uuid;

    subject->manager = DOCTOR_MANAGER_UNKNOWN;
    subject->is_shared = strcmp(driver, "qemu") == 0 && strncmp(where, shared, strlen(shared)) == 0;
    where += subject->is_shared ? strlen(shared) : 0;
    for (unsigned i = 1; i < DOCTOR_MANAGERS; i++)
        if (strcmp(names[i], driver) == 0)
            subject->manager = (enum doctor_manager)i;
    text_copy_line(subject->name, sizeof(subject->name), name);
    text_copy_line(subject->place, sizeof(subject->place), where);
    if (subject->manager == DOCTOR_MANAGER_QEMU)
        subject->manager = manager_of_qemu(subject, where);
    if (subject->manager == DOCTOR_MANAGER_PROXMOX)
        subject->is_shared = true;
    uuid = strchr(subject->place, '#');
    if (subject->manager == DOCTOR_MANAGER_LIBVIRT && uuid != NULL) {
        *uuid = '\0';
        if (misleads_virsh(subject->name, sizeof(subject->name)))
            text_copy_line(subject->name, sizeof(subject->name), uuid + 1);
    }
}
