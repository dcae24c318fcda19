/* Statements on the file, and what its errors mean. */
#include "controller/store/database.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>

#include "common/base/text.h"
#include "common/base/util.h"

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
    snprintf(words, sizeof(words), meaning->words, store->path);
#pragma GCC diagnostic pop
    text_format(store->problem, sizeof(store->problem), "%s: %s (%s)", doing, words,
                store->database == NULL ? "not open" : sqlite3_errmsg(store->database));
    assert(store->problem[0] != '\0' && meaning->errno_value > 0);
    return error_set(error, -meaning->errno_value, "%s", store->problem);
}

/* What is written to a file without its name is lost with the process. */
static bool has_moved(const struct store *store)
{
    int moved = 0;

    return sqlite3_file_control(store->database, "main", SQLITE_FCNTL_HAS_MOVED, &moved) ==
               SQLITE_OK &&
           moved != 0;
}

int store_need(struct store *store, const char *doing, struct error *error)
{
    if (store->database != NULL && has_moved(store)) {
        text_format(store->problem, sizeof(store->problem),
                    "%s: %s was moved or removed while it was used; put it back, or restart "
                    "vmreclaimd, which begins a new one",
                    doing, store->path);
        return error_set(error, -EIO, "%s", store->problem);
    }
    if (store->database != NULL)
        return 0;
    assert(store->problem[0] != '\0'); /* whatever kept it from being opened */
    return error_set(error, -EIO, "%s: the store is not usable: %s", doing, store->problem);
}

void store_bind(sqlite3_stmt *statement, const struct store_value *values, size_t count)
{
    for (int i = 0; i < (int)count; i++)
        if (values[i].text != NULL)
            (void)sqlite3_bind_text(statement, i + 1, values[i].text, -1, SQLITE_STATIC);
        else
            (void)sqlite3_bind_int64(statement, i + 1, values[i].number);
}

int store_prepare(struct store *store, const char *sql, const struct store_value *values,
                  size_t count, sqlite3_stmt **ret_statement, struct error *error)
{
    int r = store_need(store, "reading the store", error);

    if (r < 0)
        return r;
    if (sqlite3_prepare_v2(store->database, sql, -1, ret_statement, NULL) != SQLITE_OK)
        return store_fail(store, "preparing a statement", error);
    store_bind(*ret_statement, values, count);
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

int store_run(struct store *store, const char *sql, const struct store_value *values, size_t count,
              const char *doing, struct error *error)
{
    cleanup_statement sqlite3_stmt *statement = NULL;
    int r = store_prepare(store, sql, values, count, &statement, error);

    return r < 0 ? r : store_step(store, statement, doing, error);
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
