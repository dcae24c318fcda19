/* What hosts, guests and front ends see of the real program. */
#include "tests/component/vsock-device/fixture.h"

#include "tests/lib/test.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define SHUT_BOTH (VIRTIO_VSOCK_SHUTDOWN_RCV | VIRTIO_VSOCK_SHUTDOWN_SEND)

enum {
    GET_FEATURES = 1,
    GET_CONFIG = 24,
};

/* ---- opening ---- */

static void test_offer(void **state)
{
    struct device *device = *state;
    uint32_t config[5] = {0, 8, 0, 0, 0};
    uint64_t features;

    device_message(device, GET_FEATURES, "", 0, -1);
    assert_int_equal(device_reply(device, &features, sizeof(features)), GET_FEATURES);
    assert_true(features == ((uint64_t)1 << 32 | (uint64_t)1 << 30));
    device_message(device, GET_CONFIG, config, sizeof(config), -1);
    assert_int_equal(device_reply(device, config, sizeof(config)), GET_CONFIG);
    assert_int_equal(config[3], VSOCK_DRIVER_CID);
    assert_int_equal(config[4], 0);
}

static void test_by_host(void **state)
{
    struct device *device = *state;
    int first = device_open_by_host(device, 1017), second;
    struct virtio_vsock_hdr header;

    assert_int_equal(device->header.src_port, 1u << 30);
    host_write(first, "question", 8);
    device_expect(device, VIRTIO_VSOCK_OP_RW);
    assert_int_equal(device->header.len, 8);
    assert_memory_equal(device->data, "question", 8);
    header = device_answer(device, VIRTIO_VSOCK_OP_RW);
    header.len = 6;
    device_send(device, &header, "answer");
    host_expect(first, "answer", 6);
    second = device_open_by_host(device, 1017);
    assert_int_equal(device->header.src_port, (1u << 30) + 1);
    close(first);
    close(second);
}

static void test_by_guest(void **state)
{
    struct device *device = *state;
    int host = device_open_by_guest(device);
    struct virtio_vsock_hdr header = device_answer(device, VIRTIO_VSOCK_OP_RW);

    header.len = 2;
    device_send(device, &header, "hi");
    host_expect(host, "hi", 2); /* no line comes before it */
    close(host);
}

static void test_nobody_at_port(void **state)
{
    struct device *device = *state;
    struct virtio_vsock_hdr header = vsock_driver_header(700, 52, VIRTIO_VSOCK_OP_REQUEST);

    device_send(device, &header, NULL);
    device_expect(device, VIRTIO_VSOCK_OP_RST);
    assert_int_equal(device->header.src_port, 52);
    assert_int_equal(device->header.dst_port, 700);
}

static void test_refused(void **state)
{
    struct device *device = *state;
    int host = device_dial(device);
    struct virtio_vsock_hdr header;

    host_write(host, "CONNECT 1017\n", 13);
    device_expect(device, VIRTIO_VSOCK_OP_REQUEST);
    header = device_answer(device, VIRTIO_VSOCK_OP_RST);
    device_send(device, &header, NULL);
    host_expect_end(host);
    close(host);
}

/* A guest that says nothing; the device waits two seconds. */
static void test_no_answer(void **state)
{
    struct device *device = *state;
    int host = device_dial(device);

    host_write(host, "CONNECT 1017\n", 13);
    device_expect(device, VIRTIO_VSOCK_OP_REQUEST);
    device_expect(device, VIRTIO_VSOCK_OP_RST);
    host_expect_end(host);
    close(host);
}

static void test_bad_lines(void **state)
{
    struct device *device = *state;
    static const char *const lines[] = {"CONNECT 10", "HELLO 1017\n", "CONNECT\n", "\n"};

    for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
        int host = device_dial(device);
        char byte;
        ssize_t length;

        host_write(host, lines[i], strlen(lines[i]));
        length = recv(host, &byte, 1, 0);
        assert_true(length == 0 || (length < 0 && errno == ECONNRESET));
        close(host);
    }
    close(device_open_by_host(device, 1017));
}

static void test_limit(void **state)
{
    struct device *device = *state;
    int hosts[1023], open = device_open_by_host(device, 1017), more;

    for (size_t i = 1; i < ARRAY_SIZE(hosts); i++)
        hosts[i] = device_dial(device);
    more = device_dial(device);
    host_expect_end(more);
    close(more);
    for (size_t i = 1; i < ARRAY_SIZE(hosts); i++)
        close(hosts[i]);
    host_write(open, "x", 1); /* the others' ends come before this */
    device_expect(device, VIRTIO_VSOCK_OP_RW);
    close(open);
}

/* ---- ends ---- */

static void test_guest_half_closes(void **state)
{
    struct device *device = *state;
    int host = device_open_by_host(device, 1017);
    struct virtio_vsock_hdr header = device_answer(device, VIRTIO_VSOCK_OP_RW);

    header.len = 4;
    device_send(device, &header, "last");
    header = device_answer(device, VIRTIO_VSOCK_OP_SHUTDOWN);
    header.flags = VIRTIO_VSOCK_SHUTDOWN_SEND;
    device_send(device, &header, NULL);
    host_expect(host, "last", 4);
    host_expect_end(host);
    host_write(host, "still", 5);
    device_expect(device, VIRTIO_VSOCK_OP_RW);
    assert_memory_equal(device->data, "still", 5);
    close(host);
    device_expect(device, VIRTIO_VSOCK_OP_SHUTDOWN);
    assert_int_equal(device->header.flags, SHUT_BOTH);
}

static void test_host_half_closes(void **state)
{
    struct device *device = *state;
    int host = device_open_by_host(device, 1017);
    struct virtio_vsock_hdr header;

    host_write(host, "last", 4);
    (void)shutdown(host, SHUT_WR);
    device_expect(device, VIRTIO_VSOCK_OP_RW);
    device_expect(device, VIRTIO_VSOCK_OP_SHUTDOWN);
    assert_int_equal(device->header.flags, VIRTIO_VSOCK_SHUTDOWN_SEND);
    header = device_answer(device, VIRTIO_VSOCK_OP_RW);
    header.len = 5;
    device_send(device, &header, "still");
    host_expect(host, "still", 5);
    close(host);
    device_expect(device, VIRTIO_VSOCK_OP_SHUTDOWN);
    assert_int_equal(device->header.flags, SHUT_BOTH);
    device_expect(device, VIRTIO_VSOCK_OP_RST); /* the guest does not answer */
}

static void test_host_closes(void **state)
{
    struct device *device = *state;
    int host = device_open_by_host(device, 1017);
    unsigned before = device_count_descriptors(device);
    struct virtio_vsock_hdr header;

    close(host);
    device_expect(device, VIRTIO_VSOCK_OP_SHUTDOWN);
    assert_int_equal(device->header.flags, SHUT_BOTH);
    header = device_answer(device, VIRTIO_VSOCK_OP_RST);
    device_send(device, &header, NULL);
    host = device_open_by_host(device, 1018); /* the answer came after the RST */
    assert_int_equal(device_count_descriptors(device), before);
    close(host);
}

static void test_reset_by_guest(void **state)
{
    struct device *device = *state;
    int host = device_open_by_host(device, 1017);
    struct virtio_vsock_hdr header = device_answer(device, VIRTIO_VSOCK_OP_RST);

    device_send(device, &header, NULL);
    host_expect_end(host);
    close(host);
}

/* A host that closes with data unread breaks its connection. */
static void test_reset_by_host(void **state)
{
    struct device *device = *state;
    int host = device_open_by_host(device, 1017);
    struct virtio_vsock_hdr header = device_answer(device, VIRTIO_VSOCK_OP_RW);
    struct pollfd look = {.fd = host, .events = POLLIN};

    header.len = 6;
    device_send(device, &header, "unread");
    assert_int_equal(poll(&look, 1, WAIT_MS), 1);
    close(host);
    device_expect(device, VIRTIO_VSOCK_OP_RST);
}

/* ---- credit ---- */

/* The guest may send what the socket takes and 64 KiB more; one byte beyond is its end. */
static void test_guest_beyond_its_credit(void **state)
{
    static const uint8_t data[65536];
    struct device *device = *state;
    int host = device_open_by_host(device, 1017);
    struct virtio_vsock_hdr header = device_answer(device, VIRTIO_VSOCK_OP_RW);

    header.len = sizeof(data);
    for (unsigned i = 0; i < 1000; i++) {
        device_send(device, &header, data);
        if (vsock_driver_receive(&device->driver, &device->header, &device->data) &&
            device->header.op == VIRTIO_VSOCK_OP_RST)
            break;
        assert_true(i < 999);
    }
    close(host);
}

static void test_guest_without_room(void **state)
{
    struct device *device = *state;
    int host = device_dial(device);
    struct virtio_vsock_hdr header;

    host_write(host, "CONNECT 1017\n", 13);
    device_expect(device, VIRTIO_VSOCK_OP_REQUEST);
    header = device_answer(device, VIRTIO_VSOCK_OP_RESPONSE);
    header.buf_alloc = 3;
    device_send(device, &header, NULL);
    host_expect(host, "OK 1073741824\n", 14);
    host_write(host, "hello", 5);
    device_expect(device, VIRTIO_VSOCK_OP_RW);
    assert_int_equal(device->header.len, 3);
    device_expect(device, VIRTIO_VSOCK_OP_CREDIT_REQUEST);
    header = device_answer(device, VIRTIO_VSOCK_OP_CREDIT_UPDATE);
    header.buf_alloc = 3;
    header.fwd_cnt = 3;
    device_send(device, &header, NULL);
    device_expect(device, VIRTIO_VSOCK_OP_RW);
    assert_memory_equal(device->data, "lo", 2);
    close(host);
}

/* ---- the guest as a whole ---- */

static void test_reboot(void **state)
{
    struct device *device = *state;
    unsigned before = 0;

    for (unsigned boot = 0; boot < 3; boot++) {
        int host = device_open_by_host(device, 1017);
        int other = device_open_by_guest(device);
        uint16_t next[2];

        device_stop_rings(device, next);
        device_boot(device);
        host_expect_end(host);
        host_expect_end(other);
        close(host);
        close(other);
        close(device_open_by_host(device, 1017));
        device_expect(device, VIRTIO_VSOCK_OP_SHUTDOWN);
        assert_int_equal(device_count_mappings(device), 1);
        if (boot == 0)
            before = device_count_descriptors(device);
        assert_int_equal(device_count_descriptors(device), before);
    }
}

static void test_pause(void **state)
{
    struct device *device = *state;
    int host = device_open_by_host(device, 1017), late;
    uint16_t next[2];

    device_stop_rings(device, next);
    host_write(host, "meanwhile", 9);
    late = device_dial(device);
    host_write(late, "CONNECT 1018\n", 13);
    device_resume(device, next);
    /* Who waited longest comes first. */
    device_expect(device, VIRTIO_VSOCK_OP_RW);
    assert_int_equal(device->header.len, 9);
    device_expect(device, VIRTIO_VSOCK_OP_REQUEST);
    assert_int_equal(device->header.dst_port, 1018);
    close(host);
    close(late);
}

static void test_broken_ring(void **state)
{
    struct device *device = *state;
    int host = device_open_by_host(device, 1017);
    struct pollfd look = {.fd = device->errors[1], .events = POLLIN};
    const uint64_t one = 1;
    uint16_t next[2];

    device->driver.from_guest.available->idx += VSOCK_DRIVER_RING + 1;
    assert_int_equal(write(device->kicks[1], &one, sizeof(one)), sizeof(one));
    host_expect_end(host);
    assert_int_equal(poll(&look, 1, WAIT_MS), 1);
    assert_non_null(strstr(device_log(device), "queue 1"));
    close(host);
    device_stop_rings(device, next);
    device_boot(device);
    close(device_open_by_host(device, 1017));
}

/* ---- the front end ---- */

static void test_front_end_leaves_early(void **state)
{
    struct device *device = *state;

    for (unsigned i = 0; i < 3; i++) {
        static const uint8_t half[12] = {5, 0, 0, 0, 1, 0, 0, 0, 40};

        device_leave(device);
        assert_int_equal(device_wait(device), 0);
        assert_int_equal(access(device->vhost_path, F_OK), -1);
        assert_int_equal(access(device->hybrid_path, F_OK), -1);
        device_start(device);
        device_connect(device);
        host_write(device->frontend, half, 3 + 4 * i); /* a message that breaks off */
    }
}

static void test_bad_front_end(void **state)
{
    struct device *device = *state;
    int host = device_open_by_host(device, 1017);

    device_message(device, 77, "", 0, -1);
    assert_int_equal(device_wait(device), 1);
    assert_non_null(strstr(device_log(device), "request 77"));
    host_expect_end(host);
    close(host);
    assert_int_equal(access(device->vhost_path, F_OK), -1);
    assert_int_equal(access(device->hybrid_path, F_OK), -1);
}

static void test_signal(void **state)
{
    struct device *device = *state;

    assert_int_equal(kill(device->pid, SIGTERM), 0);
    assert_int_equal(device_wait(device), 0);
    assert_int_equal(access(device->hybrid_path, F_OK), -1);
}

static void test_path_in_use(void **state)
{
    struct device *device = *state;
    pid_t child = fork();
    int status;

    if (child == 0) {
        int log = open(device->log_path, O_WRONLY | O_CREAT | O_APPEND, 0600);

        (void)dup2(log, STDERR_FILENO);
        (void)execl(device_program, device_program, "--cid", "4", "--vhost", device->vhost_path,
                    "--hybrid", device->hybrid_path, NULL);
        _exit(127);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(WEXITSTATUS(status), 1);
    assert_non_null(strstr(device_log(device), "exists; remove it first"));
    close(device_open_by_host(device, 1017)); /* the first one is unharmed */
}

/* For test_limit; where the machine forbids it, that test says so. */
static void allow_descriptors(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < 2048) {
        limit.rlim_cur = min_of(limit.rlim_max, (rlim_t)2048);
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

int main(int argc, char **argv)
{
#define test(name) cmocka_unit_test_setup_teardown(name, device_setup, device_teardown)
    const struct CMUnitTest tests[] = {
        test(test_offer),
        test(test_by_host),
        test(test_by_guest),
        test(test_nobody_at_port),
        test(test_refused),
        test(test_no_answer),
        test(test_bad_lines),
        test(test_limit),
        test(test_guest_half_closes),
        test(test_host_half_closes),
        test(test_host_closes),
        test(test_reset_by_guest),
        test(test_reset_by_host),
        test(test_guest_beyond_its_credit),
        test(test_guest_without_room),
        test(test_reboot),
        test(test_pause),
        test(test_broken_ring),
        test(test_front_end_leaves_early),
        test(test_bad_front_end),
        test(test_signal),
        test(test_path_in_use),
    };
#undef test

    if (argc != 2)
        return 2;
    device_program = argv[1];
    allow_descriptors();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
