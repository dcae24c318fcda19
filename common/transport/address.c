/* Addresses as text. */
#include "common/transport/address.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include <sys/socket.h>

#include <linux/vm_sockets.h>

#include "common/base/number.h"

#define FORMS "use vsock:CID:PORT, hybrid:PATH:PORT, unix:PATH or fd:N"

static int parse_uint32(const char *text, uint32_t *ret_value)
{
    uint64_t value;
    int r = number_parse(text, &value);
    if (r < 0)
        return r;
    if (value > UINT32_MAX)
        return -ERANGE;
    *ret_value = (uint32_t)value;
    return 0;
}

/* The largest port is VMADDR_PORT_ANY, which names none. */
static int parse_port(const char *text, const char *port, uint32_t *ret_port, struct error *error)
{
    uint32_t value;
    int r = parse_uint32(port, &value);
    if (r < 0 || value == VMADDR_PORT_ANY)
        return error_set(error, -EINVAL, "address '%s': '%s' is not a port number", text, port);
    *ret_port = value;
    return 0;
}

static int parse_cid(const char *text, const char *cid, size_t length, uint32_t *ret_cid,
                     struct error *error)
{
    char copy[16];

    if (length == strlen("any") && memcmp(cid, "any", length) == 0) {
        *ret_cid = VMADDR_CID_ANY;
        return 0;
    }
    if (length < sizeof(copy)) {
        memcpy(copy, cid, length);
        copy[length] = '\0';
        if (parse_uint32(copy, ret_cid) == 0)
            return 0;
    }
    return error_set(error, -EINVAL, "address '%s': the CID is neither a number nor 'any'", text);
}

static int parse_path(const char *text, const char *path, size_t length, struct address *address,
                      struct error *error)
{
    if (length == 0)
        return error_set(error, -EINVAL, "address '%s': the path is empty", text);
    if (length >= sizeof(address->path))
        return error_set(error, -EINVAL,
                         "address '%s': the path has %zu bytes, a UNIX socket's at most %zu", text,
                         length, sizeof(address->path) - 1);
    memcpy(address->path, path, length);
    address->path[length] = '\0';
    return 0;
}

static int parse_vsock(const char *text, const char *rest, struct address *address,
                       struct error *error)
{
    const char *colon = strchr(rest, ':');
    int r;

    if (colon == NULL)
        return error_set(error, -EINVAL, "address '%s': there is no port; " FORMS, text);
    r = parse_cid(text, rest, (size_t)(colon - rest), &address->cid, error);
    return r < 0 ? r : parse_port(text, colon + 1, &address->port, error);
}

/* The last colon ends the path: paths may have colons. */
static int parse_hybrid(const char *text, const char *rest, struct address *address,
                        struct error *error)
{
    const char *colon = strrchr(rest, ':');
    int r;

    if (colon == NULL)
        return error_set(error, -EINVAL, "address '%s': there is no port; " FORMS, text);
    r = parse_path(text, rest, (size_t)(colon - rest), address, error);
    return r < 0 ? r : parse_port(text, colon + 1, &address->port, error);
}

static int parse_unix(const char *text, const char *rest, struct address *address,
                      struct error *error)
{
    return parse_path(text, rest, strlen(rest), address, error);
}

static int parse_fd(const char *text, const char *rest, struct address *address,
                    struct error *error)
{
    uint32_t number;

    if (parse_uint32(rest, &number) < 0 || number > INT_MAX)
        return error_set(error, -EINVAL, "address '%s': '%s' is not a descriptor number", text,
                         rest);
    address->descriptor = (int)number;
    return 0;
}

static const struct {
    const char *prefix;
    enum address_kind kind;
    int (*parse)(const char *text, const char *rest, struct address *address, struct error *error);
} kinds[] = {
    {"vsock:", ADDRESS_VSOCK, parse_vsock},
    {"hybrid:", ADDRESS_HYBRID, parse_hybrid},
    {"unix:", ADDRESS_UNIX, parse_unix},
    {"fd:", ADDRESS_FD, parse_fd},
};

int address_parse(const char *text, struct address *ret_address, struct error *error)
{
    for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
        size_t length = strlen(kinds[i].prefix);
        struct address address = {.kind = kinds[i].kind, .descriptor = -1};
        int r;

        if (strncmp(text, kinds[i].prefix, length) != 0)
            continue;
        r = kinds[i].parse(text, text + length, &address, error);
        if (r == 0)
            *ret_address = address;
        return r;
    }
    return error_set(error, -EINVAL, "address '%s' is of no known kind; " FORMS, text);
}

int address_of_root(const struct address *api, struct address *ret_address)
{
    struct address address = *api;
    int length = snprintf(address.path, sizeof(address.path), "%s.root", api->path);

    if (api->kind != ADDRESS_UNIX)
        return -EINVAL;
    if ((size_t)length >= sizeof(address.path))
        return -ENAMETOOLONG;
    *ret_address = address;
    return 0;
}

const char *address_format(const struct address *address, char *buffer, size_t size)
{
    switch (address->kind) {
    case ADDRESS_VSOCK:
        if (address->cid == VMADDR_CID_ANY)
            snprintf(buffer, size, "vsock:any:%u", address->port);
        else
            snprintf(buffer, size, "vsock:%u:%u", address->cid, address->port);
        break;
    case ADDRESS_HYBRID:
        snprintf(buffer, size, "hybrid:%s:%u", address->path, address->port);
        break;
    case ADDRESS_UNIX:
        snprintf(buffer, size, "unix:%s", address->path);
        break;
    case ADDRESS_FD:
        snprintf(buffer, size, "fd:%d", address->descriptor);
        break;
    }
    return buffer;
}
