/* The hosts' sockets on a libuv loop: what the multiplexer calls. */
#ifndef VMRECLAIM_TESTS_LAB_VSOCK_DEVICE_STREAMS_H
#define VMRECLAIM_TESTS_LAB_VSOCK_DEVICE_STREAMS_H

#include <uv.h>

#include "tests/lab/vsock-device/mux.h"

/* All calls about a stream; the rest is for who has a `host`. */
extern const struct mux_host stream_calls;

/* Something came of a stream; the multiplexer is to run. */
typedef void (*streams_callback)(void *userdata);

struct streams {
    uv_loop_t *loop;
    struct mux *mux;
    streams_callback on_ready;
    void *userdata;
};

/* Takes over a non-blocking descriptor; on failure it is closed. */
int streams_accept(struct streams *streams, int descriptor);

/* For a connection that the guest asked for. */
int streams_dial(struct streams *streams, const char *path, struct connection *connection);

#endif
