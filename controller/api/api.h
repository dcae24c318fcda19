/* The operators' API: who may call what, the calls, the event stream.
 *
 * Theory of operation: a client comes through a door (connections.c: ttRPC), which knows who it is.
 * Its call goes to the dispatcher, which looks at permission, audit and limits, and on to the
 * handler of the method (method.h). Handlers see a call of ours (call.h) and the daemon's rooms,
 * never a door.
 *
 * Events go to every watcher; one that reads too slowly loses some and is told how many. */
#ifndef VMRECLAIM_API_API_H
#define VMRECLAIM_API_API_H

#include <stdbool.h>
#include <sys/types.h>
#include <uv.h>

#include "common/base/list.h"
#include "common/transport/address.h"
#include "common/ttrpc/ttrpc.h"
#include "controller/api/call.h"
#include "controller/api/method.h"
#include "controller/api/users.h"
#include "controller/vms/supervisor.h"

#define API_METHODS_MAX     48
#define API_CONNECTIONS_MAX 256
#define API_GROUP_NONE      ((gid_t)-1)

struct actions;
struct daemon_config;
struct lease_keeper;
struct policy_assignments;
struct policy_waits;
struct recorder;
struct store;

/* What handlers work on; the owners' until the API is finished. A test may leave out what its
 * methods do not need. */
struct api_rooms {
    struct supervisor *supervisor;
    struct actions *actions;
    const struct lease_keeper *keeper;
    struct policy_assignments *assignments;
    struct policy_waits *policy_waits;
    struct recorder *recorder;
    struct store *store;
    const struct daemon_config *config;
    int64_t started; /* of the daemon, UNIX nanoseconds */
};

/* Every call that changes something, before it is handled, and refused ones. The call's method,
 * caller and action are set. */
typedef void (*api_audit)(const struct api_call *call, const ProtobufCMessage *request,
                          bool allowed, void *userdata);

struct api {
    struct api_rooms rooms;
    struct ttrpc_service service;
    ttrpc_handler handlers[API_METHODS_MAX];
    struct list connections; /* struct api_connection */
    size_t connection_count;
    struct ttrpc_budget budget; /* of all connections */
    struct api_users users;
    struct supervisor_listener listener;
    struct list watchers;
    uint64_t event_sequence;
    gid_t read_group; /* API_GROUP_NONE: root only */
    gid_t control_group;
    api_audit audit; /* may be NULL */
    void *audit_userdata;
};

/* The groups may be changed at any time. */
void api_init(struct api *api, const struct api_rooms *rooms);

/* Closes all connections; run the loop until it is empty, then api_finish. */
void api_stop(struct api *api);
void api_finish(struct api *api);

/* Takes a connected descriptor over: the ttRPC door. */
void api_accept(struct api *api, int descriptor, const struct peer *peer);

/* Serves a call that a door has made: permission and audit, then the method's handler. */
void api_dispatch(struct api_call *call, const struct api_method *method,
                  const ProtobufCMessage *request);

/* ---- for handlers ---- */

/* The VM that a request names, or NULL after failing the call. */
struct vm *api_find_vm(struct api_call *call, const char *name);

/* The same for a VM whose agent is to be asked. */
struct vm *api_find_vm_with_agent(struct api_call *call, const char *name);

#endif
