/* Says what the host has, on connect and every ten seconds, at a moment that the host's id gives:
 * so the hosts of a fleet do not speak at once. Best effort: one that is missed is not made up. */
#ifndef VMRECLAIM_CONTROLLER_FLEET_BRIDGE_REPORTER_H
#define VMRECLAIM_CONTROLLER_FLEET_BRIDGE_REPORTER_H

#include "controller/client/fetch.h"
#include "controller/fleet/bridge/status.h"
#include "controller/fleet/bus/bus.h"
#include "controller/fleet/config/config.h"

enum reporter_part { PART_STATUS, PART_HOST, PART_LIST, PART_COUNTERS, REPORTER_PARTS };

struct reporter {
    const struct fleet_config *config;
    struct fetcher *fetcher;
    struct upstream_listener listener;
    struct bus *bus;
    /* The daemon has said how it is; NULL: nobody wants to know. */
    void (*on_status)(const Vmreclaim__Controller__V1__GetStatusResponse *status, void *userdata);
    void *userdata;
    uv_timer_t timer;
    char boot_id[64];
    char subject[128];
    struct error problem; /* why an answer of the daemon is missing; "": none is */
    uint64_t sequence;
    bool bus_is_there;
    bool is_due;        /* asked for while one was being made */
    unsigned under_way; /* fetches */
    struct reporter_fetch {
        struct reporter *reporter;
        struct fetch *fetch;
        ProtobufCMessage *answer; /* ours */
    } fetches[REPORTER_PARTS];
};

/* The caller's memory, until the loop is dry. */
void reporter_init(struct reporter *reporter, uv_loop_t *loop, const struct fleet_config *config,
                   struct fetcher *fetcher);
void reporter_stop(struct reporter *reporter);

/* The bus came or went. */
void reporter_on_bus(struct reporter *reporter, bool is_there);

/* Something changed that is told at once. */
void reporter_hurry(struct reporter *reporter);

#endif
