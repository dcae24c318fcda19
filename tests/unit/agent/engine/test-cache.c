/* What the engine does to the page cache: the floor it learns, the trickle, the drop. */
#include "tests/unit/agent/engine/guest.h"

/* ---- refaults ---- */

static void test_refaults_raise_the_floor(void **state)
{
    struct guest guest;

    guest_init(&guest);
    guest.sample.cache = GIB;
    assert_int_equal(run(&guest, 130), ACTION_RECLAIM_CACHE);
    take_cache(&guest);
    assert_true(guest.sample.cache < 160 * MIB);
    /* the guest wakes and reads 400 MiB back */
    guest.user = 2000;
    guest.refaults = 10240;
    for (int i = 0; i < 10; i++) {
        guest.sample.cache += 40 * MIB;
        assert_int_equal(step(&guest), ACTION_NONE);
    }
    guest.refaults = 0;
    guest.sample.cache += GIB; /* and new data on top */
    guest.user = 0;
    /* calm again: the new data goes, the hot set with a quarter of room stays */
    while (run(&guest, 300) == ACTION_RECLAIM_CACHE) {
        guest.sample.cache -= guest.decision.bytes;
        finish(&guest, guest.decision.bytes, NSEC_PER_MSEC);
    }
    assert_in_range(guest.sample.cache / MIB, 128 + 400, 128 + 500 + 64);
}

/* `minutes` of calm samples. */
static void pass(struct cache_floor *floor, unsigned minutes, bool is_idle)
{
    struct cache_news news = {.cache = GIB, .is_idle = is_idle, .limit = GIB};

    for (unsigned i = 0; i < minutes * 6; i++)
        cache_floor_update(floor, floor->updated_at + SECONDS(10), &news);
}

/* 896 MiB, and calm again. */
static void learn(struct cache_floor *floor)
{
    struct cache_news news = {.cache = GIB, .refaulted = GIB / 2, .is_pain = true, .limit = GIB};

    cache_floor_init(floor, SECONDS(1));
    cache_floor_took(floor, SECONDS(1), GIB, 256 * MIB);
    cache_floor_update(floor, SECONDS(10), &news);
    assert_true(floor->learned == 896 * MIB);
    assert_false(cache_floor_is_calm(floor, SECONDS(60)));
    assert_true(cache_floor_is_calm(floor, SECONDS(70)));
}

static void test_the_learned_floor_decays_while_the_guest_works(void **state)
{
    struct cache_floor floor;

    learn(&floor);
    pass(&floor, 12 * 60, false);
    assert_in_range(floor.learned / MIB, 896 * 48 / 100, 896 * 52 / 100);
}

static void test_the_learned_floor_outlasts_a_break_and_no_night(void **state)
{
    struct cache_floor floor;

    learn(&floor);
    pass(&floor, 55, true);
    assert_in_range(floor.learned / MIB, 820, 896);
    pass(&floor, 35, true);
    assert_in_range(floor.learned / MIB, 0, 64);
}

static void test_the_learned_floor_has_a_limit(void **state)
{
    struct cache_news news = {
        .cache = GIB, .refaulted = GIB / 2, .is_pain = true, .limit = 512 * MIB};
    struct cache_floor floor;

    cache_floor_init(&floor, SECONDS(1));
    cache_floor_took(&floor, SECONDS(1), GIB, 256 * MIB);
    cache_floor_update(&floor, SECONDS(10), &news);
    assert_true(floor.learned == 512 * MIB);
}

/* Jobs of a minute now and then are no working day. */
static void test_short_wakes_do_not_keep_the_learned_floor(void **state)
{
    struct cache_floor floor;

    learn(&floor);
    for (int i = 0; i < 4; i++) {
        pass(&floor, 27, true);
        pass(&floor, 3, false);
    }
    assert_in_range(floor.learned / MIB, 0, 64);
    /* work does: a morning, then a break */
    learn(&floor);
    pass(&floor, 100, true);
    learn(&floor);
    pass(&floor, 60, false);
    pass(&floor, 55, true);
    assert_in_range(floor.learned / MIB, 740, 896);
}

/* The kernel took it, not we: nothing is learned, but nothing is taken either. */
static void test_refaults_of_the_kernels_doing_teach_nothing(void **state)
{
    struct cache_floor floor;
    struct cache_news news = {.cache = GIB, .refaulted = GIB / 2, .is_pain = true, .limit = GIB};

    cache_floor_init(&floor, SECONDS(1));
    cache_floor_update(&floor, SECONDS(10), &news);
    assert_true(floor.learned == 0);
    assert_false(cache_floor_is_calm(&floor, SECONDS(20)));
}

/* ---- cache ---- */

static void test_the_floor_is_kept(void **state)
{
    struct guest guest;

    guest_init(&guest);
    guest.sample.cache = 128 * MIB + 100 * MIB;
    assert_int_equal(run(&guest, 130), ACTION_RECLAIM_CACHE);
    assert_true(guest.decision.bytes == 100 * MIB);
    guest.sample.cache = 128 * MIB + 20 * MIB;
    finish(&guest, 80 * MIB, NSEC_PER_MSEC);
    assert_int_equal(run(&guest, 300), ACTION_NONE);
    assert_reason(&guest, ENGINE_NOTHING_TO_GAIN);
}

/* What 90 steps of a guest at work give a trickle after the first window, in bytes. */
static uint64_t trickled(struct guest *guest)
{
    uint64_t taken = 0;

    for (int i = 0; i < 90; i++)
        if (step(guest) == ACTION_RECLAIM_CACHE) {
            assert_reason(guest, ENGINE_TRICKLE);
            taken += i >= 30 ? guest->decision.bytes : 0;
            finish(guest, guest->decision.bytes, NSEC_PER_MSEC);
        }
    return taken;
}

static void test_trickle_is_bounded(void **state)
{
    struct guest guest;

    guest_init(&guest);
    guest.policy.trickle = 512 * MIB;
    use_policy(&guest);
    guest.sample.cache = 4 * GIB;
    guest.user = 2000;
    assert_in_range(trickled(&guest) / MIB, 400, 512);
}

/* A minute's amount is taken in a minute, however long the idle window, with the samples that the
 * engine asks for. */
static void test_the_pace_of_a_trickle_is_the_policys(void **state)
{
    static const nsec_t windows[] = {SECONDS(10), SECONDS(30), SECONDS(60), SECONDS(120)};

    for (size_t i = 0; i < sizeof(windows) / sizeof(windows[0]); i++) {
        struct guest guest;
        uint64_t taken = 0;
        nsec_t end;

        guest_init(&guest);
        guest.policy.trickle = 512 * MIB;
        guest.policy.idle_window = windows[i];
        use_policy(&guest);
        guest.sample.cache = 4 * GIB;
        guest.user = 2000;
        assert_int_equal(run(&guest, 60), ACTION_RECLAIM_CACHE);
        finish(&guest, guest.decision.bytes, NSEC_PER_MSEC);
        end = guest.sample.boottime + SECONDS(600);
        while (guest.sample.boottime < end) {
            guest.interval = guest.decision.next_sample - guest.sample.boottime;
            if (step(&guest) == ACTION_RECLAIM_CACHE) {
                taken += guest.decision.bytes;
                finish(&guest, guest.decision.bytes, NSEC_PER_MSEC);
            }
        }
        assert_in_range(taken / MIB / 10, 450, 512);
    }
}

static void test_no_trickle_from_a_busy_or_gentle_guest(void **state)
{
    struct guest guest;

    guest_init(&guest);
    guest.policy.trickle = 512 * MIB;
    use_policy(&guest);
    guest.sample.cache = 4 * GIB;
    guest.user = 6000;
    assert_int_equal(run(&guest, 200), ACTION_NONE);
    assert_reason(&guest, ENGINE_BUSY);
    policy_init(&guest.policy, POLICY_GENTLE);
    use_policy(&guest);
    guest.user = 2000;
    assert_int_equal(run(&guest, 200), ACTION_NONE);
}

/* A trickle is not stopped by the load it began under, but by refaults. */
static void test_trickle_stops_on_refaults(void **state)
{
    struct guest guest;

    guest_init(&guest);
    guest.policy.trickle = 512 * MIB;
    use_policy(&guest);
    guest.sample.cache = 4 * GIB;
    guest.user = 2000;
    assert_int_equal(run(&guest, 60), ACTION_RECLAIM_CACHE);
    assert_int_equal(run(&guest, 5), ACTION_NONE);
    guest.refaults = 5000;
    assert_stop(&guest, 5);
    assert_reason(&guest, ENGINE_REFAULTS);
}

static void test_drop_once_per_idle_period(void **state)
{
    struct guest guest;

    guest_init(&guest);
    policy_init(&guest.policy, POLICY_WSL);
    use_policy(&guest);
    guest.sample.cache = GIB;
    assert_int_equal(run(&guest, 130), ACTION_DROP_CACHES);
    assert_true(guest.decision.drop_slab);
    guest.sample.cache = 300 * MIB;
    finish(&guest, 724 * MIB, NSEC_PER_MSEC);
    assert_int_equal(run(&guest, 300), ACTION_NONE);
    guest.sample.cache = 600 * MIB; /* grew by more than 256 MiB */
    assert_int_equal(run(&guest, 5), ACTION_DROP_CACHES);
    finish(&guest, 500 * MIB, NSEC_PER_MSEC);
    guest.sample.cache = 300 * MIB;
    guest.user = 2000;
    run(&guest, 10);
    guest.user = 0;
    assert_int_equal(run(&guest, 300), ACTION_DROP_CACHES);
}

/* Profile wsl with a trickle: from a guest at work a bounded amount, from an idle one all at once.
 */
static void test_a_trickle_beside_the_drop(void **state)
{
    struct guest guest;

    guest_init(&guest);
    policy_init(&guest.policy, POLICY_WSL);
    guest.policy.trickle = 256 * MIB;
    use_policy(&guest);
    guest.sample.cache = 4 * GIB;
    guest.user = 2000;
    assert_in_range(trickled(&guest) / MIB, 200, 256);
    guest.user = 0;
    while (run(&guest, 130) == ACTION_RECLAIM_CACHE)
        finish(&guest, guest.decision.bytes, NSEC_PER_MSEC);
    assert_int_equal(guest.decision.action, ACTION_DROP_CACHES);
    assert_reason(&guest, ENGINE_IDLE_WORK);
}

/* A kernel that cannot take by amount: nothing from a busy guest, and all of an idle one's, once.
 */
static void test_without_reclaim_only_an_idle_guest_is_dropped(void **state)
{
    struct guest guest;
    struct engine_result result = {.action = ACTION_RECLAIM_CACHE};

    guest_init(&guest);
    guest.policy.trickle = 512 * MIB;
    use_policy(&guest);
    guest.sample.cache = 4 * GIB;
    guest.user = 2000;
    assert_int_equal(run(&guest, 60), ACTION_RECLAIM_CACHE);
    engine_finished(&guest.engine, &result, guest.sample.boottime);
    assert_int_equal(run(&guest, 600), ACTION_NONE);
    guest.user = 0;
    assert_int_equal(run(&guest, 130), ACTION_DROP_CACHES);
    guest.sample.cache = 100 * MIB;
    finish(&guest, 4 * GIB, NSEC_PER_MSEC);
    assert_int_equal(run(&guest, 300), ACTION_NONE);
}

/* An action that gave way to an order has shown nothing: it comes again at once. */
static void test_a_withdrawn_action_teaches_nothing(void **state)
{
    struct guest guest;
    struct engine_result result = {
        .action = ACTION_DROP_CACHES, .supported = true, .withdrawn = true};

    guest_init(&guest);
    policy_init(&guest.policy, POLICY_WSL);
    use_policy(&guest);
    guest.sample.cache = GIB;
    assert_int_equal(run(&guest, 130), ACTION_DROP_CACHES);
    engine_finished(&guest.engine, &result, guest.sample.boottime);
    assert_int_equal(run(&guest, 5), ACTION_DROP_CACHES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refaults_raise_the_floor),
        cmocka_unit_test(test_the_learned_floor_decays_while_the_guest_works),
        cmocka_unit_test(test_the_learned_floor_outlasts_a_break_and_no_night),
        cmocka_unit_test(test_the_learned_floor_has_a_limit),
        cmocka_unit_test(test_short_wakes_do_not_keep_the_learned_floor),
        cmocka_unit_test(test_refaults_of_the_kernels_doing_teach_nothing),
        cmocka_unit_test(test_the_floor_is_kept),
        cmocka_unit_test(test_trickle_is_bounded),
        cmocka_unit_test(test_the_pace_of_a_trickle_is_the_policys),
        cmocka_unit_test(test_no_trickle_from_a_busy_or_gentle_guest),
        cmocka_unit_test(test_trickle_stops_on_refaults),
        cmocka_unit_test(test_drop_once_per_idle_period),
        cmocka_unit_test(test_a_trickle_beside_the_drop),
        cmocka_unit_test(test_without_reclaim_only_an_idle_guest_is_dropped),
        cmocka_unit_test(test_a_withdrawn_action_teaches_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
