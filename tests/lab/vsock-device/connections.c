/* The table of connections. */
#include "tests/lab/vsock-device/connections.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

void connections_init(struct connections *connections)
{
    hash_table_init(&connections->by_ports);
    list_init(&connections->all);
    list_init(&connections->pending);
    list_init(&connections->timed);
    connections->count = 0;
    connections->port_last = CONNECTIONS_PORT_FIRST - 1;
    connections->resets_start = 0;
    connections->resets_count = 0;
}

void connections_finish(struct connections *connections)
{
    assert(connections->count == 0);
    hash_table_finish(&connections->by_ports);
}

/* ---- the table ---- */

static uint64_t hash_ports(uint32_t host_port, uint32_t guest_port)
{
    return hash_number((uint64_t)host_port << 32 | guest_port);
}

struct connection *connections_find(const struct connections *connections, uint32_t host_port,
                                    uint32_t guest_port)
{
    struct hash_link *link =
        hash_table_first(&connections->by_ports, hash_ports(host_port, guest_port));

    for (; link != NULL; link = hash_table_next(link)) {
        struct connection *connection = container_of(link, struct connection, link);

        if (connection->host_port == host_port && connection->guest_port == guest_port)
            return connection;
    }
    return NULL;
}

static int set_ports(struct connections *connections, struct connection *connection,
                     uint32_t host_port, uint32_t guest_port)
{
    int r = hash_table_add(&connections->by_ports, &connection->link,
                           hash_ports(host_port, guest_port));

    if (r < 0)
        return r;
    connection->host_port = host_port;
    connection->guest_port = guest_port;
    return 0;
}

int connections_add(struct connections *connections, enum connection_state state,
                    uint32_t host_port, uint32_t guest_port, struct connection **ret_connection)
{
    struct connection *connection;
    int r = 0;

    assert(state == CONNECTION_WAITING || state == CONNECTION_ACCEPTED);
    if (connections->count == CONNECTIONS_MAX)
        return -ENOSPC;
    if (state == CONNECTION_ACCEPTED && connections_find(connections, host_port, guest_port))
        return -EEXIST;
    connection = calloc(1, sizeof(*connection));
    if (connection == NULL)
        return -ENOMEM;
    connection->state = state;
    connection->deadline = NSEC_INFINITY;
    if (state == CONNECTION_ACCEPTED) {
        connection->pending = CONNECTION_SEND_RESPONSE;
        r = set_ports(connections, connection, host_port, guest_port);
    }
    if (r < 0) {
        free(connection);
        return r;
    }
    list_append(&connections->all, &connection->all);
    list_init(&connection->pending_at);
    list_init(&connection->timed);
    list_init(&connection->touched);
    connections->count++;
    *ret_connection = connection;
    return 0;
}

int connections_name(struct connections *connections, struct connection *connection,
                     uint32_t guest_port)
{
    uint32_t port = connections->port_last;
    int r;

    assert(connection->state == CONNECTION_WAITING);
    /* At most one turn more than there are connections. */
    do
        port = ((port + 1) & ~(1u << 31)) | CONNECTIONS_PORT_FIRST;
    while (connections_find(connections, port, guest_port) != NULL);
    r = set_ports(connections, connection, port, guest_port);
    if (r < 0)
        return r;
    connections->port_last = port;
    (void)connection_step(connection, CONNECTION_NAMED);
    return 0;
}

void connections_remove(struct connections *connections, struct connection *connection)
{
    assert(connections->count > 0);
    hash_table_remove(&connections->by_ports, &connection->link);
    list_remove(&connection->all);
    list_remove(&connection->pending_at);
    list_remove(&connection->timed);
    list_remove(&connection->touched);
    free(connection->backlog);
    free(connection);
    connections->count--;
}

/* ---- turns and deadlines ---- */

void connections_update(struct connections *connections, struct connection *connection, nsec_t now)
{
    bool timed = connection_is_timed(connection);

    if (connection->pending == 0)
        list_remove(&connection->pending_at);
    else if (list_is_empty(&connection->pending_at))
        list_append(&connections->pending, &connection->pending_at);
    if (!timed) {
        connection->deadline = NSEC_INFINITY;
        list_remove(&connection->timed);
    } else if (connection->deadline == NSEC_INFINITY) {
        connection->deadline = now + CONNECTION_PATIENCE;
        list_append(&connections->timed, &connection->timed);
    }
}

struct connection *connections_next(struct connections *connections)
{
    struct connection *connection;

    if (list_is_empty(&connections->pending))
        return NULL;
    connection = list_entry(connections->pending.next, struct connection, pending_at);
    list_remove(&connection->pending_at);
    return connection;
}

nsec_t connections_deadline(const struct connections *connections)
{
    if (list_is_empty(&connections->timed))
        return NSEC_INFINITY;
    return list_entry(connections->timed.next, struct connection, timed)->deadline;
}

struct connection *connections_expired(const struct connections *connections, nsec_t now)
{
    if (connections_deadline(connections) > now)
        return NULL;
    return list_entry(connections->timed.next, struct connection, timed);
}

/* ---- resets ---- */

void connections_refuse(struct connections *connections, uint32_t host_port, uint32_t guest_port)
{
    unsigned end = connections->resets_start + connections->resets_count;

    if (connections->resets_count == CONNECTIONS_RESETS_MAX)
        return;
    connections->resets[end % CONNECTIONS_RESETS_MAX] =
        (struct connections_reset){.host_port = host_port, .guest_port = guest_port};
    connections->resets_count++;
}

bool connections_next_reset(struct connections *connections, struct connections_reset *ret_reset)
{
    if (connections->resets_count == 0)
        return false;
    *ret_reset = connections->resets[connections->resets_start];
    connections->resets_start = (connections->resets_start + 1) % CONNECTIONS_RESETS_MAX;
    connections->resets_count--;
    return true;
}
