/* The schema and its history. A step is never changed after a release; new ones are appended. */
#include <errno.h>
#include <stdio.h>

#include "common/base/text.h"
#include "common/base/util.h"
#include "controller/store/database.h"

static const char *const steps[] = {
    /* 1 */
    "CREATE TABLE policy (name TEXT NOT NULL, revision INTEGER NOT NULL, author TEXT NOT NULL,"
    " time INTEGER NOT NULL, hash TEXT NOT NULL, source_name TEXT NOT NULL, text TEXT NOT NULL,"
    " rolled_back_to INTEGER NOT NULL, PRIMARY KEY (name, revision)) WITHOUT ROWID;"
    "CREATE TABLE assignment (selector TEXT NOT NULL PRIMARY KEY, policy TEXT NOT NULL,"
    " author TEXT NOT NULL, time INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE lease (id INTEGER NOT NULL PRIMARY KEY, state INTEGER NOT NULL, vm TEXT NOT NULL,"
    " uuid TEXT NOT NULL, owner TEXT NOT NULL, bytes INTEGER NOT NULL, baseline INTEGER NOT NULL,"
    " floor INTEGER NOT NULL, created INTEGER NOT NULL, expires INTEGER NOT NULL,"
    " boot_id TEXT NOT NULL, pid INTEGER NOT NULL, start_time INTEGER NOT NULL,"
    " driver TEXT NOT NULL, address TEXT NOT NULL);"
    "CREATE TABLE action (id TEXT NOT NULL PRIMARY KEY, vm TEXT NOT NULL, time INTEGER NOT NULL,"
    " record BLOB NOT NULL) WITHOUT ROWID;"
    "CREATE INDEX action_time ON action (time);"
    "CREATE INDEX action_vm ON action (vm, time);"
    "CREATE TABLE waterfall (vm TEXT NOT NULL, time INTEGER NOT NULL, record BLOB NOT NULL,"
    " PRIMARY KEY (vm, time)) WITHOUT ROWID;"
    "CREATE INDEX waterfall_time ON waterfall (time);"
    "CREATE TABLE audit (time INTEGER NOT NULL, who TEXT NOT NULL, method TEXT NOT NULL,"
    " request TEXT NOT NULL, allowed INTEGER NOT NULL);"
    "CREATE INDEX audit_time ON audit (time);",
    /* 2: they are let go by VM */
    "DROP INDEX waterfall_time;",
    /* 3: the few selectors that are no names; visit_globs asks in the same words */
    ("CREATE INDEX assignment_pattern ON assignment (selector, policy)"
     " WHERE selector GLOB '*[*?[\\]*';"),
    /* 4: memory may be plugged while a lease holds */
    "ALTER TABLE lease ADD COLUMN maximum INTEGER NOT NULL DEFAULT 0;",
    /* 5: one row, written by retention.c */
    "CREATE TABLE retention (id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),"
    " reached INTEGER NOT NULL, doubted INTEGER NOT NULL);",
    /* 6: a lease lasts by a clock that is not set */
    ("ALTER TABLE lease ADD COLUMN due INTEGER NOT NULL DEFAULT 0;"
     "ALTER TABLE lease ADD COLUMN host_boot_id TEXT NOT NULL DEFAULT '';"),
    /* 7: what is kept by notes.c */
    ("CREATE TABLE note (kind TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL,"
     " PRIMARY KEY (kind, key)) WITHOUT ROWID;"),
    /* 8: the newest of each id that the host has had in a fleet, see desired.h */
    "CREATE TABLE desired (host TEXT NOT NULL PRIMARY KEY, applied BLOB NOT NULL) WITHOUT ROWID;",
    /* 9: records in the order in which they were written, see changes.c; those of before have none.
     * One row: which store this is, the newest number, and the highest one that was let go. */
    ("ALTER TABLE action ADD COLUMN number INTEGER NOT NULL DEFAULT 0;"
     "CREATE INDEX action_number ON action (number);"
     "CREATE TABLE numbering (id INTEGER NOT NULL PRIMARY KEY CHECK (id = 1), store TEXT NOT NULL,"
     " newest INTEGER NOT NULL, lost INTEGER NOT NULL);"
     "INSERT INTO numbering VALUES (1, lower(hex(randomblob(8))), 0, 0);"
     "CREATE TRIGGER action_written AFTER INSERT ON action BEGIN"
     " UPDATE numbering SET newest = max(newest, NEW.number); END;"
     "CREATE TRIGGER action_let_go AFTER DELETE ON action WHEN OLD.number > 0 BEGIN"
     " UPDATE numbering SET lost = max(lost, OLD.number); END;"),
};

static int read_version(const struct store *store, uint32_t *ret_version)
{
    cleanup_statement sqlite3_stmt *statement = NULL;

    if (store->database == NULL ||
        sqlite3_prepare_v2(store->database, "PRAGMA user_version", -1, &statement, NULL) !=
            SQLITE_OK ||
        sqlite3_step(statement) != SQLITE_ROW)
        return -EIO;
    *ret_version = (uint32_t)sqlite3_column_int(statement, 0);
    return 0;
}

uint32_t store_schema(const struct store *store)
{
    uint32_t version = 0;

    (void)read_version(store, &version);
    return version;
}

/* One step in one transaction: a crash leaves the old schema or the new one. */
static int apply(struct store *store, uint32_t version, struct error *error)
{
    static const char doing[] = "bringing the store to the newest schema";
    char pragma[64];
    int r = store_execute(store, "BEGIN IMMEDIATE", doing, error);

    if (r < 0)
        return r;
    snprintf(pragma, sizeof(pragma), "PRAGMA user_version=%u", version + 1);
    r = store_execute(store, steps[version], doing, error);
    if (r == 0)
        r = store_execute(store, pragma, doing, error);
    if (r == 0)
        r = store_execute(store, "COMMIT", doing, error);
    if (r < 0)
        (void)sqlite3_exec(store->database, "ROLLBACK", NULL, NULL, NULL);
    return r;
}

int store_migrate(struct store *store, struct error *error)
{
    uint32_t version;

    if (read_version(store, &version) < 0)
        return store_fail(store, "reading the store's schema", error);
    if (version > ARRAY_SIZE(steps)) {
        text_format(store->problem, sizeof(store->problem),
                    "%s was written by a newer vmreclaimd (schema %u, this one knows %zu); "
                    "install that one, or move the file away",
                    store->path, version, ARRAY_SIZE(steps));
        return error_set(error, -EPROTONOSUPPORT, "%s", store->problem);
    }
    for (; version < ARRAY_SIZE(steps); version++) {
        int r = apply(store, version, error);
        if (r < 0)
            return r;
    }
    return 0;
}
