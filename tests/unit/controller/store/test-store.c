/* The store: what is kept. */
#include "tests/unit/controller/store/store-fixture.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/number.h"
#include "controller/store/database.h"
#include "controller/store/queries.h"

static void test_new_store_is_healthy(void **state)
{
    struct fixture *fixture = *state;
    struct store_status status;

    assert_null(store_problem(fixture->store));
    store_get_status(fixture->store, &status);
    assert_int_equal(status.schema, 9);
    assert_int_equal(status.pending, 0);
    assert_true(status.bytes > 0);
}

static void test_leases_survive_a_crash(void **state)
{
    struct fixture *fixture = *state;
    struct lease lease = make_lease(1, 512 * MIB);
    struct lease other = make_lease(UINT64_MAX, UINT64_MAX);
    struct store *crashed = fixture->store;

    assert_int_equal(put_lease(fixture, &lease), 0);
    assert_int_equal(put_lease(fixture, &other), 0);
    lease.state = LEASE_HELD;
    assert_int_equal(put_lease(fixture, &lease), 0);
    /* A second daemon opens the file while the first one was never closed. */
    assert_int_equal(store_create(fixture->path, &fixture->store), 0);
    expect_leases(fixture, "-1:web1/b/18446744073709551615/0 1:web1/b/536870912/1 ");
    assert_int_equal(remove_lease(fixture, 1), 0);
    assert_int_equal(remove_lease(fixture, 99), 0);
    expect_leases(fixture, "-1:web1/b/18446744073709551615/0 ");
    store_destroy(crashed);
}

static void keep_lease(int status, const struct error *error, const struct lease *leases,
                       size_t count, void *userdata)
{
    assert_int_equal(status, 0);
    assert_int_equal(count, 1);
    *(struct lease *)userdata = leases[0];
}

/* An owner is text, and what an older version has cut is mended. An address is what the memory is
 * given back by: any bytes that a file's name has. */
static void test_text_and_bytes_of_a_lease(void **state)
{
    struct fixture *fixture = *state;
    struct lease lease = make_lease(1, 512 * MIB);
    struct lease loaded = {0};
    struct lease_journal journal;

    snprintf(lease.owner, sizeof(lease.owner), "cut \xc3");
    snprintf(lease.address, sizeof(lease.address), "/run/Stra\xdf\n.qmp");
    assert_int_equal(put_lease(fixture, &lease), 0);
    store_lease_journal(fixture->store, &journal);
    journal.load(journal.userdata, keep_lease, &loaded);
    assert_string_equal(loaded.owner, "cut ?");
    assert_string_equal(loaded.address, lease.address);
}

/* A request may be as long as a message: what is kept of it is not. */
static void test_an_audit_row_is_bounded(void **state)
{
    struct fixture *fixture = *state;
    cleanup_statement sqlite3_stmt *statement = NULL;
    char *request = calloc(1, 6 * 1000 * 1000 + 1);
    const char *kept;

    memset(request, 'x', 6 * 1000 * 1000);
    memcpy(request + STORE_AUDIT_REQUEST_MAX - 1, "\xc3\xa4", 2); /* a character at the cut */
    assert_int_equal(store_put_audit(fixture->store, 1, "eve", "Compact", request, false), 0);
    free(request);
    assert_int_equal(
        store_prepare(fixture->store, "SELECT request FROM audit", NULL, 0, &statement, NULL), 0);
    assert_int_equal(store_step(fixture->store, statement, "", NULL), 1);
    kept = store_text(statement, 0);
    assert_int_equal(kept[STORE_AUDIT_REQUEST_MAX - 2], 'x');
    assert_string_equal(kept + STORE_AUDIT_REQUEST_MAX - 1, " (5998977 bytes more)");
}

static void test_actions(void **state)
{
    struct fixture *fixture = *state;
    struct line line = {""};

    put_action(fixture->store, "aa11", "web1", 1);
    put_action(fixture->store, "aa22", "web2", 2);
    put_action(fixture->store, "aa11", "web1", 1); /* again: finished now */
    put_action(fixture->store, "bb", "web1", 3);
    expect_actions(fixture, NULL, "bb/web1 aa22/web2 aa11/web1 ");
    expect_actions(fixture, "web1", "bb/web1 aa11/web1 ");
    assert_int_equal(store_action(fixture->store, "aa1", line_action, &line, &fixture->error), 0);
    assert_string_equal(line.text, "aa11/web1 ");
    assert_int_equal(store_action(fixture->store, "aa", line_action, &line, &fixture->error),
                     -EEXIST);
    assert_int_equal(store_action(fixture->store, "", line_action, &line, &fixture->error),
                     -ENOENT);
    assert_int_equal(store_action(fixture->store, "cc", line_action, &line, &fixture->error),
                     -ENOENT);
    assert_string_equal(fixture->error.text, "no action \"cc\"; see: vmreclaim actions");
}

/* A guest makes the daemon look for an id with each action of its own. */
static void test_looking_for_an_action_does_not_read_all(void **state)
{
    struct fixture *fixture = *state;
    struct line line = {""};
    struct work work;

    put_many_actions(fixture, 2000);
    put_action(fixture->store, "aa11", "web1", 1);
    work_begin(fixture, &work);
    assert_int_equal(store_action(fixture->store, "aa11", line_action, &line, &fixture->error), 0);
    assert_int_equal(store_action(fixture->store, "a", line_action, &line, &fixture->error),
                     -EEXIST);
    assert_int_equal(store_action(fixture->store, "", line_action, &line, &fixture->error),
                     -ENOENT);
    assert_string_equal(line.text, "aa11/web1 ");
    assert_int_equal(work.scanned, 0);
    assert_in_range(work.instructions, 1, 500);
}

static void test_waterfalls_are_thinned_for_a_chart(void **state)
{
    struct fixture *fixture = *state;
    struct line line = {""};
    unsigned count = 0;

    for (int i = 0; i < 100; i++)
        put_waterfall(fixture->store, "web1", i * MINUTE, (uint64_t)i * MIB);
    put_waterfall(fixture->store, "web2", MINUTE, 0);
    store_tick(fixture->store, 1);
    scan_all(fixture, (struct waterfall_scan){.vm = "web1", .until = INT64_MAX}, 5, line_waterfall,
             &line);
    assert_string_equal(line.text, "0:0 20:20 40:40 60:60 80:80 ");
    scan_all(fixture,
             (struct waterfall_scan){.vm = "web1", .next = 10 * MINUTE, .until = 19 * MINUTE}, 512,
             count_waterfall, &count);
    assert_int_equal(count, 10);
    scan_all(fixture, (struct waterfall_scan){.vm = "none", .until = INT64_MAX}, 5, count_waterfall,
             &count);
    assert_int_equal(count, 10);
}

#define store_test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        store_test(test_new_store_is_healthy),
        store_test(test_leases_survive_a_crash),
        store_test(test_text_and_bytes_of_a_lease),
        store_test(test_an_audit_row_is_bounded),
        store_test(test_actions),
        store_test(test_looking_for_an_action_does_not_read_all),
        store_test(test_waterfalls_are_thinned_for_a_chart),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
