/* Opening the file. */
#include "controller/store/store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "controller/crash/crash.h"
#include "controller/store/database.h"

#define RETRY_INTERVAL (10 * NSEC_PER_SEC)
#define BUSY_TIMEOUT   50 /* ms that the loop may stand still for another writer */

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
