/* Opening the file, and its errors in words. */
#include "controller/store/store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/base/text.h"
#include "controller/crash/crash.h"
#include "controller/store/internal.h"

#define RETRY_INTERVAL (10 * NSEC_PER_SEC)
#define BUSY_TIMEOUT   50 /* ms that the loop may stand still for another writer */

/* What SQLite's result codes mean to us; extended codes are cut to their low byte. */
static const struct meaning {
    int code;
    int errno_value;
    const char *words; /* with %s: the path */
} meanings[] = {
    {SQLITE_FULL, ENOSPC, "the file system of %s is full; free some space on it"},
    {SQLITE_READONLY, EROFS, "%s is read-only; check its owner, its mode and the mount"},
    {SQLITE_PERM, EACCES, "%s may not be opened; check its owner and mode"},
    {SQLITE_CANTOPEN, EACCES,
     "%s cannot be opened; check that the directory exists, its owner and mode"},
    {SQLITE_BUSY, EBUSY,
     "%s is locked by another process; is a second vmreclaimd or a sqlite3 shell at work?"},
    {SQLITE_LOCKED, EBUSY, "%s is locked by another process"},
    {SQLITE_CORRUPT, EUCLEAN,
     "%s is damaged; stop vmreclaimd, move the file away (sqlite3 FILE .recover saves what can be "
     "saved) and start it again"},
    {SQLITE_NOTADB, EUCLEAN, "%s is not a database; move it away and restart vmreclaimd"},
    {SQLITE_NOMEM, ENOMEM, "out of memory for %s"},
};

int store_fail(struct store *store, const char *doing, struct error *error)
{
    static const struct meaning other = {0, EIO, "%s cannot be used"};
    int code = store->database == NULL ? SQLITE_CANTOPEN
                                       : sqlite3_extended_errcode(store->database) & 0xff;
    const struct meaning *meaning = &other;
    char words[320];

    for (size_t i = 0; i < ARRAY_SIZE(meanings); i++)
        if (meanings[i].code == code)
            meaning = &meanings[i];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    (void)snprintf(words, sizeof(words), meaning->words, store->path);
#pragma GCC diagnostic pop
    (void)text_format(store->problem, sizeof(store->problem), "%s: %s (%s)", doing, words,
                      store->database == NULL ? "not open" : sqlite3_errmsg(store->database));
    return error_set(error, -meaning->errno_value, "%s", store->problem);
}

int store_need(struct store *store, const char *doing, struct error *error)
{
    if (store->database != NULL)
        return 0;
    return error_set(error, -EIO, "%s: the store is not usable: %s", doing, store->problem);
}

int store_prepare(struct store *store, const char *sql, sqlite3_stmt **ret_statement,
                  struct error *error)
{
    int r = store_need(store, "reading the store", error);

    if (r < 0)
        return r;
    if (sqlite3_prepare_v2(store->database, sql, -1, ret_statement, NULL) != SQLITE_OK)
        return store_fail(store, "preparing a statement", error);
    return 0;
}

int store_step(struct store *store, sqlite3_stmt *statement, const char *doing, struct error *error)
{
    switch (sqlite3_step(statement)) {
    case SQLITE_ROW:
        return 1;
    case SQLITE_DONE:
        return 0;
    default:
        return store_fail(store, doing, error);
    }
}

int store_execute(struct store *store, const char *sql, const char *doing, struct error *error)
{
    if (sqlite3_exec(store->database, sql, NULL, NULL, NULL) != SQLITE_OK)
        return store_fail(store, doing, error);
    return 0;
}

const char *store_text(sqlite3_stmt *statement, int column)
{
    const char *text = (const char *)sqlite3_column_text(statement, column);
    return text == NULL ? "" : text;
}

/* Everything of the transaction was done, nothing of it is valid yet. */
static int on_commit(void *userdata)
{
    crash_point("a commit is under way");
    return 0;
}

/* A check of the file's head and of its schema; the whole file would take too long to read. */
static int open_database(struct store *store, struct error *error)
{
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    int r = 0;

    if (sqlite3_open_v2(store->path, &store->database, flags, NULL) != SQLITE_OK)
        r = store_fail(store, "opening the store", error);
    if (r == 0) {
        (void)sqlite3_busy_timeout(store->database, BUSY_TIMEOUT);
        (void)sqlite3_commit_hook(store->database, on_commit, NULL);
        r = store_execute(
            store, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;",
            "opening the store", error);
    }
    if (r == 0)
        r = store_migrate(store, error);
    if (r < 0) {
        (void)sqlite3_close(store->database);
        store->database = NULL;
    }
    return r;
}

int store_create(const char *path, struct store **ret_store)
{
    struct store *store = calloc(1, sizeof(*store));

    if (store == NULL)
        return -ENOMEM;
    store->path = strdup(path);
    if (store->path == NULL) {
        free(store);
        return -ENOMEM;
    }
    store_queue_init(store);
    (void)open_database(store, NULL);
    *ret_store = store;
    return 0;
}

void store_destroy(struct store *store)
{
    if (store == NULL)
        return;
    (void)store_flush(store);
    store_queue_finish(store);
    if (store->database != NULL)
        (void)sqlite3_close(store->database);
    free(store->path);
    free(store);
}

const char *store_problem(const struct store *store)
{
    return store->problem[0] == '\0' ? NULL : store->problem;
}

void store_get_status(const struct store *store, struct store_status *ret_status)
{
    char log_path[4096];
    struct stat file = {0};
    struct stat log = {0};

    (void)snprintf(log_path, sizeof(log_path), "%s-wal", store->path);
    if (stat(store->path, &file) < 0)
        file.st_size = 0;
    if (stat(log_path, &log) < 0)
        log.st_size = 0;
    *ret_status = (struct store_status){
        .path = store->path,
        .bytes = (uint64_t)file.st_size + (uint64_t)log.st_size,
        .schema = store_schema(store),
        .pending = store->queue_count,
        .dropped = store->dropped,
    };
}

/* Clears a problem that is over: a real write shows it. */
static void probe(struct store *store)
{
    char sql[96];

    (void)snprintf(sql, sizeof(sql), "BEGIN IMMEDIATE; PRAGMA user_version=%u; COMMIT",
                   store_schema(store));
    if (store_execute(store, sql, "writing to the store", NULL) == 0)
        store->problem[0] = '\0';
    else
        (void)sqlite3_exec(store->database, "ROLLBACK", NULL, NULL, NULL);
}

void store_tick(struct store *store, nsec_t now)
{
    if (store->database == NULL && now >= store->retry) {
        store->retry = now + RETRY_INTERVAL;
        if (open_database(store, NULL) == 0)
            store->problem[0] = '\0';
    }
    if (store->database != NULL && store->problem[0] != '\0' && store->queue_count == 0)
        probe(store);
    (void)store_flush(store);
    (void)store_go_on_retaining(store, NULL);
}
