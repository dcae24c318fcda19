/* Methods that look at records. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "controller/api/api.h"
#include "controller/messages/copy.h"
#include "controller/records/recorder.h"
#include "controller/store/store.h"

enum {
    ACTIONS_DEFAULT = 50,
    ACTIONS_MAX = 1000,
    POINTS_DEFAULT = 512,
    POINTS_MAX = 4096,
};

typedef Vmreclaim__Controller__V1__Action Action;
typedef Vmreclaim__Controller__V1__Waterfall Waterfall;

/* ---- lists of copies ---- */

/* Actions that a visitor keeps. */
struct action_list {
    Action **actions;
    size_t count;
    size_t size;
    int64_t until; /* UNIX nanoseconds: later ones are skipped */
    bool is_cut;   /* there are more than the list holds */
};

/* Without samples. -ENOBUFS, which ends the walk: the list is full. */
static int keep_action(const Action *action, void *userdata)
{
    struct action_list *list = userdata;
    Action lean = *action;

    if (action->started_ns > list->until)
        return 0;
    list->is_cut = list->count == list->size;
    if (list->is_cut)
        return -ENOBUFS;
    lean.n_samples = 0;
    list->actions[list->count] = (Action *)message_copy(&lean.base);
    if (list->actions[list->count] == NULL)
        return -ENOMEM;
    list->count++;
    return 0;
}

static void free_actions(struct action_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        message_free(&list->actions[i]->base);
    free(list->actions);
}

/* The newest `limit` actions up to `until`, the newest first. */
static int fetch_actions(struct store *store, const char *vm, int64_t since, int64_t until,
                         uint32_t limit, struct action_list *list, struct error *error)
{
    int r;

    *list = (struct action_list){.size = limit, .until = until};
    list->actions = calloc((size_t)limit + 1, sizeof(*list->actions));
    if (list->actions == NULL)
        return error_set(error, -ENOMEM, "out of memory");
    r = store_actions(store, vm, since, UINT32_MAX, keep_action, list, error);
    if (r == -ENOMEM)
        return error_set(error, r, "out of memory");
    return list->is_cut ? 0 : r;
}

/* The name in the records: VMs that are gone have some too. */
static const char *recorded_name(const struct api_rooms *rooms, const char *name)
{
    struct error error;
    struct vm *vm;

    if (registry_find(&rooms->supervisor->registry, name, &vm, &error) < 0)
        return name;
    return vm->name;
}

static void list_actions(struct api_call *call, const ProtobufCMessage *request)
{
    const Vmreclaim__Controller__V1__ListActionsRequest *asked = (const void *)request;
    Vmreclaim__Controller__V1__ListActionsResponse response =
        VMRECLAIM__CONTROLLER__V1__LIST_ACTIONS_RESPONSE__INIT;
    const struct api_rooms *rooms = &call->api->rooms;
    struct action_list list = {0};
    const char *vm = asked->vm[0] == '\0' ? NULL : recorded_name(rooms, asked->vm);
    uint32_t limit = asked->limit == 0 ? ACTIONS_DEFAULT : min_of(asked->limit, ACTIONS_MAX + 0u);
    struct error error;

    int r = fetch_actions(rooms->store, vm, asked->since_ns, INT64_MAX, limit, &list, &error);
    if (r < 0) {
        api_call_fail_error(call, r, &error);
    } else {
        response.actions = list.actions;
        response.n_actions = list.count;
        api_call_finish(call, &response.base);
    }
    free_actions(&list);
}

/* ---- VerifyAction ---- */

/* The record, and what the host holds now beside it. */
static int verify(const Action *stored, void *userdata)
{
    struct api_call *call = userdata;
    const struct supervisor *supervisor = call->api->rooms.supervisor;
    Vmreclaim__Controller__V1__ActionResponse response =
        VMRECLAIM__CONTROLLER__V1__ACTION_RESPONSE__INIT;
    struct vm *vm = registry_find_name(&supervisor->registry, stored->vm);
    Action action = *stored;

    response.now_is_known =
        vm != NULL && recorder_measure_again(vm, &action, &response.host_returned_now) == 0;
    response.action = &action;
    api_call_finish(call, &response.base);
    return 0;
}

static void verify_action(struct api_call *call, const ProtobufCMessage *request)
{
    const Vmreclaim__Controller__V1__VerifyActionRequest *asked = (const void *)request;
    struct error error;

    int r = store_action(call->api->rooms.store, asked->id, verify, call, &error);
    if (r < 0)
        api_call_fail_error(call, r, &error);
}

/* ---- GetHistory ---- */

struct point_list {
    Waterfall *points;
    Waterfall **pointers;
    size_t count;
    size_t size;
};

static int keep_point(const Waterfall *waterfall, void *userdata)
{
    struct point_list *list = userdata;
    Waterfall *point = &list->points[list->count];

    if (list->count == list->size)
        return 0;
    *point = *waterfall;
    point->footprint_source = (char *)protobuf_c_empty_string;
    point->guest = NULL;
    point->base.n_unknown_fields = 0;
    list->pointers[list->count++] = point;
    return 0;
}

static void reverse(struct action_list *list)
{
    for (size_t i = 0; i < list->count / 2; i++) {
        Action *other = list->actions[list->count - 1 - i];
        list->actions[list->count - 1 - i] = list->actions[i];
        list->actions[i] = other;
    }
}

/* One message: points and actions are read side by side. */
static void send_history(struct api_call *call, const struct point_list *points,
                         struct action_list *actions)
{
    Vmreclaim__Controller__V1__GetHistoryResponse response =
        VMRECLAIM__CONTROLLER__V1__GET_HISTORY_RESPONSE__INIT;

    reverse(actions);
    response.points = points->pointers;
    response.n_points = points->count;
    response.actions = actions->actions;
    response.n_actions = actions->count;
    response.actions_left_out = actions->is_cut;
    if (api_call_send(call, &response.base) < 0)
        api_call_fail(call, -ENOMEM, "the answer is too long; ask for less");
    else
        api_call_finish(call, NULL);
}

static void get_history(struct api_call *call, const ProtobufCMessage *request)
{
    const Vmreclaim__Controller__V1__GetHistoryRequest *asked = (const void *)request;
    const struct api_rooms *rooms = &call->api->rooms;
    const char *vm = recorded_name(rooms, asked->vm);
    int64_t until = asked->until_ns == 0 ? INT64_MAX : asked->until_ns;
    struct point_list points = {.size = POINTS_DEFAULT};
    struct action_list actions = {0};
    uint32_t limit = asked->actions == 0 ? ACTIONS_MAX : min_of(asked->actions, ACTIONS_MAX + 0u);
    struct error error;
    int r = 0;

    if (asked->points != 0)
        points.size = min_of(asked->points, POINTS_MAX + 0u);
    store_tick(rooms->store, time_boottime());
    points.points = calloc(points.size + 1, sizeof(*points.points));
    points.pointers = calloc(points.size + 1, sizeof(*points.pointers));
    if (points.points == NULL || points.pointers == NULL)
        r = error_set(&error, -ENOMEM, "out of memory");
    if (r == 0)
        r = store_waterfalls(rooms->store, vm, asked->since_ns, until, (uint32_t)points.size,
                             keep_point, &points, &error);
    if (r == 0)
        r = fetch_actions(rooms->store, vm, asked->since_ns, until, limit, &actions, &error);
    if (r < 0)
        api_call_fail_error(call, r, &error);
    else if (points.count + actions.count > 0 || api_find_vm(call, asked->vm) != NULL)
        send_history(call, &points, &actions);
    free_actions(&actions);
    free(points.points);
    free((void *)points.pointers);
}

static const struct api_method rows[] = {
    {"ListActions", list_actions, API_READS},
    {"VerifyAction", verify_action, API_READS},
    {"GetHistory", get_history, API_READS | API_STREAMS},
};

const struct api_methods api_record_methods = {rows, ARRAY_SIZE(rows)};
