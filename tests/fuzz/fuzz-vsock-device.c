/* A guest that writes what it likes into its rings, and hosts that say what they like, against the
 * multiplexer of the vsock device. The input is a script of steps, well-formed ones too, since
 * noise alone gets no connection open. */
#include <errno.h>
#include <string.h>

#include "common/base/util.h"
#include "tests/fuzz/fuzz.h"
#include "tests/lab/vsock-device/mux.h"

#define GUEST_CID     3u
#define GUEST_ADDRESS 0x10000u
#define USER_ADDRESS  0x7f0000000000u
#define MEMORY_SIZE   0x8000u
#define RING_SIZE     8u
#define RING_SPACE    0x400u
#define BUFFERS       0x1000u /* behind the rings: four to send from, one to receive into */
#define BUFFER_SIZE   0x1000u
#define STREAMS       8u
#define INPUT_MAX     256u

struct stream {
    struct connection *connection; /* NULL: closed */
    uint8_t in[INPUT_MAX];
    size_t in_length;
    int end; /* what a read says when nothing is left */
    size_t room;
    unsigned watch;
};

struct world {
    struct mux mux;
    struct memory memory;
    struct stream streams[STREAMS];
    bool can_dial;
    unsigned broken;
    nsec_t now;
    uint16_t offered[MUX_RINGS];
};

/* ASan knows where it ends. */
static uint8_t *bytes;

/* ---- the hosts ---- */

static ssize_t stream_peek(void *pointer, char *to, size_t size)
{
    struct stream *stream = pointer;
    size_t length = min_of(size, stream->in_length);

    require(stream->connection != NULL);
    if (length == 0)
        return stream->end;
    memcpy(to, stream->in, length);
    return (ssize_t)length;
}

/* All that is written and read lies in the guest's memory or in the device's own. */
static ssize_t stream_read(void *pointer, const struct iovec *segments, unsigned count)
{
    struct stream *stream = pointer;
    ssize_t sum = 0;

    require(count > 0);
    for (unsigned i = 0; i < count; i++) {
        ssize_t length = stream_peek(stream, segments[i].iov_base, segments[i].iov_len);

        require(segments[i].iov_len > 0);
        if (length <= 0)
            return sum > 0 ? sum : length;
        sum += length;
        stream->in_length -= (size_t)length;
        memmove(stream->in, stream->in + length, stream->in_length);
    }
    return sum;
}

static ssize_t stream_write(void *pointer, const struct iovec *segments, unsigned count)
{
    static uint8_t sink[CONNECTION_BUFFER];
    struct stream *stream = pointer;
    size_t sum = 0;

    require(stream->connection != NULL && !stream->connection->host_told_of_end && count > 0);
    for (unsigned i = 0; i < count; i++) {
        require(segments[i].iov_len > 0);
        require(segments[i].iov_len <= sizeof(sink));
        memcpy(sink, segments[i].iov_base, segments[i].iov_len);
        sum += segments[i].iov_len;
    }
    sum = min_of(sum, stream->room);
    stream->room -= sum;
    if (sum == 0)
        return stream->end < 0 ? stream->end : -EAGAIN;
    return (ssize_t)sum;
}

static void stream_end(void *pointer)
{
    const struct stream *stream = pointer;

    require(stream->connection != NULL);
}

static void stream_close(void *pointer)
{
    struct stream *stream = pointer;

    require(stream->connection != NULL);
    stream->connection = NULL;
}

static void stream_watch(void *pointer, unsigned watch)
{
    struct stream *stream = pointer;

    require(stream->connection != NULL && stream->watch != watch);
    stream->watch = watch;
}

static struct stream *find_closed(struct world *world)
{
    for (unsigned i = 0; i < STREAMS; i++)
        if (world->streams[i].connection == NULL) {
            world->streams[i] = (struct stream){.end = -EAGAIN, .room = 100};
            return &world->streams[i];
        }
    return NULL;
}

static int dial(void *host, uint32_t port, struct connection *connection)
{
    struct world *world = host;
    struct stream *stream = world->can_dial ? find_closed(world) : NULL;

    if (stream == NULL)
        return -ECONNREFUSED;
    stream->connection = connection;
    connection->stream = stream;
    return 0;
}

static void call(void *host, enum mux_ring ring)
{
}

static void broken(void *host, enum mux_ring ring)
{
    struct world *world = host;

    world->broken++;
}

static const struct mux_host calls = {
    .read = stream_read,
    .write = stream_write,
    .peek = stream_peek,
    .end = stream_end,
    .close = stream_close,
    .watch = stream_watch,
    .dial = dial,
    .call = call,
    .broken = broken,
};

/* ---- the guest ---- */

static void put(size_t offset, const void *from, size_t size)
{
    require(offset + size <= MEMORY_SIZE);
    memcpy(bytes + offset, from, size);
}

static struct ring_layout layout_of(enum mux_ring ring)
{
    uint64_t start = USER_ADDRESS + ring * RING_SPACE;

    return (struct ring_layout){
        .size = RING_SIZE, .descriptors = start, .available = start + 0x100, .used = start + 0x200};
}

static void offer(struct world *world, enum mux_ring ring, uint16_t head)
{
    size_t available = ring * RING_SPACE + 0x100;

    put(available + 4 + 2 * (world->offered[ring] % RING_SIZE), &head, sizeof(head));
    world->offered[ring]++;
    put(available + 2, &world->offered[ring], sizeof(world->offered[ring]));
}

static void describe(enum mux_ring ring, uint16_t index, uint64_t address, uint32_t length,
                     uint16_t flags)
{
    struct {
        uint64_t address;
        uint32_t length;
        uint16_t flags, next;
    } descriptor = {address, length, flags, (uint16_t)(index + 1)};

    put(ring * RING_SPACE + 16 * index, &descriptor, sizeof(descriptor));
}

/* ---- the script ---- */

struct script {
    const uint8_t *at;
    size_t left;
};

static uint32_t next(struct script *script, size_t size)
{
    uint32_t value = 0;

    size = min_of(size, script->left);
    memcpy(&value, script->at, size);
    script->at += size;
    script->left -= size;
    return value;
}

/* A connection's ports where there is one, so that steps meet. */
static void choose_ports(const struct world *world, uint32_t choice, struct packet_header *header)
{
    const struct stream *stream = &world->streams[choice % STREAMS];

    header->destination_port = choice & 8 ? 1u << 30 : 52;
    header->source_port = choice;
    if (stream->connection != NULL && (choice & 128) == 0) {
        header->destination_port = stream->connection->host_port;
        header->source_port = stream->connection->guest_port;
    }
}

static void step_send(struct world *world, struct script *script)
{
    uint32_t choice = next(script, 1);
    uint16_t slot = world->offered[MUX_FROM_GUEST] % 4;
    uint64_t buffer = BUFFERS + slot * BUFFER_SIZE;
    struct packet_header header = {
        .source_cid = GUEST_CID,
        .destination_cid = PACKET_HOST_CID,
        .type = choice == 77 ? 2 : PACKET_TYPE_STREAM,
        .operation = (uint16_t)next(script, 1) % 9,
        .flags = next(script, 1),
        .length = next(script, 2) % BUFFER_SIZE,
        .buffer = next(script, 2),
    };

    choose_ports(world, choice, &header);
    if (world->streams[choice % STREAMS].connection != NULL)
        header.forwarded = world->streams[choice % STREAMS].connection->sent - next(script, 1);
    packet_encode(&header, bytes + buffer);
    describe(MUX_FROM_GUEST, (uint16_t)(2 * slot), GUEST_ADDRESS + buffer, PACKET_HEADER_SIZE, 1);
    describe(MUX_FROM_GUEST, (uint16_t)(2 * slot + 1), GUEST_ADDRESS + buffer,
             header.operation == PACKET_RW ? header.length : 0, 0);
    offer(world, MUX_FROM_GUEST, (uint16_t)(2 * slot));
}

static void step_receive(struct world *world, struct script *script)
{
    uint16_t head = world->offered[MUX_TO_GUEST] % RING_SIZE;

    describe(MUX_TO_GUEST, head, GUEST_ADDRESS + BUFFERS + 4 * BUFFER_SIZE, next(script, 1) * 4, 2);
    offer(world, MUX_TO_GUEST, head);
}

static void step_write_memory(struct script *script)
{
    uint32_t offset = next(script, 2) % (MEMORY_SIZE - 256);
    uint32_t length = next(script, 1);

    for (uint32_t i = 0; i < length && script->left > 0; i++)
        bytes[offset + i] = (uint8_t)next(script, 1);
}

/* Near the beginning of a ring, where it matters. */
static void step_write_ring(struct script *script)
{
    uint32_t offset = next(script, 2) % (2 * RING_SPACE - 2);
    uint32_t value = next(script, 2);

    put(offset, &value, 2);
}

static void step_accept(struct world *world)
{
    struct stream *stream = find_closed(world);

    if (stream != NULL)
        require(mux_accept(&world->mux, stream, &stream->connection) == 0);
}

static void step_host_writes(struct world *world, struct script *script)
{
    struct stream *stream = &world->streams[next(script, 1) % STREAMS];
    size_t length = next(script, 1);

    length = min_of(length, INPUT_MAX - stream->in_length);
    length = min_of(length, script->left);
    memcpy(stream->in + stream->in_length, script->at, length);
    stream->in_length += length;
    script->at += length;
    script->left -= length;
}

static void step_host_state(struct world *world, struct script *script)
{
    static const int ends[] = {-EAGAIN, 0, -EPIPE, -ECONNRESET};
    struct stream *stream = &world->streams[next(script, 1) % STREAMS];

    stream->end = ends[next(script, 1) % ARRAY_SIZE(ends)];
    stream->room = next(script, 2);
}

/* Whatever it may be told, whether or not it is so. */
static void step_ready(struct world *world, struct script *script)
{
    struct stream *stream = &world->streams[next(script, 1) % STREAMS];
    unsigned watch = next(script, 1) & stream->watch;

    if (stream->connection != NULL && watch != 0)
        mux_ready(&world->mux, stream->connection, watch, world->now);
}

static void step_restart(struct world *world, struct script *script)
{
    enum mux_ring ring = next(script, 1) % MUX_RINGS;
    struct ring_layout layout = layout_of(ring);
    uint16_t base = mux_stop(&world->mux, ring);

    if (next(script, 1) % 2 == 1)
        base = (uint16_t)next(script, 2);
    require(mux_start(&world->mux, ring, &layout, base) == 0);
    world->offered[ring] = base;
}

static void check(const struct world *world)
{
    unsigned open = 0;

    for (unsigned i = 0; i < STREAMS; i++) {
        const struct connection *connection = world->streams[i].connection;

        if (connection == NULL)
            continue;
        open++;
        require(connection->stream == &world->streams[i]);
        require(connection->backlog_length <= CONNECTION_BUFFER);
        require(connection->watched == world->streams[i].watch);
    }
    require(open == world->mux.connections.count);
}

static void run(struct world *world, struct script *script)
{
    world->now += next(script, 1) * (CONNECTION_PATIENCE / 32);
    for (unsigned i = 0; i < 4 && mux_run(&world->mux, world->now); i++)
        continue;
    require(list_is_empty(&world->mux.touched));
    require(mux_deadline(&world->mux) > world->now);
    check(world);
}

static void step(struct world *world, struct script *script)
{
    switch (next(script, 1) % 12) {
    case 0:
        step_write_memory(script);
        break;
    case 1:
    case 2:
        step_send(world, script);
        break;
    case 3:
        step_receive(world, script);
        break;
    case 4:
        step_write_ring(script);
        break;
    case 5:
        step_accept(world);
        break;
    case 6:
        step_host_writes(world, script);
        break;
    case 7:
        step_host_state(world, script);
        break;
    case 8:
        step_ready(world, script);
        break;
    case 9:
        step_restart(world, script);
        break;
    case 10:
        world->can_dial = !world->can_dial;
        break;
    default:
        run(world, script);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct world world;
    struct script script = {.at = data, .left = size};
    struct memory_region region = {
        .guest_address = GUEST_ADDRESS, .user_address = USER_ADDRESS, .size = MEMORY_SIZE};

    if (bytes == NULL && posix_memalign((void **)&bytes, 4096, MEMORY_SIZE) != 0)
        abort();
    memset(bytes, 0, BUFFERS);
    memset(world.streams, 0, sizeof(world.streams));
    world.memory.count = 0;
    world.can_dial = true;
    world.now = 0;
    region.start = bytes;
    require(memory_add(&world.memory, &region) == 0);
    mux_init(&world.mux, &calls, &world, GUEST_CID, &world.memory);
    for (unsigned i = 0; i < MUX_RINGS; i++) {
        struct ring_layout layout = layout_of(i);

        require(mux_start(&world.mux, i, &layout, 0) == 0);
        world.offered[i] = 0;
    }
    while (script.left > 0)
        step(&world, &script);
    run(&world, &script);
    mux_finish(&world.mux);
    for (unsigned i = 0; i < STREAMS; i++)
        require(world.streams[i].connection == NULL);
    return 0;
}
