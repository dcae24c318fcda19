/* The operators' API: who may call what, dispatch, audit and the event stream.
 *
 * Each method of vmreclaim.controller.v1.Controller is served by the part of the daemon that knows
 * the answer: it registers a handler with api_serve. The API checks first that the caller's groups
 * allow the method, and tells the audit hook of every call that changes something.
 *
 * Events go to every watcher; one that reads too slowly loses samples first and is told how many
 * events it missed. */
#ifndef VMRECLAIM_API_API_H
#define VMRECLAIM_API_API_H

#include <stdbool.h>
#include <sys/types.h>
#include <uv.h>

#include "common/base/error.h"
#include "common/base/list.h"
#include "common/base/log.h"
#include "common/transport/address.h"
#include "common/ttrpc/ttrpc.h"
#include "controller.pb-c.h"
#include "controller/actions/id.h"
#include "controller/vms/supervisor.h"

#define API_METHODS_MAX     48
#define API_CONNECTIONS_MAX 256
#define API_USERS_MAX       64 /* remembered; one with connections is never forgotten */
#define API_GROUP_NONE      ((gid_t)-1)

/* Who is calling, from SO_PEERCRED and SO_PEERGROUPS. */
struct api_caller {
    pid_t pid;
    uid_t uid;
    gid_t gid;
    bool may_read;
    bool may_control;
    char name[64];               /* "root", "alice", "uid 1007" */
    char action[ACTION_ID_SIZE]; /* of the call, when it changes something */
};

/* As ttrpc_handler, with who calls. A handler that answers later keeps `call`, not `caller`. */
typedef void (*api_handler)(struct ttrpc_call *call, const ProtobufCMessage *request,
                            const struct api_caller *caller, void *userdata);

/* Every call that changes something, before it is handled, and refused ones. */
typedef void (*api_audit)(const struct api_caller *caller, const char *method,
                          const ProtobufCMessage *request, bool allowed, void *userdata);

/* What one user's connections share: who may not control is bounded. */
struct api_user {
    struct list link; /* of api->users, the latest last */
    uid_t uid;
    char name[64];
    size_t connection_count;
    struct ttrpc_share processor;
    struct log_limit refusals; /* that are audited */
};

struct api {
    struct supervisor *supervisor;
    struct supervisor_listener listener;
    struct ttrpc_service service;
    struct {
        api_handler handler; /* NULL: not served */
        void *userdata;
    } methods[API_METHODS_MAX]; /* by the method's index in the service */
    ttrpc_handler handlers[API_METHODS_MAX];
    struct list connections; /* struct api_connection */
    size_t connection_count;
    struct ttrpc_budget budget; /* of all connections */
    struct list users;          /* struct api_user */
    size_t user_count;
    struct list watchers;
    uint64_t event_sequence;
    gid_t read_group; /* API_GROUP_NONE: root only */
    gid_t control_group;
    api_audit audit; /* may be NULL */
    void *audit_userdata;
};

/* Serves WatchEvents itself. The groups may be changed at any time. */
void api_init(struct api *api, struct supervisor *supervisor);

/* Closes all connections; run the loop until it is empty, then api_finish. */
void api_stop(struct api *api);
void api_finish(struct api *api);

/* Takes a connected descriptor over. */
void api_accept(struct api *api, int descriptor, const struct peer *peer);

/* `method` is its name in controller.proto; another one is a programming error. Replaces an
 * earlier handler. */
void api_serve(struct api *api, const char *method, api_handler handler, void *userdata);

/* To all watchers; sequence and time are set here. `kind` as in controller.proto. */
void api_publish(struct api *api, Vmreclaim__Controller__V1__Event *event);

/* Fails the call with the code that fits a negative errno. */
void api_fail(struct ttrpc_call *call, int code, const struct error *error);

/* The VM that a request names, or NULL after failing the call with NOT_FOUND. */
struct vm *api_find_vm(const struct api *api, struct ttrpc_call *call, const char *name);

#endif
