/* The device without its I/O: takes packets from one ring, gives packets by the other, and moves
 * data between the guest's memory and the hosts' streams. Streams, and telling the guest, are the
 * owner's (struct mux_host). It never blocks and reads no clock; one call does a bounded amount. */
#ifndef VMRECLAIM_TESTS_LAB_VSOCK_DEVICE_MUX_H
#define VMRECLAIM_TESTS_LAB_VSOCK_DEVICE_MUX_H

#include "tests/lab/vsock-device/connections.h"
#include "tests/lab/vsock-device/memory.h"
#include "tests/lab/vsock-device/ring.h"

enum mux_ring {
    MUX_TO_GUEST,
    MUX_FROM_GUEST,
    MUX_RINGS,
};

struct mux_host {
    /* Bytes moved, or negative errno. read: 0: the peer sends no more; -EPIPE: it is gone. */
    ssize_t (*read)(void *stream, const struct iovec *segments, unsigned count);
    ssize_t (*write)(void *stream, const struct iovec *segments, unsigned count);
    /* As read, and the bytes stay. */
    ssize_t (*peek)(void *stream, char *bytes, size_t size);
    /* The peer is to see an end of file. */
    void (*end)(void *stream);
    /* The stream is of no more use. */
    void (*close)(void *stream);
    /* Bits of enum connection_watch to tell mux_ready of, until the next call. */
    void (*watch)(void *stream, unsigned watch);
    /* A stream for a guest that wants `port` of the host; negative errno. */
    int (*dial)(void *host, uint32_t port, struct connection *connection);
    /* The driver is to look at a ring. */
    void (*call)(void *host, enum mux_ring ring);
    /* What the driver wrote is no ring; it is stopped, and so is everything. */
    void (*broken)(void *host, enum mux_ring ring);
};

struct mux {
    const struct mux_host *calls;
    void *host;
    uint64_t guest_cid;
    nsec_t now; /* of the call under way */
    const struct memory *memory;
    struct ring rings[MUX_RINGS];
    bool ring_gave[MUX_RINGS]; /* since the driver was told last */
    struct connections connections;
    struct list touched;     /* their streams are to be watched for something else, maybe */
    struct ring_chain chain; /* the buffer at hand */
    struct iovec segments[RING_SIZE_MAX]; /* a part of it */
};

/* `memory` is the owner's, and changes only while both rings are stopped. */
void mux_init(struct mux *mux, const struct mux_host *calls, void *host, uint64_t guest_cid,
              const struct memory *memory);
void mux_finish(struct mux *mux);

/* A ring that goes on elsewhere than it stopped is of another driver: then all connections end, as
 * at a reboot. Else they go on, as after a pause. Errors of ring_map. */
int mux_start(struct mux *mux, enum mux_ring ring, const struct ring_layout *layout, uint16_t next);
/* Returns the entry that is next. */
uint16_t mux_stop(struct mux *mux, enum mux_ring ring);
bool mux_ring_is_running(const struct mux *mux, enum mux_ring ring);

/* Somebody of the host is at `stream`. -ENOSPC, -ENOMEM: the stream is still the caller's. */
int mux_accept(struct mux *mux, void *stream, struct connection **ret_connection);

/* What a stream was watched for is there. mux_run comes next. */
void mux_ready(struct mux *mux, struct connection *connection, unsigned watch, nsec_t now);

/* Everything that can be done at `now`. True: there is more to do than fits into one call. */
bool mux_run(struct mux *mux, nsec_t now);

/* When mux_run is to be called at the latest; NSEC_INFINITY: no matter. */
nsec_t mux_deadline(const struct mux *mux);

#endif
