/* The store: what is kept, and what is thinned out. */
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
    assert_int_equal(status.schema, 8);
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
    assert_int_equal(store_policy_list(fixture->store, "", line_policy, &line, &fixture->error), 0);
    assert_string_equal(line.text, "day/1/alice//0 night/2/alice//0 ");
    assert_int_equal(
        store_policy_roll_back(fixture->store, "night", 0, "bob", 9, &number, &fixture->error), 0);
    assert_int_equal(number, 3);
    line.text[0] = '\0';
    assert_int_equal(
        store_policy_revisions(fixture->store, "night", 0, line_policy, &line, &fixture->error), 0);
    assert_string_equal(line.text, "night/3/bob//1 night/2/alice//0 night/1/alice//0 ");
    line.text[0] = '\0';
    assert_int_equal(
        store_policy_get(fixture->store, "night", 0, line_policy, &line, &fixture->error), 0);
    assert_string_equal(line.text, "night/3/bob/one/1 ");
}

/* Two who change a policy at once. */
static void test_a_policy_that_was_made_from_an_older_one(void **state)
{
    struct fixture *fixture = *state;
    struct policy_revision revision = {.name = "night",
                                       .revision = 1,
                                       .author = "bob",
                                       .hash = "two",
                                       .source_name = "",
                                       .text = "two"};
    uint64_t number = 77;

    add_policy(fixture, "night", "one");
    assert_int_equal(store_policy_add(fixture->store, &revision, &number, &fixture->error), 0);
    assert_int_equal(number, 2);
    revision.hash = "three";
    assert_int_equal(store_policy_add(fixture->store, &revision, &number, &fixture->error), -EBUSY);
    assert_non_null(strstr(fixture->error.text, "has revision 2 now, and this was made from "
                                                "revision 1"));
    revision.name = "gone";
    assert_int_equal(store_policy_add(fixture->store, &revision, &number, &fixture->error), -EBUSY);
    assert_int_equal(number, 2);
}

/* The numbers of a policy that was deleted begin again. */
static void test_a_policy_that_was_made_from_a_deleted_one(void **state)
{
    struct fixture *fixture = *state;
    struct policy_revision revision = {.name = "night",
                                       .revision = 1,
                                       .author = "bob",
                                       .hash = "three",
                                       .source_name = "",
                                       .text = "three",
                                       .made_from_hash = "one"};
    uint64_t number = 77;

    add_policy(fixture, "night", "one");
    assert_int_equal(store_policy_delete(fixture->store, "night", false, &fixture->error), 0);
    assert_int_equal(store_policy_add(fixture->store, &revision, &number, &fixture->error), -EBUSY);
    assert_non_null(strstr(fixture->error.text, "is there no more"));
    add_policy(fixture, "night", "two");
    assert_int_equal(store_policy_add(fixture->store, &revision, &number, &fixture->error), -EBUSY);
    assert_non_null(strstr(fixture->error.text, "was deleted and made anew meanwhile"));
    strcpy(revision.made_from_hash, "two");
    assert_int_equal(store_policy_add(fixture->store, &revision, &number, &fixture->error), 0);
    assert_int_equal(number, 2);
}

static void test_deleting_a_policy(void **state)
{
    struct fixture *fixture = *state;
    char selectors[6][8];
    struct line line = {""};

    add_policy(fixture, "night", "one");
    add_policy(fixture, "night", "two");
    add_policy(fixture, "day", "one");
    for (unsigned i = 0; i < ARRAY_SIZE(selectors); i++) {
        snprintf(selectors[i], sizeof(selectors[i]), "vm-%u", i);
        const struct policy_assignment assignment = {selectors[i], "night", "alice", 7};
        assert_int_equal(store_assign(fixture->store, &assignment, &fixture->error), 0);
    }
    assert_int_equal(store_policy_delete(fixture->store, "night", false, &fixture->error), -EBUSY);
    assert_non_null(strstr(fixture->error.text,
                           "is assigned to vm-0, vm-1, vm-2, vm-3 and 2 more; unassign it"));
    assert_int_equal(store_policy_delete(fixture->store, "nihgt", true, &fixture->error), -ENOENT);
    assert_int_equal(store_policy_delete(fixture->store, "night", true, &fixture->error), 0);
    assert_int_equal(store_unassign(fixture->store, "vm-5", &fixture->error), -ENOENT);
    assert_int_equal(store_policy_list(fixture->store, "", line_policy, &line, &fixture->error), 0);
    assert_string_equal(line.text, "day/1/alice//0 ");
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
        store_policy_revisions(fixture->store, "x", 0, line_policy, &line, &fixture->error),
        -ENOENT);
}

static int line_assignment(const struct policy_assignment *assignment, void *userdata)
{
    struct line *line = userdata;
    size_t used = strlen(line->text);

    snprintf(line->text + used, sizeof(line->text) - used, "%s=%s ", assignment->selector,
             assignment->policy);
    return 0;
}

static void test_best_assignment_wins(void **state)
{
    struct fixture *fixture = *state;
    char *labels[] = {(char *)"rack=7", (char *)"tier=web"};
    const struct policy_subject web = {"web-1", labels, 2};
    const struct policy_subject db = {.vm = "db"};
    struct store_holder holder = {"untouched", ""};
    struct line line = {""};
    static const struct {
        const char *selector;
        const char *policy;
    } steps[] = {{"*", "all"},
                 {"web-*", "webs"},
                 {"label:tier=web", "tier"},
                 {"label:rack=7", "rack"},
                 {"web-1", "one"}};

    assert_int_equal(store_policy_of(fixture->store, &web, &holder, NULL), -ENOENT);
    assert_string_equal(holder.policy, "untouched");
    for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
        struct policy_assignment assignment = {steps[i].selector, steps[i].policy, "alice", 1};
        assert_int_equal(store_assign(fixture->store, &assignment, &fixture->error), -ENOENT);
        add_policy(fixture, steps[i].policy, "text");
        assert_int_equal(store_assign(fixture->store, &assignment, &fixture->error), 0);
        assert_int_equal(store_policy_of(fixture->store, &web, &holder, &fixture->error), 0);
        assert_string_equal(holder.policy, steps[i].policy);
        assert_string_equal(holder.selector, steps[i].selector);
    }
    assert_int_equal(
        store_assignments_of(fixture->store, &web, line_assignment, &line, &fixture->error), 0);
    assert_string_equal(line.text,
                        "web-1=one label:rack=7=rack label:tier=web=tier web-*=webs *=all ");
    assert_int_equal(store_unassign(fixture->store, "web-1", &fixture->error), 0);
    assert_int_equal(store_unassign(fixture->store, "web-1", &fixture->error), -ENOENT);
    assert_int_equal(store_policy_of(fixture->store, &web, &holder, NULL), 0);
    assert_string_equal(holder.policy, "rack");
    assert_int_equal(store_policy_of(fixture->store, &db, &holder, NULL), 0);
    assert_string_equal(holder.policy, "all");
}

static void assign(struct fixture *fixture, const char *selector, const char *policy)
{
    struct policy_assignment assignment = {selector, policy, "alice", 1};

    assert_int_equal(store_assign(fixture->store, &assignment, &fixture->error), 0);
}

/* What the store says of a VM with one label; "" for nothing. */
static const char *policy_of(struct fixture *fixture, const char *vm)
{
    static struct store_holder holder;
    char *labels[] = {(char *)"rack=*"};
    const struct policy_subject subject = {vm, labels, 1};

    holder.policy[0] = '\0';
    (void)store_policy_of(fixture->store, &subject, &holder, &fixture->error);
    return holder.policy;
}

static void test_what_a_selector_means(void **state)
{
    struct fixture *fixture = *state;

    add_policy(fixture, "one", "text");
    add_policy(fixture, "two", "text");
    assign(fixture, "db-[12]", "one");
    assign(fixture, "web\\-1", "one");
    assign(fixture, "label:rack=?", "one"); /* another label, and no glob */
    assert_string_equal(policy_of(fixture, "db-2"), "one");
    assert_string_equal(policy_of(fixture, "db-3"), "");
    assert_string_equal(policy_of(fixture, "web-1"), "one");
    assert_string_equal(policy_of(fixture, "label:rack=7"), "");
    assign(fixture, "db-??", "two"); /* not longer, but for other names */
    assert_string_equal(policy_of(fixture, "db-10"), "two");
    assign(fixture, "label:rack=*", "two");
    assert_string_equal(policy_of(fixture, "db-2"), "two");
}

/* Each VM may have an assignment of its own, and all are asked for when a policy is applied. */
static void test_looking_for_a_policy_does_not_read_all(void **state)
{
    struct fixture *fixture = *state;
    struct work work;

    add_policy(fixture, "one", "text");
    assert_int_equal(store_execute(fixture->store,
                                   "WITH RECURSIVE vm(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM "
                                   "vm WHERE i < 2000) INSERT INTO assignment SELECT 'vm-' || i, "
                                   "'one', 'alice', 1 FROM vm",
                                   "", NULL),
                     0);
    assign(fixture, "db-*", "one");
    work_begin(fixture, &work);
    assert_string_equal(policy_of(fixture, "vm-1000"), "one");
    assert_string_equal(policy_of(fixture, "db-1"), "one");
    assert_string_equal(policy_of(fixture, "other"), "");
    assert_in_range(work.instructions, 1, 500);
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

static void put_many_actions(const struct fixture *fixture, unsigned count)
{
    assert_int_equal(store_execute(fixture->store, "BEGIN", "", NULL), 0);
    for (unsigned i = 0; i < count; i++) {
        char sql[128];

        snprintf(sql, sizeof(sql), "INSERT INTO action VALUES ('%08x', 'web1', %u, x'')",
                 i * 2654435761u, i);
        assert_int_equal(store_execute(fixture->store, sql, "", NULL), 0);
    }
    assert_int_equal(store_execute(fixture->store, "COMMIT", "", NULL), 0);
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
                 "INSERT INTO action VALUES ('%d', 'web1', %lld, zeroblob(10000))", i,
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
        store_test(test_new_store_is_healthy),
        store_test(test_policy_history),
        store_test(test_a_policy_that_was_made_from_an_older_one),
        store_test(test_a_policy_that_was_made_from_a_deleted_one),
        store_test(test_deleting_a_policy),
        store_test(test_policy_that_is_not_there),
        store_test(test_best_assignment_wins),
        store_test(test_what_a_selector_means),
        store_test(test_looking_for_a_policy_does_not_read_all),
        store_test(test_leases_survive_a_crash),
        store_test(test_text_and_bytes_of_a_lease),
        store_test(test_an_audit_row_is_bounded),
        store_test(test_the_audit_is_bounded),
        store_test(test_a_store_that_is_too_large_keeps_less),
        store_test(test_actions),
        store_test(test_looking_for_an_action_does_not_read_all),
        store_test(test_waterfalls_are_thinned_for_a_chart),
        store_test(test_retention),
        store_test(test_retention_goes_in_pieces),
        store_test(test_a_retention_that_failed_is_done_later),
        store_test(test_a_clock_that_is_wrong_for_a_while),
        store_test(test_a_clock_that_stays),
        store_test(test_old_actions_go_in_lots),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
