/* The messages of a front end, good ones and others. */
#include "tests/lib/test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/lab/vsock-device/requests.h"
#include "tests/lab/vsock-device/vhost.h"
#include "tests/unit/vsock-device/mux-fixture.h"

#define VERSION_1         ((uint64_t)1 << 32)
#define PROTOCOL_FEATURES ((uint64_t)1 << 30)

struct fixture {
    struct mux_fixture world; /* its driver, mux and calls */
    struct vhost vhost;
    struct vhost_message message;
    struct vhost_message reply;
    struct error error;
    int file; /* the guest's memory */
};

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    void *memory;

    fixture->file = memfd_create("guest", MFD_CLOEXEC);
    assert_int_equal(ftruncate(fixture->file, (off_t)VSOCK_DRIVER_MEMORY), 0);
    memory = mmap(NULL, VSOCK_DRIVER_MEMORY, PROT_READ | PROT_WRITE, MAP_SHARED, fixture->file, 0);
    assert_ptr_not_equal(memory, MAP_FAILED);
    vsock_driver_init(&fixture->world.driver, memory);
    mux_stream_init(&fixture->world.dialled);
    mux_init(&fixture->world.mux, &mux_fixture_calls, &fixture->world, VSOCK_DRIVER_CID,
             &fixture->vhost.mapping.memory);
    vhost_init(&fixture->vhost, &fixture->world.mux, VSOCK_DRIVER_CID);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;

    mux_finish(&fixture->world.mux);
    vhost_finish(&fixture->vhost);
    mux_stream_finish(&fixture->world, &fixture->world.dialled);
    (void)munmap(fixture->world.driver.memory, VSOCK_DRIVER_MEMORY);
    close(fixture->file);
    free(fixture);
    return 0;
}

/* The message's descriptors are given away. */
static int send(struct fixture *fixture, uint32_t request, const void *payload, uint32_t size,
                const int *descriptors, unsigned descriptor_count)
{
    struct vhost_message *message = &fixture->message;

    *message = (struct vhost_message){.header = {.request = request, .flags = 1, .size = size}};
    memcpy(message->payload, payload, size);
    for (unsigned i = 0; i < descriptor_count; i++)
        message->descriptors[message->descriptor_count++] = descriptors[i];
    if (vhost_check(&message->header, &fixture->error) < 0)
        fail_msg("%s", fixture->error.text);
    return vhost_handle(&fixture->vhost, message, &fixture->reply, &fixture->error);
}

static uint64_t ask(struct fixture *fixture, uint32_t request)
{
    uint64_t number;

    assert_int_equal(send(fixture, request, "", 0, NULL, 0), 1);
    assert_int_equal(fixture->reply.header.request, request);
    assert_int_equal(fixture->reply.header.flags, 5);
    assert_int_equal(fixture->reply.header.size, 8);
    memcpy(&number, fixture->reply.payload, sizeof(number));
    return number;
}

static int send_number(struct fixture *fixture, uint32_t request, uint64_t number)
{
    return send(fixture, request, &number, sizeof(number), NULL, 0);
}

static int send_state(struct fixture *fixture, uint32_t request, uint32_t ring, uint32_t number)
{
    uint32_t state[] = {ring, number};

    return send(fixture, request, state, sizeof(state), NULL, 0);
}

static int send_descriptor(struct fixture *fixture, uint32_t request, uint64_t number,
                           int descriptor)
{
    return send(fixture, request, &number, sizeof(number), &descriptor, 1);
}

static int send_memory(struct fixture *fixture, uint64_t size, int descriptor)
{
    uint64_t table[] = {1, VSOCK_DRIVER_GUEST_ADDRESS, size, VSOCK_DRIVER_USER_ADDRESS, 0};

    return send(fixture, SET_MEM_TABLE, table, sizeof(table), &descriptor, 1);
}

static int share(const struct fixture *fixture)
{
    return fcntl(fixture->file, F_DUPFD_CLOEXEC, 0);
}

static void send_ring(struct fixture *fixture, uint32_t index, const struct vsock_driver_ring *ring,
                      uint16_t base)
{
    struct ring_layout layout = vsock_driver_layout(ring);
    uint64_t address[] = {index, layout.descriptors, layout.used, layout.available, 0};

    assert_int_equal(send_state(fixture, SET_VRING_NUM, index, layout.size), 0);
    assert_int_equal(send_state(fixture, SET_VRING_BASE, index, base), 0);
    assert_int_equal(send(fixture, SET_VRING_ADDR, address, sizeof(address), NULL, 0), 0);
    assert_int_equal(send_descriptor(fixture, SET_VRING_KICK, index, eventfd(0, EFD_CLOEXEC)), 0);
    assert_int_equal(send_descriptor(fixture, SET_VRING_CALL, index, eventfd(0, EFD_CLOEXEC)), 0);
}

static void start(struct fixture *fixture)
{
    assert_int_equal(send_number(fixture, SET_FEATURES, VERSION_1 | PROTOCOL_FEATURES), 0);
    assert_int_equal(send_memory(fixture, VSOCK_DRIVER_MEMORY, share(fixture)), 0);
    send_ring(fixture, 0, &fixture->world.driver.to_guest, 0);
    send_ring(fixture, 1, &fixture->world.driver.from_guest, 0);
    assert_false(mux_ring_is_running(&fixture->world.mux, MUX_TO_GUEST));
    assert_int_equal(send_state(fixture, SET_VRING_ENABLE, 0, 1), 0);
    assert_int_equal(send_state(fixture, SET_VRING_ENABLE, 1, 1), 0);
    assert_true(mux_ring_is_running(&fixture->world.mux, MUX_TO_GUEST));
    assert_true(mux_ring_is_running(&fixture->world.mux, MUX_FROM_GUEST));
}

/* How often the guest's memory is mapped in this process, once by the test itself. */
static unsigned count_mappings(void)
{
    FILE *maps = fopen("/proc/self/maps", "re");
    unsigned count = 0;
    char line[512];

    assert_non_null(maps);
    while (fgets(line, sizeof(line), maps) != NULL)
        if (strstr(line, "/memfd:guest ") != NULL)
            count++;
    (void)fclose(maps);
    return count;
}

/* ---- what is offered ---- */

static void test_features(void **state)
{
    struct fixture *fixture = *state;

    assert_true(ask(fixture, GET_FEATURES) == (VERSION_1 | PROTOCOL_FEATURES));
    assert_true(ask(fixture, GET_PROTOCOL_FEATURES) == 1 << 9);
    assert_int_equal(send_number(fixture, SET_FEATURES, VERSION_1), 0);
    assert_int_equal(send_number(fixture, SET_FEATURES, VERSION_1 | 1 << 28), -EPROTO);
    assert_int_equal(send_number(fixture, SET_PROTOCOL_FEATURES, 1 << 9), 0);
    assert_int_equal(send_number(fixture, SET_PROTOCOL_FEATURES, 1 << 3), -EPROTO);
}

static void test_config(void **state)
{
    struct fixture *fixture = *state;
    uint32_t payload[5] = {0, 8, 0, 0, 0};
    uint64_t cid;

    assert_int_equal(send(fixture, GET_CONFIG, payload, 20, NULL, 0), 1);
    assert_int_equal(fixture->reply.header.size, 20);
    memcpy(&cid, fixture->reply.payload + 12, sizeof(cid));
    assert_true(cid == VSOCK_DRIVER_CID);
    payload[0] = 4;
    assert_int_equal(send(fixture, GET_CONFIG, payload, 20, NULL, 0), -EPROTO);
    payload[0] = UINT32_MAX;
    assert_int_equal(send(fixture, GET_CONFIG, payload, 20, NULL, 0), -EPROTO);
    payload[0] = 0;
    assert_int_equal(send(fixture, GET_CONFIG, payload, 12, NULL, 0), -EPROTO);
}

/* ---- messages that are none ---- */

static int check(uint32_t request, uint32_t flags, uint32_t size)
{
    const struct vhost_header header = {.request = request, .flags = flags, .size = size};
    struct error error;

    return vhost_check(&header, &error);
}

static void test_headers(void **state)
{
    assert_int_equal(check(GET_FEATURES, 1, 0), 0);
    assert_int_equal(check(0, 1, 0), -EPROTO);
    assert_int_equal(check(4, 1, 0), -EPROTO); /* not served */
    assert_int_equal(check(1000, 1, 0), -EPROTO);
    assert_int_equal(check(GET_FEATURES, 2, 0), -EPROTO);
    assert_int_equal(check(GET_FEATURES, 1 | 4, 0), -EPROTO);
    assert_int_equal(check(SET_FEATURES, 1 | 8, 8), -EPROTO); /* wants a reply, not offered */
    assert_int_equal(check(GET_FEATURES, 1, 1), -EPROTO);
    assert_int_equal(check(SET_VRING_ADDR, 1, 39), -EPROTO);
    assert_int_equal(check(SET_MEM_TABLE, 1, 8 + 8 * 32), 0);
    assert_int_equal(check(SET_MEM_TABLE, 1, 8 + 9 * 32), -EPROTO);
    assert_int_equal(check(GET_CONFIG, 1, VHOST_PAYLOAD_MAX), -EPROTO);
}

static void test_no_such_ring(void **state)
{
    struct fixture *fixture = *state;
    static const uint32_t requests[] = {SET_VRING_NUM, SET_VRING_BASE, GET_VRING_BASE,
                                        SET_VRING_ENABLE};
    uint64_t address[] = {2, 0, 0, 0, 0};

    for (size_t i = 0; i < ARRAY_SIZE(requests); i++)
        assert_int_equal(send_state(fixture, requests[i], 2, 1), -EPROTO);
    assert_int_equal(send(fixture, SET_VRING_ADDR, address, sizeof(address), NULL, 0), -EPROTO);
    assert_int_equal(send_descriptor(fixture, SET_VRING_KICK, 2, share(fixture)), -EPROTO);
}

/* Each descriptor that is not wanted is closed. */
static void test_descriptors(void **state)
{
    struct fixture *fixture = *state;
    int first = share(fixture), second = share(fixture);
    int both[] = {first, second};
    uint64_t number = 0;

    assert_int_equal(send(fixture, SET_VRING_CALL, &number, 8, both, 2), -EPROTO);
    assert_int_equal(fcntl(first, F_GETFD), -1);
    assert_int_equal(fcntl(second, F_GETFD), -1);
    assert_int_equal(send_number(fixture, SET_VRING_CALL, 0), -EPROTO);
    assert_int_equal(send_number(fixture, SET_VRING_CALL, 0 | 0x100), 0);
    first = share(fixture);
    assert_int_equal(send_descriptor(fixture, SET_FEATURES, VERSION_1, first), -EPROTO);
    assert_int_equal(fcntl(first, F_GETFD), -1);
    first = share(fixture);
    assert_int_equal(send_descriptor(fixture, SET_VRING_CALL, 0, first), 0);
    assert_int_equal(fixture->vhost.rings[0].call, first);
    second = share(fixture);
    assert_int_equal(send_descriptor(fixture, SET_VRING_CALL, 0, second), 0);
    assert_int_equal(fcntl(first, F_GETFD), -1);
}

/* ---- memory ---- */

static void test_memory(void **state)
{
    struct fixture *fixture = *state;
    int descriptor = share(fixture);

    assert_int_equal(send_memory(fixture, VSOCK_DRIVER_MEMORY, descriptor), 0);
    assert_int_equal(fcntl(descriptor, F_GETFD), -1); /* the mapping holds the file */
    fixture->world.driver.memory[100] = 77;
    assert_int_equal(
        *memory_at_guest(&fixture->vhost.mapping.memory, VSOCK_DRIVER_GUEST_ADDRESS + 100, 1), 77);
}

static void test_bad_memory(void **state)
{
    struct fixture *fixture = *state;
    uint64_t table[] = {2, 0, 0x10000, 0, 0, 0x8000, 0x10000, 0x10000, 0};
    int both[] = {share(fixture), share(fixture)};
    int pipe_ends[2];

    assert_int_equal(send(fixture, SET_MEM_TABLE, table, sizeof(table), both, 2), -EEXIST);
    assert_int_equal(send(fixture, SET_MEM_TABLE, table, sizeof(table), NULL, 0), -EPROTO);
    table[0] = 9;
    assert_int_equal(send(fixture, SET_MEM_TABLE, table, sizeof(table), NULL, 0), -EPROTO);
    assert_int_equal(send_memory(fixture, VSOCK_DRIVER_MEMORY + 1, share(fixture)), -EINVAL);
    assert_int_equal(send_memory(fixture, 0, share(fixture)), -EINVAL);
    assert_int_equal(pipe(pipe_ends), 0);
    assert_int_equal(send_memory(fixture, 4096, pipe_ends[0]), -EINVAL);
    close(pipe_ends[1]);
    table[0] = 1;
    table[2] = 4096;
    table[4] = UINT64_MAX - 100;
    both[0] = share(fixture);
    assert_int_equal(send(fixture, SET_MEM_TABLE, table, 40, both, 1), -EINVAL);
}

/* The front end maps the guest's memory anew while the driver is at work. */
static void test_memory_changes(void **state)
{
    struct fixture *fixture = *state;

    start(fixture);
    mux_open_by_guest(&fixture->world);
    assert_int_equal(count_mappings(), 2);
    assert_int_equal(send_memory(fixture, VSOCK_DRIVER_MEMORY, share(fixture)), 0);
    assert_true(mux_ring_is_running(&fixture->world.mux, MUX_TO_GUEST));
    assert_false(fixture->world.dialled.closed);
    assert_int_equal(count_mappings(), 2);
    mux_stream_write(&fixture->world, &fixture->world.dialled, "x", 1);
    mux_expect(&fixture->world, VIRTIO_VSOCK_OP_RW);
    assert_int_equal(send_memory(fixture, 4096, share(fixture)), -EFAULT);
    assert_false(mux_ring_is_running(&fixture->world.mux, MUX_TO_GUEST));
}

/* ---- rings ---- */

static void test_start_and_stop(void **state)
{
    struct fixture *fixture = *state;
    int call;
    uint32_t reply[2];

    start(fixture);
    mux_open_by_guest(&fixture->world);
    assert_int_equal(send_state(fixture, SET_VRING_ENABLE, 0, 0), 0);
    assert_false(mux_ring_is_running(&fixture->world.mux, MUX_TO_GUEST));
    assert_int_equal(send_state(fixture, SET_VRING_ENABLE, 0, 1), 0);
    assert_true(mux_ring_is_running(&fixture->world.mux, MUX_TO_GUEST));
    assert_int_equal(send_state(fixture, GET_VRING_BASE, 0, 0), 1);
    memcpy(reply, fixture->reply.payload, sizeof(reply));
    assert_int_equal(reply[0], 0);
    assert_int_equal(reply[1], 1);
    assert_int_equal(fixture->vhost.rings[0].kick, -1);
    assert_false(fixture->world.dialled.closed); /* it may be a pause */
    call = fixture->vhost.rings[0].call;
    mux_finish(&fixture->world.mux);
    vhost_finish(&fixture->vhost);
    assert_int_equal(fcntl(call, F_GETFD), -1);
    assert_int_equal(count_mappings(), 1);
}

static void test_ring_is_nowhere(void **state)
{
    struct fixture *fixture = *state;

    assert_int_equal(send_number(fixture, SET_FEATURES, VERSION_1), 0);
    assert_int_equal(send_memory(fixture, VSOCK_DRIVER_MEMORY, share(fixture)), 0);
    /* Without protocol features a kick is all that starts a ring. */
    assert_int_equal(send_descriptor(fixture, SET_VRING_KICK, 0, eventfd(0, EFD_CLOEXEC)), -EINVAL);
    assert_non_null(strstr(fixture->error.text, "queue 0"));
}

static void test_break(void **state)
{
    struct fixture *fixture = *state;
    int error = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    uint64_t count;

    start(fixture);
    assert_int_equal(send_descriptor(fixture, SET_VRING_ERR, 1, fcntl(error, F_DUPFD_CLOEXEC, 0)),
                     0);
    vhost_break(&fixture->vhost, MUX_FROM_GUEST);
    assert_int_equal(read(error, &count, sizeof(count)), sizeof(count));
    assert_false(mux_ring_is_running(&fixture->world.mux, MUX_FROM_GUEST));
    /* It stays so while the front end has other things to say. */
    assert_int_equal(send_memory(fixture, VSOCK_DRIVER_MEMORY, share(fixture)), 0);
    assert_false(mux_ring_is_running(&fixture->world.mux, MUX_FROM_GUEST));
    assert_int_equal(send_state(fixture, SET_VRING_ENABLE, 1, 1), 0);
    assert_true(mux_ring_is_running(&fixture->world.mux, MUX_FROM_GUEST));
    close(error);
}

static void test_call(void **state)
{
    struct fixture *fixture = *state;
    int call = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    uint64_t count;

    vhost_call(&fixture->vhost, MUX_TO_GUEST); /* nobody wants to know */
    assert_int_equal(send_descriptor(fixture, SET_VRING_CALL, 0, fcntl(call, F_DUPFD_CLOEXEC, 0)),
                     0);
    vhost_call(&fixture->vhost, MUX_TO_GUEST);
    assert_int_equal(read(call, &count, sizeof(count)), sizeof(count));
    close(call);
}

int main(void)
{
#define test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        test(test_features),        test(test_config),         cmocka_unit_test(test_headers),
        test(test_no_such_ring),    test(test_descriptors),    test(test_memory),
        test(test_bad_memory),      test(test_memory_changes), test(test_start_and_stop),
        test(test_ring_is_nowhere), test(test_break),          test(test_call),
    };
#undef test

    return cmocka_run_group_tests(tests, NULL, NULL);
}
