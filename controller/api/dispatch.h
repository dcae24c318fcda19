/* The dispatcher: who may call which method, and what handlers work on. */
#ifndef VMRECLAIM_CONTROLLER_API_DISPATCH_H
#define VMRECLAIM_CONTROLLER_API_DISPATCH_H

#include <stdbool.h>
#include <sys/types.h>
#include <uv.h>

#include "common/base/list.h"
#include "common/transport/address.h"
#include "common/ttrpc/slices.h"
#include "common/ttrpc/ttrpc.h"
#include "controller/api/call.h"
#include "controller/api/method.h"
#include "controller/api/rpc-times.h"
#include "controller/api/users.h"
#include "controller/vms/supervisor.h"

#define API_GROUP_NONE ((gid_t)-1)

/* Of users: who may look, who may change, and who may hand in what a fleet wants. API_GROUP_NONE:
 * root only. */
struct api_groups {
    gid_t read;
    gid_t control;
    gid_t fleet;
};

struct actions;
struct arbiter_keeper;
struct daemon_config;
struct desired_keeper;
struct discovery;
struct halts;
struct lease_keeper;
struct policy_assignments;
struct problems;
struct recorder;
struct squeezes;
struct store;
struct turns;

/* What handlers work on; the owners' until the API is finished. A test may leave out what its
 * methods do not need. */
struct api_rooms {
    struct supervisor *supervisor;
    struct actions *actions;
    struct halts *halts;
    struct squeezes *squeezes;
    struct arbiter_keeper *arbiter;
    const struct discovery *discovery;
    const struct lease_keeper *keeper;
    struct policy_assignments *assignments;
    struct desired_keeper *desired;
    struct recorder *recorder;
    struct store *store;
    const struct daemon_config *config;
    const struct problems *problems; /* of what the daemon reads */
    /* reads it again; `done` runs when it is in force, which has `used` so much of the processor */
    void (*reload)(void *daemon, void (*done)(nsec_t used, void *userdata), void *userdata);
    void *daemon;
    int64_t started;           /* of the daemon, UNIX nanoseconds */
    const struct turns *turns; /* of the daemon's loop; NULL: they are not watched */
};

/* Every call that changes something, before it is handled, and refused ones. The call's method,
 * caller and action are set. */
typedef void (*api_audit)(const struct api_call *call, const ProtobufCMessage *request,
                          bool allowed, void *userdata);

struct api {
    struct api_rooms rooms;
    struct ttrpc_service service;
    ttrpc_handler handlers[API_METHODS_MAX];
    struct list connections;    /* struct api_connection */
    uv_timer_t name_timer;      /* while one of them waits for its user's name */
    struct ttrpc_budget budget; /* of root's connections */
    struct ttrpc_budget others_budget;
    struct api_users users;
    struct supervisor_listener listener;
    struct list watchers;
    struct slices slices;
    struct list other_dumps; /* struct dump, those for others than root */
    uint64_t event_sequence;
    struct rpc_times times;
    struct api_groups groups;
    api_audit audit; /* may be NULL */
    void *audit_userdata;
};

/* Serves a call that a door has made: permission and audit, then the method's handler. */
void api_dispatch(struct api_call *call, const struct api_method *method,
                  const ProtobufCMessage *request);

/* ---- for handlers ---- */

/* Where the call reads what is kept: users who may make others wait, and those who may not, have
 * lines of their own. */
struct store *api_store(const struct api_call *call);

/* The processor time that the store has used for the call is its user's. */
void api_charge(struct api_call *call, nsec_t used);

/* Whoever controls can write what stays: not without end. The dispatcher has asked for the request
 * and one action's record; a handler asks for more, bytes. False: the call was failed. */
bool api_may_keep(struct api_call *call, uint64_t size);

/* The VM that a request names, or NULL after failing the call. */
struct vm *api_find_vm(struct api_call *call, const char *name);

/* The same for a VM whose agent is to be asked. */
struct vm *api_find_vm_with_agent(struct api_call *call, const char *name);

#endif
