/* The ttRPC door: connections of clients, who they are, and their calls. */
#include "controller/api/connections.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/policy/policy-yaml.h"

#define GROUPS_MAX 256
#define BYTES_MAX  ((uint64_t)256 << 20) /* of all of root's connections */
#define OTHERS_MAX ((uint64_t)64 << 20)  /* of all others */

/* A connection is served once its user's name is known, because it goes into records. When the
 * directory of users takes longer than this, the number goes in instead. */
#define NAME_PATIENCE (500 * NSEC_PER_MSEC)
#define NAME_CHECK    100 /* ms: whether it has taken too long */

struct api_connection {
    struct list link;
    struct api *api;
    struct ttrpc_connection *connection; /* NULL: it waits for the name */
    int descriptor;                      /* while it waits */
    nsec_t patience;                     /* CLOCK_MONOTONIC; until then it waits */
    struct api_user *user;
    struct api_caller caller;
    enum api_standing standing; /* when it came: what it may take stays as it was */
    size_t group_count;
    gid_t groups[]; /* of the client when it connected */
};

/* Frames of ours may be as large as ttRPC allows: lists of ten thousand VMs. */
static const struct ttrpc_limits operator_limits = {
    .streams = 16,
    .queued_bytes = 64u << 20,
    .stall = 30 * NSEC_PER_SEC,
    .text_bytes = API_TEXT_BYTES,
    .texts = api_texts,
};

const struct ttrpc_text_bound api_texts[] = {
    {"source", POLICY_YAML_MAX},
    {"source_name", 1024}, /* a path */
    {"page_token", 1024},  /* has a name in it */
    {NULL, 0},
};

#define OTHERS_QUEUED (16u << 20)

/* ---- calls ---- */

struct door_call {
    struct api_call call;
    struct ttrpc_call *ttrpc; /* while the call is open */
};

static struct door_call *door_call_of(struct api_call *call)
{
    return container_of(call, struct door_call, call);
}

static int door_send(struct api_call *call, const ProtobufCMessage *message)
{
    return ttrpc_call_send(door_call_of(call)->ttrpc, message);
}

static void on_drain(struct ttrpc_call *ttrpc, void *userdata)
{
    struct door_call *door_call = userdata;

    api_call_drained(&door_call->call);
}

static void door_await_drain(struct api_call *call)
{
    ttrpc_call_on_drain(door_call_of(call)->ttrpc, on_drain, door_call_of(call));
}

static void door_finish(struct api_call *call, const ProtobufCMessage *response)
{
    assert(door_call_of(call)->ttrpc != NULL);
    ttrpc_call_finish(door_call_of(call)->ttrpc, response);
}

static void door_fail(struct api_call *call, int status, const char *text)
{
    ttrpc_call_fail(door_call_of(call)->ttrpc, ttrpc_code_of_errno(status), "%s", text);
}

static void door_release(struct api_call *call)
{
    assert(call->state == API_CALL_ENDED);
    free(door_call_of(call));
}

static const struct api_door ttrpc_door = {
    .send = door_send,
    .await_drain = door_await_drain,
    .finish = door_finish,
    .fail = door_fail,
    .release = door_release,
};

static void on_cancel(struct ttrpc_call *ttrpc, void *userdata)
{
    struct door_call *door_call = userdata;

    assert(door_call->ttrpc == ttrpc);
    door_call->ttrpc = NULL;
    api_call_abandon(&door_call->call);
}

/* What is no program's name is none. */
static void read_program(const struct ttrpc_call *ttrpc, struct api_caller *caller)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789-";
    char *program = caller->program;

    if (ttrpc_call_metadata(ttrpc, PROGRAM_KEY, program, sizeof(caller->program)) < 0 ||
        program[strspn(program, allowed)] != '\0')
        program[0] = '\0';
}

/* All methods begin here. */
static void on_call(struct ttrpc_call *ttrpc, const ProtobufCMessage *request, void *userdata)
{
    struct api_connection *connection = userdata;
    struct door_call *door_call = calloc(1, sizeof(*door_call));

    if (door_call == NULL) {
        ttrpc_call_fail(ttrpc, TTRPC_RESOURCE_EXHAUSTED, "out of memory");
        return;
    }
    *door_call = (struct door_call){
        .call = {.door = &ttrpc_door,
                 .api = connection->api,
                 .user = connection->user,
                 .share = api_user_share(connection->user, connection->standing),
                 .caller = connection->caller},
        .ttrpc = ttrpc,
    };
    snprintf(door_call->call.caller.name, sizeof(door_call->call.caller.name), "%s",
             connection->user->name);
    read_program(ttrpc, &door_call->call.caller);
    ttrpc_call_on_cancel(ttrpc, on_cancel, door_call);
    api_dispatch(&door_call->call, api_method_of(request->descriptor), request);
}

/* ---- who calls ---- */

/* Whoever has more groups than fit has those that fit. */
static size_t read_groups(int descriptor, gid_t groups[GROUPS_MAX])
{
    socklen_t length = GROUPS_MAX * sizeof(groups[0]);

    return getsockopt(descriptor, SOL_SOCKET, SO_PEERGROUPS, groups, &length) < 0
               ? 0
               : length / sizeof(groups[0]);
}

static bool is_member(const struct api_connection *connection, gid_t group)
{
    if (group == API_GROUP_NONE)
        return false;
    if (connection->caller.gid == group)
        return true;
    for (size_t i = 0; i < connection->group_count; i++)
        if (connection->groups[i] == group)
            return true;
    return false;
}

/* Root and the daemon's own user may do everything. */
static bool is_owner(const struct api_caller *caller)
{
    return caller->uid == 0 || caller->uid == geteuid();
}

static void look_up_rights(struct api_connection *connection)
{
    const struct api *api = connection->api;
    struct api_caller *caller = &connection->caller;

    caller->may_control = is_owner(caller) || is_member(connection, api->groups.control);
    caller->may_carry = caller->may_control || is_member(connection, api->groups.fleet);
    caller->may_read = caller->may_carry || is_member(connection, api->groups.read);
}

static void destroy(struct api_connection *connection)
{
    list_remove(&connection->link);
    api_users_leave(&connection->api->users, connection->user, connection->standing);
    free(connection);
}

static void close_connection(struct api_connection *connection)
{
    if (connection->connection != NULL) {
        ttrpc_connection_close(connection->connection);
        return;
    }
    close(connection->descriptor);
    destroy(connection);
}

/* Its streams end too, and what it may use of the daemon is bounded when it comes again. */
void api_set_groups(struct api *api, const struct api_groups *groups)
{
    api->groups = *groups;
    list_for_each_safe (link, following, &api->connections) {
        struct api_connection *connection = list_entry(link, struct api_connection, link);
        const struct api_caller before = connection->caller;

        look_up_rights(connection);
        if ((before.may_control && !connection->caller.may_control) ||
            (before.may_carry && !connection->caller.may_carry) ||
            (before.may_read && !connection->caller.may_read))
            close_connection(connection);
    }
}

/* ---- connections ---- */

static void on_close(struct ttrpc_connection *ttrpc, int status, const char *reason, void *userdata)
{
    destroy(userdata);
}

static enum api_standing standing_of(const struct api_caller *caller)
{
    if (is_owner(caller))
        return API_STANDING_OWNER;
    if (caller->may_control)
        return API_STANDING_CONTROL;
    if (caller->may_carry)
        return API_STANDING_FLEET;
    return caller->may_read ? API_STANDING_READ : API_STANDING_NONE;
}

/* NULL: no room for another, or no memory. */
static struct api_connection *create_connection(struct api *api, int descriptor,
                                                const struct peer *peer)
{
    struct api_user *user = api_users_get(&api->users, peer->uid);
    gid_t groups[GROUPS_MAX];
    size_t group_count = read_groups(descriptor, groups);
    struct api_connection *connection;

    if (user == NULL)
        return NULL;
    connection = calloc(1, sizeof(*connection) + group_count * sizeof(groups[0]));
    if (connection == NULL)
        return NULL;
    list_init(&connection->link);
    connection->api = api;
    connection->user = user;
    connection->descriptor = descriptor;
    connection->caller = (struct api_caller){.pid = peer->pid, .uid = peer->uid, .gid = peer->gid};
    connection->group_count = group_count;
    memcpy(connection->groups, groups, group_count * sizeof(groups[0]));
    look_up_rights(connection);
    connection->standing = standing_of(&connection->caller);
    if (api_users_enter(&api->users, user, connection->standing))
        return connection;
    free(connection);
    return NULL;
}

static void serve(struct api_connection *connection)
{
    static const struct ttrpc_service *services[2];
    struct api *api = connection->api;
    struct ttrpc_connection_options options = {
        .limits = operator_limits,
        .services = services,
        .budget = &api->budget,
        .userdata = connection,
        .on_close = on_close,
    };

    services[0] = &api->service;
    options.limits.idle = api_bounds[connection->standing].idle;
    options.limits.frame_bytes = api_bounds[connection->standing].frame_bytes;
    options.processor = api_user_share(connection->user, connection->standing);
    if (options.processor != NULL) {
        options.budget = &api->others_budget;
        options.limits.queued_bytes = OTHERS_QUEUED;
        options.limits.frame_by_frame = true;
    }
    if (ttrpc_connection_create(api->rooms.supervisor->loop, connection->descriptor, &options,
                                &connection->connection) < 0)
        destroy(connection);
}

/* ---- waiting for names ---- */

static bool has_to_wait(const struct api_connection *connection, nsec_t now)
{
    return connection->user->lookup != NULL && now < connection->patience;
}

static void serve_those_who_waited(struct api *api)
{
    nsec_t now = time_monotonic();
    bool any = false;

    list_for_each_safe (link, following, &api->connections) {
        struct api_connection *connection = list_entry(link, struct api_connection, link);

        if (connection->connection != NULL)
            continue;
        if (has_to_wait(connection, now))
            any = true;
        else
            serve(connection);
    }
    if (!any)
        uv_timer_stop(&api->name_timer);
}

static void on_name_timer(uv_timer_t *timer)
{
    serve_those_who_waited(timer->data);
}

static void on_looked_up(struct api_user *user, void *userdata)
{
    serve_those_who_waited(userdata);
}

/* From when the lookup began, so that a slow directory is waited for once. */
static void serve_when_named(struct api *api, struct api_connection *connection)
{
    connection->patience = connection->user->asked + NAME_PATIENCE;
    if (!has_to_wait(connection, time_monotonic()))
        serve(connection);
    else if (!uv_is_active((uv_handle_t *)&api->name_timer))
        uv_timer_start(&api->name_timer, on_name_timer, NAME_CHECK, NAME_CHECK);
}

void api_accept(struct api *api, int descriptor, const struct peer *peer)
{
    struct api_connection *connection = create_connection(api, descriptor, peer);

    if (connection == NULL) {
        close(descriptor);
        return;
    }
    list_append(&api->connections, &connection->link);
    serve_when_named(api, connection);
}

void api_door_init(struct api *api)
{
    assert(api_service->n_methods <= API_METHODS_MAX);
    api->service = (struct ttrpc_service){.descriptor = api_service, .handlers = api->handlers};
    for (unsigned i = 0; i < api_service->n_methods; i++) {
        api->handlers[i] = on_call;
        if (api_method_at(i)->flags & API_STREAMS)
            api->service.streams |= UINT64_C(1) << i;
    }
    list_init(&api->connections);
    api->users.on_looked_up = on_looked_up;
    api->users.userdata = api;
    (void)uv_timer_init(api->rooms.supervisor->loop, &api->name_timer); /* never fails */
    api->name_timer.data = api;
    ttrpc_budget_init(&api->budget, BYTES_MAX, API_CONNECTIONS_MAX);
    ttrpc_budget_init(&api->others_budget, OTHERS_MAX, API_CONNECTIONS_MAX);
}

void api_door_stop(struct api *api)
{
    uv_close((uv_handle_t *)&api->name_timer, NULL);
    api_users_stop(&api->users);
    list_for_each_safe (link, following, &api->connections)
        close_connection(list_entry(link, struct api_connection, link));
}
