/* Free blocks found in kpageflags against the blocks that were put there. */
#include "tests/lib/test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/sensors/ranges.h"
#include "common/base/number.h"
#include "tests/unit/agent/sensors/guest.h"

static const struct guest_mix mixes[] = {
    {.used = 30, .free = 20, .reported = 50, .mark_order = 9},  /* fragmented */
    {.used = 30, .free = 20, .reported = 50, .mark_order = 0},  /* after a lower order */
    {.used = 3, .free = 3, .reported = 50, .mark_order = 5},    /* in single pages */
    {.used = 5, .free = 95, .reported = 80, .mark_order = 9},   /* almost empty */
    {.used = 0, .free = 100, .reported = 100, .mark_order = 9}, /* all free, all reported */
    {.used = 0, .free = 100, .reported = 0, .mark_order = 9},   /* all free */
    {.used = 100, .free = 0, .reported = 0, .mark_order = 9},   /* full */
    {.used = 90, .free = 5, .reported = 50, .mark_order = 9},   /* almost full */
    {.used = 0, .free = 50, .reported = 0, .mark_order = 9},    /* some pages used here and there */
    {.used = 0, .free = 55, .reported = 50, .mark_order = 9},   /* the same, reported in part */
};

#define SEEDS 10

struct found {
    struct guest_block *blocks;
    size_t block_count;
    struct range ranges[4096];
    size_t range_count;
};

static void take_block(uint64_t pfn, uint32_t order, bool reported, void *userdata)
{
    struct found *found = userdata;
    found->blocks[found->block_count++] =
        (struct guest_block){.pfn = pfn, .order = order, .reported = reported};
}

static void take_range(const struct range *range, void *userdata)
{
    struct found *found = userdata;
    assert_true(found->range_count < ARRAY_SIZE(found->ranges));
    found->ranges[found->range_count++] = *range;
}

static void scan(struct fixture *fixture, struct ranges_options *options, struct found *found,
                 struct ranges_result *ret_result)
{
    struct ranges_scan scan;
    int r;

    found->block_count = 0;
    found->range_count = 0;
    options->block = take_block;
    options->range = take_range;
    options->userdata = found;
    assert_int_equal(ranges_scan_init(&scan, fixture->root, options), 0);
    while ((r = ranges_scan_step(&scan, 0)) == 0)
        ;
    assert_int_equal(r, 1);
    *ret_result = scan.result;
    ranges_scan_finish(&scan);
}

/* Blocks that a pass with these options must name. */
static bool is_named(const struct guest_block *block, const struct ranges_options *options)
{
    return block->reported || (options->exact && block->order >= options->reporting_order);
}

static void check_blocks(const struct guest *guest, const struct ranges_options *options,
                         const struct found *found, const struct ranges_result *result)
{
    uint64_t reported = 0;
    uint64_t reportable = 0;
    size_t at = 0;

    for (size_t i = 0; i < guest->block_count; i++) {
        const struct guest_block *block = &guest->blocks[i];
        uint64_t bytes = (uint64_t)guest->page_size << block->order;

        if (!is_named(block, options))
            continue;
        assert_true(at < found->block_count);
        assert_int_equal(found->blocks[at].pfn, block->pfn);
        assert_int_equal(found->blocks[at].order, block->order);
        assert_int_equal(found->blocks[at].reported, block->reported);
        at++;
        if (block->reported)
            reported += bytes;
        else
            reportable += bytes;
    }
    assert_int_equal(at, found->block_count);
    assert_int_equal(result->reported, reported);
    assert_int_equal(result->reportable, reportable);
}

/* The ranges say of every page in a block of a pageblock or more the same as the blocks do. */
static void check_ranges(const struct guest *guest, const struct ranges_options *options,
                         const struct found *found)
{
    uint64_t pageblock = (uint64_t)guest->page_size << options->pageblock_order;
    uint64_t previous_end = 0;
    uint64_t sums[2] = {0, 0};
    uint64_t expected[2] = {0, 0};
    size_t at = 0;

    for (size_t i = 0; i < found->range_count; i++) {
        const struct range *range = &found->ranges[i];

        assert_int_equal(range->start % pageblock, 0);
        assert_int_equal(range->length % pageblock, 0);
        assert_true(range->length > 0);
        assert_true(i == 0 || range->start >= previous_end);
        if (i > 0 && range->start == previous_end) /* or they would be one */
            assert_int_not_equal(range->state, found->ranges[i - 1].state);
        previous_end = range->start + range->length;
        sums[range->state] += range->length;
    }
    for (size_t i = 0; i < guest->block_count; i++) {
        const struct guest_block *block = &guest->blocks[i];
        uint64_t start = block->pfn * guest->page_size;
        uint64_t bytes = (uint64_t)guest->page_size << block->order;

        if (block->order < options->pageblock_order || !is_named(block, options))
            continue;
        expected[block->reported ? RANGE_REPORTED : RANGE_REPORTABLE] += bytes;
        while (at < found->range_count &&
               found->ranges[at].start + found->ranges[at].length <= start)
            at++;
        assert_true(at < found->range_count);
        assert_true(found->ranges[at].start <= start);
        assert_true(start + bytes <= found->ranges[at].start + found->ranges[at].length);
        assert_int_equal(found->ranges[at].state == RANGE_REPORTED, block->reported);
    }
    assert_int_equal(sums[0], expected[0]);
    assert_int_equal(sums[1], expected[1]);
}

/* Every mix and seed of one machine; an exact pass misses nothing and invents nothing. */
static void check_machine(uint32_t page_size, uint32_t pageblock_order, uint32_t max_order,
                          uint32_t reporting_order, uint32_t lowest_order, uint64_t groups)
{
    struct found *found = calloc(1, sizeof(*found));

    assert_non_null(found);
    for (size_t mix = 0; mix < ARRAY_SIZE(mixes); mix++)
        for (uint32_t seed = 1; seed <= SEEDS; seed++) {
            struct guest_mix used = mixes[mix];
            struct ranges_result result;
            struct fixture fixture;
            struct guest guest;
            struct ranges_options options = {.page_size = page_size,
                                             .pageblock_order = pageblock_order,
                                             .max_order = max_order,
                                             .reporting_order = reporting_order,
                                             .lowest_order = lowest_order,
                                             .exact = true};

            used.mark_order = max_of(used.mark_order, lowest_order);
            fixture_init(&fixture);
            guest_create(&guest, page_size, max_order, groups, &used, seed);
            guest_write(&guest, &fixture);
            found->blocks = calloc(guest.pages, sizeof(found->blocks[0]));
            assert_non_null(found->blocks);
            scan(&fixture, &options, found, &result);
            check_blocks(&guest, &options, found, &result);
            check_ranges(&guest, &options, found);
            free(found->blocks);
            guest_destroy(&guest);
            fixture_finish(&fixture);
        }
    free(found);
}

static void test_exact_pass_finds_every_block(void **state)
{
    check_machine(4096, 9, 10, 9, 0, 24);
}

static void test_exact_pass_by_stride_finds_every_pageblock(void **state)
{
    check_machine(4096, 9, 10, 9, 9, 24);
    check_machine(4096, 9, 10, 10, 9, 24);
}

static void test_exact_pass_below_the_pageblock_order(void **state)
{
    check_machine(4096, 9, 10, 5, 5, 24);
    check_machine(4096, 9, 10, 0, 0, 24);
}

static void test_exact_pass_with_64_kib_pages(void **state)
{
    check_machine(65536, 13, 13, 5, 5, 4);
    check_machine(65536, 13, 13, 13, 0, 4);
}

static void test_exact_pass_with_pageblocks_of_the_largest_order(void **state)
{
    check_machine(16384, 11, 11, 11, 0, 8);
}

static void test_exact_pass_with_many_pageblocks_in_a_block(void **state)
{
    check_machine(4096, 9, 12, 9, 9, 8);
    check_machine(4096, 4, 10, 4, 4, 4); /* reads in small pieces cost the most */
    check_machine(4096, 3, 10, 3, 3, 4); /* groups of 64 */
    check_machine(4096, 2, 10, 2, 2, 4);
}

/* Without small marks, a quick pass is right about marked blocks, and its sums are right where
 * pageblocks are free as a whole or not at all at the pages it reads. */
static void check_quick_pass(uint32_t pageblock_order, uint32_t max_order)
{
    const struct guest_mix whole = {
        .used = 50, .free = 50, .reported = 60, .mark_order = pageblock_order};
    struct found *found = calloc(1, sizeof(*found));
    struct ranges_options options = {.page_size = 4096,
                                     .pageblock_order = pageblock_order,
                                     .max_order = max_order,
                                     .reporting_order = pageblock_order,
                                     .lowest_order = pageblock_order};

    assert_non_null(found);
    for (uint32_t seed = 1; seed <= SEEDS; seed++) {
        struct ranges_result result;
        struct fixture fixture;
        struct guest guest;

        fixture_init(&fixture);
        guest_create(&guest, 4096, max_order, 50, &whole, seed);
        guest_write(&guest, &fixture);
        found->blocks = calloc(guest.pages, sizeof(found->blocks[0]));
        assert_non_null(found->blocks);
        scan(&fixture, &options, found, &result);
        check_blocks(&guest, &options, found, &result);
        free(found->blocks);
        guest_destroy(&guest);
        fixture_finish(&fixture);
    }
    free(found);
}

static void test_quick_pass_of_whole_blocks(void **state)
{
    check_quick_pass(9, 10);
    check_quick_pass(9, 9);
    check_quick_pass(7, 10);
}

/* A small guest whose memory is one free block after another, x86's orders, and a pass over it. */
struct small {
    struct fixture fixture;
    struct guest guest;
    struct ranges_options options;
    struct guest_block blocks[64];
    struct found *found;
    struct ranges_result result;
};

/* `groups` blocks of the largest order, all of them marked or none. */
static void small_init(struct small *small, uint64_t groups, bool is_marked)
{
    struct guest_mix all = {.free = 100, .reported = is_marked ? 100 : 0};

    small->options = (struct ranges_options){.page_size = 4096,
                                             .pageblock_order = 9,
                                             .max_order = 10,
                                             .reporting_order = 9,
                                             .lowest_order = 9,
                                             .exact = true};
    small->found = calloc(1, sizeof(*small->found));
    assert_non_null(small->found);
    small->found->blocks = small->blocks;
    fixture_init(&small->fixture);
    guest_create(&small->guest, 4096, 10, groups, &all, 1);
    guest_write(&small->guest, &small->fixture);
}

/* With the flags as they are by now. */
static void small_scan(struct small *small)
{
    fixture_write_bytes(&small->fixture, "proc/kpageflags", small->guest.flags,
                        small->guest.pages * sizeof(small->guest.flags[0]));
    scan(&small->fixture, &small->options, small->found, &small->result);
}

static void small_finish(struct small *small)
{
    guest_destroy(&small->guest);
    fixture_finish(&small->fixture);
    free(small->found);
}

/* How many pageblocks of two a pass finds free when one page of them is in use, while buddyinfo
 * says that so many are. */
static uint64_t free_beside_hole(uint64_t hole, bool is_marked, bool exact, unsigned by_buddyinfo)
{
    struct small small;
    char text[96];

    small_init(&small, 1, is_marked);
    small.options.exact = exact;
    small.guest.flags[hole] = 0;
    snprintf(text, sizeof(text), "Node 0, zone   Normal 1 1 1 1 1 1 1 1 1 %u %u \n",
             by_buddyinfo % 2, by_buddyinfo / 2);
    fixture_write(&small.fixture, "proc/buddyinfo", text);
    small_scan(&small);
    small_finish(&small);
    return (small.result.reportable + small.result.reported) / (2 * MIB);
}

/* A quick pass finds marks only; what follows a marked block is its tail, unless a page of it is
 * seen to be used: the first or the last. */
static void test_where_a_quick_pass_sees_holes(void **state)
{
    assert_int_equal(free_beside_hole(512, false, false, 1), 0);
    assert_int_equal(free_beside_hole(512, true, false, 1), 1);
    assert_int_equal(free_beside_hole(1023, true, false, 1), 1);
    assert_int_equal(free_beside_hole(512 + 100, true, false, 1), 2);
}

/* An exact pass reads no page of what buddyinfo proves, and everything where it does not. */
static void test_buddyinfo_is_the_proof(void **state)
{
    /* a page that no pass looks at: found where fewer blocks are free than look so */
    assert_int_equal(free_beside_hole(512 + 100, false, true, 1), 1);
    assert_int_equal(free_beside_hole(100, false, true, 1), 1);
    /* a buddyinfo that says all is free is believed, so nothing was read */
    assert_int_equal(free_beside_hole(512 + 100, false, true, 2), 2);
    /* but not against what the pass has seen */
    assert_int_equal(free_beside_hole(512 + 63, false, true, 2), 1);
    assert_int_equal(free_beside_hole(512 + 100, false, true, 0), 1);
}

/* A marked block of two pageblocks, and what may look like its tail. */
static void test_a_quick_pass_gives_out_marked_blocks_only(void **state)
{
    struct small small;

    small_init(&small, 1, true);
    small.options.exact = false;
    small.options.pageblock_order = 7;
    small.options.reporting_order = 7;
    small.options.lowest_order = 7;
    small.guest.flags[3 * 128] = 0;
    small_scan(&small);
    assert_int_equal(small.result.reported, MIB);
    assert_int_equal(small.result.reportable, 0);
    assert_int_equal(small.found->block_count, 1);
    assert_int_equal(small.found->range_count, 1);
    small_finish(&small);
}

/* A mark from a time at a lower order is on a small block: no proof of a pageblock. */
static void test_an_old_mark_is_no_proof(void **state)
{
    struct small small;

    small_init(&small, 1, false);
    small.guest.flags[512] |= KPAGEFLAGS_UPTODATE;
    small.guest.flags[512 + 100] = 0;
    fixture_write(&small.fixture, "proc/buddyinfo",
                  "Node 0, zone   Normal 1 1 1 1 1 1 1 1 1 1 0 \n");
    small_scan(&small);
    assert_int_equal(small.result.reported, small.result.reported_small);
    assert_int_equal(small.result.reportable, 2 * MIB);
    small_finish(&small);
}

static void test_part_of_the_guest(void **state)
{
    struct ranges_scan pass;
    struct small small;

    small_init(&small, 8, true);
    small.options.start = 6 * MIB + 4096; /* the second half of a block */
    small.options.length = 4 * MIB;
    small_scan(&small);
    assert_int_equal(small.found->range_count, 1);
    assert_int_equal(small.found->ranges[0].start, 6 * MIB);
    assert_int_equal(small.found->ranges[0].length, 6 * MIB); /* both ends widened to pageblocks */
    assert_int_equal(small.found->ranges[0].state, RANGE_REPORTED);
    small.options.start = 1 * GIB; /* past the end */
    small_scan(&small);
    assert_int_equal(small.found->range_count, 0);
    small.options.length = UINT64_MAX;
    assert_int_equal(ranges_scan_init(&pass, small.fixture.root, &small.options), -EINVAL);
    small_finish(&small);
}

/* What was read only because blocks are larger than the part asked for is not in the answer. */
static void test_neighbours_of_the_part_are_left_out(void **state)
{
    struct small small;

    small_init(&small, 3, false);
    small.options.start = 6 * MIB;
    small.options.length = 2 * MIB;
    small.guest.flags[1024 + 512] = 0; /* the part itself is in use */
    small_scan(&small);
    assert_int_equal(small.found->range_count, 0);
    small_finish(&small);
}

/* Two free neighbours of different migration types do not merge; the mark tells them apart. */
static void test_a_mark_in_the_middle_starts_a_block(void **state)
{
    struct small small;

    small_init(&small, 1, false);
    small.guest.flags[512] |= KPAGEFLAGS_UPTODATE;
    for (unsigned exact = 0; exact <= 1; exact++) {
        small.options.exact = exact == 1;
        small_scan(&small);
        assert_int_equal(small.result.reported, 2 * MIB);
        assert_int_equal(small.result.reportable, exact * 2 * MIB);
        assert_int_equal(small.found->range_count, 1 + exact);
        assert_int_equal(small.found->ranges[exact].state, RANGE_REPORTED);
    }
    small_finish(&small);
}

/* A hole in the memory map keeps free blocks on its sides apart. */
static void test_holes_in_the_map_are_not_free(void **state)
{
    struct small small;

    small_init(&small, 8, false);
    small.options.lowest_order = 0;
    fixture_write(&small.fixture, "proc/iomem",
                  "00000000-003fffff : System RAM\n00800000-00bfffff : System RAM\n");
    small_scan(&small);
    assert_int_equal(small.found->range_count, 2);
    assert_int_equal(small.found->ranges[1].start, 8 * MIB);
    assert_int_equal(small.result.reportable, 8 * MIB);
    small_finish(&small);
}

static void test_what_cannot_be_scanned(void **state)
{
    struct ranges_options options = {
        .page_size = 4096, .pageblock_order = 9, .max_order = 10, .reporting_order = 9};
    struct ranges_scan scan;
    struct fixture fixture;

    fixture_init(&fixture);
    fixture_write(&fixture, "proc/iomem", "00000000-003fffff : System RAM\n");
    assert_int_equal(ranges_scan_init(&scan, fixture.root, &options), -ENOENT);
    options.pageblock_order = 11;
    assert_int_equal(ranges_scan_init(&scan, fixture.root, &options), -EINVAL);
    options.pageblock_order = 9;
    options.max_order = BUDDY_ORDER_COUNT_MAX;
    assert_int_equal(ranges_scan_init(&scan, fixture.root, &options), -EINVAL);
    fixture_finish(&fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exact_pass_finds_every_block),
        cmocka_unit_test(test_exact_pass_by_stride_finds_every_pageblock),
        cmocka_unit_test(test_exact_pass_below_the_pageblock_order),
        cmocka_unit_test(test_exact_pass_with_64_kib_pages),
        cmocka_unit_test(test_exact_pass_with_pageblocks_of_the_largest_order),
        cmocka_unit_test(test_exact_pass_with_many_pageblocks_in_a_block),
        cmocka_unit_test(test_quick_pass_of_whole_blocks),
        cmocka_unit_test(test_where_a_quick_pass_sees_holes),
        cmocka_unit_test(test_buddyinfo_is_the_proof),
        cmocka_unit_test(test_a_quick_pass_gives_out_marked_blocks_only),
        cmocka_unit_test(test_an_old_mark_is_no_proof),
        cmocka_unit_test(test_part_of_the_guest),
        cmocka_unit_test(test_neighbours_of_the_part_are_left_out),
        cmocka_unit_test(test_a_mark_in_the_middle_starts_a_block),
        cmocka_unit_test(test_holes_in_the_map_are_not_free),
        cmocka_unit_test(test_what_cannot_be_scanned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
