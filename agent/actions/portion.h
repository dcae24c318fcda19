/* How much to ask the kernel for, so that it takes what is wanted. Pure.
 *
 * Kernels before 6.12 take up to half more of a cgroup than memory.reclaim asks for, in whole
 * clusters of 32 pages. On 6.1 that was 12.1 MiB for 8, and 1.23 for 1. More than wanted is pages
 * that a floor protects. So what is wanted is asked for in steps. Each is smaller by what the steps
 * before took too much, and the last ends within a cluster of the amount. */
#ifndef VMRECLAIM_AGENT_ACTIONS_PORTION_H
#define VMRECLAIM_AGENT_ACTIONS_PORTION_H

#include <stdint.h>

struct portion {
    uint64_t wanted; /* bytes still to take */
    uint64_t asked;  /* so far */
    uint64_t taken;  /* for it */
};

/* Page cache at one moment, bytes. */
struct portion_cache {
    uint64_t bytes;     /* file pages and slab */
    uint64_t read_back; /* file pages that were read again after they had been taken, so far */
};

/* What was taken between two moments. What came back meanwhile was taken, too. Otherwise a working
 * set that is read back at once would be taken again and again until the cache had shrunk as
 * wanted. */
uint64_t portion_taken(const struct portion_cache *before, const struct portion_cache *after);

/* Bytes to ask for next; 0: enough was taken. */
uint64_t portion_next(const struct portion *portion);

/* `asked` bytes were asked for and `taken` seen to go. Where that is less, others took more cache
 * at the same time: it counts as what was asked for. */
void portion_took(struct portion *portion, uint64_t asked, uint64_t taken);

#endif
