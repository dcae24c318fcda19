#include "tests/unit/vsock-device/mux-fixture.h"

#include "tests/lib/test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- streams ---- */

static ssize_t stream_peek(void *pointer, char *bytes, size_t size)
{
    struct mux_stream *stream = pointer;
    size_t length = min_of(size, stream->in_length - stream->in_taken);

    assert_false(stream->closed);
    if (length == 0)
        return stream->in_end == 0 ? -EAGAIN : stream->in_end == 1 ? 0 : stream->in_end;
    memcpy(bytes, stream->in + stream->in_taken, length);
    return (ssize_t)length;
}

static ssize_t stream_read(void *pointer, const struct iovec *segments, unsigned count)
{
    struct mux_stream *stream = pointer;
    ssize_t sum = 0, length = 0;

    for (unsigned i = 0; i < count && (size_t)length == (i > 0 ? segments[i - 1].iov_len : 0);
         i++) {
        length = stream_peek(stream, segments[i].iov_base, segments[i].iov_len);
        if (length <= 0)
            return sum > 0 ? sum : length;
        stream->in_taken += (size_t)length;
        sum += length;
    }
    return sum;
}

static ssize_t stream_write(void *pointer, const struct iovec *segments, unsigned count)
{
    struct mux_stream *stream = pointer;
    size_t before = stream->out_length;

    assert_false(stream->closed);
    assert_false(stream->ended);
    if (stream->out_error < 0)
        return stream->out_error;
    for (unsigned i = 0; i < count; i++) {
        size_t length = min_of(segments[i].iov_len, stream->out_room - stream->out_length);

        memcpy(stream->out + stream->out_length, segments[i].iov_base, length);
        stream->out_length += length;
    }
    return stream->out_length > before ? (ssize_t)(stream->out_length - before) : -EAGAIN;
}

static void stream_end(void *pointer)
{
    struct mux_stream *stream = pointer;

    assert_false(stream->ended);
    stream->ended = true;
}

static void stream_close(void *pointer)
{
    struct mux_stream *stream = pointer;

    assert_false(stream->closed);
    stream->closed = true;
    stream->connection = NULL;
}

static void stream_watch(void *pointer, unsigned watch)
{
    struct mux_stream *stream = pointer;

    assert_false(stream->closed);
    stream->watch = watch;
}

/* ---- the device ---- */

static int dial(void *host, uint32_t port, struct connection *connection)
{
    struct mux_fixture *fixture = host;

    fixture->dialled_port = port;
    if (fixture->dial_result < 0)
        return fixture->dial_result;
    fixture->dialled.connection = connection;
    connection->stream = &fixture->dialled;
    return 0;
}

static void call(void *host, enum mux_ring ring)
{
    struct mux_fixture *fixture = host;

    fixture->calls[ring]++;
}

static void broken(void *host, enum mux_ring ring)
{
    struct mux_fixture *fixture = host;

    fixture->broken[ring]++;
}

const struct mux_host mux_fixture_calls = {
    .read = stream_read,
    .write = stream_write,
    .peek = stream_peek,
    .end = stream_end,
    .close = stream_close,
    .watch = stream_watch,
    .dial = dial,
    .call = call,
    .broken = broken,
};

void mux_fixture_start(struct mux_fixture *fixture)
{
    struct ring_layout to_guest = vsock_driver_layout(&fixture->driver.to_guest);
    struct ring_layout from_guest = vsock_driver_layout(&fixture->driver.from_guest);

    assert_int_equal(mux_start(&fixture->mux, MUX_TO_GUEST, &to_guest, 0), 0);
    assert_int_equal(mux_start(&fixture->mux, MUX_FROM_GUEST, &from_guest, 0), 0);
}

int mux_fixture_setup(void **state)
{
    struct mux_fixture *fixture = calloc(1, sizeof(*fixture));
    struct memory_region region;

    vsock_driver_init(&fixture->driver, aligned_alloc(4096, VSOCK_DRIVER_MEMORY));
    region = vsock_driver_region(&fixture->driver);
    assert_int_equal(memory_add(&fixture->memory, &region), 0);
    mux_init(&fixture->mux, &mux_fixture_calls, fixture, VSOCK_DRIVER_CID, &fixture->memory);
    mux_fixture_start(fixture);
    mux_stream_init(&fixture->dialled);
    *state = fixture;
    return 0;
}

int mux_fixture_teardown(void **state)
{
    struct mux_fixture *fixture = *state;

    mux_finish(&fixture->mux);
    mux_stream_finish(fixture, &fixture->dialled);
    free(fixture->driver.memory);
    free(fixture);
    return 0;
}

/* ---- what tests do ---- */

void mux_stream_init(struct mux_stream *stream)
{
    *stream = (struct mux_stream){
        .in = malloc(MUX_STREAM_SIZE), .out = malloc(MUX_STREAM_SIZE), .out_room = MUX_STREAM_SIZE};
}

void mux_stream_finish(struct mux_fixture *fixture, struct mux_stream *stream)
{
    if (stream->connection != NULL) {
        struct virtio_vsock_hdr header = mux_header(stream, VIRTIO_VSOCK_OP_RST);

        mux_send(fixture, &header, NULL);
        assert_true(stream->closed);
    }
    free(stream->in);
    free(stream->out);
}

static void tell(struct mux_fixture *fixture, struct mux_stream *stream)
{
    unsigned watch = CONNECTION_WATCH_READ;

    if (stream->in_end < 0)
        watch |= CONNECTION_WATCH_HANGUP;
    watch &= stream->watch;
    if (!stream->closed && watch != 0)
        mux_ready(&fixture->mux, stream->connection, watch, 0);
}

void mux_stream_write(struct mux_fixture *fixture, struct mux_stream *stream, const void *bytes,
                      size_t length)
{
    assert_true(stream->in_length + length <= MUX_STREAM_SIZE);
    memcpy(stream->in + stream->in_length, bytes, length);
    stream->in_length += length;
    tell(fixture, stream);
}

void mux_stream_end(struct mux_fixture *fixture, struct mux_stream *stream, int end)
{
    stream->in_end = end;
    tell(fixture, stream);
}

void mux_send(struct mux_fixture *fixture, const struct virtio_vsock_hdr *header, const void *data)
{
    assert_true(vsock_driver_send(&fixture->driver, header, data));
    mux_run(&fixture->mux, 0);
}

void mux_expect(struct mux_fixture *fixture, uint16_t operation)
{
    mux_run(&fixture->mux, 0);
    assert_true(vsock_driver_receive(&fixture->driver, &fixture->header, &fixture->data));
    assert_int_equal(fixture->header.op, operation);
    assert_int_equal(fixture->header.src_cid, 2);
    assert_int_equal(fixture->header.dst_cid, VSOCK_DRIVER_CID);
    assert_int_equal(fixture->header.type, VIRTIO_VSOCK_TYPE_STREAM);
}

void mux_expect_nothing(struct mux_fixture *fixture)
{
    mux_run(&fixture->mux, 0);
    assert_false(vsock_driver_receive(&fixture->driver, &fixture->header, &fixture->data));
}

void mux_open_by_host(struct mux_fixture *fixture, struct mux_stream *stream, uint32_t guest_port)
{
    struct virtio_vsock_hdr header;
    char line[32];

    mux_stream_init(stream);
    assert_int_equal(mux_accept(&fixture->mux, stream, &stream->connection), 0);
    mux_run(&fixture->mux, 0);
    snprintf(line, sizeof(line), "CONNECT %05u\n", guest_port);
    mux_stream_write(fixture, stream, line, strlen(line));
    mux_expect(fixture, VIRTIO_VSOCK_OP_REQUEST);
    assert_int_equal(fixture->header.dst_port, guest_port);
    header = mux_header(stream, VIRTIO_VSOCK_OP_RESPONSE);
    mux_send(fixture, &header, NULL);
    snprintf(line, sizeof(line), "OK %u\n", fixture->header.src_port);
    assert_int_equal(stream->out_length, strlen(line));
    assert_memory_equal(stream->out, line, strlen(line));
    stream->out_length = 0;
}

void mux_open_by_guest(struct mux_fixture *fixture)
{
    struct virtio_vsock_hdr header = vsock_driver_header(700, 52, VIRTIO_VSOCK_OP_REQUEST);

    mux_send(fixture, &header, NULL);
    assert_int_equal(fixture->dialled_port, 52);
    mux_expect(fixture, VIRTIO_VSOCK_OP_RESPONSE);
}

struct virtio_vsock_hdr mux_header(const struct mux_stream *stream, uint16_t operation)
{
    struct virtio_vsock_hdr header = vsock_driver_header(stream->connection->guest_port,
                                                         stream->connection->host_port, operation);

    header.fwd_cnt = stream->connection->sent;
    return header;
}
