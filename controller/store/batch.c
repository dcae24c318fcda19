/* Writing on the thread: all that waits in one transaction, so that however much it is, the disk is
 * waited for once. Each request is whole or not at all. */
#include "controller/store/batch.h"

#include <assert.h>

#include "controller/store/database.h"

#define SLOW_COMMIT NSEC_PER_SEC

static const char doing[] = "writing to the store";

/* Those that have not failed by themselves. */
static void fail_all(struct list *batch, int status, const struct error *error)
{
    assert(status < 0);
    list_for_each (link, batch) {
        struct store_answer *answer = list_entry(link, struct store_request, link)->answer;

        if (answer->status < 0)
            continue;
        answer->status = status;
        answer->error = *error;
    }
}

/* A request that fails leaves nothing behind. Some failures end the whole transaction. */
static int run_in_savepoint(struct store *store, struct store_request *request, struct error *error)
{
    int r = store_execute(store, "SAVEPOINT request", doing, error);

    if (r < 0)
        return r;
    store_request_run(request);
    if (sqlite3_get_autocommit(store->database) != 0) {
        *error = request->answer->error;
        return request->answer->status < 0 ? request->answer->status
                                           : store_fail(store, doing, error);
    }
    if (request->answer->status < 0)
        r = store_execute(store, "ROLLBACK TO request", doing, error);
    return r < 0 ? r : store_execute(store, "RELEASE request", doing, error);
}

static int run_all(struct store *store, struct list *batch, struct error *error)
{
    list_for_each (link, batch) {
        int r = run_in_savepoint(store, list_entry(link, struct store_request, link), error);

        if (r < 0)
            return r;
    }
    return 0;
}

static void roll_back(struct store *store)
{
    if (sqlite3_get_autocommit(store->database) == 0)
        (void)sqlite3_exec(store->database, "ROLLBACK", NULL, NULL, NULL);
}

static int commit(struct store *store, struct error *error)
{
    nsec_t begun = time_boottime();
    int r = store_execute(store, "COMMIT", doing, error);
    nsec_t now = time_boottime();

    if (now - begun >= SLOW_COMMIT)
        store->slow = now;
    return r;
}

/* Records and requests together. `ret_records` when it failed: because of the records. */
static int write_together(struct store *store, struct list *batch, bool with_records,
                          bool *ret_records, struct error *error)
{
    int r = store_execute(store, "BEGIN IMMEDIATE", doing, error);

    *ret_records = false;
    if (r < 0)
        return r;
    if (with_records) {
        r = store_write_waiting(store, error);
        *ret_records = r < 0;
    }
    if (r == 0)
        r = run_all(store, batch, error);
    if (r == 0)
        r = commit(store, error);
    if (r < 0)
        roll_back(store);
    return r;
}

int store_write(struct store *store, struct list *batch)
{
    struct error error;
    bool by_records = false;
    int r = store_need(store, doing, &error);
    bool has_records;

    if (r < 0) {
        fail_all(batch, r, &error);
        return r;
    }
    has_records = store_take_waiting(store);
    if (!has_records && list_is_empty(batch))
        return 0;
    r = write_together(store, batch, has_records, &by_records, &error);
    if (has_records)
        store_end_waiting(store, r == 0);
    if (r < 0 && by_records && !list_is_empty(batch))
        r = write_together(store, batch, false, &by_records, &error);
    else if (r == 0)
        store->problem[0] = '\0';
    if (r < 0)
        fail_all(batch, r, &error);
    return r;
}
