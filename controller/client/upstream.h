/* The one connection to vmreclaimd, which the daemon may close or refuse at any time: it is dialled
 * again, once a second. All that a program asks goes over it. */
#ifndef VMRECLAIM_CONTROLLER_CLIENT_UPSTREAM_H
#define VMRECLAIM_CONTROLLER_CLIENT_UPSTREAM_H

#include <stdbool.h>
#include <uv.h>

#include "common/base/error.h"
#include "common/base/list.h"
#include "common/transport/transport.h"
#include "common/ttrpc/ttrpc.h"

struct upstream_listener {
    struct list link;
    void (*on_change)(void *userdata); /* connected or not; see upstream.connection */
    void *userdata;
};

struct upstream {
    uv_loop_t *loop;
    struct address address;
    struct ttrpc_metadata program;
    char where[160];
    struct dial *dial;
    struct ttrpc_connection *connection; /* NULL: there is none */
    uv_timer_t again;
    struct list listeners;
    struct error problem; /* why there is none */
    bool was_said;        /* in the log */
    bool is_stopping;
};

/* The caller's memory, until the loop is dry. `program` is what the daemon's records call this one;
 * static. -EINVAL: `api` is no address. */
int upstream_init(struct upstream *upstream, uv_loop_t *loop, const char *api, const char *program,
                  struct error *error);

/* Calls under way end first. */
void upstream_stop(struct upstream *upstream);

void upstream_listen(struct upstream *upstream, struct upstream_listener *listener);

/* It is being connected at this moment, and who asks may wait for how that ends. */
bool upstream_is_dialling(const struct upstream *upstream);

#endif
