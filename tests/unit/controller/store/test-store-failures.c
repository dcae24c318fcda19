/* Each way in which the store's file can fail. */
#include "tests/unit/controller/store/store-fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/number.h"
#include "controller/store/database.h"
#include "controller/store/queries.h"

/* Nothing can be written; `code` and `words` say why. Then `mend` ends it, and nothing is lost. */
static void check_degraded(struct fixture *fixture, int code, const char *words,
                           void (*mend)(struct fixture *fixture))
{
    struct lease lease = make_lease(2, MIB);
    struct policy_revision revision = {
        .name = "late", .author = "a", .hash = "h", .source_name = "s", .text = "t"};
    struct store_status status;
    uint64_t number = 77;

    assert_int_equal(store_policy_add(fixture->store, &revision, &number, &fixture->error), code);
    assert_non_null(strstr(fixture->error.text, words));
    assert_non_null(strstr(fixture->error.text, fixture->path));
    assert_int_equal(number, 77);
    assert_int_equal(put_lease(fixture, &lease), code);
    put_action(fixture->store, "waits", "web1", 5);
    put_waterfall(fixture->store, "web1", MINUTE, MIB);
    store_tick(fixture->store, 1);
    assert_non_null(store_problem(fixture->store));
    store_get_status(fixture->store, &status);
    assert_int_equal(status.pending, 2);
    mend(fixture);
    store_tick(fixture->store, NSEC_PER_SEC * 3600);
    assert_null(store_problem(fixture->store));
    store_get_status(fixture->store, &status);
    assert_int_equal(status.pending, 0);
    expect_actions(fixture, NULL, "waits/web1 ");
    expect_leases(fixture, "1:web1/b/1048576/0 ");
    assert_int_equal(count_all(fixture, 0, INT64_MAX), 1);
    assert_int_equal(put_lease(fixture, &lease), 0);
}

/* A lease that every failure must leave alone. */
static void begin_degraded(struct fixture *fixture)
{
    struct lease lease = make_lease(1, MIB);

    assert_int_equal(put_lease(fixture, &lease), 0);
}

static void pragma(struct fixture *fixture, const char *text)
{
    assert_int_equal(sqlite3_exec(fixture->store->database, text, NULL, NULL, NULL), SQLITE_OK);
}

static void make_room_on_disk(struct fixture *fixture)
{
    pragma(fixture, "PRAGMA max_page_count=1000000");
}

/* max_page_count gives SQLITE_FULL, as a full file system does. */
static void test_full_disk(void **state)
{
    struct fixture *fixture = *state;

    begin_degraded(fixture);
    /* Fill the pages that exist, so that every table needs a new one. */
    pragma(fixture, "PRAGMA max_page_count=1");
    for (int i = 0; i < 100000; i++) {
        char sql[64];
        snprintf(sql, sizeof(sql), "INSERT INTO audit VALUES (%d,'','','',1)", i);
        if (sqlite3_exec(fixture->store->database, sql, NULL, NULL, NULL) != SQLITE_OK)
            break;
    }
    char big[8192];
    memset(big, 'x', sizeof(big) - 1);
    big[sizeof(big) - 1] = '\0';
    struct policy_revision revision = {
        .name = "late", .author = "a", .hash = "h", .source_name = "s", .text = big};
    Action action = VMRECLAIM__CONTROLLER__V1__ACTION__INIT;
    uint64_t number;

    assert_int_equal(store_policy_add(fixture->store, &revision, &number, &fixture->error),
                     -ENOSPC);
    assert_non_null(strstr(fixture->error.text, "is full; free some space on it"));
    action.id = (char *)"waits";
    action.vm = (char *)"web1";
    action.reason = big;
    assert_int_equal(store_put_action(fixture->store, &action), 0);
    assert_int_equal(fixture->store->queue_count, 1);
    store_tick(fixture->store, 1);
    assert_non_null(store_problem(fixture->store));
    make_room_on_disk(fixture);
    store_tick(fixture->store, 2);
    assert_null(store_problem(fixture->store));
    expect_actions(fixture, NULL, "waits/web1 ");
    expect_leases(fixture, "1:web1/b/1048576/0 ");
}

static void make_writable(struct fixture *fixture)
{
    pragma(fixture, "PRAGMA query_only=0");
}

/* query_only gives SQLITE_READONLY, as a read-only mount does, to root too. */
static void test_read_only_file(void **state)
{
    struct fixture *fixture = *state;

    begin_degraded(fixture);
    pragma(fixture, "PRAGMA query_only=1");
    check_degraded(fixture, -EROFS, "is read-only; check its owner", make_writable);
}

static void move(const struct fixture *fixture, const char *from, const char *to)
{
    char old[128];
    char new[128];

    snprintf(old, sizeof(old), "%s%s", fixture->path, from);
    snprintf(new, sizeof(new), "%s%s", fixture->path, to);
    assert_int_equal(rename(old, new), 0);
}

static void move_back(struct fixture *fixture)
{
    move(fixture, ".away", "");
}

/* What would be written to it is lost with the process: leases above all. */
static void test_a_file_that_was_moved_away(void **state)
{
    struct fixture *fixture = *state;

    begin_degraded(fixture);
    move(fixture, "", ".away");
    check_degraded(fixture, -EIO, "was moved or removed while it was used", move_back);
}

static sqlite3 *locker;

static void unlock(struct fixture *fixture)
{
    assert_int_equal(sqlite3_exec(locker, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
    (void)sqlite3_close(locker);
}

static void test_locked_file(void **state)
{
    struct fixture *fixture = *state;

    begin_degraded(fixture);
    assert_int_equal(sqlite3_open(fixture->path, &locker), SQLITE_OK);
    assert_int_equal(sqlite3_exec(locker, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    check_degraded(fixture, -EBUSY, "is locked by another process", unlock);
}

static void write_garbage(const char *path, off_t offset, size_t length)
{
    char garbage[65536];
    int descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

    memset(garbage, 0x5a, sizeof(garbage));
    assert_true(descriptor >= 0);
    assert_int_equal(pwrite(descriptor, garbage, length, offset), (ssize_t)length);
    close(descriptor);
}

static void move_away(struct fixture *fixture)
{
    assert_int_equal(unlink(fixture->path), 0);
}

static void test_file_that_is_no_database(void **state)
{
    struct fixture *fixture = *state;
    struct stat status;
    struct store_status store_status;

    store_destroy(fixture->store);
    assert_int_equal(unlink(fixture->path), 0);
    write_garbage(fixture->path, 0, 4096);
    assert_int_equal(store_create(fixture->path, &fixture->store), 0);
    assert_non_null(strstr(store_problem(fixture->store), "is not a database; move it away"));
    put_action(fixture->store, "waits", "web1", 5);
    store_tick(fixture->store, 1);
    assert_int_equal(stat(fixture->path, &status), 0);
    assert_int_equal(status.st_size, 4096); /* nobody touched it */
    move_away(fixture);
    store_tick(fixture->store, 3600 * NSEC_PER_SEC);
    assert_null(store_problem(fixture->store));
    expect_actions(fixture, NULL, "waits/web1 ");
    store_get_status(fixture->store, &store_status);
    assert_int_equal(store_status.schema, 9);
}

static void test_damaged_pages(void **state)
{
    struct fixture *fixture = *state;
    struct line line = {""};

    for (int i = 0; i < 200; i++) {
        char name[32];
        snprintf(name, sizeof(name), "policy-%d", i);
        add_policy(fixture, name, "some text that fills pages, page after page after page");
    }
    store_destroy(fixture->store); /* the log goes into the file */
    write_garbage(fixture->path, 4096, 16 * 4096);
    assert_int_equal(store_create(fixture->path, &fixture->store), 0);
    assert_int_equal(store_policy_list(fixture->store, "", line_policy, &line, &fixture->error),
                     -EUCLEAN);
    assert_non_null(strstr(fixture->error.text, "is damaged; stop vmreclaimd, move the file away"));
    assert_non_null(store_problem(fixture->store));
}

static void test_directory_that_is_not_there(void **state)
{
    struct fixture *fixture = *state;
    struct store *store;
    uint64_t number;
    struct policy_revision revision = {
        .name = "n", .author = "a", .hash = "h", .source_name = "s", .text = "t"};

    assert_int_equal(store_create("/nonexistent/store.sqlite", &store), 0);
    assert_non_null(strstr(store_problem(store), "/nonexistent/store.sqlite cannot be opened"));
    assert_int_equal(store_policy_add(store, &revision, &number, &fixture->error), -EIO);
    assert_non_null(strstr(fixture->error.text, "check that the directory exists"));
    store_destroy(store);
}

static void test_newer_schema(void **state)
{
    struct fixture *fixture = *state;

    pragma(fixture, "PRAGMA user_version=1000");
    reopen(fixture);
    assert_non_null(strstr(store_problem(fixture->store), "written by a newer vmreclaimd"));
    put_action(fixture->store, "waits", "web1", 5);
    assert_int_equal(fixture->store->queue_count, 1);
}

static void test_waterfalls_are_dropped_before_actions(void **state)
{
    struct fixture *fixture = *state;
    struct store_status status;

    pragma(fixture, "PRAGMA query_only=1");
    put_action(fixture->store, "first", "web1", 1);
    for (int i = 1; i < STORE_PENDING_MAX; i++)
        put_waterfall(fixture->store, "web1", i * MINUTE, MIB);
    put_action(fixture->store, "last", "web1", 2);
    store_get_status(fixture->store, &status);
    assert_int_equal(status.pending, STORE_PENDING_MAX);
    assert_int_equal(status.dropped, 1);
    make_writable(fixture);
    store_tick(fixture->store, 1);
    expect_actions(fixture, NULL, "last/web1 first/web1 ");
    assert_int_equal(count_all(fixture, 0, INT64_MAX), STORE_PENDING_MAX - 2);
}

#define store_test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        store_test(test_full_disk),
        store_test(test_read_only_file),
        store_test(test_a_file_that_was_moved_away),
        store_test(test_locked_file),
        store_test(test_file_that_is_no_database),
        store_test(test_damaged_pages),
        store_test(test_directory_that_is_not_there),
        store_test(test_newer_schema),
        store_test(test_waterfalls_are_dropped_before_actions),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
