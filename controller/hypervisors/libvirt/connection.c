/* Opening libvirt, and its errors. */
#include "controller/hypervisors/libvirt/connection.h"

#include <errno.h>
#include <libvirt/virterror.h>
#include <stddef.h>

#include "common/base/util.h"

static int status_of(const virError *failure)
{
    switch (failure == NULL ? VIR_ERR_INTERNAL_ERROR : failure->code) {
    case VIR_ERR_NO_DOMAIN:
        return -ENOENT;
    case VIR_ERR_NO_MEMORY:
        return -ENOMEM;
    case VIR_ERR_OPERATION_DENIED:
    case VIR_ERR_ACCESS_DENIED:
    case VIR_ERR_AUTH_FAILED:
    case VIR_ERR_AUTH_CANCELLED:
    case VIR_ERR_AUTH_UNAVAILABLE:
        return -EACCES;
    case VIR_ERR_NO_SUPPORT:
        return -EOPNOTSUPP;
    case VIR_ERR_OPERATION_TIMEOUT: /* somebody has held the domain for 30 s */
        return -EBUSY;
    case VIR_ERR_INVALID_ARG:
    case VIR_ERR_OPERATION_INVALID:
    case VIR_ERR_OPERATION_UNSUPPORTED:
    case VIR_ERR_CONFIG_UNSUPPORTED:
    case VIR_ERR_ARGUMENT_UNSUPPORTED:
        return -EREMOTEIO;
    default:
        return -EIO;
    }
}

int connection_failure(const struct connection *connection, struct error *error)
{
    const virError *failure = virGetLastError();
    int status = status_of(failure);

    error_set(error, 0, "%s",
              failure == NULL || failure->message == NULL ? "it does not say why it failed"
                                                          : failure->message);
    if (connection->handle != NULL && virConnectIsAlive(connection->handle) != 1)
        status = -ENOTCONN;
    return status;
}

/* Whether less would be granted. */
static bool is_refused(void)
{
    const virError *failure = virGetLastError();

    return status_of(failure) == -EACCES ||
           (failure != NULL && failure->code == VIR_ERR_SYSTEM_ERROR &&
            (failure->int1 == EACCES || failure->int1 == EPERM));
}

int connection_open(struct connection *connection, struct error *error)
{
    int r;

    if (connection->handle != NULL && virConnectIsAlive(connection->handle) == 1)
        return 0;
    connection_close(connection);
    connection->is_read_only = false;
    connection->handle = virConnectOpen(connection->uri);
    if (connection->handle == NULL && is_refused()) {
        connection->is_read_only = true;
        connection->handle = virConnectOpenReadOnly(connection->uri);
    }
    if (connection->handle == NULL) {
        r = connection_failure(connection, error);
        return r == -EACCES ? r : -ECONNREFUSED;
    }
    /* A daemon of before 0.9.8 has none, and a driver without a daemon needs none. */
    (void)virConnectSetKeepAlive(connection->handle, CONNECTION_KEEPALIVE,
                                 CONNECTION_KEEPALIVE_COUNT);
    return 0;
}

void connection_close(struct connection *connection)
{
    if (connection->handle != NULL)
        (void)virConnectClose(connection->handle);
    connection->handle = NULL;
}
