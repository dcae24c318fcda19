/* A VM's history by pages.
 *
 * Theory of operation: records and waterfalls are read side by side, each from where the page
 * before ended, and each only so many. Whichever is full first ends the page at the time of its
 * last one. What the other has read beyond that is left for the next page. So a page has all that
 * lies between two moments, and nobody waits for more than one page of somebody's reading. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/util.h"
#include "controller/store/database.h"
#include "controller/store/request.h"
#include "controller/store/waiting.h"

#define PAGE_POINTS       128
#define PAGE_ACTIONS      64
#define PAGE_ACTION_BYTES (64 * 1024) /* of records, packed; one at least */

typedef Vmreclaim__Controller__V1__Action Action;
typedef Vmreclaim__Controller__V1__Waterfall Waterfall;

struct history_request {
    struct store_request base;
    struct store_history_query query;
    struct action_walk walk;
    size_t bytes;
    bool is_full; /* of actions: there are more */
    struct store_list actions;
    struct store_list points;
    struct store_history history; /* the answer */
    store_history_done done;
    void *userdata;
    char vm[];
};

static struct history_request *request_of(struct store_request *base)
{
    return container_of(base, struct history_request, base);
}

/* ---- running ---- */

/* -ENOBUFS, which ends the walk: the page is full. */
static int keep_action(Action *action, void *userdata)
{
    struct history_request *request = userdata;

    request->bytes += vmreclaim__controller__v1__action__get_packed_size(action);
    request->is_full = request->actions.count == PAGE_ACTIONS ||
                       (request->actions.count > 0 && request->bytes > PAGE_ACTION_BYTES);
    if (request->is_full)
        return -ENOBUFS;
    return store_list_add(&request->actions, action) < 0 ? -ENOMEM : 1;
}

static int keep_point(Waterfall *waterfall, void *userdata)
{
    struct history_request *request = userdata;

    return store_list_add(&request->points, waterfall) < 0 ? -ENOMEM : 1;
}

/* The newest that are asked for. */
struct newest {
    uint32_t left;
    struct record_place *ret_before; /* the first that is left out */
};

/* -ENOBUFS, which ends the walk: there are more. */
static int pass(Action *action, void *userdata)
{
    struct newest *newest = userdata;

    if (newest->left == 0) {
        record_place_set(newest->ret_before, action->started_ns, action->id);
        return -ENOBUFS;
    }
    newest->left--;
    return 0;
}

/* What waits is history too: beside it, an index does not say where the newest begin. 1: there are
 * older ones, which are left out. */
static int skip_old_actions(struct history_request *request, struct error *error)
{
    const struct store_history_query *query = &request->query;
    struct store *store = request->base.store;
    const struct action_walk down = action_walk_down(request->vm, query->since, query->until);
    struct newest newest = {.left = query->actions, .ret_before = &request->walk.place};
    int waiting = store_count_waiting(store, &request->walk);
    int r;

    if (waiting <= 0)
        return waiting < 0 ? waiting
                           : store_skip_actions(store, &request->walk, query->actions, error);
    r = store_walk_all_actions(store, &down, pass, &newest, error);
    return r == -ENOBUFS ? 1 : r;
}

static int begin(struct history_request *request, struct error *error)
{
    struct store_history_place *place = &request->history.place;
    struct waterfall_scan scan = {
        .vm = request->vm, .next = request->query.since, .until = request->query.until};
    struct store *store = request->base.store;
    int r;

    if (store->origin == NULL)
        (void)store_flush(store);
    r = waterfall_scan_begin(store, &scan, request->query.points, error);
    if (r == 0)
        r = skip_old_actions(request, error);
    if (r < 0)
        return r;
    *place = (struct store_history_place){
        .has_begun = true,
        .leaves_out = r > 0,
        .action = request->walk.place,
        .points = {scan.first, scan.until, scan.width, scan.next, scan.is_over},
    };
    return 0;
}

static Action *last_action(const struct history_request *request)
{
    return request->actions.items[request->actions.count - 1];
}

static int read_actions(struct history_request *request, struct error *error)
{
    int r;

    request->walk.place = request->history.place.action;
    r = store_walk_all_actions(request->base.store, &request->walk, keep_action, request, error);
    return r == -ENOBUFS && request->is_full ? 0 : r;
}

/* Where the page ends: there are more records after its last one. */
static int64_t horizon_of(const struct history_request *request)
{
    return request->is_full ? last_action(request)->started_ns : INT64_MAX;
}

/* 1: there are more. */
static int read_points(struct history_request *request, struct error *error)
{
    struct store_history_place *place = &request->history.place;
    struct waterfall_scan scan = {.vm = request->vm,
                                  .next = place->points.next,
                                  .until = place->points.last,
                                  .first = place->points.first,
                                  .width = place->points.width,
                                  .is_over = place->points.is_over};
    int r = waterfall_scan_page(request->base.store, &scan, PAGE_POINTS, horizon_of(request),
                                keep_point, request, error);

    assert(r <= 0 || request->points.count > 0);
    place->points.next = scan.next;
    place->points.is_over = scan.is_over;
    return r;
}

/* They are the next page's. */
static void drop_actions_after(struct history_request *request, const Waterfall *point)
{
    while (request->actions.count > 0 && last_action(request)->started_ns > point->time_ns) {
        vmreclaim__controller__v1__action__free_unpacked(last_action(request), NULL);
        request->actions.count--;
        request->is_full = true;
    }
    assert(request->actions.count <= PAGE_ACTIONS);
}

/* Those that are as far from the last one as the others are from each other. */
static int keep_if_later(Waterfall *waterfall, void *userdata)
{
    struct history_request *request = userdata;
    struct store_history_place *place = &request->history.place;

    if (waterfall->time_ns <= place->points.last ||
        (place->points.last != 0 && waterfall->time_ns - place->points.last < place->points.width))
        return 0;
    place->points.last = waterfall->time_ns;
    return keep_point(waterfall, request);
}

/* The waterfalls that wait for the disk are the newest. */
static int add_waiting(struct history_request *request)
{
    return store_waiting_waterfalls(request->base.store, request->vm, request->query.since,
                                    min_of(request->query.until, horizon_of(request)),
                                    keep_if_later, request);
}

static int run_page(struct store_request *base, struct error *error)
{
    struct history_request *request = request_of(base);
    struct store_history_place *place = &request->history.place;
    int r = place->has_begun ? 0 : begin(request, error);

    if (r == 0)
        r = read_actions(request, error);
    if (r == 0)
        r = read_points(request, error);
    if (r < 0)
        return r;
    if (r > 0)
        drop_actions_after(request, request->points.items[request->points.count - 1]);
    if (request->actions.count > 0)
        record_place_set(&place->action, last_action(request)->started_ns,
                         last_action(request)->id);
    place->is_over = place->points.is_over && !request->is_full;
    assert(place->is_over || request->actions.count + request->points.count > 0);
    return place->points.is_over ? add_waiting(request) : 0;
}

/* ---- completing ---- */

static void free_lists(struct history_request *request)
{
    for (size_t i = 0; i < request->actions.count; i++)
        vmreclaim__controller__v1__action__free_unpacked(request->actions.items[i], NULL);
    for (size_t i = 0; i < request->points.count; i++)
        vmreclaim__controller__v1__waterfall__free_unpacked(request->points.items[i], NULL);
    request->actions.count = 0;
    request->points.count = 0;
}

static void complete(struct store_request *base)
{
    struct history_request *request = request_of(base);
    struct store_history *history = &request->history;

    assert(request->actions.count <= PAGE_ACTIONS);
    if (history->records.answer.status < 0)
        free_lists(request);
    history->records.actions = (Action **)request->actions.items;
    history->records.count = request->actions.count;
    history->points = (Waterfall **)request->points.items;
    history->point_count = request->points.count;
    request->done(history, request->userdata);
    free_lists(request);
    free((void *)request->actions.items);
    free((void *)request->points.items);
    free(request);
}

/* ---- asking ---- */

void store_ask_history(struct store *store, const struct store_history_query *query,
                       const struct store_history_place *place, store_history_done done,
                       void *userdata)
{
    size_t size = strlen(query->vm) + 1;
    struct history_request *request = calloc(1, sizeof(*request) + size);

    if (request == NULL) {
        done(&(struct store_history){.records = {.answer = store_no_memory}}, userdata);
        return;
    }
    memcpy(request->vm, query->vm, size);
    request->base = (struct store_request){.store = store,
                                           .answer = &request->history.records.answer,
                                           .size = sizeof(*request) + size,
                                           .run = run_page,
                                           .complete = complete};
    request->query = *query;
    request->query.vm = request->vm;
    request->walk = action_walk_up(request->vm, query->since, query->until);
    request->history.place = *place;
    request->done = done;
    request->userdata = userdata;
    store_submit(&request->base);
}
