/* Where a VM's memory is: one definition per part (the table in ARCHITECTURE.md), used by explain,
 * metrics, benchmarks and tests alike. Pure. */
#ifndef VMRECLAIM_CONTROLLER_VMS_WATERFALL_H
#define VMRECLAIM_CONTROLLER_VMS_WATERFALL_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/time.h"
#include "controller/footprint/footprint.h"
#include "controller/guests/agent-link.h"
#include "controller/guests/guest-memory.h"

/* A guest's sample holds for as long as a silent agent is waited for. */
#define WATERFALL_INTERVALS_MAX (AGENT_MISSED_SAMPLES_MAX + 1)

/* Bytes. A part that is not known is 0, and no figure: the flags say which are. */
struct waterfall {
    nsec_t time;         /* of the host sample, CLOCK_BOOTTIME; 0: nothing was measured */
    nsec_t skew;         /* upper bound of the time between guest and host sample; of both sides */
    bool host_is_known;  /* footprint, swapped */
    bool guest_is_known; /* reported to in_use; with `ram` unmanaged, with the host remainder */
    bool reported_is_known; /* the guest's kernel shows its marks; else reported is in reportable */
    bool balloon_is_known;
    uint64_t ram; /* 0: unknown */
    uint64_t footprint;
    uint64_t swapped;
    uint64_t reported;
    uint64_t reportable;
    uint64_t held_back; /* of reportable */
    uint64_t trapped;
    uint64_t percpu;
    uint64_t cache;
    uint64_t balloon;
    uint64_t in_use;
    uint64_t unmanaged;
    int64_t remainder;
};

/* The balloon as the hypervisor knows it. */
struct waterfall_balloon {
    uint64_t ram;        /* of the VM; 0: unknown */
    bool is_absent;      /* there is no balloon, so nothing is in it */
    uint64_t actual;     /* memory left to the guest; 0: unknown */
    uint64_t maximum;    /* ... with nothing in the balloon; 0: unknown */
    bool counts_as_used; /* with deflate-on-oom the guest counts ballooned pages as used */
};

/* Whether a guest's sample still says where its memory is. `interval` is the longest time between
 * two. Without an agent nobody would notice that it does not any more; a guest that does not run
 * changes nothing, however old its sample. */
bool waterfall_guest_holds(const struct guest_memory *guest, nsec_t now, nsec_t interval,
                           bool has_agent, bool runs);

/* `guest` may be NULL, or have no reading: nobody says now where the guest's memory is. */
void waterfall_compute(const struct guest_memory *guest, const struct host_memory *host,
                       const struct waterfall_balloon *balloon, struct waterfall *ret_waterfall);

#endif
