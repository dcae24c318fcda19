/* What a driver talks to, scripted: one adapter per driver, for the contract test.
 *
 * A new driver's adapter is a file peer-NAME.c that defines `peer_kind`, and a line in meson.build.
 * Its VM is called "web-1", runs, has 1 GiB, and nothing in its balloon when it starts. */
#ifndef VMRECLAIM_TESTS_COMPONENT_DRIVERS_PEER_H
#define VMRECLAIM_TESTS_COMPONENT_DRIVERS_PEER_H

#include <stddef.h>
#include <stdint.h>
#include <uv.h>

#include "controller/hypervisors/driver.h"

enum peer_fault {
    PEER_WORKS,
    /* no session comes up */
    PEER_ABSENT,    /* nobody is there */
    PEER_SILENT,    /* takes the connection and says nothing */
    PEER_GARBAGE,   /* says something else */
    PEER_OVERSIZED, /* says something without end */
    PEER_HANGS_UP,  /* goes as soon as somebody comes */
    /* the session comes up; from `arm` on */
    PEER_REFUSES, /* every operation */
    PEER_DEAF,    /* answers nothing */
    PEER_LATE,    /* answers by `release` only */
    PEER_CLOSES,  /* ends in the middle of the next operation */
    PEER_GARBLES, /* answers the next operation with garbage */
};

struct peer;

struct peer_kind {
    const char *driver;
    unsigned faults;       /* 1 << enum peer_fault that it can play, PEER_WORKS too */
    unsigned events;       /* 1 << enum driver_event that it can cause */
    uint32_t capabilities; /* what the driver says of its VM */
    bool is_there;         /* the connection can be cut and the hypervisor stopped */
    bool asks_in_turn;     /* the driver sends nothing behind an operation that hangs */

    struct peer *(*create)(uv_loop_t *loop);
    /* Closes all; the loop runs until it is closed, then `destroy`. */
    void (*stop)(struct peer *peer);
    void (*destroy)(struct peer *peer);
    /* Serves, and says at which address. Again after `stop`, as another process. */
    void (*start)(struct peer *peer, enum peer_fault fault, char *address, size_t size);
    /* The fault that it was started with begins; NULL where it plays it by itself. */
    void (*arm)(struct peer *peer, enum peer_fault fault);
    /* What it kept is answered; NULL: it does that by itself, some 300 ms after the operation. */
    void (*release)(struct peer *peer);
    /* The connection ends; only with is_there. */
    void (*cut)(struct peer *peer);
    /* How many commands it heard and left unanswered. NULL: a driver's hang is heard at once, all
     * or, where it asks in turn, the first. */
    unsigned (*unanswered)(const struct peer *peer);
    /* NULL with no events. */
    void (*cause)(struct peer *peer, enum driver_event event);
};

extern const struct peer_kind peer_kind;

#endif
