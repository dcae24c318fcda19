/* Requests for records of what was done and how it was. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/cleanup.h"
#include "common/base/util.h"
#include "controller/store/database.h"
#include "controller/store/request.h"
#include "controller/store/waiting.h"

#define ANSWER_BYTES_MAX (3 * 1024 * 1024) /* of records, as they are packed */

typedef Vmreclaim__Controller__V1__Action Action;

struct records_request {
    struct store_request base;
    struct store_records_query query;
    struct action_walk walk;
    char *text;   /* the VM, an id or its prefix */
    size_t bytes; /* of the list, packed */
    struct store_list actions;
    struct store_records records; /* the answer */
    store_records_done done;
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
    request->records.is_cut = query->limit != 0 && (request->actions.count == query->limit ||
                                                    request->bytes > ANSWER_BYTES_MAX);
    if (request->records.is_cut)
        return -ENOBUFS;
    return store_list_add(&request->actions, action) < 0 ? -ENOMEM : 1;
}

static int run_records(struct store_request *base, struct error *error)
{
    struct records_request *request = request_of(base);
    int r = store_walk_all_actions(base->store, &request->walk, keep_action, request, error);

    return r == -ENOBUFS && request->records.is_cut ? 0 : r;
}

static int run_record(struct store_request *base, struct error *error)
{
    struct records_request *request = request_of(base);

    return store_find_action(base->store, request->text, keep_action, request, error);
}

/* ---- completing ---- */

static void free_actions(struct records_request *request)
{
    for (size_t i = 0; i < request->actions.count; i++)
        vmreclaim__controller__v1__action__free_unpacked(request->actions.items[i], NULL);
    request->actions.count = 0;
}

static void complete(struct store_request *base)
{
    struct records_request *request = request_of(base);
    struct store_records *records = &request->records;

    assert(request->query.limit == 0 || request->actions.count <= request->query.limit);
    if (records->answer.status < 0)
        free_actions(request);
    records->actions = (Action **)request->actions.items;
    records->count = max_of(records->count, request->actions.count);
    request->done(records, request->userdata);
    free_actions(request);
    free((void *)request->actions.items);
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
                                           .answer = &request->records.answer,
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
    request->done = done;
    store_submit(&request->base);
}

void store_ask_records(struct store *store, const struct store_records_query *query,
                       store_records_done done, void *userdata)
{
    struct records_request *request = create(store, query->vm, run_records, userdata);

    if (request != NULL) {
        request->query = *query;
        request->walk = action_walk_down(request->text, query->since, query->until);
        if (query->before != NULL)
            request->walk.place = *query->before;
    }
    submit(request, done, userdata);
}

void store_ask_record(struct store *store, const char *prefix, store_records_done done,
                      void *userdata)
{
    submit(create(store, prefix, run_record, userdata), done, userdata);
}
