/* The one connection to vmreclaimd, or to a fleet's coordinator, which may close or refuse it at
 * any time: it is dialled again, once a second. All that a program asks of it goes over it. */
#ifndef VMRECLAIM_CONTROLLER_CLIENT_UPSTREAM_H
#define VMRECLAIM_CONTROLLER_CLIENT_UPSTREAM_H

#include <stdbool.h>
#include <uv.h>

#include "common/base/error.h"
#include "common/base/list.h"
#include "common/transport/transport.h"
#include "common/ttrpc/ttrpc.h"

/* Who is connected to. */
struct upstream_peer {
    const char *name;   /* for people */
    const char *option; /* that says where it is */
    const char *advice; /* when it cannot be reached */
    const ProtobufCServiceDescriptor *service;
};

extern const struct upstream_peer upstream_daemon;

struct upstream_listener {
    struct list link;
    void (*on_change)(void *userdata); /* connected or not; see upstream.connection */
    void *userdata;
};

struct upstream {
    uv_loop_t *loop;
    const struct upstream_peer *peer;
    struct address address;
    struct ttrpc_metadata program;
    char where[160];
    struct dial *dial;
    struct ttrpc_connection *connection; /* NULL: there is none */
    uv_timer_t again;
    struct list listeners;
    struct error problem; /* why there is none */
    bool is_none;         /* nobody is connected to, ever */
    bool was_said;        /* in the log */
    bool is_stopping;
};

/* The caller's memory, until the loop is dry. An address "none" is nobody's. `peer` is static, and
 * so is `program`, which is what the peer's records call this one. -EINVAL: `address` is none. */
int upstream_init(struct upstream *upstream, uv_loop_t *loop, const struct upstream_peer *peer,
                  const char *address, const char *program, struct error *error);

/* Calls under way end first. */
void upstream_stop(struct upstream *upstream);

void upstream_listen(struct upstream *upstream, struct upstream_listener *listener);

/* It is being connected at this moment, and who asks may wait for how that ends. */
bool upstream_is_dialling(const struct upstream *upstream);

#endif
