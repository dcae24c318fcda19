/* Requests for records of what was done and how it was. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/cleanup.h"
#include "common/base/util.h"
#include "controller/store/database.h"
#include "controller/store/request.h"

#define PAGE_ROWS        128 /* waterfalls that are read before others get their turn */
#define ANSWER_BYTES_MAX (3 * 1024 * 1024) /* of records, as they are packed */

typedef Vmreclaim__Controller__V1__Action Action;
typedef Vmreclaim__Controller__V1__Waterfall Waterfall;

struct records_request {
    struct store_request base;
    struct store_records_query query;
    char *text; /* the VM, an id or its prefix */
    uint32_t points;
    bool is_scanning;
    struct waterfall_scan scan;
    size_t bytes; /* of both lists, packed */
    struct store_list actions;
    struct store_list waterfalls;
    struct store_history history; /* the answer; a part of it for most */
    store_records_done records_done;
    store_history_done history_done; /* instead */
    void *userdata;
};

static struct records_request *request_of(struct store_request *base)
{
    return container_of(base, struct records_request, base);
}

/* ---- running ---- */

/* -ENOBUFS, which ends the walk: the list is full. */
static int keep_action(Action *action, void *userdata)
{
    struct records_request *request = userdata;
    const struct store_records_query *query = &request->query;

    if (query->is_wanted != NULL && !query->is_wanted(action))
        return 0;
    request->bytes += vmreclaim__controller__v1__action__get_packed_size(action);
    request->history.records.is_cut =
        query->limit != 0 &&
        (request->actions.count == query->limit || request->bytes > ANSWER_BYTES_MAX);
    if (request->history.records.is_cut)
        return -ENOBUFS;
    return store_list_add(&request->actions, action) < 0 ? -ENOMEM : 1;
}

static int keep_waterfall(Waterfall *waterfall, void *userdata)
{
    struct records_request *request = userdata;

    if (request->waterfalls.count == request->points)
        return 0;
    request->bytes += vmreclaim__controller__v1__waterfall__get_packed_size(waterfall);
    return store_list_add(&request->waterfalls, waterfall) < 0 ? -ENOMEM : 1;
}

static int run_records(struct store_request *base, struct error *error)
{
    struct records_request *request = request_of(base);
    const struct store_records_query *query = &request->query;
    int r = store_actions(base->store, query->vm, query->since, query->until, keep_action, request,
                          error);

    return r == -ENOBUFS && request->history.records.is_cut ? 0 : r;
}

/* The waterfalls by pages, then the records. */
static int run_history(struct store_request *base, struct error *error)
{
    struct records_request *request = request_of(base);
    const struct store_records_query *query = &request->query;
    int r = 0;

    if (!request->is_scanning) {
        (void)store_flush(base->store); /* what waits is history too */
        request->is_scanning = true;
        request->scan = (struct waterfall_scan){
            .vm = request->text, .next = query->since, .until = query->until};
        r = waterfall_scan_begin(base->store, &request->scan, request->points, error);
    }
    if (r == 0)
        r = waterfall_scan_page(base->store, &request->scan, PAGE_ROWS, keep_waterfall, request,
                                error);
    base->has_more = r == 0 && !request->scan.is_over;
    return r < 0 || base->has_more ? r : run_records(base, error);
}

static int run_record(struct store_request *base, struct error *error)
{
    struct records_request *request = request_of(base);

    return store_action(base->store, request->text, keep_action, request, error);
}

static int run_id(struct store_request *base, struct error *error)
{
    struct records_request *request = request_of(base);
    int r = store_has_action(base->store, request->text, error);

    request->history.records.count = r > 0;
    return r;
}

/* ---- completing ---- */

static void free_lists(struct records_request *request)
{
    for (size_t i = 0; i < request->actions.count; i++)
        vmreclaim__controller__v1__action__free_unpacked(request->actions.items[i], NULL);
    for (size_t i = 0; i < request->waterfalls.count; i++)
        vmreclaim__controller__v1__waterfall__free_unpacked(request->waterfalls.items[i], NULL);
    request->actions.count = 0;
    request->waterfalls.count = 0;
}

static void complete(struct store_request *base)
{
    struct records_request *request = request_of(base);
    struct store_history *history = &request->history;

    if (history->records.answer.status < 0)
        free_lists(request);
    history->records.actions = (Action **)request->actions.items;
    history->records.count = max_of(history->records.count, request->actions.count);
    history->points = (Waterfall **)request->waterfalls.items;
    history->point_count = request->waterfalls.count;
    if (request->history_done != NULL)
        request->history_done(history, request->userdata);
    else
        request->records_done(&history->records, request->userdata);
    free_lists(request);
    free((void *)request->actions.items);
    free((void *)request->waterfalls.items);
    free(request->text);
    free(request);
}

/* ---- asking ---- */

/* NULL: no memory. `text` may be NULL. */
static struct records_request *create(struct store *store, const char *text,
                                      int (*run)(struct store_request *base, struct error *error),
                                      void *userdata)
{
    struct records_request *request = calloc(1, sizeof(*request));

    if (request == NULL)
        return NULL;
    request->text = text == NULL ? NULL : strdup(text);
    if (text != NULL && request->text == NULL) {
        free(request);
        return NULL;
    }
    request->base = (struct store_request){.store = store,
                                           .answer = &request->history.records.answer,
                                           .size = sizeof(*request),
                                           .run = run,
                                           .complete = complete};
    request->userdata = userdata;
    return request;
}

/* `request` may be NULL. */
static void submit(struct records_request *request, store_records_done done, void *userdata)
{
    if (request == NULL) {
        done(&(struct store_records){.answer = store_no_memory}, userdata);
        return;
    }
    request->records_done = done;
    store_submit(&request->base);
}

static void set_query(struct records_request *request, const struct store_records_query *query)
{
    request->query = *query;
    request->query.vm = request->text;
}

void store_ask_records(struct store *store, const struct store_records_query *query,
                       store_records_done done, void *userdata)
{
    struct records_request *request = create(store, query->vm, run_records, userdata);

    if (request != NULL)
        set_query(request, query);
    submit(request, done, userdata);
}

void store_ask_record(struct store *store, const char *prefix, store_records_done done,
                      void *userdata)
{
    submit(create(store, prefix, run_record, userdata), done, userdata);
}

void store_ask_id(struct store *store, const char *id, store_records_done done, void *userdata)
{
    submit(create(store, id, run_id, userdata), done, userdata);
}

void store_ask_history(struct store *store, const struct store_records_query *query,
                       uint32_t points, store_history_done done, void *userdata)
{
    struct records_request *request = create(store, query->vm, run_history, userdata);

    if (request == NULL) {
        done(&(struct store_history){.records = {.answer = store_no_memory}}, userdata);
        return;
    }
    set_query(request, query);
    request->points = points;
    request->history_done = done;
    store_submit(&request->base);
}
