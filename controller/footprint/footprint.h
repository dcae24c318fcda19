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
 * A guest can have several at once. Which of the files are its memory, and how much is anonymous,
 * is by the sizes that the hypervisor says; else all are, and what of its memory they are not is.
 *
 * A process is held by a descriptor of its /proc directory: once it is dead every read fails with
 * -ESRCH, also when its number is used again. */
#ifndef VMRECLAIM_FOOTPRINT_FOOTPRINT_H
#define VMRECLAIM_FOOTPRINT_FOOTPRINT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/base/error.h"
#include "common/base/time.h"
#include "controller/footprint/backing.h"

#define HYPERVISOR_BACKENDS_MAX 16

/* What /proc/PID/status says, bytes. */
struct process_status {
    uint64_t rss_anonymous;
    uint64_t rss_shared; /* RssShmem */
    uint64_t swapped;    /* VmSwap */
    uint64_t hugetlb;    /* HugetlbPages; 0 where the kernel has none */
};

/* Where a footprint came from; several may be added. */
enum footprint_source {
    FOOTPRINT_MEMFD = 1u << 0,
    FOOTPRINT_RSS_ANONYMOUS = 1u << 1,
    FOOTPRINT_RSS_SHARED = 1u << 2,
    FOOTPRINT_HUGETLB = 1u << 3,
};

/* A file that backs guest memory, seen through the hypervisor's own descriptor table. */
struct memory_backend {
    int descriptor; /* its number in the hypervisor */
    dev_t device;
    ino_t inode;
    uint64_t mapped; /* bytes */
    bool shared;
    bool hugetlb;
    bool on_disk; /* while they are looked for; not a backend */
    bool foreign; /* by its size no memory of the guest: ivshmem, a device's window */
};

struct hypervisor_process {
    int directory; /* of /proc/PID; -1: none */
    int status;    /* of /proc/PID/status */
    int statm;     /* of /proc/PID/statm; -1: not there */
    pid_t pid;
    uint64_t start_time;          /* clock ticks since boot, /proc/PID/stat */
    uint64_t overhead;            /* RssAnon that is not the guest's */
    uint64_t shared_mapped;       /* shared writable mappings without a backend here */
    uint64_t disk_mapped;         /* the same, of files on disks: the host's page cache */
    struct guest_backing backing; /* as the hypervisor says */
    uint32_t backend_count;
    struct memory_backend backends[HYPERVISOR_BACKENDS_MAX];
    uint64_t
        host_swap_used; /* of the whole host, for the caller to keep; bounds `swapped_shared` */
    uint64_t swapped_shared;    /* of the backends' blocks, as of last_time */
    struct process_status last; /* as of last_time; swap moves slowly and is dear to read */
    nsec_t last_time;           /* 0: never */
};

/* Without a process; finish is then harmless. */
void hypervisor_process_init(struct hypervisor_process *process);

/* Opens PID below `root` (a directory that has proc/) and finds its memory backends.
 * -ESRCH: no such process. */
int hypervisor_process_open(struct hypervisor_process *process, int root, pid_t pid,
                            struct error *error);

void hypervisor_process_finish(struct hypervisor_process *process);

static inline bool hypervisor_process_is_open(const struct hypervisor_process *process)
{
    return process->directory >= 0;
}

/* Looks for backends again: memory was plugged. */
int hypervisor_process_find_backends(struct hypervisor_process *process);

/* Takes over what the hypervisor says of its guest's memory; what changed is looked for again.
 * Shared files of other sizes are not the guest's then; of two of one size, the first that is
 * mapped is. When not all sizes are found, every file counts. */
int hypervisor_process_take_backing(struct hypervisor_process *process,
                                    const struct guest_backing *backing);

/* One reading. */
struct host_memory {
    nsec_t time; /* CLOCK_BOOTTIME; 0: there is no reading */
    uint64_t footprint;
    uint64_t swapped; /* not in the footprint */
    unsigned sources; /* enum footprint_source */
    /* the figures behind it */
    uint64_t memfd;
    uint64_t rss_anonymous;
    uint64_t rss_shared;
    uint64_t hugetlb;
};

/* `ram` is the VM's memory, 0: unknown; it tells whether the backends are all of it. Swap may be
 * FOOTPRINT_SWAP_AGE old. -ESRCH: the process is dead. */
#define FOOTPRINT_SWAP_AGE (5 * NSEC_PER_SEC)
int footprint_measure(struct hypervisor_process *process, uint64_t ram, nsec_t now,
                      struct host_memory *ret_memory);

/* Sets `overhead` where a part of the guest's memory is anonymous: anonymous pages, as pagemap has
 * them, in private mappings but the largest, which together hold that part. A hypervisor's heap
 * comes and goes by megabytes, so who compares two readings calibrates before each. It costs half a
 * millisecond, however large the guest is. Without such a part it does nothing. Otherwise -ENODATA:
 * no such mappings, or `ram` is not known; -E2BIG: the others are larger than any hypervisor's; the
 * overhead stays as it was. */
int footprint_calibrate(struct hypervisor_process *process, uint64_t ram);

/* Whether no page of the guest can be discarded: devices have pinned all of it, or it is anonymous
 * and locked (-overcommit mem-lock=on), where MADV_DONTNEED fails. Locked shared memory does go
 * back: punching a hole into its file unlocks it. False also when it cannot be read. */
bool footprint_is_locked(const struct hypervisor_process *process, uint64_t ram);

/* Anonymous memory in transparent huge pages, from /proc/PID/smaps_rollup: 0.2 ms for gigabytes in
 * huge pages, 5 ms per GiB in small ones, holding the hypervisor's map for reading. -errno of open
 * and read; -EBADMSG: it has no such line. */
int footprint_huge(const struct hypervisor_process *process, uint64_t *ret_bytes);

/* "memfd", "rss", "memfd+rss", ...; `size` >= 32 always fits. */
const char *footprint_source_format(unsigned sources, char *buffer, size_t size);

#endif
