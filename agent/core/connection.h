/* The agent's connections to the controller: it dials, or listens where the host dials (hybrid
 * vsock, tests). On every connection the agent is the ttRPC server.
 *
 * Theory of operation. A dialling agent has one connection and one timer:
 *
 *       ┌────────── back-off over ───────────┐
 *       v                                    │
 *    DIALLING ── refused, timeout ──────> WAITING
 *       │                                    ^
 *       └─ connected ─> UNWATCHED ── 2 s ────┤ closed: nobody watches
 *                          │                 │
 *                          └─ Watch ─> WATCHED ── ended, stalled
 *
 * A connection without Watch is a controller that is not one, or that lost interest: the agent
 * redials. The back-off doubles from 0.2 s to 2 s with jitter: a restarted controller is met soon,
 * but not by all guests at once. Where no controller was ever met, or none for ten minutes, a dial
 * is a wake-up for nothing. Then the back-off grows with the time alone, up to 60 s, and a dial
 * goes out when the agent samples anyway.
 *
 * A listening agent keeps at most CONNECTIONS_MAX. A newer one replaces the oldest, whose peer may
 * be gone without a word. Who is taken at all: host-gate.h.
 *
 * Failure modes: no vsock device or no controller only costs a dial now and then; the agent works
 * on under its policy. */
#ifndef VMRECLAIM_AGENT_CORE_CONNECTION_H
#define VMRECLAIM_AGENT_CORE_CONNECTION_H

#include <stdbool.h>
#include <uv.h>

#include "agent/safety/host-gate.h"
#include "common/base/error.h"
#include "common/transport/address.h"
#include "common/ttrpc/ttrpc.h"

#define CONNECTIONS_MAX 4

struct connections;

struct connections_options {
    const struct address *dial;   /* NULL: do not dial */
    const struct address *listen; /* NULL: do not listen */
    int root;                     /* with /sys below; outlives the connections */
    enum host_port host_port;     /* which ports of a host that dials are believed */
    const struct ttrpc_service *const *services;
    void *userdata; /* what connection_userdata gives to handlers */
};

/* Starts to dial and to listen. The options' pointers must stay valid. 0 or a negative errno with
 * `error` when the listening address cannot be had; a dial that fails is no error. */
int connections_create(uv_loop_t *loop, const struct connections_options *options,
                       struct connections **ret_connections, struct error *error);

/* Closes everything; the memory goes with the last connection. NULL is fine. */
void connections_destroy(struct connections *connections);

/* The options' userdata, for a handler. */
void *connection_userdata(const struct ttrpc_call *call);

/* The connection that carries `call` is a controller's: it watches. */
void connection_is_watched(const struct ttrpc_call *call);

/* The agent is awake for another reason. A dial that has waited for a third of its time is made
 * now, which saves a wake-up of its own. NULL is fine. */
void connections_awake(struct connections *connections);

/* How long to wait before dial number `attempt`; 0 is the first after a loss. `random` is any 32
 * bits, `alone` is for how long no controller was to be expected. */
nsec_t connection_back_off(unsigned attempt, nsec_t alone, uint32_t random);

#endif
