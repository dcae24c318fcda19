/* The socket and who has connected; and the coordinator itself. */
#include "controller/fleet/coordinator/service.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/log.h"
#include "controller/fleet/coordinator/service-methods.h"

#define SOCKET_MODE     0660
#define CONNECTIONS_MAX 64
#define BUDGET_BYTES    ((uint64_t)64 << 20) /* of a socket, as the one above */
#define FRAME_BYTES     (1u << 20)

/* ---- the coordinator itself ---- */

static const char *problem_of(const struct service *service)
{
    const struct writer *writer = service->rollouts->writer;

    if (service->problem[0] != '\0')
        return service->problem;
    if (service->lease->problem[0] != '\0')
        return service->lease->problem;
    if (lease_is_held(service->lease) && writer->problem[0] != '\0')
        return writer->problem;
    if (lease_is_held(service->lease) && service->rollouts->unstored[0] != '\0')
        return service->rollouts->unstored;
    return service->rollouts->problem;
}

static void get_coordinator(struct ttrpc_call *call, const ProtobufCMessage *message,
                            void *userdata)
{
    FLEET_CALL(GetCoordinator, Response)
    response = VMRECLAIM__FLEET__V1__GET_COORDINATOR_RESPONSE__INIT;
    struct service *service = service_client_of(call)->service;
    const struct fleet_hosts *hosts = service->hosts;

    response.version = (char *)VMRECLAIM_VERSION;
    response.leads = lease_is_held(service->lease);
    response.leader = (char *)service->lease->leader;
    response.epoch = service->lease->epoch;
    response.bus_is_there = service->bus_is_there;
    response.problem = (char *)problem_of(service);
    response.hosts = (uint32_t)hosts->count;
    for (size_t i = 0; i < hosts->count; i++)
        response.hosts_lost += strcmp(service_presence_of(service, hosts->sorted[i]), "lost") == 0;
    list_for_each (link, &service->rollouts->documents.list)
        response.rollouts += !rollout_rests(list_entry(link, struct rollout_entry, link)->document);
    response.key =
        (ProtobufCBinaryData){.len = SIGNING_ID_SIZE, .data = (uint8_t *)hosts->keys[0].bytes};
    ttrpc_call_finish(call, &response.base);
}

/* ---- connections ---- */

static void refuse_order(struct ttrpc_call *call, const ProtobufCMessage *message, void *userdata)
{
    ttrpc_call_fail(call, TTRPC_PERMISSION_DENIED,
                    "this socket is for looking; orders are taken at the coordinator's other one");
}

/* In the order of the service's methods. */
#define HANDLERS(start, order)                                                                     \
    {                                                                                              \
        get_coordinator, service_list_hosts, service_get_host_status, service_explain_fleet_vm,    \
            service_list_fleet_vms, service_list_fleet_policies, service_get_fleet_policy,         \
            service_list_rollouts, start, order, service_list_fleet_events,                        \
            service_list_rollout_history,                                                          \
    }

static const ttrpc_handler handlers[] = HANDLERS(service_start_rollout, service_order_rollout);
static const ttrpc_handler readers_handlers[] = HANDLERS(refuse_order, refuse_order);

static const struct ttrpc_service fleet_service = {
    .descriptor = &vmreclaim__fleet__v1__fleet__descriptor, .handlers = handlers};
static const struct ttrpc_service *const services[] = {&fleet_service, NULL};

static const struct ttrpc_service readers_service = {
    .descriptor = &vmreclaim__fleet__v1__fleet__descriptor, .handlers = readers_handlers};
static const struct ttrpc_service *const readers_services[] = {&readers_service, NULL};

static void on_close(struct ttrpc_connection *connection, int status, const char *reason,
                     void *userdata)
{
    struct service_client *client = userdata;

    if (client->naming != NULL)
        name_forget(client->naming);
    list_remove(&client->link);
    free(client);
}

/* NULL: he was not here yet, or nobody knew his name. */
static struct service_name *name_of(struct service *service, uid_t uid)
{
    for (unsigned i = 0; i < SERVICE_NAMES; i++)
        if (service->names[i].uid == uid && service->names[i].name[0] != '\0')
            return &service->names[i];
    return NULL;
}

static void on_name(const char *name, void *userdata)
{
    struct service_client *client = userdata;
    struct service *service = client->service;
    struct service_name *known = name_of(service, client->uid);

    client->naming = NULL;
    if (name == NULL)
        return;
    if (known == NULL)
        known = &service->names[service->next_name++ % SERVICE_NAMES];
    known->uid = client->uid;
    snprintf(known->name, sizeof(known->name), "%s", name);
    snprintf(client->author, sizeof(client->author), "%s", name);
}

static void take(struct service *service, int descriptor, const struct peer *peer,
                 const struct ttrpc_service *const *offered, struct ttrpc_budget *budget)
{
    struct service_client *client = calloc(1, sizeof(*client));
    struct ttrpc_connection_options options = {.limits = ttrpc_limits_default,
                                               .services = offered,
                                               .budget = budget,
                                               .userdata = client,
                                               .on_close = on_close};
    const struct service_name *known = name_of(service, peer->uid);
    int r;

    if (client == NULL) {
        (void)close(descriptor);
        return;
    }
    options.limits.frame_bytes = FRAME_BYTES;
    client->service = service;
    client->uid = peer->uid;
    if (known != NULL)
        snprintf(client->author, sizeof(client->author), "%s", known->name);
    else
        snprintf(client->author, sizeof(client->author), "uid %u", (unsigned)peer->uid);
    r = ttrpc_connection_create(service->loop, descriptor, &options, &client->connection);
    if (r < 0) {
        log_warning("a client of the fleet's API is refused: %s", strerror(-r));
        free(client);
        return;
    }
    list_append(&service->clients, &client->link);
    (void)name_look_up(service->loop, peer->uid, on_name, client, &client->naming);
}

static void on_accept(int descriptor, const struct peer *peer, void *userdata)
{
    struct service *service = userdata;

    take(service, descriptor, peer, services, &service->budget);
}

static void on_reader(int descriptor, const struct peer *peer, void *userdata)
{
    struct service *service = userdata;

    take(service, descriptor, peer, readers_services, &service->readers_budget);
}

void service_on_bus(struct service *service, bool is_there, const char *problem)
{
    service->bus_is_there = is_there;
    snprintf(service->problem, sizeof(service->problem), "%s", is_there ? "" : problem);
}

static int listen_on(struct service *service, const char *key, const char *text,
                     listener_callback on_client, struct listener **ret_listener,
                     struct error *error)
{
    struct address address;
    int r = address_parse(text, &address, error);

    if (r == 0)
        r = listener_create(service->loop, &address, SOCKET_MODE, on_client, service, ret_listener,
                            error);
    return r < 0 ? error_prefix(error, r, "%s %s", key, text) : 0;
}

int service_start(struct service *service, uv_loop_t *loop,
                  const struct service_addresses *addresses, struct fleet_hosts *hosts,
                  struct rollouts *rollouts, const struct lease *lease, struct error *error)
{
    int r;

    *service = (struct service){.loop = loop, .hosts = hosts, .rollouts = rollouts, .lease = lease};
    list_init(&service->clients);
    slices_init(&service->slices, loop);
    ttrpc_budget_init(&service->budget, BUDGET_BYTES, CONNECTIONS_MAX);
    ttrpc_budget_init(&service->readers_budget, BUDGET_BYTES, CONNECTIONS_MAX);
    r = listen_on(service, "listen", addresses->listen, on_accept, &service->listener, error);
    if (r == 0 && addresses->listen_read[0] != '\0')
        r = listen_on(service, "listen_read", addresses->listen_read, on_reader, &service->readers,
                      error);
    return r;
}

void service_stop(struct service *service)
{
    listener_destroy(service->listener);
    listener_destroy(service->readers);
    service->listener = service->readers = NULL;
    list_for_each_safe (link, following, &service->clients)
        ttrpc_connection_close(list_entry(link, struct service_client, link)->connection);
    slices_stop(&service->slices);
}
