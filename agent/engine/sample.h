/* One reading of the guest, as the sensors fill it and the engine reads it. Bytes, nanoseconds,
 * pages where said; counters run since boot. The waterfall's parts follow ARCHITECTURE.md. */
#ifndef VMRECLAIM_AGENT_ENGINE_SAMPLE_H
#define VMRECLAIM_AGENT_ENGINE_SAMPLE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/base/number.h"
#include "common/base/time.h"

#define ORDER_COUNT_MAX 20 /* more orders than any kernel's buddy allocator has */

/* Named parts of what is in use. */
struct used_memory {
    uint64_t anon;
    uint64_t shmem;
    uint64_t hugetlb;
    uint64_t slab_unreclaimable;
    uint64_t kernel; /* stacks and page tables */
    uint64_t zram;
};

/* Named parts of the page cache. */
struct cached_memory {
    uint64_t active_file;
    uint64_t inactive_file;
    uint64_t slab_reclaimable;
    uint64_t dirty;
    uint64_t writeback;
    uint64_t mapped;
};

/* What the guest did; runs since boot. */
struct activity_counters {
    nsec_t cpu_user; /* user and nice time of all CPUs */
    /* All that the guest ran: not idle, iowait or stolen. An idle guest on a contended host waits
     * long for the little it does, and must not look busy. */
    nsec_t cpu_busy;
    nsec_t cpu_total;
    nsec_t cpu_own;           /* of cpu_busy: the agent's own process, which is no activity */
    uint64_t psi_memory_some; /* microseconds; PSI fields stay 0 without PSI */
    uint64_t psi_memory_full;
    uint64_t psi_io_some;
    bool psi_is_known;
    uint64_t refault_file; /* pages */
    uint64_t refault_anon; /* pages */
    uint64_t major_faults;
    uint64_t oom_kills;
};

struct memory_sample {
    uint64_t sequence;
    nsec_t boottime; /* when it was taken */
    /* the waterfall */
    uint64_t total; /* MemTotal */
    uint64_t free;  /* MemFree */
    uint64_t reported;
    uint64_t reportable;
    uint64_t reported_small; /* of reported: in blocks smaller than a huge page of 2 MiB */
    uint64_t held_back;      /* of reportable: what zone watermarks keep reporting from taking */
    uint64_t trapped;
    uint64_t percpu;
    uint64_t cache;
    uint64_t in_use;
    bool reported_is_known; /* false without /proc/kpageflags: then all of it is in reportable */
    bool reported_is_exact; /* from a full scan */
    struct used_memory used;
    struct cached_memory cached;
    uint64_t available; /* MemAvailable */
    uint64_t swap_total;
    uint64_t swap_free;
    struct activity_counters activity;
    uint64_t balloon_pages;
    /* free blocks by order, all zones */
    uint64_t free_blocks[ORDER_COUNT_MAX];
    uint32_t order_count;
    uint32_t page_size;
    uint32_t pageblock_order;
    uint32_t reporting_order; /* in force; ORDER_COUNT_MAX: reporting is absent */
    uint32_t cpu_count;
};

/* Bytes that a reporting pass could take now. */
static inline uint64_t memory_sample_waiting(const struct memory_sample *sample)
{
    return saturating_subtract(sample->reportable, sample->held_back);
}

#endif
