/* How long leases last. */
#include "tests/lib/test.h"

#include <string.h>

#include "controller/leases/term.h"

#define SECOND ((int64_t)NSEC_PER_SEC)
#define HOUR   (3600 * NSEC_PER_SEC)

static const char boot[] = "5b1c30c5-47a2-4a0c-8a6c-0d2f4d1b6a01";
static const char other_boot[] = "8f0e9d52-0000-4a0c-8a6c-0d2f4d1b6a02";

static const struct lease_moment begin = {
    .now = 100 * NSEC_PER_SEC,
    .time = 1700000000 * SECOND,
};

static struct lease make(nsec_t duration)
{
    struct lease lease = {.id = 1};

    lease_term_begin(&lease, duration, &begin, boot);
    return lease;
}

/* What the journal keeps, found again `passed` later when the wall clock was set by `set`. */
static struct lease found(const struct lease *lease, nsec_t passed, int64_t set,
                          const char *boot_id)
{
    const struct lease_moment moment = {
        .now = begin.now + passed,
        .time = begin.time + (int64_t)passed + set,
    };
    struct lease again = *lease;

    lease_term_resume(&again, &moment, boot_id);
    return again;
}

static void test_a_duration(void **state)
{
    struct lease lease = make(HOUR);

    assert_false(lease_is_over(&lease, begin.now));
    assert_false(lease_is_over(&lease, begin.now + HOUR - 1));
    assert_true(lease_is_over(&lease, begin.now + HOUR));
    lease = make(0);
    assert_false(lease_is_over(&lease, NSEC_INFINITY));
    assert_int_equal(lease_end_time(&lease, &begin), 0);
}

static void test_durations_beyond_the_clocks(void **state)
{
    const struct lease_moment late = {.now = NSEC_INFINITY - 1, .time = INT64_MAX - 1};
    const struct lease_moment early = {.now = 1, .time = INT64_MIN};
    struct lease lease = make(UINT64_MAX);

    assert_int_equal(lease.due, NSEC_INFINITY);
    assert_int_equal(lease.expires, INT64_MAX);
    assert_int_equal(lease_end_time(&lease, &begin), INT64_MAX);
    lease_term_begin(&lease, HOUR, &late, boot);
    assert_int_equal(lease.due, NSEC_INFINITY);
    assert_int_equal(lease.expires, INT64_MAX);
    lease_term_begin(&lease, UINT64_MAX, &early, boot);
    assert_int_equal(lease.expires, INT64_MAX);
    lease_term_resume(&lease, &late, other_boot);
    assert_int_equal(lease.due, NSEC_INFINITY);
    lease.due = 1;
    assert_int_equal(lease_end_time(&lease, &(struct lease_moment){UINT64_MAX, INT64_MIN}),
                     INT64_MIN);
}

static void test_the_same_boot_does_not_look_at_the_wall(void **state)
{
    const int64_t sets[] = {0, 7200 * SECOND, -7200 * SECOND, -begin.time, INT64_MAX / 2};
    struct lease lease = make(HOUR);

    for (size_t i = 0; i < ARRAY_SIZE(sets); i++)
        assert_int_equal(found(&lease, 600 * NSEC_PER_SEC, sets[i], boot).due, begin.now + HOUR);
}

static void test_another_boot_has_only_the_wall(void **state)
{
    struct lease lease = make(HOUR);
    struct lease again = found(&lease, 600 * NSEC_PER_SEC, 0, other_boot);

    assert_int_equal(again.due, begin.now + HOUR);
    assert_true(lease_is_of_other_boot(&again, other_boot));
    /* Set ahead: it is over. Set back: never more than the whole duration again. */
    again = found(&lease, 600 * NSEC_PER_SEC, 7200 * SECOND, other_boot);
    assert_true(lease_is_over(&again, begin.now + 600 * NSEC_PER_SEC));
    again = found(&lease, 600 * NSEC_PER_SEC, -7200 * SECOND, other_boot);
    assert_int_equal(again.due, begin.now + 600 * NSEC_PER_SEC + HOUR);
}

/* Nor is it another one. */
static void test_a_boot_that_is_not_known(void **state)
{
    struct lease lease = make(HOUR);
    struct lease again = found(&lease, 60 * NSEC_PER_SEC, 600 * SECOND, "");

    assert_int_equal(again.due, begin.now + HOUR - 600 * NSEC_PER_SEC);
    assert_false(lease_is_of_other_boot(&again, ""));
    lease.host_boot_id[0] = '\0';
    lease.due = 0; /* as an earlier version left it */
    again = found(&lease, 60 * NSEC_PER_SEC, 0, boot);
    assert_int_equal(again.due, begin.now + HOUR);
    assert_false(lease_is_of_other_boot(&again, boot));
}

/* Nothing that stands in a journal is an overflow. */
static void test_a_journal_of_nonsense(void **state)
{
    const int64_t times[] = {INT64_MIN, -1, 0, 1, INT64_MAX};

    for (size_t i = 0; i < ARRAY_SIZE(times) * ARRAY_SIZE(times); i++) {
        struct lease lease = {.created = times[i / ARRAY_SIZE(times)],
                              .expires = times[i % ARRAY_SIZE(times)],
                              .due = (nsec_t)times[i % 3]};

        lease = found(&lease, 0, 0, other_boot);
        assert_true(lease.expires != 0 || lease.due == 0);
        (void)lease_end_time(&lease, &begin);
    }
}

static void test_the_end_is_told_by_the_clock_of_now(void **state)
{
    struct lease lease = make(HOUR);
    const struct lease_moment later = {
        .now = begin.now + 600 * NSEC_PER_SEC,
        .time = begin.time - 86400 * SECOND,
    };

    assert_int_equal(lease_end_time(&lease, &begin), begin.time + 3600 * SECOND);
    assert_int_equal(lease_end_time(&lease, &later), later.time + 3000 * SECOND);
}

static void test_what_nobody_holds_is_due(void **state)
{
    struct lease lease = make(HOUR);

    lease.state = LEASE_HELD;
    assert_false(lease_is_due(&lease, begin.now));
    assert_true(lease_is_due(&lease, begin.now + HOUR));
    lease.state = LEASE_REQUESTED;
    assert_true(lease_is_due(&lease, begin.now));
    lease.state = LEASE_RELEASING;
    assert_true(lease_is_due(&lease, begin.now));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_duration),
        cmocka_unit_test(test_durations_beyond_the_clocks),
        cmocka_unit_test(test_the_same_boot_does_not_look_at_the_wall),
        cmocka_unit_test(test_another_boot_has_only_the_wall),
        cmocka_unit_test(test_a_boot_that_is_not_known),
        cmocka_unit_test(test_a_journal_of_nonsense),
        cmocka_unit_test(test_the_end_is_told_by_the_clock_of_now),
        cmocka_unit_test(test_what_nobody_holds_is_due),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
