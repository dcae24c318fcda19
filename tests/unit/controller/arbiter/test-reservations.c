/* The table of reservations, and how it is kept. */
#include "tests/lib/test.h"

#include <errno.h>
#include <string.h>

#include "common/base/number.h"
#include "controller/arbiter/reservations.h"

#define BOOT   "5b1c30c5-47a2-4a0c-8a6c-0d2f4d1b6a01"
#define SECOND NSEC_PER_SEC

static struct reservations table;
static struct error error;

static int set_up(void **state)
{
    memset(&table, 0, sizeof(table));
    return 0;
}

static uint64_t add(uint64_t bytes, const char *vm)
{
    struct reservation_asked asked = {.bytes = bytes, .asked_by = "root"};
    struct reservation *added;

    memcpy(asked.vm, vm, strlen(vm));
    assert_int_equal(reservations_add(&table, &asked, 100 * SECOND, 7000, &added, &error), 0);
    return added->id;
}

static void step(unsigned second, uint64_t room)
{
    const struct reservations_input input = {.now = second * SECOND, .time = 7000, .room = room};

    reservations_step(&table, &input);
}

static const struct reservation *find(uint64_t id)
{
    return reservations_find(&table, id);
}

static void test_it_fills_and_is_ready(void **state)
{
    uint64_t id = add(4 * GIB, "");

    step(101, GIB);
    assert_int_equal(find(id)->state, RESERVATION_FILLING);
    assert_int_equal(find(id)->there, GIB);
    step(102, 5 * GIB);
    assert_int_equal(find(id)->state, RESERVATION_READY);
    assert_int_equal(find(id)->there, 4 * GIB);
    assert_int_equal(find(id)->due, 102 * SECOND + RESERVATION_HOLD_TIME);
    step(103, 0); /* it is kept all the same */
    assert_int_equal(find(id)->state, RESERVATION_READY);
    assert_int_equal(find(id)->most, 4 * GIB);
    assert_int_equal(reservations_bytes(&table), 4 * GIB);
    step(702, 4 * GIB);
    assert_int_equal(find(id)->state, RESERVATION_OVER);
    assert_int_equal(reservations_bytes(&table), 0);
}

static void test_what_does_not_come_in_time(void **state)
{
    uint64_t id = add(4 * GIB, "");

    step(101, 3 * GIB);
    step(159, 2 * GIB);
    assert_int_equal(find(id)->state, RESERVATION_FILLING);
    step(160, 2 * GIB);
    assert_int_equal(find(id)->state, RESERVATION_SHORT);
    assert_int_equal(find(id)->most, 3 * GIB);
}

/* Who is ready keeps what it has; the others get theirs in turn. */
static void test_no_byte_is_promised_twice(void **state)
{
    uint64_t first = add(4 * GIB, "");
    uint64_t second = add(GIB, "");
    uint64_t third = add(GIB, "");

    step(101, GIB);
    assert_int_equal(find(first)->there, GIB);
    assert_int_equal(find(second)->there, 0);
    step(102, 5 * GIB);
    assert_int_equal(find(first)->state, RESERVATION_READY);
    assert_int_equal(find(second)->state, RESERVATION_READY);
    assert_int_equal(find(third)->state, RESERVATION_FILLING);
    assert_int_equal(find(third)->there, 0);
    assert_int_equal(reservations_room(&table, 7 * GIB), GIB);
}

static void test_its_vm_uses_it(void **state)
{
    uint64_t id = add(2 * GIB, "web");
    struct reservation *reservation = reservations_find(&table, id);

    reservation->used_since = GIB; /* of an earlier run */
    reservation_note_footprint(reservation, GIB / 2);
    step(101, 2 * GIB);
    reservation_note_footprint(reservation, 2 * GIB);
    assert_int_equal(reservations_bytes(&table), GIB);
    step(102, GIB);
    assert_int_equal(reservation->state, RESERVATION_READY);
    reservation_note_footprint(reservation, 3 * GIB);
    step(103, 0);
    assert_int_equal(reservation->state, RESERVATION_USED);
}

/* It is used when its VM has taken some of it, not before. */
static void test_a_small_one_is_held(void **state)
{
    uint64_t id = add(MIB, "web");
    struct reservation *reservation = reservations_find(&table, id);

    step(101, MIB);
    step(102, MIB);
    assert_int_equal(reservation->state, RESERVATION_READY);
    reservation_note_footprint(reservation, MIB / 2 - 1);
    step(103, MIB);
    assert_int_equal(reservation->state, RESERVATION_READY);
    reservation_note_footprint(reservation, MIB / 2);
    step(104, MIB);
    assert_int_equal(reservation->state, RESERVATION_USED);
    id = add(1, "");
    step(105, MIB);
    step(106, MIB);
    assert_int_equal(find(id)->state, RESERVATION_READY);
}

static void test_what_is_refused(void **state)
{
    const struct reservation_asked nothing = {.bytes = 0};
    struct reservation_asked asked = {.bytes = 1};
    struct reservation *added;

    assert_int_equal(reservations_add(&table, &nothing, 1, 1, &added, &error), -EINVAL);
    for (unsigned i = 0; i < RESERVATIONS_MAX; i++)
        assert_int_equal(reservations_add(&table, &asked, 1, 1, &added, &error), 0);
    assert_int_equal(reservations_add(&table, &asked, 1, 1, &added, &error), -ENOSPC);
    reservations_remove(&table, reservations_find(&table, 1));
    assert_null(reservations_find(&table, 1));
    assert_int_equal(table.list[0].id, 2);
    assert_int_equal(reservations_add(&table, &asked, 1, 1, &added, &error), 0);
    assert_int_equal(added->id, RESERVATIONS_MAX + 1);
}

/* Whoever has no number would be whoever waits for nothing. */
static void test_numbers_of_the_store(void **state)
{
    static const char *const nobodys[] = {
        "0", "-1", "", "1x", "9223372036854775808", "18446744073709551615"};
    uint64_t id = 0;

    assert_int_equal(reservation_parse_id("7", &id), 0);
    assert_int_equal(id, 7);
    for (size_t i = 0; i < sizeof(nobodys) / sizeof(nobodys[0]); i++)
        assert_int_equal(reservation_parse_id(nobodys[i], &id), -EINVAL);
    assert_int_equal(id, 7);
}

static struct reservation keep_and_read(const char *boot, unsigned second, int64_t time)
{
    struct reservation ready;
    struct reservation kept;
    char line[RESERVATION_LINE_SIZE];

    (void)add(GIB, "web-1");
    step(101, GIB);
    ready = table.list[0];
    ready.used_since = 5 * MIB;
    reservation_format(&ready, BOOT, line);
    assert_int_equal(reservation_parse(line, boot, second * SECOND, time, &kept), 0);
    assert_int_equal(kept.asked.bytes, GIB);
    assert_string_equal(kept.asked.vm, "web-1");
    assert_string_equal(kept.asked.asked_by, "root");
    assert_int_equal(kept.used_since, 5 * MIB);
    return kept;
}

static void test_it_outlives_the_daemon(void **state)
{
    struct reservation kept = keep_and_read(BOOT, 200, 0); /* whatever the wall clock says */

    assert_int_equal(kept.state, RESERVATION_READY);
    assert_int_equal(kept.due, 101 * SECOND + RESERVATION_HOLD_TIME);
    assert_int_equal(keep_and_read(BOOT, 701, 0).state, RESERVATION_OVER);
}

static void test_it_outlives_the_host(void **state)
{
    const char *other = "5b1c30c5-47a2-4a0c-8a6c-000000000000";
    struct reservation kept = keep_and_read(other, 5, 7000 + 60 * (int64_t)SECOND);

    assert_int_equal(kept.state, RESERVATION_READY);
    assert_int_equal(kept.due, 5 * SECOND + RESERVATION_HOLD_TIME - 60 * SECOND);
    kept = keep_and_read(other, 5, 7000 - 9999 * (int64_t)SECOND); /* a clock that was set back */
    assert_int_equal(kept.due, 5 * SECOND + RESERVATION_HOLD_TIME);
    assert_int_equal(keep_and_read(other, 5, 7000 + 601 * (int64_t)SECOND).state, RESERVATION_OVER);
}

static void test_lines_that_are_none(void **state)
{
    static const char *const wrong[] = {"",
                                        "1 2 3",
                                        "0 0 1 5 5 5 0 - web root",
                                        "1 0 7 5 5 5 0 - web root",
                                        "1 0 1 5 5 5 0 - web",
                                        "x 0 1 5 5 5 0 - web root",
                                        "99999999999999999999 0 1 5 5 5 0 - web root"};
    struct reservation reservation;

    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
        assert_int_equal(reservation_parse(wrong[i], BOOT, 1, 1, &reservation), -EINVAL);
    assert_int_equal(reservation_parse("1 0 1 5 5 5 0 - - root", BOOT, 1, 1, &reservation), 0);
    assert_string_equal(reservation.asked.vm, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_it_fills_and_is_ready, set_up),
        cmocka_unit_test_setup(test_what_does_not_come_in_time, set_up),
        cmocka_unit_test_setup(test_no_byte_is_promised_twice, set_up),
        cmocka_unit_test_setup(test_its_vm_uses_it, set_up),
        cmocka_unit_test_setup(test_a_small_one_is_held, set_up),
        cmocka_unit_test_setup(test_what_is_refused, set_up),
        cmocka_unit_test(test_numbers_of_the_store),
        cmocka_unit_test_setup(test_it_outlives_the_daemon, set_up),
        cmocka_unit_test_setup(test_it_outlives_the_host, set_up),
        cmocka_unit_test_setup(test_lines_that_are_none, set_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
