/* What buddyinfo proves of candidates. */
#include "tests/lib/test.h"

#include "agent/sensors/proof.h"
#include "common/proc/buddyinfo.h"

/* Free blocks of a pageblock, order 9, and of the largest order, which is two of them. */
static const uint64_t *free_blocks(uint64_t pageblocks, uint64_t largest)
{
    static uint64_t counts[BUDDY_ORDER_COUNT_MAX];

    counts[0] = 7; /* smaller ones prove nothing */
    counts[8] = 9;
    counts[9] = pageblocks;
    counts[10] = largest;
    return counts;
}

/* A count that found so many candidates while 3 pageblocks and 10 pairs were free. */
static struct proof counted(uint64_t all, uint64_t together)
{
    struct proof proof;

    proof_begin(&proof, 9, 10, free_blocks(3, 10));
    assert_true(proof.counting);
    assert_int_equal(proof.group_order, 10);
    proof.candidates = (struct proof_count){.all = all, .together = together};
    proof_end_count(&proof, free_blocks(3, 10));
    return proof;
}

/* Another count, while memory changed. */
static void count_again(struct proof *proof, uint64_t all, uint64_t together, uint64_t largest)
{
    assert_true(proof->counting);
    proof->candidates = (struct proof_count){.all = all, .together = together};
    proof_end_count(proof, free_blocks(3, largest));
}

static void assert_open(const struct proof *proof, bool alone, bool together)
{
    assert_false(proof->counting);
    assert_int_equal(proof_is_open(proof, false), alone);
    assert_int_equal(proof_is_open(proof, true), together);
}

static void test_as_many_are_proven(void **state)
{
    struct proof proof = counted(23, 20);

    assert_open(&proof, false, false);
}

static void test_holes_among_the_others(void **state)
{
    struct proof proof = counted(25, 20);

    assert_open(&proof, true, false);
    proof_found_hole(&proof, false);
    assert_open(&proof, true, false);
    proof_found_hole(&proof, false);
    assert_open(&proof, false, false);
}

/* A pair with a hole takes its free half away from the others, where a hole may hide behind it: as
 * many others as are free prove nothing. */
static void test_a_false_pair_hides_another_hole(void **state)
{
    struct proof proof = counted(25, 22); /* 11 pairs, one false; 3 others, one false */

    assert_open(&proof, true, true);
    proof_found_hole(&proof, true);
    assert_open(&proof, true, true);
    proof_found_hole(&proof, false);
    assert_open(&proof, false, false);
}

static void test_memory_that_changes(void **state)
{
    struct proof proof;

    proof_begin(&proof, 9, 10, free_blocks(3, 10));
    count_again(&proof, 25, 22, 12); /* as many as there were at some time */
    assert_open(&proof, false, false);

    proof_begin(&proof, 9, 10, free_blocks(3, 10));
    count_again(&proof, 29, 26, 12);
    count_again(&proof, 29, 26, 12);
    assert_open(&proof, true, true);
    assert_int_equal(proof.holes.all, 2);

    /* not for ever */
    proof_begin(&proof, 9, 10, free_blocks(3, 10));
    for (unsigned i = 0; i < 3; i++)
        count_again(&proof, 99, 96, 13 + i);
    assert_open(&proof, true, true);
    assert_int_equal(proof.holes.all, UINT64_MAX);
}

/* Fewer candidates than free pageblocks: memory that the pass does not know of. */
static void test_too_few_prove_nothing(void **state)
{
    struct proof proof = counted(21, 18);

    count_again(&proof, 21, 18, 10);
    count_again(&proof, 21, 18, 10);
    assert_open(&proof, true, true);
}

static void test_without_buddyinfo(void **state)
{
    struct proof proof;

    proof_begin(&proof, 9, 10, NULL);
    assert_open(&proof, true, true);
    proof_begin(&proof, 9, 10, free_blocks(3, 10));
    proof_end_count(&proof, NULL);
    assert_open(&proof, true, true);
}

/* Pageblocks of the largest order are groups of one; a group has at most 64. */
static void test_groups(void **state)
{
    struct proof proof;

    proof_begin(&proof, 10, 10, free_blocks(3, 10));
    assert_int_equal(proof.before.all, 10);
    assert_int_equal(proof.before.together, 10);
    proof_begin(&proof, 2, 10, free_blocks(3, 10));
    assert_int_equal(proof.group_order, 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_as_many_are_proven),
        cmocka_unit_test(test_holes_among_the_others),
        cmocka_unit_test(test_a_false_pair_hides_another_hole),
        cmocka_unit_test(test_memory_that_changes),
        cmocka_unit_test(test_too_few_prove_nothing),
        cmocka_unit_test(test_without_buddyinfo),
        cmocka_unit_test(test_groups),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
