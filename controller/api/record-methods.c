/* Methods that look at records. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "controller/api/dispatch.h"
#include "controller/records/again.h"
#include "controller/records/recorder.h"
#include "controller/store/requests.h"

enum {
    ACTIONS_DEFAULT = 50,
    ACTIONS_MAX = 1000,
    POINTS_DEFAULT = 512,
    POINTS_MAX = 4096,
};

typedef Vmreclaim__Controller__V1__Action Action;

/* The name in the records: VMs that are gone have some too. */
static const char *recorded_name(const struct api_rooms *rooms, const char *name)
{
    struct error error;
    struct vm *vm;

    if (registry_find(&rooms->supervisor->registry, name, &vm, &error) < 0)
        return name;
    return vm->name;
}

/* The records without their samples, as an array to be freed; NULL: no memory. They point into the
 * originals. */
static Action *lean_copies(const struct store_records *records)
{
    Action *copies = calloc(records->count + 1, sizeof(*copies));

    for (size_t i = 0; copies != NULL && i < records->count; i++) {
        copies[i] = *records->actions[i];
        copies[i].n_samples = 0;
    }
    return copies;
}

/* ---- ListActions ---- */

static void on_records(const struct store_records *records, void *userdata)
{
    Vmreclaim__Controller__V1__ListActionsResponse response =
        VMRECLAIM__CONTROLLER__V1__LIST_ACTIONS_RESPONSE__INIT;
    struct api_call *call = userdata;
    Action *copies;

    if (records->answer.status < 0) {
        api_call_fail_error(call, records->answer.status, &records->answer.error);
        return;
    }
    copies = lean_copies(records);
    response.actions = calloc(records->count + 1, sizeof(*response.actions));
    if (copies == NULL || response.actions == NULL) {
        api_call_fail(call, -ENOMEM, "out of memory");
    } else {
        for (; response.n_actions < records->count; response.n_actions++)
            response.actions[response.n_actions] = &copies[response.n_actions];
        api_call_finish(call, &response.base);
    }
    free((void *)response.actions);
    free(copies);
}

static void list_actions(struct api_call *call, const ProtobufCMessage *request)
{
    const Vmreclaim__Controller__V1__ListActionsRequest *asked = (const void *)request;
    const struct api_rooms *rooms = &call->api->rooms;
    const struct store_records_query query = {
        .vm = asked->vm[0] == '\0' ? NULL : recorded_name(rooms, asked->vm),
        .since = asked->since_ns,
        .until = INT64_MAX,
        .limit = asked->limit == 0 ? ACTIONS_DEFAULT : min_of(asked->limit, ACTIONS_MAX + 0u),
    };

    store_ask_records(rooms->store, &query, on_records, call);
}

/* ---- VerifyAction ---- */

/* The record, and what the host holds now beside it. */
static void on_record(const struct store_records *records, void *userdata)
{
    Vmreclaim__Controller__V1__ActionResponse response =
        VMRECLAIM__CONTROLLER__V1__ACTION_RESPONSE__INIT;
    struct api_call *call = userdata;
    struct vm *vm;

    if (records->answer.status < 0) {
        api_call_fail_error(call, records->answer.status, &records->answer.error);
        return;
    }
    response.action = records->actions[0];
    vm = registry_find_name(&call->api->rooms.supervisor->registry, response.action->vm);
    response.now_is_known =
        vm != NULL && record_measure_again(vm, response.action, &response.host_returned_now) == 0;
    api_call_finish(call, &response.base);
}

static void verify_action(struct api_call *call, const ProtobufCMessage *request)
{
    const Vmreclaim__Controller__V1__VerifyActionRequest *asked = (const void *)request;

    store_ask_record(call->api->rooms.store, asked->id, on_record, call);
}

/* ---- GetHistory ---- */

/* One message: points and actions are read side by side, both ascending. */
static int send_history(struct api_call *call, const struct store_history *history)
{
    Vmreclaim__Controller__V1__GetHistoryResponse response =
        VMRECLAIM__CONTROLLER__V1__GET_HISTORY_RESPONSE__INIT;
    size_t count = history->records.count;
    Action *copies = lean_copies(&history->records);
    int r = -ENOMEM;

    response.actions = calloc(count + 1, sizeof(*response.actions));
    if (copies != NULL && response.actions != NULL) {
        for (; response.n_actions < count; response.n_actions++)
            response.actions[response.n_actions] = &copies[count - 1 - response.n_actions];
        response.points = history->points;
        response.n_points = history->point_count;
        response.actions_left_out = history->records.is_cut;
        r = api_call_send(call, &response.base);
    }
    free((void *)response.actions);
    free(copies);
    return r;
}

/* Without records, whether there is such a VM decides what is answered. */
struct history_call {
    struct api_call *call;
    char name[];
};

static void answer_history(struct history_call *asking, const struct store_history *history)
{
    const struct store_answer *answer = &history->records.answer;
    struct api_call *call = asking->call;

    if (answer->status < 0)
        api_call_fail_error(call, answer->status, &answer->error);
    else if (history->point_count + history->records.count == 0 &&
             api_find_vm(call, asking->name) == NULL)
        return; /* it has failed */
    else if (send_history(call, history) < 0)
        api_call_fail(call, -ENOMEM, "the answer is too long; ask for less");
    else
        api_call_finish(call, NULL);
}

static void on_history(const struct store_history *history, void *userdata)
{
    answer_history(userdata, history);
    free(userdata);
}

static void get_history(struct api_call *call, const ProtobufCMessage *request)
{
    const Vmreclaim__Controller__V1__GetHistoryRequest *asked = (const void *)request;
    const struct api_rooms *rooms = &call->api->rooms;
    const struct store_records_query query = {
        .vm = recorded_name(rooms, asked->vm),
        .since = asked->since_ns,
        .until = asked->until_ns == 0 ? INT64_MAX : asked->until_ns,
        .limit = asked->actions == 0 ? ACTIONS_MAX : min_of(asked->actions, ACTIONS_MAX + 0u),
    };
    uint32_t points = asked->points == 0 ? POINTS_DEFAULT : min_of(asked->points, POINTS_MAX + 0u);
    size_t size = strlen(asked->vm) + 1;
    struct history_call *asking = malloc(sizeof(*asking) + size);

    if (asking == NULL) {
        api_call_fail(call, -ENOMEM, "out of memory");
        return;
    }
    asking->call = call;
    memcpy(asking->name, asked->vm, size);
    store_ask_history(rooms->store, &query, points, on_history, asking);
}

static const struct api_method rows[] = {
    {"ListActions", list_actions, API_READS},
    {"VerifyAction", verify_action, API_READS},
    {"GetHistory", get_history, API_READS | API_STREAMS},
};

const struct api_methods api_record_methods = {rows, ARRAY_SIZE(rows)};
