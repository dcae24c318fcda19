/* Proof by buddyinfo. */
#include "agent/sensors/proof.h"

#include "common/base/util.h"
#include "common/proc/buddyinfo.h"

#define GROUP_MAX  6 /* order of a group in pageblocks: a bit each in 64 */
#define ROUNDS_MAX 3

/* False: not known. */
static bool read_free(const struct proof *proof, struct proof_count *ret_free)
{
    struct buddyinfo buddyinfo;

    if (buddyinfo_read(proof->root, &buddyinfo) < 0)
        return false;
    ret_free->all =
        buddy_pages(buddyinfo.free_blocks, proof->pageblock_order, BUDDY_ORDER_COUNT_MAX) >>
        proof->pageblock_order;
    ret_free->together =
        buddy_pages(buddyinfo.free_blocks, proof->group_order, BUDDY_ORDER_COUNT_MAX) >>
        proof->pageblock_order;
    return true;
}

void proof_begin(struct proof *proof, int root, uint32_t pageblock_order, uint32_t max_order)
{
    *proof = (struct proof){
        .root = root,
        .pageblock_order = pageblock_order,
        .group_order = min_of(max_order, pageblock_order + GROUP_MAX),
        .holes = {UINT64_MAX, UINT64_MAX},
    };
    proof->counting = read_free(proof, &proof->before);
}

/* How many holes are among so many candidates; UINT64_MAX: they do not tell. Where memory changed
 * meanwhile, nothing is wrong by more than that if they are as many as were free at some time. */
static uint64_t holes_among(uint64_t candidates, uint64_t before, uint64_t after)
{
    if (candidates >= min_of(before, after) && candidates <= max_of(before, after))
        return 0;
    return before == after && candidates > after ? candidates - after : UINT64_MAX;
}

void proof_found_hole(struct proof *proof, bool together)
{
    proof->holes.all -= proof->holes.all > 0;
    proof->holes.together -= together && proof->holes.together > 0;
}

void proof_end_count(struct proof *proof)
{
    const struct proof_count *candidates = &proof->candidates;
    const struct proof_count *before = &proof->before;
    struct proof_count after;

    proof->counting = false;
    if (!read_free(proof, &after))
        return;
    proof->holes.all = holes_among(candidates->all, before->all, after.all);
    proof->holes.together = holes_among(candidates->together, before->together, after.together);
    proof->counting = proof->holes.all == UINT64_MAX && ++proof->rounds < ROUNDS_MAX;
    proof->before = after;
    proof->candidates = (struct proof_count){0};
}
