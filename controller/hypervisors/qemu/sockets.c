/* QMP sockets: how they are given, found and named. */
#include "controller/hypervisors/qemu/sockets.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>

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

bool qemu_is_socket(const char *path)
{
    struct stat file;

    return (text_ends_with(path, ".qmp") || text_ends_with(path, ".sock")) &&
           stat(path, &file) == 0 && S_ISSOCK(file.st_mode);
}

void qemu_name_socket(const char *where, char *name, size_t size)
{
    const char *path = qemu_socket_path(where);
    const char *slash = strrchr(path, '/');
    const char *base = slash == NULL ? path : slash + 1;
    const char *dot = strrchr(base, '.');
    size_t length = dot == NULL || dot == base ? strlen(base) : (size_t)(dot - base);

    text_copy_bytes(name, size, base, length);
}

static bool is_at(const char *path, const char *place, const char *end)
{
    return strstr(path, place) != NULL && text_ends_with(path, end);
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
    return process_path_identify(qemu_socket_path(where));
}
