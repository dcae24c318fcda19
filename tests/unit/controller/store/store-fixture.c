/* What the store's tests share. */
#include "tests/unit/controller/store/store-fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/number.h"
#include "controller/store/database.h"
#include "controller/store/queries.h"

int setup(void **state)
{
    struct fixture *fixture = calloc(1, sizeof(*fixture));

    snprintf(fixture->directory, sizeof(fixture->directory), "/tmp/test-store-XXXXXX");
    if (mkdtemp(fixture->directory) == NULL)
        return -1;
    snprintf(fixture->path, sizeof(fixture->path), "%s/store.sqlite", fixture->directory);
    if (store_create(fixture->path, &fixture->store) < 0)
        return -1;
    *state = fixture;
    return 0;
}

int teardown(void **state)
{
    struct fixture *fixture = *state;
    static const char *const suffixes[] = {"", "-wal", "-shm"};
    char path[128];

    store_destroy(fixture->store);
    for (size_t i = 0; i < ARRAY_SIZE(suffixes); i++) {
        snprintf(path, sizeof(path), "%s%s", fixture->path, suffixes[i]);
        (void)unlink(path);
    }
    (void)rmdir(fixture->directory);
    free(fixture);
    return 0;
}

static int add_work(unsigned kind, void *userdata, void *statement, void *unused)
{
    struct work *work = userdata;

    work->scanned +=
        (uint64_t)sqlite3_stmt_status(statement, SQLITE_STMTSTATUS_FULLSCAN_STEP, false);
    work->instructions +=
        (uint64_t)sqlite3_stmt_status(statement, SQLITE_STMTSTATUS_VM_STEP, false);
    return 0;
}

void work_begin(struct fixture *fixture, struct work *work)
{
    *work = (struct work){0};
    (void)sqlite3_trace_v2(fixture->store->database, SQLITE_TRACE_PROFILE, add_work, work);
}

void reopen(struct fixture *fixture)
{
    store_destroy(fixture->store);
    assert_int_equal(store_create(fixture->path, &fixture->store), 0);
}

uint64_t add_policy(struct fixture *fixture, const char *name, const char *text)
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

int line_policy(const struct policy_revision *revision, void *userdata)
{
    struct line *line = userdata;
    size_t used = strlen(line->text);
    snprintf(line->text + used, sizeof(line->text) - used, "%s/%d/%s/%s/%d ", revision->name,
             (int)revision->revision, revision->author, revision->text,
             (int)revision->rolled_back_to);
    return 0;
}

int line_action(Action *action, void *userdata)
{
    struct line *line = userdata;
    size_t used = strlen(line->text);
    snprintf(line->text + used, sizeof(line->text) - used, "%s/%s ", action->id, action->vm);
    return 0;
}

static void line_lease(const struct lease *lease, struct line *line)
{
    size_t used = strlen(line->text);
    snprintf(line->text + used, sizeof(line->text) - used, "%d:%s/%s/%llu/%d ", (int)lease->id,
             lease->vm, lease->boot_id, (unsigned long long)lease->bytes, (int)lease->state);
}

int line_waterfall(Waterfall *waterfall, void *userdata)
{
    struct line *line = userdata;
    size_t used = strlen(line->text);
    snprintf(line->text + used, sizeof(line->text) - used, "%d:%d ",
             (int)(waterfall->time_ns / MINUTE), (int)(waterfall->footprint / MIB));
    return 0;
}

int count_waterfall(Waterfall *waterfall, void *userdata)
{
    (*(unsigned *)userdata)++;
    return 0;
}

void put_action(struct store *store, const char *id, const char *vm, int64_t time)
{
    Action action = VMRECLAIM__CONTROLLER__V1__ACTION__INIT;
    action.id = (char *)id;
    action.vm = (char *)vm;
    action.started_ns = time;
    assert_int_equal(store_put_action(store, &action), 0);
}

void put_waterfall(struct store *store, const char *vm, int64_t time, uint64_t footprint)
{
    Waterfall waterfall = VMRECLAIM__CONTROLLER__V1__WATERFALL__INIT;
    waterfall.time_ns = time;
    waterfall.footprint = footprint;
    assert_int_equal(store_put_waterfall(store, vm, &waterfall), 0);
}

void expect_actions(struct fixture *fixture, const char *vm, const char *expected)
{
    const struct action_walk walk = action_walk_down(vm, 0, INT64_MAX);
    struct line line = {""};
    assert_int_equal(store_walk_actions(fixture->store, &walk, line_action, &line, &fixture->error),
                     0);
    assert_string_equal(line.text, expected);
}

struct lease make_lease(uint64_t id, uint64_t bytes)
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

/* An answer of the journal. */
struct written {
    int status;
    struct error *error;
};

static void on_written(int status, const struct error *error, void *userdata)
{
    struct written *written = userdata;

    written->status = status;
    if (status < 0)
        *written->error = *error;
}

int put_lease(struct fixture *fixture, const struct lease *lease)
{
    struct written written = {.status = 1, .error = &fixture->error};
    struct lease_journal journal;

    store_lease_journal(fixture->store, &journal);
    journal.put(journal.userdata, lease, on_written, &written);
    return written.status;
}

int remove_lease(struct fixture *fixture, uint64_t id)
{
    struct written written = {.status = 1, .error = &fixture->error};
    struct lease_journal journal;

    store_lease_journal(fixture->store, &journal);
    journal.remove(journal.userdata, id, on_written, &written);
    return written.status;
}

static void on_loaded(int status, const struct error *error, const struct lease *leases,
                      size_t count, void *userdata)
{
    assert_int_equal(status, 0);
    for (size_t i = 0; i < count; i++)
        line_lease(&leases[i], userdata);
}

void expect_leases(struct fixture *fixture, const char *expected)
{
    struct lease_journal journal;
    struct line line = {""};

    store_lease_journal(fixture->store, &journal);
    journal.load(journal.userdata, on_loaded, &line);
    assert_string_equal(line.text, expected);
}

/* ---- what is kept ---- */

void scan_all(struct fixture *fixture, struct waterfall_scan scan, uint32_t points,
              waterfall_visitor visit, void *userdata)
{
    assert_int_equal(waterfall_scan_begin(fixture->store, &scan, points, &fixture->error), 0);
    assert_int_equal(waterfall_scan_page(fixture->store, &scan, UINT32_MAX, INT64_MAX, visit,
                                         userdata, &fixture->error),
                     0);
}

unsigned count_all(struct fixture *fixture, int64_t since, int64_t until)
{
    unsigned count = 0;
    scan_all(fixture, (struct waterfall_scan){.vm = "web1", .next = since, .until = until}, 1000000,
             count_waterfall, &count);
    return count;
}

void put_many_actions(const struct fixture *fixture, unsigned count)
{
    assert_int_equal(store_execute(fixture->store, "BEGIN", "", NULL), 0);
    for (unsigned i = 0; i < count; i++) {
        char sql[128];

        snprintf(sql, sizeof(sql), "INSERT INTO action VALUES ('%08x', 'web1', %u, x'', %u)",
                 i * 2654435761u, i, i + 1);
        assert_int_equal(store_execute(fixture->store, sql, "", NULL), 0);
    }
    assert_int_equal(store_execute(fixture->store, "COMMIT", "", NULL), 0);
}
