/* Readings of a guest: from the wire, checked, and back. */
#include "controller/guests/guest-memory.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

static int check_total(const Vmreclaim__Agent__V1__MemorySample *message, uint64_t ram,
                       struct error *error)
{
    if (message->total == 0 || message->total > GUEST_MEMORY_MAX)
        return error_set(error, -ERANGE, "total is %" PRIu64 " bytes", message->total);
    if (ram != 0 && message->total > ram)
        return error_set(error, -ERANGE, "total is %" PRIu64 " bytes, the VM has %" PRIu64,
                         message->total, ram);
    return 0;
}

static int check_parts(const Vmreclaim__Agent__V1__MemorySample *message, struct error *error)
{
#define CHECK_PART(name)                                                                           \
    if (message->name > message->total)                                                            \
        return error_set(error, -ERANGE, #name " is %" PRIu64 " bytes, total is %" PRIu64,         \
                         message->name, message->total);
    GUEST_MEMORY_PARTS(CHECK_PART)
#undef CHECK_PART
    if (message->n_free_blocks > GUEST_ORDER_COUNT_MAX)
        return error_set(error, -ERANGE, "free_blocks has %zu orders, at most %d are possible",
                         message->n_free_blocks, GUEST_ORDER_COUNT_MAX);
    if (message->reporting_order >= GUEST_ORDER_COUNT_MAX)
        return error_set(error, -ERANGE, "reporting_order is %" PRIu32, message->reporting_order);
    return 0;
}

int guest_memory_from_message(const Vmreclaim__Agent__V1__MemorySample *message, uint64_t ram,
                              nsec_t received, nsec_t latency, struct guest_memory *ret_memory,
                              struct error *error)
{
    struct guest_memory memory = {.received = received, .latency = latency};
    int r = check_total(message, ram, error);

    if (r == 0)
        r = check_parts(message, error);
    if (r < 0)
        return r;
#define COPY_FIELD(name) memory.name = message->name;
    GUEST_MEMORY_PARTS(COPY_FIELD)
    GUEST_MEMORY_COUNTERS(COPY_FIELD)
#undef COPY_FIELD
    for (size_t i = 0; i < message->n_free_blocks; i++)
        memory.free_blocks[i] = message->free_blocks[i];
    memory.order_count = (uint32_t)message->n_free_blocks;
    memory.reported_is_known = message->reported_is_known;
    memory.reported_is_exact = message->reported_is_exact;
    memory.trapped_kinds_are_known = message->trapped_kinds_are_known;
    memory.psi_is_known = message->psi_is_known;
    memory.reporting_order_is_known = message->reporting_order_is_known;
    memory.reporting_order = message->reporting_order;
    assert(memory.order_count <= GUEST_ORDER_COUNT_MAX && memory.cache <= memory.total);
    *ret_memory = memory;
    return 0;
}

void guest_memory_count_rates(const struct guest_memory *before, struct guest_memory *memory)
{
    bool follows = before->received != 0 && memory->boottime_ns >= before->rate_boottime &&
                   memory->refault_file >= before->rate_count;
    uint64_t seconds = follows ? (memory->boottime_ns - before->rate_boottime) / NSEC_PER_SEC : 0;

    memory->refault_rate_is_known = follows && before->refault_rate_is_known;
    memory->refault_rate = follows ? before->refault_rate : 0;
    memory->rate_count = before->rate_count;
    memory->rate_boottime = before->rate_boottime;
    assert(follows || (!memory->refault_rate_is_known && memory->refault_rate == 0));
    if (follows && seconds == 0)
        return;
    memory->refault_rate_is_known = follows;
    if (follows)
        memory->refault_rate = (memory->refault_file - before->rate_count) / seconds;
    memory->rate_count = memory->refault_file;
    memory->rate_boottime = memory->boottime_ns;
}

void guest_memory_to_message(const struct guest_memory *memory,
                             Vmreclaim__Agent__V1__MemorySample *message)
{
    vmreclaim__agent__v1__memory_sample__init(message);
#define COPY_FIELD(name) message->name = memory->name;
    GUEST_MEMORY_PARTS(COPY_FIELD)
    GUEST_MEMORY_COUNTERS(COPY_FIELD)
#undef COPY_FIELD
    message->n_free_blocks = memory->order_count;
    message->free_blocks = (uint64_t *)memory->free_blocks;
    message->reported_is_known = memory->reported_is_known;
    message->reported_is_exact = memory->reported_is_exact;
    message->trapped_kinds_are_known = memory->trapped_kinds_are_known;
    message->psi_is_known = memory->psi_is_known;
    message->reporting_order_is_known = memory->reporting_order_is_known;
    message->reporting_order = memory->reporting_order;
}
