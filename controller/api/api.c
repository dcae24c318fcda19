/* Connections of operators: who they are, dispatch. */
#include "controller/api/api.h"

#include <assert.h>
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/util.h"
#include "controller/api/events.h"

#define GROUPS_MAX 256

/* Of one user who may not control, so that others find room. */
#define USER_CONNECTIONS_MAX 32

/* What a user who may not control may use of a core. */
#define USER_PERMYRIAD 500
#define USER_SAVED     (200 * NSEC_PER_MSEC)
#define USER_DEBT_MAX  (5 * NSEC_PER_SEC)

#define BYTES_MAX ((uint64_t)256 << 20) /* of all connections */

struct api_connection {
    struct list link;
    struct api *api;
    struct ttrpc_connection *connection;
    struct api_user *user;
    struct api_caller caller;
};

/* Frames of ours may be as large as ttRPC allows: lists of ten thousand VMs. */
static const struct ttrpc_limits operator_limits = {
    .frame_bytes = 1u << 20,
    .streams = 16,
    .queued_bytes = 64u << 20,
    .stall = 30 * NSEC_PER_SEC,
};

static const ProtobufCServiceDescriptor *const service =
    &vmreclaim__controller__v1__controller__descriptor;

/* Methods that change something, and those that stream; protobuf-c's descriptors do not tell. */
static const char *const changing_methods[] = {
    "Compact",    "Reclaim",        "SetReporting",   "ApplyPolicy",
    "SetBalloon", "ReleaseBalloon", "RollBackPolicy", "UnassignPolicy",
};
static const char *const streaming_methods[] = {"ListRanges", "WatchEvents", "GetHistory",
                                                "DumpState"};

static bool is_among(const char *name, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

static unsigned method_index(const char *name)
{
    for (unsigned i = 0; i < service->n_methods; i++)
        if (strcmp(service->methods[i].name, name) == 0)
            return i;
    assert(false && "no such method in controller.proto");
    return 0;
}

/* Each method has a request type of its own, so the request tells the method. */
static unsigned method_of(const ProtobufCMessage *request)
{
    unsigned i = 0;

    while (service->methods[i].input != request->descriptor)
        i++;
    return i;
}

/* Every change, and of refusals as many as a person can bring about: whoever can connect can ask.
 */
static bool is_audited(const struct api_connection *connection, bool changes, bool allowed)
{
    unsigned suppressed;

    if (connection->api->audit == NULL)
        return false;
    return allowed ? changes
                   : log_limit_pass(&connection->user->refusals, time_boottime(), &suppressed);
}

static void dispatch(struct ttrpc_call *call, const ProtobufCMessage *request, void *userdata)
{
    struct api_connection *connection = userdata;
    struct api *api = connection->api;
    unsigned index = method_of(request);
    const char *method = service->methods[index].name;
    bool changes = is_among(method, changing_methods, ARRAY_SIZE(changing_methods));
    bool allowed = changes ? connection->caller.may_control : connection->caller.may_read;

    connection->caller.action[0] = '\0';
    if (changes)
        action_id_make(connection->caller.action);
    if (is_audited(connection, changes, allowed))
        api->audit(&connection->caller, method, request, allowed, api->audit_userdata);
    if (!allowed)
        ttrpc_call_fail(call, TTRPC_PERMISSION_DENIED,
                        "%s needs the %s group of vmreclaimd; %s is not in it", method,
                        changes ? "control" : "read", connection->caller.name);
    else if (api->methods[index].handler == NULL)
        ttrpc_call_fail(call, TTRPC_UNIMPLEMENTED, "this vmreclaimd does not serve %s", method);
    else
        api->methods[index].handler(call, request, &connection->caller,
                                    api->methods[index].userdata);
}

void api_serve(struct api *api, const char *method, api_handler handler, void *userdata)
{
    unsigned index = method_index(method);

    api->methods[index].handler = handler;
    api->methods[index].userdata = userdata;
}

void api_init(struct api *api, struct supervisor *supervisor)
{
    *api = (struct api){
        .supervisor = supervisor,
        .service = {.descriptor = service, .handlers = api->handlers},
        .read_group = API_GROUP_NONE,
        .control_group = API_GROUP_NONE,
    };
    assert(service->n_methods <= API_METHODS_MAX);
    for (unsigned i = 0; i < service->n_methods; i++) {
        api->handlers[i] = dispatch;
        if (is_among(service->methods[i].name, streaming_methods, ARRAY_SIZE(streaming_methods)))
            api->service.streams |= UINT64_C(1) << i;
    }
    list_init(&api->connections);
    list_init(&api->users);
    ttrpc_budget_init(&api->budget, BYTES_MAX, API_CONNECTIONS_MAX);
    api_events_init(api);
}

void api_stop(struct api *api)
{
    supervisor_unlisten(&api->listener);
    list_for_each_safe (link, following, &api->connections)
        ttrpc_connection_close(list_entry(link, struct api_connection, link)->connection);
}

/* ---- users ---- */

static void forget_user(struct api *api, struct api_user *user)
{
    list_remove(&user->link);
    api->user_count--;
    free(user);
}

void api_finish(struct api *api)
{
    list_for_each_safe (link, following, &api->users)
        forget_user(api, list_entry(link, struct api_user, link));
}

static void forget_one_user(struct api *api)
{
    list_for_each (link, &api->users) {
        struct api_user *user = list_entry(link, struct api_user, link);

        if (user->connection_count == 0) {
            forget_user(api, user);
            return;
        }
    }
}

/* Asks the system's user database, which may be slow: once for each user. */
static void name_user(struct api_user *user)
{
    char buffer[1024];
    struct passwd entry;
    struct passwd *found = NULL;

    (void)getpwuid_r(user->uid, &entry, buffer, sizeof(buffer), &found);
    if (found != NULL)
        (void)snprintf(user->name, sizeof(user->name), "%s", found->pw_name);
    else
        (void)snprintf(user->name, sizeof(user->name), "uid %u", user->uid);
}

static struct api_user *add_user(struct api *api, uid_t uid)
{
    struct api_user *user;

    if (api->user_count >= API_USERS_MAX)
        forget_one_user(api);
    user = calloc(1, sizeof(*user));
    if (user == NULL)
        return NULL;
    *user = (struct api_user){
        .uid = uid,
        .processor = {.permyriad = USER_PERMYRIAD,
                      .saved_max = USER_SAVED,
                      .debt_max = USER_DEBT_MAX},
        .refusals = {.interval = 60 * NSEC_PER_SEC, .burst = 20},
    };
    name_user(user);
    list_append(&api->users, &user->link);
    api->user_count++;
    return user;
}

/* NULL: no memory. */
static struct api_user *find_or_add_user(struct api *api, uid_t uid)
{
    list_for_each (link, &api->users) {
        struct api_user *user = list_entry(link, struct api_user, link);

        if (user->uid == uid)
            return user;
    }
    return add_user(api, uid);
}

/* ---- who calls ---- */

static bool is_member(int descriptor, gid_t primary, gid_t group)
{
    gid_t groups[GROUPS_MAX];
    socklen_t length = sizeof(groups);

    if (group == API_GROUP_NONE)
        return false;
    if (primary == group)
        return true;
    if (getsockopt(descriptor, SOL_SOCKET, SO_PEERGROUPS, groups, &length) < 0)
        return false;
    for (size_t i = 0; i < length / sizeof(groups[0]); i++)
        if (groups[i] == group)
            return true;
    return false;
}

/* Root and the daemon's own user may do everything. */
static void identify(const struct api *api, int descriptor, const struct peer *peer,
                     const struct api_user *user, struct api_caller *ret_caller)
{
    struct api_caller caller = {.pid = peer->pid, .uid = peer->uid, .gid = peer->gid};
    bool owner = peer->uid == 0 || peer->uid == geteuid();

    (void)snprintf(caller.name, sizeof(caller.name), "%s", user->name);
    caller.may_control = owner || is_member(descriptor, peer->gid, api->control_group);
    caller.may_read = caller.may_control || is_member(descriptor, peer->gid, api->read_group);
    *ret_caller = caller;
}

static void on_close(struct ttrpc_connection *ttrpc, int status, const char *reason, void *userdata)
{
    struct api_connection *connection = userdata;

    list_remove(&connection->link);
    connection->api->connection_count--;
    connection->user->connection_count--;
    free(connection);
}

/* NULL: no room for another, or no memory. */
static struct api_connection *create_connection(struct api *api, int descriptor,
                                                const struct peer *peer)
{
    struct api_user *user = find_or_add_user(api, peer->uid);
    struct api_connection *connection;
    struct api_caller caller;

    if (user == NULL || api->connection_count >= API_CONNECTIONS_MAX)
        return NULL;
    identify(api, descriptor, peer, user, &caller);
    if (!caller.may_control && user->connection_count >= USER_CONNECTIONS_MAX)
        return NULL;
    connection = calloc(1, sizeof(*connection));
    if (connection == NULL)
        return NULL;
    connection->api = api;
    connection->user = user;
    connection->caller = caller;
    return connection;
}

void api_accept(struct api *api, int descriptor, const struct peer *peer)
{
    static const struct ttrpc_service *services[2];
    struct api_connection *connection = create_connection(api, descriptor, peer);
    struct ttrpc_connection_options options = {
        .limits = operator_limits,
        .services = services,
        .budget = &api->budget,
        .userdata = connection,
        .on_close = on_close,
    };

    services[0] = &api->service;
    if (connection == NULL) {
        (void)close(descriptor);
        return;
    }
    if (!connection->caller.may_control) {
        options.limits.frame_by_frame = true;
        options.processor = &connection->user->processor;
    }
    if (ttrpc_connection_create(api->supervisor->loop, descriptor, &options,
                                &connection->connection) < 0) {
        free(connection);
        return;
    }
    list_append(&api->connections, &connection->link);
    api->connection_count++;
    connection->user->connection_count++;
}

/* ---- for handlers ---- */

void api_fail(struct ttrpc_call *call, int code, const struct error *error)
{
    ttrpc_call_fail(call, ttrpc_code_of_errno(code), "%s", error->text);
}

struct vm *api_find_vm(const struct api *api, struct ttrpc_call *call, const char *name)
{
    struct error error;
    struct vm *vm;
    int r = registry_find(&api->supervisor->registry, name, &vm, &error);

    if (r == 0)
        return vm;
    api_fail(call, r, &error);
    return NULL;
}
