/* The store: what is kept, what is thinned out, and each way in which its file can fail. */
#include "tests/lib/test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/number.h"
#include "controller/store/internal.h"
#include "controller/store/store.h"

typedef Vmreclaim__Controller__V1__Action Action;
typedef Vmreclaim__Controller__V1__Waterfall Waterfall;

#define MINUTE ((int64_t)60 * (int64_t)NSEC_PER_SEC)
#define DAY    (24 * 60 * MINUTE)

struct fixture {
    char directory[64];
    char path[96];
    struct store *store;
    struct error error;
};

static int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));

    (void)snprintf(fixture->directory, sizeof(fixture->directory), "/tmp/test-store-XXXXXX");
    if (mkdtemp(fixture->directory) == NULL)
        return -1;
    (void)snprintf(fixture->path, sizeof(fixture->path), "%s/store.sqlite", fixture->directory);
    if (store_create(fixture->path, &fixture->store) < 0)
        return -1;
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    char path[128];

    store_destroy(fixture->store);
    for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
        (void)snprintf(path, sizeof(path), "%s%s", fixture->path, suffixes[i]);
        (void)unlink(path);
    }
    (void)rmdir(fixture->directory);
    free(fixture);
    return 0;
}

static void reopen(struct fixture *fixture)
{
    store_destroy(fixture->store);
    assert_int_equal(store_create(fixture->path, &fixture->store), 0);
}

static uint64_t add_policy(struct fixture *fixture, const char *name, const char *text)
{
    struct policy_revision revision = {.name = name,
                                       .author = "alice",
                                       .time = 7,
                                       .hash = text,
                                       .source_name = "a.yaml",
                                       .text = text};
    uint64_t number = 0;
    assert_int_equal(store_policy_add(fixture->store, &revision, &number, &fixture->error), 0);
    return number;
}

/* Writes what is visited as one line. */
struct line {
    char text[1024];
};

static int line_policy(const struct policy_revision *revision, void *userdata)
{
    struct line *line = userdata;
    size_t used = strlen(line->text);
    (void)snprintf(line->text + used, sizeof(line->text) - used, "%s/%d/%s/%s/%d ", revision->name,
                   (int)revision->revision, revision->author, revision->text,
                   (int)revision->rolled_back_to);
    return 0;
}

static int line_action(const Action *action, void *userdata)
{
    struct line *line = userdata;
    size_t used = strlen(line->text);
    (void)snprintf(line->text + used, sizeof(line->text) - used, "%s/%s ", action->id, action->vm);
    return 0;
}

static int line_lease(const struct lease *lease, void *userdata)
{
    struct line *line = userdata;
    size_t used = strlen(line->text);
    (void)snprintf(line->text + used, sizeof(line->text) - used, "%d:%s/%s/%llu/%d ",
                   (int)lease->id, lease->vm, lease->boot_id, (unsigned long long)lease->bytes,
                   (int)lease->state);
    return 0;
}

static int line_waterfall(const Waterfall *waterfall, void *userdata)
{
    struct line *line = userdata;
    size_t used = strlen(line->text);
    (void)snprintf(line->text + used, sizeof(line->text) - used, "%d:%d ",
                   (int)(waterfall->time_ns / MINUTE), (int)(waterfall->footprint / MIB));
    return 0;
}

static int count_waterfall(const Waterfall *waterfall, void *userdata)
{
    (void)waterfall;
    (*(unsigned *)userdata)++;
    return 0;
}

static void put_action(struct store *store, const char *id, const char *vm, int64_t time)
{
    Action action = VMRECLAIM__CONTROLLER__V1__ACTION__INIT;
    action.id = (char *)id;
    action.vm = (char *)vm;
    action.started_ns = time;
    assert_int_equal(store_put_action(store, &action), 0);
}

static void put_waterfall(struct store *store, const char *vm, int64_t time, uint64_t footprint)
{
    Waterfall waterfall = VMRECLAIM__CONTROLLER__V1__WATERFALL__INIT;
    waterfall.time_ns = time;
    waterfall.footprint = footprint;
    assert_int_equal(store_put_waterfall(store, vm, &waterfall), 0);
}

static void expect_actions(struct fixture *fixture, const char *vm, const char *expected)
{
    struct line line = {""};
    assert_int_equal(store_actions(fixture->store, vm, 0, 100, line_action, &line, &fixture->error),
                     0);
    assert_string_equal(line.text, expected);
}

static struct lease make_lease(uint64_t id, uint64_t bytes)
{
    struct lease lease = {.id = id,
                          .state = LEASE_REQUESTED,
                          .vm = "web1",
                          .uuid = "u",
                          .owner = "alice",
                          .bytes = bytes,
                          .boot_id = "b",
                          .pid = 42};
    return lease;
}

static void expect_leases(struct fixture *fixture, const char *expected)
{
    struct lease_journal journal;
    struct line line = {""};
    store_lease_journal(fixture->store, &journal);
    assert_int_equal(journal.load(journal.userdata, line_lease, &line, &fixture->error), 0);
    assert_string_equal(line.text, expected);
}

/* ---- what is kept ---- */

static void test_new_store_is_healthy(void **state)
{
    struct fixture *fixture = *state;
    struct store_status status;

    assert_null(store_problem(fixture->store));
    store_get_status(fixture->store, &status);
    assert_int_equal(status.schema, 1);
    assert_int_equal(status.pending, 0);
    assert_true(status.bytes > 0);
}

static void test_policy_history(void **state)
{
    struct fixture *fixture = *state;
    struct line line = {""};
    uint64_t number;

    assert_int_equal(add_policy(fixture, "night", "one"), 1);
    assert_int_equal(add_policy(fixture, "night", "two"), 2);
    assert_int_equal(add_policy(fixture, "night", "two"), 2); /* the same text again */
    assert_int_equal(add_policy(fixture, "day", "x"), 1);
    reopen(fixture);
    assert_int_equal(store_policy_list(fixture->store, line_policy, &line, &fixture->error), 0);
    assert_string_equal(line.text, "day/1/alice//0 night/2/alice//0 ");
    assert_int_equal(
        store_policy_roll_back(fixture->store, "night", 0, "bob", 9, &number, &fixture->error), 0);
    assert_int_equal(number, 3);
    line.text[0] = '\0';
    assert_int_equal(
        store_policy_revisions(fixture->store, "night", line_policy, &line, &fixture->error), 0);
    assert_string_equal(line.text, "night/3/bob//1 night/2/alice//0 night/1/alice//0 ");
    line.text[0] = '\0';
    assert_int_equal(
        store_policy_get(fixture->store, "night", 0, line_policy, &line, &fixture->error), 0);
    assert_string_equal(line.text, "night/3/bob/one/1 ");
}

static void test_policy_that_is_not_there(void **state)
{
    struct fixture *fixture = *state;
    struct line line = {""};
    uint64_t number = 77;

    add_policy(fixture, "night", "one");
    assert_int_equal(
        store_policy_get(fixture->store, "nihgt", 0, line_policy, &line, &fixture->error), -ENOENT);
    assert_string_equal(fixture->error.text, "no policy \"nihgt\"; see: vmreclaim policy list");
    assert_int_equal(
        store_policy_get(fixture->store, "night", 5, line_policy, &line, &fixture->error), -ENOENT);
    assert_string_equal(fixture->error.text,
                        "policy \"night\" has no revision 5; see: vmreclaim policy history night");
    assert_int_equal(
        store_policy_roll_back(fixture->store, "night", 0, "bob", 9, &number, &fixture->error),
        -ENOENT);
    assert_int_equal(
        store_policy_roll_back(fixture->store, "x", 0, "bob", 9, &number, &fixture->error),
        -ENOENT);
    assert_int_equal(number, 77);
    assert_int_equal(
        store_policy_revisions(fixture->store, "x", line_policy, &line, &fixture->error), -ENOENT);
}

static void test_best_assignment_wins(void **state)
{
    struct fixture *fixture = *state;
    char *labels[] = {(char *)"rack=7", (char *)"tier=web"};
    char policy[64] = "untouched";
    static const struct {
        const char *selector;
        const char *policy;
    } steps[] = {{"*", "all"},
                 {"web-*", "webs"},
                 {"label:tier=web", "tier"},
                 {"label:rack=7", "rack"},
                 {"web-1", "one"}};

    assert_int_equal(
        store_policy_of(fixture->store, "web-1", labels, 2, policy, sizeof(policy), NULL), -ENOENT);
    assert_string_equal(policy, "untouched");
    for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
        struct policy_assignment assignment = {steps[i].selector, steps[i].policy, "alice", 1};
        assert_int_equal(store_assign(fixture->store, &assignment, &fixture->error), -ENOENT);
        add_policy(fixture, steps[i].policy, "text");
        assert_int_equal(store_assign(fixture->store, &assignment, &fixture->error), 0);
        assert_int_equal(store_policy_of(fixture->store, "web-1", labels, 2, policy, sizeof(policy),
                                         &fixture->error),
                         0);
        assert_string_equal(policy, steps[i].policy);
    }
    assert_int_equal(store_unassign(fixture->store, "web-1", &fixture->error), 0);
    assert_int_equal(
        store_policy_of(fixture->store, "web-1", labels, 2, policy, sizeof(policy), NULL), 0);
    assert_string_equal(policy, "rack");
    assert_int_equal(store_policy_of(fixture->store, "db", NULL, 0, policy, sizeof(policy), NULL),
                     0);
    assert_string_equal(policy, "all");
}

static void test_leases_survive_a_crash(void **state)
{
    struct fixture *fixture = *state;
    struct lease_journal journal;
    struct lease lease = make_lease(1, 512 * MIB);
    struct lease other = make_lease(UINT64_MAX, UINT64_MAX);
    struct store *crashed = fixture->store;

    store_lease_journal(crashed, &journal);
    assert_int_equal(journal.put(journal.userdata, &lease, &fixture->error), 0);
    assert_int_equal(journal.put(journal.userdata, &other, &fixture->error), 0);
    lease.state = LEASE_HELD;
    assert_int_equal(journal.put(journal.userdata, &lease, &fixture->error), 0);
    /* A second daemon opens the file while the first one was never closed. */
    assert_int_equal(store_create(fixture->path, &fixture->store), 0);
    expect_leases(fixture, "-1:web1/b/18446744073709551615/0 1:web1/b/536870912/1 ");
    store_lease_journal(fixture->store, &journal);
    assert_int_equal(journal.remove(journal.userdata, 1, &fixture->error), 0);
    assert_int_equal(journal.remove(journal.userdata, 99, &fixture->error), 0);
    expect_leases(fixture, "-1:web1/b/18446744073709551615/0 ");
    store_destroy(crashed);
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

static void test_waterfalls_are_thinned_for_a_chart(void **state)
{
    struct fixture *fixture = *state;
    struct line line = {""};
    unsigned count = 0;

    for (int i = 0; i < 100; i++)
        put_waterfall(fixture->store, "web1", i * MINUTE, (uint64_t)i * MIB);
    put_waterfall(fixture->store, "web2", MINUTE, 0);
    store_tick(fixture->store, 1);
    assert_int_equal(store_waterfalls(fixture->store, "web1", 0, INT64_MAX, 5, line_waterfall,
                                      &line, &fixture->error),
                     0);
    assert_string_equal(line.text, "0:0 20:20 40:40 60:60 80:80 ");
    assert_int_equal(store_waterfalls(fixture->store, "web1", 10 * MINUTE, 19 * MINUTE, 512,
                                      count_waterfall, &count, &fixture->error),
                     0);
    assert_int_equal(count, 10);
    assert_int_equal(store_waterfalls(fixture->store, "none", 0, INT64_MAX, 5, count_waterfall,
                                      &count, &fixture->error),
                     0);
    assert_int_equal(count, 10);
}

static unsigned count_all(struct fixture *fixture, int64_t since, int64_t until)
{
    unsigned count = 0;
    assert_int_equal(store_waterfalls(fixture->store, "web1", since, until, 1000000,
                                      count_waterfall, &count, &fixture->error),
                     0);
    return count;
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
        assert_int_equal(store_retain(fixture->store, now, &fixture->error), 0);
        assert_int_equal(count_all(fixture, 0, starts[1] - 1), 0);
        assert_int_equal(count_all(fixture, starts[1], starts[2] - 1), 1);
        assert_int_equal(count_all(fixture, starts[2], starts[3] - 1), 6);
        assert_int_equal(count_all(fixture, starts[3], now), 60);
    }
    expect_actions(fixture, NULL, "new/web1 ");
}

/* ---- how the file can fail ---- */

/* Nothing can be written; `code` and `words` say why. Then `mend` ends it, and nothing is lost. */
static void check_degraded(struct fixture *fixture, int code, const char *words,
                           void (*mend)(struct fixture *fixture))
{
    struct lease_journal journal;
    struct lease lease = make_lease(2, MIB);
    struct policy_revision revision = {
        .name = "late", .author = "a", .hash = "h", .source_name = "s", .text = "t"};
    struct store_status status;
    uint64_t number = 77;

    assert_int_equal(store_policy_add(fixture->store, &revision, &number, &fixture->error), code);
    assert_non_null(strstr(fixture->error.text, words));
    assert_non_null(strstr(fixture->error.text, fixture->path));
    assert_int_equal(number, 77);
    store_lease_journal(fixture->store, &journal);
    assert_int_equal(journal.put(journal.userdata, &lease, &fixture->error), code);
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
    assert_int_equal(journal.put(journal.userdata, &lease, &fixture->error), 0);
}

/* A lease that every failure must leave alone. */
static void begin_degraded(struct fixture *fixture)
{
    struct lease_journal journal;
    struct lease lease = make_lease(1, MIB);

    store_lease_journal(fixture->store, &journal);
    assert_int_equal(journal.put(journal.userdata, &lease, &fixture->error), 0);
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
        (void)snprintf(sql, sizeof(sql), "INSERT INTO audit VALUES (%d,'','','',1)", i);
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

static sqlite3 *locker;

static void unlock(struct fixture *fixture)
{
    (void)fixture;
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
    (void)close(descriptor);
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
    assert_int_equal(store_status.schema, 1);
}

static void test_damaged_pages(void **state)
{
    struct fixture *fixture = *state;
    struct line line = {""};

    for (int i = 0; i < 200; i++) {
        char name[32];
        (void)snprintf(name, sizeof(name), "policy-%d", i);
        add_policy(fixture, name, "some text that fills pages, page after page after page");
    }
    store_destroy(fixture->store); /* the log goes into the file */
    write_garbage(fixture->path, 4096, 16 * 4096);
    assert_int_equal(store_create(fixture->path, &fixture->store), 0);
    assert_int_equal(store_policy_list(fixture->store, line_policy, &line, &fixture->error),
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_new_store_is_healthy, setup, teardown),
        cmocka_unit_test_setup_teardown(test_policy_history, setup, teardown),
        cmocka_unit_test_setup_teardown(test_policy_that_is_not_there, setup, teardown),
        cmocka_unit_test_setup_teardown(test_best_assignment_wins, setup, teardown),
        cmocka_unit_test_setup_teardown(test_leases_survive_a_crash, setup, teardown),
        cmocka_unit_test_setup_teardown(test_actions, setup, teardown),
        cmocka_unit_test_setup_teardown(test_waterfalls_are_thinned_for_a_chart, setup, teardown),
        cmocka_unit_test_setup_teardown(test_retention, setup, teardown),
        cmocka_unit_test_setup_teardown(test_full_disk, setup, teardown),
        cmocka_unit_test_setup_teardown(test_read_only_file, setup, teardown),
        cmocka_unit_test_setup_teardown(test_locked_file, setup, teardown),
        cmocka_unit_test_setup_teardown(test_file_that_is_no_database, setup, teardown),
        cmocka_unit_test_setup_teardown(test_damaged_pages, setup, teardown),
        cmocka_unit_test_setup_teardown(test_directory_that_is_not_there, setup, teardown),
        cmocka_unit_test_setup_teardown(test_newer_schema, setup, teardown),
        cmocka_unit_test_setup_teardown(test_waterfalls_are_dropped_before_actions, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
