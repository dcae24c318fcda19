/* How long who did what must wait, and who is remembered. */
#include "tests/lib/test.h"

#include "controller/guests/standing.h"
#include "controller/guests/strangers.h"

#define MS NSEC_PER_MSEC
#define S  NSEC_PER_SEC

static nsec_t delay_after(struct agent_standing *standing, enum agent_ending ending)
{
    agent_standing_ended(standing, ending, 1000 * S, 0);
    return standing->delay;
}

static void test_delays_grow_up_to_the_ending_s_limit(void **state)
{
    static const struct {
        enum agent_ending ending;
        nsec_t delays[5];
    } rows[] = {
        {AGENT_STAYED, {0, 0, 0, 0, 0}},
        {AGENT_LEFT, {S, 4 * S, 10 * S, 10 * S, 10 * S}},
        {AGENT_ABSENT, {250 * MS, S, 2 * S, 2 * S, 2 * S}},
        {AGENT_FAILED, {4 * S, 16 * S, 30 * S, 30 * S, 30 * S}},
        {AGENT_BROKE, {4 * S, 16 * S, 60 * S, 60 * S, 60 * S}},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct agent_standing standing;

        agent_standing_init(&standing);
        assert_true(agent_standing_admits(&standing, 0));
        for (size_t j = 0; j < ARRAY_SIZE(rows[i].delays); j++)
            assert_int_equal(delay_after(&standing, rows[i].ending), rows[i].delays[j]);
    }
}

/* A guest that is away between two offences is not forgiven for it. */
static void test_a_better_ending_halves(void **state)
{
    struct agent_standing standing;

    agent_standing_init(&standing);
    for (unsigned i = 0; i < 8; i++)
        (void)delay_after(&standing, AGENT_BROKE);
    assert_int_equal(delay_after(&standing, AGENT_ABSENT), 30 * S);
    assert_int_equal(delay_after(&standing, AGENT_BROKE), 60 * S);
    assert_int_equal(delay_after(&standing, AGENT_LEFT), 30 * S);
    assert_int_equal(delay_after(&standing, AGENT_LEFT), 15 * S);
    assert_int_equal(delay_after(&standing, AGENT_STAYED), 0);
    assert_true(agent_standing_admits(&standing, 1000 * S));
}

static void test_chance_spreads(void **state)
{
    struct agent_standing standing;

    agent_standing_init(&standing);
    agent_standing_ended(&standing, AGENT_BROKE, 1000 * S, 0);
    assert_int_equal(standing.not_before, 1003 * S);
    assert_false(agent_standing_admits(&standing, 1003 * S - 1));
    assert_true(agent_standing_admits(&standing, 1003 * S));
    agent_standing_init(&standing);
    agent_standing_ended(&standing, AGENT_BROKE, 1000 * S, UINT32_MAX);
    assert_true(standing.not_before > 1005 * S - MS);
    assert_true(standing.not_before <= 1005 * S);
}

static void test_strangers(void **state)
{
    struct agent_standing standing;
    struct strangers strangers;

    agent_standing_init(&standing);
    strangers_init(&strangers);
    assert_null(strangers_find(&strangers, 7));
    for (uint32_t cid = 3; cid < 3 + STRANGERS_MAX; cid++) {
        standing.delay = cid;
        strangers_remember(&strangers, cid, &standing);
    }
    assert_int_equal(strangers_find(&strangers, 7)->delay, 7);
    /* One that is heard of again is not the oldest any more. */
    standing.delay = 1;
    strangers_remember(&strangers, 3, &standing);
    assert_int_equal(strangers.count, STRANGERS_MAX);
    strangers_remember(&strangers, 5000, &standing);
    assert_int_equal(strangers.count, STRANGERS_MAX);
    assert_int_equal(strangers_find(&strangers, 3)->delay, 1);
    assert_null(strangers_find(&strangers, 4));
    assert_non_null(strangers_find(&strangers, 5000));
    strangers_finish(&strangers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_delays_grow_up_to_the_ending_s_limit),
        cmocka_unit_test(test_a_better_ending_halves),
        cmocka_unit_test(test_chance_spreads),
        cmocka_unit_test(test_strangers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
