/* The requests that a vhost-user front end makes of a vsock device. */
#include "tests/lab/vsock-device/vhost.h"

#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "common/base/util.h"
#include "tests/lab/vsock-device/requests.h"

#define VERSION    1u
#define FLAG_REPLY 4u

#define FEATURE_VERSION_1         ((uint64_t)1 << 32)
#define FEATURE_PROTOCOL_FEATURES ((uint64_t)1 << 30)
#define PROTOCOL_FEATURE_CONFIG   ((uint64_t)1 << 9)

#define RING_INDEX_MASK    0xffu
#define RING_NO_DESCRIPTOR 0x100u

struct call {
    struct vhost *vhost;
    struct vhost_message *message;
    struct vhost_message *reply;
    struct error *error;
};

/* ---- replies and parts of messages ---- */

static int reply_bytes(struct call *call, const void *bytes, uint32_t size)
{
    *call->reply = (struct vhost_message){
        .header = {.request = call->message->header.request,
                   .flags = VERSION | FLAG_REPLY,
                   .size = size},
    };
    memcpy(call->reply->payload, bytes, size);
    return 1;
}

static int reply_number(struct call *call, uint64_t number)
{
    return reply_bytes(call, &number, sizeof(number));
}

static uint64_t number_of(const struct call *call)
{
    uint64_t number;

    memcpy(&number, call->message->payload, sizeof(number));
    return number;
}

struct ring_state {
    uint32_t index;
    uint32_t number;
};

/* -EPROTO: there is no such ring. */
static int state_of(const struct call *call, struct ring_state *ret_state)
{
    memcpy(ret_state, call->message->payload, sizeof(*ret_state));
    if (ret_state->index >= MUX_RINGS)
        return error_set(call->error, -EPROTO, "QEMU names queue %u of %u", ret_state->index,
                         MUX_RINGS);
    return 0;
}

/* ---- rings ---- */

static void replace(int *descriptor, int by)
{
    if (*descriptor >= 0)
        close(*descriptor);
    *descriptor = by;
}

static void stop(struct vhost *vhost, enum mux_ring index)
{
    vhost->rings[index].next = mux_stop(vhost->mux, index);
}

/* A ring runs while it has a kick and is enabled. */
static int update(struct call *call, enum mux_ring index)
{
    struct vhost *vhost = call->vhost;
    struct vhost_ring *ring = &vhost->rings[index];
    int r;

    if (ring->kick < 0 || !ring->enabled) {
        if (mux_ring_is_running(vhost->mux, index))
            stop(vhost, index);
        return 0;
    }
    if (mux_ring_is_running(vhost->mux, index))
        return 0;
    r = mux_start(vhost->mux, index, &ring->layout, ring->next);
    if (r < 0)
        return error_set(call->error, r, "queue %u of %u entries is not in the guest's memory",
                         index, ring->layout.size);
    return 0;
}

static int set_size(struct call *call)
{
    struct ring_state state;

    if (state_of(call, &state) < 0)
        return -EPROTO;
    call->vhost->rings[state.index].layout.size = state.number;
    return 0;
}

static int set_address(struct call *call)
{
    struct {
        uint32_t index;
        uint32_t flags;
        uint64_t descriptors, used, available, log;
    } address;
    struct ring_state state;

    if (state_of(call, &state) < 0)
        return -EPROTO;
    memcpy(&address, call->message->payload, sizeof(address));
    call->vhost->rings[address.index].layout.descriptors = address.descriptors;
    call->vhost->rings[address.index].layout.available = address.available;
    call->vhost->rings[address.index].layout.used = address.used;
    return 0;
}

static int set_base(struct call *call)
{
    struct ring_state state;

    if (state_of(call, &state) < 0)
        return -EPROTO;
    call->vhost->rings[state.index].next = (uint16_t)state.number;
    return 0;
}

static int get_base(struct call *call)
{
    struct ring_state state;
    struct vhost_ring *ring;

    if (state_of(call, &state) < 0)
        return -EPROTO;
    ring = &call->vhost->rings[state.index];
    if (mux_ring_is_running(call->vhost->mux, state.index))
        stop(call->vhost, state.index);
    replace(&ring->kick, -1);
    state.number = ring->next;
    return reply_bytes(call, &state, sizeof(state));
}

static int enable(struct call *call)
{
    struct ring_state state;

    if (state_of(call, &state) < 0)
        return -EPROTO;
    call->vhost->rings[state.index].enabled = state.number != 0;
    return update(call, state.index);
}

/* Takes the descriptor of a kick, a call or an error; none at all is allowed. */
static int set_descriptor(struct call *call)
{
    uint64_t number = number_of(call);
    uint64_t index = number & RING_INDEX_MASK;
    unsigned expected = (number & RING_NO_DESCRIPTOR) != 0 ? 0 : 1;
    struct vhost_ring *ring = &call->vhost->rings[index];
    int descriptor;

    if (index >= MUX_RINGS || call->message->descriptor_count != expected)
        return error_set(call->error, -EPROTO, "QEMU passes %u descriptors for queue %u",
                         call->message->descriptor_count, (unsigned)index);
    descriptor = expected == 1 ? call->message->descriptors[0] : -1;
    call->message->descriptors[0] = -1;
    switch (call->message->header.request) {
    case SET_VRING_CALL:
        replace(&ring->call, descriptor);
        return 0;
    case SET_VRING_ERR:
        replace(&ring->error, descriptor);
        return 0;
    default:
        replace(&ring->kick, descriptor);
        /* Without protocol features there is no enabling. */
        if ((call->vhost->features & FEATURE_PROTOCOL_FEATURES) == 0)
            ring->enabled = true;
        return update(call, (enum mux_ring)index);
    }
}

/* ---- the guest's memory ---- */

/* The rings go on in the new memory where they were. */
static int set_memory(struct call *call)
{
    struct vhost *vhost = call->vhost;
    const struct vhost_message *message = call->message;
    uint32_t count;
    int r = 0;

    memcpy(&count, message->payload, sizeof(count));
    if (count > MEMORY_REGIONS_MAX || message->header.size != 8 + 32 * count ||
        message->descriptor_count != count)
        return error_set(call->error, -EPROTO,
                         "QEMU passes %u memory regions with %u descriptors in %u bytes", count,
                         message->descriptor_count, message->header.size);
    for (unsigned i = 0; i < MUX_RINGS; i++)
        if (mux_ring_is_running(vhost->mux, i))
            stop(vhost, i);
    mapping_clear(&vhost->mapping);
    for (uint32_t i = 0; i < count; i++) {
        uint64_t fields[4];

        memcpy(fields, message->payload + 8 + 32 * i, sizeof(fields));
        r = mapping_add(&vhost->mapping,
                        &(struct memory_region){.guest_address = fields[0],
                                                .size = fields[1],
                                                .user_address = fields[2]},
                        fields[3], message->descriptors[i]);
        if (r < 0)
            return error_set(call->error, r, "memory region %u at %#llx, %llu bytes: %s", i,
                             (unsigned long long)fields[0], (unsigned long long)fields[1],
                             strerror(-r));
    }
    for (unsigned i = 0; i < MUX_RINGS && r == 0; i++)
        r = update(call, i);
    return r;
}

/* ---- features ---- */

static int get_features(struct call *call)
{
    return reply_number(call, FEATURE_VERSION_1 | FEATURE_PROTOCOL_FEATURES);
}

static int set_features(struct call *call)
{
    uint64_t features = number_of(call);

    if ((features & ~(FEATURE_VERSION_1 | FEATURE_PROTOCOL_FEATURES)) != 0)
        return error_set(call->error, -EPROTO, "QEMU took features that were not offered: %#llx",
                         (unsigned long long)features);
    call->vhost->features = features;
    return 0;
}

static int get_protocol_features(struct call *call)
{
    return reply_number(call, PROTOCOL_FEATURE_CONFIG);
}

static int set_protocol_features(struct call *call)
{
    if ((number_of(call) & ~PROTOCOL_FEATURE_CONFIG) != 0)
        return error_set(call->error, -EPROTO, "QEMU took protocol features not offered: %#llx",
                         (unsigned long long)number_of(call));
    return 0;
}

/* The device's configuration is the guest's CID and nothing else. */
static int get_config(struct call *call)
{
    struct vhost_message *message = call->message;
    uint64_t cid = htole64(call->vhost->guest_cid);
    uint32_t offset, size;

    memcpy(&offset, message->payload, sizeof(offset));
    memcpy(&size, message->payload + 4, sizeof(size));
    if (offset > sizeof(cid) || size > sizeof(cid) - offset || message->header.size != 12 + size)
        return error_set(call->error, -EPROTO, "QEMU asks for %u bytes of configuration at %u",
                         size, offset);
    memcpy(message->payload + 12, (const uint8_t *)&cid + offset, size);
    return reply_bytes(call, message->payload, message->header.size);
}

static int nothing(struct call *call)
{
    return 0;
}

/* ---- the table of requests ---- */

static const struct request {
    int (*handle)(struct call *call);
    uint32_t size_min, size_max; /* of the payload */
    unsigned descriptors_max;
} requests[] = {
    [GET_FEATURES] = {get_features, 0, 0, 0},
    [SET_FEATURES] = {set_features, 8, 8, 0},
    [SET_OWNER] = {nothing, 0, 0, 0},
    [SET_MEM_TABLE] = {set_memory, 8, 8 + 32 * MEMORY_REGIONS_MAX, MEMORY_REGIONS_MAX},
    [SET_VRING_NUM] = {set_size, 8, 8, 0},
    [SET_VRING_ADDR] = {set_address, 40, 40, 0},
    [SET_VRING_BASE] = {set_base, 8, 8, 0},
    [GET_VRING_BASE] = {get_base, 8, 8, 0},
    [SET_VRING_KICK] = {set_descriptor, 8, 8, 1},
    [SET_VRING_CALL] = {set_descriptor, 8, 8, 1},
    [SET_VRING_ERR] = {set_descriptor, 8, 8, 1},
    [GET_PROTOCOL_FEATURES] = {get_protocol_features, 0, 0, 0},
    [SET_PROTOCOL_FEATURES] = {set_protocol_features, 8, 8, 0},
    [SET_VRING_ENABLE] = {enable, 8, 8, 0},
    [GET_CONFIG] = {get_config, 12, 12 + 256, 0},
};

static const struct request *find_request(uint32_t request)
{
    if (request >= ARRAY_SIZE(requests) || requests[request].handle == NULL)
        return NULL;
    return &requests[request];
}

int vhost_check(const struct vhost_header *header, struct error *error)
{
    const struct request *request = find_request(header->request);

    if (request == NULL)
        return error_set(error, -EPROTO, "QEMU sends request %u, which is not known here",
                         header->request);
    if (header->flags != VERSION || header->size < request->size_min ||
        header->size > request->size_max)
        return error_set(error, -EPROTO, "QEMU sends request %u with flags %#x and %u bytes",
                         header->request, header->flags, header->size);
    return 0;
}

int vhost_handle(struct vhost *vhost, struct vhost_message *message,
                 struct vhost_message *ret_reply, struct error *error)
{
    struct call call = {.vhost = vhost, .message = message, .reply = ret_reply, .error = error};
    const struct request *request = find_request(message->header.request);
    int r;

    assert(request != NULL);
    if (message->descriptor_count > request->descriptors_max)
        r = error_set(error, -EPROTO, "QEMU passes %u descriptors with request %u",
                      message->descriptor_count, message->header.request);
    else
        r = request->handle(&call);
    for (unsigned i = 0; i < message->descriptor_count; i++)
        replace(&message->descriptors[i], -1);
    message->descriptor_count = 0;
    return r;
}

void vhost_break(struct vhost *vhost, enum mux_ring index)
{
    struct vhost_ring *ring = &vhost->rings[index];
    const uint64_t one = 1;

    stop(vhost, index);
    ring->enabled = false;
    if (ring->error >= 0)
        (void)!write(ring->error, &one, sizeof(one));
}

void vhost_call(const struct vhost *vhost, enum mux_ring index)
{
    const uint64_t one = 1;

    if (vhost->rings[index].call >= 0)
        (void)!write(vhost->rings[index].call, &one, sizeof(one));
}

void vhost_init(struct vhost *vhost, struct mux *mux, uint64_t guest_cid)
{
    *vhost = (struct vhost){.mux = mux, .guest_cid = guest_cid};
    for (unsigned i = 0; i < MUX_RINGS; i++) {
        vhost->rings[i].kick = -1;
        vhost->rings[i].call = -1;
        vhost->rings[i].error = -1;
    }
}

void vhost_finish(struct vhost *vhost)
{
    for (unsigned i = 0; i < MUX_RINGS; i++) {
        (void)mux_stop(vhost->mux, i);
        replace(&vhost->rings[i].kick, -1);
        replace(&vhost->rings[i].call, -1);
        replace(&vhost->rings[i].error, -1);
    }
    mapping_clear(&vhost->mapping);
}
