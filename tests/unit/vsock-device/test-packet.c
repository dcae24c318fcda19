/* The codec against the kernel's own structure. */
#include "tests/lib/test.h"

#include <string.h>

#include <linux/virtio_vsock.h>

#include "tests/lab/vsock-device/packet.h"

static const struct packet_header sample = {
    .source_cid = 0x0102030405060708,
    .destination_cid = 0x1112131415161718,
    .source_port = 0x21222324,
    .destination_port = 0x31323334,
    .length = 0x41424344,
    .type = 0x5152,
    .operation = 0x6162,
    .flags = 0x71727374,
    .buffer = 0x81828384,
    .forwarded = 0x91929394,
};

static void test_encode(void **state)
{
    uint8_t bytes[PACKET_HEADER_SIZE];
    struct virtio_vsock_hdr header;

    assert_int_equal(sizeof(header), PACKET_HEADER_SIZE);
    packet_encode(&sample, bytes);
    memcpy(&header, bytes, sizeof(header));
    assert_true(header.src_cid == sample.source_cid);
    assert_true(header.dst_cid == sample.destination_cid);
    assert_int_equal(header.src_port, sample.source_port);
    assert_int_equal(header.dst_port, sample.destination_port);
    assert_int_equal(header.len, sample.length);
    assert_int_equal(header.type, sample.type);
    assert_int_equal(header.op, sample.operation);
    assert_int_equal(header.flags, sample.flags);
    assert_int_equal(header.buf_alloc, sample.buffer);
    assert_int_equal(header.fwd_cnt, sample.forwarded);
    assert_int_equal(bytes[0], 0x08); /* little-endian */
}

static void test_decode(void **state)
{
    uint8_t bytes[PACKET_HEADER_SIZE], again[PACKET_HEADER_SIZE];
    struct packet_header header;

    packet_encode(&sample, bytes);
    packet_decode(bytes, &header);
    assert_int_equal(header.operation, sample.operation);
    assert_int_equal(header.forwarded, sample.forwarded);
    packet_encode(&header, again);
    assert_memory_equal(again, bytes, sizeof(bytes));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_encode),
        cmocka_unit_test(test_decode),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
