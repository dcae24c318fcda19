/* Many connections at once carry much, both ways: every byte is compared. And a guest that is
 * killed in the middle of it leaves nothing behind.
 * usage: test-transfer PROGRAM MIB */
#include "tests/component/vsock-device/fixture.h"

#include "tests/lib/test.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/number.h"
#include "common/base/time.h"

#define CONNECTIONS   100u
#define CHUNK         65536u
#define PATTERN_CYCLE 65521u /* a prime: no two connections have the same bytes at one place */

struct end {
    uint64_t sent;
    uint64_t received;
};

struct pair {
    int host;
    struct virtio_vsock_hdr header; /* ports as the guest sends them */
    struct end at_host;
    struct end at_guest;
    uint32_t credit;    /* buf_alloc of the device */
    uint32_t forwarded; /* its fwd_cnt */
    uint64_t told;      /* received at the guest when the device was told last */
    bool owes_credit;
};

struct transfer {
    struct device *device;
    struct pair pairs[CONNECTIONS];
    uint64_t per_pair; /* bytes, each way */
    unsigned by_port[4096];
};

static uint64_t total_bytes;
static uint8_t pattern[PATTERN_CYCLE + CHUNK];

static const uint8_t *expected(const struct transfer *transfer, const struct pair *pair,
                               bool to_guest, uint64_t position)
{
    size_t number = 2 * (size_t)(pair - transfer->pairs) + to_guest;

    return pattern + (position + 7919 * number) % PATTERN_CYCLE;
}

static void fill_pattern(void)
{
    uint32_t state = 1;

    for (size_t i = 0; i < sizeof(pattern); i++) {
        state = state * 1664525u + 1013904223u;
        pattern[i] = i < PATTERN_CYCLE ? (uint8_t)(state >> 24) : pattern[i - PATTERN_CYCLE];
    }
}

/* ---- the guest's end ---- */

static struct pair *pair_of_packet(struct transfer *transfer)
{
    const struct virtio_vsock_hdr *header = &transfer->device->header;
    struct pair *pair = &transfer->pairs[transfer->by_port[header->dst_port]];

    assert_int_equal(header->dst_port, pair->header.src_port);
    assert_int_equal(header->src_port, pair->header.dst_port);
    return pair;
}

static void take_packet(struct transfer *transfer)
{
    const struct device *device = transfer->device;
    struct pair *pair = pair_of_packet(transfer);

    pair->credit = device->header.buf_alloc;
    pair->forwarded = device->header.fwd_cnt;
    if (device->header.op == VIRTIO_VSOCK_OP_CREDIT_REQUEST)
        pair->owes_credit = true;
    if (device->header.op != VIRTIO_VSOCK_OP_RW)
        return;
    assert_true(pair->at_guest.received + device->header.len <= transfer->per_pair);
    assert_true(pair->at_guest.received + device->header.len - pair->told <= VSOCK_DRIVER_CREDIT);
    if (memcmp(device->data, expected(transfer, pair, true, pair->at_guest.received),
               device->header.len) != 0)
        fail_msg("other bytes at the guest behind %llu",
                 (unsigned long long)pair->at_guest.received);
    pair->at_guest.received += device->header.len;
    if (pair->at_guest.received - pair->told > VSOCK_DRIVER_CREDIT / 2)
        pair->owes_credit = true;
}

/* False: the ring is full. */
static bool send_packet(struct transfer *transfer, struct pair *pair, uint16_t operation,
                        uint32_t length)
{
    pair->header.op = operation;
    pair->header.len = length;
    pair->header.fwd_cnt = (uint32_t)pair->at_guest.received;
    if (!vsock_driver_send(&transfer->device->driver, &pair->header,
                           expected(transfer, pair, false, pair->at_guest.sent)))
        return false;
    pair->told = pair->at_guest.received;
    pair->owes_credit = false;
    pair->at_guest.sent += length;
    return true;
}

/* Odd sizes; no more than the device has room for. */
static bool send_from_guest(struct transfer *transfer, struct pair *pair)
{
    uint32_t held = (uint32_t)pair->at_guest.sent - pair->forwarded;
    uint32_t room = held < pair->credit ? pair->credit - held : 0;
    uint64_t length = min_of((uint64_t)room, transfer->per_pair - pair->at_guest.sent);

    length = min_of(length, (uint64_t)(20000 + 777 * (pair->at_guest.sent % 59)));
    if (length > 0)
        return send_packet(transfer, pair, VIRTIO_VSOCK_OP_RW, (uint32_t)length);
    if (pair->owes_credit)
        return send_packet(transfer, pair, VIRTIO_VSOCK_OP_CREDIT_UPDATE, 0);
    return true;
}

static void drain(int descriptor)
{
    uint64_t count;

    (void)!read(descriptor, &count, sizeof(count));
}

static void run_guest(struct transfer *transfer, unsigned first)
{
    struct device *device = transfer->device;
    const uint64_t one = 1;

    drain(device->calls[0]);
    drain(device->calls[1]);
    while (vsock_driver_receive(&device->driver, &device->header, &device->data))
        take_packet(transfer);
    for (unsigned i = 0; i < CONNECTIONS; i++)
        if (!send_from_guest(transfer, &transfer->pairs[(first + i) % CONNECTIONS]))
            break;
    (void)!write(device->kicks[0], &one, sizeof(one));
    (void)!write(device->kicks[1], &one, sizeof(one));
}

/* ---- the hosts' ends ---- */

static void run_host(struct transfer *transfer, struct pair *pair)
{
    uint8_t bytes[CHUNK];
    uint64_t left = min_of(transfer->per_pair - pair->at_host.sent, (uint64_t)CHUNK);
    ssize_t length = recv(pair->host, bytes, sizeof(bytes), MSG_DONTWAIT);

    if (length > 0) {
        if (memcmp(bytes, expected(transfer, pair, false, pair->at_host.received),
                   (size_t)length) != 0)
            fail_msg("other bytes at the host behind %llu",
                     (unsigned long long)pair->at_host.received);
        pair->at_host.received += (uint64_t)length;
    } else if (length == 0 || errno != EAGAIN) {
        fail_msg("the host's socket broke: %s", length == 0 ? "end of file" : strerror(errno));
    }
    if (left == 0)
        return;
    length = send(pair->host, expected(transfer, pair, true, pair->at_host.sent), left,
                  MSG_DONTWAIT | MSG_NOSIGNAL);
    if (length > 0)
        pair->at_host.sent += (uint64_t)length;
    else
        assert_int_equal(errno, EAGAIN);
}

/* ---- all of it ---- */

static uint64_t received(const struct transfer *transfer)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < CONNECTIONS; i++)
        sum += transfer->pairs[i].at_host.received + transfer->pairs[i].at_guest.received;
    return sum;
}

static void wait_for_work(const struct transfer *transfer, struct pollfd looks[CONNECTIONS + 2])
{
    for (unsigned i = 0; i < CONNECTIONS; i++) {
        bool all_sent = transfer->pairs[i].at_host.sent == transfer->per_pair;

        looks[i] = (struct pollfd){.fd = transfer->pairs[i].host,
                                   .events = (short)(all_sent ? POLLIN : POLLIN | POLLOUT)};
    }
    for (unsigned i = 0; i < 2; i++)
        looks[CONNECTIONS + i] =
            (struct pollfd){.fd = transfer->device->calls[i], .events = POLLIN};
    if (poll(looks, CONNECTIONS + 2, WAIT_MS) <= 0)
        fail_msg("nothing moved for %d ms, %llu bytes are there", WAIT_MS,
                 (unsigned long long)received(transfer));
}

static void carry(struct transfer *transfer, uint64_t until)
{
    struct pollfd looks[CONNECTIONS + 2];

    for (unsigned turn = 0; received(transfer) < until; turn++) {
        wait_for_work(transfer, looks);
        for (unsigned i = 0; i < CONNECTIONS; i++)
            if (looks[i].revents != 0)
                run_host(transfer, &transfer->pairs[i]);
        run_guest(transfer, turn);
    }
}

static void open_all(struct transfer *transfer)
{
    struct device *device = transfer->device;

    for (unsigned i = 0; i < CONNECTIONS; i++) {
        struct pair *pair = &transfer->pairs[i];

        pair->host = device_open_by_host(device, 1000 + i);
        pair->header = device_answer(device, 0);
        pair->credit = device->header.buf_alloc;
        transfer->by_port[1000 + i] = i;
    }
}

static void setup_transfer(struct transfer *transfer, struct device *device)
{
    *transfer = (struct transfer){.device = device, .per_pair = total_bytes / CONNECTIONS};
    open_all(transfer);
}

static void test_all_arrives(void **state)
{
    struct transfer *transfer = calloc(1, sizeof(*transfer));
    nsec_t before = time_monotonic();
    double seconds;

    setup_transfer(transfer, *state);
    carry(transfer, 2 * CONNECTIONS * transfer->per_pair);
    seconds = (double)(time_monotonic() - before) / NSEC_PER_SEC;
    print_message("%u connections, %llu MiB each way: %.1f s\n", CONNECTIONS,
                  (unsigned long long)(CONNECTIONS * transfer->per_pair / MIB), seconds);
    for (unsigned i = 0; i < CONNECTIONS; i++)
        close(transfer->pairs[i].host);
    free(transfer);
}

static void test_guest_is_killed(void **state)
{
    struct device *device = *state;
    struct transfer *transfer = calloc(1, sizeof(*transfer));

    setup_transfer(transfer, device);
    carry(transfer, CONNECTIONS * transfer->per_pair / 2);
    device_leave(device);
    assert_int_equal(device_wait(device), 0);
    assert_int_equal(access(device->vhost_path, F_OK), -1);
    assert_int_equal(access(device->hybrid_path, F_OK), -1);
    for (unsigned i = 0; i < CONNECTIONS; i++) {
        uint8_t bytes[CHUNK];
        ssize_t length;

        do
            length = recv(transfer->pairs[i].host, bytes, sizeof(bytes), 0);
        while (length > 0);
        assert_true(length == 0 || errno == ECONNRESET);
        close(transfer->pairs[i].host);
    }
    free(transfer);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_all_arrives, device_setup, device_teardown),
        cmocka_unit_test_setup_teardown(test_guest_is_killed, device_setup, device_teardown),
    };
    uint64_t mebibytes;

    if (argc != 3 || number_parse(argv[2], &mebibytes) < 0 || mebibytes > 4096)
        return 2;
    device_program = argv[1];
    /* Rounded up to a whole number of bytes for each connection. */
    total_bytes = (mebibytes * MIB + CONNECTIONS - 1) / CONNECTIONS * CONNECTIONS;
    fill_pattern();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
