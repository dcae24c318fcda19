/* The daemon's events that are in no record: asked for on every connection to it. */
#ifndef VMRECLAIM_CONTROLLER_FLEET_BRIDGE_WATCH_H
#define VMRECLAIM_CONTROLLER_FLEET_BRIDGE_WATCH_H

#include "controller.pb-c.h"
#include "controller/client/upstream.h"

struct watch {
    struct upstream *upstream;
    struct upstream_listener listener;
    uv_timer_t again;
    struct ttrpc_client_call *call;
    void (*on_event)(const Vmreclaim__Controller__V1__Event *event, void *userdata);
    void *userdata;
};

/* The caller's memory, until the loop is dry. */
void watch_init(struct watch *watch, uv_loop_t *loop, struct upstream *upstream,
                void (*on_event)(const Vmreclaim__Controller__V1__Event *event, void *userdata),
                void *userdata);
void watch_stop(struct watch *watch);

#endif
