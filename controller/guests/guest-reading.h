/* How much memory a guest has left, and since when that is known at the latest: what a balloon may
 * rest on. Its agent says it, or its balloon's driver. */
#ifndef VMRECLAIM_CONTROLLER_GUESTS_GUEST_READING_H
#define VMRECLAIM_CONTROLLER_GUESTS_GUEST_READING_H

#include <stdint.h>

#include "common/base/time.h"

enum reading_source {
    READING_NONE,
    READING_AGENT,
    READING_STATISTICS, /* of its balloon's driver */
};

/* Bytes. */
struct guest_reading {
    enum reading_source source;
    nsec_t read; /* CLOCK_BOOTTIME: the guest was so then, or later; 0 of READING_NONE */
    uint64_t total;
    uint64_t free;
    uint64_t available;
    const char *problem; /* of READING_NONE: why, for a person; static text. Else NULL */
};

#endif
