/* All connections of a device, and what is to be told to the guest: a table by ports, a fair queue,
 * deadlines, and resets for what is no connection. No I/O, no clock. */
#ifndef VMRECLAIM_TESTS_LAB_VSOCK_DEVICE_CONNECTIONS_H
#define VMRECLAIM_TESTS_LAB_VSOCK_DEVICE_CONNECTIONS_H

#include "tests/lab/vsock-device/connection.h"

#define CONNECTIONS_MAX        1023u
#define CONNECTIONS_RESETS_MAX 256u
#define CONNECTIONS_PORT_FIRST (1u << 30) /* to 2^31 - 1, then from the start again */

struct connections_reset {
    uint32_t host_port;
    uint32_t guest_port;
};

struct connections {
    struct hash_table by_ports;
    struct list all;
    struct list pending; /* what is to be told goes in turns */
    struct list timed;   /* the first deadline first: all are given the same time */
    unsigned count;
    uint32_t port_last;
    struct connections_reset resets[CONNECTIONS_RESETS_MAX]; /* a ring */
    unsigned resets_start;
    unsigned resets_count;
};

void connections_init(struct connections *connections);

/* There are none left. */
void connections_finish(struct connections *connections);

/* A connection in `state`: WAITING without ports, or ACCEPTED, with credit for nothing. -ENOSPC,
 * -ENOMEM; -EEXIST: the guest has one with these ports. */
int connections_add(struct connections *connections, enum connection_state state,
                    uint32_t host_port, uint32_t guest_port, struct connection **ret_connection);

/* A WAITING one wants a port of the guest: it gets one of ours. -ENOMEM: nothing has changed. */
int connections_name(struct connections *connections, struct connection *connection,
                     uint32_t guest_port);

/* NULL: none. */
struct connection *connections_find(const struct connections *connections, uint32_t host_port,
                                    uint32_t guest_port);

/* Frees it; its stream is closed already. */
void connections_remove(struct connections *connections, struct connection *connection);

/* After each change of a connection: its turn comes when something is pending, and its time runs
 * from `now` when it is in a state that ends by itself. */
void connections_update(struct connections *connections, struct connection *connection, nsec_t now);

/* The connection whose turn it is, which goes to the end of the queue with its next update. NULL:
 * none has something to tell. */
struct connection *connections_next(struct connections *connections);

/* The first whose time is over. NULL: none. */
struct connection *connections_expired(const struct connections *connections, nsec_t now);
nsec_t connections_deadline(const struct connections *connections); /* NSEC_INFINITY: none */

/* A reset for ports that are no connection. When too many wait, the guest is told nothing. */
void connections_refuse(struct connections *connections, uint32_t host_port, uint32_t guest_port);
bool connections_next_reset(struct connections *connections, struct connections_reset *ret_reset);

#endif
