/* Looking into the queue. */
#include "controller/store/waiting.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/cleanup.h"
#include "common/base/util.h"
#include "controller/store/record.h"
#include "controller/store/request.h"

typedef Vmreclaim__Controller__V1__Action Action;
typedef Vmreclaim__Controller__V1__Waterfall Waterfall;

/* ---- the queue ---- */

/* What of it is asked for. */
struct query {
    enum record_kind kind;
    const char *vm;     /* NULL: all */
    const char *prefix; /* of an action's id; NULL: all */
    int64_t since;
    int64_t until;
};

static struct store *queue_of(struct store *store)
{
    return store->origin != NULL ? store->origin : store;
}

static bool is_asked(const struct record *record, const struct query *query)
{
    const char *vm = query->kind == RECORD_ACTION ? record->second : record->key;

    return record->kind == query->kind && record->time >= query->since &&
           record->time <= query->until && (query->vm == NULL || strcmp(vm, query->vm) == 0) &&
           (query->prefix == NULL ||
            strncmp(record->key, query->prefix, strlen(query->prefix)) == 0);
}

static void *unpack(const struct record *record)
{
    return record->kind == RECORD_ACTION
               ? (void *)vmreclaim__controller__v1__action__unpack(NULL, record->length,
                                                                   record->data)
               : (void *)vmreclaim__controller__v1__waterfall__unpack(NULL, record->length,
                                                                      record->data);
}

/* With the lock. */
static int find_in(const struct list *records, const struct query *query, struct store_list *found)
{
    list_for_each (link, records) {
        const struct record *record = list_entry(link, struct record, link);
        void *message = is_asked(record, query) ? unpack(record) : NULL;

        if (message != NULL && store_list_add(found, message) < 0) {
            protobuf_c_message_free_unpacked(message, NULL);
            return -ENOMEM;
        }
    }
    return 0;
}

/* Those that nobody has taken: NULL stands for the others. */
static void free_messages(struct store_list *found)
{
    for (size_t i = 0; i < found->count; i++)
        if (found->items[i] != NULL)
            protobuf_c_message_free_unpacked(found->items[i], NULL);
    free((void *)found->items);
}

/* In the order in which they were put. */
static int find(struct store *store, const struct query *query, struct store_list *ret_found)
{
    struct store *queue = queue_of(store);
    int r;

    *ret_found = (struct store_list){.items = NULL};
    uv_mutex_lock(&queue->lock);
    r = find_in(&queue->writing, query, ret_found);
    if (r == 0)
        r = find_in(&queue->queue, query, ret_found);
    uv_mutex_unlock(&queue->lock);
    if (r < 0)
        free_messages(ret_found);
    return r;
}

/* ---- actions ---- */

/* One that waits. */
struct waiting {
    Action *action;
    size_t place; /* among all that were put */
    bool is_taken;
};

/* A walk over both. */
struct merge {
    const struct action_walk *walk;
    action_visitor visit;
    void *userdata;
    struct waiting *waiting; /* in the walk's order */
    size_t count;
    size_t next;
};

static int compare_ids(const void *a, const void *b)
{
    const struct waiting *left = a;
    const struct waiting *right = b;
    int by_id = strcmp(left->action->id, right->action->id);

    return by_id != 0 ? by_id : (left->place > right->place) - (left->place < right->place);
}

static int compare_places(int64_t time, const char *id, int64_t other_time, const char *other_id)
{
    return time != other_time ? (time > other_time) - (time < other_time) : strcmp(id, other_id);
}

static int compare_ascending(const void *a, const void *b)
{
    const Action *left = ((const struct waiting *)a)->action;
    const Action *right = ((const struct waiting *)b)->action;

    return compare_places(left->started_ns, left->id, right->started_ns, right->id);
}

static int compare_descending(const void *a, const void *b)
{
    return compare_ascending(b, a);
}

/* Of each id the last one stays. */
static void keep_last(struct merge *merge)
{
    size_t kept = 0;

    qsort(merge->waiting, merge->count, sizeof(*merge->waiting), compare_ids);
    for (size_t i = 0; i < merge->count; i++) {
        struct waiting *waiting = &merge->waiting[i];

        if (i + 1 < merge->count && strcmp(waiting->action->id, waiting[1].action->id) == 0)
            vmreclaim__controller__v1__action__free_unpacked(waiting->action, NULL);
        else
            merge->waiting[kept++] = *waiting;
    }
    merge->count = kept;
}

/* `walk` may be NULL: then they are in the order of their ids. */
static int merge_init(struct merge *merge, struct store *store, const struct query *query,
                      const struct action_walk *walk)
{
    struct store_list found;
    int r = find(store, query, &found);

    *merge = (struct merge){.walk = walk};
    if (r < 0)
        return r;
    merge->waiting = calloc(found.count + 1, sizeof(*merge->waiting));
    if (merge->waiting == NULL) {
        free_messages(&found);
        return -ENOMEM;
    }
    for (; merge->count < found.count; merge->count++)
        merge->waiting[merge->count] =
            (struct waiting){.action = found.items[merge->count], .place = merge->count};
    free((void *)found.items);
    keep_last(merge);
    if (walk != NULL)
        qsort(merge->waiting, merge->count, sizeof(*merge->waiting),
              walk->is_ascending ? compare_ascending : compare_descending);
    return 0;
}

static void merge_finish(struct merge *merge)
{
    for (size_t i = 0; i < merge->count; i++)
        if (!merge->waiting[i].is_taken)
            vmreclaim__controller__v1__action__free_unpacked(merge->waiting[i].action, NULL);
    free(merge->waiting);
}

/* All of them: what waits may have another name or time than the same action has on disk. */
static const struct query all_actions = {
    .kind = RECORD_ACTION, .since = INT64_MIN, .until = INT64_MAX};

/* Whether the walk comes to it after the place. */
static bool is_beyond(const struct action_walk *walk, const struct record_place *place,
                      const Action *action)
{
    int order = compare_places(action->started_ns, action->id, place->time, place->id);

    return walk->is_ascending ? order > 0 : order < 0;
}

static bool is_of(const struct action_walk *walk, const Action *action)
{
    if (walk->vm != NULL && strcmp(walk->vm, action->vm) != 0)
        return false;
    return is_beyond(walk, &walk->place, action) &&
           (walk->is_ascending ? action->started_ns <= walk->end : action->started_ns >= walk->end);
}

static int visit_waiting(struct merge *merge)
{
    struct waiting *waiting = &merge->waiting[merge->next++];
    int r = 0;

    if (is_of(merge->walk, waiting->action))
        r = merge->visit(waiting->action, merge->userdata);
    waiting->is_taken = r > 0;
    return min_of(r, 0);
}

static bool is_waiting(const struct merge *merge, const char *id)
{
    for (size_t i = 0; i < merge->count; i++)
        if (strcmp(merge->waiting[i].action->id, id) == 0)
            return true;
    return false;
}

/* Those that wait and come before it, then the action. */
static int visit_written(Action *action, void *userdata)
{
    struct merge *merge = userdata;
    struct record_place place;
    int r = 0;

    record_place_set(&place, action->started_ns, action->id);
    while (r == 0 && merge->next < merge->count &&
           !is_beyond(merge->walk, &place, merge->waiting[merge->next].action))
        r = visit_waiting(merge);
    if (r < 0 || is_waiting(merge, action->id))
        return r;
    return merge->visit(action, merge->userdata);
}

int store_walk_all_actions(struct store *store, const struct action_walk *walk,
                           action_visitor visit, void *userdata, struct error *error)
{
    struct merge merge;
    int r = merge_init(&merge, store, &all_actions, walk);

    if (r < 0)
        return r;
    merge.visit = visit;
    merge.userdata = userdata;
    r = store_walk_actions(store, walk, visit_written, &merge, error);
    while (r == 0 && merge.next < merge.count)
        r = visit_waiting(&merge);
    merge_finish(&merge);
    return r;
}

int store_count_waiting(struct store *store, const struct action_walk *walk)
{
    struct merge merge;
    int count = 0;
    int r = merge_init(&merge, store, &all_actions, walk);

    if (r < 0)
        return r;
    for (size_t i = 0; i < merge.count; i++)
        count += is_of(walk, merge.waiting[i].action);
    merge_finish(&merge);
    return count;
}

/* ---- one action ---- */

struct found {
    Action *action; /* NULL: none */
};

static int keep_found(Action *action, void *userdata)
{
    ((struct found *)userdata)->action = action;
    return 1;
}

static int say_several(const char *prefix, struct error *error)
{
    return error_set(error, -EEXIST, "several actions begin with \"%s\"; write more of the id",
                     prefix);
}

/* Of the one that waits, if one does, and the database's, the one that is left. */
static int choose(struct merge *merge, struct found *found, const char *prefix,
                  action_visitor visit, void *userdata, struct error *error)
{
    bool is_same = merge->count == 1 && found->action != NULL &&
                   strcmp(found->action->id, merge->waiting[0].action->id) == 0;
    Action *action = merge->count == 1 ? merge->waiting[0].action : found->action;
    int r = -EEXIST;

    assert(action != NULL);
    if (merge->count == 0 || found->action == NULL || is_same)
        r = visit(action, userdata);
    else
        r = say_several(prefix, error);
    if (merge->count == 1)
        merge->waiting[0].is_taken = r > 0;
    if (found->action != NULL && (merge->count == 1 || r <= 0))
        vmreclaim__controller__v1__action__free_unpacked(found->action, NULL);
    return min_of(r, 0);
}

int store_find_action(struct store *store, const char *prefix, action_visitor visit, void *userdata,
                      struct error *error)
{
    const struct query query = {
        .kind = RECORD_ACTION, .prefix = prefix, .since = INT64_MIN, .until = INT64_MAX};
    struct found found = {NULL};
    struct merge merge;
    int r;

    if (prefix[0] == '\0')
        return store_action(store, prefix, visit, userdata, error);
    r = merge_init(&merge, store, &query, NULL);
    if (r < 0)
        return r;
    r = store_action(store, prefix, keep_found, &found, error);
    if (r == -ENOENT && merge.count > 0)
        r = 0;
    if (merge.count > 1)
        r = say_several(prefix, error);
    if (r == 0)
        r = choose(&merge, &found, prefix, visit, userdata, error);
    else if (found.action != NULL)
        vmreclaim__controller__v1__action__free_unpacked(found.action, NULL);
    merge_finish(&merge);
    return r;
}

/* ---- waterfalls ---- */

int store_waiting_waterfalls(struct store *store, const char *vm, int64_t since, int64_t until,
                             waterfall_visitor visit, void *userdata)
{
    const struct query query = {.kind = RECORD_WATERFALL, .vm = vm, .since = since, .until = until};
    struct store_list found;
    int r = find(store, &query, &found);

    if (r < 0)
        return r;
    for (size_t i = 0; i < found.count && r == 0; i++) {
        r = visit(found.items[i], userdata);
        if (r > 0)
            found.items[i] = NULL; /* taken */
        r = min_of(r, 0);
    }
    free_messages(&found);
    return r;
}
