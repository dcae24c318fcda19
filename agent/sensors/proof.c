/* Proof by buddyinfo. */
#include "agent/sensors/proof.h"

#include <assert.h>

#include "common/base/util.h"
#include "common/proc/buddyinfo.h"

#define GROUP_MAX  6 /* order of a group in pageblocks: a bit each in 64 */
#define ROUNDS_MAX 3

static struct proof_count count_free(const struct proof *proof, const uint64_t *free_blocks)
{
    return (struct proof_count){
        .all = buddy_pages(free_blocks, proof->pageblock_order, BUDDY_ORDER_COUNT_MAX) >>
               proof->pageblock_order,
        .together = buddy_pages(free_blocks, proof->group_order, BUDDY_ORDER_COUNT_MAX) >>
                    proof->pageblock_order,
    };
}

void proof_begin(struct proof *proof, uint32_t pageblock_order, uint32_t max_order,
                 const uint64_t *free_blocks)
{
    *proof = (struct proof){
        .pageblock_order = pageblock_order,
        .group_order = min_of(max_order, pageblock_order + GROUP_MAX),
        .counting = free_blocks != NULL,
        .holes = {UINT64_MAX, UINT64_MAX},
    };
    if (proof->counting)
        proof->before = count_free(proof, free_blocks);
}

/* How many holes are among so many candidates; UINT64_MAX: unknown. Where memory changed meanwhile,
 * nothing is wrong by more than that if they are as many as were free at some time. */
static uint64_t holes_among(uint64_t candidates, uint64_t before, uint64_t after)
{
    if (candidates >= min_of(before, after) && candidates <= max_of(before, after))
        return 0;
    return before == after && candidates > after ? candidates - after : UINT64_MAX;
}

void proof_found_hole(struct proof *proof, bool together)
{
    assert(!proof->counting);
    proof->holes.all -= proof->holes.all > 0;
    proof->holes.together -= together && proof->holes.together > 0;
}

void proof_end_count(struct proof *proof, const uint64_t *free_blocks)
{
    const struct proof_count *candidates = &proof->candidates;
    const struct proof_count *before = &proof->before;
    struct proof_count after;

    assert(proof->counting);
    proof->counting = false;
    if (free_blocks == NULL)
        return;
    after = count_free(proof, free_blocks);
    proof->holes.all = holes_among(candidates->all, before->all, after.all);
    proof->holes.together = holes_among(candidates->together, before->together, after.together);
    proof->counting = proof->holes.all == UINT64_MAX && ++proof->rounds < ROUNDS_MAX;
    proof->before = after;
    proof->candidates = (struct proof_count){0};
    assert(proof->rounds <= ROUNDS_MAX && after.together <= after.all);
}
