/* Coordinators that die, sleep or know little, and those that follow them. */
#include "tests/lib/test.h"

#include <errno.h>

#include "tests/unit/controller/fleet/engine/scene.h"

static void test_a_later_coordinator_fences_the_earlier_one(void **state)
{
    (void)state;
    scene_begin();
    scene_start();
    scene_run_until(ROLLOUT_STATE(SOAKING));
    fleet_coordinator_begin(&scene.second, &scene.model, 2);
    scene.count = 2;
    fleet_model_step(&scene.model, scene.coordinators, 2);
    assert_int_equal(fleet_coordinator_step(&scene.second), 0);
    assert_int_equal(fleet_coordinator_step(&scene.first), -ESTALE);
    assert_int_equal(fleet_model_order(&scene.model, ROLLOUT_PAUSE, 1), -ESTALE);
    scene.first.is_dead = true;
    scene_run_until(ROLLOUT_STATE(COMPLETE));
    scene_end();
}

static void take_over(void)
{
    scene.first.is_dead = true;
    fleet_coordinator_begin(&scene.second, &scene.model, 2);
    scene.count = 2;
}

static void test_nothing_is_decided_before_the_hosts_are_known(void **state)
{
    (void)state;
    scene_begin();
    scene_start();
    scene_run_until(ROLLOUT_STATE(SOAKING));
    scene.first.is_dead = true;
    scene_run(200);
    take_over();
    scene_run(30);
    scene_expect(ROLLOUT_STATE(SOAKING));
    scene_run_until(ROLLOUT_STATE(COMPLETE));
    scene_end();
}

static void test_a_successor_looks_for_as_long_as_the_soak(void **state)
{
    unsigned canary;

    (void)state;
    scene_begin();
    scene_start();
    scene_run_until(ROLLOUT_STATE(SOAKING));
    canary = fleet_model_stored(&scene.model);
    scene.first.is_dead = true;
    scene_run(200);
    take_over();
    scene_run(110);
    scene_expect(ROLLOUT_STATE(JUDGING));
    assert_int_equal(fleet_model_stored(&scene.model), canary);
    scene_run_until(ROLLOUT_STATE(COMPLETE));
    scene_end();
}

static void test_a_deadline_counts_only_what_is_known(void **state)
{
    (void)state;
    scene_begin();
    scene_start();
    scene.first.dies_at = scene.first.acts + 2;
    /* Its status comes some seconds after it has the policy. */
    scene_run(704);
    scene_expect(ROLLOUT_STATE(WRITING));
    assert_int_equal(fleet_model_stored(&scene.model), 0);
    take_over();
    scene_run_until(ROLLOUT_STATE(SOAKING));
    scene_run_until(ROLLOUT_STATE(COMPLETE));
    scene_end();
}

static void test_a_clock_that_was_set_back_holds_nothing_up(void **state)
{
    (void)state;
    scene_begin();
    scene_start();
    scene_run_until(ROLLOUT_STATE(SOAKING));
    scene.model.clock_step = -7200;
    scene_run_until(ROLLOUT_STATE(COMPLETE));
    scene_end();
}

static void test_who_slept_treats_nobody_again(void **state)
{
    (void)state;
    scene_begin();
    scene_start();
    while (scene.first.list_count == 0) {
        scene_run(1);
        fleet_coordinator_fall_asleep(&scene.first);
    }
    assert_int_equal(fleet_model_stored(&scene.model), 0);
    scene.first.is_dead = true;
    fleet_coordinator_begin(&scene.second, &scene.model, 2);
    scene.count = 2;
    assert_int_equal(fleet_model_order(&scene.model, ROLLOUT_ROLLBACK, 2), 0);
    scene_run_until(ROLLOUT_STATE(REVERTED));
    fleet_coordinator_wake(&scene.first);
    assert_int_equal(fleet_model_stored(&scene.model), 0);
    scene_end();
}

static void test_a_document_without_sense_is_refused(void **state)
{
    uint64_t revision;
    Rollout *rollout;

    (void)state;
    scene_begin();
    scene_start();
    scene_run_until(ROLLOUT_STATE(SOAKING));
    rollout = fleet_model_read(&scene.model, &revision);
    rollout->wave = 3;
    (void)fleet_model_store(&scene.model, rollout, revision);
    assert_int_equal(fleet_coordinator_step(&scene.first), -EINVAL);
    rollout->wave = 0;
    rollout->wave_begin = (uint32_t)rollout->n_hosts + 1;
    (void)fleet_model_store(&scene.model, rollout, revision + 1);
    assert_int_equal(fleet_coordinator_step(&scene.first), -EINVAL);
    rollout->wave_begin = 0;
    rollout->n_waves_permyriad = 0;
    (void)fleet_model_store(&scene.model, rollout, revision + 2);
    assert_int_equal(fleet_coordinator_step(&scene.first), -EINVAL);
    rollout->n_waves_permyriad = SCENE_WAVES;
    rollout->state = (RolloutState)99;
    (void)fleet_model_store(&scene.model, rollout, revision + 3);
    assert_int_equal(fleet_coordinator_step(&scene.first), 0);
    vmreclaim__fleet__v1__rollout__free_unpacked(rollout, NULL);
    scene_end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_later_coordinator_fences_the_earlier_one),
        cmocka_unit_test(test_nothing_is_decided_before_the_hosts_are_known),
        cmocka_unit_test(test_a_successor_looks_for_as_long_as_the_soak),
        cmocka_unit_test(test_a_deadline_counts_only_what_is_known),
        cmocka_unit_test(test_a_clock_that_was_set_back_holds_nothing_up),
        cmocka_unit_test(test_who_slept_treats_nobody_again),
        cmocka_unit_test(test_a_document_without_sense_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
