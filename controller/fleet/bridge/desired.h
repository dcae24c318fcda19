/* What the fleet wants of this host, handed to its daemon as it came: the daemon verifies it and
 * says what is in force.
 *
 * A change comes by itself; the newest is asked for on connect and every five minutes besides, for
 * what comes by itself may be lost. It is handed over again then, when the daemon was started anew,
 * and every half a minute while the daemon refuses it: that does no harm, and what an operator of
 * the host has let go of is the fleet's again.
 *
 * One of a smaller sequence is an older one, or a server is behind; or the servers have lost
 * everything, and their sequences began anew. So it is asked for again, and then believed. */
#ifndef VMRECLAIM_CONTROLLER_FLEET_BRIDGE_DESIRED_H
#define VMRECLAIM_CONTROLLER_FLEET_BRIDGE_DESIRED_H

#include "controller/client/fetch.h"
#include "controller/fleet/bus/bus.h"

struct desired {
    struct fetcher *fetcher;
    struct upstream_listener listener;
    struct bus *bus;
    uv_timer_t timer;
    char live[128];  /* subject of changes */
    char asked[128]; /* subject that answers with the newest */
    void (*on_applied)(void *userdata);
    void *userdata;
    struct fetch *fetch;
    bool bus_is_there;
    /* the newest that came; NULL: none has */
    uint8_t *state;
    size_t length;
    uint64_t sequence;
    bool has_smaller; /* one of a smaller sequence came after it */
    uint64_t handed;  /* sequence of the one that the daemon has answered; 0: none */
    uint64_t under_way;
    uint64_t refused; /* that the daemon did not take; 0: it took the last one */
    char said[256];   /* of why not, in the log */
};

/* The caller's memory, until the loop is dry. `on_applied`: the daemon has answered. */
void desired_init(struct desired *desired, uv_loop_t *loop, const char *host,
                  struct fetcher *fetcher, void (*on_applied)(void *userdata), void *userdata);
void desired_stop(struct desired *desired);

void desired_on_bus(struct desired *desired, bool is_there);
void desired_on_message(struct desired *desired, const struct bus_message *message);

#endif
