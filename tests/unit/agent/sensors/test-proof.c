/* What buddyinfo proves of candidates. */
#include "tests/lib/test.h"

#include <stdio.h>

#include "agent/sensors/proof.h"
#include "tests/lib/fixture.h"

/* Free blocks of a pageblock, and of the largest order, which is two of them. */
static void put_buddyinfo(struct fixture *fixture, unsigned pageblocks, unsigned largest)
{
    char text[96];

    (void)snprintf(text, sizeof(text), "Node 0, zone   Normal 7 6 5 4 3 2 1 0 9 %u %u \n",
                   pageblocks, largest);
    fixture_write(fixture, "proc/buddyinfo", text);
}

static void count(struct proof *proof, uint64_t all, uint64_t together)
{
    proof->candidates = (struct proof_count){.all = all, .together = together};
    proof_end_count(proof);
}

static void assert_open(const struct proof *proof, bool alone, bool together)
{
    assert_false(proof->counting);
    assert_int_equal(proof_is_open(proof, false), alone);
    assert_int_equal(proof_is_open(proof, true), together);
}

static void test_as_many_are_proven(void **state)
{
    struct fixture fixture;
    struct proof proof;

    (void)state;
    fixture_init(&fixture);
    put_buddyinfo(&fixture, 3, 10);
    proof_begin(&proof, fixture.root, 9, 10);
    assert_true(proof.counting);
    assert_int_equal(proof.group_order, 10);
    count(&proof, 23, 20);
    assert_open(&proof, false, false);
    fixture_finish(&fixture);
}

static void test_holes_among_the_others(void **state)
{
    struct fixture fixture;
    struct proof proof;

    (void)state;
    fixture_init(&fixture);
    put_buddyinfo(&fixture, 3, 10);
    proof_begin(&proof, fixture.root, 9, 10);
    count(&proof, 25, 20);
    assert_open(&proof, true, false);
    proof_found_hole(&proof, false);
    assert_open(&proof, true, false);
    proof_found_hole(&proof, false);
    assert_open(&proof, false, false);
    fixture_finish(&fixture);
}

/* A pair with a hole takes its free half away from the others, where a hole may hide behind it: as
 * many others as are free prove nothing. */
static void test_a_false_pair_hides_another_hole(void **state)
{
    struct fixture fixture;
    struct proof proof;

    (void)state;
    fixture_init(&fixture);
    put_buddyinfo(&fixture, 3, 10);
    proof_begin(&proof, fixture.root, 9, 10);
    count(&proof, 25, 22); /* 11 pairs, one false; 3 others, one false */
    assert_open(&proof, true, true);
    proof_found_hole(&proof, true);
    assert_open(&proof, true, true);
    proof_found_hole(&proof, false);
    assert_open(&proof, false, false);
    fixture_finish(&fixture);
}

static void test_memory_that_changes(void **state)
{
    struct fixture fixture;
    struct proof proof;

    (void)state;
    fixture_init(&fixture);
    put_buddyinfo(&fixture, 3, 10);
    proof_begin(&proof, fixture.root, 9, 10);
    put_buddyinfo(&fixture, 3, 12);
    count(&proof, 25, 22); /* as many as there were at some time */
    assert_open(&proof, false, false);

    put_buddyinfo(&fixture, 3, 10);
    proof_begin(&proof, fixture.root, 9, 10);
    put_buddyinfo(&fixture, 3, 12);
    count(&proof, 29, 26);
    assert_true(proof.counting); /* again */
    count(&proof, 29, 26);
    assert_open(&proof, true, true);
    assert_int_equal(proof.holes.all, 2);

    /* not for ever */
    proof_begin(&proof, fixture.root, 9, 10);
    for (unsigned i = 0; i < 3; i++) {
        assert_true(proof.counting);
        put_buddyinfo(&fixture, 3, 13 + i);
        count(&proof, 99, 96);
    }
    assert_open(&proof, true, true);
    assert_int_equal(proof.holes.all, UINT64_MAX);
    fixture_finish(&fixture);
}

/* Fewer candidates than free pageblocks: memory that the pass does not know of. */
static void test_too_few_prove_nothing(void **state)
{
    struct fixture fixture;
    struct proof proof;

    (void)state;
    fixture_init(&fixture);
    put_buddyinfo(&fixture, 3, 10);
    proof_begin(&proof, fixture.root, 9, 10);
    while (proof.counting)
        count(&proof, 21, 18);
    assert_open(&proof, true, true);
    fixture_finish(&fixture);
}

static void test_without_buddyinfo(void **state)
{
    struct fixture fixture;
    struct proof proof;

    (void)state;
    fixture_init(&fixture);
    proof_begin(&proof, fixture.root, 9, 10);
    assert_open(&proof, true, true);
    fixture_finish(&fixture);
}

/* Pageblocks of the largest order are groups of one; a group has at most 64. */
static void test_groups(void **state)
{
    struct fixture fixture;
    struct proof proof;

    (void)state;
    fixture_init(&fixture);
    put_buddyinfo(&fixture, 3, 10);
    proof_begin(&proof, fixture.root, 10, 10);
    assert_int_equal(proof.before.all, 10);
    assert_int_equal(proof.before.together, 10);
    proof_begin(&proof, fixture.root, 2, 10);
    assert_int_equal(proof.group_order, 8);
    fixture_finish(&fixture);
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
