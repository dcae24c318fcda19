/* QMP sockets: how they are given, found and named. */
#include "controller/hypervisors/qemu/sockets.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "common/base/hash.h"
#include "common/base/text.h"
#include "common/base/util.h"

int qemu_check_socket(const char *path, struct error *error)
{
    const size_t size = sizeof(((struct sockaddr_un *)NULL)->sun_path);

    if (path[0] != '/' || strlen(path) >= size)
        return error_set(error, -EINVAL,
                         "'%s' is not the absolute path of a QMP socket of at most %zu bytes", path,
                         size - 1);
    return 0;
}

static bool ends_with(const char *text, const char *end)
{
    size_t length = strlen(text);
    size_t end_length = strlen(end);

    return length > end_length && strcmp(text + length - end_length, end) == 0;
}

bool qemu_is_socket(const char *path)
{
    struct stat file;

    return (ends_with(path, ".qmp") || ends_with(path, ".sock")) && stat(path, &file) == 0 &&
           S_ISSOCK(file.st_mode);
}

void qemu_name_socket(const char *path, char *name, size_t size)
{
    const char *slash = strrchr(path, '/');
    const char *base = slash == NULL ? path : slash + 1;
    const char *dot = strrchr(base, '.');
    size_t length = dot == NULL || dot == base ? strlen(base) : (size_t)(dot - base);

    size_t used = 0;

    /* A VM's name does not begin with a dot or a dash. */
    if (length == 0 || !isalnum((unsigned char)base[0]))
        used = (size_t)snprintf(name, size, "vm");
    for (size_t i = 0; i < length && used + 1 < size; i++)
        name[used++] =
            isalnum((unsigned char)base[i]) || strchr(".-_", base[i]) != NULL ? base[i] : '-';
    name[used] = '\0';
}

const char *qemu_socket_owner(const char *path)
{
    static const struct {
        const char *place; /* in the path */
        const char *end;   /* of it */
        const char *owner;
    } sockets[] = {
        {"/run/qemu-server/", ".qmp", "Proxmox VE's tools"}, /* one after another, all day */
        {"/libvirt/", "/monitor.sock", "libvirt"},           /* for as long as the VM runs */
        {"/", "/qemu.monitor", "Incus or LXD"},              /* likewise */
    };

    for (size_t i = 0; i < ARRAY_SIZE(sockets); i++)
        if (strstr(path, sockets[i].place) != NULL && ends_with(path, sockets[i].end))
            return sockets[i].owner;
    return NULL;
}

uint64_t qemu_identify_socket(const char *path)
{
    struct stat file;
    uint64_t identity;

    if (stat(path, &file) < 0)
        return 0;
    identity = hash_number(file.st_ino) ^ hash_number((uint64_t)file.st_ctim.tv_sec) ^
               hash_number((uint64_t)file.st_ctim.tv_nsec << 1);
    return identity == 0 ? 1 : identity;
}
