/* What a coordinator answers: the methods, a file for what belongs together, and what they share.
 * For the files of the service alone. */
#ifndef VMRECLAIM_CONTROLLER_FLEET_COORDINATOR_SERVICE_METHODS_H
#define VMRECLAIM_CONTROLLER_FLEET_COORDINATOR_SERVICE_METHODS_H

#include "common/transport/names.h"
#include "common/transport/transport.h"
#include "common/ttrpc/slices.h"
#include "common/ttrpc/ttrpc.h"
#include "controller/fleet/coordinator/events.h"
#include "controller/fleet/coordinator/history.h"
#include "controller/fleet/coordinator/rollouts.h"

#define FLEET_CALL(name, suffix) Vmreclaim__Fleet__V1__##name##suffix

#define SERVICE_PAGE_BYTES ((size_t)3 << 20) /* of entries; a frame of ttRPC may be 4 MiB */

#define SERVICE_NAMES 64 /* users whose names are known between their connections */

typedef Vmreclaim__Fleet__V1__FleetHost FleetHost;

/* Of a user who was here: an order is not to wait for whoever knows names. */
struct service_name {
    uid_t uid;
    char name[64]; /* "": the place is free */
};

struct service {
    uv_loop_t *loop;
    struct listener *listener;
    struct listener *readers; /* NULL: there is no socket for those who may look alone */
    struct list clients;      /* struct service_client */
    struct ttrpc_budget budget;
    struct ttrpc_budget readers_budget; /* who looks keeps nobody from ordering */
    struct fleet_hosts *hosts;
    struct rollouts *rollouts;
    const struct lease *lease;
    const struct fleet_events *events;
    const struct rollout_history *history;
    struct slices slices; /* answers under way that are made of many hosts */
    struct service_name names[SERVICE_NAMES];
    unsigned next_name; /* the place that is taken next, from the beginning again */
    bool bus_is_there;
    char problem[256];
};

struct service_client {
    struct list link;
    struct service *service;
    struct ttrpc_connection *connection;
    uid_t uid;
    struct name_lookup *naming; /* NULL: the user's name is known, or nobody knows it */
    char author[64];            /* his name, or his number: nobody has told the name yet */
};

/* Who asks. */
struct service_client *service_client_of(struct ttrpc_call *call);

/* One more entry of `*bytes` is on the page: what a host says of itself may be long. */
bool service_page_takes(size_t *bytes, const ProtobufCMessage *entry);

/* "present", "lost" or "unknown": static text. */
const char *service_presence_of(const struct service *service, const struct host_entry *entry);

/* `slim` has the status without VMs; NULL: it is sent with them. Both live until the answer is
 * sent. */
void service_fill_host(const struct service *service, const struct host_entry *entry,
                       HostStatus *slim, FleetHost *host);

/* A selector of hosts that can be read, or none; else the call has failed. */
bool service_selector_is_good(struct ttrpc_call *call, const char *selector);

/* The host is one of those; "" means all. */
bool service_selects(const char *selector, const struct host_entry *entry);

/* ---- the methods ---- */

/* service-hosts.c */
void service_list_hosts(struct ttrpc_call *call, const ProtobufCMessage *message, void *userdata);

/* service-vms.c */
void service_list_fleet_vms(struct ttrpc_call *call, const ProtobufCMessage *message,
                            void *userdata);

/* service-events.c */
void service_list_fleet_events(struct ttrpc_call *call, const ProtobufCMessage *message,
                               void *userdata);

/* service-history.c */
void service_list_rollout_history(struct ttrpc_call *call, const ProtobufCMessage *message,
                                  void *userdata);

/* service-explain.c */
void service_get_host_status(struct ttrpc_call *call, const ProtobufCMessage *message,
                             void *userdata);
void service_explain_fleet_vm(struct ttrpc_call *call, const ProtobufCMessage *message,
                              void *userdata);

/* service-policies.c */
void service_list_fleet_policies(struct ttrpc_call *call, const ProtobufCMessage *message,
                                 void *userdata);
void service_get_fleet_policy(struct ttrpc_call *call, const ProtobufCMessage *message,
                              void *userdata);

/* service-rollouts.c */
void service_list_rollouts(struct ttrpc_call *call, const ProtobufCMessage *message,
                           void *userdata);
void service_start_rollout(struct ttrpc_call *call, const ProtobufCMessage *message,
                           void *userdata);
void service_order_rollout(struct ttrpc_call *call, const ProtobufCMessage *message,
                           void *userdata);

#endif
