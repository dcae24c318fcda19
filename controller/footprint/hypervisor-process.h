/* The process of a VM's hypervisor, and the files behind the guest's memory.
 *
 * A process is held by a descriptor of its /proc directory. Once it is dead every read fails with
 * -ESRCH, even when its number is used again. */
#ifndef VMRECLAIM_CONTROLLER_FOOTPRINT_HYPERVISOR_PROCESS_H
#define VMRECLAIM_CONTROLLER_FOOTPRINT_HYPERVISOR_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/base/error.h"
#include "common/base/time.h"
#include "controller/footprint/backing.h"
#include "controller/footprint/process.h"

#define HYPERVISOR_BACKENDS_MAX 16

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

/* Whether a word of its command line is this. False too where that cannot be read. */
bool hypervisor_process_has_argument(const struct hypervisor_process *process,
                                     const char *argument);

/* ---- inside the folder ---- */

/* Size of the guest's anonymous memory, bytes; 0: it has none. `ram` is the VM's memory, 0:
 * unknown: then UINT64_MAX when nothing else is seen to back the guest, else 0. Needs
 * `last.hugetlb`. */
uint64_t backends_anonymous_size(const struct hypervisor_process *process, uint64_t ram);

/* Whether the mapping is one of a backend's file, shared or private as the backend is. */
bool backends_have_file(const struct hypervisor_process *process, const struct mapping *mapping);

#endif
