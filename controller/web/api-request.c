/* The table of paths, and arguments by the descriptors of their requests. */
#include "controller/web/api-request.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/number.h"
#include "common/base/text.h"
#include "common/base/util.h"
#include "controller.pb-c.h"
#include "fleet.pb-c.h"

#define ACTIONS 50 /* of a list, where nobody says how many; as the command line */

#define OF(name) &vmreclaim__controller__v1__##name##__descriptor

#define ROW(name, call, how, message, need, ...)                                                   \
    {                                                                                              \
        .path = (name), .service = OF(controller), .method = (call), .form = (how),                \
        .request = OF(message), .needed = (need), .arguments = {                                   \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }

/* Of one action. */
#define PLAN(action, ...)                                                                          \
    {                                                                                              \
        .path = "plan-" action, .service = OF(controller), .method = "PlanAction",                 \
        .form = FETCH_ONE, .request = OF(plan_action_request), .needed = "vm",                     \
        .arguments = {"vm", __VA_ARGS__}, .part = (action)                                         \
    }

/* A fleet's lists are given a page at a time: there may be thousands of hosts. */
#define FLEET(name, call, message, need, ...)                                                      \
    {                                                                                              \
        .path = (name), .service = &vmreclaim__fleet__v1__fleet__descriptor, .method = (call),     \
        .form = FETCH_ONE, .request = &vmreclaim__fleet__v1__##message##__descriptor,              \
        .needed = (need), .arguments = {                                                           \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }

static const struct api_path paths[] = {
    ROW("status", "GetStatus", FETCH_ONE, get_status_request, NULL, NULL),
    ROW("host", "GetHost", FETCH_PAGES, get_host_request, NULL, NULL),
    ROW("plan", "GetPlan", FETCH_ONE, get_plan_request, NULL, NULL),
    ROW("vms", "ListVms", FETCH_PAGES, list_vms_request, NULL, NULL),
    ROW("vm", "GetVm", FETCH_ONE, get_vm_request, "vm", "vm"),
    ROW("explain", "Explain", FETCH_ONE, explain_request, "vm", "vm"),
    ROW("doctor", "Diagnose", FETCH_ONE, diagnose_request, "vm", "vm"),
    ROW("history", "GetHistory", FETCH_STREAM, get_history_request, "vm", "vm", "since_ns",
        "until_ns", "points", "actions"),
    ROW("actions", "ListActions", FETCH_PAGES, list_actions_request, NULL, "vm", "limit",
        "since_ns", "until_ns"),
    ROW("policies", "ListPolicies", FETCH_PAGES, list_policies_request, NULL, NULL),
    ROW("policy", "GetPolicy", FETCH_ONE, get_policy_request, "name", "name", "revision"),
    ROW("policy-history", "ListPolicyRevisions", FETCH_PAGES, list_policy_revisions_request, "name",
        "name"),
    ROW("effective-policy", "GetEffectivePolicy", FETCH_ONE, get_effective_policy_request, "vm",
        "vm", "why"),
    ROW("ranges", "ListRanges", FETCH_STREAM, list_ranges_request, "vm", "vm"),
    ROW("ping", "PingVm", FETCH_ONE, ping_vm_request, "vm", "vm"),
    ROW("verify", "VerifyAction", FETCH_ONE, verify_action_request, "id", "id"),
    ROW("dump", "DumpState", FETCH_TEXT, dump_state_request, NULL, NULL),
    ROW("reservations", "ListReservations", FETCH_ONE, list_reservations_request, NULL, NULL),
    PLAN("compact", "time_limit_ns", "force"),
    PLAN("reclaim", "bytes", "drop"),
    PLAN("balloon", "size", "duration_ns", "owner"),
    PLAN("pulse", "headroom", "min_gain"),
    PLAN("squeeze", "size", "time_limit_ns", "drop", "hold", "hold_ns"),
    FLEET("fleet/status", "GetCoordinator", get_coordinator_request, NULL, NULL),
    FLEET("fleet/hosts", "ListHosts", list_hosts_request, NULL, "selector", "page_size",
          "page_token"),
    FLEET("fleet/host", "GetHostStatus", get_host_status_request, "host", "host"),
    FLEET("fleet/explain", "ExplainFleetVm", explain_fleet_vm_request, "vm", "host", "vm"),
    FLEET("fleet/vms", "ListFleetVms", list_fleet_vms_request, NULL, "selector", "most",
          "page_token"),
    FLEET("fleet/policies", "ListFleetPolicies", list_fleet_policies_request, NULL, "selector",
          "page_token"),
    FLEET("fleet/policy", "GetFleetPolicy", get_fleet_policy_request, "name", "name", "selector"),
    FLEET("fleet/events", "ListFleetEvents", list_fleet_events_request, NULL, "selector",
          "since_ns", "after", "page_size", "page_token"),
    FLEET("fleet/rollout-history", "ListRolloutHistory", list_rollout_history_request, NULL, "id",
          "page_size", "page_token"),
    FLEET("fleet/rollouts", "ListRollouts", list_rollouts_request, NULL, "id", "with_hosts",
          "page_token"),
};

const struct api_path *api_path_find(const char *path)
{
    for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
        if (strcmp(paths[i].path, path) == 0)
            return &paths[i];
    return NULL;
}

static const ProtobufCFieldDescriptor *field_of(const ProtobufCMessage *request, const char *name)
{
    return protobuf_c_message_descriptor_get_field_by_name(request->descriptor, name);
}

static void *value_of(ProtobufCMessage *request, const ProtobufCFieldDescriptor *field)
{
    return (char *)request + field->offset;
}

/* Puts an empty message there. -ENOMEM. */
static int add_part(ProtobufCMessage *request, const char *name)
{
    const ProtobufCFieldDescriptor *field = field_of(request, name);
    ProtobufCMessage *part = protobuf_c_message_unpack(field->descriptor, NULL, 0, NULL);

    *(ProtobufCMessage **)value_of(request, field) = part;
    return part == NULL ? -ENOMEM : 0;
}

/* A limit of 0 would be all that there is. */
ProtobufCMessage *api_request_create(const struct api_path *path)
{
    ProtobufCMessage *request = protobuf_c_message_unpack(path->request, NULL, 0, NULL);
    const ProtobufCFieldDescriptor *limit = request == NULL ? NULL : field_of(request, "limit");
    const ProtobufCFieldDescriptor *returns =
        request == NULL ? NULL : field_of(request, "with_returns");

    if (limit != NULL)
        *(uint32_t *)value_of(request, limit) = ACTIONS;
    if (returns != NULL)
        *(protobuf_c_boolean *)value_of(request, returns) = true;
    if (request != NULL && path->part != NULL && add_part(request, path->part) < 0) {
        protobuf_c_message_free_unpacked(request, NULL);
        return NULL;
    }
    return request;
}

uint64_t api_request_wanted(const ProtobufCMessage *request)
{
    const ProtobufCFieldDescriptor *limit = field_of(request, "limit");

    return limit == NULL ? 0
                         : *(const uint32_t *)(const void *)((const char *)request + limit->offset);
}

/* ---- arguments ---- */

static bool takes(const struct api_path *path, const char *name)
{
    for (size_t i = 0; i < API_ARGUMENTS_MAX && path->arguments[i] != NULL; i++)
        if (strcmp(path->arguments[i], name) == 0)
            return true;
    return false;
}

static int set_text(char **field, const char *value)
{
    char *copy = strdup(value);

    if (copy == NULL)
        return -ENOMEM;
    if (*field != protobuf_c_empty_string)
        free(*field);
    *field = copy;
    return 0;
}

static int set_number(void *field, ProtobufCType type, uint64_t value)
{
    switch (type) {
    case PROTOBUF_C_TYPE_UINT32:
        if (value > UINT32_MAX)
            return -ERANGE;
        *(uint32_t *)field = (uint32_t)value;
        return 0;
    case PROTOBUF_C_TYPE_INT64:
        if (value > INT64_MAX)
            return -ERANGE;
        *(int64_t *)field = (int64_t)value;
        return 0;
    case PROTOBUF_C_TYPE_UINT64:
        *(uint64_t *)field = value;
        return 0;
    case PROTOBUF_C_TYPE_BOOL:
        if (value > 1)
            return -ERANGE;
        *(protobuf_c_boolean *)field = (protobuf_c_boolean)value;
        return 0;
    default:
        assert(false);
        return -EINVAL;
    }
}

int api_request_set(const struct api_path *path, ProtobufCMessage *request, const char *name,
                    const char *value, struct error *error)
{
    const ProtobufCFieldDescriptor *field = takes(path, name) ? field_of(request, name) : NULL;
    uint64_t number;
    int r;

    if (field == NULL && path->part != NULL && takes(path, name)) {
        request = *(ProtobufCMessage **)value_of(request, field_of(request, path->part));
        field = field_of(request, name);
    }
    if (field == NULL)
        return error_set(error, -EINVAL, "/api/%s has no argument \"%s\"", path->path,
                         TEXT_CUT(name, 60));
    if (field->type == PROTOBUF_C_TYPE_STRING) {
        if (!text_is_utf8(value, strlen(value)))
            return error_set(error, -EINVAL, "%s: not UTF-8", name);
        return set_text(value_of(request, field), value);
    }
    r = number_parse(value, &number);
    if (r == 0)
        r = set_number(value_of(request, field), field->type, number);
    if (r < 0)
        return error_set(error, -EINVAL, "%s: \"%s\" is not a number that it can be", name,
                         TEXT_CUT(value, 60));
    return 0;
}

int api_request_check(const struct api_path *path, const ProtobufCMessage *request,
                      struct error *error)
{
    const ProtobufCFieldDescriptor *field;
    const char *value;

    if (path->needed == NULL)
        return 0;
    field = field_of(request, path->needed);
    value = *(char *const *)(const void *)((const char *)request + field->offset);
    if (value[0] == '\0')
        return error_set(error, -EINVAL, "/api/%s needs an argument: %s=...", path->path,
                         path->needed);
    return 0;
}
