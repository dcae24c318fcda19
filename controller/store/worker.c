/* A thread of the store. */
#include "controller/store/worker.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/base/log.h"
#include "controller/store/batch.h"
#include "controller/store/reader.h"

#define BATCH_MAX       256 /* requests in one transaction */
#define ANSWERS_MAX     4   /* of a reader that the loop has not taken */
#define OTHERS_NICE     10
#define BEHIND_INTERVAL (60 * NSEC_PER_SEC)
#define THREAD_ITSELF   0

struct store_worker {
    struct store *store;
    uv_thread_t thread;
    uv_async_t completions; /* does not keep the loop alive */
    uv_cond_t wake;         /* the thread's */
    uv_cond_t idle;         /* of who waits for the thread's end */
    /* ---- under the store's lock ---- */
    struct list requests;
    struct list completed;
    size_t completed_count;
    bool is_woken;
    bool is_stopping;
    bool has_ended;
    /* ---- the loop's ---- */
    size_t count; /* requests that were taken and not completed */
    size_t bytes;
    bool is_behind;
    struct log_limit behind; /* times that the log says so */
};

static bool is_reader(const struct store_worker *worker)
{
    return worker->store->origin != NULL;
}

/* ---- on the thread ---- */

static void read_one(struct store *reader, struct store_request *request)
{
    struct store_answer *answer = request->answer;

    answer->status = store_reader_open(reader, &answer->error);
    if (answer->status == 0)
        store_request_run(request);
    if (answer->status == 0)
        reader->problem[0] = '\0';
}

static void hand_back(struct store_worker *worker, struct list *requests)
{
    bool is_any = !list_is_empty(requests);

    uv_mutex_lock(&worker->store->lock);
    list_for_each_safe (link, following, requests) {
        list_remove(link);
        list_append(&worker->completed, link);
        worker->completed_count++;
    }
    uv_mutex_unlock(&worker->store->lock);
    if (is_any)
        (void)uv_async_send(&worker->completions);
}

static bool may_read(const struct store_worker *worker)
{
    return worker->is_stopping || worker->completed_count < ANSWERS_MAX;
}

static bool has_work(const struct store_worker *worker)
{
    return worker->is_woken || worker->is_stopping ||
           (!list_is_empty(&worker->requests) && (!is_reader(worker) || may_read(worker)));
}

/* Waits for something to do. False: it is to end. */
static bool next(struct store_worker *worker, struct list *ret_requests, bool *ret_is_busy)
{
    size_t most = is_reader(worker) ? 1 : BATCH_MAX;
    bool goes_on;

    list_init(ret_requests);
    uv_mutex_lock(&worker->store->lock);
    while (!has_work(worker))
        uv_cond_wait(&worker->wake, &worker->store->lock);
    worker->is_woken = false;
    goes_on = !worker->is_stopping || !list_is_empty(&worker->requests);
    *ret_is_busy = !list_is_empty(&worker->requests);
    for (; most > 0 && !list_is_empty(&worker->requests); most--) {
        struct list *first = worker->requests.next;

        list_remove(first);
        list_append(ret_requests, first);
    }
    uv_mutex_unlock(&worker->store->lock);
    return goes_on;
}

static void run_reader(struct store_worker *worker)
{
    struct list requests;
    bool is_busy;
    bool goes_on;

    do {
        goes_on = next(worker, &requests, &is_busy);
        if (is_busy)
            read_one(worker->store, list_entry(requests.next, struct store_request, link));
        store_show(worker->store);
        hand_back(worker, &requests);
    } while (goes_on);
}

/* While the last ones were written others have come. */
static bool does_anybody_wait(const struct store_worker *worker)
{
    uv_mutex_lock(&worker->store->lock);
    bool waits = !list_is_empty(&worker->requests);
    uv_mutex_unlock(&worker->store->lock);
    return waits;
}

static void run_writer(struct store_worker *worker)
{
    struct store *store = worker->store;
    struct list requests;
    bool is_busy;
    bool goes_on;

    do {
        goes_on = next(worker, &requests, &is_busy);
        (void)store_write(store, &requests);
        store_show(store);
        hand_back(worker, &requests);
        store_checkpoint(store, does_anybody_wait(worker));
        store_look_after(store, does_anybody_wait(worker));
        store_show(store);
    } while (goes_on);
}

static void run_thread(void *userdata)
{
    struct store_worker *worker = userdata;

    /* Less of the processor for who may not make others wait; without it they have as much. */
    if (worker->store->is_for_others)
        (void)setpriority(PRIO_PROCESS, THREAD_ITSELF, OTHERS_NICE);
    if (is_reader(worker))
        run_reader(worker);
    else
        run_writer(worker);
    uv_mutex_lock(&worker->store->lock);
    worker->has_ended = true;
    uv_cond_signal(&worker->idle);
    uv_mutex_unlock(&worker->store->lock);
}

/* ---- on the loop ---- */

/* NULL: there is none. */
static struct store_request *take_completed(struct store_worker *worker)
{
    struct store_request *request = NULL;

    uv_mutex_lock(&worker->store->lock);
    if (!list_is_empty(&worker->completed)) {
        request = list_entry(worker->completed.next, struct store_request, link);
        list_remove(&request->link);
        worker->completed_count--;
        uv_cond_signal(&worker->wake);
    }
    uv_mutex_unlock(&worker->store->lock);
    return request;
}

static void complete(struct store_worker *worker, struct store_request *request)
{
    assert(worker->count > 0 && worker->bytes >= request->size);
    worker->count--;
    worker->bytes -= request->size;
    if (worker->count < STORE_LINE_READS / 2)
        worker->is_behind = false;
    request->complete(request);
}

/* What is done with an answer may take long: one in a turn of the loop. */
static void on_completions(uv_async_t *completions)
{
    struct store_worker *worker = completions->data;
    struct store_request *request = take_completed(worker);

    if (request == NULL)
        return;
    (void)uv_async_send(completions); /* maybe there is another one */
    complete(worker, request);
}

static void say_behind(struct store_worker *worker)
{
    unsigned suppressed;

    if (!worker->is_behind && log_limit_pass(&worker->behind, time_boottime(), &suppressed))
        log_error("the store %s is behind: %zu requests wait; more are refused",
                  worker->store->path, worker->count);
    worker->is_behind = true;
}

bool worker_take(struct store_worker *worker, struct store_request *request)
{
    size_t most = is_reader(worker) ? STORE_LINE_READS : STORE_LINE_MAX;

    if (worker->is_stopping || worker->count >= most ||
        request->size > STORE_LINE_BYTES - worker->bytes) {
        say_behind(worker);
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

void worker_wake(struct store_worker *worker)
{
    uv_mutex_lock(&worker->store->lock);
    worker->is_woken = true;
    uv_cond_signal(&worker->wake);
    uv_mutex_unlock(&worker->store->lock);
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

int worker_start(struct store *store, uv_loop_t *loop, struct store_worker **ret_worker)
{
    struct store_worker *worker = calloc(1, sizeof(*worker));
    int r;

    if (worker == NULL)
        return -ENOMEM;
    worker->store = store;
    worker->behind = (struct log_limit){.interval = BEHIND_INTERVAL, .burst = 1};
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
    r = create_thread(worker);
    if (r < 0)
        uv_close((uv_handle_t *)&worker->completions, on_closed);
    else
        *ret_worker = worker;
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

int worker_stop(struct store_worker *worker, nsec_t most)
{
    struct store_request *request;

    if (!await_end(worker, most))
        return -ETIMEDOUT;
    (void)uv_thread_join(&worker->thread);
    worker->store->worker = NULL; /* what is asked by completions is answered at once */
    while ((request = take_completed(worker)) != NULL)
        complete(worker, request);
    uv_close((uv_handle_t *)&worker->completions, on_closed);
    return 0;
}
