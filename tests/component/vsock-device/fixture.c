#include "tests/component/vsock-device/fixture.h"

#include "tests/lib/test.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/lab/vsock-device/requests.h"
#include "tests/lib/no-vsock.h"

const char *device_program;

static void wait_for(int descriptor, short events)
{
    struct pollfd look = {.fd = descriptor, .events = events};

    if (poll(&look, 1, WAIT_MS) != 1)
        fail_msg("nothing came within %d ms", WAIT_MS);
}

/* ---- the program ---- */

static void run_program(const struct device *device)
{
    int log = open(device->log_path, O_WRONLY | O_CREAT | O_APPEND, 0600);
    const char *arguments[] = {
        device_program,      "--cid", "3", "--vhost", device->vhost_path, "--hybrid",
        device->hybrid_path, NULL};

    deny_vsock();
    if (dup2(log, STDERR_FILENO) < 0)
        _exit(127);
    (void)execv(device_program, (char *const *)arguments);
    _exit(127);
}

static bool is_there(const char *path)
{
    return access(path, F_OK) == 0;
}

void device_start(struct device *device)
{
    int watch = inotify_init1(IN_CLOEXEC);
    char events[4096];

    assert_true(inotify_add_watch(watch, device->directory, IN_MOVED_TO) >= 0);
    device->pid = fork();
    if (device->pid == 0)
        run_program(device);
    while (!is_there(device->vhost_path) || !is_there(device->hybrid_path)) {
        wait_for(watch, POLLIN);
        assert_true(read(watch, events, sizeof(events)) > 0);
    }
    close(watch);
}

int device_wait(struct device *device)
{
    int status;

    assert_int_equal(waitpid(device->pid, &status, 0), device->pid);
    device->pid = 0;
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

const char *device_log(struct device *device)
{
    static char text[4096];
    FILE *file = fopen(device->log_path, "re");
    size_t length = file == NULL ? 0 : fread(text, 1, sizeof(text) - 1, file);

    text[length] = '\0';
    if (file != NULL)
        (void)fclose(file);
    return text;
}

unsigned device_count_descriptors(const struct device *device)
{
    char path[64];
    unsigned count = 0;
    DIR *directory;

    snprintf(path, sizeof(path), "/proc/%d/fd", device->pid);
    directory = opendir(path);
    assert_non_null(directory);
    while (readdir(directory) != NULL)
        count++;
    (void)closedir(directory);
    return count - 2;
}

unsigned device_count_mappings(const struct device *device)
{
    char path[64], line[512];
    unsigned count = 0;
    FILE *maps;

    snprintf(path, sizeof(path), "/proc/%d/maps", device->pid);
    maps = fopen(path, "re");
    assert_non_null(maps);
    while (fgets(line, sizeof(line), maps) != NULL)
        if (strstr(line, "/memfd:guest ") != NULL)
            count++;
    (void)fclose(maps);
    return count;
}

/* ---- the front end ---- */

static int dial(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(strlen(path) < sizeof(address.sun_path));
    memcpy(address.sun_path, path, strlen(path));
    assert_int_equal(connect(descriptor, (const struct sockaddr *)&address, sizeof(address)), 0);
    return descriptor;
}

void device_connect(struct device *device)
{
    device->frontend = dial(device->vhost_path);
}

void device_leave(struct device *device)
{
    if (device->frontend >= 0)
        close(device->frontend);
    device->frontend = -1;
}

void device_message(struct device *device, uint32_t request, const void *payload, uint32_t size,
                    int descriptor)
{
    uint32_t fields[] = {request, 1, size};
    struct iovec segments[] = {{fields, sizeof(fields)}, {(void *)payload, size}};
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control = {.align = {.cmsg_level = SOL_SOCKET,
                           .cmsg_type = SCM_RIGHTS,
                           .cmsg_len = CMSG_LEN(sizeof(int))}};
    struct msghdr header = {.msg_iov = segments, .msg_iovlen = 2};

    if (descriptor >= 0) {
        memcpy(CMSG_DATA(&control.align), &descriptor, sizeof(descriptor));
        header.msg_control = &control;
        header.msg_controllen = sizeof(control);
    }
    assert_int_equal(sendmsg(device->frontend, &header, MSG_NOSIGNAL), sizeof(fields) + size);
}

uint32_t device_reply(struct device *device, void *ret_payload, uint32_t size)
{
    uint32_t fields[3];

    host_expect(device->frontend, NULL, 0);
    assert_int_equal(recv(device->frontend, fields, sizeof(fields), MSG_WAITALL), sizeof(fields));
    assert_int_equal(fields[1], 5);
    assert_int_equal(fields[2], size);
    assert_int_equal(recv(device->frontend, ret_payload, size, MSG_WAITALL), size);
    return fields[0];
}

static void send_state(struct device *device, uint32_t request, uint32_t ring, uint32_t number)
{
    uint32_t state[] = {ring, number};

    device_message(device, request, state, sizeof(state), -1);
}

static void start_ring(struct device *device, uint32_t index, const struct vsock_driver_ring *ring,
                       uint16_t next)
{
    struct ring_layout layout = vsock_driver_layout(ring);
    uint64_t address[] = {index, layout.descriptors, layout.used, layout.available, 0};
    uint64_t number = index;

    send_state(device, SET_VRING_NUM, index, layout.size);
    send_state(device, SET_VRING_BASE, index, next);
    device_message(device, SET_VRING_ADDR, address, sizeof(address), -1);
    device_message(device, SET_VRING_CALL, &number, sizeof(number), device->calls[index]);
    device_message(device, SET_VRING_ERR, &number, sizeof(number), device->errors[index]);
    device_message(device, SET_VRING_KICK, &number, sizeof(number), device->kicks[index]);
    send_state(device, SET_VRING_ENABLE, index, 1);
}

void device_resume(struct device *device, const uint16_t next[2])
{
    const uint64_t features = (uint64_t)1 << 32 | (uint64_t)1 << 30;
    uint64_t memory[] = {1, VSOCK_DRIVER_GUEST_ADDRESS, VSOCK_DRIVER_MEMORY,
                         VSOCK_DRIVER_USER_ADDRESS, 0};

    device_message(device, SET_OWNER, "", 0, -1);
    device_message(device, SET_FEATURES, &features, sizeof(features), -1);
    device_message(device, SET_MEM_TABLE, memory, sizeof(memory), device->memory_file);
    start_ring(device, 0, &device->driver.to_guest, next[0]);
    start_ring(device, 1, &device->driver.from_guest, next[1]);
}

void device_boot(struct device *device)
{
    static const uint16_t next[2] = {0, 0};

    vsock_driver_init(&device->driver, device->driver.memory);
    device_resume(device, next);
}

void device_stop_rings(struct device *device, uint16_t ret_next[2])
{
    for (uint32_t i = 0; i < 2; i++) {
        uint32_t reply[2];

        send_state(device, GET_VRING_BASE, i, 0);
        assert_int_equal(device_reply(device, reply, sizeof(reply)), GET_VRING_BASE);
        assert_int_equal(reply[0], i);
        ret_next[i] = (uint16_t)reply[1];
    }
}

/* ---- the guest ---- */

static void kick(const struct device *device, unsigned ring)
{
    const uint64_t one = 1;

    assert_int_equal(write(device->kicks[ring], &one, sizeof(one)), sizeof(one));
}

void device_send(struct device *device, const struct virtio_vsock_hdr *header, const void *data)
{
    uint64_t count;

    while (!vsock_driver_send(&device->driver, header, data)) {
        wait_for(device->calls[1], POLLIN);
        assert_int_equal(read(device->calls[1], &count, sizeof(count)), sizeof(count));
    }
    kick(device, 1);
}

void device_expect(struct device *device, uint16_t operation)
{
    uint64_t count;

    while (!vsock_driver_receive(&device->driver, &device->header, &device->data)) {
        kick(device, 0);
        wait_for(device->calls[0], POLLIN);
        assert_int_equal(read(device->calls[0], &count, sizeof(count)), sizeof(count));
    }
    assert_int_equal(device->header.op, operation);
}

struct virtio_vsock_hdr device_answer(const struct device *device, uint16_t operation)
{
    return vsock_driver_header(device->header.dst_port, device->header.src_port, operation);
}

/* ---- hosts ---- */

int device_dial(const struct device *device)
{
    return dial(device->hybrid_path);
}

void host_write(int host, const void *bytes, size_t length)
{
    assert_int_equal(send(host, bytes, length, MSG_NOSIGNAL), length);
}

void host_expect(int host, const void *bytes, size_t length)
{
    char got[4096];

    assert_true(length <= sizeof(got));
    wait_for(host, POLLIN);
    assert_int_equal(recv(host, got, length, MSG_WAITALL), length);
    if (length > 0)
        assert_memory_equal(got, bytes, length);
}

void host_expect_end(int host)
{
    char byte;

    wait_for(host, POLLIN);
    assert_int_equal(recv(host, &byte, 1, 0), 0);
}

int device_open_by_host(struct device *device, uint32_t guest_port)
{
    int host = device_dial(device);
    struct virtio_vsock_hdr header;
    char line[32];

    snprintf(line, sizeof(line), "CONNECT %05u\n", guest_port);
    host_write(host, line, strlen(line));
    device_expect(device, VIRTIO_VSOCK_OP_REQUEST);
    assert_int_equal(device->header.dst_port, guest_port);
    header = device_answer(device, VIRTIO_VSOCK_OP_RESPONSE);
    device_send(device, &header, NULL);
    snprintf(line, sizeof(line), "OK %u\n", device->header.src_port);
    host_expect(host, line, strlen(line));
    return host;
}

int device_open_by_guest(struct device *device)
{
    struct virtio_vsock_hdr header = vsock_driver_header(700, 52, VIRTIO_VSOCK_OP_REQUEST);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), host;

    snprintf(address.sun_path, sizeof(address.sun_path), "%s_52", device->hybrid_path);
    assert_int_equal(bind(listener, (const struct sockaddr *)&address, sizeof(address)), 0);
    assert_int_equal(listen(listener, 1), 0);
    device_send(device, &header, NULL);
    wait_for(listener, POLLIN);
    host = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    assert_true(host >= 0);
    close(listener);
    (void)unlink(address.sun_path);
    device_expect(device, VIRTIO_VSOCK_OP_RESPONSE);
    return host;
}

/* ---- cmocka ---- */

int device_setup(void **state)
{
    struct device *device = calloc(1, sizeof(*device));
    void *memory;

    device->frontend = -1;
    snprintf(device->directory, sizeof(device->directory), "/tmp/vsock-device-XXXXXX");
    assert_non_null(mkdtemp(device->directory));
    snprintf(device->vhost_path, sizeof(device->vhost_path), "%s/vhost", device->directory);
    snprintf(device->hybrid_path, sizeof(device->hybrid_path), "%s/vsock", device->directory);
    snprintf(device->log_path, sizeof(device->log_path), "%s/log", device->directory);
    device->memory_file = memfd_create("guest", MFD_CLOEXEC);
    assert_int_equal(ftruncate(device->memory_file, (off_t)VSOCK_DRIVER_MEMORY), 0);
    memory =
        mmap(NULL, VSOCK_DRIVER_MEMORY, PROT_READ | PROT_WRITE, MAP_SHARED, device->memory_file, 0);
    assert_ptr_not_equal(memory, MAP_FAILED);
    device->driver.memory = memory;
    for (unsigned i = 0; i < 2; i++) {
        device->kicks[i] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
        device->calls[i] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
        device->errors[i] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    }
    device_start(device);
    device_connect(device);
    device_boot(device);
    *state = device;
    return 0;
}

int device_teardown(void **state)
{
    struct device *device = *state;
    bool clean = true;

    device_leave(device);
    if (device->pid != 0)
        clean = device_wait(device) == 0 && !is_there(device->vhost_path) &&
                !is_there(device->hybrid_path);
    if (!clean)
        print_error("%s", device_log(device));
    (void)unlink(device->log_path);
    (void)munmap(device->driver.memory, VSOCK_DRIVER_MEMORY);
    close(device->memory_file);
    for (unsigned i = 0; i < 2; i++) {
        close(device->kicks[i]);
        close(device->calls[i]);
        close(device->errors[i]);
    }
    clean = rmdir(device->directory) == 0 && clean;
    free(device);
    return clean ? 0 : -1;
}
