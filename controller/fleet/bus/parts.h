/* What the thread of the bus and the loop's side share. */
#ifndef VMRECLAIM_CONTROLLER_FLEET_BUS_PARTS_H
#define VMRECLAIM_CONTROLLER_FLEET_BUS_PARTS_H

#include <nats/nats.h>
#include <uv.h>

#include "common/base/list.h"
#include "common/base/time.h"
#include "controller/fleet/bus/nkey.h"
#include "controller/fleet/bus/problem.h"
#include "controller/fleet/bus/types.h"

/* Not begun yet; who asks beyond them gets -EAGAIN. */
#define BUS_ASKED_MAX   4096
#define BUS_ASKED_BYTES ((size_t)32 << 20)

/* Come, and not taken by the loop; beyond it libnats waits. */
#define BUS_COME_BYTES ((size_t)64 << 20)

#define BUS_SUBSCRIPTIONS_MAX 8

enum bus_verb {
    BUS_PUBLISH,
    BUS_PUT,
    BUS_GET,
    BUS_ASK,
};

/* Something asked, with what becomes of it. */
struct bus_request {
    struct list link;
    enum bus_verb verb;
    bus_done done; /* NULL: nobody wants to know */
    void *userdata;
    nsec_t asked; /* CLOCK_MONOTONIC */
    uint64_t expected;
    char *stream;  /* of BUS_GET */
    char *subject; /* both are in one block with `sent` */
    size_t length;
    uint8_t *sent;
    /* ---- the answer ---- */
    int status;
    char problem[128];
    uint64_t sequence;
    uint8_t *data;
    size_t data_length;
};

/* Something that came by itself: a message; with `stream`, that this one is whole, or was made
 * anew; with neither, a change of the connection. */
struct bus_arrival {
    struct list link;
    const char *stream;
    bool is_remade;
    char *subject;
    uint64_t sequence;
    bool is_kept;
    uint8_t *data;
    size_t length;
    bool is_connected;
    char problem[BUS_PROBLEM_SIZE];
};

/* What libnats calls back with for one subscription that it made. One after it has another, for it
 * may be calling back meanwhile. */
struct bus_delivery {
    struct bus_subscription *of;
    uint64_t kept;     /* the stream's last sequence when it was followed; 0: it had nothing */
    bool is_whole;     /* told, or never told; of the thread that libnats delivers on */
    uint64_t consumed; /* number of the last one that came; of the same thread */
    nsec_t alive;      /* when the server said something last; under the lock */
};

/* One that could not be made is called back for no longer than a request waits; its place is taken
 * again so many tries later. */
#define BUS_DELIVERIES 8

struct bus_subscription {
    struct bus *bus;
    char *stream; /* NULL: no stream's */
    char *subject;
    uint64_t newest; /* of all, so many to begin with; 0: of each subject the newest */
    natsSubscription *subscription; /* the thread's */
    struct bus_delivery deliveries[BUS_DELIVERIES];
    unsigned tries;
    int64_t made; /* when the stream was, by the server; 0: not known yet */
};

struct bus {
    struct bus_options options; /* with copies of the texts */
    char public_key[NKEY_PUBLIC_SIZE];
    struct bus_subscription subscriptions[BUS_SUBSCRIPTIONS_MAX];
    size_t subscription_count;
    uv_thread_t thread;
    uv_async_t come;
    bool is_started;
    bool is_stopped; /* the loop's: nothing is called back */
    /* ---- under the lock ---- */
    uv_mutex_t lock;
    uv_cond_t wake; /* the thread's */
    uv_cond_t room; /* of libnats' threads, that bring what came */
    struct list asked;
    size_t asked_count;
    size_t asked_bytes;
    struct list answered;
    struct list arrived;
    size_t arrived_bytes;
    int open_count; /* connections and subscriptions that libnats may call back for */
    bool is_behind; /* messages were lost, or streams may be: to be subscribed to anew */
    bool is_stopping;
    bool has_ended;
};

#endif
