/* The multiplexer between a driver and streams, both made up: who is told what, and when. */
#include "tests/unit/vsock-device/mux-fixture.h"

#include "tests/lib/test.h"

#include <errno.h>
#include <string.h>

/* ---- opening ---- */

static void test_by_host(void **state)
{
    struct mux_fixture *fixture = *state;
    struct mux_stream stream, other;

    mux_open_by_host(fixture, &stream, 1017);
    assert_int_equal(fixture->header.src_port, 1u << 30);
    mux_open_by_host(fixture, &other, 1017);
    assert_int_equal(fixture->header.src_port, (1u << 30) + 1);
    mux_stream_finish(fixture, &stream);
    mux_stream_finish(fixture, &other);
}

static void test_bad_line(void **state)
{
    struct mux_fixture *fixture = *state;
    struct mux_stream stream;

    mux_stream_init(&stream);
    assert_int_equal(mux_accept(&fixture->mux, &stream, &stream.connection), 0);
    mux_run(&fixture->mux, 0);
    mux_stream_write(fixture, &stream, "CONN", 4);
    assert_true(stream.closed);
    assert_int_equal(stream.out_length, 0);
    mux_expect_nothing(fixture);
    mux_stream_finish(fixture, &stream);
}

/* Left before it said what it wants. */
static void test_no_line(void **state)
{
    struct mux_fixture *fixture = *state;
    struct mux_stream stream;

    mux_stream_init(&stream);
    assert_int_equal(mux_accept(&fixture->mux, &stream, &stream.connection), 0);
    mux_run(&fixture->mux, 0);
    mux_stream_end(fixture, &stream, 1);
    assert_true(stream.closed);
    mux_stream_finish(fixture, &stream);
}

static void request(struct mux_fixture *fixture, struct mux_stream *stream)
{
    mux_stream_init(stream);
    assert_int_equal(mux_accept(&fixture->mux, stream, &stream->connection), 0);
    mux_run(&fixture->mux, 0);
    mux_stream_write(fixture, stream, "CONNECT 1017\nahead", 18);
    mux_expect(fixture, VIRTIO_VSOCK_OP_REQUEST);
}

static void test_refused_by_guest(void **state)
{
    struct mux_fixture *fixture = *state;
    struct mux_stream stream;
    struct virtio_vsock_hdr header;

    request(fixture, &stream);
    header = mux_header(&stream, VIRTIO_VSOCK_OP_RST);
    mux_send(fixture, &header, NULL);
    assert_true(stream.closed);
    assert_int_equal(stream.out_length, 0);
    mux_expect_nothing(fixture);
    mux_stream_finish(fixture, &stream);
}

/* The time for an answer runs from when the guest can see the question. */
static void test_no_answer(void **state)
{
    struct mux_fixture *fixture = *state;
    struct mux_stream stream;

    request(fixture, &stream);
    assert_true(mux_deadline(&fixture->mux) == CONNECTION_PATIENCE);
    mux_run(&fixture->mux, CONNECTION_PATIENCE - 1);
    assert_false(stream.closed);
    mux_run(&fixture->mux, CONNECTION_PATIENCE);
    assert_true(stream.closed);
    assert_int_equal(stream.out_length, 0);
    mux_expect(fixture, VIRTIO_VSOCK_OP_RST);
    assert_true(mux_deadline(&fixture->mux) == NSEC_INFINITY);
    mux_stream_finish(fixture, &stream);
}

/* What a host says before the answer is kept for the guest. */
static void test_data_ahead(void **state)
{
    struct mux_fixture *fixture = *state;
    struct mux_stream stream;
    struct virtio_vsock_hdr header;

    request(fixture, &stream);
    header = mux_header(&stream, VIRTIO_VSOCK_OP_RESPONSE);
    mux_send(fixture, &header, NULL);
    assert_int_equal(stream.watch, CONNECTION_WATCH_READ);
    mux_ready(&fixture->mux, stream.connection, CONNECTION_WATCH_READ, 0);
    mux_expect(fixture, VIRTIO_VSOCK_OP_RW);
    assert_int_equal(fixture->header.len, 5);
    assert_memory_equal(fixture->data, "ahead", 5);
    mux_stream_finish(fixture, &stream);
}

static void test_host_does_not_take_the_answer(void **state)
{
    struct mux_fixture *fixture = *state;
    struct mux_stream stream;
    struct virtio_vsock_hdr header;

    request(fixture, &stream);
    stream.out_error = -EPIPE;
    header = mux_header(&stream, VIRTIO_VSOCK_OP_RESPONSE);
    mux_send(fixture, &header, NULL);
    mux_expect(fixture, VIRTIO_VSOCK_OP_RST);
    assert_true(stream.closed);
    mux_stream_finish(fixture, &stream);
}

static void test_by_guest(void **state)
{
    struct mux_fixture *fixture = *state;

    mux_open_by_guest(fixture);
    assert_int_equal(fixture->dialled.out_length, 0);
    mux_stream_write(fixture, &fixture->dialled, "hi", 2);
    mux_expect(fixture, VIRTIO_VSOCK_OP_RW);
    assert_memory_equal(fixture->data, "hi", 2);
}

static void test_nobody_at_port(void **state)
{
    struct mux_fixture *fixture = *state;
    struct virtio_vsock_hdr header = vsock_driver_header(700, 52, VIRTIO_VSOCK_OP_REQUEST);

    fixture->dial_result = -ENOENT;
    mux_send(fixture, &header, NULL);
    mux_expect(fixture, VIRTIO_VSOCK_OP_RST);
    assert_int_equal(fixture->header.src_port, 52);
    assert_int_equal(fixture->header.dst_port, 700);
    assert_int_equal(fixture->mux.connections.count, 0);
}

/* ---- packets that are wrong ---- */

static void test_unknown_connection(void **state)
{
    struct mux_fixture *fixture = *state;
    struct virtio_vsock_hdr header = vsock_driver_header(1, 2, VIRTIO_VSOCK_OP_RW);

    mux_send(fixture, &header, NULL);
    mux_expect(fixture, VIRTIO_VSOCK_OP_RST);
    header.op = VIRTIO_VSOCK_OP_RST; /* answered, two sides could do so for ever */
    mux_send(fixture, &header, NULL);
    mux_expect_nothing(fixture);
}

static void test_wrong_packets(void **state)
{
    struct mux_fixture *fixture = *state;
    struct virtio_vsock_hdr header = vsock_driver_header(700, 52, VIRTIO_VSOCK_OP_REQUEST);

    header.dst_cid = 4;
    mux_send(fixture, &header, NULL);
    mux_expect_nothing(fixture);
    header.dst_cid = 2;
    header.src_cid = 4; /* another guest's name */
    mux_send(fixture, &header, NULL);
    mux_expect_nothing(fixture);
    header.src_cid = VSOCK_DRIVER_CID;
    header.type = VIRTIO_VSOCK_TYPE_SEQPACKET;
    mux_send(fixture, &header, NULL);
    mux_expect(fixture, VIRTIO_VSOCK_OP_RST);
    assert_int_equal(fixture->mux.connections.count, 0);
}

/* Lengths that the buffer does not have: the packet is nothing, its buffer goes back. */
static void test_wrong_lengths(void **state)
{
    struct mux_fixture *fixture = *state;
    struct virtio_vsock_hdr header;
    struct vsock_driver_ring *ring = &fixture->driver.from_guest;

    mux_open_by_guest(fixture);
    for (unsigned i = 0; i < 3; i++) {
        static const uint32_t lengths[] = {4, 65537, UINT32_MAX};

        header = mux_header(&fixture->dialled, VIRTIO_VSOCK_OP_RW);
        header.len = 3;
        assert_true(vsock_driver_send(&fixture->driver, &header, "abc"));
        header.len = lengths[i];
        memcpy(fixture->driver.memory + ring->descriptors[0].addr - VSOCK_DRIVER_GUEST_ADDRESS,
               &header, sizeof(header));
        mux_run(&fixture->mux, 0);
        assert_int_equal(ring->used->idx, i + 2);
        assert_int_equal(fixture->dialled.out_length, 0);
    }
    ring->descriptors[0] = (struct vring_desc){.addr = VSOCK_DRIVER_GUEST_ADDRESS, .len = 43};
    vsock_driver_offer(ring, 0);
    mux_run(&fixture->mux, 0);
    assert_int_equal(ring->used->idx, 5);
    assert_int_equal(fixture->mux.connections.count, 1);
}

/* ---- turns ---- */

static void test_fair(void **state)
{
    struct mux_fixture *fixture = *state;
    struct mux_stream streams[3];
    char text[20000] = "";

    for (unsigned i = 0; i < ARRAY_SIZE(streams); i++)
        mux_open_by_host(fixture, &streams[i], 1000 + i);
    for (unsigned i = 0; i < ARRAY_SIZE(streams); i++)
        mux_stream_write(fixture, &streams[i], text, sizeof(text));
    for (unsigned i = 0; i < 12; i++) {
        mux_expect(fixture, VIRTIO_VSOCK_OP_RW);
        assert_int_equal(fixture->header.dst_port, 1000 + i % 3);
    }
    for (unsigned i = 0; i < ARRAY_SIZE(streams); i++)
        mux_stream_finish(fixture, &streams[i]);
}

/* However much there is, one call ends; it says that there is more. */
static void test_bounded(void **state)
{
    struct mux_fixture *fixture = *state;
    struct vsock_driver_ring *ring = &fixture->driver.from_guest;
    struct virtio_vsock_hdr header = vsock_driver_header(1, 2, VIRTIO_VSOCK_OP_RST);

    for (unsigned i = 0; i < 32; i++)
        assert_true(vsock_driver_send(&fixture->driver, &header, NULL));
    for (unsigned i = 32; i < VSOCK_DRIVER_RING; i++)
        vsock_driver_offer(ring, 0);
    assert_true(mux_run(&fixture->mux, 0)); /* a full ring: maybe there is more */
    assert_int_equal(ring->used->idx, VSOCK_DRIVER_RING);
    assert_false(mux_run(&fixture->mux, 0));
}

static void test_calls(void **state)
{
    struct mux_fixture *fixture = *state;

    mux_run(&fixture->mux, 0);
    assert_int_equal(fixture->calls[MUX_TO_GUEST] + fixture->calls[MUX_FROM_GUEST], 0);
    mux_open_by_guest(fixture);
    assert_int_equal(fixture->calls[MUX_TO_GUEST], 1);
    assert_int_equal(fixture->calls[MUX_FROM_GUEST], 1);
    fixture->driver.to_guest.available->flags = VRING_AVAIL_F_NO_INTERRUPT;
    mux_stream_write(fixture, &fixture->dialled, "x", 1);
    mux_expect(fixture, VIRTIO_VSOCK_OP_RW);
    assert_int_equal(fixture->calls[MUX_TO_GUEST], 1);
}

/* ---- the guest as a whole ---- */

static void test_reboot(void **state)
{
    struct mux_fixture *fixture = *state;

    mux_open_by_guest(fixture);
    assert_int_equal(mux_stop(&fixture->mux, MUX_TO_GUEST), 1);
    assert_int_equal(mux_stop(&fixture->mux, MUX_FROM_GUEST), 1);
    assert_false(fixture->dialled.closed);
    vsock_driver_init(&fixture->driver, fixture->driver.memory);
    mux_fixture_start(fixture);
    assert_true(fixture->dialled.closed);
    fixture->dialled.closed = false;
    mux_open_by_guest(fixture);
}

static void test_pause(void **state)
{
    struct mux_fixture *fixture = *state;
    struct ring_layout to_guest = vsock_driver_layout(&fixture->driver.to_guest);
    struct ring_layout from_guest = vsock_driver_layout(&fixture->driver.from_guest);
    uint16_t next[MUX_RINGS];

    mux_open_by_guest(fixture);
    next[MUX_TO_GUEST] = mux_stop(&fixture->mux, MUX_TO_GUEST);
    next[MUX_FROM_GUEST] = mux_stop(&fixture->mux, MUX_FROM_GUEST);
    mux_stream_write(fixture, &fixture->dialled, "meanwhile", 9);
    mux_expect_nothing(fixture);
    assert_int_equal(mux_start(&fixture->mux, MUX_TO_GUEST, &to_guest, next[MUX_TO_GUEST]), 0);
    assert_int_equal(mux_start(&fixture->mux, MUX_FROM_GUEST, &from_guest, next[MUX_FROM_GUEST]),
                     0);
    mux_expect(fixture, VIRTIO_VSOCK_OP_RW);
    assert_int_equal(fixture->header.len, 9);
    assert_false(fixture->dialled.closed);
}

static void test_broken_ring(void **state)
{
    struct mux_fixture *fixture = *state;

    mux_open_by_guest(fixture);
    fixture->driver.from_guest.available->idx += VSOCK_DRIVER_RING + 1;
    mux_run(&fixture->mux, 0);
    assert_int_equal(fixture->broken[MUX_FROM_GUEST], 1);
    assert_true(fixture->dialled.closed);
    assert_false(mux_ring_is_running(&fixture->mux, MUX_FROM_GUEST));
    mux_run(&fixture->mux, 0);
    assert_int_equal(fixture->broken[MUX_FROM_GUEST], 1);
    fixture->dialled.closed = false;
    vsock_driver_init(&fixture->driver, fixture->driver.memory);
    mux_fixture_start(fixture);
    mux_open_by_guest(fixture);
}

int main(void)
{
#define test(name) cmocka_unit_test_setup_teardown(name, mux_fixture_setup, mux_fixture_teardown)
    const struct CMUnitTest tests[] = {
        test(test_by_host),
        test(test_bad_line),
        test(test_no_line),
        test(test_refused_by_guest),
        test(test_no_answer),
        test(test_data_ahead),
        test(test_host_does_not_take_the_answer),
        test(test_by_guest),
        test(test_nobody_at_port),
        test(test_unknown_connection),
        test(test_wrong_packets),
        test(test_wrong_lengths),
        test(test_fair),
        test(test_bounded),
        test(test_calls),
        test(test_reboot),
        test(test_pause),
        test(test_broken_ring),
    };
#undef test

    return cmocka_run_group_tests(tests, NULL, NULL);
}
