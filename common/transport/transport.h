/* Listening and dialling on a libuv loop. Both hand over plain connected descriptors, non-blocking
 * and close-on-exec, for ttrpc_connection_create. */
#ifndef VMRECLAIM_COMMON_TRANSPORT_TRANSPORT_H
#define VMRECLAIM_COMMON_TRANSPORT_TRANSPORT_H

#include <uv.h>

#include "common/base/time.h"
#include "common/transport/address.h"

struct listener;

/* `descriptor` is the callback's from now on, and so is whether the peer is believed. */
typedef void (*listener_callback)(int descriptor, const struct peer *peer, void *userdata);

/* Binds and listens; a stale UNIX socket file that nobody listens on is replaced. `mode` is the
 * UNIX socket's file mode. fd: takes over a listening socket (socket activation). hybrid:PATH:PORT
 * listens on the UNIX socket PATH_PORT, where the VMM brings what the guest dials; such a peer's
 * kind is ADDRESS_HYBRID. Without free descriptors it waits and leaves peers in the backlog. */
int listener_create(uv_loop_t *loop, const struct address *address, unsigned mode,
                    listener_callback on_accept, void *userdata, struct listener **ret_listener,
                    struct error *error);

/* Changes the mode of the UNIX socket file that it made; a passed socket's is its maker's. -errno.
 */
int listener_set_mode(const struct listener *listener, unsigned mode);

/* Stops and frees, removes the UNIX socket file that it made, the handle's memory on the loop's
 * next turn. NULL is fine. */
void listener_destroy(struct listener *listener);

struct dial;

/* `descriptor` is the callback's from now on, or a negative errno. */
typedef void (*dial_callback)(int descriptor, const struct error *error, void *userdata);

/* Connects once, within `timeout` (0: no limit). The callback's `error` is empty on success. vsock:
 * from a source port 512-1023 picked at random, so that the peer knows a privileged process
 * dialled. hybrid: with the CONNECT handshake. fd: hands over N at once. -ENOMEM is the only error
 * here, all others come by the callback. */
int dial_start(uv_loop_t *loop, const struct address *address, nsec_t timeout,
               dial_callback on_done, void *userdata, struct dial **ret_dial);

/* Gives up; the callback will not run. NULL is fine. */
void dial_cancel(struct dial *dial);

#endif
