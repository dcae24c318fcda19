/* Configurations of Proxmox VE. */
#include "controller/hypervisors/proxmox.h"

#include <string.h>

#include "common/base/number.h"
#include "common/base/text.h"

#define VMID_MAX 999999999 /* as Proxmox VE has it */

/* What follows `begin`, if that is there. */
static const char *skip(const char *text, const char *begin)
{
    size_t length = strlen(begin);

    return strncmp(text, begin, length) == 0 ? text + length : text;
}

unsigned proxmox_vmid(const char *where)
{
    const char *name = skip(skip(where, "shared:"), "/var");
    const char *number = skip(name, "/run/qemu-server/");
    uint64_t vmid;

    if (number == name || number_scan(&number, &vmid) < 0 || vmid > VMID_MAX ||
        strcmp(number, ".qmp") != 0)
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
