/* Memory regions, and virtqueues of good and of bad drivers. */
#include "tests/lib/test.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/lib/vsock-driver.h"

struct fixture {
    struct vsock_driver driver;
    struct memory memory;
    struct ring ring; /* the one from the guest */
    struct ring_chain chain;
};

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    struct memory_region region;
    struct ring_layout layout;

    vsock_driver_init(&fixture->driver, aligned_alloc(4096, VSOCK_DRIVER_MEMORY));
    region = vsock_driver_region(&fixture->driver);
    layout = vsock_driver_layout(&fixture->driver.from_guest);
    *state = fixture;
    return memory_add(&fixture->memory, &region) < 0 ||
                   ring_map(&fixture->ring, &fixture->memory, &layout, 0) < 0
               ? -1
               : 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;

    free(fixture->driver.memory);
    free(fixture);
    return 0;
}

static int take(struct fixture *fixture)
{
    return ring_take(&fixture->ring, &fixture->memory, RING_FROM_GUEST, &fixture->chain);
}

/* ---- memory ---- */

static void test_regions(void **state)
{
    uint8_t bytes[512];
    struct memory memory = {0};
    struct memory_region low = {
        .guest_address = 0, .user_address = 0x10000, .size = 256, .start = bytes};
    struct memory_region high = {
        .guest_address = 0x1000, .user_address = 0x10100, .size = 256, .start = bytes + 256};

    assert_int_equal(memory_add(&memory, &low), 0);
    assert_int_equal(memory_add(&memory, &high), 0);
    assert_ptr_equal(memory_at_guest(&memory, 0, 256), bytes);
    assert_ptr_equal(memory_at_guest(&memory, 0x10ff, 1), bytes + 511);
    assert_ptr_equal(memory_at_user(&memory, 0x10100, 256), bytes + 256);
    assert_null(memory_at_guest(&memory, 1, 256));
    assert_null(memory_at_guest(&memory, 0x100, 1));
    assert_null(memory_at_guest(&memory, 0x1000, UINT64_MAX));
    assert_null(memory_at_guest(&memory, UINT64_MAX, 2));
    assert_null(memory_at_user(&memory, 0x100ff, 2)); /* in two regions */
}

static void test_bad_regions(void **state)
{
    uint8_t bytes[256];
    struct memory memory = {0};
    struct memory_region region = {
        .guest_address = 0x1000, .user_address = 0x1000, .size = 256, .start = bytes};

    assert_int_equal(memory_add(&memory, &region), 0);
    region.guest_address = 0x10ff;
    assert_int_equal(memory_add(&memory, &region), -EEXIST);
    region.size = 0;
    assert_int_equal(memory_add(&memory, &region), -EINVAL);
    region.size = 256;
    region.guest_address = UINT64_MAX - 10;
    assert_int_equal(memory_add(&memory, &region), -EINVAL);
    for (unsigned i = 1; i < MEMORY_REGIONS_MAX; i++) {
        region.guest_address = 0x1000 * (i + 1);
        assert_int_equal(memory_add(&memory, &region), 0);
    }
    region.guest_address = 0x100000;
    assert_int_equal(memory_add(&memory, &region), -ENOSPC);
}

/* ---- setting up ---- */

static void test_map(void **state)
{
    struct fixture *fixture = *state;
    struct ring_layout good = vsock_driver_layout(&fixture->driver.from_guest);
    struct ring_layout layout = good;

    layout.size = 0;
    assert_int_equal(ring_map(&fixture->ring, &fixture->memory, &layout, 0), -EINVAL);
    layout.size = 100;
    assert_int_equal(ring_map(&fixture->ring, &fixture->memory, &layout, 0), -EINVAL);
    layout.size = 2 * RING_SIZE_MAX;
    assert_int_equal(ring_map(&fixture->ring, &fixture->memory, &layout, 0), -EINVAL);
    layout = good;
    layout.descriptors += 8;
    assert_int_equal(ring_map(&fixture->ring, &fixture->memory, &layout, 0), -EINVAL);
    layout = good;
    layout.used = VSOCK_DRIVER_USER_ADDRESS + VSOCK_DRIVER_MEMORY - 8;
    assert_int_equal(ring_map(&fixture->ring, &fixture->memory, &layout, 0), -EFAULT);
    layout = good;
    layout.available = 0;
    assert_int_equal(ring_map(&fixture->ring, &fixture->memory, &layout, 0), -EFAULT);
    assert_int_equal(take(fixture), 0); /* unmapped: nothing to take */
}

/* ---- good drivers ---- */

static void test_take_and_give(void **state)
{
    struct fixture *fixture = *state;
    struct virtio_vsock_hdr header = vsock_driver_header(1, 2, VIRTIO_VSOCK_OP_RW), copy;
    const struct vring_used *used = fixture->driver.from_guest.used;

    header.len = 5;
    assert_int_equal(take(fixture), 0);
    assert_true(vsock_driver_send(&fixture->driver, &header, "hello"));
    assert_int_equal(take(fixture), 1);
    assert_int_equal(fixture->chain.length, sizeof(header) + 5);
    assert_int_equal(fixture->chain.count, 2);
    ring_chain_read(&fixture->chain, (uint8_t *)&copy, sizeof(copy));
    assert_memory_equal(&copy, &header, sizeof(header));
    assert_int_equal(used->idx, 0);
    ring_give(&fixture->ring, fixture->chain.head, 0);
    assert_int_equal(used->idx, 1);
    assert_int_equal(used->ring[0].id, fixture->chain.head);
    assert_int_equal(take(fixture), 0);
}

static void test_untake(void **state)
{
    struct fixture *fixture = *state;
    struct virtio_vsock_hdr header = vsock_driver_header(1, 2, VIRTIO_VSOCK_OP_RST);
    uint16_t head;

    assert_true(vsock_driver_send(&fixture->driver, &header, NULL));
    assert_int_equal(take(fixture), 1);
    head = fixture->chain.head;
    ring_untake(&fixture->ring);
    assert_int_equal(take(fixture), 1);
    assert_int_equal(fixture->chain.head, head);
}

/* Indices run over 2^16 many times in the life of a guest. */
static void test_wrap(void **state)
{
    struct fixture *fixture = *state;
    struct virtio_vsock_hdr header = vsock_driver_header(1, 2, VIRTIO_VSOCK_OP_RST);

    for (unsigned i = 0; i < 70000; i++) {
        if (!vsock_driver_send(&fixture->driver, &header, NULL) || take(fixture) != 1)
            fail_msg("packet %u", i);
        ring_give(&fixture->ring, fixture->chain.head, 0);
    }
    assert_int_equal(fixture->driver.from_guest.used->idx, 70000 - 65536);
}

static void test_calls(void **state)
{
    struct fixture *fixture = *state;

    assert_true(ring_wants_call(&fixture->ring));
    fixture->driver.from_guest.available->flags = VRING_AVAIL_F_NO_INTERRUPT;
    assert_false(ring_wants_call(&fixture->ring));
}

/* A header in as many pieces as it has bytes, with empty ones between. */
static void test_pieces(void **state)
{
    struct fixture *fixture = *state;
    struct vsock_driver_ring *ring = &fixture->driver.from_guest;
    struct iovec parts[RING_SIZE_MAX];
    uint8_t *bytes = fixture->driver.memory + (1 << 20);
    uint8_t copy[60];

    for (uint16_t i = 0; i < 120; i++) {
        bytes[i] = (uint8_t)i;
        ring->descriptors[i] =
            (struct vring_desc){.addr = VSOCK_DRIVER_GUEST_ADDRESS + (1 << 20) + i / 2u,
                                .len = i % 2,
                                .flags = i < 119 ? VRING_DESC_F_NEXT : 0,
                                .next = (uint16_t)(i + 1)};
    }
    vsock_driver_offer(ring, 0);
    assert_int_equal(take(fixture), 1);
    assert_int_equal(fixture->chain.length, 60);
    assert_int_equal(fixture->chain.count, 60);
    ring_chain_read(&fixture->chain, copy, sizeof(copy));
    assert_memory_equal(copy, bytes, sizeof(copy));
    assert_int_equal(ring_chain_part(&fixture->chain, 44, 10, parts), 10);
    assert_ptr_equal(parts[0].iov_base, bytes + 44);
    assert_int_equal(ring_chain_part(&fixture->chain, 60, 0, parts), 0);
    memset(copy, 0xee, sizeof(copy));
    ring_chain_write(&fixture->chain, copy, 45);
    assert_int_equal(bytes[44], 0xee);
    assert_int_equal(bytes[45], 45);
}

static void test_parts(void **state)
{
    uint8_t bytes[100];
    struct ring_chain *chain = calloc(1, sizeof(*chain));
    struct iovec parts[RING_SIZE_MAX];

    chain->count = 2;
    chain->length = 100;
    chain->segments[0] = (struct iovec){bytes, 60};
    chain->segments[1] = (struct iovec){bytes + 60, 40};
    assert_int_equal(ring_chain_part(chain, 44, 50, parts), 2);
    assert_ptr_equal(parts[0].iov_base, bytes + 44);
    assert_int_equal(parts[0].iov_len, 16);
    assert_ptr_equal(parts[1].iov_base, bytes + 60);
    assert_int_equal(parts[1].iov_len, 34);
    assert_int_equal(ring_chain_part(chain, 44, 16, parts), 1);
    assert_int_equal(ring_chain_part(chain, 60, 40, parts), 1);
    assert_ptr_equal(parts[0].iov_base, bytes + 60);
    free(chain);
}

/* ---- bad drivers ---- */

/* One descriptor at the first place, and what becomes of it. */
static void expect_broken(struct fixture *fixture, struct vring_desc descriptor)
{
    struct vsock_driver_ring *ring = &fixture->driver.from_guest;

    ring->descriptors[0] = descriptor;
    vsock_driver_offer(ring, 0);
    assert_int_equal(take(fixture), -EPROTO);
    ring->available->idx = fixture->ring.next; /* takes the offer back */
}

static void test_bad_descriptors(void **state)
{
    struct fixture *fixture = *state;
    const struct vring_desc good = {.addr = VSOCK_DRIVER_GUEST_ADDRESS, .len = 44};
    struct vring_desc bad = good;

    bad.flags = VRING_DESC_F_INDIRECT;
    expect_broken(fixture, bad);
    bad.flags = VRING_DESC_F_WRITE; /* the wrong way */
    expect_broken(fixture, bad);
    bad.flags = 0x80;
    expect_broken(fixture, bad);
    bad = good;
    bad.addr = VSOCK_DRIVER_GUEST_ADDRESS - 1;
    expect_broken(fixture, bad);
    bad.addr = VSOCK_DRIVER_USER_ADDRESS; /* an address of QEMU's, not of the guest's */
    expect_broken(fixture, bad);
    bad = good;
    bad.len = VSOCK_DRIVER_MEMORY + 1;
    expect_broken(fixture, bad);
    bad.addr = UINT64_MAX - 3;
    bad.len = 44;
    expect_broken(fixture, bad);
    bad = good;
    bad.flags = VRING_DESC_F_NEXT;
    bad.next = VSOCK_DRIVER_RING;
    expect_broken(fixture, bad);
    bad.next = 0; /* a loop of one */
    expect_broken(fixture, bad);
}

static void test_long_loop(void **state)
{
    struct fixture *fixture = *state;
    struct vsock_driver_ring *ring = &fixture->driver.from_guest;

    for (uint16_t i = 0; i < VSOCK_DRIVER_RING; i++)
        ring->descriptors[i] = (struct vring_desc){.addr = VSOCK_DRIVER_GUEST_ADDRESS,
                                                   .len = 1,
                                                   .flags = VRING_DESC_F_NEXT,
                                                   .next = (i + 1) % VSOCK_DRIVER_RING};
    vsock_driver_offer(ring, 5);
    assert_int_equal(take(fixture), -EPROTO);
    /* All descriptors in one chain are allowed. */
    ring->descriptors[4].flags = 0;
    assert_int_equal(take(fixture), 1);
    assert_int_equal(fixture->chain.count, VSOCK_DRIVER_RING);
}

static void test_bad_heads(void **state)
{
    struct fixture *fixture = *state;

    vsock_driver_offer(&fixture->driver.from_guest, VSOCK_DRIVER_RING);
    assert_int_equal(take(fixture), -EPROTO);
}

static void test_index_jumps(void **state)
{
    struct fixture *fixture = *state;
    struct vring_avail *available = fixture->driver.from_guest.available;

    fixture->driver.from_guest.descriptors[0] =
        (struct vring_desc){.addr = VSOCK_DRIVER_GUEST_ADDRESS, .len = 44};
    available->idx = VSOCK_DRIVER_RING + 1;
    assert_int_equal(take(fixture), -EPROTO);
    available->idx = UINT16_MAX; /* backwards */
    assert_int_equal(take(fixture), -EPROTO);
    available->idx = VSOCK_DRIVER_RING;
    assert_int_equal(take(fixture), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_regions),
        cmocka_unit_test(test_bad_regions),
        cmocka_unit_test_setup_teardown(test_map, setup, teardown),
        cmocka_unit_test_setup_teardown(test_take_and_give, setup, teardown),
        cmocka_unit_test_setup_teardown(test_untake, setup, teardown),
        cmocka_unit_test_setup_teardown(test_wrap, setup, teardown),
        cmocka_unit_test_setup_teardown(test_calls, setup, teardown),
        cmocka_unit_test_setup_teardown(test_pieces, setup, teardown),
        cmocka_unit_test(test_parts),
        cmocka_unit_test_setup_teardown(test_bad_descriptors, setup, teardown),
        cmocka_unit_test_setup_teardown(test_long_loop, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bad_heads, setup, teardown),
        cmocka_unit_test_setup_teardown(test_index_jumps, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
