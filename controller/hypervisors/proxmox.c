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

/* What a VM's memory is by default, and how it is shared out. */
#define MEMORY_DEFAULT 512 /* MiB */
#define SHARES_DEFAULT 1000

/* "4096", or "current=4096". */
static uint64_t number_of(const char *text)
{
    const char *number = skip(text, "current=");
    uint64_t value;

    return number_scan(&number, &value) < 0 ? 0 : value;
}

struct memory {
    uint64_t size;   /* MiB */
    uint64_t least;  /* MiB that a balloon leaves the guest; 0: none moves */
    uint64_t shares; /* 0: none moves */
};

static void take_line(char *line, struct memory *memory, struct driver_vm *vm)
{
    if (strncmp(line, "name:", 5) == 0)
        text_copy_line(vm->name, sizeof(vm->name), text_trim(line + 5));
    else if (strncmp(line, "tags:", 5) == 0)
        take_tags(text_trim(line + 5), vm->labels);
    else if (strncmp(line, "memory:", 7) == 0)
        memory->size = number_of(text_trim(line + 7));
    else if (strncmp(line, "balloon:", 8) == 0)
        memory->least = number_of(text_trim(line + 8));
    else if (strncmp(line, "shares:", 7) == 0)
        memory->shares = number_of(text_trim(line + 7));
}

void proxmox_read(const char *text, struct driver_vm *vm)
{
    struct memory memory = {.size = MEMORY_DEFAULT, .shares = SHARES_DEFAULT};

    while (text[0] != '\0' && text[0] != '[') {
        size_t length = strcspn(text, "\n");
        char line[1024];

        text_copy_bytes(line, sizeof(line), text, length);
        take_line(line, &memory, vm);
        text += length + (text[length] == '\n');
    }
    if (memory.least > 0 && memory.least < memory.size && memory.shares > 0)
        text_copy_line(vm->balloon_owner, sizeof(vm->balloon_owner),
                       "Proxmox VE's automatic ballooning");
}
