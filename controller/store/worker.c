/* The store's thread. */
#include "controller/store/worker.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <uv.h>

#include "common/base/log.h"
#include "common/base/util.h"
#include "controller/store/database.h"
#include "controller/store/request.h"

struct store_worker {
    struct store *store;
    uv_thread_t thread;
    uv_async_t completions; /* does not keep the loop alive */
    uv_cond_t wake;         /* the thread's */
    uv_cond_t idle;         /* of who waits for the thread's end */
    /* ---- under the store's lock ---- */
    struct list requests;
    struct list completed;
    bool is_woken;
    bool is_stopping;
    bool has_ended;
    /* ---- the loop's ---- */
    size_t count; /* requests that were taken and not completed */
    size_t bytes;
    bool is_behind; /* and the log has said so */
};

/* ---- requests ---- */

static void run_request(struct store_request *request)
{
    struct store_answer *answer = request->answer;
    int r;

    assert(answer->status == 0);
    r = request->run(request, &answer->error);
    if (r == -ENOMEM)
        error_set(&answer->error, r, "out of memory");
    answer->status = min_of(r, 0);
    assert(answer->status == 0 || answer->error.text[0] != '\0');
}

/* ---- on the thread ---- */

static void run_one(struct store_worker *worker, struct store_request *request)
{
    struct store *store = worker->store;
    run_request(request);
    assert(list_is_empty(&request->link));
    uv_mutex_lock(&store->lock);
    list_append(&worker->completed, &request->link);
    uv_mutex_unlock(&store->lock);
    (void)uv_async_send(&worker->completions);
}

static bool has_work(const struct store_worker *worker)
{
    return worker->is_woken || worker->is_stopping || !list_is_empty(&worker->requests);
}

/* Waits for something to do. False: it is to end. `ret_request` is NULL when there is none. */
static bool next(struct store_worker *worker, struct store_request **ret_request)
{
    struct store *store = worker->store;
    bool goes_on;

    uv_mutex_lock(&store->lock);
    while (!has_work(worker))
        uv_cond_wait(&worker->wake, &store->lock);
    worker->is_woken = false;
    goes_on = !worker->is_stopping || !list_is_empty(&worker->requests);
    *ret_request = NULL;
    if (!list_is_empty(&worker->requests)) {
        *ret_request = list_entry(worker->requests.next, struct store_request, link);
        list_remove(&(*ret_request)->link);
    }
    assert(goes_on || *ret_request == NULL);
    uv_mutex_unlock(&store->lock);
    return goes_on;
}

static void run_thread(void *userdata)
{
    struct store_worker *worker = userdata;
    struct store *store = worker->store;
    struct store_request *request;
    bool goes_on;

    do {
        goes_on = next(worker, &request);
        store_look_after(store);
        if (request != NULL)
            run_one(worker, request);
        store_show(store);
    } while (goes_on);
    uv_mutex_lock(&store->lock);
    worker->has_ended = true;
    uv_cond_signal(&worker->idle);
    uv_mutex_unlock(&store->lock);
}

/* ---- on the loop ---- */

static void complete_all(struct store_worker *worker)
{
    struct store *store = worker->store;
    struct store_request *request;

    for (;;) {
        request = NULL;
        uv_mutex_lock(&store->lock);
        if (!list_is_empty(&worker->completed)) {
            request = list_entry(worker->completed.next, struct store_request, link);
            list_remove(&request->link);
        }
        uv_mutex_unlock(&store->lock);
        if (request == NULL)
            break;
        assert(worker->count > 0 && worker->bytes >= request->size);
        worker->count--;
        worker->bytes -= request->size;
        request->complete(request);
    }
    assert(worker->count > 0 || worker->bytes == 0);
    if (worker->is_behind && worker->count < STORE_LINE_READS / 2) {
        worker->is_behind = false;
        log_notice("the store has caught up");
    }
}

static void on_completions(uv_async_t *completions)
{
    complete_all(completions->data);
}

/* False: there is no room. */
static bool take(struct store_worker *worker, struct store_request *request)
{
    size_t most = request->writes ? STORE_LINE_MAX : STORE_LINE_READS;

    assert(worker->count <= STORE_LINE_MAX && worker->bytes <= STORE_LINE_BYTES);
    if (worker->is_stopping || worker->count >= most ||
        request->size > STORE_LINE_BYTES - worker->bytes) {
        if (!worker->is_behind)
            log_error("the store %s is behind: %zu requests wait for its disk; more are refused",
                      worker->store->path, worker->count);
        worker->is_behind = true;
        return false;
    }
    worker->count++;
    worker->bytes += request->size;
    uv_mutex_lock(&worker->store->lock);
    list_append(&worker->requests, &request->link);
    uv_cond_signal(&worker->wake);
    uv_mutex_unlock(&worker->store->lock);
    return true;
}

static const char behind[] = "the store is behind: its disk is slow, or too much is asked of it; "
                             "try again";

void store_submit(struct store_request *request)
{
    struct store_worker *worker = request->store->worker;

    assert(request->answer->status == 0);
    list_init(&request->link);
    if (worker != NULL && take(worker, request))
        return;
    if (worker != NULL)
        request->answer->status = error_set(&request->answer->error, -EBUSY, "%s", behind);
    else
        run_request(request);
    request->complete(request);
}

void store_wake(struct store *store)
{
    uv_mutex_lock(&store->lock);
    store->worker->is_woken = true;
    uv_cond_signal(&store->worker->wake);
    uv_mutex_unlock(&store->lock);
}

/* ---- begin and end ---- */

/* Signals are the loop's. */
static int create_thread(struct store_worker *worker)
{
    sigset_t all;
    sigset_t before;
    int r;

    sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    r = uv_thread_create(&worker->thread, run_thread, worker);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return r;
}

static void on_closed(uv_handle_t *handle)
{
    struct store_worker *worker = handle->data;

    uv_cond_destroy(&worker->wake);
    uv_cond_destroy(&worker->idle);
    free(worker);
}

int store_start(struct store *store, uv_loop_t *loop)
{
    struct store_worker *worker = calloc(1, sizeof(*worker));
    int r;

    assert(store->worker == NULL);
    if (worker == NULL)
        return -ENOMEM;
    worker->store = store;
    list_init(&worker->requests);
    list_init(&worker->completed);
    r = uv_async_init(loop, &worker->completions, on_completions);
    if (r < 0) {
        free(worker);
        return r;
    }
    worker->completions.data = worker;
    uv_unref((uv_handle_t *)&worker->completions);
    (void)uv_cond_init(&worker->wake);
    (void)uv_cond_init(&worker->idle);
    store_show(store);
    store->worker = worker;
    r = create_thread(worker);
    if (r < 0) {
        store->worker = NULL;
        uv_close((uv_handle_t *)&worker->completions, on_closed);
    }
    return r;
}

/* False: the time is over. */
static bool await_end(struct store_worker *worker, nsec_t most)
{
    struct store *store = worker->store;
    nsec_t end = time_boottime() + most;
    nsec_t now;

    uv_mutex_lock(&store->lock);
    worker->is_stopping = true;
    uv_cond_signal(&worker->wake);
    while (!worker->has_ended && (now = time_boottime()) < end)
        (void)uv_cond_timedwait(&worker->idle, &store->lock, end - now);
    bool has_ended = worker->has_ended;
    uv_mutex_unlock(&store->lock);
    return has_ended;
}

int store_stop(struct store *store, nsec_t most)
{
    struct store_worker *worker = store->worker;

    if (worker == NULL)
        return 0;
    if (!await_end(worker, most)) {
        store->is_lost = true;
        return -ETIMEDOUT;
    }
    store->is_lost = false;
    (void)uv_thread_join(&worker->thread);
    /* What is asked by completions is answered at once. */
    store->worker = NULL;
    complete_all(worker);
    assert(worker->count == 0 && list_is_empty(&worker->requests));
    uv_close((uv_handle_t *)&worker->completions, on_closed);
    return 0;
}
