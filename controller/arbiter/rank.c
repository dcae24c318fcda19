/* A heap of VMs. */
#include "controller/arbiter/rank.h"

#include <assert.h>
#include <stdbool.h>

static bool comes_before(const struct arbiter_rank *a, const struct arbiter_rank *b)
{
    return a->key != b->key ? a->key > b->key : a->vm < b->vm;
}

static void swap(struct arbiter_rank *a, struct arbiter_rank *b)
{
    struct arbiter_rank kept = *a;

    *a = *b;
    *b = kept;
}

void ranks_add(struct arbiter_ranks *ranks, uint64_t key, size_t vm)
{
    struct arbiter_rank *list = ranks->list;
    size_t at = ranks->count++;

    list[at] = (struct arbiter_rank){key, vm};
    for (; at > 0 && comes_before(&list[at], &list[(at - 1) / 2]); at = (at - 1) / 2)
        swap(&list[at], &list[(at - 1) / 2]);
}

size_t ranks_take(struct arbiter_ranks *ranks)
{
    struct arbiter_rank *list = ranks->list;
    size_t vm;
    size_t at = 0;

    assert(ranks->count > 0);
    vm = list[0].vm;
    list[0] = list[--ranks->count];
    for (;;) {
        size_t first = at;

        for (size_t child = 2 * at + 1; child <= 2 * at + 2 && child < ranks->count; child++)
            if (comes_before(&list[child], &list[first]))
                first = child;
        if (first == at)
            return vm;
        swap(&list[at], &list[first]);
        at = first;
    }
}
