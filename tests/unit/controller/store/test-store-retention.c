/* What the store thins out, and when. */
#include "tests/unit/controller/store/store-fixture.h"

#include <stdio.h>

#include "common/base/number.h"
#include "controller/store/database.h"
#include "controller/store/queries.h"

/* Returns in how many pieces. */
static unsigned retain_all(struct fixture *fixture, int64_t now)
{
    unsigned pieces = 1;
    int r;

    while ((r = store_retain(fixture->store, now, &fixture->error)) > 0)
        pieces++;
    assert_int_equal(r, 0);
    return pieces;
}

static void test_retention(void **state)
{
    struct fixture *fixture = *state;
    int64_t now = 1000 * DAY;
    int64_t starts[] = {now - 400 * DAY, now - 20 * DAY, now - 2 * DAY, now - DAY / 2};

    for (size_t i = 0; i < ARRAY_SIZE(starts); i++)
        for (int j = 0; j < 60; j++)
            put_waterfall(fixture->store, "web1", starts[i] + j * MINUTE, 1);
    put_action(fixture->store, "old", "web1", starts[0]);
    put_action(fixture->store, "new", "web1", starts[1]);
    store_tick(fixture->store, 1);
    for (int run = 0; run < 2; run++) { /* the second run finds nothing more */
        retain_all(fixture, now);
        assert_int_equal(count_all(fixture, 0, starts[1] - 1), 0);
        assert_int_equal(count_all(fixture, starts[1], starts[2] - 1), 1);
        assert_int_equal(count_all(fixture, starts[2], starts[3] - 1), 6);
        assert_int_equal(count_all(fixture, starts[3], now), 60);
    }
    expect_actions(fixture, NULL, "new/web1 ");
}

/* So many VMs, each with a record a minute for so long before `until`. */
static void put_history(const struct fixture *fixture, unsigned vms, unsigned minutes,
                        int64_t until)
{
    char sql[512];

    snprintf(sql, sizeof(sql),
             "WITH RECURSIVE vm(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM vm WHERE i < %u), "
             "minute(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM minute WHERE i < %u) "
             "INSERT INTO waterfall SELECT 'web' || vm.i, %lld - minute.i * %lld, x'' "
             "FROM vm, minute",
             vms, minutes, (long long)until, (long long)MINUTE);
    assert_int_equal(store_execute(fixture->store, sql, "", NULL), 0);
}

static uint64_t number_of(struct fixture *fixture, const char *sql)
{
    cleanup_statement sqlite3_stmt *statement = NULL;

    assert_int_equal(store_prepare(fixture->store, sql, NULL, 0, &statement, NULL), 0);
    assert_int_equal(store_step(fixture->store, statement, "", NULL), 1);
    return (uint64_t)sqlite3_column_int64(statement, 0);
}

static uint64_t count_rows(struct fixture *fixture)
{
    return number_of(fixture, "SELECT count(*) FROM waterfall");
}

/* The loop waits for each piece, and the whole history of many VMs takes seconds. */
static void test_retention_goes_in_pieces(void **state)
{
    enum { VMS = 20, TEN_DAYS = 10 * 24 * 60 };
    struct fixture *fixture = *state;
    int64_t now = 1000 * DAY;
    uint64_t largest = 0;
    unsigned pieces;
    struct work work;

    put_history(fixture, VMS, TEN_DAYS, now);
    work_begin(fixture, &work);
    assert_int_equal(store_retain(fixture->store, now, &fixture->error), 1);
    for (pieces = 1; fixture->store->retention.under_way; pieces++) {
        largest = max_of(largest, work.instructions);
        work = (struct work){0};
        store_tick(fixture->store, 1);
    }
    assert_int_equal(count_rows(fixture), VMS * (24 * 60 + 9 * 24 * 6));
    assert_in_range(pieces, VMS / 2, VMS + 1);
    assert_in_range(largest, 100000, 400000);
    /* An hour later there is an hour's work, whatever the past is. */
    put_history(fixture, VMS, 60, now + 60 * MINUTE);
    work = (struct work){0};
    assert_int_equal(retain_all(fixture, now + 60 * MINUTE), 1);
    assert_in_range(work.instructions, 1, 50000);
    assert_int_equal(count_rows(fixture), VMS * (24 * 60 + (9 * 24 + 1) * 6));
}

/* A pass that fails is made up for by the next one. */
static void test_a_retention_that_failed_is_done_later(void **state)
{
    struct fixture *fixture = *state;
    int64_t now = 1000 * DAY;

    put_history(fixture, 1, 60, now - 2 * DAY);
    assert_int_equal(store_execute(fixture->store,
                                   "CREATE TRIGGER stop BEFORE DELETE ON waterfall BEGIN "
                                   "SELECT RAISE(ABORT, 'no'); END",
                                   "", NULL),
                     0);
    assert_true(store_retain(fixture->store, now, &fixture->error) < 0);
    assert_false(fixture->store->retention.under_way);
    assert_int_equal(store_execute(fixture->store, "DROP TRIGGER stop", "", NULL), 0);
    retain_all(fixture, now + 60 * MINUTE);
    assert_int_equal(count_rows(fixture), 6);
}

static void expect_history(struct fixture *fixture, unsigned minutes)
{
    assert_int_equal(count_rows(fixture), minutes);
    expect_actions(fixture, NULL, "old/web1 ");
}

/* A clock years ahead, or back, for some hours, over restarts; then it is right again. */
static void test_a_clock_that_is_wrong_for_a_while(void **state)
{
    static const int64_t leaps[] = {900 * DAY, -900 * DAY, 20 * DAY, 400 * DAY};
    enum { MINUTES = 20 * 60 };
    struct fixture *fixture = *state;
    int64_t now = 1000 * DAY;

    put_history(fixture, 1, MINUTES, now);
    put_action(fixture->store, "old", "web1", now - 300 * DAY);
    retain_all(fixture, now);
    for (size_t i = 0; i < ARRAY_SIZE(leaps); i++) {
        for (int hour = 0; hour < 5; hour++) {
            retain_all(fixture, now + leaps[i] + hour * 60 * MINUTE);
            reopen(fixture);
            expect_history(fixture, MINUTES);
        }
        retain_all(fixture, now);
        expect_history(fixture, MINUTES);
    }
}

/* What has held for a day is so: the daemon did not run, or the clock was wrong before. */
static void test_a_clock_that_stays(void **state)
{
    struct fixture *fixture = *state;
    int64_t now = 1000 * DAY;
    unsigned passes = 0;

    put_action(fixture->store, "old", "web1", now);
    retain_all(fixture, now);
    for (now += 400 * DAY; number_of(fixture, "SELECT count(*) FROM action") > 0; passes++) {
        assert_true(passes < 100);
        retain_all(fixture, now + passes * 60 * MINUTE);
        reopen(fixture);
    }
    assert_int_equal(passes, 24);
}

/* More actions are too old than one piece removes. */
static void test_old_actions_go_in_lots(void **state)
{
    struct fixture *fixture = *state;

    put_many_actions(fixture, 1200);
    put_action(fixture->store, "new", "web1", 1000 * DAY);
    assert_int_equal(retain_all(fixture, 1000 * DAY), 3);
    expect_actions(fixture, NULL, "new/web1 ");
}

static void test_the_audit_is_bounded(void **state)
{
    struct fixture *fixture = *state;
    char sql[256];

    snprintf(sql, sizeof(sql),
             "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d) "
             "INSERT INTO audit SELECT i, 'eve', 'm', '', 0 FROM n",
             STORE_AUDIT_ROWS_MAX + 700);
    assert_int_equal(store_execute(fixture->store, sql, "", NULL), 0);
    (void)retain_all(fixture, DAY);
    assert_int_equal(number_of(fixture, "SELECT count(*) FROM audit"), STORE_AUDIT_ROWS_MAX);
    assert_int_equal(number_of(fixture, "SELECT min(time) FROM audit"), 701);
}

/* The oldest go first, whatever they are, and the last hour stays. */
static void test_a_store_that_is_too_large_keeps_less(void **state)
{
    struct fixture *fixture = *state;
    const int64_t now = 400 * DAY;

    assert_int_equal(store_execute(fixture->store, "BEGIN", "", NULL), 0);
    for (int i = 0; i < 300; i++) {
        char sql[256];

        snprintf(sql, sizeof(sql),
                 "INSERT INTO action VALUES ('%d', 'web1', %lld, zeroblob(10000), 0)", i,
                 (long long)(now - i * DAY));
        assert_int_equal(store_execute(fixture->store, sql, "", NULL), 0);
    }
    assert_int_equal(store_execute(fixture->store, "COMMIT", "", NULL), 0);
    fixture->store->bytes_max = 2000 * 1000;
    (void)retain_all(fixture, now);
    assert_in_range(number_of(fixture, "SELECT count(*) FROM action"), 80, 160);
    assert_int_equal(number_of(fixture, "SELECT count(*) FROM action WHERE id = '0'"), 1);
    fixture->store->bytes_max = 1;
    (void)retain_all(fixture, now);
    assert_int_equal(number_of(fixture, "SELECT count(*) FROM action"), 1);
}

#define store_test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        store_test(test_the_audit_is_bounded),
        store_test(test_a_store_that_is_too_large_keeps_less),
        store_test(test_retention),
        store_test(test_retention_goes_in_pieces),
        store_test(test_a_retention_that_failed_is_done_later),
        store_test(test_a_clock_that_is_wrong_for_a_while),
        store_test(test_a_clock_that_stays),
        store_test(test_old_actions_go_in_lots),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
