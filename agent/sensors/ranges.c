/* Free blocks from /proc/kpageflags.
 *
 * Theory of operation. kpageflags says of each page whether it lies in a free block, and the first
 * page of a reported block carries a mark. It does not say how long a block is. But the buddy
 * allocator merges two free neighbours of one size whenever they form an aligned block of twice
 * that size, up to its largest. So the free pages alone determine the blocks: walking the pages in
 * order and merging the same way gives the allocator's own blocks back. A small stack holds those
 * that may still grow.
 *
 * The one exception is merging across migration types that may not mix (isolated, CMA and reserve
 * pageblocks), which keeps two neighbouring pageblocks apart. A mark on the first page of the
 * second shows it; where the second is not reported, it counts as the tail of the first.
 *
 * Time. A page costs the kernel 50 ns, so no page is read that need not be. Where no block below a
 * pageblock counts, a pageblock is looked at in a few places. It is passed over when one of them is
 * not free. proof.c proves most of what is left: an exact pass counts first, and then reads whole
 * only what is not proven.
 *
 * The clock is read once per 25 us of work, so a step ends within that of its budget. It also ends
 * after a fixed number of words. Where others take the CPU, in the guest or on the host, the clock
 * says too little about the work. And on a faster machine a step need not grow to fill its budget.
 *
 * The guest goes on running: a pass is a picture of a moment only where nothing changes. */
#include "agent/sensors/ranges.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "common/base/util.h"

#define COST_PER_READ   5 /* a system call, in words read */
#define COST_PER_SAMPLE 512
#define COST_PER_STEP   12288 /* 0.6 ms at the 50 ns a word takes on plain hardware */

/* At a pageblock that is not read, besides its first page. */
#define LOOKS         8
#define LOOKS_AT_TAIL 1

static uint64_t align_down(uint64_t value, uint32_t order)
{
    return value >> order << order;
}

static uint64_t align_up(uint64_t value, uint32_t order)
{
    return align_down(value + (((uint64_t)1 << order) - 1), order);
}

/* The pages of map range `index`, widened to pageblocks and cut to the part asked for. */
static void range_pages(const struct ranges_scan *scan, size_t index, uint64_t *ret_start,
                        uint64_t *ret_end)
{
    const struct ranges_options *options = &scan->options;
    const struct ram_range *range = &scan->map.ranges[index];

    *ret_start = align_down(range->start / options->page_size, options->pageblock_order);
    *ret_end =
        min_of(align_up(range->end / options->page_size, options->pageblock_order), scan->end);
}

/* The part asked for: in whole pageblocks for ranges, in whole largest blocks for reading. */
static int find_bounds(struct ranges_scan *scan)
{
    const struct ranges_options *options = &scan->options;
    uint64_t start = options->start / options->page_size;
    uint64_t end = UINT64_MAX;

    if (options->length > 0) {
        if (__builtin_add_overflow(options->start, options->length - 1, &end))
            return -EINVAL;
        end = end / options->page_size + 1;
    }
    scan->clip_start = align_down(start, options->pageblock_order) * options->page_size;
    scan->pfn = align_down(start, options->max_order);
    scan->clip_end = UINT64_MAX;
    scan->end = UINT64_MAX;
    if (end < UINT64_MAX >> options->max_order) {
        scan->end = align_up(end, options->max_order);
        if (__builtin_mul_overflow(align_up(end, options->pageblock_order), options->page_size,
                                   &scan->clip_end))
            scan->clip_end = UINT64_MAX;
    }
    return 0;
}

/* Every page must be looked at: blocks within a pageblock count. */
static bool is_page_by_page(const struct ranges_options *options)
{
    return min_of(options->lowest_order, options->reporting_order) < options->pageblock_order;
}

/* The free blocks of all memory, or NULL. */
static const uint64_t *read_free_blocks(int root, struct buddyinfo *buddyinfo)
{
    return buddyinfo_read(root, buddyinfo) < 0 ? NULL : buddyinfo->free_blocks;
}

/* Of a part buddyinfo knows nothing: all is read. */
static void begin_proof(struct ranges_scan *scan)
{
    const struct ranges_options *options = &scan->options;
    bool is_whole = options->start == 0 && options->length == 0;
    struct buddyinfo buddyinfo;

    proof_begin(&scan->proof, options->pageblock_order, options->max_order,
                is_whole ? read_free_blocks(scan->root, &buddyinfo) : NULL);
}

int ranges_scan_init(struct ranges_scan *scan, int root, const struct ranges_options *options)
{
    int r;

    if (options->page_size == 0 || options->max_order >= BUDDY_ORDER_COUNT_MAX ||
        options->pageblock_order > options->max_order)
        return -EINVAL;
    memset(scan, 0, offsetof(struct ranges_scan, flags));
    scan->options = *options;
    scan->descriptor = -1;
    r = find_bounds(scan);
    if (r < 0)
        return r;
    r = ram_map_read(root, options->page_size, &scan->map);
    if (r < 0)
        return r;
    r = kpageflags_open(root);
    if (r < 0)
        return r;
    scan->descriptor = r;
    scan->group = UINT64_MAX;
    scan->proof.group_order = options->pageblock_order;
    scan->root = root;
    if (options->exact && !is_page_by_page(options))
        begin_proof(scan);
    return 0;
}

void ranges_scan_finish(struct ranges_scan *scan)
{
    if (scan->descriptor >= 0)
        close(scan->descriptor);
    scan->descriptor = -1;
}

static void give_pending(struct ranges_scan *scan)
{
    if (scan->pending.length > 0)
        scan->options.range(&scan->pending, scan->options.userdata);
    scan->pending.length = 0;
}

/* Adds to the pending range or starts another; what lies outside the part asked for is cut off. */
static void add_range(struct ranges_scan *scan, uint64_t start, uint64_t length,
                      enum range_state state)
{
    uint64_t end = min_of(start + length, scan->clip_end);

    start = max_of(start, scan->clip_start);
    if (start >= end)
        return;
    length = end - start;
    if (scan->pending.length > 0 && scan->pending.state == state &&
        scan->pending.start + scan->pending.length == start) {
        scan->pending.length += length;
        return;
    }
    give_pending(scan);
    assert(scan->pending.length == 0 && start >= scan->clip_start && end <= scan->clip_end);
    scan->pending = (struct range){.start = start, .length = length, .state = state};
}

/* `block` is as long as it gets. */
static void complete_block(struct ranges_scan *scan, const struct ranges_free_block *block)
{
    const struct ranges_options *options = &scan->options;
    uint64_t length = (uint64_t)options->page_size << block->order;

    assert(block->order <= options->max_order && block->pfn % ((uint64_t)1 << block->order) == 0);
    if (block->reported) {
        scan->result.reported += length;
        if (block->order < options->reporting_order)
            scan->result.reported_small += length;
    } else if (block->order >= options->reporting_order && options->exact) {
        scan->result.reportable += length;
    } else {
        return;
    }
    if (options->block != NULL)
        options->block(block->pfn, block->order, block->reported, options->userdata);
    if (options->range != NULL && block->order >= options->pageblock_order)
        add_range(scan, block->pfn * options->page_size, length,
                  block->reported ? RANGE_REPORTED : RANGE_REPORTABLE);
}

/* A page that is not free follows: nothing on the stack can grow. */
static void complete_stack(struct ranges_scan *scan)
{
    for (size_t i = 0; i < scan->stack_depth; i++)
        complete_block(scan, &scan->stack[i]);
    scan->stack_depth = 0;
}

/* Merges as the buddy allocator does. At most one block per order stays on the stack. Two
 * neighbours of one order either merge or are not buddies, and then the first can never grow. */
static void push_block(struct ranges_scan *scan, struct ranges_free_block block)
{
    while (scan->stack_depth > 0) {
        const struct ranges_free_block *top = &scan->stack[scan->stack_depth - 1];

        if (top->order < block.order) {
            complete_stack(scan);
            break;
        }
        if (top->order > block.order)
            break;
        if (block.reported || block.order == scan->options.max_order ||
            (top->pfn ^ block.pfn) != (uint64_t)1 << block.order) {
            complete_stack(scan);
            break;
        }
        block = (struct ranges_free_block){
            .pfn = top->pfn, .order = block.order + 1, .reported = top->reported};
        scan->stack_depth--;
    }
    assert(scan->stack_depth == 0 || scan->stack[scan->stack_depth - 1].order > block.order);
    assert(scan->stack_depth <= scan->options.max_order);
    scan->stack[scan->stack_depth++] = block;
}

static bool is_free(uint64_t flags)
{
    return (flags & KPAGEFLAGS_BUDDY) != 0;
}

static bool is_reported(uint64_t flags)
{
    return (flags & KPAGEFLAGS_UPTODATE) != 0;
}

/* All `count` pages are free and at most the first is marked: one block, where aligned. */
static bool is_one_block(const uint64_t *flags, size_t count)
{
    uint64_t all = flags[0];
    uint64_t any = 0;

    for (size_t i = 1; i < count; i++) {
        all &= flags[i];
        any |= flags[i];
    }
    return is_free(all) && !is_reported(any);
}

static int read_flags(struct ranges_scan *scan, uint64_t pfn, size_t count)
{
    scan->cost += (unsigned)count + COST_PER_READ;
    return kpageflags_read(scan->descriptor, pfn, count, scan->flags);
}

/* Pageblocks of the group. */
static uint64_t group_size(const struct ranges_scan *scan)
{
    return (uint64_t)1 << (scan->proof.group_order - scan->options.pageblock_order);
}

/* All pageblocks of the group are candidates. */
static bool is_group_free(const struct ranges_scan *scan)
{
    return scan->looks_free == UINT64_MAX >> (64 - group_size(scan));
}

/* Reads `count` pages, a power of two of them and aligned to it, and takes each for what it is. */
static int scan_pages(struct ranges_scan *scan, size_t count)
{
    uint64_t pfn = scan->pfn;
    int r = read_flags(scan, pfn, count);

    assert((count & (count - 1)) == 0 && pfn % count == 0);
    if (r < 0)
        return r;
    scan->pfn += count;
    if (is_one_block(scan->flags, count)) {
        push_block(scan, (struct ranges_free_block){.pfn = pfn,
                                                    .order = (uint32_t)__builtin_ctzll(count),
                                                    .reported = is_reported(scan->flags[0])});
        return 0;
    }
    if (scan->reading_candidate)
        proof_found_hole(&scan->proof, is_group_free(scan));
    scan->reading_candidate = false;
    for (size_t i = 0; i < count; i++) {
        if (is_free(scan->flags[i]))
            push_block(scan, (struct ranges_free_block){.pfn = pfn + i,
                                                        .reported = is_reported(scan->flags[i])});
        else if (scan->stack_depth > 0)
            complete_stack(scan);
    }
    return 0;
}

/* The free pageblock at `pfn` has no mark, but may be the tail of a marked block. It lies in the
 * buddy of the last one. */
static bool may_be_tail(const struct ranges_scan *scan, uint64_t pfn)
{
    size_t i = scan->stack_depth;

    while (i > 0 && !scan->stack[i - 1].reported)
        i--;
    return i > 0 && scan->stack[i - 1].order < scan->options.max_order &&
           align_down(pfn, scan->stack[i - 1].order + 1) == scan->stack[i - 1].pfn;
}

/* The mark on its first page proves a free pageblock to a quick pass, unless small blocks may carry
 * it too. An exact one does not rely on what the order has been. */
static bool is_proof(const struct ranges_options *options, bool is_marked)
{
    return is_marked && !options->exact && options->lowest_order >= options->pageblock_order;
}

/* Looks at the pageblock at `pfn`. 1: it is a candidate; 0: it is not free as a whole. */
static int look_at(struct ranges_scan *scan, uint64_t pfn, bool *ret_marked)
{
    const struct ranges_options *options = &scan->options;
    uint64_t pages = (uint64_t)1 << options->pageblock_order;
    uint64_t looks;
    int r = read_flags(scan, pfn, 1);

    if (r < 0 || !is_free(scan->flags[0]))
        return r;
    *ret_marked = is_reported(scan->flags[0]);
    if (is_proof(options, *ret_marked))
        return 1;
    if (!options->exact && !*ret_marked && !may_be_tail(scan, pfn))
        return 0; /* a quick pass finds marks */
    looks = min_of(pages, (uint64_t)(options->exact || *ret_marked ? LOOKS : LOOKS_AT_TAIL));
    /* the last page first; where each is looked at, not at the first again */
    for (uint64_t i = looks; i > 0 && pages / looks * i > 1; i--) {
        r = read_flags(scan, pfn + pages / looks * i - 1, 1);
        if (r < 0 || !is_free(scan->flags[0]) || is_reported(scan->flags[0]))
            return r;
    }
    return 1;
}

/* Looks at all pageblocks of the group that the next page lies in. */
static int look_at_group(struct ranges_scan *scan)
{
    uint64_t group = align_down(scan->pfn, scan->proof.group_order);

    if (group == scan->group)
        return 0;
    assert(group_size(scan) <= 64);
    scan->group = group;
    scan->looks_free = 0;
    scan->looks_marked = 0;
    for (uint64_t i = 0; i < group_size(scan); i++) {
        bool marked = false;
        int r = look_at(scan, group + (i << scan->options.pageblock_order), &marked);

        if (r < 0)
            return r;
        scan->looks_free |= (uint64_t)r << i;
        scan->looks_marked |= (uint64_t)marked << i;
    }
    return 0;
}

static void count_group(struct ranges_scan *scan)
{
    struct proof_count *candidates = &scan->proof.candidates;

    candidates->all += (uint64_t)__builtin_popcountll(scan->looks_free);
    if (is_group_free(scan))
        candidates->together += group_size(scan);
    assert(candidates->together <= candidates->all);
    scan->pfn = scan->group + ((uint64_t)1 << scan->proof.group_order);
}

/* At the start of a pageblock. 1: it must be read; 0: it was passed over or taken for free. */
static int begin_pageblock(struct ranges_scan *scan)
{
    const struct ranges_options *options = &scan->options;
    uint64_t bit;
    int r;

    if (options->exact && is_page_by_page(options))
        return 1;
    r = look_at_group(scan);
    if (r < 0)
        return r;
    if (scan->proof.counting) {
        count_group(scan);
        return 0;
    }
    assert(scan->pfn - scan->group < (uint64_t)1 << scan->proof.group_order);
    bit = (uint64_t)1 << ((scan->pfn - scan->group) >> options->pageblock_order);
    scan->reading_candidate =
        (scan->looks_free & bit) != 0 && proof_is_open(&scan->proof, is_group_free(scan));
    if (scan->reading_candidate)
        return 1;
    if ((scan->looks_free & bit) != 0)
        push_block(scan, (struct ranges_free_block){.pfn = scan->pfn,
                                                    .order = options->pageblock_order,
                                                    .reported = (scan->looks_marked & bit) != 0});
    else
        complete_stack(scan);
    scan->pfn += (uint64_t)1 << options->pageblock_order;
    return 0;
}

/* All pageblocks were counted: begins anew. */
static void end_counting(struct ranges_scan *scan)
{
    struct buddyinfo buddyinfo;

    proof_end_count(&scan->proof, read_free_blocks(scan->root, &buddyinfo));
    scan->group = UINT64_MAX;
    scan->map_index = 0;
    scan->pfn = 0;
}

/* Moves `pfn` to the next page of RAM. False: there is none. */
static bool find_page(struct ranges_scan *scan)
{
    for (; scan->map_index < scan->map.count; scan->map_index++) {
        uint64_t start;
        uint64_t end;

        range_pages(scan, scan->map_index, &start, &end);
        if (scan->pfn < start) {
            complete_stack(scan);
            scan->pfn = start;
        }
        if (scan->pfn < end)
            return true;
    }
    return false;
}

/* Nothing is left to find. */
static void complete(struct ranges_scan *scan)
{
    complete_stack(scan);
    if (scan->options.range != NULL)
        give_pending(scan);
}

/* One read's worth of work. 1: nothing is left. */
static int advance(struct ranges_scan *scan)
{
    uint64_t pages = (uint64_t)1 << scan->options.pageblock_order;
    int r = 1;

    if (!find_page(scan)) {
        if (!scan->proof.counting) {
            complete(scan);
            return 1;
        }
        end_counting(scan);
        return 0;
    }
    if ((scan->pfn & (pages - 1)) == 0)
        r = begin_pageblock(scan);
    return r == 1 ? scan_pages(scan, (size_t)min_of(pages, (uint64_t)KPAGEFLAGS_BATCH)) : r;
}

int ranges_scan_step(struct ranges_scan *scan, nsec_t budget)
{
    nsec_t begun = time_monotonic();
    unsigned done = 0;

    scan->cost = 0;
    for (;;) {
        int r = advance(scan);
        if (r != 0)
            return r;
        if (scan->cost < COST_PER_SAMPLE)
            continue;
        done += scan->cost;
        scan->cost = 0;
        if (done >= COST_PER_STEP || time_monotonic() - begun >= budget)
            return 0;
    }
}
