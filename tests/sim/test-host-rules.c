/* What must hold of a day under host rules; the figures are in README.md. */
#include "tests/lib/test.h"

#include "tests/sim/host-rules.h"

#define SEED 7

static struct host_result results[HOST_RULE_COUNT];

static int run_days(void **state)
{
    for (unsigned rule = 0; rule < HOST_RULE_COUNT; rule++)
        host_day_run((enum host_rule)rule, SEED, &results[rule]);
    return 0;
}

/* Nothing that the guest had is taken: it reads again what it would have anyway. */
static void test_pulses_cost_the_guest_nothing(void **state)
{
    const struct host_result *alone = &results[HOST_AGENTLESS];

    assert_true(alone->pulses >= 1 && alone->pulses < 50);
    assert_true(alone->byte_hours < results[HOST_NOTHING].byte_hours * 0.95);
    assert_true(alone->refaults <= results[HOST_NOTHING].refaults * 1.01);
    assert_true(alone->stalled <= results[HOST_NOTHING].stalled);
}

/* Its engine frees cache for them, with what it has learned. */
static void test_an_agent_brings_the_cache(void **state)
{
    const struct host_result *agent = &results[HOST_AGENT];

    assert_true(agent->byte_hours < results[HOST_AGENTLESS].byte_hours / 3);
    assert_true(agent->refaults <= results[HOST_AGENT_WHOLE].refaults * 2);
    assert_true(agent->stalled <= results[HOST_NOTHING].stalled);
}

/* Else the model would not show what its incidents were. */
static void test_a_balloon_that_is_held_stalls_the_guest(void **state)
{
    assert_true(results[HOST_VM0].stalled > 5);
    assert_true(results[HOST_VM0].refaults > 100 * results[HOST_REPORTING].refaults);
}

static void test_the_days_own_guest_is_the_same(void **state)
{
    assert_true(results[HOST_AGENT_WHOLE].byte_hours < results[HOST_REPORTING].byte_hours / 4);
    assert_true(results[HOST_REPORTING].byte_hours < results[HOST_NOTHING].byte_hours);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pulses_cost_the_guest_nothing),
        cmocka_unit_test(test_an_agent_brings_the_cache),
        cmocka_unit_test(test_a_balloon_that_is_held_stalls_the_guest),
        cmocka_unit_test(test_the_days_own_guest_is_the_same),
    };

    return cmocka_run_group_tests(tests, run_days, NULL);
}
