/* The table of the guest's memory regions. At most eight: a walk is the fastest search. */
#include "tests/lab/vsock-device/memory.h"

#include <errno.h>
#include <stdbool.h>

static bool is_inside(uint64_t start, uint64_t size, uint64_t address, uint64_t length)
{
    return address >= start && address - start <= size && length <= size - (address - start);
}

int memory_add(struct memory *memory, const struct memory_region *region)
{
    if (region->size == 0 || region->size > SIZE_MAX ||
        region->guest_address + region->size < region->guest_address ||
        region->user_address + region->size < region->user_address)
        return -EINVAL;
    if (memory->count == MEMORY_REGIONS_MAX)
        return -ENOSPC;
    for (size_t i = 0; i < memory->count; i++) {
        const struct memory_region *other = &memory->regions[i];

        if (region->guest_address < other->guest_address + other->size &&
            other->guest_address < region->guest_address + region->size)
            return -EEXIST;
    }
    memory->regions[memory->count++] = *region;
    return 0;
}

uint8_t *memory_at_guest(const struct memory *memory, uint64_t address, uint64_t length)
{
    for (size_t i = 0; i < memory->count; i++) {
        const struct memory_region *region = &memory->regions[i];

        if (is_inside(region->guest_address, region->size, address, length))
            return region->start + (address - region->guest_address);
    }
    return NULL;
}

uint8_t *memory_at_user(const struct memory *memory, uint64_t address, uint64_t length)
{
    for (size_t i = 0; i < memory->count; i++) {
        const struct memory_region *region = &memory->regions[i];

        if (is_inside(region->user_address, region->size, address, length))
            return region->start + (address - region->user_address);
    }
    return NULL;
}
