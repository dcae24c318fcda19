/* The balloon's decisions, on virtual time: what nobody here asked for. */
#include "tests/unit/controller/leases/balloon-world.h"

static void test_someone_elses_target(void **state)
{
    struct world w;

    world_with_lease(&w);
    w.input.actual = 2 * GIB;
    w.stuck = true;
    run(&w, 4);
    assert_false(has_news(&w, BALLOON_NEWS_FOREIGN)); /* a snapshot would look the same */
    run(&w, 3);
    assert_true(has_news(&w, BALLOON_NEWS_FOREIGN));
    assert_int_equal(w.control.lease_count, 0);
    assert_int_equal(w.control.baseline, 2 * GIB);
    assert_int_equal(w.told, 3 * GIB); /* nothing of ours since */
}

/* Right after a command of ours it may be late news, but not for ever. */
static void test_someone_elses_target_right_after_ours(void **state)
{
    struct world w;

    world_init(&w);
    assert_int_equal(request(&w, 64 * MIB, NULL), 0);
    run(&w, 1);
    assert_int_equal(w.input.actual, 4 * GIB - 64 * MIB);
    w.input.actual = 3 * GIB;
    w.stuck = true;
    run(&w, 2);
    assert_int_equal(w.control.lease_count, 1);
    run(&w, 10);
    assert_true(has_news(&w, BALLOON_NEWS_FOREIGN));
    assert_int_equal(w.control.baseline, 3 * GIB);
}

static void test_a_snapshot_is_no_foreigner(void **state)
{
    struct world w;

    world_with_lease(&w);
    w.input.actual = 2 * GIB; /* the snapshot's */
    w.stuck = true;
    run(&w, 3);
    w.stuck = false;
    w.input.voided = true; /* the guest's clock went back */
    run(&w, 5);
    assert_int_equal(w.input.actual, 4 * GIB);
    assert_int_equal(w.control.baseline, 4 * GIB);
    assert_int_equal(w.control.lease_count, 0);
    assert_false(has_news(&w, BALLOON_NEWS_FOREIGN));
}

static void test_a_snapshot_with_a_lease_of_old(void **state)
{
    struct world w;

    world_init(&w);
    w.input.actual = 3 * GIB;
    balloon_adopt(&w.control, 3 * GIB, 4 * GIB);
    balloon_recover(&w.control, 4 * GIB);
    run(&w, 3);
    assert_int_equal(w.input.actual, 4 * GIB);
    assert_int_equal(w.control.baseline, 4 * GIB);
    assert_int_equal(w.tells, 1);
}

/* After a reset the hypervisor goes on telling the old size: the new boot's driver has nothing to
 * do, so it tells nothing. */
static void test_a_size_from_before_a_reset(void **state)
{
    struct world w;

    world_with_lease(&w);
    w.stuck = true;
    w.input.voided = true;
    run(&w, 4);
    assert_int_equal(w.told, 4 * GIB);
    assert_int_equal(w.control.lease_count, 0);
    run(&w, 3);
    assert_int_equal(w.told, 4 * GIB - MIB);
    w.input.actual = 4 * GIB - MIB; /* the new driver's first word */
    run(&w, 2);
    assert_int_equal(w.told, 4 * GIB);
    w.input.actual = 4 * GIB;
    run(&w, 2);
    assert_true(balloon_is_over(&w.control));
    assert_int_equal(w.control.baseline, 4 * GIB);
}

/* Short by less than the slack: that must not be missing from the next baseline. */
static void test_a_baseline_does_not_creep(void **state)
{
    struct world w;

    world_with_lease(&w);
    assert_true(balloon_release(&w.control, 0));
    while (act(&w) != BALLOON_TELL)
        ;
    w.stuck = true;
    w.input.actual = 4 * GIB - MIB;
    run(&w, 3);
    assert_false(balloon_is_over(&w.control));
    assert_int_equal(request(&w, GIB, NULL), 0);
    assert_int_equal(w.control.leases[0].lease.baseline, 4 * GIB);
}

static void test_late_news_are_no_foreigner(void **state)
{
    struct world w;

    world_with_lease(&w);
    assert_true(balloon_release(&w.control, 0));
    while (act(&w) != BALLOON_TELL)
        ;
    w.input.actual = 3 * GIB - 8 * MIB; /* from before the command */
    pass(&w, NSEC_PER_SEC);
    (void)act(&w);
    assert_false(has_news(&w, BALLOON_NEWS_FOREIGN));
}

static void test_a_guest_that_helps_itself(void **state)
{
    struct world w;

    world_with_lease(&w);
    w.input.available = 10 * MIB;
    w.input.actual = 3 * GIB + 256 * MIB;
    run(&w, 3);
    assert_true(has_news(&w, BALLOON_NEWS_PRESSURE));
    assert_int_equal(w.input.actual, 4 * GIB);
}

/* Nobody hears it: it may have helped itself, or gone back to a snapshot. */
static void test_an_unheard_guest_that_grew(void **state)
{
    struct world w;

    world_with_lease(&w);
    w.input.guest_is_fresh = false;
    w.input.actual = 3 * GIB + 256 * MIB;
    w.stuck = true;
    run(&w, 3);
    assert_false(has_news(&w, BALLOON_NEWS_PRESSURE));
    run(&w, 5);
    assert_true(has_news(&w, BALLOON_NEWS_PRESSURE));
    assert_int_equal(w.told, 4 * GIB);
}

/* What was read before it grew, and is not old yet, says that it had enough: it has not now. */
static void test_a_guest_that_hangs_for_want_of_memory(void **state)
{
    struct world w;

    world_with_lease(&w);
    w.hangs = true;
    pass(&w, NSEC_PER_SEC);
    w.input.actual = 3 * GIB + 256 * MIB;
    w.stuck = true;
    run(&w, 2);
    assert_true(balloon_waits_for_reading(&w.control, &w.input));
    run(&w, 6);
    assert_true(has_news(&w, BALLOON_NEWS_PRESSURE));
    assert_false(has_news(&w, BALLOON_NEWS_FOREIGN));
}

static void test_a_reset_raises_first(void **state)
{
    struct world w;

    world_with_lease(&w);
    w.input.voided = true;
    w.input.actual = 4 * GIB; /* a new boot begins without a balloon */
    assert_int_equal(act(&w), BALLOON_TELL);
    assert_int_equal(w.told, 4 * GIB);
    run(&w, 3);
    assert_int_equal(w.control.lease_count, 0);
    assert_true(has_news(&w, BALLOON_NEWS_VOID));
}

/* The hypervisor hung: it carries out the command after we gave up waiting. */
static void test_a_command_that_comes_late(void **state)
{
    struct world w;

    world_init(&w);
    assert_int_equal(request(&w, GIB, NULL), 0);
    assert_int_equal(act(&w), BALLOON_PUT);
    w.tell_status = -ETIMEDOUT;
    assert_int_equal(act(&w), BALLOON_TELL);
    assert_int_equal(w.told, 4 * GIB - 64 * MIB);
    /* What it was told last is told again, so that it counts. */
    assert_int_equal(act(&w), BALLOON_TELL);
    assert_int_equal(w.told, 4 * GIB);
    w.input.actual = 4 * GIB - 64 * MIB;
    w.stuck = true;
    run(&w, 10);
    assert_false(has_news(&w, BALLOON_NEWS_FOREIGN));
    w.stuck = false;
    run(&w, 60);
    assert_int_equal(w.input.actual, 3 * GIB);
    assert_int_equal(w.control.baseline, 4 * GIB);
    assert_int_equal(w.control.lease_count, 1);
    assert_true(balloon_release(&w.control, 0));
    run(&w, 5);
    assert_int_equal(w.input.actual, 4 * GIB);
}

/* Once that is settled, another's size is another's. */
static void test_a_doubt_ends(void **state)
{
    struct world w;

    world_init(&w);
    assert_int_equal(request(&w, GIB, NULL), 0);
    assert_int_equal(act(&w), BALLOON_PUT);
    w.tell_status = -ETIMEDOUT;
    run(&w, 60);
    assert_int_equal(w.input.actual, 3 * GIB);
    w.input.actual = 3 * GIB + 512 * MIB;
    w.stuck = true;
    run(&w, 10);
    assert_true(has_news(&w, BALLOON_NEWS_FOREIGN));
    assert_int_equal(w.control.baseline, 3 * GIB + 512 * MIB);
}

/* A guest that was never asked says nothing about the host. */
static void test_a_first_command_that_fails(void **state)
{
    const int failures[] = {-ETIMEDOUT, -EREMOTEIO, -ENOTCONN};

    for (size_t i = 0; i < ARRAY_SIZE(failures); i++) {
        struct world w;

        world_init(&w);
        w.never_frees = true;
        assert_int_equal(request(&w, GIB, NULL), 0);
        w.tell_status = failures[i];
        run(&w, 25);
        assert_int_equal(w.control.lease_count, 1);
        assert_false(has_news(&w, BALLOON_NEWS_INERT));
        w.never_frees = false;
        run(&w, 20);
        assert_int_equal(w.input.actual, 3 * GIB);
    }
}

static void plug(struct world *w, uint64_t bytes)
{
    w->input.ram += bytes;
    w->input.maximum += bytes;
    w->input.actual += bytes;
    w->input.available += bytes;
}

/* What is in the balloon stays in it: nobody has moved it. */
static void test_memory_that_is_plugged(void **state)
{
    struct world w;

    world_with_lease(&w);
    w.tells = 0;
    plug(&w, 128 * MIB);
    run(&w, 20);
    assert_false(has_news(&w, BALLOON_NEWS_FOREIGN));
    assert_int_equal(w.tells, 0);
    assert_int_equal(w.control.lease_count, 1);
    assert_int_equal(w.control.baseline, 4 * GIB + 128 * MIB);
    assert_int_equal(w.journal[0].baseline, 4 * GIB + 128 * MIB);
    assert_int_equal(w.journal[0].maximum, 4 * GIB + 128 * MIB);
    assert_true(balloon_release(&w.control, 0));
    run(&w, 5);
    assert_int_equal(w.input.actual, 4 * GIB + 128 * MIB);
    assert_true(balloon_is_over(&w.control));
}

static void test_memory_that_is_unplugged(void **state)
{
    struct world w;

    world_init(&w);
    plug(&w, 128 * MIB);
    run(&w, 1);
    assert_int_equal(request(&w, GIB, NULL), 0);
    run(&w, 10);
    plug(&w, (uint64_t)0 - 128 * MIB);
    run(&w, 20);
    assert_false(has_news(&w, BALLOON_NEWS_FOREIGN));
    assert_int_equal(w.control.baseline, 4 * GIB);
    assert_true(balloon_release(&w.control, 0));
    run(&w, 5);
    assert_int_equal(w.input.actual, 4 * GIB);
}

/* Between the two answers of one reading, while more is taken. */
static void test_memory_that_is_plugged_unseen(void **state)
{
    struct world w;

    world_init(&w);
    assert_int_equal(request(&w, GIB, NULL), 0);
    run(&w, 2);
    plug(&w, 512 * MIB);
    w.input.maximum -= 512 * MIB;
    w.stuck = true;
    run(&w, 1);
    w.input.maximum += 512 * MIB;
    w.stuck = false;
    run(&w, 20);
    assert_false(has_news(&w, BALLOON_NEWS_FOREIGN));
    assert_int_equal(w.input.actual, 3 * GIB + 512 * MIB);
    assert_int_equal(w.control.baseline, 4 * GIB + 512 * MIB);
}

static void test_memory_that_is_plugged_while_nobody_looks(void **state)
{
    const struct lease held = {
        .id = 5, .state = LEASE_HELD, .bytes = GIB, .baseline = 4 * GIB, .maximum = 4 * GIB};
    struct world w;

    world_init(&w);
    w.journal[0] = held;
    plug(&w, 128 * MIB);
    w.input.actual -= GIB;
    balloon_adopt(&w.control, w.input.actual, w.input.maximum);
    assert_int_equal(balloon_resume(&w.control, &held, true), 0);
    run(&w, 10);
    assert_int_equal(w.control.baseline, 4 * GIB + 128 * MIB);
    assert_int_equal(w.journal[0].baseline, 4 * GIB + 128 * MIB);
    assert_int_equal(w.input.actual, 3 * GIB + 128 * MIB);
    assert_true(balloon_release(&w.control, 0));
    run(&w, 5);
    assert_int_equal(w.input.actual, 4 * GIB + 128 * MIB);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_someone_elses_target),
        cmocka_unit_test(test_someone_elses_target_right_after_ours),
        cmocka_unit_test(test_a_snapshot_is_no_foreigner),
        cmocka_unit_test(test_a_snapshot_with_a_lease_of_old),
        cmocka_unit_test(test_a_size_from_before_a_reset),
        cmocka_unit_test(test_a_baseline_does_not_creep),
        cmocka_unit_test(test_late_news_are_no_foreigner),
        cmocka_unit_test(test_a_guest_that_helps_itself),
        cmocka_unit_test(test_an_unheard_guest_that_grew),
        cmocka_unit_test(test_a_guest_that_hangs_for_want_of_memory),
        cmocka_unit_test(test_a_reset_raises_first),
        cmocka_unit_test(test_a_command_that_comes_late),
        cmocka_unit_test(test_a_doubt_ends),
        cmocka_unit_test(test_a_first_command_that_fails),
        cmocka_unit_test(test_memory_that_is_plugged),
        cmocka_unit_test(test_memory_that_is_unplugged),
        cmocka_unit_test(test_memory_that_is_plugged_unseen),
        cmocka_unit_test(test_memory_that_is_plugged_while_nobody_looks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
