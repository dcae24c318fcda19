/* Who leads, in which epoch, and what becomes of both when answers or buckets are lost. */
#include "tests/lib/test.h"

#include <stdlib.h>
#include <string.h>

#include "controller/fleet/coordinator/lease.h"
#include "tests/unit/controller/fleet/memory-bus.h"

#define HOUR (3600 * NSEC_PER_SEC)

struct fixture {
    uv_loop_t loop;
    struct lease one, two;
};

static int set_up(void **state)
{
    static struct fixture f;

    memory_bus_begin();
    assert_int_equal(uv_loop_init(&f.loop), 0);
    lease_init(&f.one, &f.loop, "one", HOUR);
    lease_init(&f.two, &f.loop, "two", HOUR);
    f.one.bus = f.two.bus = memory_bus();
    lease_on_bus(&f.one, true);
    lease_on_bus(&f.two, true);
    *state = &f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    lease_stop(&f->one);
    lease_stop(&f->two);
    uv_run(&f->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&f->loop), 0);
    memory_bus_begin();
    return 0;
}

static void turn(struct lease *lease)
{
    lease_turn(lease);
    memory_bus_run();
}

static void test_one_of_two_leads(void **state)
{
    struct fixture *f = *state;

    lease_turn(&f->one);
    lease_turn(&f->two);
    memory_bus_run();
    assert_true(lease_is_held(&f->one));
    assert_false(lease_is_held(&f->two));
    assert_int_equal(f->one.epoch, 1);
    lease_on_message(&f->two, memory_bus_newest(LEASE_SUBJECT));
    assert_string_equal(f->two.leader, "one");
    assert_string_equal(f->two.problem, "");
}

static void test_the_next_one_has_a_later_epoch(void **state)
{
    struct fixture *f = *state;

    turn(&f->one);
    turn(&f->one);
    assert_int_equal(f->one.epoch, 1);
    memory_bus_forget(LEASE_SUBJECT);
    turn(&f->two);
    assert_int_equal(f->two.epoch, 2);
    turn(&f->one);
    assert_false(lease_is_held(&f->one));
}

/* The bucket counts from 1 again; epochs do not. */
static void test_a_bucket_made_anew_brings_no_epoch_back(void **state)
{
    struct fixture *f = *state;

    for (unsigned i = 0; i < 3; i++) {
        memory_bus_forget(LEASE_SUBJECT);
        turn(i % 2 == 0 ? &f->one : &f->two);
    }
    assert_int_equal(f->one.epoch, 3);
    memory_bus_remake("$KV.VMR_LEAD.");
    turn(&f->two);
    assert_true(lease_is_held(&f->two));
    assert_int_equal(f->two.epoch, 4);
}

/* All but what hosts are to run was lost. */
static void test_epochs_go_on_above_what_was_seen(void **state)
{
    struct fixture *f = *state;

    lease_note_epoch(&f->one, 70);
    turn(&f->one);
    assert_int_equal(f->one.epoch, 71);
    lease_note_epoch(&f->one, 71); /* our own */
    assert_true(lease_is_held(&f->one));
    lease_note_epoch(&f->one, 80);
    assert_false(lease_is_held(&f->one));
    assert_non_null(strstr(f->one.problem, "epoch 80"));
    turn(&f->one);
    assert_true(lease_is_held(&f->one));
    assert_int_equal(f->one.epoch, 81);
    assert_string_equal(f->one.problem, "");
}

static void test_a_lost_answer_loses_no_lease(void **state)
{
    struct fixture *f = *state;

    turn(&f->one);
    lease_turn(&f->one);
    memory_bus_turn_in_vain();
    assert_true(lease_is_held(&f->one));
    turn(&f->one);
    assert_true(lease_is_held(&f->one));
    assert_int_equal(f->one.epoch, 1);
    assert_int_equal(f->one.revision, memory_bus_newest(LEASE_SUBJECT)->sequence);
}

/* Of the very first one. */
static void test_a_lost_first_answer_neither(void **state)
{
    struct fixture *f = *state;

    lease_turn(&f->one);
    memory_bus_turn_in_vain();
    assert_false(lease_is_held(&f->one));
    turn(&f->one);
    assert_true(lease_is_held(&f->one));
}

/* Two of one name are told apart. */
static void test_a_name_is_not_enough(void **state)
{
    struct fixture *f = *state;

    turn(&f->one);
    memory_bus_keep(LEASE_SUBJECT, "one", 3);
    turn(&f->one);
    assert_false(lease_is_held(&f->one));
}

/* A renewal that finds the key forgotten makes it anew, at once, and in a later epoch. */
static void test_a_forgotten_key_is_made_anew(void **state)
{
    struct fixture *f = *state;

    turn(&f->one);
    memory_bus_forget(LEASE_SUBJECT);
    turn(&f->one);
    assert_true(lease_is_held(&f->one));
    assert_int_equal(f->one.epoch, 2);
}

static void test_what_keeps_it_from_leading_is_said(void **state)
{
    struct fixture *f = *state;

    lease_turn(&f->one);
    memory_bus_turn_in_vain();
    assert_non_null(strstr(f->one.problem, "no answer"));
    lease_turn(&f->one);
    memory_bus_turn();
    memory_bus_turn();
    memory_bus_turn();
    memory_bus_turn_in_vain(); /* of its epoch */
    assert_non_null(strstr(f->one.problem, "no epoch"));
    turn(&f->one);
    assert_string_equal(f->one.problem, "");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_one_of_two_leads, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_next_one_has_a_later_epoch, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_bucket_made_anew_brings_no_epoch_back, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_epochs_go_on_above_what_was_seen, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_lost_answer_loses_no_lease, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_lost_first_answer_neither, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_name_is_not_enough, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_forgotten_key_is_made_anew, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_what_keeps_it_from_leading_is_said, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
