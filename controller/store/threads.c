/* A store with threads: one that writes, and readers. */
#include <assert.h>
#include <errno.h>

#include "common/base/util.h"
#include "controller/store/reader.h"
#include "controller/store/request.h"
#include "controller/store/worker.h"

#define UNWIND_TIME      (10 * NSEC_PER_SEC)
#define READER_STOP_TIME (1 * NSEC_PER_SEC)

static const char behind[] = "the store is behind: its disk is slow, or too much is asked of it; "
                             "try again";

/* Whose database it is for. */
static struct store *store_for(const struct store_request *request)
{
    struct store *store = request->store;

    if (request->writes)
        return store->origin != NULL ? store->origin : store;
    if (store->origin == NULL && store->readers[STORE_READER_FIRST] != NULL)
        return store->readers[STORE_READER_FIRST];
    return store;
}

void store_submit(struct store_request *request)
{
    struct store_worker *worker;

    request->store = store_for(request);
    worker = request->store->worker;
    list_init(&request->link);
    if (worker == NULL) { /* it is done at once */
        store_request_run(request);
        request->complete(request);
        return;
    }
    if (worker_take(worker, request))
        return;
    request->answer->status = error_set(&request->answer->error, -EBUSY, "%s", behind);
    request->complete(request);
}

void store_wake(struct store *store)
{
    worker_wake(store->worker);
}

struct store *store_for_others(struct store *store)
{
    struct store *reader = store->readers[STORE_READER_OTHERS];

    return reader != NULL ? reader : store;
}

/* ---- begin and end ---- */

/* With a thread the log is looked after when nobody waits for it, see store_checkpoint. */
static void set_log_pages(struct store *store, int pages)
{
    store->log_pages = pages;
    if (store->database != NULL)
        (void)sqlite3_wal_autocheckpoint(store->database, pages);
}

static int start_reader(struct store *store, unsigned place, uv_loop_t *loop)
{
    struct store **reader = &store->readers[place];
    int r = store_reader_create(store, reader);

    if (r < 0)
        return r;
    (*reader)->is_for_others = place == STORE_READER_OTHERS;
    return worker_start(*reader, loop, &(*reader)->worker);
}

int store_start(struct store *store, uv_loop_t *loop)
{
    int r = 0;

    assert(store->worker == NULL && store->origin == NULL);
    store_show(store);
    set_log_pages(store, 0);
    for (unsigned i = 0; i < STORE_READERS && r == 0; i++)
        r = start_reader(store, i, loop);
    if (r == 0)
        r = worker_start(store, loop, &store->worker);
    if (r < 0)
        (void)store_stop(store, UNWIND_TIME);
    return r;
}

/* Nothing is lost with it. False: it has not ended. */
static bool stop_reader(struct store *store, unsigned place, nsec_t most)
{
    struct store *reader = store->readers[place];

    if (reader == NULL)
        return true;
    if (reader->worker != NULL && worker_stop(reader->worker, most) < 0)
        return false;
    store->readers[place] = NULL;
    store_reader_destroy(reader);
    return true;
}

/* The writer first: whatever becomes of readers, what waits is written. */
int store_stop(struct store *store, nsec_t most)
{
    int r = store->worker == NULL ? 0 : worker_stop(store->worker, most);

    for (unsigned i = 0; i < STORE_READERS; i++)
        if (!stop_reader(store, i, min_of(most, READER_STOP_TIME)) && r == 0)
            r = -EBUSY;
    store->is_lost = r < 0;
    if (r == 0)
        set_log_pages(store, STORE_LOG_PAGES);
    return r;
}
