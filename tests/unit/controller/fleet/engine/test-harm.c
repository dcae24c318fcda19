/* What a policy that hurts is stopped by, and what excuses it. */
#include "tests/lib/test.h"

#include <string.h>

#include "tests/unit/controller/fleet/engine/scene.h"

static void expect_reverted_at_the_canary(const char *part)
{
    char reason[256];

    scene_start();
    for (unsigned i = 0; i < 90 && scene_state_now(reason) != ROLLOUT_STATE(REVERTING); i++)
        scene_run(1);
    scene_expect(ROLLOUT_STATE(REVERTING));
    scene_expect_reason(part);
    scene_run_until(ROLLOUT_STATE(REVERTED));
    scene_expect_reason(part);
    assert_int_equal(fleet_model_stored(&scene.model), 0);
    scene_run(20);
    assert_int_equal(fleet_model_running(&scene.model), 0);
    scene_end();
}

static void test_oom_kills_revert(void **state)
{
    (void)state;
    scene_begin();
    scene.model.harm.oom_seconds = 20;
    expect_reverted_at_the_canary("oom-kills: host h0");
}

static void test_waiting_for_memory_reverts(void **state)
{
    (void)state;
    scene_begin();
    scene.model.harm.waited = 0.2;
    expect_reverted_at_the_canary("pressure: host h0");
}

static void test_refaults_revert(void **state)
{
    (void)state;
    scene_begin();
    scene.model.harm.refaults = 500;
    expect_reverted_at_the_canary("refaults: host h0");
}

static void test_agents_that_go_revert(void **state)
{
    (void)state;
    scene_begin();
    scene.model.harm.loses_agents = true;
    expect_reverted_at_the_canary("agents-lost: host h0");
}

static void test_hosts_that_go_revert(void **state)
{
    (void)state;
    scene_begin();
    scene.model.harm.loses_hosts = true;
    scene_start();
    scene_run_until(ROLLOUT_STATE(REVERTED));
    scene_expect_reason("hosts-lost: host h0");
    assert_int_equal(fleet_model_stored(&scene.model), 0);
    scene_end();
}

static void test_a_refused_policy_pauses(void **state)
{
    (void)state;
    scene_begin();
    scene.model.harm.is_refused = true;
    scene_start();
    scene_run_until(ROLLOUT_STATE(PAUSED));
    scene_expect_reason("refuses the policy: no such key");
    scene_end();
}

/* A host's own operator may want nothing of the fleet: that is no error of the policy. */
static void test_who_takes_none_is_no_error(void **state)
{
    (void)state;
    scene_begin();
    for (unsigned i = 0; i < 5; i++)
        scene.model.hosts[i].takes_none = true;
    scene_start();
    scene_run_until(ROLLOUT_STATE(COMPLETE));
    scene_end();
}

/* And where all are like that, nothing was learnt. */
static void test_nobody_takes_it_pauses(void **state)
{
    (void)state;
    scene_begin();
    for (unsigned i = 0; i < HOSTS; i++)
        scene.model.hosts[i].takes_none = true;
    scene_start();
    scene_run_until(ROLLOUT_STATE(PAUSED));
    scene_expect_reason("takes the policy: their operators hold another one");
    scene_end();
}

/* What has no signature that fits has no generation either; who waits sees why all the same. */
static void test_who_has_no_key_is_told_of(void **state)
{
    (void)state;
    scene_begin();
    for (unsigned i = 0; i < HOSTS; i++)
        scene.model.hosts[i].has_no_key = true;
    scene_start();
    scene_run(90);
    scene_expect(ROLLOUT_STATE(WRITING));
    scene_expect_reason("refuses what it gets: no such key");
    scene_run_until(ROLLOUT_STATE(PAUSED));
    scene_expect_reason("have the policy; 9 of 10 must; host h0");
    scene_end();
}

/* Nobody is left to compare with, but their own past: it is looked at before they are treated. */
static void test_everybody_at_once_has_a_past(void **state)
{
    (void)state;
    scene_begin();
    scene_select_hosts("all", "all");
    for (unsigned i = 0; i < HOSTS; i++)
        scene.model.hosts[i].waits = 0.3;
    scene_start();
    scene_run_until(ROLLOUT_STATE(COMPLETE));
    scene_end();
}

static void test_no_figures_pause(void **state)
{
    (void)state;
    scene_begin();
    for (unsigned i = 0; i < HOSTS; i++)
        scene.model.hosts[i].has_figures = false;
    scene_start();
    scene_run_until(ROLLOUT_STATE(PAUSED));
    scene_expect_reason("no figures");
    assert_true(fleet_model_stored(&scene.model) < HOSTS / 2);
    scene_end();
}

static void test_a_wave_that_returns_less_pauses(void **state)
{
    (void)state;
    scene_begin();
    scene_start();
    scene_run_until(ROLLOUT_STATE(JUDGING));
    scene_run_until(ROLLOUT_STATE(SOAKING));
    scene.model.harm.keeps_all = true;
    scene_run_until(ROLLOUT_STATE(PAUSED));
    scene_expect_reason("returned: a VM gave");
    scene_end();
}

/* What guests had before the policy came to them they return once: in their own wave. */
static void test_a_wave_is_compared_by_what_its_own_hosts_return(void **state)
{
    uint64_t revision;
    Rollout *rollout;

    (void)state;
    scene_begin();
    rollout = fleet_model_read(&scene.model, &revision);
    rollout->waves_permyriad[1] = 8000;
    assert_true(fleet_model_store(&scene.model, rollout, revision));
    vmreclaim__fleet__v1__rollout__free_unpacked(rollout, NULL);
    scene.model.harm.gives_seconds = 40;
    scene_start();
    scene_run_until(ROLLOUT_STATE(COMPLETE));
    scene_end();
}

static void test_names_of_guests_steer_nothing(void **state)
{
    char reason[256];

    (void)state;
    scene_begin();
    for (unsigned i = 0; i < HOSTS; i++)
        for (unsigned j = 0; j < FLEET_VMS; j++)
            strcpy(scene.model.hosts[i].vms[j].name, "\x1b[2Jvm\n");
    scene.model.harm.oom_seconds = 20;
    scene_start();
    scene_run_until(ROLLOUT_STATE(REVERTING));
    assert_int_equal(scene_state_now(reason), ROLLOUT_STATE(REVERTING));
    assert_null(strpbrk(reason, "\x1b\n"));
    assert_non_null(strstr(reason, "VM ?[2Jvm?"));
    scene_end();
}

static void test_a_window_begins_with_each_wave(void **state)
{
    (void)state;
    scene_begin();
    scene_start();
    scene_run_until(ROLLOUT_STATE(SOAKING));
    scene_kill_in(0, HOSTS, 5);
    scene_run_until(ROLLOUT_STATE(JUDGING));
    scene_run_until(ROLLOUT_STATE(SOAKING));
    scene.model.harm.oom_seconds = 10;
    scene_run(40);
    scene_expect_reason("oom-kills");
    scene_end();
}

static void test_what_pinned_hosts_do_is_not_the_policys(void **state)
{
    char reason[256];

    (void)state;
    scene_begin();
    for (unsigned i = 0; i < 5; i++)
        scene.model.hosts[i].is_pinned = true;
    scene_start();
    for (unsigned i = 0; i < 3600 && scene_state_now(reason) != ROLLOUT_STATE(COMPLETE); i++) {
        if (i % 10 == 0)
            scene_kill_in(0, 5, 1);
        scene_run(1);
    }
    scene_expect(ROLLOUT_STATE(COMPLETE));
    scene_end();
}

static void test_hosts_that_are_not_meant_excuse_nothing(void **state)
{
    char reason[256];

    (void)state;
    scene_begin();
    scene_select_hosts("rack0-*", "");
    scene.model.harm.oom_seconds = 10;
    scene_start();
    for (unsigned i = 0; i < 200 && scene_state_now(reason) != ROLLOUT_STATE(REVERTING); i++) {
        scene_kill_in(10, HOSTS, 1);
        scene_run(1);
    }
    scene_expect(ROLLOUT_STATE(REVERTING));
    scene_end();
}

static void test_who_always_waited_is_not_hurt(void **state)
{
    (void)state;
    scene_begin();
    scene_select_hosts("all", "label:index=3");
    scene.model.hosts[3].waits = 0.3;
    scene_start();
    scene_run_until(ROLLOUT_STATE(COMPLETE));
    scene_end();
}

static void test_one_status_is_not_twice_running(void **state)
{
    (void)state;
    scene_begin();
    scene_select_hosts("all", "label:index=3");
    scene_start();
    scene_run_until(ROLLOUT_STATE(SOAKING));
    scene_run(32);
    for (unsigned j = 0; j < FLEET_VMS; j++)
        scene.model.hosts[3].vms[j].figures[3] += 5 * NSEC_PER_SEC;
    scene_run_until(ROLLOUT_STATE(COMPLETE));
    scene_end();
}

/* All are silent at once, as far as the reader can tell. Whoever was heard first is missed first.
 */
static void test_a_bus_that_is_away_is_no_harm(void **state)
{
    (void)state;
    for (unsigned phase = 0; phase < 15; phase++) {
        scene_begin();
        scene_start();
        scene_run_until(ROLLOUT_STATE(SOAKING));
        scene_run(phase);
        scene.model.is_silent = true;
        scene_run(60);
        scene.model.is_silent = false;
        scene_run_until(ROLLOUT_STATE(COMPLETE));
        scene_end();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_oom_kills_revert),
        cmocka_unit_test(test_waiting_for_memory_reverts),
        cmocka_unit_test(test_refaults_revert),
        cmocka_unit_test(test_agents_that_go_revert),
        cmocka_unit_test(test_hosts_that_go_revert),
        cmocka_unit_test(test_a_refused_policy_pauses),
        cmocka_unit_test(test_who_takes_none_is_no_error),
        cmocka_unit_test(test_nobody_takes_it_pauses),
        cmocka_unit_test(test_who_has_no_key_is_told_of),
        cmocka_unit_test(test_everybody_at_once_has_a_past),
        cmocka_unit_test(test_no_figures_pause),
        cmocka_unit_test(test_a_wave_that_returns_less_pauses),
        cmocka_unit_test(test_a_wave_is_compared_by_what_its_own_hosts_return),
        cmocka_unit_test(test_names_of_guests_steer_nothing),
        cmocka_unit_test(test_a_window_begins_with_each_wave),
        cmocka_unit_test(test_what_pinned_hosts_do_is_not_the_policys),
        cmocka_unit_test(test_hosts_that_are_not_meant_excuse_nothing),
        cmocka_unit_test(test_who_always_waited_is_not_hurt),
        cmocka_unit_test(test_one_status_is_not_twice_running),
        cmocka_unit_test(test_a_bus_that_is_away_is_no_harm),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
