/* Calls to domains, in virtual time: turns, bounds, deadlines, and calls that never return. */
#include "tests/lib/test.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/util.h"
#include "controller/hypervisors/libvirt/calls.h"

#define SECOND NSEC_PER_SEC

struct fixture {
    struct calls calls;
    struct call_line lines[16];
    struct call list[64];
};

static void fixture_init(struct fixture *fixture)
{
    calls_init(&fixture->calls);
    for (size_t i = 0; i < ARRAY_SIZE(fixture->lines); i++)
        call_line_init(&fixture->lines[i]);
    memset(fixture->list, 0, sizeof(fixture->list));
}

static void put(struct fixture *fixture, size_t line, size_t call, nsec_t deadline)
{
    assert_int_equal(
        calls_put(&fixture->calls, &fixture->lines[line], &fixture->list[call], deadline), 0);
}

static void assert_starts(struct fixture *fixture, nsec_t now, size_t call)
{
    assert_ptr_equal(calls_start(&fixture->calls, now), &fixture->list[call]);
    assert_int_equal(fixture->list[call].state, CALL_ACTIVE);
}

static void assert_starts_nothing(struct fixture *fixture, nsec_t now)
{
    assert_null(calls_start(&fixture->calls, now));
}

static void assert_overdue(struct fixture *fixture, nsec_t now, size_t call, enum call_state state)
{
    assert_ptr_equal(calls_overdue(&fixture->calls, now), &fixture->list[call]);
    assert_int_equal(fixture->list[call].state, state);
}

static void test_one_is_out_per_domain(void **state)
{
    struct fixture fixture;

    fixture_init(&fixture);
    put(&fixture, 0, 0, 3 * SECOND);
    put(&fixture, 0, 1, 3 * SECOND);
    assert_starts(&fixture, 0, 0);
    assert_starts_nothing(&fixture, 0);
    assert_true(calls_return(&fixture.calls, &fixture.list[0]));
    assert_starts(&fixture, 0, 1);
    assert_true(calls_return(&fixture.calls, &fixture.list[1]));
    assert_true(call_line_is_idle(&fixture.lines[0]));
}

static void test_three_are_out_in_all(void **state)
{
    struct fixture fixture;

    fixture_init(&fixture);
    for (size_t i = 0; i < 4; i++)
        put(&fixture, i, i, 3 * SECOND);
    for (size_t i = 0; i < 3; i++)
        assert_starts(&fixture, 0, i);
    assert_starts_nothing(&fixture, 0);
    assert_true(calls_return(&fixture.calls, &fixture.list[1]));
    assert_starts(&fixture, 0, 3);
}

static void test_domains_take_turns(void **state)
{
    struct fixture fixture;

    fixture_init(&fixture);
    put(&fixture, 0, 0, 3 * SECOND);
    put(&fixture, 0, 1, 3 * SECOND);
    put(&fixture, 0, 2, 3 * SECOND);
    put(&fixture, 1, 3, 3 * SECOND);
    assert_starts(&fixture, 0, 0);
    assert_starts(&fixture, 0, 3);
    assert_true(calls_return(&fixture.calls, &fixture.list[0]));
    put(&fixture, 2, 4, 3 * SECOND);
    assert_starts(&fixture, 0, 1);
    assert_true(calls_return(&fixture.calls, &fixture.list[1]));
    assert_starts(&fixture, 0, 4); /* it waited behind nobody's second call */
    assert_starts(&fixture, 0, 2);
}

static void test_line_is_bounded(void **state)
{
    struct fixture fixture;

    fixture_init(&fixture);
    for (size_t i = 0; i < CALLS_LINE_MAX; i++)
        put(&fixture, 0, i, SECOND);
    assert_int_equal(calls_put(&fixture.calls, &fixture.lines[0], &fixture.list[20], SECOND),
                     -EBUSY);
    put(&fixture, 1, 21, SECOND); /* another domain's has room */
}

static void test_lost_call_makes_room_and_its_domain_is_left_alone(void **state)
{
    struct fixture fixture;

    fixture_init(&fixture);
    for (size_t i = 0; i < 4; i++)
        put(&fixture, i, i, 3 * SECOND);
    put(&fixture, 0, 4, 60 * SECOND);
    for (size_t i = 0; i < 3; i++)
        assert_starts(&fixture, 0, i);
    assert_null(calls_overdue(&fixture.calls, 3 * SECOND - 1));
    assert_overdue(&fixture, 3 * SECOND, 0, CALL_LOST);
    assert_starts(&fixture, 3 * SECOND, 3);
    assert_true(calls_return(&fixture.calls, &fixture.list[1]));
    assert_true(calls_return(&fixture.calls, &fixture.list[2]));
    assert_starts_nothing(&fixture, 30 * SECOND); /* call 4 is of the domain that is left alone */
    assert_false(calls_return(&fixture.calls, &fixture.list[0]));
    assert_starts(&fixture, 30 * SECOND, 4);
}

static void test_call_that_waits_is_overdue_too(void **state)
{
    struct fixture fixture;

    fixture_init(&fixture);
    put(&fixture, 0, 0, 9 * SECOND);
    put(&fixture, 0, 1, 2 * SECOND);
    put(&fixture, 0, 2, 1 * SECOND);
    assert_starts(&fixture, 0, 0);
    assert_overdue(&fixture, SECOND, 2, CALL_IDLE);
    assert_null(calls_overdue(&fixture.calls, SECOND));
    assert_overdue(&fixture, 2 * SECOND, 1, CALL_IDLE);
    assert_int_equal(fixture.lines[0].count, 0);
}

/* Each domain's call is lost in turn: never more than eight, and then nothing is started. */
static void test_lost_calls_are_bounded(void **state)
{
    struct fixture fixture;
    nsec_t now = 0;
    size_t started = 0;
    struct call *call;

    fixture_init(&fixture);
    for (size_t i = 0; i < ARRAY_SIZE(fixture.lines); i++)
        put(&fixture, i, i, NSEC_PER_SEC * 1000);
    for (size_t round = 0; round < 20; round++) {
        now += SECOND;
        while ((call = calls_start(&fixture.calls, now)) != NULL) {
            call->deadline = now + SECOND;
            started++;
            assert_true(fixture.calls.active + fixture.calls.lost <= CALLS_LOST_MAX);
        }
        while (calls_overdue(&fixture.calls, now) != NULL)
            assert_true(fixture.calls.lost <= CALLS_LOST_MAX);
    }
    assert_int_equal(started, CALLS_LOST_MAX);
    assert_int_equal(fixture.calls.lost, CALLS_LOST_MAX);
    assert_false(calls_return(&fixture.calls, &fixture.list[0]));
    assert_non_null(calls_start(&fixture.calls, now));
    assert_starts_nothing(&fixture, now);
}

static void test_put_back_is_next_and_waits(void **state)
{
    struct fixture fixture;

    fixture_init(&fixture);
    put(&fixture, 0, 0, 3 * SECOND);
    put(&fixture, 0, 1, 3 * SECOND);
    assert_starts(&fixture, 0, 0);
    assert_true(calls_put_back(&fixture.calls, &fixture.list[0], SECOND));
    assert_int_equal(calls_next(&fixture.calls), SECOND);
    assert_starts_nothing(&fixture, SECOND - 1);
    assert_starts(&fixture, SECOND, 0);
    assert_overdue(&fixture, 3 * SECOND, 0, CALL_LOST);
    assert_false(calls_put_back(&fixture.calls, &fixture.list[0], 9 * SECOND));
    assert_int_equal(fixture.list[0].state, CALL_IDLE);
}

static void test_withdrawn_call_is_not_made(void **state)
{
    struct fixture fixture;

    fixture_init(&fixture);
    put(&fixture, 0, 0, 3 * SECOND);
    calls_withdraw(&fixture.calls, &fixture.list[0]);
    assert_starts_nothing(&fixture, 0);
    assert_true(call_line_is_idle(&fixture.lines[0]));
    assert_int_equal(calls_next(&fixture.calls), NSEC_INFINITY);
}

static void test_nothing_starts_while_held(void **state)
{
    struct fixture fixture;

    fixture_init(&fixture);
    calls_hold(&fixture.calls, true);
    put(&fixture, 0, 0, 3 * SECOND);
    put(&fixture, 1, 1, 5 * SECOND);
    assert_starts_nothing(&fixture, 0);
    assert_int_equal(calls_next(&fixture.calls), 3 * SECOND);
    assert_overdue(&fixture, 3 * SECOND, 0, CALL_IDLE);
    calls_hold(&fixture.calls, false);
    assert_starts(&fixture, 3 * SECOND, 1);
}

/* ---- anything, in any order ---- */

struct soak {
    struct fixture fixture;
    unsigned puts;
    unsigned ends; /* answered, overdue or withdrawn: what a caller hears */
};

static void soak_put(struct soak *soak, nsec_t now)
{
    size_t call = (size_t)rand() % ARRAY_SIZE(soak->fixture.list);
    size_t line = (size_t)rand() % ARRAY_SIZE(soak->fixture.lines);

    if (soak->fixture.list[call].state == CALL_IDLE &&
        calls_put(&soak->fixture.calls, &soak->fixture.lines[line], &soak->fixture.list[call],
                  now + (nsec_t)(rand() % 5) * SECOND) == 0)
        soak->puts++;
}

static void soak_end(struct soak *soak, nsec_t now)
{
    struct call *call = &soak->fixture.list[(size_t)rand() % ARRAY_SIZE(soak->fixture.list)];

    if (call->state == CALL_WAITING) {
        calls_withdraw(&soak->fixture.calls, call);
        soak->ends++;
    } else if (call->state != CALL_IDLE && rand() % 2 == 0)
        soak->ends += calls_return(&soak->fixture.calls, call);
    else if (call->state != CALL_IDLE)
        (void)calls_put_back(&soak->fixture.calls, call, now + SECOND);
}

static void soak_check(const struct soak *soak)
{
    unsigned states[CALL_LOST + 1] = {0};

    for (size_t i = 0; i < ARRAY_SIZE(soak->fixture.list); i++)
        states[soak->fixture.list[i].state]++;
    assert_int_equal(states[CALL_ACTIVE], soak->fixture.calls.active);
    assert_int_equal(states[CALL_LOST], soak->fixture.calls.lost);
    assert_true(states[CALL_ACTIVE] <= CALLS_ACTIVE_MAX);
    assert_true(states[CALL_ACTIVE] + states[CALL_LOST] <= CALLS_LOST_MAX);
    assert_int_equal(soak->puts, soak->ends + states[CALL_WAITING] + states[CALL_ACTIVE]);
    for (size_t i = 0; i < ARRAY_SIZE(soak->fixture.lines); i++) {
        const struct call *out = soak->fixture.lines[i].out;

        assert_true(out == NULL || out->state == CALL_ACTIVE || out->state == CALL_LOST);
    }
}

static void test_bounds_hold_whatever_happens(void **state)
{
    struct soak soak = {0};

    fixture_init(&soak.fixture);
    srand(20261128);
    for (nsec_t step = 0; step < 20000; step++) {
        nsec_t now = step * SECOND / 10;

        soak_put(&soak, now);
        if (rand() % 3 == 0)
            soak_end(&soak, now);
        while (calls_overdue(&soak.fixture.calls, now) != NULL)
            soak.ends++;
        while (rand() % 4 != 0 && calls_start(&soak.fixture.calls, now) != NULL)
            ;
        soak_check(&soak);
    }
    assert_true(soak.puts > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_is_out_per_domain),
        cmocka_unit_test(test_three_are_out_in_all),
        cmocka_unit_test(test_domains_take_turns),
        cmocka_unit_test(test_line_is_bounded),
        cmocka_unit_test(test_lost_call_makes_room_and_its_domain_is_left_alone),
        cmocka_unit_test(test_call_that_waits_is_overdue_too),
        cmocka_unit_test(test_lost_calls_are_bounded),
        cmocka_unit_test(test_put_back_is_next_and_waits),
        cmocka_unit_test(test_withdrawn_call_is_not_made),
        cmocka_unit_test(test_nothing_starts_while_held),
        cmocka_unit_test(test_bounds_hold_whatever_happens),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
