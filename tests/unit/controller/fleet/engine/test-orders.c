/* Which order is taken in which state, and what can be started. */
#include "tests/lib/test.h"

#include <errno.h>
#include <string.h>

#include "controller/fleet/engine/rollout.h"
#include "tests/sim/fleet-model.h"

#define BIT(state) (1U << ROLLOUT_STATE(state))

static const uint32_t waves[] = {1000, PERMYRIAD};

static Rollout *make(RolloutState state)
{
    Rollout *rollout = fleet_model_draft(waves, ARRAY_SIZE(waves), 60, 60);

    rollout->state = state;
    return rollout;
}

static void drop(Rollout *rollout)
{
    vmreclaim__fleet__v1__rollout__free_unpacked(rollout, NULL);
}

static int order(Rollout *rollout, enum rollout_verb verb, struct error *error)
{
    const struct rollout_order asked = {
        .verb = verb, .author = "ann", .reason = "lunch", .time_ns = 5, .epoch = 3};

    return rollout_order(rollout, &asked, error);
}

static void test_every_verb_in_every_state(void **state)
{
    static const struct {
        unsigned from;
        RolloutState to;
    } expected[ROLLOUT_VERB_COUNT] = {
        [ROLLOUT_START] = {BIT(DRAFT), ROLLOUT_STATE(WRITING)},
        [ROLLOUT_PAUSE] = {BIT(WRITING) | BIT(SOAKING) | BIT(JUDGING), ROLLOUT_STATE(PAUSED)},
        [ROLLOUT_RESUME] = {BIT(PAUSED), ROLLOUT_STATE(JUDGING)},
        [ROLLOUT_ABORT] = {BIT(DRAFT) | BIT(WRITING) | BIT(SOAKING) | BIT(JUDGING) | BIT(PAUSED),
                           ROLLOUT_STATE(ABORTED)},
        [ROLLOUT_ROLLBACK] = {BIT(WRITING) | BIT(SOAKING) | BIT(JUDGING) | BIT(PAUSED) |
                                  BIT(ABORTED) | BIT(COMPLETE),
                              ROLLOUT_STATE(REVERTING)},
        [ROLLOUT_SUPERSEDE] = {BIT(DRAFT) | BIT(WRITING) | BIT(SOAKING) | BIT(JUDGING) |
                                   BIT(PAUSED) | BIT(ABORTED) | BIT(COMPLETE),
                               ROLLOUT_STATE(SUPERSEDED)},
    };

    (void)state;
    for (unsigned verb = 0; verb < ROLLOUT_VERB_COUNT; verb++)
        for (unsigned from = 0; from < ROLLOUT_STATE_COUNT; from++) {
            Rollout *rollout = make((RolloutState)from);
            int r = order(rollout, (enum rollout_verb)verb, NULL);
            bool is_taken = (expected[verb].from & 1U << from) != 0;

            if (r != (is_taken ? 0 : -EBUSY) ||
                rollout->state != (is_taken ? expected[verb].to : (RolloutState)from))
                fail_msg("verb %u in state %u: %d, then state %d", verb, from, r,
                         (int)rollout->state);
            drop(rollout);
        }
}

static void test_what_is_kept_of_an_order(void **state)
{
    Rollout *rollout = make(ROLLOUT_STATE(SOAKING));
    struct error error;

    (void)state;
    assert_int_equal(order(rollout, ROLLOUT_PAUSE, &error), 0);
    assert_string_equal(rollout->reason, "paused by ann: lunch");
    assert_int_equal(rollout->resumes_to, ROLLOUT_STATE(SOAKING));
    assert_int_equal(rollout->since_ns, 5);
    assert_int_equal(rollout->epoch, 3);
    assert_int_equal(rollout->n_history, 1);
    assert_int_equal(order(rollout, ROLLOUT_PAUSE, &error), -EBUSY);
    assert_non_null(strstr(error.text, "is paused and takes no pause"));

    /* Paused again while it is judged after the resumption, it has not forgotten. */
    assert_int_equal(order(rollout, ROLLOUT_RESUME, &error), 0);
    assert_int_equal(order(rollout, ROLLOUT_PAUSE, &error), 0);
    assert_int_equal(rollout->resumes_to, ROLLOUT_STATE(SOAKING));
    drop(rollout);
}

static void test_resuming_forgets_failures(void **state)
{
    Rollout *rollout = make(ROLLOUT_STATE(PAUSED));
    GateState *gate = document_gate(rollout, "pressure");

    (void)state;
    gate->failed_in_a_row = gate->without_data = 3;
    assert_int_equal(order(rollout, ROLLOUT_RESUME, NULL), 0);
    assert_int_equal(gate->failed_in_a_row, 0);
    assert_int_equal(gate->without_data, 0);
    drop(rollout);
}

static void test_who_leads_no_more_orders_nothing(void **state)
{
    Rollout *rollout = make(ROLLOUT_STATE(SOAKING));
    struct error error;

    (void)state;
    rollout->epoch = 4;
    assert_int_equal(order(rollout, ROLLOUT_PAUSE, &error), -ESTALE);
    assert_int_equal(rollout->state, ROLLOUT_STATE(SOAKING));
    drop(rollout);
}

static void test_history_is_bounded(void **state)
{
    Rollout *rollout = make(ROLLOUT_STATE(SOAKING));

    (void)state;
    for (unsigned i = 0; i < DOCUMENT_HISTORY_MAX; i++) {
        assert_int_equal(order(rollout, ROLLOUT_PAUSE, NULL), 0);
        assert_int_equal(order(rollout, ROLLOUT_RESUME, NULL), 0);
    }
    assert_int_equal(rollout->n_history, DOCUMENT_HISTORY_MAX);
    assert_non_null(strstr(rollout->history[DOCUMENT_HISTORY_MAX - 1], "resumed by ann"));
    drop(rollout);
}

/* ---- what can be started ---- */

static void expect_refused(Rollout *rollout, const char *part)
{
    struct error error;

    assert_int_equal(order(rollout, ROLLOUT_START, &error), -EINVAL);
    if (strstr(error.text, part) == NULL)
        fail_msg("\"%s\" without \"%s\"", error.text, part);
}

static void test_what_cannot_be_started(void **state)
{
    Rollout *rollout = make(ROLLOUT_STATE(DRAFT));

    (void)state;
    rollout->waves_permyriad[1] = 9999;
    expect_refused(rollout, "the last one is 100%");
    rollout->waves_permyriad[1] = 1000;
    expect_refused(rollout, "each is more than the one before");
    rollout->waves_permyriad[1] = PERMYRIAD + 1;
    expect_refused(rollout, "at most 100 %");
    rollout->waves_permyriad[1] = PERMYRIAD;
    rollout->waves_permyriad[0] = 0;
    expect_refused(rollout, "each is more than the one before");
    rollout->waves_permyriad[0] = 1;
    rollout->soak_ns = -1;
    expect_refused(rollout, "soak");
    rollout->soak_ns = 0;
    assert_int_equal(document_set_text(&rollout->canary_selector, "label:"), 0);
    expect_refused(rollout, "does not say which hosts");
    assert_int_equal(document_set_text(&rollout->canary_selector, "h1"), 0);
    assert_int_equal(document_set_text(&rollout->host_selector, "a b"), 0);
    expect_refused(rollout, "matches no host");
    assert_int_equal(document_set_text(&rollout->host_selector, "h*"), 0);
    assert_int_equal(document_set_text(&rollout->policy, "x 0\r\n\r\nPUB vmr.v1.policy.h1"), 0);
    expect_refused(rollout, "other than letters");
    assert_int_equal(document_set_text(&rollout->policy, "*"), 0);
    expect_refused(rollout, "other than letters");
    assert_int_equal(document_set_text(&rollout->policy, "gentle"), 0);
    assert_int_equal(document_set_text(&rollout->text, ""), 0);
    expect_refused(rollout, "text");
    assert_int_equal(document_set_text(&rollout->text, "name: gentle\n"), 0);
    assert_int_equal(order(rollout, ROLLOUT_START, NULL), 0);
    drop(rollout);
}

/* Every host would refuse it, with all else that the fleet wants of it. */
static void test_vms_that_nobody_means(void **state)
{
    static const char *const wrong[] = {"", "label:", "web-[", "a b"};
    char *selectors[257];

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        Rollout *rollout = make(ROLLOUT_STATE(DRAFT));

        selectors[0] = (char *)wrong[i];
        rollout->vm_selectors = selectors;
        rollout->n_vm_selectors = 1;
        assert_int_equal(rollout_check(rollout, NULL), -EINVAL);
        selectors[0] = (char *)"web-*";
        assert_int_equal(rollout_check(rollout, NULL), 0);
        for (size_t j = 0; j < ARRAY_SIZE(selectors); j++)
            selectors[j] = (char *)"web-*";
        rollout->n_vm_selectors = ARRAY_SIZE(selectors);
        assert_int_equal(rollout_check(rollout, NULL), -EINVAL);
        rollout->vm_selectors = NULL;
        rollout->n_vm_selectors = 0;
        drop(rollout);
    }
}

static void test_start_values(void **state)
{
    Rollout *rollout = fleet_model_draft(NULL, 0, 0, 0);

    (void)state;
    assert_int_equal(document_set_text(&rollout->host_selector, ""), 0);
    expect_refused(rollout, "does not say which hosts");
    assert_int_equal(rollout_set_defaults(rollout), 0);
    assert_int_equal(rollout->n_waves_permyriad, 4);
    assert_int_equal(rollout->waves_permyriad[0], 100);
    assert_true(rollout->canary_soak_ns == (int64_t)(3600 * NSEC_PER_SEC));
    assert_true(rollout->soak_ns == (int64_t)(300 * NSEC_PER_SEC));
    assert_string_equal(rollout->host_selector, "all");
    assert_int_equal(order(rollout, ROLLOUT_START, NULL), 0);
    drop(rollout);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_verb_in_every_state),
        cmocka_unit_test(test_what_is_kept_of_an_order),
        cmocka_unit_test(test_resuming_forgets_failures),
        cmocka_unit_test(test_who_leads_no_more_orders_nothing),
        cmocka_unit_test(test_history_is_bounded),
        cmocka_unit_test(test_what_cannot_be_started),
        cmocka_unit_test(test_vms_that_nobody_means),
        cmocka_unit_test(test_start_values),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
