/* Configurations of Proxmox VE. */
#include "controller/hypervisors/proxmox.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/cleanup.h"
#include "common/base/file.h"
#include "common/base/number.h"
#include "common/base/text.h"

#define CONFIGURATION_MAX 65536
#define VMID_MAX          999999999 /* as Proxmox VE has it */

unsigned proxmox_vmid(const char *where)
{
    static const char folder[] = "/run/qemu-server/";
    const char *name = strstr(where, folder);
    uint64_t vmid;

    if (name == NULL)
        return 0;
    name += sizeof(folder) - 1;
    if (number_scan(&name, &vmid) < 0 || vmid > VMID_MAX || strcmp(name, ".qmp") != 0)
        return 0;
    return (unsigned)vmid;
}

/* "a;b c" becomes "a,b,c". */
static void take_tags(const char *text, char labels[DRIVER_LABELS_SIZE])
{
    text_copy_line(labels, DRIVER_LABELS_SIZE, text);
    for (char *c = labels; *c != '\0'; c++)
        if (strchr("; ", *c) != NULL)
            *c = ',';
}

void proxmox_read(const char *text, struct driver_vm *vm)
{
    while (text[0] != '\0' && text[0] != '[') {
        size_t length = strcspn(text, "\n");
        char line[1024];

        text_copy_bytes(line, sizeof(line), text, length);
        if (strncmp(line, "name:", 5) == 0)
            text_copy_line(vm->name, sizeof(vm->name), text_trim(line + 5));
        else if (strncmp(line, "tags:", 5) == 0)
            take_tags(text_trim(line + 5), vm->labels);
        text += length + (text[length] == '\n');
    }
}

void proxmox_describe(int root, struct driver_vm *vm)
{
    unsigned vmid = proxmox_vmid(vm->where);
    cleanup_free char *text = NULL;
    char path[64];
    size_t length;

    snprintf(path, sizeof(path), "etc/pve/qemu-server/%u.conf", vmid);
    if (vmid != 0 && file_read(root, path, CONFIGURATION_MAX, &text, &length) == 0)
        proxmox_read(text, vm);
}
