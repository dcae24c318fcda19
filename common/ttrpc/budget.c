/* What all connections hold together.
 *
 * A connection is charged after the fact, at the end of each step that can change what it holds. So
 * the limit is passed by at most one chunk or one frame. Then the largest holder goes: a guest that
 * makes us hold much pays for it itself. */
#include <assert.h>
#include <errno.h>

#include "common/ttrpc/connection.h"

void ttrpc_budget_init(struct ttrpc_budget *budget, uint64_t bytes_limit,
                       uint32_t connections_limit)
{
    *budget = (struct ttrpc_budget){
        .bytes_limit = bytes_limit,
        .connections_limit = connections_limit,
    };
    list_init(&budget->members);
}

static uint64_t held(const struct ttrpc_connection *connection)
{
    size_t call_size = connection_is_server(connection) ? server_call_size : client_call_size;

    if (connection->state != CONNECTION_OPEN)
        return 0;
    return sizeof(*connection) + connection->parser.capacity + connection->rest_length +
           connection->output.bytes + (uint64_t)connection->call_count * call_size;
}

static void close_largest(struct ttrpc_budget *budget)
{
    struct ttrpc_connection *largest = NULL;

    list_for_each (link, &budget->members) {
        struct ttrpc_connection *connection = list_entry(link, struct ttrpc_connection, member);

        if (connection->state == CONNECTION_OPEN &&
            (largest == NULL || connection->charged > largest->charged))
            largest = connection;
    }
    if (largest == NULL)
        return;
    budget->closed++;
    connection_fail(largest, -ENOBUFS,
                    "all connections hold %llu bytes, more than their budget, and this one most: "
                    "%llu",
                    (unsigned long long)budget->bytes, (unsigned long long)largest->charged);
}

void connection_charge(struct ttrpc_connection *connection)
{
    struct ttrpc_budget *budget = connection->options.budget;
    uint64_t now;

    if (budget == NULL)
        return;
    now = held(connection);
    assert(budget->bytes >= connection->charged);
    budget->bytes += now - connection->charged;
    connection->charged = now;
    assert(budget->bytes >= now);
    if (budget->bytes > budget->bytes_limit)
        close_largest(budget);
}
