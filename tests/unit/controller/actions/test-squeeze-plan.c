/* The order of a squeeze: which step follows what came of the last. */
#include "tests/lib/test.h"

#include "common/base/number.h"
#include "controller/actions/squeeze-plan.h"

#define START (1000 * NSEC_PER_SEC)

static struct squeeze_plan plan;
static struct squeeze_input input;
static struct squeeze_order last;

/* A guest that has something for every step, and a host that gets what it reports. */
static int set_up(void **state)
{
    input = (struct squeeze_input){
        .now = START,
        .footprint = 4 * GIB,
        .gains = {.is_known = true,
                  .comes_back = true,
                  .takes_commands = true,
                  .worth = 40 * MIB,
                  .cache = GIB,
                  .all_cache = GIB + 128 * MIB,
                  .trapped = 800 * MIB,
                  .small = 900 * MIB,
                  .order = 9,
                  .lowest = 5,
                  .order_for_a_while = true,
                  .waiting = 300 * MIB,
                  .size = GIB},
    };
    return 0;
}

static void begin(const struct squeeze_asked *asked)
{
    squeeze_plan_begin(&plan, asked, START);
}

static void expect(enum squeeze_step step)
{
    last = squeeze_plan_next(&plan, &input);
    assert_string_equal(squeeze_step_name(last.step), squeeze_step_name(step));
}

static void expect_end(enum squeeze_end end)
{
    expect(SQUEEZE_NO_STEP);
    assert_string_equal(squeeze_end_name(plan.end), squeeze_end_name(end));
}

static void brings(uint64_t bytes)
{
    squeeze_plan_took(&plan, SQUEEZE_TAKEN, (int64_t)bytes);
}

static void test_every_step_in_its_order(void **state)
{
    begin(&(struct squeeze_asked){.drop = true});
    expect(SQUEEZE_CACHE);
    assert_int_equal(last.bytes, 0); /* down to the floor */
    assert_int_equal(last.time_limit, SQUEEZE_TIME_DEFAULT - 15 * NSEC_PER_SEC);
    brings(GIB);
    input.gains.cache = 0;
    input.gains.all_cache = 128 * MIB;
    expect(SQUEEZE_DROP);
    brings(100 * MIB);
    expect(SQUEEZE_COMPACT);
    brings(100 * MIB); /* an eighth of what it promised */
    expect(SQUEEZE_ORDER);
    assert_int_equal(last.order, 5);
    assert_int_not_equal(last.time_limit, 0);
    brings(700 * MIB);
    expect(SQUEEZE_KICK);
    brings(0);
    expect(SQUEEZE_RESTORE);
    brings(0);
    expect_end(SQUEEZE_END_DONE);
}

static void test_what_is_not_asked_for_is_not_done(void **state)
{
    begin(&(struct squeeze_asked){.size = 0});
    input.gains.cache = 39 * MIB; /* not worth it */
    input.gains.small = 0;
    expect(SQUEEZE_COMPACT); /* no drop */
    brings(0);
    expect(SQUEEZE_KICK);
    brings(0);
    expect_end(SQUEEZE_END_DONE); /* nothing to restore, nobody to hold */
}

static void test_a_step_is_taken_again_while_it_brings_something(void **state)
{
    begin(&(struct squeeze_asked){.size = 0});
    expect(SQUEEZE_CACHE);
    brings(512 * MIB);
    input.gains.cache = 512 * MIB;
    expect(SQUEEZE_CACHE);
    brings(100 * MIB);
    input.gains.cache = 400 * MIB;
    expect(SQUEEZE_COMPACT);
    squeeze_plan_took(&plan, SQUEEZE_REFUSED, 0);
    expect(SQUEEZE_ORDER);
}

static void test_never_without_end(void **state)
{
    unsigned steps = 0;

    begin(&(struct squeeze_asked){.hold = true});
    while (squeeze_plan_next(&plan, &input).step != SQUEEZE_NO_STEP) {
        steps++;
        brings(GIB);
    }
    assert_in_range(steps, 3, SQUEEZE_STEPS_MAX);
    assert_false(plan.is_lowered);
}

static void test_to_a_size(void **state)
{
    begin(&(struct squeeze_asked){.size = 3 * GIB + 512 * MIB});
    expect(SQUEEZE_CACHE);
    assert_int_equal(last.bytes, 512 * MIB); /* no more than that */
    brings(300 * MIB);
    input.footprint -= 300 * MIB;
    expect(SQUEEZE_CACHE);
    assert_int_equal(last.bytes, 212 * MIB);
    brings(212 * MIB);
    input.footprint -= 212 * MIB;
    expect_end(SQUEEZE_END_REACHED);
}

static void test_the_time_is_over(void **state)
{
    begin(&(struct squeeze_asked){.time_limit = 30 * NSEC_PER_SEC, .hold = true});
    expect(SQUEEZE_CACHE);
    assert_int_equal(last.time_limit, 20 * NSEC_PER_SEC);
    assert_false(squeeze_plan_is_late(&plan, START + 29 * NSEC_PER_SEC));
    brings(0);
    expect(SQUEEZE_COMPACT);
    brings(0);
    expect(SQUEEZE_ORDER);
    input.now = START + 30 * NSEC_PER_SEC;
    assert_true(squeeze_plan_is_late(&plan, input.now));
    brings(0);
    expect(SQUEEZE_RESTORE); /* comes after it */
    assert_false(squeeze_plan_is_late(&plan, input.now));
    brings(0);
    expect(SQUEEZE_HOLD);
    brings(0);
    expect_end(SQUEEZE_END_TIME);
}

static void test_pressure_ends_it(void **state)
{
    begin(&(struct squeeze_asked){.hold = true});
    input.gains.cache = input.gains.trapped = 0;
    expect(SQUEEZE_ORDER);
    squeeze_plan_took(&plan, SQUEEZE_SHORT, 100);
    expect(SQUEEZE_RESTORE);
    brings(0);
    expect_end(SQUEEZE_END_PRESSURE); /* and nothing is held */
}

static void test_who_asked_went_away(void **state)
{
    begin(&(struct squeeze_asked){.hold = true});
    input.gains.cache = input.gains.trapped = 0;
    expect(SQUEEZE_ORDER);
    squeeze_plan_stop(&plan, SQUEEZE_END_LEFT);
    squeeze_plan_stop(&plan, SQUEEZE_END_FAILED); /* the first stands */
    brings(0);
    expect(SQUEEZE_RESTORE);
    brings(0);
    expect_end(SQUEEZE_END_LEFT);
}

/* Its agent would leave the order as it was set, when nobody is there to restore it. */
static void test_an_older_agents_order_stays(void **state)
{
    begin(&(struct squeeze_asked){.size = 0});
    input.gains.order_for_a_while = false;
    input.gains.cache = input.gains.trapped = 0;
    expect(SQUEEZE_KICK);
}

static void test_where_nothing_is_reported(void **state)
{
    begin(&(struct squeeze_asked){.size = 0});
    input.gains.comes_back = false;
    expect_end(SQUEEZE_END_BLOCKED);
    begin(&(struct squeeze_asked){.hold = true});
    expect(SQUEEZE_HOLD); /* the balloon takes it */
    brings(GIB);
    expect_end(SQUEEZE_END_BLOCKED);
}

static void test_a_pulse_does_what_reporting_does_not(void **state)
{
    begin(&(struct squeeze_asked){.hold = true});
    input.gains.comes_back = false;
    input.gains.may_pulse = true;
    expect(SQUEEZE_CACHE); /* it becomes free */
    brings(0);
    expect(SQUEEZE_PULSE);
    brings(GIB);
    expect(SQUEEZE_HOLD);
    assert_int_equal(last.bytes, GIB);
    brings(0);
    expect_end(SQUEEZE_END_DONE);
}

static void test_without_an_agent(void **state)
{
    begin(&(struct squeeze_asked){.hold = true});
    input.gains = (struct gains){.comes_back = true, .worth = 40 * MIB};
    expect_end(SQUEEZE_END_NO_AGENT);
    begin(&(struct squeeze_asked){.size = 0});
    input.gains.comes_back = false;
    input.gains.may_pulse = true;
    expect(SQUEEZE_PULSE);
    brings(0);
    expect_end(SQUEEZE_END_DONE);
}

/* "done" would be said of a guest that nothing was done to. */
static void test_where_each_step_is_refused(void **state)
{
    begin(&(struct squeeze_asked){.size = 0});
    input.gains = (struct gains){.may_pulse = true, .worth = 40 * MIB};
    expect(SQUEEZE_PULSE);
    squeeze_plan_took(&plan, SQUEEZE_REFUSED, 0);
    expect_end(SQUEEZE_END_REFUSED);
    begin(&(struct squeeze_asked){.size = 0});
    input.gains = (struct gains){.is_known = true,
                                 .takes_commands = true,
                                 .may_pulse = true,
                                 .worth = 40 * MIB,
                                 .cache = GIB};
    expect(SQUEEZE_CACHE);
    brings(GIB);
    input.gains.cache = 0;
    expect(SQUEEZE_PULSE);
    squeeze_plan_took(&plan, SQUEEZE_REFUSED, 0);
    expect_end(SQUEEZE_END_DONE);
}

/* A size that was asked for is not gone below. */
static void test_what_is_held(void **state)
{
    begin(&(struct squeeze_asked){.size = 5 * GIB, .hold = true, .hold_time = NSEC_PER_SEC});
    expect(SQUEEZE_HOLD);
    assert_int_equal(last.bytes, 5 * GIB);
    brings(0);
    expect_end(SQUEEZE_END_REACHED);
    begin(&(struct squeeze_asked){.size = 5 * GIB, .hold = true});
    input.gains.size = 0; /* the balloon is not ours to move */
    expect(SQUEEZE_HOLD);
    assert_int_equal(last.bytes, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_every_step_in_its_order, set_up),
        cmocka_unit_test_setup(test_what_is_not_asked_for_is_not_done, set_up),
        cmocka_unit_test_setup(test_a_step_is_taken_again_while_it_brings_something, set_up),
        cmocka_unit_test_setup(test_never_without_end, set_up),
        cmocka_unit_test_setup(test_to_a_size, set_up),
        cmocka_unit_test_setup(test_the_time_is_over, set_up),
        cmocka_unit_test_setup(test_pressure_ends_it, set_up),
        cmocka_unit_test_setup(test_who_asked_went_away, set_up),
        cmocka_unit_test_setup(test_an_older_agents_order_stays, set_up),
        cmocka_unit_test_setup(test_where_nothing_is_reported, set_up),
        cmocka_unit_test_setup(test_a_pulse_does_what_reporting_does_not, set_up),
        cmocka_unit_test_setup(test_without_an_agent, set_up),
        cmocka_unit_test_setup(test_where_each_step_is_refused, set_up),
        cmocka_unit_test_setup(test_what_is_held, set_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
