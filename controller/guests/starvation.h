/* Whether a guest is short of memory while a balloon holds some of it. Pure.
 *
 * Theory of operation: counters of the guest, from its agent or its balloon driver, are compared
 * over windows of some seconds. An OOM kill is a sign by itself. Stalls and pages that are read
 * again are a sign in two windows in a row, while little is available. A burst is no starvation.
 * The alarm holds until samples showed no sign for a minute, or the balloon has given way. A guest
 * that is not heard any more may starve on.
 *
 * A balloon counts from 64 MiB and a twentieth of the guest's memory on. If less were given back,
 * the guest would be as short as before. */
#ifndef VMRECLAIM_CONTROLLER_GUESTS_STARVATION_H
#define VMRECLAIM_CONTROLLER_GUESTS_STARVATION_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/time.h"

#define STARVATION_UNKNOWN UINT64_MAX

/* A reading of the guest. Counters since its boot. */
struct starvation_sample {
    nsec_t time;    /* of one clock */
    uint64_t total; /* bytes; STARVATION_UNKNOWN as below */
    uint64_t available;
    uint64_t oom_kills;
    nsec_t stalled;    /* some task waited for memory */
    uint64_t refaults; /* pages that were read again, or major faults */
};

/* Zeroes: nothing is known. */
struct starvation {
    struct starvation_sample last;
    bool has_last;
    bool had_sign; /* in the window before */
    nsec_t since;  /* CLOCK_BOOTTIME; 0: not starved */
    nsec_t sign;   /* ... of the last one */
    nsec_t heard;  /* ... of the last sample */
    /* what the last sign was */
    uint64_t kills; /* since the alarm began */
    uint32_t stalled_permyriad;
    uint64_t refault_rate; /* per second */
};

enum starvation_change {
    STARVATION_GOES_ON,
    STARVATION_BEGINS,
    STARVATION_GIVES_WAY, /* it ends: the balloon holds little, whatever the guest shows */
    STARVATION_ENDS,      /* it ends: the guest shows none any more */
};

/* `balloon` bytes are in the balloon; 0: none, or not known. */
enum starvation_change starvation_take(struct starvation *starvation,
                                       const struct starvation_sample *sample, uint64_t balloon,
                                       nsec_t now);

/* Without a sample: the balloon may have given way. */
enum starvation_change starvation_pass(struct starvation *starvation, uint64_t balloon);

#endif
