/* Proof that pageblocks which look free are free as a whole: /proc/buddyinfo has as many.
 *
 * A pass over kpageflags looks at a few pages of each pageblock. Pageblocks that are free in all of
 * them are candidates: all free ones, and some with a hole elsewhere. Where the candidates are as
 * many as buddyinfo's free pageblocks, all are proven and no more pages need be read. Where they
 * are more, the difference is how many holes there are to find. The same holds of candidates that
 * together form a block of the largest order. They are counted by themselves, too: most free memory
 * is in such blocks, and most holes are not. Pure.
 *
 * `free_blocks` below is buddyinfo's of all memory at that moment, by order; NULL: it cannot be
 * read. */
#ifndef VMRECLAIM_AGENT_SENSORS_PROOF_H
#define VMRECLAIM_AGENT_SENSORS_PROOF_H

#include <stdbool.h>
#include <stdint.h>

/* Pageblocks. */
struct proof_count {
    uint64_t all;
    uint64_t together; /* of it: in groups that are, or look, free as a whole */
};

struct proof {
    uint32_t pageblock_order;
    uint32_t group_order;      /* of an aligned group of up to 64 pageblocks */
    bool counting;             /* candidates are being counted */
    unsigned rounds;           /* of counting that came to no end */
    struct proof_count before; /* free ones by buddyinfo, when counting began */
    struct proof_count candidates;
    struct proof_count holes; /* candidates that are still to be found not free, at most */
};

/* Begins to count, where buddyinfo is known; else nothing is proven. */
void proof_begin(struct proof *proof, uint32_t pageblock_order, uint32_t max_order,
                 const uint64_t *free_blocks);

/* Not all candidates of this kind are proven. */
static inline bool proof_is_open(const struct proof *proof, bool together)
{
    return proof->holes.all > 0 && (!together || proof->holes.together > 0);
}

/* A candidate of this kind was found not to be free. */
void proof_found_hole(struct proof *proof, bool together);

/* All pageblocks were counted. Counts again while memory changes too much, a few times. */
void proof_end_count(struct proof *proof, const uint64_t *free_blocks);

#endif
