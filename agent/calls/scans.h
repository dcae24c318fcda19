/* Answers that need a walk over /proc/kpageflags: GetMemory and ListFreeRanges. The walk goes on in
 * short slices from the loop, so that a Ping never waits for it. */
#ifndef VMRECLAIM_AGENT_CALLS_SCANS_H
#define VMRECLAIM_AGENT_CALLS_SCANS_H

#include <uv.h>

#include "agent/sensors/sensors.h"
#include "common/base/list.h"
#include "common/ttrpc/ttrpc.h"

#define SCANS_LISTINGS_MAX 2 /* ListFreeRanges at a time; each holds some 20 KiB */

/* In the caller's memory; its members are private. */
struct scans {
    uv_idle_t idle;
    int root;
    struct sensors *sensors;
    struct list memory_calls; /* GetMemory calls that wait */
    bool is_scanning;
    bool scan_is_exact;
    struct list listings;
    unsigned listing_count;
    void (*on_closed)(void *userdata);
    void *userdata;
};

void scans_init(struct scans *scans, uv_loop_t *loop, int root, struct sensors *sensors);

/* Calls that wait still end with their connections. `on_closed` comes from the loop. */
void scans_close(struct scans *scans, void (*on_closed)(void *userdata), void *userdata);

/* Answers the GetMemory call from a fresh pass, a whole one when `exact`. */
void scans_get_memory(struct scans *scans, struct ttrpc_call *call, bool exact);

/* Answers it before it returns, with what a sample of Watch has. */
void scans_get_memory_briefly(const struct scans *scans, struct ttrpc_call *call);

/* Answers the ListFreeRanges call; `length` 0: all of memory. */
void scans_list_ranges(struct scans *scans, struct ttrpc_call *call, uint64_t start,
                       uint64_t length);

#endif
