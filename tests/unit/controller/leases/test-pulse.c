/* The decisions of one pulse, on virtual time. */
#include "tests/lib/test.h"

#include <errno.h>
#include <string.h>

#include "controller/leases/pulse.h"

/* A guest that follows as fast as its balloon's driver does, and is read every 50 ms. */
struct world {
    struct pulse pulse;
    struct pulse_input input;
    struct pulse_past past;
    struct pulse_limits limits;
    uint64_t speed;   /* of the balloon, bytes per interval */
    uint64_t use;     /* more that the guest allocates, bytes per interval */
    bool is_constant; /* its total stays as it is: deflate-on-oom */
    bool is_mute;     /* it is not read */
    nsec_t late;      /* a reading is so old when it comes */
    uint64_t lowest_free;
};

static void world_init(struct world *w)
{
    *w = (struct world){
        .input = {.now = 1000 * NSEC_PER_SEC,
                  .ready = true,
                  .running = true,
                  .may_take = true,
                  .ram = 4 * GIB,
                  .actual = 4 * GIB,
                  .target = 4 * GIB,
                  .reading = {.time = 1000 * NSEC_PER_SEC, .total = 4 * GIB, .free = 2 * GIB}},
        .speed = 8 * MIB,
        .lowest_free = UINT64_MAX,
    };
}

static int plan(struct world *w, uint64_t *ret_bytes)
{
    struct error error;

    return pulse_plan(&w->limits, &w->past, &w->input, ret_bytes, &error);
}

static void begin(struct world *w)
{
    uint64_t bytes = 0;

    assert_int_equal(plan(w, &bytes), 0);
    pulse_begin(&w->pulse, 7, bytes, &w->limits, &w->past, &w->input);
}

static void move_guest(struct world *w)
{
    struct pulse_input *input = &w->input;
    uint64_t before = input->actual;

    if (input->actual > input->target)
        input->actual -= min_of(w->speed, input->actual - input->target);
    else
        input->actual += min_of(10 * w->speed, input->target - input->actual);
    input->reading.free += input->actual - before;
    if (!w->is_constant)
        input->reading.total += input->actual - before;
    input->reading.free -= min_of(w->use, input->reading.free);
    w->lowest_free = min_of(w->lowest_free, input->reading.free);
}

/* One interval passes. */
static void pass(struct world *w)
{
    move_guest(w);
    w->input.now += PULSE_INTERVAL;
    if (!w->is_mute)
        w->input.reading.time = w->input.now - w->late;
    w->input.is_back = w->input.actual == 4 * GIB;
    pulse_step(&w->pulse, &w->input);
    if (w->pulse.state != PULSE_NONE)
        w->input.target = w->pulse.base - pulse_depth(&w->pulse);
}

static void run(struct world *w, unsigned intervals)
{
    for (unsigned i = 0; i < intervals; i++)
        pass(w);
}

static void run_until(struct world *w, enum pulse_state state)
{
    for (unsigned i = 0; i < 10000 && w->pulse.state != state; i++)
        pass(w);
    assert_int_equal(w->pulse.state, state);
}

static void test_takes_what_is_free_and_gives_it_back(void **state)
{
    struct world w;

    world_init(&w);
    begin(&w);
    assert_true(w.pulse.bytes == 2 * GIB - 256 * MIB);
    run_until(&w, PULSE_OVER);
    assert_int_equal(w.pulse.end, PULSE_END_DEPTH);
    assert_true(w.pulse.taken >= w.pulse.bytes - 4 * MIB);
    assert_true(w.lowest_free >= 256 * MIB);
    assert_true(w.input.actual == 4 * GIB);
    assert_string_equal(pulse_end_text(w.pulse.end), "");
}

/* With deflate-on-oom the guest's total stays as it is, and what is in the balloon counts as used.
 */
static void test_both_kinds_of_drivers_look_alike(void **state)
{
    struct world w;

    world_init(&w);
    w.is_constant = true;
    begin(&w);
    run_until(&w, PULSE_OVER);
    assert_int_equal(w.pulse.end, PULSE_END_DEPTH);
    assert_true(w.pulse.taken >= w.pulse.bytes - 4 * MIB);
}

static void test_steps_wait_for_a_newer_reading(void **state)
{
    struct world w;
    uint64_t depth;

    world_init(&w);
    begin(&w);
    pulse_step(&w.pulse, &w.input); /* nothing newer than its begin */
    assert_int_equal(w.pulse.state, PULSE_LOOKING);
    run(&w, 1);
    assert_int_equal(w.pulse.state, PULSE_INFLATING);
    assert_true(pulse_depth(&w.pulse) == PULSE_STEP);
    run_until(&w, PULSE_LOOKING);
    depth = pulse_depth(&w.pulse);
    w.is_mute = true;
    run(&w, 20);
    assert_int_equal(w.pulse.state, PULSE_LOOKING);
    assert_true(pulse_depth(&w.pulse) == depth);
    w.is_mute = false;
    run(&w, 1);
    assert_true(pulse_depth(&w.pulse) == depth + PULSE_STEP);
}

/* A reading that the guest took before the step was in says nothing of what is free after it. */
static void test_a_late_answer_is_no_newer_reading(void **state)
{
    struct world w;

    world_init(&w);
    begin(&w);
    run_until(&w, PULSE_INFLATING);
    run_until(&w, PULSE_LOOKING);
    w.late = 500 * NSEC_PER_MSEC;
    run(&w, 1);
    assert_int_equal(w.pulse.state, PULSE_LOOKING);
    w.late = 0;
    run(&w, 1);
    assert_int_equal(w.pulse.state, PULSE_INFLATING);
}

static void test_waits_while_the_balloon_is_not_trusted(void **state)
{
    struct world w;

    world_init(&w);
    w.input.may_take = false;
    begin(&w);
    run(&w, 20);
    assert_int_equal(w.pulse.state, PULSE_LOOKING);
    w.input.may_take = true;
    run(&w, 1);
    assert_int_equal(w.pulse.state, PULSE_INFLATING);
}

static void check_ended(struct world *w, enum pulse_end end)
{
    assert_int_equal(w->pulse.end, end);
    assert_true(pulse_depth(&w->pulse) == 0);
    w->is_mute = false;
    w->input.ready = true;
    w->input.running = true;
    w->use = 0;
    run_until(w, PULSE_OVER);
    assert_true(w->input.actual == 4 * GIB);
    assert_int_equal(w->pulse.end, end);
    assert_string_not_equal(pulse_end_text(end), "");
}

static void test_ends_when_the_guest_allocates(void **state)
{
    for (int is_constant = 0; is_constant <= 1; is_constant++) {
        struct world w;

        world_init(&w);
        w.is_constant = is_constant == 1;
        begin(&w);
        run(&w, 30);
        w.use = 40 * MIB;
        run(&w, 4);
        check_ended(&w, PULSE_END_GROWTH);
        assert_true(w.pulse.past.fastest >= 300 * MIB);
    }
}

/* A little is no reason: every guest does something. */
static void test_goes_on_while_the_guest_uses_little(void **state)
{
    struct world w;

    world_init(&w);
    begin(&w);
    w.use = 1 * MIB;
    run_until(&w, PULSE_OVER);
    assert_true(w.pulse.taken > GIB);
}

static void test_ends_under_the_headroom(void **state)
{
    struct world w;

    world_init(&w);
    begin(&w);
    run(&w, 2);
    run_until(&w, PULSE_LOOKING);
    w.input.reading.free = 200 * MIB;
    w.pulse.look.time = 0; /* a growth is told apart: here only what is left counts */
    run(&w, 1);
    check_ended(&w, PULSE_END_HEADROOM);
}

static void test_ends_when_the_guest_takes_memory_back(void **state)
{
    struct world w;

    world_init(&w);
    begin(&w);
    run(&w, 30);
    w.input.actual += 64 * MIB;
    w.speed = 0;
    run(&w, 1);
    w.speed = 8 * MIB;
    check_ended(&w, PULSE_END_PRESSURE);
}

static void test_ends_when_the_guest_is_not_heard(void **state)
{
    struct world w;

    world_init(&w);
    begin(&w);
    run(&w, 5);
    w.is_mute = true;
    run(&w, 41);
    check_ended(&w, PULSE_END_STALE);
}

static void test_ends_when_the_guest_gives_no_more(void **state)
{
    struct world w;

    world_init(&w);
    begin(&w);
    run(&w, 30);
    w.speed = 0;
    run(&w, 90);
    w.speed = 8 * MIB;
    check_ended(&w, PULSE_END_STALLED);
}

static void test_ends_without_a_driver(void **state)
{
    struct world w;

    world_init(&w);
    w.speed = 0;
    begin(&w);
    run(&w, 79);
    assert_true(pulse_takes(&w.pulse));
    run_until(&w, PULSE_OVER);
    assert_int_equal(w.pulse.end, PULSE_END_NO_DRIVER);
    assert_true(w.input.now - w.pulse.begun < 5 * NSEC_PER_SEC);
}

static void test_ends_with_the_session_and_with_a_pause(void **state)
{
    struct world w;

    world_init(&w);
    begin(&w);
    run(&w, 5);
    w.input.ready = false;
    run(&w, 1);
    check_ended(&w, PULSE_END_LOST);
    world_init(&w);
    begin(&w);
    run(&w, 5);
    w.input.running = false;
    run(&w, 1);
    check_ended(&w, PULSE_END_STOPPED);
}

static void test_never_takes_for_longer_than_two_minutes(void **state)
{
    struct world w;

    world_init(&w);
    w.speed = 256 * KIB;
    begin(&w);
    run(&w, (unsigned)(PULSE_TIME_MAX / PULSE_INTERVAL) + 2);
    w.speed = 8 * MIB;
    check_ended(&w, PULSE_END_TIME);
}

static void test_is_called_off(void **state)
{
    struct world w;

    world_init(&w);
    pulse_abort(&w.pulse, PULSE_END_CALLED_OFF, w.input.now); /* there is none */
    assert_int_equal(w.pulse.state, PULSE_NONE);
    begin(&w);
    run(&w, 5);
    pulse_abort(&w.pulse, PULSE_END_CALLED_OFF, w.input.now);
    pulse_abort(&w.pulse, PULSE_END_INERT, w.input.now); /* it has ended */
    check_ended(&w, PULSE_END_CALLED_OFF);
}

static void test_headroom_follows_what_was_seen(void **state)
{
    const struct pulse_past fast = {
        .fastest = GIB, .reaction = NSEC_PER_SEC, .time = 1000 * NSEC_PER_SEC};
    struct world w;
    uint64_t bytes;

    world_init(&w);
    assert_true(pulse_headroom_min(4 * GIB, &w.past) == 256 * MIB);
    assert_true(pulse_headroom_min(20 * GIB, &w.past) == GIB);
    assert_true(pulse_headroom_min(4 * GIB, &fast) == GIB);
    w.past = (struct pulse_past){.reaction = 2 * NSEC_PER_SEC, .time = 1000 * NSEC_PER_SEC};
    assert_true(pulse_headroom_min(4 * GIB, &w.past) == 512 * MIB); /* unknown is not none */
    w.past = fast;
    assert_int_equal(plan(&w, &bytes), 0);
    assert_true(bytes == GIB);
    w.past.reaction = 2 * NSEC_PER_SEC;
    assert_int_equal(plan(&w, &bytes), -EBUSY);
    w.past = (struct pulse_past){
        .fastest = UINT64_MAX, .reaction = UINT64_MAX, .time = 1000 * NSEC_PER_SEC};
    assert_int_equal(plan(&w, &bytes), -EBUSY);
    w.past.time = 300 * NSEC_PER_SEC; /* the machine was busy then */
    assert_int_equal(plan(&w, &bytes), 0);
    assert_true(bytes == 2 * GIB - 256 * MIB);
}

static void test_readings_that_come_rarely_raise_the_headroom(void **state)
{
    struct world w;

    world_init(&w);
    w.past.fastest = 300 * MIB;
    begin(&w);
    run(&w, 10);
    w.is_mute = true;
    run(&w, 30);
    w.is_mute = false;
    run_until(&w, PULSE_OVER);
    assert_true(w.pulse.past.reaction > 1500 * NSEC_PER_MSEC);
    assert_true(w.lowest_free >= 450 * MIB);
}

static void test_what_is_not_worth_it_is_refused(void **state)
{
    struct world w;
    uint64_t bytes;

    world_init(&w);
    w.limits.min_gain = 2 * GIB;
    assert_int_equal(plan(&w, &bytes), -EBUSY);
    w.limits = (struct pulse_limits){.headroom = 2 * GIB};
    assert_int_equal(plan(&w, &bytes), -EBUSY);
    w.limits = (struct pulse_limits){0};
    w.input.is_strange = true;
    assert_int_equal(plan(&w, &bytes), -EBUSY);
    w.input.is_strange = false;
    w.input.running = false;
    assert_int_equal(plan(&w, &bytes), -EBUSY);
    w.input.running = true;
    w.input.now += 3 * NSEC_PER_SEC;
    assert_int_equal(plan(&w, &bytes), -EBUSY);
    w.input.reading.time = 0;
    assert_int_equal(plan(&w, &bytes), -EBUSY);
}

static void test_only_the_table_s_changes(void **state)
{
    static const char allowed[PULSE_STATE_COUNT][PULSE_STATE_COUNT + 1] = {
        /*                 NLIDO */
        [PULSE_NONE] = ".x...",      [PULSE_LOOKING] = "..xx.", [PULSE_INFLATING] = ".x.x.",
        [PULSE_DEFLATING] = "....x", [PULSE_OVER] = ".x...",
    };

    for (unsigned from = 0; from < PULSE_STATE_COUNT; from++)
        for (unsigned to = 0; to < PULSE_STATE_COUNT; to++)
            assert_int_equal(pulse_state_may_follow((enum pulse_state)from, (enum pulse_state)to),
                             allowed[from][to] == 'x');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_takes_what_is_free_and_gives_it_back),
        cmocka_unit_test(test_both_kinds_of_drivers_look_alike),
        cmocka_unit_test(test_steps_wait_for_a_newer_reading),
        cmocka_unit_test(test_a_late_answer_is_no_newer_reading),
        cmocka_unit_test(test_waits_while_the_balloon_is_not_trusted),
        cmocka_unit_test(test_ends_when_the_guest_allocates),
        cmocka_unit_test(test_goes_on_while_the_guest_uses_little),
        cmocka_unit_test(test_ends_under_the_headroom),
        cmocka_unit_test(test_ends_when_the_guest_takes_memory_back),
        cmocka_unit_test(test_ends_when_the_guest_is_not_heard),
        cmocka_unit_test(test_ends_when_the_guest_gives_no_more),
        cmocka_unit_test(test_ends_without_a_driver),
        cmocka_unit_test(test_ends_with_the_session_and_with_a_pause),
        cmocka_unit_test(test_never_takes_for_longer_than_two_minutes),
        cmocka_unit_test(test_is_called_off),
        cmocka_unit_test(test_headroom_follows_what_was_seen),
        cmocka_unit_test(test_readings_that_come_rarely_raise_the_headroom),
        cmocka_unit_test(test_what_is_not_worth_it_is_refused),
        cmocka_unit_test(test_only_the_table_s_changes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
