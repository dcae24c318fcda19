/* The guest's memory as the front end shares it: a few regions, each at an address of the guest and
 * at one of the front end's own ("user address"). No I/O: who adds a region has it mapped, and
 * keeps it mapped while it is in the table. */
#ifndef VMRECLAIM_TESTS_LAB_VSOCK_DEVICE_MEMORY_H
#define VMRECLAIM_TESTS_LAB_VSOCK_DEVICE_MEMORY_H

#include <stddef.h>
#include <stdint.h>

#define MEMORY_REGIONS_MAX 8u /* of one vhost-user message */

struct memory_region {
    uint64_t guest_address;
    uint64_t user_address;
    uint64_t size;  /* bytes */
    uint8_t *start; /* where it is mapped here */
};

struct memory {
    struct memory_region regions[MEMORY_REGIONS_MAX];
    size_t count;
};

/* -EINVAL: empty, or its end is no address; -EEXIST: the guest has two regions at one address;
 * -ENOSPC: too many. */
int memory_add(struct memory *memory, const struct memory_region *region);

/* Where `length` bytes at an address are. NULL: they are not all inside one region. */
uint8_t *memory_at_guest(const struct memory *memory, uint64_t address, uint64_t length);
uint8_t *memory_at_user(const struct memory *memory, uint64_t address, uint64_t length);

#endif
