/* What a VM's memory occupies on the host, read from /proc/PID of its hypervisor.
 *
 * Which figure is right depends on what backs the guest's memory:
 *   memfd, tmpfs  blocks of the file (st_blocks): exact, cheap, sees pages the hypervisor never
 *                 mapped; counts pages that the host swapped out too, so while the host uses swap
 *                 what RssShmem does not have of it is taken to be there
 *   anonymous     RssAnon less what the hypervisor itself uses, see footprint_calibrate
 *   hugetlb       HugetlbPages; freed pages return to the host's pool of huge pages, not to it
 *   shared memory without a descriptor: RssShmem, which misses what only others map
 *   a file on a disk: nothing; it is page cache of the host, which takes it back by itself
 *
 * A guest can have several at once. The hypervisor's sizes decide which of the files are its
 * memory, and how much is anonymous. Where it gives none, all files are, and the rest of the
 * guest's memory is anonymous. */
#ifndef VMRECLAIM_CONTROLLER_FOOTPRINT_FOOTPRINT_H
#define VMRECLAIM_CONTROLLER_FOOTPRINT_FOOTPRINT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/base/time.h"
#include "controller/footprint/hypervisor-process.h"

/* Where a footprint came from; several may be added. */
enum footprint_source {
    FOOTPRINT_MEMFD = 1u << 0,
    FOOTPRINT_RSS_ANONYMOUS = 1u << 1,
    FOOTPRINT_RSS_SHARED = 1u << 2,
    FOOTPRINT_HUGETLB = 1u << 3,
};

/* One reading. */
struct host_memory {
    nsec_t time; /* CLOCK_BOOTTIME; 0: there is no reading */
    uint64_t footprint;
    uint64_t swapped; /* not in the footprint */
    uint64_t peak;    /* highest footprint of the process' life, as near as VmHWM shows */
    unsigned sources; /* enum footprint_source */
    /* the figures behind it */
    uint64_t memfd;
    uint64_t rss_anonymous;
    uint64_t rss_shared;
    uint64_t hugetlb;
};

/* `ram` is the VM's memory, 0: unknown; with it we see whether the backends are all of it. Swap may
 * be FOOTPRINT_SWAP_AGE old. -ESRCH: the process is dead. */
#define FOOTPRINT_SWAP_AGE (5 * NSEC_PER_SEC)
int footprint_measure(struct hypervisor_process *process, uint64_t ram, nsec_t now,
                      struct host_memory *ret_memory);

/* Whether no page of the guest can be discarded. Either devices have pinned all of it, or it is
 * anonymous and locked (-overcommit mem-lock=on), so MADV_DONTNEED fails. Locked shared memory does
 * go back: punching a hole into its file unlocks it. False also when it cannot be read. */
bool footprint_is_locked(const struct hypervisor_process *process, uint64_t ram);

/* Anonymous memory in transparent huge pages, from /proc/PID/smaps_rollup. Takes 0.2 ms for
 * gigabytes in huge pages, 5 ms per GiB in small ones, with the hypervisor's memory map locked for
 * reading. -errno of open and read; -EBADMSG: it has no such line. */
int footprint_huge(const struct hypervisor_process *process, uint64_t *ret_bytes);

/* "memfd", "rss", "memfd+rss", ...; `size` >= 32 always fits. */
const char *footprint_source_format(unsigned sources, char *buffer, size_t size);

#endif
