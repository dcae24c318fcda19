/* What a hypervisor says its guest's memory is. */
#ifndef VMRECLAIM_CONTROLLER_FOOTPRINT_BACKING_H
#define VMRECLAIM_CONTROLLER_FOOTPRINT_BACKING_H

#include <stdint.h>

#define GUEST_BACKENDS_MAX 16

/* All zero: it does not say, or has more backends than fit. */
struct guest_backing {
    uint64_t private_bytes; /* of all backends that no other process can map */
    uint64_t shared_count;
    uint64_t shared[GUEST_BACKENDS_MAX]; /* size of each of the others, bytes */
};

#endif
