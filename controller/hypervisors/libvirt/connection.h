/* A connection to libvirt. Each belongs to one thread, and every call blocks it. */
#ifndef VMRECLAIM_CONTROLLER_HYPERVISORS_LIBVIRT_CONNECTION_H
#define VMRECLAIM_CONTROLLER_HYPERVISORS_LIBVIRT_CONNECTION_H

#include <libvirt/libvirt.h>
#include <stdbool.h>

#include "common/base/error.h"

/* libvirt drops a daemon that does not answer after this many seconds, times the count. */
#define CONNECTION_KEEPALIVE       5
#define CONNECTION_KEEPALIVE_COUNT 5

#define CONNECTION_URI_SIZE   128
#define CONNECTION_EVENTS_MAX 16

struct connection {
    char uri[CONNECTION_URI_SIZE];
    virConnectPtr handle;              /* NULL: not connected */
    bool is_read_only;                 /* we may not do more */
    int events[CONNECTION_EVENTS_MAX]; /* what is registered, of events.c */
    size_t event_count;
    void *closed; /* who is notified of its end; NULL: nobody */
};

/* Connects, unless it is connected and lives. -EACCES, -ECONNREFUSED with libvirt's words. */
int connection_open(struct connection *connection, struct error *error);

void connection_close(struct connection *connection);

/* What libvirt's last failure on this thread was, as an errno, with its words. -ENOTCONN: the
 * connection has ended. -EREMOTEIO: it refused, and did nothing. -EIO: nobody knows how far it
 * came. */
int connection_failure(const struct connection *connection, struct error *error);

#endif
