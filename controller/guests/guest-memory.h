/* One reading of a guest, as its agent sent it and we believe it. The fields are those of
 * MemorySample in agent.proto, under the same names, so that one list converts both ways. */
#ifndef VMRECLAIM_CONTROLLER_GUESTS_GUEST_MEMORY_H
#define VMRECLAIM_CONTROLLER_GUESTS_GUEST_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

#include "agent.pb-c.h"
#include "common/base/error.h"
#include "common/base/time.h"

/* No machine has more bytes; sums of a few parts cannot overflow below it. */
#define GUEST_MEMORY_MAX ((uint64_t)1 << 56)

#define GUEST_ORDER_COUNT_MAX 20 /* more orders than any kernel's buddy allocator has */

/* Bytes that cannot exceed MemTotal. */
#define GUEST_MEMORY_PARTS(X)                                                                      \
    X(free)                                                                                        \
    X(reported)                                                                                    \
    X(reportable)                                                                                  \
    X(held_back)                                                                                   \
    X(trapped)                                                                                     \
    X(percpu)                                                                                      \
    X(cache)                                                                                       \
    X(in_use)                                                                                      \
    X(anon)                                                                                        \
    X(shmem)                                                                                       \
    X(hugetlb)                                                                                     \
    X(slab_unreclaimable)                                                                          \
    X(kernel)                                                                                      \
    X(zram)                                                                                        \
    X(active_file)                                                                                 \
    X(inactive_file)                                                                               \
    X(slab_reclaimable)                                                                            \
    X(dirty)                                                                                       \
    X(writeback)                                                                                   \
    X(mapped)                                                                                      \
    X(available)                                                                                   \
    X(vmalloc_and_other)                                                                           \
    X(trapped_unmovable)                                                                           \
    X(trapped_reclaimable)                                                                         \
    X(tmpfs)                                                                                       \
    X(zfs_arc)                                                                                     \
    X(hugetlb_free)                                                                                \
    X(reported_small)

/* Counters and sizes without such a bound. */
#define GUEST_MEMORY_COUNTERS(X)                                                                   \
    X(sequence)                                                                                    \
    X(boottime_ns)                                                                                 \
    X(total)                                                                                       \
    X(swap_total)                                                                                  \
    X(swap_free)                                                                                   \
    X(cpu_busy_ns)                                                                                 \
    X(cpu_total_ns)                                                                                \
    X(psi_memory_some_us)                                                                          \
    X(psi_memory_full_us)                                                                          \
    X(psi_io_some_us)                                                                              \
    X(refault_file)                                                                                \
    X(refault_anon)                                                                                \
    X(major_faults)                                                                                \
    X(oom_kills)                                                                                   \
    X(balloon_pages)                                                                               \
    X(unmovable_blocks)

struct guest_memory {
    nsec_t received; /* host's CLOCK_BOOTTIME; 0: there is no reading */
    nsec_t latency;  /* the guest took it at most this long before `received` */
#define GUEST_MEMORY_FIELD(name) uint64_t name;
    GUEST_MEMORY_PARTS(GUEST_MEMORY_FIELD)
    GUEST_MEMORY_COUNTERS(GUEST_MEMORY_FIELD)
#undef GUEST_MEMORY_FIELD
    uint64_t free_blocks[GUEST_ORDER_COUNT_MAX];
    uint32_t order_count;
    bool reported_is_known;
    bool reported_is_exact;
    bool trapped_kinds_are_known;
    bool psi_is_known;
    bool reporting_order_is_known;
    uint32_t reporting_order;
    /* from the samples before as well */
    bool refault_rate_is_known;
    uint64_t refault_rate; /* file pages per second read back */
    uint64_t rate_count;   /* refault_file when that was last counted, and the guest's clock then */
    nsec_t rate_boottime;
};

/* Takes over what a guest sent when it can be true. `ram` is the VM's memory as the hypervisor
 * knows it, 0: unknown. -ERANGE with the offending field in `error`. */
int guest_memory_from_message(const Vmreclaim__Agent__V1__MemorySample *message, uint64_t ram,
                              nsec_t received, nsec_t latency, struct guest_memory *ret_memory,
                              struct error *error);

/* Counts rates from the sample before, when the two are at least a second apart: less says nothing.
 */
void guest_memory_count_rates(const struct guest_memory *before, struct guest_memory *memory);

/* The inverse. `message` points into `memory` and must not outlive it. */
void guest_memory_to_message(const struct guest_memory *memory,
                             Vmreclaim__Agent__V1__MemorySample *message);

#endif
