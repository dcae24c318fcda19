/* What the host has, and what is short on it. Knows no VM.
 *
 * Theory of operation: the host is the machine, or a cgroup that stands for it: a daemon in a
 * container, or a test that the machine is to survive. Of a cgroup (v1 or v2) its own limit counts
 * and those above it: the one with the least room left. Page cache that the kernel takes back by
 * itself is room, as in MemAvailable.
 *
 * Failure modes: what a kernel does not have is not known, and its flag says so. Without sizes
 * there is no reading. */
#ifndef VMRECLAIM_CONTROLLER_HOST_HOST_H
#define VMRECLAIM_CONTROLLER_HOST_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/base/error.h"
#include "common/base/time.h"

#define HOST_NODES_MAX 64 /* NUMA nodes; more are not shown */

struct host_node {
    uint32_t id;
    uint64_t total; /* bytes */
    uint64_t free;
};

/* Bytes; shares of time in permyriad, over ten seconds. */
struct host_facts {
    nsec_t time;        /* CLOCK_BOOTTIME; 0: nothing was read */
    bool is_cgroup;     /* a cgroup stands for the machine */
    uint64_t total;     /* MemTotal, or the cgroup's tightest limit */
    uint64_t available; /* MemAvailable; of a cgroup what is left of it, at most the machine's */
    bool pressure_is_known;
    uint32_t pressure_some; /* some task waited for memory */
    uint32_t pressure_full; /* ... all did */
    uint64_t swap_total;    /* 0: the machine has none */
    uint64_t swap_free;
    bool ksm_is_known;
    bool ksm_is_on;
    uint64_t ksm_saved;
    bool zswap_is_known;
    bool zswap_is_on;
    uint64_t zswap_stored; /* swapped memory that is in it */
    uint64_t zswap_pool;   /* what it occupies */
    struct host_node nodes[HOST_NODES_MAX];
    size_t node_count;
};

/* What lies in the cgroup has no more than its limits leave, its own and those above: where they
 * are tighter, they stand for the machine. One that cannot be read says nothing. */
void host_bound(int root, const char *cgroup, struct host_facts *facts);

/* `root` has proc/ and sys/. `cgroup` is the directory of a cgroup of memory, by its path below
 * `root`, with or without the first slash; "": the machine is the host. -ENOENT, -EBADMSG: it
 * cannot be read, in words. */
int host_read(int root, const char *cgroup, nsec_t now, struct host_facts *ret_facts,
              struct error *error);

#endif
