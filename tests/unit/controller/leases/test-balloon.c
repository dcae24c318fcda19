/* The balloon's decisions, on virtual time: taking, giving back, resuming. */
#include "tests/unit/controller/leases/balloon-world.h"

static void test_the_journal_comes_first(void **state)
{
    struct world w;

    world_init(&w);
    assert_int_equal(request(&w, GIB, NULL), 0);
    assert_int_equal(act(&w), BALLOON_PUT);
    assert_int_equal(w.journal[0].state, LEASE_REQUESTED);
    assert_int_equal(act(&w), BALLOON_TELL);
    assert_int_equal(act(&w), BALLOON_PUT);
    assert_int_equal(w.journal[0].state, LEASE_HELD);
    run(&w, 10);
    assert_int_equal(w.input.actual, 3 * GIB);
    assert_true(has_news(&w, BALLOON_NEWS_REACHED));
    assert_true(balloon_release(&w.control, 0));
    assert_int_equal(act(&w), BALLOON_PUT);
    assert_int_equal(w.journal[0].state, LEASE_RELEASING);
    assert_int_equal(act(&w), BALLOON_TELL);
    assert_int_equal(w.told, 4 * GIB);
    assert_int_equal(act(&w), BALLOON_FORGET);
    assert_int_equal(act(&w), BALLOON_NOTHING);
    assert_int_equal(w.control.lease_count, 0);
}

static void test_a_canary_then_steps(void **state)
{
    struct world w;

    world_init(&w);
    assert_int_equal(request(&w, 2 * GIB, NULL), 0);
    (void)act(&w);
    assert_int_equal(act(&w), BALLOON_TELL);
    assert_int_equal(w.told, 4 * GIB - 64 * MIB);
    run(&w, 2);
    assert_int_equal(w.control.trust, BALLOON_TRUSTED);
    run(&w, 20);
    assert_int_equal(w.told, 2 * GIB);
    assert_true(w.tells >= 5); /* none took more than 512 MiB */
}

static void test_an_inert_balloon(void **state)
{
    struct world w;

    world_init(&w);
    w.never_frees = true;
    assert_int_equal(request(&w, GIB, NULL), 0);
    run(&w, 30);
    assert_true(has_news(&w, BALLOON_NEWS_INERT));
    assert_int_equal(w.input.actual, 4 * GIB);
    assert_int_equal(w.control.lease_count, 0);
    assert_int_equal(request(&w, GIB, NULL), -EOPNOTSUPP);
}

static void test_no_journal_no_lease(void **state)
{
    struct world w;

    world_init(&w);
    w.put_status = -ENOSPC;
    assert_int_equal(request(&w, GIB, NULL), 0);
    run(&w, 5);
    assert_int_equal(w.tells, 0);
    assert_int_equal(w.control.lease_count, 0);
    assert_true(has_news(&w, BALLOON_NEWS_NO_JOURNAL));
}

static void test_giving_back_needs_no_journal(void **state)
{
    struct world w;

    world_with_lease(&w);
    w.put_status = -EIO;
    assert_true(balloon_release(&w.control, 0));
    run(&w, 2);
    assert_int_equal(w.input.actual, 4 * GIB);
}

/* Nothing is taken, settled or written beside it; the states that come meanwhile are written then.
 */
static void test_a_journal_that_is_slow(void **state)
{
    struct world w;
    struct balloon_action pending;

    world_init(&w);
    assert_int_equal(request(&w, GIB, NULL), 0);
    pending = balloon_step(&w.control, &w.input);
    assert_int_equal(pending.kind, BALLOON_PUT); /* and not answered yet */
    run(&w, 5);
    assert_int_equal(w.tells, 0);
    assert_int_equal(w.puts, 0);
    assert_true(balloon_release(&w.control, 0));
    run(&w, 5);
    assert_int_equal(w.puts + w.tells + w.forgets, 0);
    balloon_done(&w.control, &pending, 0, w.input.now);
    assert_int_equal(act(&w), BALLOON_PUT);
    assert_int_equal(w.journal[0].state, LEASE_RELEASING);
    pending = balloon_step(&w.control, &w.input);
    assert_int_equal(pending.kind, BALLOON_FORGET); /* and not answered yet */
    assert_false(balloon_is_over(&w.control));
    balloon_done(&w.control, &pending, 0, w.input.now);
    assert_true(balloon_is_over(&w.control));
}

static void test_pressure_does_not_wait_for_the_journal(void **state)
{
    struct world w;
    struct balloon_action pending;

    world_init(&w);
    assert_int_equal(request(&w, GIB, NULL), 0);
    (void)act(&w);
    (void)act(&w); /* told */
    pending = balloon_step(&w.control, &w.input);
    assert_int_equal(pending.kind, BALLOON_PUT); /* held, and not answered yet */
    w.input.pressure = true;
    assert_int_equal(act(&w), BALLOON_TELL);
    assert_int_equal(w.told, 4 * GIB);
    balloon_done(&w.control, &pending, 0, w.input.now);
    run(&w, 3);
    assert_int_equal(w.control.lease_count, 0);
    assert_int_equal(w.forgets, 1);
}

/* Memory was plugged while the lease was being written: it is written again. */
static void test_a_lease_that_changes_while_it_is_written(void **state)
{
    struct world w;
    struct balloon_action pending;

    world_init(&w);
    w.input.maximum = 4 * GIB;
    (void)act(&w);
    assert_int_equal(request(&w, GIB, NULL), 0);
    pending = balloon_step(&w.control, &w.input);
    assert_int_equal(pending.kind, BALLOON_PUT);
    w.input.maximum = 6 * GIB;
    w.input.actual += 2 * GIB;
    assert_int_equal(act(&w), BALLOON_NOTHING);
    balloon_done(&w.control, &pending, 0, w.input.now);
    assert_int_equal(act(&w), BALLOON_PUT);
    assert_int_equal(w.journal[0].baseline, 6 * GIB);
}

static void test_pressure_overtakes_everything(void **state)
{
    struct world w;
    struct balloon_action pending;

    world_init(&w);
    assert_int_equal(request(&w, GIB, NULL), 0);
    (void)act(&w);
    pending = balloon_step(&w.control, &w.input);
    assert_int_equal(pending.kind, BALLOON_TELL); /* and not answered yet */
    w.input.pressure = true;
    assert_int_equal(act(&w), BALLOON_TELL);
    assert_int_equal(w.told, 4 * GIB);
    run(&w, 3);
    assert_int_equal(w.control.lease_count, 0);
    assert_true(has_news(&w, BALLOON_NEWS_PRESSURE));
}

static void test_pressure_is_not_told_twice(void **state)
{
    struct world w;
    struct balloon_action raise;

    world_with_lease(&w);
    w.input.pressure = true;
    raise = balloon_step(&w.control, &w.input);
    assert_int_equal(raise.kind, BALLOON_TELL);
    w.input.pressure = false;
    assert_int_not_equal(balloon_step(&w.control, &w.input).kind, BALLOON_TELL);
}

static void test_expiry(void **state)
{
    struct world w;

    world_init(&w);
    assert_int_equal(request(&w, GIB, NULL), 0);
    w.control.leases[0].lease.due = w.input.now + 20 * NSEC_PER_SEC;
    run(&w, 15);
    assert_int_equal(w.input.actual, 3 * GIB);
    run(&w, 10);
    assert_int_equal(w.input.actual, 4 * GIB);
    assert_true(has_news(&w, BALLOON_NEWS_EXPIRED));
}

static void test_nothing_is_taken_from_a_guest_that_cannot_be_seen(void **state)
{
    struct world w;

    world_init(&w);
    assert_int_equal(request(&w, GIB, NULL), 0);
    w.input.guest_is_fresh = false;
    run(&w, 5);
    assert_int_equal(w.tells, 0);
    w.input.guest_is_fresh = true;
    w.input.running = false;
    run(&w, 5);
    assert_int_equal(w.tells, 0);
    w.input.running = true;
    run(&w, 10);
    assert_int_equal(w.input.actual, 3 * GIB);
    /* Giving back needs neither. */
    w.input.running = false;
    w.input.guest_is_fresh = false;
    assert_true(balloon_release(&w.control, 0));
    run(&w, 2);
    assert_int_equal(w.input.actual, 4 * GIB);
}

/* Only a reading is missing: the guest may be woken for one. */
static void test_waiting_for_a_reading(void **state)
{
    struct world w;

    world_init(&w);
    w.hangs = true;
    assert_int_equal(request(&w, GIB, NULL), 0);
    w.input.guest_is_fresh = false;
    w.input.guest_read = 0;
    w.control.told = w.input.now;
    w.control.moved = w.input.now;
    run(&w, 1);
    assert_true(balloon_waits_for_reading(&w.control, &w.input));
    w.input.running = false;
    assert_false(balloon_waits_for_reading(&w.control, &w.input));
    w.input.running = true;
    w.input.guest_is_fresh = true;
    assert_false(balloon_waits_for_reading(&w.control, &w.input));
    w.stuck = true;
    run(&w, 2);
    w.input.guest_is_fresh = false;
    assert_false(balloon_waits_for_reading(&w.control, &w.input)); /* a step is under way */
    w.stuck = false;
    w.input.guest_is_fresh = true;
    run(&w, 20);
    w.input.guest_is_fresh = false;
    assert_false(balloon_waits_for_reading(&w.control, &w.input)); /* all was taken */
}

static void test_headroom(void **state)
{
    struct error error;
    struct world w;

    world_init(&w);
    w.input.available = GIB;
    assert_int_equal(request(&w, GIB, &error), -EBUSY);
    assert_non_null(strstr(error.text, "could give"));
    assert_int_equal(request(&w, 700 * MIB, &error), 0);
    /* The guest used some meanwhile: the headroom stays. */
    run(&w, 2);
    w.input.available = 300 * MIB;
    run(&w, 20);
    assert_true(w.input.available >= balloon_headroom(4 * GIB, true));
    assert_true(balloon_headroom(4 * GIB, false) > balloon_headroom(4 * GIB, true));
}

/* A guest that gives its cache stalls meanwhile. */
static void test_what_is_a_need(void **state)
{
    struct world w;

    world_init(&w);
    w.input.available = 3 * GIB;
    assert_int_equal(request(&w, GIB, NULL), 0);
    assert_false(balloon_is_need(&w.control, &w.input, GIB, false));
    assert_true(balloon_is_need(&w.control, &w.input, GIB, true));
    assert_true(balloon_is_need(&w.control, &w.input, 200 * MIB, false));
    run(&w, 20);
    assert_int_equal(w.input.actual, 3 * GIB);
    assert_true(balloon_is_need(&w.control, &w.input, GIB, false)); /* it has given all */
}

/* What the guest says is no limit; that it cannot take pages back is one. */
static void test_a_doubted_guest(void **state)
{
    struct balloon_input believed;
    struct error error;
    struct world w;

    world_init(&w);
    w.input.available = 0;
    assert_int_equal(request(&w, 64 * MIB, &error), -EBUSY);
    believed = w.input;
    believed.available = GIB;
    assert_int_equal(
        balloon_request(&w.control, &(struct lease){.id = 9, .bytes = 64 * MIB}, &believed, &error),
        0);
    run(&w, 20);
    assert_int_equal(w.input.actual, 4 * GIB);
    w.control.leases[0].is_doubted = true;
    w.input.deflate_on_oom = false;
    run(&w, 20);
    assert_int_equal(w.input.actual, 4 * GIB);
    w.input.deflate_on_oom = true;
    run(&w, 20);
    assert_int_equal(w.input.actual, 4 * GIB - 64 * MIB);
    w.input.pressure = true;
    run(&w, 5);
    assert_int_equal(w.input.actual, 4 * GIB);
}

static void test_floors_and_limits(void **state)
{
    const struct lease floored = {.id = 77, .bytes = 2 * GIB, .floor = 3 * GIB};
    struct error error;
    struct world w;

    world_init(&w);
    w.input.available = 4 * GIB;
    assert_int_equal(request(&w, 4 * GIB, &error), -EBUSY);
    assert_non_null(strstr(error.text, "4.0 GiB cannot be taken: the VM has 4.0 GiB"));
    assert_int_equal(balloon_request(&w.control, &floored, &w.input, &error), -EBUSY);
    assert_non_null(strstr(error.text, "must stay: 'floor' in its VM file"));
    assert_int_equal(request(&w, UINT64_MAX, &error), -EBUSY);
    assert_int_equal(request(&w, 0, &error), -EINVAL);
    for (size_t i = 0; i < BALLOON_LEASES_MAX; i++)
        assert_int_equal(request(&w, 100 * MIB, &error), 0);
    assert_int_equal(request(&w, 100 * MIB, &error), -ENOSPC);
    run(&w, 10);
    assert_int_equal(w.input.actual, 4 * GIB - BALLOON_LEASES_MAX * 100 * MIB);
    /* One goes, the others stay. */
    assert_true(balloon_release(&w.control, w.control.leases[1].lease.id));
    run(&w, 5);
    assert_int_equal(w.input.actual, 4 * GIB - (BALLOON_LEASES_MAX - 1) * 100 * MIB);
}

static void test_a_stall_backs_off(void **state)
{
    struct world w;
    unsigned tells;

    world_init(&w);
    assert_int_equal(request(&w, GIB, NULL), 0);
    w.stuck = true;
    run(&w, 40);
    assert_true(has_news(&w, BALLOON_NEWS_STALLED));
    tells = w.tells;
    run(&w, 10);
    assert_int_equal(w.tells, tells); /* left alone */
    w.stuck = false;
    run(&w, 600);
    assert_int_equal(w.input.actual, 3 * GIB);
}

static void test_resuming(void **state)
{
    const struct lease held = {
        .id = 5, .state = LEASE_HELD, .bytes = GIB, .baseline = 4 * GIB, .owner = "test"};
    struct lease requested = held;
    struct world w;

    world_init(&w);
    w.input.actual = 3 * GIB;
    balloon_adopt(&w.control, 3 * GIB, 4 * GIB);
    assert_int_equal(balloon_resume(&w.control, &held, true), 0);
    run(&w, 10);
    assert_int_equal(w.input.actual, 3 * GIB);
    assert_int_equal(w.control.baseline, 4 * GIB);
    assert_int_equal(w.control.lease_count, 1);
    /* Nobody was told that this one is held. */
    requested.state = LEASE_REQUESTED;
    balloon_adopt(&w.control, 3 * GIB, 4 * GIB);
    assert_int_equal(balloon_resume(&w.control, &requested, true), 0);
    run(&w, 10);
    assert_int_equal(w.input.actual, 4 * GIB);
    /* Another boot. */
    w.input.actual = 3 * GIB;
    balloon_adopt(&w.control, 3 * GIB, 4 * GIB);
    assert_int_equal(balloon_resume(&w.control, &held, false), 0);
    run(&w, 10);
    assert_int_equal(w.input.actual, 4 * GIB);
}

static void test_resuming_while_the_guest_moves(void **state)
{
    const struct lease held = {.id = 5, .state = LEASE_HELD, .bytes = GIB, .baseline = 4 * GIB};
    struct world w;

    world_init(&w);
    balloon_adopt(&w.control, 4 * GIB - 300 * MIB, 4 * GIB);
    assert_int_equal(balloon_resume(&w.control, &held, true), 0);
    w.journal[0] = held;
    w.input.actual = 4 * GIB - 400 * MIB; /* still on the way to what was told before the crash */
    run(&w, 20);
    assert_false(has_news(&w, BALLOON_NEWS_FOREIGN));
    assert_int_equal(w.input.actual, 3 * GIB);
}

static void test_waiting_in_line(void **state)
{
    struct world w;

    world_with_lease(&w);
    assert_true(balloon_release(&w.control, 0));
    w.input.hold_raise = true;
    run(&w, 3);
    assert_int_equal(w.input.actual, 3 * GIB);
    w.input.hold_raise = false;
    run(&w, 2);
    assert_int_equal(w.input.actual, 4 * GIB);
}

/* Whatever happens in whatever order: what is told stays between floor and baseline (act() checks),
 * and once everything is released and quiet the guest has its baseline. */
static void test_anything_may_happen(void **state)
{
    srandom(1);
    for (unsigned round = 0; round < 300; round++) {
        struct world w;

        world_init(&w);
        for (unsigned i = 0; i < 200; i++) {
            switch (random() % 13) {
            case 0:
            case 1:
                (void)request(&w, (uint64_t)(random() % 2048) * MIB, NULL);
                break;
            case 2:
                (void)balloon_release(&w.control, 0);
                break;
            case 3:
                w.input.pressure = true;
                break;
            case 4:
                w.input.voided = true;
                break;
            case 5:
                w.put_status = random() % 2 == 0 ? -EIO : 0;
                break;
            case 6:
                w.stuck = random() % 2 == 0;
                break;
            case 7:
                w.input.running = random() % 2 == 0;
                break;
            case 8:
                w.input.guest_is_fresh = random() % 2 == 0;
                break;
            case 9:
                w.input.ready = random() % 2 == 0;
                break;
            case 10:
                w.tell_status = random() % 2 == 0 ? -ETIMEDOUT : -EREMOTEIO;
                break;
            default:
                run(&w, (unsigned)(random() % 30));
                break;
            }
        }
        w.input.ready = true;
        w.stuck = false;
        w.put_status = 0;
        (void)balloon_release(&w.control, 0);
        run(&w, 100);
        assert_int_equal(w.control.lease_count, 0);
        assert_int_equal(w.control.target, w.control.baseline);
        assert_int_equal(w.input.actual, w.control.baseline);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_journal_comes_first),
        cmocka_unit_test(test_a_canary_then_steps),
        cmocka_unit_test(test_an_inert_balloon),
        cmocka_unit_test(test_no_journal_no_lease),
        cmocka_unit_test(test_giving_back_needs_no_journal),
        cmocka_unit_test(test_a_journal_that_is_slow),
        cmocka_unit_test(test_pressure_does_not_wait_for_the_journal),
        cmocka_unit_test(test_a_lease_that_changes_while_it_is_written),
        cmocka_unit_test(test_pressure_overtakes_everything),
        cmocka_unit_test(test_pressure_is_not_told_twice),
        cmocka_unit_test(test_expiry),
        cmocka_unit_test(test_nothing_is_taken_from_a_guest_that_cannot_be_seen),
        cmocka_unit_test(test_waiting_for_a_reading),
        cmocka_unit_test(test_headroom),
        cmocka_unit_test(test_what_is_a_need),
        cmocka_unit_test(test_a_doubted_guest),
        cmocka_unit_test(test_floors_and_limits),
        cmocka_unit_test(test_a_stall_backs_off),
        cmocka_unit_test(test_resuming),
        cmocka_unit_test(test_resuming_while_the_guest_moves),
        cmocka_unit_test(test_waiting_in_line),
        cmocka_unit_test(test_anything_may_happen),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
