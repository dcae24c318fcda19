/* The back-off between dials, and who may dial a listening agent. */
#include "tests/lib/test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/core/connection.h"
#include "common/transport/socket.h"
#include "tests/lib/fixture.h"
#include "tests/lib/loop.h"

static void test_first_dial_comes_soon(void **state)
{
    assert_int_equal(connection_back_off(0, 0, 0), 100 * NSEC_PER_MSEC);
    assert_true(connection_back_off(0, 0, UINT32_MAX) < 200 * NSEC_PER_MSEC);
}

static void test_delay_doubles_up_to_the_limit(void **state)
{
    assert_int_equal(connection_back_off(1, 0, 0), 200 * NSEC_PER_MSEC);
    assert_int_equal(connection_back_off(2, 0, 0), 400 * NSEC_PER_MSEC);
    assert_int_equal(connection_back_off(10, 0, 0), NSEC_PER_SEC);
    assert_int_equal(connection_back_off(1000, 0, 0), NSEC_PER_SEC);
}

/* A guest that has no controller is not woken for one; one that gets it is not kept waiting. */
static void test_delay_grows_with_the_time_alone(void **state)
{
    assert_true(connection_back_off(1000, 8 * NSEC_PER_SEC, UINT32_MAX) < 2 * NSEC_PER_SEC);
    assert_int_equal(connection_back_off(1000, 40 * NSEC_PER_SEC, 0), 5 * NSEC_PER_SEC);
    assert_int_equal(connection_back_off(1000, 86400 * NSEC_PER_SEC, 0), 30 * NSEC_PER_SEC);
    assert_true(connection_back_off(1000, 86400 * NSEC_PER_SEC, UINT32_MAX) < 60 * NSEC_PER_SEC);
}

/* ---- listening ---- */

static struct fixture fixture;
static struct address address;
static struct connections *connections;
static uv_loop_t loop;

/* Linked in place of the kernel's word: the peer of a UNIX socket is a host on vsock. */
int __wrap_getpeername(int descriptor, struct sockaddr *name, socklen_t *length);

static uint32_t host_port;

int __wrap_getpeername(int descriptor, struct sockaddr *name, socklen_t *length)
{
    union socket_address host;

    *length = socket_address_vm(VMADDR_CID_HOST, host_port, &host);
    memcpy(name, &host, *length);
    return 0;
}

static int listen_in_a_guest(void **state)
{
    static const struct ttrpc_service *const services[] = {NULL};
    struct connections_options options = {.services = services, .listen = &address};
    struct error error;

    fixture_init(&fixture);
    address.kind = ADDRESS_UNIX;
    snprintf(address.path, sizeof(address.path), "%s/agent", fixture.path);
    options.root = fixture.root;
    if (uv_loop_init(&loop) < 0)
        return -1;
    return connections_create(&loop, &options, &connections, &error);
}

static int stop(void **state)
{
    connections_destroy(connections);
    loop_finish(&loop);
    fixture_finish(&fixture);
    return 0;
}

/* Calls a service that nobody has. True: it was answered; false: the agent closed. */
static bool is_answered_from(uint32_t port)
{
    static const uint8_t request[] = {0, 0, 0, 0, 0, 0, 0, 1, 1, 0};
    union socket_address agent;
    int length = socket_address_local(address.path, &agent);
    int descriptor = socket_open(AF_UNIX);
    uint8_t answer[64];
    ssize_t n = -1;

    host_port = port;
    assert_int_equal(connect(descriptor, &agent.any, (socklen_t)length), 0);
    assert_int_equal(write(descriptor, request, sizeof(request)), sizeof(request));
    while (n < 0) {
        loop_run_turns(&loop, 1);
        n = recv(descriptor, answer, sizeof(answer), MSG_DONTWAIT);
        if (n < 0 && errno != EAGAIN)
            n = 0; /* reset: closed with our request unread */
    }
    close(descriptor);
    return n > 0;
}

static void test_a_privileged_port_is_asked_for(void **state)
{
    assert_true(is_answered_from(1023));
    assert_false(is_answered_from(1u << 30));
}

static void test_a_hypervisors_own_device_may_use_any(void **state)
{
    fixture_write(&fixture, "sys/bus/virtio/devices/virtio0/device", "0x0013\n");
    fixture_write(&fixture, "sys/bus/virtio/devices/virtio0/features",
                  "0000000000000000000000000000010010010000000000000000000000000000\n");
    assert_true(is_answered_from(1u << 30));
    assert_true(is_answered_from(1023));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first_dial_comes_soon),
        cmocka_unit_test(test_delay_doubles_up_to_the_limit),
        cmocka_unit_test(test_delay_grows_with_the_time_alone),
        cmocka_unit_test_setup_teardown(test_a_privileged_port_is_asked_for, listen_in_a_guest,
                                        stop),
        cmocka_unit_test_setup_teardown(test_a_hypervisors_own_device_may_use_any,
                                        listen_in_a_guest, stop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
