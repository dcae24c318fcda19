/* Who comes first: a heap in the caller's array. Part of the engine. */
#ifndef VMRECLAIM_CONTROLLER_ARBITER_RANK_H
#define VMRECLAIM_CONTROLLER_ARBITER_RANK_H

#include <stddef.h>
#include <stdint.h>

struct arbiter_rank {
    uint64_t key;
    size_t vm;
};

struct arbiter_ranks {
    struct arbiter_rank *list;
    size_t count;
};

/* There must be room. */
void ranks_add(struct arbiter_ranks *ranks, uint64_t key, size_t vm);

/* Takes out the one with the highest key, of equals the first VM. There must be one. */
size_t ranks_take(struct arbiter_ranks *ranks);

#endif
