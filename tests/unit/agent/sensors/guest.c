/* A guest's memory, made up at random. */
#include "tests/unit/agent/sensors/guest.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/proc/buddyinfo.h"
#include "common/proc/kpageflags.h"

#define IN_USE ((uint64_t)0x868) /* an anonymous page: uptodate, lru, active, mmap */

static uint32_t random_percent(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state % 100;
}

static void add_block(struct guest *guest, uint64_t pfn, uint32_t order, bool reported)
{
    guest->blocks[guest->block_count++] =
        (struct guest_block){.pfn = pfn, .order = order, .reported = reported};
}

/* Two free halves are one block, as in the allocator. */
static void merge(struct guest *guest, uint64_t pfn, uint32_t order)
{
    struct guest_block *left;
    struct guest_block *right;

    if (guest->block_count < 2)
        return;
    right = &guest->blocks[guest->block_count - 1];
    left = right - 1;
    if (left->pfn != pfn || left->order + 1 != order || right->order != left->order ||
        right->pfn != pfn + ((uint64_t)1 << right->order))
        return;
    left->order = order;
    guest->block_count--;
}

static void fill(struct guest *guest, uint64_t pfn, uint32_t order, const struct guest_mix *mix,
                 uint32_t *state)
{
    uint32_t choice = random_percent(state);

    if (choice < mix->used || (order == 0 && choice >= mix->used + mix->free))
        return;
    if (choice < mix->used + mix->free) {
        add_block(guest, pfn, order, random_percent(state) < mix->reported);
        return;
    }
    fill(guest, pfn, order - 1, mix, state);
    fill(guest, pfn + ((uint64_t)1 << (order - 1)), order - 1, mix, state);
    merge(guest, pfn, order);
}

void guest_create(struct guest *guest, uint32_t page_size, uint32_t max_order, uint64_t groups,
                  const struct guest_mix *mix, uint32_t seed)
{
    uint32_t state = seed * 2654435761u + 1;

    guest->page_size = page_size;
    guest->max_order = max_order;
    guest->pages = groups << max_order;
    guest->block_count = 0;
    guest->flags = calloc(guest->pages, sizeof(guest->flags[0]));
    guest->blocks = calloc(guest->pages, sizeof(guest->blocks[0]));
    if (guest->flags == NULL || guest->blocks == NULL)
        abort();
    for (uint64_t i = 0; i < groups; i++)
        fill(guest, i << max_order, max_order, mix, &state);
    for (uint64_t pfn = 0; pfn < guest->pages; pfn++)
        guest->flags[pfn] = IN_USE;
    for (size_t i = 0; i < guest->block_count; i++) {
        struct guest_block *block = &guest->blocks[i];

        block->reported = block->reported && block->order >= mix->mark_order;
        for (uint64_t page = 0; page < (uint64_t)1 << block->order; page++)
            guest->flags[block->pfn + page] = KPAGEFLAGS_BUDDY;
        if (block->reported)
            guest->flags[block->pfn] |= KPAGEFLAGS_UPTODATE;
    }
}

void guest_destroy(struct guest *guest)
{
    free(guest->flags);
    free(guest->blocks);
}

void guest_write(const struct guest *guest, struct fixture *fixture)
{
    uint64_t counts[BUDDY_ORDER_COUNT_MAX] = {0};
    char text[1024];
    size_t used;

    fixture_write_bytes(fixture, "proc/kpageflags", guest->flags,
                        guest->pages * sizeof(guest->flags[0]));
    snprintf(text, sizeof(text), "00000000-%08" PRIx64 " : System RAM\n",
             guest->pages * guest->page_size - 1);
    fixture_write(fixture, "proc/iomem", text);
    for (size_t i = 0; i < guest->block_count; i++)
        counts[guest->blocks[i].order]++;
    used = (size_t)snprintf(text, sizeof(text), "Node 0, zone   Normal");
    for (uint32_t order = 0; order <= guest->max_order; order++)
        used += (size_t)snprintf(text + used, sizeof(text) - used, " %6" PRIu64, counts[order]);
    snprintf(text + used, sizeof(text) - used, " \n");
    fixture_write(fixture, "proc/buddyinfo", text);
}
