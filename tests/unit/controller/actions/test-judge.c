/* Confidence: which figures confirm each other. */
#include "tests/lib/test.h"

#include <stdbool.h>
#include <string.h>

#include "common/base/number.h"
#include "common/base/time.h"
#include "controller/actions/judge.h"

typedef Vmreclaim__Controller__V1__Action Action;
typedef Vmreclaim__Controller__V1__ActionSample ActionSample;

enum {
    LOW = VMRECLAIM__CONTROLLER__V1__CONFIDENCE__CONFIDENCE_LOW,
    MEDIUM = VMRECLAIM__CONTROLLER__V1__CONFIDENCE__CONFIDENCE_MEDIUM,
    HIGH = VMRECLAIM__CONTROLLER__V1__CONFIDENCE__CONFIDENCE_HIGH,
};

static void test_confidence(void **state)
{
    static const struct {
        int64_t returned;
        int64_t drift;
        bool known;
        uint64_t reported_before;
        uint64_t reported_after;
        int confidence;
        int64_t guest_reported;
    } cases[] = {
        {500 * (int64_t)MIB, 0, true, 100 * MIB, 600 * MIB, HIGH, 500 * (int64_t)MIB},
        {500 * (int64_t)MIB, 0, true, 100 * MIB, 640 * MIB, HIGH, 540 * (int64_t)MIB},
        {500 * (int64_t)MIB, 0, true, 100 * MIB, 100 * MIB, LOW, 0},
        {0, 0, true, 100 * MIB, 700 * MIB, LOW, 600 * (int64_t)MIB},
        {0, 0, true, 100 * MIB, 110 * MIB, HIGH, 10 * (int64_t)MIB},
        {500 * (int64_t)MIB, 0, false, 0, 0, MEDIUM, 0},
        {500 * (int64_t)MIB, 0, true, 0, 0, MEDIUM, 0}, /* no page flags in this guest */
        {10 * (int64_t)MIB, -(int64_t)(100 * MIB), true, 0, 10 * MIB, LOW, 10 * (int64_t)MIB},
        {-(int64_t)(200 * MIB), 0, true, 400 * MIB, 200 * MIB, HIGH, -(int64_t)(200 * MIB)},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        Action action = VMRECLAIM__CONTROLLER__V1__ACTION__INIT;
        ActionSample before = VMRECLAIM__CONTROLLER__V1__ACTION_SAMPLE__INIT;
        ActionSample after = VMRECLAIM__CONTROLLER__V1__ACTION_SAMPLE__INIT;
        ActionSample *samples[] = {&before, &after};
        before.phase = VMRECLAIM__CONTROLLER__V1__ACTION_PHASE__ACTION_PHASE_BEFORE;
        after.phase = VMRECLAIM__CONTROLLER__V1__ACTION_PHASE__ACTION_PHASE_AFTER;
        before.guest_is_known = after.guest_is_known = cases[i].known;
        before.reported = cases[i].reported_before;
        after.reported = cases[i].reported_after;
        action.footprint_before = GIB;
        action.samples = samples;
        action.n_samples = 2;
        action.host_returned = cases[i].returned;
        action.drift = cases[i].drift;
        judge_action(&action);
        assert_int_equal(action.confidence, cases[i].confidence);
        assert_int_equal(action.guest_reported, cases[i].guest_reported);
    }
}

static void test_without_samples(void **state)
{
    Action action = VMRECLAIM__CONTROLLER__V1__ACTION__INIT;

    judge_action(&action); /* the host was not measured at all */
    assert_int_equal(action.confidence, LOW);
    action.footprint_before = GIB;
    judge_action(&action);
    assert_int_equal(action.confidence, MEDIUM);
}

/* A footprint that stood still has not fallen by itself. */
static void test_a_drift_that_did_not_come(void **state)
{
    Action action = VMRECLAIM__CONTROLLER__V1__ACTION__INIT;

    action.footprint_before = GIB;
    action.drift = -(int64_t)(66 * MIB);
    assert_int_equal(judge_returned(&action, GIB), 0);
    assert_int_equal(judge_drift(&action, GIB), 0);
    assert_int_equal(judge_returned(&action, GIB - 20 * MIB), 0);
    assert_int_equal(judge_drift(&action, GIB - 20 * MIB), -20 * (int64_t)MIB);
    assert_int_equal(judge_returned(&action, GIB - 100 * MIB), 34 * (int64_t)MIB);
    assert_int_equal(judge_returned(&action, GIB + 30 * MIB), -30 * (int64_t)MIB);
}

/* A quarter of what a run brought, and drift that is its part already. */
static void test_a_share(void **state)
{
    Action action = VMRECLAIM__CONTROLLER__V1__ACTION__INIT;
    ActionSample before = VMRECLAIM__CONTROLLER__V1__ACTION_SAMPLE__INIT;
    ActionSample after = VMRECLAIM__CONTROLLER__V1__ACTION_SAMPLE__INIT;
    ActionSample *samples[] = {&before, &after};

    action.footprint_before = GIB;
    action.drift = -(int64_t)(10 * MIB);
    assert_int_equal(judge_returned(&action, GIB - 400 * MIB), 390 * (int64_t)MIB);
    action.share = 5;
    action.share_of = 20;
    assert_int_equal(judge_returned(&action, GIB - 400 * MIB), 90 * (int64_t)MIB);
    assert_int_equal(judge_returned(&action, GIB + 400 * MIB), -100 * (int64_t)MIB);
    before.phase = VMRECLAIM__CONTROLLER__V1__ACTION_PHASE__ACTION_PHASE_BEFORE;
    after.phase = VMRECLAIM__CONTROLLER__V1__ACTION_PHASE__ACTION_PHASE_AFTER;
    before.guest_is_known = after.guest_is_known = true;
    after.reported = 400 * MIB;
    action.samples = samples;
    action.n_samples = 2;
    action.host_returned = 90 * (int64_t)MIB;
    judge_action(&action);
    assert_int_equal(action.guest_reported, 100 * MIB);
    assert_int_equal(action.confidence, MEDIUM);
}

/* The footprint of its begin was read long before it. */
static void test_a_begin_that_is_not_exact(void **state)
{
    Action action = VMRECLAIM__CONTROLLER__V1__ACTION__INIT;
    ActionSample before = VMRECLAIM__CONTROLLER__V1__ACTION_SAMPLE__INIT;
    ActionSample after = VMRECLAIM__CONTROLLER__V1__ACTION_SAMPLE__INIT;
    ActionSample *samples[] = {&before, &after};

    before.phase = VMRECLAIM__CONTROLLER__V1__ACTION_PHASE__ACTION_PHASE_BEFORE;
    after.phase = VMRECLAIM__CONTROLLER__V1__ACTION_PHASE__ACTION_PHASE_AFTER;
    before.guest_is_known = after.guest_is_known = true;
    before.reported = after.reported = MIB;
    action.footprint_before = GIB;
    action.samples = samples;
    action.n_samples = 2;
    action.started_ns = 100 * (int64_t)NSEC_PER_SEC;
    before.time_ns = 98 * (int64_t)NSEC_PER_SEC;
    judge_action(&action);
    assert_int_equal(action.confidence, HIGH);
    before.time_ns = 90 * (int64_t)NSEC_PER_SEC;
    judge_action(&action);
    assert_int_equal(action.confidence, MEDIUM);
}

/* What a balloon takes confirms what the host got; what it gives back is no proof of anything. */
static void test_a_balloon(void **state)
{
    static const struct {
        uint64_t before;
        uint64_t after;
        int64_t returned;
        int confidence;
        int64_t guest_reported;
    } cases[] = {
        {0, 256 * MIB, 250 * (int64_t)MIB, HIGH, 256 * (int64_t)MIB},
        {0, 256 * MIB, 0, LOW, 256 * (int64_t)MIB},
        {256 * MIB, 0, 0, MEDIUM, 0},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        Action action = VMRECLAIM__CONTROLLER__V1__ACTION__INIT;
        ActionSample before = VMRECLAIM__CONTROLLER__V1__ACTION_SAMPLE__INIT;
        ActionSample after = VMRECLAIM__CONTROLLER__V1__ACTION_SAMPLE__INIT;
        ActionSample *samples[] = {&before, &after};
        before.phase = VMRECLAIM__CONTROLLER__V1__ACTION_PHASE__ACTION_PHASE_BEFORE;
        after.phase = VMRECLAIM__CONTROLLER__V1__ACTION_PHASE__ACTION_PHASE_AFTER;
        before.guest_is_known = after.guest_is_known = true;
        before.balloon = cases[i].before;
        after.balloon = cases[i].after;
        action.footprint_before = GIB;
        action.host_returned = cases[i].returned;
        action.samples = samples;
        action.n_samples = 2;
        judge_action(&action);
        assert_int_equal(action.confidence, cases[i].confidence);
        assert_int_equal(action.guest_reported, cases[i].guest_reported);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_confidence),
        cmocka_unit_test(test_without_samples),
        cmocka_unit_test(test_a_drift_that_did_not_come),
        cmocka_unit_test(test_a_share),
        cmocka_unit_test(test_a_balloon),
        cmocka_unit_test(test_a_begin_that_is_not_exact),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
