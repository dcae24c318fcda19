/* Methods that look at records. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
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

#define CHANGES_BYTES ((size_t)1 << 20) /* of one answer, packed */

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

/* "TIME/ID" of the last record of the page. */
static void write_token(const Action *last, char *token, size_t size)
{
    snprintf(token, size, "%" PRId64 "/%s", last->started_ns, last->id);
}

/* -EINVAL. */
static int read_token(const char *token, struct record_place *ret_place)
{
    char *end;
    long long time;

    errno = 0;
    time = strtoll(token, &end, 10);
    if (errno != 0 || end == token || *end != '/' || strlen(end + 1) >= sizeof(ret_place->id))
        return -EINVAL;
    record_place_set(ret_place, time, end + 1);
    return 0;
}

static void on_records(const struct store_records *records, void *userdata)
{
    Vmreclaim__Controller__V1__ListActionsResponse response =
        VMRECLAIM__CONTROLLER__V1__LIST_ACTIONS_RESPONSE__INIT;
    char token[sizeof(struct record_place) + 24];
    struct api_call *call = userdata;
    Action *copies;

    api_charge(call, records->answer.processor);
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
        if (records->is_cut && records->count > 0) {
            write_token(&copies[records->count - 1], token, sizeof(token));
            response.next_page_token = token;
        }
        api_call_finish(call, &response.base);
    }
    free((void *)response.actions);
    free(copies);
}

static void list_actions(struct api_call *call, const ProtobufCMessage *request)
{
    const Vmreclaim__Controller__V1__ListActionsRequest *asked = (const void *)request;
    const struct api_rooms *rooms = &call->api->rooms;
    struct record_place place;
    struct store_records_query query = {
        .vm = asked->vm[0] == '\0' ? NULL : recorded_name(rooms, asked->vm),
        .since = asked->since_ns,
        .until = asked->until_ns == 0 ? INT64_MAX : asked->until_ns,
        .limit = asked->limit == 0 ? ACTIONS_DEFAULT : min_of(asked->limit, ACTIONS_MAX + 0u),
    };

    if (asked->page_token[0] != '\0') {
        if (read_token(asked->page_token, &place) < 0) {
            api_call_fail(call, -EINVAL, "page_token is not one of ListActions");
            return;
        }
        query.before = &place;
    }
    store_ask_records(api_store(call), &query, on_records, call);
}

/* ---- ListActionChanges ---- */

typedef Vmreclaim__Controller__V1__ActionChange Change;

/* What fits into a page, in `response`, whose list has room for all. */
static void fill_changes(const struct store_changes *changes, Action *copies, Change *entries,
                         Vmreclaim__Controller__V1__ListActionChangesResponse *response)
{
    size_t bytes = 0;

    for (size_t i = 0; i < changes->count; i++) {
        copies[i] = *changes->actions[i];
        copies[i].n_samples = 0;
        vmreclaim__controller__v1__action_change__init(&entries[i]);
        entries[i].number = changes->numbers[i];
        entries[i].action = &copies[i];
        bytes += vmreclaim__controller__v1__action_change__get_packed_size(&entries[i]) + 8;
        if (bytes > CHANGES_BYTES && i > 0)
            break;
        response->changes[response->n_changes++] = &entries[i];
    }
    response->store = (char *)changes->store;
    response->newest = changes->newest;
    response->lost = changes->lost;
}

static void on_changes(const struct store_changes *changes, void *userdata)
{
    Vmreclaim__Controller__V1__ListActionChangesResponse response =
        VMRECLAIM__CONTROLLER__V1__LIST_ACTION_CHANGES_RESPONSE__INIT;
    struct api_call *call = userdata;
    Change *entries;
    Action *copies;

    api_charge(call, changes->answer.processor);
    if (changes->answer.status < 0) {
        api_call_fail_error(call, changes->answer.status, &changes->answer.error);
        return;
    }
    copies = calloc(changes->count + 1, sizeof(*copies));
    entries = calloc(changes->count + 1, sizeof(*entries));
    response.changes = calloc(changes->count + 1, sizeof(*response.changes));
    if (copies == NULL || entries == NULL || response.changes == NULL)
        api_call_fail(call, -ENOMEM, "out of memory");
    else {
        fill_changes(changes, copies, entries, &response);
        api_call_finish(call, &response.base);
    }
    free((void *)response.changes);
    free(entries);
    free(copies);
}

static void list_action_changes(struct api_call *call, const ProtobufCMessage *request)
{
    const Vmreclaim__Controller__V1__ListActionChangesRequest *asked = (const void *)request;
    const struct store_changes_query query = {
        .after = asked->after,
        .since = asked->since_ns == 0 ? INT64_MIN : asked->since_ns,
        .limit = asked->limit == 0 ? STORE_CHANGES_MAX : asked->limit,
    };

    store_ask_changes(api_store(call), &query, on_changes, call);
}

/* ---- VerifyAction ---- */

/* The record, and what the host holds now beside it. */
static void on_record(const struct store_records *records, void *userdata)
{
    Vmreclaim__Controller__V1__ActionResponse response =
        VMRECLAIM__CONTROLLER__V1__ACTION_RESPONSE__INIT;
    struct api_call *call = userdata;
    struct vm *vm;

    api_charge(call, records->answer.processor);
    if (records->answer.status < 0) {
        api_call_fail_error(call, records->answer.status, &records->answer.error);
        return;
    }
    response.action = records->actions[0];
    vm = record_find_vm(call->api->rooms.supervisor, response.action);
    response.now_is_known =
        vm != NULL && record_measure_again(vm, response.action, &response.host_returned_now) == 0;
    api_call_finish(call, &response.base);
}

static void verify_action(struct api_call *call, const ProtobufCMessage *request)
{
    const Vmreclaim__Controller__V1__VerifyActionRequest *asked = (const void *)request;

    store_ask_record(api_store(call), asked->id, on_record, call);
}

/* ---- GetHistory ---- */

/* A reading by pages, each of which is a message. The next one is read once there is room for it.
 */
struct history_call {
    struct api_call *call;
    struct store_history_query query;
    struct store_history_place place;
    bool any;    /* something was found */
    char *vm;    /* the name in the records */
    char name[]; /* as it was asked for */
};

static void ask_page(struct history_call *reading);

static void end_history(struct history_call *reading)
{
    free(reading->vm);
    free(reading);
}

/* Points and actions are of one time, side by side, both ascending. */
static int send_page(struct api_call *call, const struct store_history *history)
{
    Vmreclaim__Controller__V1__GetHistoryResponse response =
        VMRECLAIM__CONTROLLER__V1__GET_HISTORY_RESPONSE__INIT;
    Action *copies = lean_copies(&history->records);
    int r = -ENOMEM;

    response.actions = calloc(history->records.count + 1, sizeof(*response.actions));
    if (copies != NULL && response.actions != NULL) {
        for (; response.n_actions < history->records.count; response.n_actions++)
            response.actions[response.n_actions] = &copies[response.n_actions];
        response.points = history->points;
        response.n_points = history->point_count;
        response.actions_left_out = history->place.leaves_out;
        r = api_call_send(call, &response.base);
    }
    free((void *)response.actions);
    free(copies);
    return r;
}

static void on_drain(struct api_call *call, void *userdata)
{
    ask_page(userdata);
}

/* What was not sent is read again. */
static void take_page(struct history_call *reading, const struct store_history *history)
{
    struct api_call *call = reading->call;
    int r = send_page(call, history);

    if (r == -EAGAIN) {
        api_call_on_drain(call, on_drain, reading);
        return;
    }
    if (r == 0 && !history->place.is_over) {
        reading->place = history->place;
        ask_page(reading);
        return;
    }
    if (r < 0)
        api_call_fail(call, r, "the answer cannot be sent: %s", strerror(-r));
    else
        api_call_finish(call, NULL);
    end_history(reading);
}

/* Without records, whether there is such a VM decides what is answered. */
static void on_page(const struct store_history *history, void *userdata)
{
    const struct store_answer *answer = &history->records.answer;
    struct history_call *reading = userdata;

    api_charge(reading->call, answer->processor);
    reading->any = reading->any || history->point_count + history->records.count > 0;
    if (answer->status < 0)
        api_call_fail_error(reading->call, answer->status, &answer->error);
    else if (reading->any || api_find_vm(reading->call, reading->name) != NULL) {
        take_page(reading, history);
        return;
    }
    end_history(reading);
}

static void ask_page(struct history_call *reading)
{
    store_ask_history(api_store(reading->call), &reading->query, &reading->place, on_page, reading);
}

/* NULL: no memory. */
static struct history_call *create_history(struct api_call *call, const char *name)
{
    size_t size = strlen(name) + 1;
    struct history_call *reading = calloc(1, sizeof(*reading) + size);

    if (reading == NULL)
        return NULL;
    reading->call = call;
    memcpy(reading->name, name, size);
    reading->vm = strdup(recorded_name(&call->api->rooms, name));
    if (reading->vm != NULL)
        return reading;
    free(reading);
    return NULL;
}

static void get_history(struct api_call *call, const ProtobufCMessage *request)
{
    const Vmreclaim__Controller__V1__GetHistoryRequest *asked = (const void *)request;
    struct history_call *reading = create_history(call, asked->vm);

    if (reading == NULL) {
        api_call_fail(call, -ENOMEM, "out of memory");
        return;
    }
    reading->query = (struct store_history_query){
        .vm = reading->vm,
        .since = asked->since_ns,
        .until = asked->until_ns == 0 ? INT64_MAX : asked->until_ns,
        .points = asked->points == 0 ? POINTS_DEFAULT : min_of(asked->points, POINTS_MAX + 0u),
        .actions = asked->actions == 0 ? ACTIONS_MAX : min_of(asked->actions, ACTIONS_MAX + 0u),
    };
    ask_page(reading);
}

static const struct api_method rows[] = {
    {"ListActions", list_actions, API_READS},
    {"ListActionChanges", list_action_changes, API_READS},
    {"VerifyAction", verify_action, API_READS},
    {"GetHistory", get_history, API_READS | API_STREAMS},
};

const struct api_methods api_record_methods = {rows, ARRAY_SIZE(rows)};
