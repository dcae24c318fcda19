/* QMP sockets: how they are given, found and named. */
#include "controller/hypervisors/qemu/sockets.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "common/base/cleanup.h"
#include "common/base/hash.h"
#include "common/base/process-path.h"
#include "common/base/text.h"
#include "common/base/util.h"

static const char shared[] = "shared:";

const char *qemu_socket_path(const char *where)
{
    return strncmp(where, shared, sizeof(shared) - 1) == 0 ? where + sizeof(shared) - 1 : where;
}

int qemu_check_socket(const char *where, struct error *error)
{
    const char *path = qemu_socket_path(where);
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

void qemu_name_socket(const char *where, char *name, size_t size)
{
    const char *path = qemu_socket_path(where);
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

static bool is_at(const char *path, const char *place, const char *end)
{
    return strstr(path, place) != NULL && ends_with(path, end);
}

bool qemu_is_shared(const char *where)
{
    return qemu_socket_path(where) != where || is_at(where, "/run/qemu-server/", ".qmp");
}

const char *qemu_socket_owner(const char *where)
{
    const char *path = qemu_socket_path(where);

    if (is_at(path, "/libvirt/", "/monitor.sock"))
        return "libvirt";
    return is_at(path, "/", "/qemu.monitor") ? "Incus or LXD" : NULL;
}

uint64_t qemu_identify_socket(const char *where)
{
    cleanup_close int descriptor = process_path_open(AT_FDCWD, qemu_socket_path(where));
    struct stat file;
    uint64_t identity;

    if (descriptor < 0 || fstat(descriptor, &file) < 0)
        return 0;
    identity = hash_number(file.st_ino) ^ hash_number((uint64_t)file.st_ctim.tv_sec) ^
               hash_number((uint64_t)file.st_ctim.tv_nsec << 1);
    return identity == 0 ? 1 : identity;
}
