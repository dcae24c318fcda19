/* Who may dial a listening agent. */
#include "tests/lib/test.h"

#include <stdio.h>
#include <string.h>

#include "agent/safety/host-gate.h"
#include "tests/lib/fixture.h"

#define HYBRID_PORT (1u << 30) /* Firecracker and Cloud Hypervisor count from here */

#define VHOST       "0000000000000000000000000000110010000000000000000000000000000000\n"
#define FIRECRACKER "0000000000000000000000000000010010010000000000000000000000000000\n"

static struct fixture fixture;
static struct host_gate gate;
static unsigned lines;
static char last_line[256];

static void on_line(enum log_level level, const char *line, void *userdata)
{
    lines++;
    snprintf(last_line, sizeof(last_line), "%s", line);
}

static int setup(void **state)
{
    fixture_init(&fixture);
    host_gate_init(&gate, fixture.root, HOST_PORT_AUTO);
    lines = 0;
    log_set_sink(on_line, NULL);
    return 0;
}

static int teardown(void **state)
{
    log_set_sink(NULL, NULL);
    fixture_finish(&fixture);
    return 0;
}

static void plug(const char *features)
{
    fixture_write(&fixture, "sys/bus/virtio/devices/virtio1/device", "0x0013\n");
    fixture_write(&fixture, "sys/bus/virtio/devices/virtio1/features", features);
}

static bool admits(uint32_t cid, uint32_t port, nsec_t now)
{
    const struct peer peer = {.kind = ADDRESS_VSOCK, .cid = cid, .port = port};

    return host_gate_admits(&gate, &peer, now);
}

static void test_behind_the_hosts_kernel(void **state)
{
    plug(VHOST);
    assert_true(admits(2, 0, 1));
    assert_true(admits(2, 1023, 1));
    assert_false(admits(2, 1024, 1));
    assert_non_null(strstr(last_line, "CID 2, port 1024"));
    assert_non_null(strstr(last_line, "host kernel's"));
    assert_non_null(strstr(last_line, "host_port = any"));
    assert_false(admits(2, HYBRID_PORT, 1));
}

static void test_behind_a_hypervisors_own_device(void **state)
{
    plug(FIRECRACKER);
    assert_true(admits(2, HYBRID_PORT, 1));
    assert_true(admits(2, 1024, 1));
    assert_true(admits(2, 5, 1));
    assert_int_equal(lines, 0);
}

static void test_only_the_host(void **state)
{
    static const uint32_t cids[] = {0, 1, 3, 1000, UINT32_MAX};

    plug(FIRECRACKER);
    for (size_t i = 0; i < ARRAY_SIZE(cids); i++) {
        gate.refusals.begun = 0;
        assert_false(admits(cids[i], 600, 1));
        assert_non_null(strstr(last_line, "only the host, CID 2"));
    }
    assert_int_equal(lines, ARRAY_SIZE(cids));
}

static void test_without_a_virtio_device(void **state)
{
    assert_true(admits(2, 600, 1));
    assert_false(admits(2, HYBRID_PORT, 1));
    assert_non_null(strstr(last_line, "no virtio vsock device"));
}

static void test_other_sockets_have_permissions(void **state)
{
    const struct peer peer = {.kind = ADDRESS_UNIX, .uid = 1000};

    assert_true(host_gate_admits(&gate, &peer, 1));
}

static void test_the_owner_decides(void **state)
{
    plug(VHOST);
    host_gate_init(&gate, fixture.root, HOST_PORT_ANY);
    assert_true(admits(2, HYBRID_PORT, 1));
    assert_false(admits(3, 600, 1));
    plug(FIRECRACKER);
    host_gate_init(&gate, fixture.root, HOST_PORT_PRIVILEGED);
    assert_false(admits(2, HYBRID_PORT, 1));
    assert_non_null(strstr(last_line, "host_port = privileged"));
    assert_true(admits(2, 1023, 1));
}

/* The agent listens from its start; a device may come later, or be another one. */
static void test_a_device_plugged_in_later(void **state)
{
    const nsec_t begun = 1000 * NSEC_PER_SEC;

    assert_false(admits(2, HYBRID_PORT, begun));
    plug(FIRECRACKER);
    assert_true(admits(2, HYBRID_PORT, begun + 2 * NSEC_PER_SEC));
    plug(VHOST);
    assert_false(admits(2, HYBRID_PORT, begun + 4 * NSEC_PER_SEC));
    fixture_remove(&fixture, "sys/bus/virtio/devices/virtio1/features");
    assert_false(admits(2, HYBRID_PORT, begun + 6 * NSEC_PER_SEC));
}

/* A storm of connections costs a look per second and a few lines per minute. */
static void test_a_storm(void **state)
{
    for (unsigned i = 0; i < 1000; i++)
        assert_false(admits(2, 2000 + i, NSEC_PER_SEC + i));
    assert_int_equal(lines, 3);
    plug(FIRECRACKER);
    assert_false(admits(2, 2000, NSEC_PER_SEC + 1001));
    assert_false(admits(3, 2000, 100 * NSEC_PER_SEC));
    assert_int_equal(lines, 4);
    assert_non_null(strstr(last_line, "998 more"));
}

int main(void)
{
#define with_guest(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
    const struct CMUnitTest tests[] = {
        with_guest(test_behind_the_hosts_kernel),
        with_guest(test_behind_a_hypervisors_own_device),
        with_guest(test_only_the_host),
        with_guest(test_without_a_virtio_device),
        with_guest(test_other_sockets_have_permissions),
        with_guest(test_the_owner_decides),
        with_guest(test_a_device_plugged_in_later),
        with_guest(test_a_storm),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
