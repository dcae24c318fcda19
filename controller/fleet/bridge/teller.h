/* Tells the fleet what happened: the daemon's records, by catch-up.h, over the bus. */
#ifndef VMRECLAIM_CONTROLLER_FLEET_BRIDGE_TELLER_H
#define VMRECLAIM_CONTROLLER_FLEET_BRIDGE_TELLER_H

#include "controller/client/fetch.h"
#include "controller/fleet/bridge/catch-up.h"
#include "controller/fleet/bridge/health.h"
#include "controller/fleet/bridge/watch.h"
#include "controller/fleet/bus/bus.h"
#include "controller/fleet/config/config.h"

struct teller {
    const struct fleet_config *config;
    struct fetcher *fetcher;
    struct upstream_listener listener;
    struct bus *bus;
    uv_timer_t timer;
    struct catch_up catch_up;
    struct watch watch;
    struct health health;
    struct fetch *fetch;
    bool bus_is_there;
    char said[256]; /* of why not, in the log */
    /* ---- the cursor's file, written on a thread of libuv's pool ---- */
    char path[300];
    uv_work_t save;
    bool is_saving;
    bool cannot_save; /* said */
    int save_status;
    struct cursor saving;
    struct cursor saved;
    nsec_t save_due; /* CLOCK_BOOTTIME */
};

/* The caller's memory, until the loop is dry. */
void teller_init(struct teller *teller, uv_loop_t *loop, const struct fleet_config *config,
                 struct fetcher *fetcher);
void teller_stop(struct teller *teller);

/* The daemon has said how it is. */
void teller_on_status(struct teller *teller,
                      const Vmreclaim__Controller__V1__GetStatusResponse *status);

/* The bus came or went. */
void teller_on_bus(struct teller *teller, bool is_there);

#endif
