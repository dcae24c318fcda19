/* A multiplexer between a made-up driver and made-up streams. */
#ifndef VMRECLAIM_TESTS_UNIT_VSOCK_DEVICE_MUX_FIXTURE_H
#define VMRECLAIM_TESTS_UNIT_VSOCK_DEVICE_MUX_FIXTURE_H

#include "tests/lab/vsock-device/mux.h"
#include "tests/lib/vsock-driver.h"

#define MUX_STREAM_SIZE ((size_t)256 << 10)

/* What the host's program wrote, and what it got. */
struct mux_stream {
    struct connection *connection;
    uint8_t *in;
    size_t in_length;
    size_t in_taken;
    int in_end; /* when all is taken: 0: nothing yet; else 1: end of file; or negative errno */
    uint8_t *out;
    size_t out_length;
    size_t out_room; /* bytes that it takes in all */
    int out_error;   /* negative errno, or 0 */
    unsigned watch;
    bool ended;
    bool closed;
};

struct mux_fixture {
    struct vsock_driver driver;
    struct memory memory;
    struct mux mux;
    struct mux_stream dialled; /* the stream of the next guest that dials */
    uint32_t dialled_port;
    int dial_result;
    unsigned calls[MUX_RINGS];
    unsigned broken[MUX_RINGS];
    /* of the packet received last */
    struct virtio_vsock_hdr header;
    const uint8_t *data;
};

/* Their host is a struct mux_fixture. */
extern const struct mux_host mux_fixture_calls;

/* cmocka's; the rings run. */
int mux_fixture_setup(void **state);
int mux_fixture_teardown(void **state);

void mux_fixture_start(struct mux_fixture *fixture);

/* A stream that takes everything; the guest resets its connection at the end. */
void mux_stream_init(struct mux_stream *stream);
void mux_stream_finish(struct mux_fixture *fixture, struct mux_stream *stream);

/* The host's program writes; the stream is told of when it is watched. */
void mux_stream_write(struct mux_fixture *fixture, struct mux_stream *stream, const void *bytes,
                      size_t length);
/* All is written: see in_end. */
void mux_stream_end(struct mux_fixture *fixture, struct mux_stream *stream, int end);

void mux_send(struct mux_fixture *fixture, const struct virtio_vsock_hdr *header, const void *data);
/* The next packet, with this operation, is in fixture->header and data. */
void mux_expect(struct mux_fixture *fixture, uint16_t operation);
void mux_expect_nothing(struct mux_fixture *fixture);

/* An open connection, by the host's wish or by the guest's (from its port 700 to 52). */
void mux_open_by_host(struct mux_fixture *fixture, struct mux_stream *stream, uint32_t guest_port);
void mux_open_by_guest(struct mux_fixture *fixture);

/* A packet of the guest on the stream's connection. */
struct virtio_vsock_hdr mux_header(const struct mux_stream *stream, uint16_t operation);

#endif
