/* Letting old records go, a bounded piece at a time: the loop waits for each piece.
 *
 * A pass removes what is too old and goes through the VMs by name. What a pass before it has looked
 * at is not looked at again, so only the first pass of a daemon reads the whole history. A piece
 * ends with the VM, or the lot of old records, that brings it over PIECE_INSTRUCTIONS. It is one
 * transaction, so it costs the disk one sync. A pass that fails is given up: the next one begins
 * where the last whole one did.
 *
 * A store that is too large after a pass gets another one that keeps half as long, and so on: the
 * oldest go first. The audit has a bound of its own, in rows that are bounded themselves.
 *
 * A clock may be wrong for a while, and what is removed stays removed. How old records are is so
 * reckoned from a time that the file keeps and each pass moves on. A clock that has leapt away from
 * it, ahead or back, is believed only when passes have found it there for a day. Until then nothing
 * more becomes old. A daemon that did not run for long waits a day in the same way.
 *
 * Records that waited for the disk for longer than a day come too late for the first thinning; the
 * second one finds them. */
#include <assert.h>
#include <stdio.h>

#include "common/base/util.h"
#include "controller/store/database.h"
#include "controller/store/queries.h"

#define SECOND ((int64_t)NSEC_PER_SEC)
#define DAY    (86400 * SECOND)
#define YEAR   (365 * DAY)

#define AGE_MIN (3600 * SECOND) /* what is younger is kept, whatever its size */

/* Passes come once an hour. */
#define LEAP_MIN      (3 * 3600 * SECOND) /* a difference from the last one that is a leap */
#define PASSES_OF_DAY 24

#define PIECE_INSTRUCTIONS 50000 /* of SQLite's machine: ten milliseconds where rows go */
#define PIECE_ROWS         500

/* Of those older than `age`, the first record of each `width` is kept. */
static const struct thinning {
    int64_t age;
    int64_t width;
} thinnings[] = {
    {DAY, 600 * SECOND},
    {14 * DAY, 3600 * SECOND},
};

/* At most ?2 of the rows older than ?1, and of those before the newest ?3. */
static const char *const removals[] = {
    "DELETE FROM action WHERE id IN (SELECT id FROM action WHERE time < ?1 LIMIT ?2)",
    "DELETE FROM audit WHERE rowid IN (SELECT rowid FROM audit WHERE time < ?1 LIMIT ?2)",
    ("DELETE FROM audit WHERE rowid IN (SELECT rowid FROM audit "
     "WHERE rowid <= (SELECT max(rowid) FROM audit) - ?3 ORDER BY rowid LIMIT ?2)"),
};

/* As store_run. What it cost is added to `spent`. */
static int run(struct store *store, const char *sql, const struct store_value *values, size_t count,
               uint64_t *spent, struct error *error)
{
    cleanup_statement sqlite3_stmt *statement = NULL;
    int r = store_prepare(store, sql, values, count, &statement, error);

    if (r < 0)
        return r;
    r = store_step(store, statement, "removing old records", error);
    *spent += (uint64_t)sqlite3_stmt_status(statement, SQLITE_STMTSTATUS_VM_STEP, false);
    return r;
}

/* 1: there may be more. */
static int remove_some(struct store *store, const char *sql, uint64_t *spent, struct error *error)
{
    const struct store_value values[] = {{.number = store->retention.now - store->retention.age},
                                         {.number = PIECE_ROWS},
                                         {.number = STORE_AUDIT_ROWS_MAX}};
    int r = run(store, sql, values, ARRAY_SIZE(values), spent, error);

    return r < 0 ? r : sqlite3_changes(store->database) == PIECE_ROWS;
}

static int remove_old(struct store *store, uint64_t *spent, struct error *error)
{
    for (size_t i = 0; i < ARRAY_SIZE(removals); i++) {
        int r = remove_some(store, removals[i], spent, error);

        if (r != 0)
            return r;
    }
    return 0;
}

/* ---- waterfalls of one VM ---- */

static int thin_out(struct store *store, const struct thinning *thinning, uint64_t *spent,
                    struct error *error)
{
    static const char sql[] =
        "DELETE FROM waterfall WHERE vm = ?1 AND time >= ?2 AND time < ?3 AND EXISTS (SELECT 1 "
        "FROM waterfall AS earlier WHERE earlier.vm = ?1 AND earlier.time < waterfall.time AND "
        "earlier.time >= waterfall.time / ?4 * ?4)";
    const struct retention *retention = &store->retention;
    const struct store_value values[] = {{.text = retention->vm},
                                         {.number = retention->done - thinning->age},
                                         {.number = retention->now - thinning->age},
                                         {.number = thinning->width}};

    return run(store, sql, values, ARRAY_SIZE(values), spent, error);
}

static int forget_waterfalls(struct store *store, uint64_t *spent, struct error *error)
{
    const struct store_value values[] = {{.text = store->retention.vm},
                                         {.number = store->retention.now - store->retention.age}};

    return run(store, "DELETE FROM waterfall WHERE vm = ? AND time < ?", values, ARRAY_SIZE(values),
               spent, error);
}

/* The VM after the last one. 0: there is none. */
static int next_vm(struct store *store, struct error *error)
{
    const struct retention before = store->retention;
    cleanup_statement sqlite3_stmt *statement = NULL;
    int r = store_prepare(store, "SELECT vm FROM waterfall WHERE vm > ? ORDER BY vm LIMIT 1",
                          &(struct store_value){.text = before.vm}, 1, &statement, error);

    if (r == 0)
        r = store_step(store, statement, "removing old records", error);
    if (r > 0)
        snprintf(store->retention.vm, sizeof(store->retention.vm), "%s", store_text(statement, 0));
    return r;
}

static int visit_vm(struct store *store, uint64_t *spent, struct error *error)
{
    int r = forget_waterfalls(store, spent, error);

    for (size_t i = 0; r == 0 && i < ARRAY_SIZE(thinnings); i++)
        r = thin_out(store, &thinnings[i], spent, error);
    return r;
}

/* ---- a piece ---- */

/* 1: there is more to do. */
static int do_piece(struct store *store, struct error *error)
{
    uint64_t spent = 0;
    int r = remove_old(store, &spent, error);

    while (r == 0 && spent < PIECE_INSTRUCTIONS) {
        r = next_vm(store, error);
        if (r <= 0)
            return r;
        r = visit_vm(store, &spent, error);
    }
    return r < 0 ? r : 1;
}

static int do_piece_whole(struct store *store, struct error *error)
{
    int r = store_execute(store, "BEGIN IMMEDIATE", "removing old records", error);
    int committed = 0;

    if (r < 0)
        return r;
    r = do_piece(store, error);
    if (r >= 0)
        committed = store_execute(store, "COMMIT", "removing old records", error);
    if (r < 0 || committed < 0)
        (void)sqlite3_exec(store->database, "ROLLBACK", NULL, NULL, NULL);
    return committed < 0 ? committed : r;
}

/* ---- the size ---- */

static uint64_t pragma(struct store *store, const char *sql)
{
    cleanup_statement sqlite3_stmt *statement = NULL;

    return store_prepare(store, sql, NULL, 0, &statement, NULL) < 0 ||
                   store_step(store, statement, "reading the store's size", NULL) <= 0
               ? 0
               : (uint64_t)sqlite3_column_int64(statement, 0);
}

/* Pages that are free are used again before the file grows. */
static bool is_too_large(struct store *store)
{
    uint64_t pages = pragma(store, "PRAGMA page_count") - pragma(store, "PRAGMA freelist_count");

    return pages * pragma(store, "PRAGMA page_size") > store->bytes_max;
}

/* After a whole pass. True: another one, which keeps less. */
static bool has_to_keep_less(struct store *store)
{
    struct retention *retention = &store->retention;

    if (retention->age <= AGE_MIN || !is_too_large(store))
        return false;
    retention->age = max_of(retention->age / 2, AGE_MIN);
    assert(AGE_MIN <= retention->age && retention->age <= YEAR);
    retention->vm[0] = '\0';
    return true;
}

/* ---- what time it is ---- */

/* How far the passes before this one have come. */
struct reached {
    bool is_known;
    int64_t time;    /* UNIX nanoseconds */
    int64_t doubted; /* passes in a row that found the clock elsewhere */
};

static int read_reached(struct store *store, struct reached *ret_reached, struct error *error)
{
    cleanup_statement sqlite3_stmt *statement = NULL;
    int r =
        store_prepare(store, "SELECT reached, doubted FROM retention", NULL, 0, &statement, error);

    *ret_reached = (struct reached){.is_known = false};
    if (r == 0)
        r = store_step(store, statement, "removing old records", error);
    if (r <= 0)
        return r;
    *ret_reached = (struct reached){
        .is_known = true,
        .time = sqlite3_column_int64(statement, 0),
        .doubted = sqlite3_column_int64(statement, 1),
    };
    return 0;
}

static int write_reached(struct store *store, const struct reached *reached, struct error *error)
{
    const struct store_value values[] = {{.number = reached->time}, {.number = reached->doubted}};

    return store_run(store, "INSERT OR REPLACE INTO retention VALUES (1, ?, ?)", values,
                     ARRAY_SIZE(values), "removing old records", error);
}

static bool is_leap(int64_t from, int64_t to)
{
    return to >= from ? to - from > LEAP_MIN : from - to > LEAP_MIN;
}

/* What this pass may take for the time. */
static int move_on(struct store *store, int64_t now, int64_t *ret_time, struct error *error)
{
    struct reached reached;
    int r = read_reached(store, &reached, error);

    if (r < 0)
        return r;
    if (reached.is_known && is_leap(reached.time, now) && reached.doubted + 1 < PASSES_OF_DAY) {
        reached.doubted++;
    } else {
        reached.time = now;
        reached.doubted = 0;
    }
    assert(reached.doubted < PASSES_OF_DAY);
    *ret_time = min_of(reached.time, now);
    return write_reached(store, &reached, error);
}

/* ---- a pass ---- */

int store_go_on_retaining(struct store *store, struct error *error)
{
    struct retention *retention = &store->retention;
    int r = 0;

    if (!retention->under_way)
        return 0;
    assert(AGE_MIN <= retention->age && retention->age <= YEAR);
    r = store_need(store, "removing old records", error);
    if (r == 0)
        r = do_piece_whole(store, error);
    if (r == 0 && has_to_keep_less(store))
        r = 1;
    retention->under_way = r > 0;
    if (r == 0)
        retention->done = retention->now;
    return r;
}

int store_begin_retaining(struct store *store, int64_t now, struct error *error)
{
    struct retention *retention = &store->retention;
    int64_t time;
    int r;

    if (!retention->under_way) {
        r = move_on(store, now, &time, error);
        if (r < 0)
            return r;
        retention->under_way = true;
        retention->now = time;
        retention->age = YEAR;
        if (retention->done > time) /* the clock was wrong then */
            retention->done = 0;
        retention->vm[0] = '\0';
    }
    return store_go_on_retaining(store, error);
}
