/* Opening the file. */
#include "controller/store/store.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/base/log.h"
#include "controller/crash/crash.h"
#include "controller/store/database.h"

#define RETRY_INTERVAL  (10 * NSEC_PER_SEC)
#define TEND_INTERVAL   (60 * NSEC_PER_SEC) /* of old records, whoever waits */
#define SLOW_REMEMBERED (60 * NSEC_PER_SEC)
#define LOG_BYTES       1048576 /* and its pages go into the file; open_database says it too */
#define LOG_BYTES_BUSY  (4 * LOG_BYTES) /* whoever waits */
#define BUSY_TIMEOUT    50              /* ms, for another writer */

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
        (void)sqlite3_wal_autocheckpoint(store->database, store->log_pages);
        r = store_execute(
            store,
            "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; "
            "PRAGMA journal_size_limit=1048576;",
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
    if (uv_mutex_init(&store->lock) < 0) {
        free(store->path);
        free(store);
        return -ENOMEM;
    }
    store->bytes_max = STORE_BYTES_MAX;
    store->log_pages = STORE_LOG_PAGES;
    store_queue_init(store);
    (void)open_database(store, NULL);
    *ret_store = store;
    return 0;
}

void store_destroy(struct store *store)
{
    if (store == NULL || store->is_lost)
        return;
    assert(store->worker == NULL);
    (void)store_flush(store);
    store_queue_finish(store);
    if (store->database != NULL)
        (void)sqlite3_close(store->database);
    uv_mutex_destroy(&store->lock);
    free(store->path);
    free(store);
}

/* ---- how it is ---- */

static uint64_t bytes_of(const char *path)
{
    struct stat status;

    return stat(path, &status) < 0 ? 0 : (uint64_t)status.st_size;
}

static uint64_t log_bytes(const struct store *store)
{
    char path[4096];

    snprintf(path, sizeof(path), "%s-wal", store->path);
    return bytes_of(path);
}

/* Until it has not been so for a while. */
static bool is_slow(const struct store *store)
{
    return store->slow != 0 && time_boottime() - store->slow < SLOW_REMEMBERED;
}

void store_show(struct store *store)
{
    struct store_shown shown = {.problem = ""};

    if (store->origin == NULL) {
        shown.bytes = bytes_of(store->path) + log_bytes(store);
        shown.schema = store_schema(store);
    }
    if (store->problem[0] != '\0')
        snprintf(shown.problem, sizeof(shown.problem), "%s", store->problem);
    else if (is_slow(store))
        snprintf(shown.problem, sizeof(shown.problem),
                 "the disk of %s takes more than a second to keep something; policies and balloons "
                 "wait for it",
                 store->path);
    uv_mutex_lock(&store->lock);
    store->shown = shown;
    uv_mutex_unlock(&store->lock);
}

void store_checkpoint(struct store *store, bool is_busy)
{
    if (store->database != NULL && log_bytes(store) >= (is_busy ? LOG_BYTES_BUSY : LOG_BYTES))
        (void)sqlite3_wal_checkpoint_v2(store->database, NULL, SQLITE_CHECKPOINT_RESTART, NULL,
                                        NULL);
}

static void look(struct store *store, struct store_shown *ret_shown)
{
    if (store->worker == NULL)
        store_show(store);
    uv_mutex_lock(&store->lock);
    *ret_shown = store->shown;
    uv_mutex_unlock(&store->lock);
}

const char *store_problem(struct store *store)
{
    struct store_shown shown;

    look(store, &shown);
    for (unsigned i = 0; i < STORE_READERS && shown.problem[0] == '\0'; i++)
        if (store->readers[i] != NULL)
            look(store->readers[i], &shown);
    memcpy(store->told, shown.problem, sizeof(store->told));
    return store->told[0] == '\0' ? NULL : store->told;
}

void store_get_status(struct store *store, struct store_status *ret_status)
{
    struct store_shown shown;

    look(store, &shown);
    uv_mutex_lock(&store->lock);
    *ret_status = (struct store_status){
        .path = store->path,
        .bytes = shown.bytes,
        .schema = shown.schema,
        .pending = store->queue_count,
        .dropped = store->dropped,
    };
    uv_mutex_unlock(&store->lock);
}

/* Each problem once, and its end. */
static void log_problem(struct store *store)
{
    const char *problem = store_problem(store);

    if (strcmp(problem == NULL ? "" : problem, store->logged) == 0)
        return;
    if (problem == NULL)
        log_notice("the store %s works again", store->path);
    else
        log_error("%s", problem);
    snprintf(store->logged, sizeof(store->logged), "%s", store->told);
}

/* ---- looking after it ---- */

/* Clears a problem that is over: a real write shows it. */
static void probe(struct store *store)
{
    char sql[96];

    snprintf(sql, sizeof(sql), "BEGIN IMMEDIATE; PRAGMA user_version=%u; COMMIT",
             store_schema(store));
    if (store_execute(store, sql, "writing to the store", NULL) == 0)
        store->problem[0] = '\0';
    else
        (void)sqlite3_exec(store->database, "ROLLBACK", NULL, NULL, NULL);
}

static void tick(struct store *store, nsec_t now)
{
    bool is_empty;

    uv_mutex_lock(&store->lock);
    is_empty = store->queue_count == 0;
    uv_mutex_unlock(&store->lock);
    if (store->database == NULL && now >= store->retry) {
        store->retry = now + RETRY_INTERVAL;
        if (open_database(store, NULL) == 0)
            store->problem[0] = '\0';
    }
    if (store->database != NULL && store->problem[0] != '\0' && is_empty)
        probe(store);
    (void)store_flush(store);
}

/* A piece of what is old, if nobody waits, or everybody has waited for nothing but others. */
static void tend(struct store *store, int64_t begin, bool is_busy)
{
    nsec_t now = time_boottime();

    if (is_busy && now - store->tended < TEND_INTERVAL)
        return;
    store->tended = now;
    if (begin != 0)
        (void)store_begin_retaining(store, begin, NULL);
    else
        (void)store_go_on_retaining(store, NULL);
}

void store_look_after(struct store *store, bool is_busy)
{
    nsec_t now;
    int64_t time;

    uv_mutex_lock(&store->lock);
    now = store->tick;
    time = store->retain;
    store->tick = 0;
    store->retain = 0;
    uv_mutex_unlock(&store->lock);
    if (now != 0)
        tick(store, now);
    if (now != 0 || time != 0)
        tend(store, time, is_busy);
}

void store_tick(struct store *store, nsec_t now)
{
    if (store->worker == NULL) {
        tick(store, now);
        (void)store_go_on_retaining(store, NULL);
        return;
    }
    uv_mutex_lock(&store->lock);
    store->tick = now;
    uv_mutex_unlock(&store->lock);
    store_wake(store);
    log_problem(store);
}

int store_retain(struct store *store, int64_t now, struct error *error)
{
    if (store->worker == NULL)
        return store_begin_retaining(store, now, error);
    uv_mutex_lock(&store->lock);
    store->retain = now;
    uv_mutex_unlock(&store->lock);
    store_wake(store);
    return 0;
}
