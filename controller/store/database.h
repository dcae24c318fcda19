/* The file, and statements on it with errors in words. For the store's own files. */
#ifndef VMRECLAIM_CONTROLLER_STORE_DATABASE_H
#define VMRECLAIM_CONTROLLER_STORE_DATABASE_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "common/base/error.h"
#include "common/base/list.h"
#include "common/base/time.h"

/* A pass over all records, in pieces. */
struct retention {
    bool under_way;
    int64_t now;  /* UNIX nanoseconds, of this pass */
    int64_t age;  /* nanoseconds that are kept */
    int64_t done; /* and of the last whole one since the daemon's start; 0: none */
    char vm[96];  /* the last one that was looked at */
};

/* What the loop may know of the database. */
struct store_shown {
    char problem[512];
    uint64_t bytes;
    uint32_t schema;
};

#define STORE_LOG_PAGES 1000 /* as SQLite has it */

struct store_worker;

/* Who reads beside the writer, see reader.h. */
enum {
    STORE_READER_FIRST,
    STORE_READER_OTHERS,
    STORE_READERS,
};

struct store {
    char *path;
    struct store_worker *worker;          /* NULL: what is asked is done at once */
    struct store *origin;                 /* of a reader: what it reads for; NULL: it is none */
    bool is_for_others;                   /* of a reader: STORE_READER_OTHERS */
    struct store *readers[STORE_READERS]; /* while it has threads */
    bool is_lost;                         /* the thread did not end: it may still use all of this */
    char told[512];                       /* the loop's: what store_problem gave last */
    char logged[512];                     /* ... and what the log said last */
    /* ---- the thread's, once it runs ---- */
    sqlite3 *database; /* NULL: not usable */
    char problem[512]; /* empty: none */
    nsec_t retry;      /* CLOCK_BOOTTIME of the next attempt to open */
    nsec_t slow;       /* CLOCK_BOOTTIME when the disk last took long; 0: never */
    nsec_t tended;     /* CLOCK_BOOTTIME when old records were last looked after */
    int log_pages;     /* that SQLite moves into the file by itself; 0: never */
    uint64_t bytes_max;
    struct retention retention;
    /* ---- under the lock ---- */
    uv_mutex_t lock;
    struct list queue;   /* struct record, oldest first; without those being written */
    struct list writing; /* these */
    size_t queue_count;  /* of both */
    size_t queue_bytes;
    uint64_t dropped;
    nsec_t tick;    /* what store_tick was given; 0: it is done */
    int64_t retain; /* what store_retain was given; 0: it is done */
    struct store_shown shown;
};

/* Keeps what the last call on the database said as the store's problem, and in `error`, in words
 * for a person. Returns a negative errno. */
int store_fail(struct store *store, const char *doing, struct error *error);

/* -EIO with the store's problem when the file is not open. */
int store_need(struct store *store, const char *doing, struct error *error);

/* A statement's parameter: a text, which the statement does not copy, else a number. */
struct store_value {
    const char *text;
    int64_t number;
};

/* Gives a statement the values of its first parameters. */
void store_bind(sqlite3_stmt *statement, const struct store_value *values, size_t count);

/* A statement with the values of its parameters. */
int store_prepare(struct store *store, const char *sql, const struct store_value *values,
                  size_t count, sqlite3_stmt **ret_statement, struct error *error);

/* 1: a row, 0: done. */
int store_step(struct store *store, sqlite3_stmt *statement, const char *doing,
               struct error *error);

/* Does what has no rows. */
int store_run(struct store *store, const char *sql, const struct store_value *values, size_t count,
              const char *doing, struct error *error);

/* Statements without parameters and rows. */
int store_execute(struct store *store, const char *sql, const char *doing, struct error *error);

/* Text of a column, never NULL. */
const char *store_text(sqlite3_stmt *statement, int column);

/* Brings an open database to the newest schema. */
int store_migrate(struct store *store, struct error *error);
uint32_t store_schema(const struct store *store);

/* Lets the thread, which runs, look after the database soon. */
void store_wake(struct store *store);

/* On the thread: does what store_tick and store_retain have asked for; where somebody waits, old
 * records only now and then. */
void store_look_after(struct store *store, bool is_busy);
/* Moves what was committed from the log into the file, where it has become long; where somebody
 * waits, later. */
void store_checkpoint(struct store *store, bool is_busy);
/* Lets the loop know how the database is. */
void store_show(struct store *store);

/* Writes the queue in one transaction. */
int store_flush(struct store *store);
/* As store_retain, at once. */
int store_begin_retaining(struct store *store, int64_t now, struct error *error);
/* The next piece of a pass that is under way; as store_retain. */
int store_go_on_retaining(struct store *store, struct error *error);

/* The three steps of writing what waits: takes it, if there is some; writes it, in a transaction of
 * the caller's; lets it go, or has it wait again. */
bool store_take_waiting(struct store *store);
int store_write_waiting(struct store *store, struct error *error);
void store_end_waiting(struct store *store, bool written);

void store_queue_init(struct store *store);
void store_queue_finish(struct store *store);

static inline void cleanup_finalize_statement(sqlite3_stmt **statement)
{
    (void)sqlite3_finalize(*statement);
}
#define cleanup_statement __attribute__((cleanup(cleanup_finalize_statement)))

#endif
