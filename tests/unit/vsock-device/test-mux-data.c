/* What is carried over a connection, and how connections end. */
#include "tests/unit/vsock-device/mux-fixture.h"

#include "tests/lib/test.h"

#include <errno.h>
#include <string.h>

#define SHUT_BOTH (VIRTIO_VSOCK_SHUTDOWN_RCV | VIRTIO_VSOCK_SHUTDOWN_SEND)

/* ---- data and credit ---- */

static void test_data_both_ways(void **state)
{
    struct mux_fixture *fixture = *state;
    struct mux_stream stream;
    struct virtio_vsock_hdr header;
    char text[5000];

    memset(text, 'x', sizeof(text));
    mux_open_by_host(fixture, &stream, 1017);
    mux_stream_write(fixture, &stream, text, sizeof(text));
    mux_expect(fixture, VIRTIO_VSOCK_OP_RW);
    assert_int_equal(fixture->header.len, 4096); /* the buffer's size */
    mux_expect(fixture, VIRTIO_VSOCK_OP_RW);
    assert_int_equal(fixture->header.len, sizeof(text) - 4096);
    mux_expect_nothing(fixture);
    header = mux_header(&stream, VIRTIO_VSOCK_OP_RW);
    header.len = sizeof(text);
    mux_send(fixture, &header, text);
    assert_int_equal(stream.out_length, sizeof(text));
    assert_memory_equal(stream.out, text, sizeof(text));
    mux_stream_finish(fixture, &stream);
}

static void test_guest_without_room(void **state)
{
    struct mux_fixture *fixture = *state;
    struct virtio_vsock_hdr header = vsock_driver_header(700, 52, VIRTIO_VSOCK_OP_REQUEST);

    header.buf_alloc = 3;
    mux_send(fixture, &header, NULL);
    mux_expect(fixture, VIRTIO_VSOCK_OP_RESPONSE);
    mux_stream_write(fixture, &fixture->dialled, "hello", 5);
    mux_expect(fixture, VIRTIO_VSOCK_OP_RW);
    assert_int_equal(fixture->header.len, 3);
    mux_expect(fixture, VIRTIO_VSOCK_OP_CREDIT_REQUEST);
    mux_expect_nothing(fixture);
    assert_int_equal(fixture->dialled.watch, 0);
    header = mux_header(&fixture->dialled, VIRTIO_VSOCK_OP_CREDIT_UPDATE);
    header.buf_alloc = 3;
    mux_send(fixture, &header, NULL);
    assert_int_equal(fixture->dialled.watch, CONNECTION_WATCH_READ);
    mux_ready(&fixture->mux, fixture->dialled.connection, CONNECTION_WATCH_READ, 0);
    mux_expect(fixture, VIRTIO_VSOCK_OP_RW);
    assert_memory_equal(fixture->data, "lo", 2);
}

static void send_data(struct mux_fixture *fixture, uint32_t length)
{
    static const uint8_t data[65536];
    struct virtio_vsock_hdr header = mux_header(&fixture->dialled, VIRTIO_VSOCK_OP_RW);

    header.len = length;
    mux_send(fixture, &header, data);
}

static void test_host_that_does_not_read(void **state)
{
    struct mux_fixture *fixture = *state;

    mux_open_by_guest(fixture);
    fixture->dialled.out_room = 1000;
    send_data(fixture, 40000);
    assert_int_equal(fixture->dialled.out_length, 1000);
    assert_int_equal(fixture->dialled.watch, CONNECTION_WATCH_READ | CONNECTION_WATCH_WRITE);
    mux_expect_nothing(fixture);
    send_data(fixture, 25536); /* with the thousand, all that it may */
    mux_expect_nothing(fixture);
    fixture->dialled.out_room = MUX_STREAM_SIZE;
    mux_ready(&fixture->mux, fixture->dialled.connection, CONNECTION_WATCH_WRITE, 0);
    mux_expect(fixture, VIRTIO_VSOCK_OP_CREDIT_UPDATE);
    assert_int_equal(fixture->header.fwd_cnt, 65536);
    assert_int_equal(fixture->header.buf_alloc, 65536);
    assert_int_equal(fixture->dialled.out_length, 65536);
    assert_int_equal(fixture->dialled.watch, CONNECTION_WATCH_READ);
}

static void test_guest_beyond_its_credit(void **state)
{
    struct mux_fixture *fixture = *state;

    mux_open_by_guest(fixture);
    fixture->dialled.out_room = 0;
    send_data(fixture, 65536);
    mux_expect_nothing(fixture);
    send_data(fixture, 1);
    mux_expect(fixture, VIRTIO_VSOCK_OP_RST);
    assert_true(fixture->dialled.closed);
}

/* ---- ends ---- */

static void test_host_half_closes(void **state)
{
    struct mux_fixture *fixture = *state;
    struct mux_stream *stream = &fixture->dialled;
    struct virtio_vsock_hdr header;

    mux_open_by_guest(fixture);
    mux_stream_write(fixture, stream, "last", 4);
    mux_expect(fixture, VIRTIO_VSOCK_OP_RW);
    mux_stream_end(fixture, stream, 1);
    mux_expect(fixture, VIRTIO_VSOCK_OP_SHUTDOWN);
    assert_int_equal(fixture->header.flags, VIRTIO_VSOCK_SHUTDOWN_SEND);
    send_data(fixture, 10);
    assert_int_equal(stream->out_length, 10);
    assert_int_equal(stream->watch, CONNECTION_WATCH_HANGUP);
    header = mux_header(stream, VIRTIO_VSOCK_OP_SHUTDOWN);
    header.flags = VIRTIO_VSOCK_SHUTDOWN_SEND;
    mux_send(fixture, &header, NULL);
    mux_expect(fixture, VIRTIO_VSOCK_OP_RST);
    assert_true(stream->closed);
}

static void test_host_closes(void **state)
{
    struct mux_fixture *fixture = *state;
    struct mux_stream *stream = &fixture->dialled;
    struct virtio_vsock_hdr header;

    mux_open_by_guest(fixture);
    mux_stream_end(fixture, stream, -EPIPE);
    mux_expect(fixture, VIRTIO_VSOCK_OP_SHUTDOWN);
    assert_int_equal(fixture->header.flags, SHUT_BOTH);
    assert_false(stream->closed);
    header = mux_header(stream, VIRTIO_VSOCK_OP_RST);
    mux_send(fixture, &header, NULL);
    assert_true(stream->closed);
    mux_expect_nothing(fixture);
}

static void test_host_closes_after_half(void **state)
{
    struct mux_fixture *fixture = *state;
    struct mux_stream *stream = &fixture->dialled;

    mux_open_by_guest(fixture);
    mux_stream_end(fixture, stream, 1);
    mux_expect(fixture, VIRTIO_VSOCK_OP_SHUTDOWN);
    mux_stream_end(fixture, stream, -EPIPE);
    mux_expect(fixture, VIRTIO_VSOCK_OP_SHUTDOWN);
    assert_int_equal(fixture->header.flags, SHUT_BOTH);
    /* A guest that does not answer has its time, too. */
    mux_run(&fixture->mux, CONNECTION_PATIENCE);
    mux_expect(fixture, VIRTIO_VSOCK_OP_RST);
    assert_true(stream->closed);
}

static void test_host_breaks(void **state)
{
    struct mux_fixture *fixture = *state;

    mux_open_by_guest(fixture);
    mux_stream_end(fixture, &fixture->dialled, -ECONNRESET);
    mux_expect(fixture, VIRTIO_VSOCK_OP_RST);
    assert_true(fixture->dialled.closed);
}

static void test_guest_half_closes(void **state)
{
    struct mux_fixture *fixture = *state;
    struct mux_stream *stream = &fixture->dialled;
    struct virtio_vsock_hdr header;

    mux_open_by_guest(fixture);
    stream->out_room = 6;
    send_data(fixture, 10);
    header = mux_header(stream, VIRTIO_VSOCK_OP_SHUTDOWN);
    header.flags = VIRTIO_VSOCK_SHUTDOWN_SEND;
    mux_send(fixture, &header, NULL);
    assert_false(stream->ended); /* four bytes are not with it yet */
    stream->out_room = MUX_STREAM_SIZE;
    mux_ready(&fixture->mux, stream->connection, CONNECTION_WATCH_WRITE, 0);
    mux_run(&fixture->mux, 0);
    assert_true(stream->ended);
    assert_int_equal(stream->out_length, 10);
    mux_stream_write(fixture, stream, "still", 5);
    mux_expect(fixture, VIRTIO_VSOCK_OP_RW);
    mux_stream_end(fixture, stream, 1);
    mux_expect(fixture, VIRTIO_VSOCK_OP_RST);
    assert_true(stream->closed);
}

static void test_guest_closes(void **state)
{
    struct mux_fixture *fixture = *state;
    struct virtio_vsock_hdr header;

    mux_open_by_guest(fixture);
    header = mux_header(&fixture->dialled, VIRTIO_VSOCK_OP_SHUTDOWN);
    header.flags = SHUT_BOTH;
    mux_send(fixture, &header, NULL);
    mux_expect(fixture, VIRTIO_VSOCK_OP_RST);
    assert_true(fixture->dialled.closed);
    mux_expect_nothing(fixture);
}

int main(void)
{
#define test(name) cmocka_unit_test_setup_teardown(name, mux_fixture_setup, mux_fixture_teardown)
    const struct CMUnitTest tests[] = {
        test(test_data_both_ways),          test(test_guest_without_room),
        test(test_host_that_does_not_read), test(test_guest_beyond_its_credit),
        test(test_host_half_closes),        test(test_host_closes),
        test(test_host_closes_after_half),  test(test_host_breaks),
        test(test_guest_half_closes),       test(test_guest_closes),
    };
#undef test

    return cmocka_run_group_tests(tests, NULL, NULL);
}
