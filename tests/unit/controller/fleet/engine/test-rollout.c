/* Rollouts that go on, wait for hosts, and follow orders. */
#include "tests/lib/test.h"

#include <errno.h>

#include "controller/fleet/engine/round.h"
#include "tests/unit/controller/fleet/engine/scene.h"

#include <stdlib.h>
#include <string.h>

static void test_a_good_policy_goes_through_all_waves(void **state)
{
    unsigned canary;

    (void)state;
    scene_begin();
    scene_start();
    scene_run_until(ROLLOUT_STATE(SOAKING));
    canary = fleet_model_running(&scene.model);
    assert_true(canary > 0 && canary < HOSTS / 2);
    scene_run(100);
    scene_expect(ROLLOUT_STATE(SOAKING));
    assert_int_equal(fleet_model_stored(&scene.model), canary);
    scene_run_until(ROLLOUT_STATE(COMPLETE));
    assert_int_equal(fleet_model_running(&scene.model), HOSTS);
    scene_end();
}

static void test_a_draft_does_nothing(void **state)
{
    (void)state;
    scene_begin();
    scene_run(100);
    scene_expect(ROLLOUT_STATE(DRAFT));
    assert_int_equal(scene.model.revision, 1);
    scene_end();
}

static void test_who_was_away_gets_it_on_return(void **state)
{
    (void)state;
    scene_begin();
    scene_run(20);
    fleet_model_set_up(&scene.model, 3, false);
    scene_run(60);
    scene_start();
    scene_run_until(ROLLOUT_STATE(COMPLETE));
    assert_int_equal(fleet_model_running(&scene.model), HOSTS - 1);
    fleet_model_set_up(&scene.model, 3, true);
    scene_run(40);
    assert_int_equal(fleet_model_running(&scene.model), HOSTS);
    scene_end();
}

static void test_survivors_alone_are_not_all(void **state)
{
    (void)state;
    scene_begin();
    scene_run(60);
    for (unsigned i = 0; i < 5; i++)
        fleet_model_set_up(&scene.model, i, false);
    scene_start();
    scene_run_until(ROLLOUT_STATE(PAUSED));
    scene_expect_reason("15 of 20 hosts in all have the policy");
    scene_end();
}

static void test_who_returns_at_the_very_end_is_waited_for(void **state)
{
    (void)state;
    scene_begin();
    scene_run(60);
    for (unsigned i = 0; i < 5; i++)
        fleet_model_set_up(&scene.model, i, false);
    scene_start();
    while (fleet_model_running(&scene.model) < HOSTS - 5)
        scene_run(1);
    scene_run_until(ROLLOUT_STATE(JUDGING));
    scene_run(120);
    for (unsigned i = 0; i < 5; i++)
        fleet_model_set_up(&scene.model, i, true);
    scene_run_until(ROLLOUT_STATE(COMPLETE));
    assert_int_equal(fleet_model_running(&scene.model), HOSTS);
    scene_end();
}

static void test_a_pinned_host_holds_nothing_up(void **state)
{
    (void)state;
    scene_begin();
    for (unsigned i = 0; i < 5; i++)
        scene.model.hosts[i].is_pinned = true;
    scene_start();
    scene_run_until(ROLLOUT_STATE(COMPLETE));
    assert_int_equal(fleet_model_running(&scene.model), HOSTS - 5);
    scene_end();
}

static void test_a_pause_keeps_and_resuming_judges_first(void **state)
{
    unsigned treated;

    (void)state;
    scene_begin();
    scene_start();
    scene_run_until(ROLLOUT_STATE(SOAKING));
    treated = fleet_model_stored(&scene.model);
    scene_order(ROLLOUT_PAUSE);
    scene_run(600);
    scene_expect(ROLLOUT_STATE(PAUSED));
    assert_int_equal(fleet_model_stored(&scene.model), treated);
    scene.model.harm.oom_seconds = 5;
    scene_run(30);
    scene_order(ROLLOUT_RESUME);
    scene_run(1);
    scene_expect(ROLLOUT_STATE(REVERTING));
    scene_end();
}

static void test_resuming_goes_on(void **state)
{
    (void)state;
    scene_begin();
    scene_start();
    scene_order(ROLLOUT_PAUSE);
    scene_run(100);
    assert_int_equal(fleet_model_stored(&scene.model), 0);
    scene_order(ROLLOUT_RESUME);
    scene_run_until(ROLLOUT_STATE(SOAKING));
    scene_order(ROLLOUT_PAUSE);
    scene_order(ROLLOUT_RESUME);
    scene_run_until(ROLLOUT_STATE(COMPLETE));
    scene_end();
}

static void test_aborting_keeps_and_rolling_back_takes_all(void **state)
{
    unsigned treated;

    (void)state;
    scene_begin();
    scene_start();
    scene_run_until(ROLLOUT_STATE(SOAKING));
    treated = fleet_model_stored(&scene.model);
    scene_order(ROLLOUT_ABORT);
    scene_run(300);
    scene_expect(ROLLOUT_STATE(ABORTED));
    assert_int_equal(fleet_model_stored(&scene.model), treated);
    assert_int_equal(fleet_model_order(&scene.model, ROLLOUT_RESUME, 1), -EBUSY);
    scene_order(ROLLOUT_ROLLBACK);
    scene_run_until(ROLLOUT_STATE(REVERTED));
    assert_int_equal(fleet_model_stored(&scene.model), 0);
    assert_int_equal(fleet_model_order(&scene.model, ROLLOUT_ROLLBACK, 1), -EBUSY);
    scene_end();
}

/* They would be kept of each policy that ever was rolled out. */
static void test_figures_are_let_go_in_the_end(void **state)
{
    (void)state;
    scene_begin();
    scene_start();
    scene_run_until(ROLLOUT_STATE(SOAKING));
    assert_int_equal(scene.first.engine->marks.count, HOSTS);
    scene_run_until(ROLLOUT_STATE(COMPLETE));
    scene_run(30);
    assert_int_equal(scene.first.engine->marks.count, 0);
    scene_expect(ROLLOUT_STATE(COMPLETE));
    scene_end();
}

static void test_what_is_complete_can_be_rolled_back(void **state)
{
    (void)state;
    scene_begin();
    scene_start();
    scene_run_until(ROLLOUT_STATE(COMPLETE));
    scene_order(ROLLOUT_ROLLBACK);
    scene_run_until(ROLLOUT_STATE(REVERTED));
    scene_run(30);
    assert_int_equal(fleet_model_running(&scene.model), 0);
    scene_end();
}

static void test_reverting_waits_until_hosts_confirm(void **state)
{
    (void)state;
    scene_begin();
    scene_start();
    scene_run_until(ROLLOUT_STATE(COMPLETE));
    scene_order(ROLLOUT_ROLLBACK);
    scene_run(2);
    assert_int_equal(fleet_model_stored(&scene.model), 0);
    scene_expect(ROLLOUT_STATE(REVERTING));
    scene_run_until(ROLLOUT_STATE(REVERTED));
    assert_int_equal(fleet_model_running(&scene.model), 0);
    scene_end();
}

static void test_reverting_does_not_wait_for_ever(void **state)
{
    (void)state;
    scene_begin();
    scene_start();
    scene_run_until(ROLLOUT_STATE(COMPLETE));
    scene.model.hosts[4].is_deaf = true;
    scene_order(ROLLOUT_ROLLBACK);
    scene_run(500);
    scene_expect(ROLLOUT_STATE(REVERTING));
    scene_run_until(ROLLOUT_STATE(REVERTED));
    scene_expect_reason("1 hosts have not confirmed");
    scene_end();
}

static void test_200_hosts_a_second_are_reverted(void **state)
{
    (void)state;
    scene_begin_with(500);
    scene_start();
    scene_run_until(ROLLOUT_STATE(COMPLETE));
    scene_order(ROLLOUT_ROLLBACK);
    scene_run(1);
    assert_int_equal(fleet_model_stored(&scene.model), 300);
    assert_int_equal(fleet_coordinator_step(&scene.first), 0);
    assert_int_equal(fleet_model_stored(&scene.model), 300);
    scene_run(1);
    assert_int_equal(fleet_model_stored(&scene.model), 100);
    scene_run_until(ROLLOUT_STATE(REVERTED));
    scene_end();
}

static void test_a_superseded_one_rests(void **state)
{
    (void)state;
    scene_begin();
    scene_start();
    scene_run_until(ROLLOUT_STATE(SOAKING));
    scene_order(ROLLOUT_SUPERSEDE);
    scene_run(600);
    scene_expect(ROLLOUT_STATE(SUPERSEDED));
    scene_end();
}

/* No gate looks at what hosts did before, so nothing but who is there is waited for. */
static void switch_off_rates(void)
{
    static char *const names[] = {(char *)"pressure", (char *)"refaults", (char *)"major-faults",
                                  (char *)"actions-refused"};
    Vmreclaim__Fleet__V1__Gate gates[ARRAY_SIZE(names)], *list[ARRAY_SIZE(names)];
    uint64_t revision;
    Rollout *rollout = fleet_model_read(&scene.model, &revision);
    Rollout without = *rollout;

    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        vmreclaim__fleet__v1__gate__init(&gates[i]);
        gates[i].name = names[i];
        gates[i].limit = -1;
        list[i] = &gates[i];
    }
    without.gates = list;
    without.n_gates = ARRAY_SIZE(names);
    assert_true(fleet_model_store(&scene.model, &without, revision));
    vmreclaim__fleet__v1__rollout__free_unpacked(rollout, NULL);
}

static void test_nothing_opens_while_few_are_known(void **state)
{
    (void)state;
    scene_begin();
    switch_off_rates();
    scene_order(ROLLOUT_START);
    scene_run(20);
    assert_int_equal(fleet_model_stored(&scene.model), 0);
    scene_run(30);
    assert_true(fleet_model_stored(&scene.model) > 0);
    scene_end();
}

/* A text that leaves room for so many bytes of hosts. */
static void leave_room(size_t bytes)
{
    uint64_t revision;
    Rollout *rollout = fleet_model_read(&scene.model, &revision);
    size_t length = document_room(rollout) - bytes;
    char *text = malloc(length + 1);

    assert_non_null(text);
    memset(text, '#', length);
    text[length] = '\0';
    assert_int_equal(document_set_text(&rollout->text, text), 0);
    assert_true(fleet_model_store(&scene.model, rollout, revision));
    vmreclaim__fleet__v1__rollout__free_unpacked(rollout, NULL);
    free(text);
}

/* What the bus would not keep is not tried. */
static void test_a_full_document_pauses(void **state)
{
    (void)state;
    scene_begin();
    leave_room(10 * document_host_bytes("h000"));
    scene_start();
    scene_run_until(ROLLOUT_STATE(PAUSED));
    scene_expect_reason("there is no room in its document");
    assert_true(fleet_model_stored(&scene.model) > 0);
    scene_end();
}

static void test_a_full_document_takes_no_newcomer(void **state)
{
    (void)state;
    scene_begin();
    scene.model.hosts[3].exists = scene.model.hosts[4].exists = false;
    leave_room((HOSTS - 1) * document_host_bytes("h000") - 1);
    scene_start();
    scene_run_until(ROLLOUT_STATE(COMPLETE));
    scene.model.hosts[3].exists = scene.model.hosts[4].exists = true;
    scene_run(60);
    scene_expect_reason("no room in its document for more hosts");
    assert_true(fleet_model_stored(&scene.model) < HOSTS);
    scene_end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_good_policy_goes_through_all_waves),
        cmocka_unit_test(test_a_draft_does_nothing),
        cmocka_unit_test(test_who_was_away_gets_it_on_return),
        cmocka_unit_test(test_survivors_alone_are_not_all),
        cmocka_unit_test(test_who_returns_at_the_very_end_is_waited_for),
        cmocka_unit_test(test_a_pinned_host_holds_nothing_up),
        cmocka_unit_test(test_a_pause_keeps_and_resuming_judges_first),
        cmocka_unit_test(test_resuming_goes_on),
        cmocka_unit_test(test_aborting_keeps_and_rolling_back_takes_all),
        cmocka_unit_test(test_figures_are_let_go_in_the_end),
        cmocka_unit_test(test_what_is_complete_can_be_rolled_back),
        cmocka_unit_test(test_reverting_waits_until_hosts_confirm),
        cmocka_unit_test(test_reverting_does_not_wait_for_ever),
        cmocka_unit_test(test_200_hosts_a_second_are_reverted),
        cmocka_unit_test(test_a_superseded_one_rests),
        cmocka_unit_test(test_nothing_opens_while_few_are_known),
        cmocka_unit_test(test_a_full_document_pauses),
        cmocka_unit_test(test_a_full_document_takes_no_newcomer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
