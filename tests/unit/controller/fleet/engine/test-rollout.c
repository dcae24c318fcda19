/* Rollouts over a fleet in memory: one coordinator, or several. */
#include "tests/lib/test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/sim/fleet-model.h"

#define HOSTS 20

static const uint32_t waves[] = {1000, 5000, PERMYRIAD};

struct scene {
    struct fleet_model model;
    struct fleet_coordinator first, second;
    struct fleet_coordinator *coordinators[2];
    unsigned count;
};

static struct scene scene;

static void begin(void)
{
    Rollout *draft = fleet_model_draft(waves, ARRAY_SIZE(waves), 120, 60);

    scene.count = 1;
    scene.coordinators[0] = &scene.first;
    scene.coordinators[1] = &scene.second;
    fleet_model_init(&scene.model, HOSTS, 7);
    assert_true(fleet_model_store(&scene.model, draft, 0));
    fleet_coordinator_begin(&scene.first, &scene.model, 1);
    vmreclaim__fleet__v1__rollout__free_unpacked(draft, NULL);
}

static void end(void)
{
    for (unsigned i = 0; i < scene.count; i++)
        fleet_coordinator_end(scene.coordinators[i]);
    fleet_model_finish(&scene.model);
}

static void run(unsigned seconds)
{
    for (unsigned i = 0; i < seconds; i++) {
        fleet_model_step(&scene.model, scene.coordinators, scene.count);
        for (unsigned j = 0; j < scene.count; j++)
            if (!scene.coordinators[j]->is_dead)
                (void)fleet_coordinator_step(scene.coordinators[j]);
    }
}

static RolloutState state_now(char reason[256])
{
    uint64_t revision;
    Rollout *rollout = fleet_model_read(&scene.model, &revision);
    RolloutState state = rollout->state;

    snprintf(reason, 256, "%s", rollout->reason);
    vmreclaim__fleet__v1__rollout__free_unpacked(rollout, NULL);
    return state;
}

static void expect(RolloutState state)
{
    char reason[256];
    RolloutState found = state_now(reason);

    if (found != state)
        fail_msg("it is %s (%s), not %s", rollout_state_name(found), reason,
                 rollout_state_name(state));
}

/* Until it is in the state, for an hour at most. */
static void run_until(RolloutState state)
{
    char reason[256];

    for (unsigned i = 0; i < 3600 && state_now(reason) != state; i++)
        run(1);
    expect(state);
}

static void expect_reason(const char *part)
{
    char reason[256];

    (void)state_now(reason);
    if (strstr(reason, part) == NULL)
        fail_msg("the reason is \"%s\", without \"%s\"", reason, part);
}

static void order(enum rollout_verb verb)
{
    assert_int_equal(fleet_model_order(&scene.model, verb, 1), 0);
}

static void start(void)
{
    run(60);
    order(ROLLOUT_START);
}

/* ---- ends ---- */

static void test_a_good_policy_goes_through_all_waves(void **state)
{
    unsigned canary;

    (void)state;
    begin();
    start();
    run_until(ROLLOUT_STATE(SOAKING));
    canary = fleet_model_running(&scene.model);
    assert_true(canary > 0 && canary < HOSTS / 2);
    run(100);
    expect(ROLLOUT_STATE(SOAKING));
    assert_int_equal(fleet_model_stored(&scene.model), canary);
    run_until(ROLLOUT_STATE(COMPLETE));
    assert_int_equal(fleet_model_running(&scene.model), HOSTS);
    end();
}

static void test_a_draft_does_nothing(void **state)
{
    (void)state;
    begin();
    run(100);
    expect(ROLLOUT_STATE(DRAFT));
    assert_int_equal(scene.model.revision, 1);
    end();
}

static void expect_reverted_at_the_canary(const char *part)
{
    start();
    run_until(ROLLOUT_STATE(REVERTING));
    expect_reason(part);
    run_until(ROLLOUT_STATE(REVERTED));
    expect_reason(part);
    assert_int_equal(fleet_model_stored(&scene.model), 0);
    run(20);
    assert_int_equal(fleet_model_running(&scene.model), 0);
    end();
}

static void test_oom_kills_revert(void **state)
{
    (void)state;
    begin();
    scene.model.harm.oom_seconds = 20;
    expect_reverted_at_the_canary("oom-kills: host h0");
}

static void test_waiting_for_memory_reverts(void **state)
{
    (void)state;
    begin();
    scene.model.harm.waited = 0.2;
    expect_reverted_at_the_canary("pressure: host h0");
}

static void test_refaults_revert(void **state)
{
    (void)state;
    begin();
    scene.model.harm.refaults = 500;
    expect_reverted_at_the_canary("refaults: host h0");
}

static void test_agents_that_go_revert(void **state)
{
    (void)state;
    begin();
    scene.model.harm.loses_agents = true;
    expect_reverted_at_the_canary("agents-lost: host h0");
}

static void test_hosts_that_go_revert(void **state)
{
    (void)state;
    begin();
    scene.model.harm.loses_hosts = true;
    start();
    run_until(ROLLOUT_STATE(REVERTED));
    expect_reason("hosts-lost: host h0");
    assert_int_equal(fleet_model_stored(&scene.model), 0);
    end();
}

static void test_a_refused_policy_pauses(void **state)
{
    (void)state;
    begin();
    scene.model.harm.is_refused = true;
    start();
    run_until(ROLLOUT_STATE(PAUSED));
    expect_reason("refuses the policy: no such key");
    end();
}

static void test_no_figures_pause(void **state)
{
    (void)state;
    begin();
    for (unsigned i = 0; i < HOSTS; i++)
        scene.model.hosts[i].has_figures = false;
    start();
    run_until(ROLLOUT_STATE(PAUSED));
    expect_reason("no figures");
    assert_true(fleet_model_stored(&scene.model) < HOSTS / 2);
    end();
}

/* ---- hosts that are away ---- */

static void test_who_was_away_gets_it_on_return(void **state)
{
    (void)state;
    begin();
    run(20);
    fleet_model_set_up(&scene.model, 3, false);
    run(60);
    start();
    run_until(ROLLOUT_STATE(COMPLETE));
    assert_int_equal(fleet_model_running(&scene.model), HOSTS - 1);
    fleet_model_set_up(&scene.model, 3, true);
    run(40);
    assert_int_equal(fleet_model_running(&scene.model), HOSTS);
    end();
}

static void test_survivors_alone_are_not_all(void **state)
{
    (void)state;
    begin();
    run(60);
    for (unsigned i = 0; i < 5; i++)
        fleet_model_set_up(&scene.model, i, false);
    start();
    run_until(ROLLOUT_STATE(PAUSED));
    expect_reason("15 of 20 hosts in all have the policy");
    end();
}

static void test_who_returns_at_the_very_end_is_waited_for(void **state)
{
    (void)state;
    begin();
    run(60);
    for (unsigned i = 0; i < 5; i++)
        fleet_model_set_up(&scene.model, i, false);
    start();
    while (fleet_model_running(&scene.model) < HOSTS - 5)
        run(1);
    run_until(ROLLOUT_STATE(JUDGING));
    run(120);
    for (unsigned i = 0; i < 5; i++)
        fleet_model_set_up(&scene.model, i, true);
    run_until(ROLLOUT_STATE(COMPLETE));
    assert_int_equal(fleet_model_running(&scene.model), HOSTS);
    end();
}

/* As a hostile writer or a damaged bucket may have it. */
static void test_a_document_without_sense_is_refused(void **state)
{
    uint64_t revision;
    Rollout *rollout;

    (void)state;
    begin();
    start();
    run_until(ROLLOUT_STATE(SOAKING));
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
    rollout->n_waves_permyriad = ARRAY_SIZE(waves);
    rollout->state = (RolloutState)99;
    (void)fleet_model_store(&scene.model, rollout, revision + 3);
    assert_int_equal(fleet_coordinator_step(&scene.first), 0);
    vmreclaim__fleet__v1__rollout__free_unpacked(rollout, NULL);
    end();
}

static void test_names_of_guests_steer_nothing(void **state)
{
    char reason[256];

    (void)state;
    begin();
    for (unsigned i = 0; i < HOSTS; i++)
        for (unsigned j = 0; j < FLEET_VMS; j++)
            strcpy(scene.model.hosts[i].vms[j].name, "\x1b[2Jvm\n");
    scene.model.harm.oom_seconds = 20;
    start();
    run_until(ROLLOUT_STATE(REVERTING));
    assert_int_equal(state_now(reason), ROLLOUT_STATE(REVERTING));
    assert_null(strpbrk(reason, "\x1b\n"));
    assert_non_null(strstr(reason, "VM ?[2Jvm?"));
    end();
}

static void test_a_pinned_host_holds_nothing_up(void **state)
{
    (void)state;
    begin();
    for (unsigned i = 0; i < 5; i++)
        scene.model.hosts[i].is_pinned = true;
    start();
    run_until(ROLLOUT_STATE(COMPLETE));
    assert_int_equal(fleet_model_running(&scene.model), HOSTS - 5);
    end();
}

/* ---- orders ---- */

static void test_a_pause_keeps_and_resuming_judges_first(void **state)
{
    unsigned treated;

    (void)state;
    begin();
    start();
    run_until(ROLLOUT_STATE(SOAKING));
    treated = fleet_model_stored(&scene.model);
    order(ROLLOUT_PAUSE);
    run(600);
    expect(ROLLOUT_STATE(PAUSED));
    assert_int_equal(fleet_model_stored(&scene.model), treated);
    scene.model.harm.oom_seconds = 5;
    run(30);
    order(ROLLOUT_RESUME);
    run(1);
    expect(ROLLOUT_STATE(REVERTING));
    end();
}

static void test_resuming_goes_on(void **state)
{
    (void)state;
    begin();
    start();
    order(ROLLOUT_PAUSE);
    run(100);
    assert_int_equal(fleet_model_stored(&scene.model), 0);
    order(ROLLOUT_RESUME);
    run_until(ROLLOUT_STATE(SOAKING));
    order(ROLLOUT_PAUSE);
    order(ROLLOUT_RESUME);
    run_until(ROLLOUT_STATE(COMPLETE));
    end();
}

static void test_aborting_keeps_and_rolling_back_takes_all(void **state)
{
    unsigned treated;

    (void)state;
    begin();
    start();
    run_until(ROLLOUT_STATE(SOAKING));
    treated = fleet_model_stored(&scene.model);
    order(ROLLOUT_ABORT);
    run(300);
    expect(ROLLOUT_STATE(ABORTED));
    assert_int_equal(fleet_model_stored(&scene.model), treated);
    assert_int_equal(fleet_model_order(&scene.model, ROLLOUT_RESUME, 1), -EBUSY);
    order(ROLLOUT_ROLLBACK);
    run_until(ROLLOUT_STATE(REVERTED));
    assert_int_equal(fleet_model_stored(&scene.model), 0);
    assert_int_equal(fleet_model_order(&scene.model, ROLLOUT_ROLLBACK, 1), -EBUSY);
    end();
}

static void test_what_is_complete_can_be_rolled_back(void **state)
{
    (void)state;
    begin();
    start();
    run_until(ROLLOUT_STATE(COMPLETE));
    order(ROLLOUT_ROLLBACK);
    run_until(ROLLOUT_STATE(REVERTED));
    run(30);
    assert_int_equal(fleet_model_running(&scene.model), 0);
    end();
}

static void test_a_superseded_one_rests(void **state)
{
    (void)state;
    begin();
    start();
    run_until(ROLLOUT_STATE(SOAKING));
    order(ROLLOUT_SUPERSEDE);
    run(600);
    expect(ROLLOUT_STATE(SUPERSEDED));
    end();
}

/* ---- coordinators ---- */

static void test_a_later_coordinator_fences_the_earlier_one(void **state)
{
    (void)state;
    begin();
    start();
    run_until(ROLLOUT_STATE(SOAKING));
    fleet_coordinator_begin(&scene.second, &scene.model, 2);
    scene.count = 2;
    fleet_model_step(&scene.model, scene.coordinators, 2);
    assert_int_equal(fleet_coordinator_step(&scene.second), 0);
    assert_int_equal(fleet_coordinator_step(&scene.first), -ESTALE);
    assert_int_equal(fleet_model_order(&scene.model, ROLLOUT_PAUSE, 1), -ESTALE);
    scene.first.is_dead = true;
    run_until(ROLLOUT_STATE(COMPLETE));
    end();
}

/* It wakes after the rollout was reverted, and writes what it was about to. */
static void test_who_slept_treats_nobody_again(void **state)
{
    (void)state;
    begin();
    start();
    while (scene.first.list_count == 0) {
        run(1);
        fleet_coordinator_fall_asleep(&scene.first);
    }
    assert_int_equal(fleet_model_stored(&scene.model), 0);
    scene.first.is_dead = true;
    fleet_coordinator_begin(&scene.second, &scene.model, 2);
    scene.count = 2;
    assert_int_equal(fleet_model_order(&scene.model, ROLLOUT_ROLLBACK, 2), 0);
    run_until(ROLLOUT_STATE(REVERTED));
    fleet_coordinator_wake(&scene.first);
    assert_int_equal(fleet_model_stored(&scene.model), 0);
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_good_policy_goes_through_all_waves),
        cmocka_unit_test(test_a_draft_does_nothing),
        cmocka_unit_test(test_oom_kills_revert),
        cmocka_unit_test(test_waiting_for_memory_reverts),
        cmocka_unit_test(test_refaults_revert),
        cmocka_unit_test(test_agents_that_go_revert),
        cmocka_unit_test(test_hosts_that_go_revert),
        cmocka_unit_test(test_a_refused_policy_pauses),
        cmocka_unit_test(test_no_figures_pause),
        cmocka_unit_test(test_who_was_away_gets_it_on_return),
        cmocka_unit_test(test_survivors_alone_are_not_all),
        cmocka_unit_test(test_who_returns_at_the_very_end_is_waited_for),
        cmocka_unit_test(test_a_document_without_sense_is_refused),
        cmocka_unit_test(test_names_of_guests_steer_nothing),
        cmocka_unit_test(test_a_pinned_host_holds_nothing_up),
        cmocka_unit_test(test_a_pause_keeps_and_resuming_judges_first),
        cmocka_unit_test(test_resuming_goes_on),
        cmocka_unit_test(test_aborting_keeps_and_rolling_back_takes_all),
        cmocka_unit_test(test_what_is_complete_can_be_rolled_back),
        cmocka_unit_test(test_a_superseded_one_rests),
        cmocka_unit_test(test_a_later_coordinator_fences_the_earlier_one),
        cmocka_unit_test(test_who_slept_treats_nobody_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
