/* A pulse and the balloon that carries it, on virtual time: the journal, the leases beside it, and
 * that everything is given back. */
#include "tests/unit/controller/leases/balloon-world.h"

#include "controller/leases/balloon-pulse.h"

#define STEP (50 * NSEC_PER_MSEC)

static void pulse_world_init(struct world *w)
{
    world_init(w);
    w->input.guest_total = 4 * GIB;
    w->input.guest_free = 2 * GIB;
    w->input.available = 3 * GIB;
}

/* The free memory of the guest follows what the balloon does. */
static void sync(struct world *w, uint64_t before)
{
    w->input.guest_free += w->input.actual - before;
}

static void step(struct world *w)
{
    uint64_t before = w->input.actual;

    while (act(w) != BALLOON_NOTHING)
        ;
    sync(w, before);
    pass(w, STEP);
}

static void steps(struct world *w, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        step(w);
}

static int begin_with(struct world *w, const struct pulse_limits *limits)
{
    struct error error;
    uint64_t bytes = 0;
    struct lease lease;
    int r = balloon_plan_pulse(&w->control, limits, 0, &w->input, &bytes, &error);

    if (r < 0)
        return r;
    lease = (struct lease){.id = w->next_id++,
                           .bytes = bytes,
                           .owner = PULSE_OWNER,
                           .baseline = w->control.baseline,
                           .maximum = w->control.maximum,
                           .due = w->input.now + PULSE_TERM};
    /* Whoever asks writes it first. */
    for (size_t i = 0; i < ARRAY_SIZE(w->journal); i++)
        if (w->journal[i].id == 0) {
            w->journal[i] = lease;
            break;
        }
    return balloon_begin_pulse(&w->control, &lease, limits, &w->input, &error);
}

static int begin(struct world *w)
{
    const struct pulse_limits none = {0};

    return begin_with(w, &none);
}

/* The guest and the journal have nothing of it left, and nothing was written but its end. */
static void check_over(struct world *w, uint64_t size)
{
    steps(w, 10);
    assert_int_equal(w->control.pulse.state, PULSE_OVER);
    assert_int_equal(w->input.actual, size);
    assert_int_equal(w->control.target, size);
    assert_null(journaled(w, w->control.pulse.lease));
    assert_int_equal(w->puts, 0);
    assert_int_equal(w->forgets, 1);
}

static void test_it_takes_and_gives_back(void **state)
{
    struct world w;

    pulse_world_init(&w);
    assert_int_equal(begin(&w), 0);
    steps(&w, 200);
    assert_int_equal(w.control.pulse.end, PULSE_END_DEPTH);
    assert_true(w.control.pulse.taken > 1700 * MIB);
    assert_true(w.input.footprint < 4 * GIB - 1700 * MIB);
    check_over(&w, 4 * GIB);
    assert_true(balloon_is_over(&w.control));
    assert_false(has_news(&w, BALLOON_NEWS_HELD));
}

/* What is in the journal is given back by whoever starts next, however deep it was. */
static void test_a_crash_in_the_midst(void **state)
{
    struct lease found;
    struct world w;

    pulse_world_init(&w);
    assert_int_equal(begin(&w), 0);
    steps(&w, 20);
    assert_true(w.input.actual < 4 * GIB);
    found = *journaled(&w, w.control.pulse.lease);
    assert_int_equal(found.state, LEASE_REQUESTED);
    assert_true(found.bytes == 2 * GIB - 256 * MIB);
    balloon_adopt(&w.control, w.input.actual, 4 * GIB);
    assert_int_equal(balloon_resume(&w.control, &found, true), 0);
    steps(&w, 5);
    assert_int_equal(w.input.actual, 4 * GIB);
    assert_int_equal(w.control.baseline, 4 * GIB);
    assert_int_equal(w.control.lease_count, 0);
}

static void test_beside_a_lease(void **state)
{
    struct world w;

    pulse_world_init(&w);
    assert_int_equal(request(&w, 512 * MIB, NULL), 0);
    assert_int_equal(begin(&w), -EBUSY); /* it is being taken */
    run(&w, 10);
    w.input.guest_free = GIB;
    w.input.available = 2 * GIB;
    w.puts = 0;
    assert_int_equal(begin(&w), 0);
    assert_int_equal(begin(&w), -EBUSY);
    assert_int_equal(request(&w, 100 * MIB, NULL), -EBUSY);
    steps(&w, 200);
    assert_int_equal(w.control.pulse.end, PULSE_END_DEPTH);
    check_over(&w, 4 * GIB - 512 * MIB);
    assert_int_equal(balloon_held(&w.control), 512 * MIB);
    assert_int_equal(w.control.lease_count, 1);
}

static void test_what_ends_it_raises_at_once(void **state)
{
    static const struct {
        bool pressure, voided, is_paused, is_plugged;
        enum pulse_end end;
    } cases[] = {
        {.pressure = true, .end = PULSE_END_PRESSURE},
        {.voided = true, .end = PULSE_END_STOPPED},
        {.is_paused = true, .end = PULSE_END_STOPPED},
        {.is_plugged = true, .end = PULSE_END_STOPPED},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        uint64_t size = cases[i].is_plugged ? 5 * GIB : 4 * GIB;
        struct world w;

        pulse_world_init(&w);
        assert_int_equal(begin(&w), 0);
        steps(&w, 20);
        assert_true(w.input.actual < 4 * GIB);
        w.input.pressure = cases[i].pressure;
        w.input.voided = cases[i].voided;
        w.input.running = !cases[i].is_paused;
        if (cases[i].is_plugged) {
            w.input.maximum += GIB;
            w.input.actual += GIB;
        }
        assert_int_equal(act(&w), BALLOON_TELL);
        assert_int_equal(w.told, size);
        assert_int_equal(w.control.pulse.end, cases[i].end);
        steps(&w, 10);
        assert_int_equal(w.input.actual, size);
        assert_int_equal(w.control.lease_count, 0);
    }
}

/* A journal that is being written, a command without an answer, and a line of others do not keep
 * the guest waiting. */
static void test_nothing_holds_its_raise_up(void **state)
{
    struct balloon_action down, up, put;
    struct world w;

    pulse_world_init(&w);
    assert_int_equal(begin(&w), 0);
    steps(&w, 2);
    w.input.hold_raise = true;
    balloon_rename(&w.control, "other");
    put = balloon_step(&w.control, &w.input);
    assert_int_equal(put.kind, BALLOON_PUT);
    balloon_end_pulse(&w.control, PULSE_END_CALLED_OFF, w.input.now);
    up = balloon_step(&w.control, &w.input);
    assert_int_equal(up.kind, BALLOON_TELL);
    assert_int_equal(up.target, 4 * GIB);

    pulse_world_init(&w);
    assert_int_equal(begin(&w), 0);
    pass(&w, STEP);
    down = balloon_step(&w.control, &w.input);
    assert_int_equal(down.kind, BALLOON_TELL);
    assert_true(down.target < 4 * GIB);
    balloon_end_pulse(&w.control, PULSE_END_CALLED_OFF, w.input.now);
    up = balloon_step(&w.control, &w.input);
    assert_int_equal(up.kind, BALLOON_TELL);
    assert_int_equal(up.target, 4 * GIB);
    balloon_done(&w.control, &down, 0, w.input.now);
    balloon_done(&w.control, &up, 0, w.input.now);
    steps(&w, 5);
    assert_int_equal(w.control.target, 4 * GIB);
    assert_int_equal(w.control.lease_count, 0);
}

static void test_an_inert_balloon(void **state)
{
    struct world w;

    pulse_world_init(&w);
    w.never_frees = true;
    assert_int_equal(begin(&w), 0);
    steps(&w, 250);
    assert_int_equal(w.control.pulse.end, PULSE_END_INERT);
    assert_int_equal(w.input.actual, 4 * GIB);
    assert_true(w.control.pulse.taken <= PULSE_STEP + BALLOON_SLACK);
    assert_int_equal(begin(&w), -EOPNOTSUPP);
}

/* A first step that is given back before anything was seen of it proves nothing. */
static void test_a_proof_that_is_cut_short(void **state)
{
    const struct lease held = {.id = 50, .state = LEASE_HELD, .bytes = GIB, .baseline = 4 * GIB};
    struct world w;

    pulse_world_init(&w);
    w.input.actual = 3 * GIB;
    w.input.guest_free = GIB;
    balloon_adopt(&w.control, 3 * GIB, 4 * GIB);
    assert_int_equal(balloon_resume(&w.control, &held, true), 0);
    steps(&w, 5);
    assert_int_equal(w.control.trust, BALLOON_UNTRIED);
    assert_int_equal(begin(&w), 0);
    w.never_frees = true;
    pass(&w, STEP);
    step(&w);
    assert_int_equal(w.control.trust, BALLOON_CANARY);
    balloon_end_pulse(&w.control, PULSE_END_CALLED_OFF, w.input.now);
    steps(&w, 400);
    assert_int_equal(w.control.trust, BALLOON_UNTRIED);
    assert_int_equal(w.input.actual, 3 * GIB);
    assert_int_equal(w.control.lease_count, 1);
}

static void test_a_target_of_somebody_else(void **state)
{
    struct world w;

    pulse_world_init(&w);
    assert_int_equal(begin(&w), 0);
    steps(&w, 20);
    w.stuck = true;
    w.input.actual = GIB;
    w.input.guest_free = 500 * MIB;
    w.control.pulse.look.time = 0; /* what it took is no growth */
    steps(&w, 300);
    assert_int_equal(w.control.pulse.end, PULSE_END_FOREIGN);
    assert_int_equal(w.control.target, GIB);
    assert_int_equal(w.control.baseline, GIB);
    assert_int_equal(w.control.lease_count, 0);
}

static void test_its_lease_goes(void **state)
{
    struct world w;

    pulse_world_init(&w);
    assert_int_equal(begin(&w), 0);
    steps(&w, 20);
    assert_true(balloon_release(&w.control, 0));
    assert_int_equal(act(&w), BALLOON_TELL);
    assert_int_equal(w.told, 4 * GIB);
    assert_int_equal(w.control.pulse.end, PULSE_END_CALLED_OFF);
    check_over(&w, 4 * GIB);
}

static void test_a_hypervisor_that_refuses(void **state)
{
    struct world w;

    pulse_world_init(&w);
    assert_int_equal(begin(&w), 0);
    steps(&w, 10);
    w.tell_status = -EREMOTEIO;
    steps(&w, 10);
    assert_int_equal(w.control.pulse.end, PULSE_END_LOST);
    check_over(&w, 4 * GIB);
}

static void test_the_floor(void **state)
{
    const struct pulse_limits limits = {0};
    struct error error;
    uint64_t bytes;
    struct world w;

    pulse_world_init(&w);
    assert_int_equal(balloon_plan_pulse(&w.control, &limits, 3 * GIB, &w.input, &bytes, &error), 0);
    assert_true(bytes == GIB);
    assert_int_equal(balloon_plan_pulse(&w.control, &limits, 4 * GIB, &w.input, &bytes, &error),
                     -EBUSY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_takes_and_gives_back),
        cmocka_unit_test(test_a_crash_in_the_midst),
        cmocka_unit_test(test_beside_a_lease),
        cmocka_unit_test(test_what_ends_it_raises_at_once),
        cmocka_unit_test(test_nothing_holds_its_raise_up),
        cmocka_unit_test(test_an_inert_balloon),
        cmocka_unit_test(test_a_proof_that_is_cut_short),
        cmocka_unit_test(test_a_target_of_somebody_else),
        cmocka_unit_test(test_its_lease_goes),
        cmocka_unit_test(test_a_hypervisor_that_refuses),
        cmocka_unit_test(test_the_floor),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
