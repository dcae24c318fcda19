/* Paths and arguments of /api/. */
#include "tests/lib/test.h"

#include <errno.h>
#include <string.h>

#include "controller.pb-c.h"
#include "controller/web/api-request.h"

typedef Vmreclaim__Controller__V1__GetHistoryRequest HistoryRequest;
typedef Vmreclaim__Controller__V1__ListActionsRequest ActionsRequest;

static struct error error;

static void test_paths(void **state)
{
    assert_null(api_path_find(""));
    assert_null(api_path_find("vms/"));
    assert_null(api_path_find("nothing"));
    assert_string_equal(api_path_find("vms")->method, "ListVms");
}

/* Every path's arguments are fields of its request, and its method takes that request. */
static void test_table(void **state)
{
    static const char *const names[] = {"status",
                                        "host",
                                        "plan",
                                        "vms",
                                        "vm",
                                        "explain",
                                        "doctor",
                                        "history",
                                        "actions",
                                        "policies",
                                        "policy",
                                        "policy-history",
                                        "effective-policy",
                                        "reservations",
                                        "ranges",
                                        "ping",
                                        "verify",
                                        "dump",
                                        "fleet/status",
                                        "fleet/hosts",
                                        "fleet/host",
                                        "fleet/vms",
                                        "fleet/explain",
                                        "fleet/policies",
                                        "fleet/events",
                                        "fleet/policy",
                                        "fleet/rollouts",
                                        "plan-compact",
                                        "plan-reclaim",
                                        "plan-balloon",
                                        "plan-pulse",
                                        "plan-squeeze"};

    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        const struct api_path *path = api_path_find(names[i]);
        const ProtobufCMethodDescriptor *method;
        ProtobufCMessage *request;

        assert_non_null(path);
        method = protobuf_c_service_descriptor_get_method_by_name(path->service, path->method);
        assert_non_null(method);
        assert_ptr_equal(method->input, path->request);
        request = api_request_create(path);
        for (size_t j = 0; j < API_ARGUMENTS_MAX && path->arguments[j] != NULL; j++)
            assert_int_equal(api_request_set(path, request, path->arguments[j], "1", &error), 0);
        assert_int_equal(api_request_check(path, request, &error), 0);
        protobuf_c_message_free_unpacked(request, NULL);
    }
}

static void test_numbers_and_texts(void **state)
{
    const struct api_path *path = api_path_find("history");
    ProtobufCMessage *message = api_request_create(path);
    const HistoryRequest *request = (const void *)message;

    assert_int_equal(api_request_check(path, message, &error), -EINVAL);
    assert_non_null(strstr(error.text, "vm=..."));
    assert_int_equal(api_request_set(path, message, "vm", "a", &error), 0);
    assert_int_equal(api_request_set(path, message, "vm", "web-1", &error), 0);
    assert_string_equal(request->vm, "web-1");
    assert_int_equal(api_request_set(path, message, "since_ns", "9223372036854775807", &error), 0);
    assert_true(request->since_ns == INT64_MAX);
    assert_int_equal(api_request_set(path, message, "points", "4294967295", &error), 0);
    assert_true(request->points == UINT32_MAX);
    assert_int_equal(api_request_check(path, message, &error), 0);
    protobuf_c_message_free_unpacked(message, NULL);
}

static void test_refusals(void **state)
{
    static const char *const bad[][2] = {{"since_ns", "9223372036854775808"},
                                         {"since_ns", "-1"},
                                         {"since_ns", ""},
                                         {"points", "4294967296"},
                                         {"points", "1x"},
                                         {"vm", "\xff"},
                                         {"page_token", "x"},
                                         {"nonsense", "1"},
                                         {"", "1"}};
    const struct api_path *path = api_path_find("history");
    ProtobufCMessage *message = api_request_create(path);

    for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
        assert_int_equal(api_request_set(path, message, bad[i][0], bad[i][1], &error), -EINVAL);
    protobuf_c_message_free_unpacked(message, NULL);
}

static void test_a_flag(void **state)
{
    const struct api_path *path = api_path_find("effective-policy");
    ProtobufCMessage *message = api_request_create(path);
    const Vmreclaim__Controller__V1__GetEffectivePolicyRequest *request = (const void *)message;

    assert_false(request->why);
    assert_int_equal(api_request_set(path, message, "why", "1", &error), 0);
    assert_true(request->why);
    assert_int_equal(api_request_set(path, message, "why", "0", &error), 0);
    assert_false(request->why);
    assert_int_equal(api_request_set(path, message, "why", "2", &error), -EINVAL);
    protobuf_c_message_free_unpacked(message, NULL);
}

/* Nobody gets all actions there ever were by saying nothing. */
static void test_a_limit(void **state)
{
    const struct api_path *path = api_path_find("actions");
    ProtobufCMessage *message = api_request_create(path);

    assert_int_equal(api_request_wanted(message), 50);
    assert_int_equal(api_request_set(path, message, "limit", "700", &error), 0);
    assert_int_equal(api_request_wanted(message), 700);
    protobuf_c_message_free_unpacked(message, NULL);
    message = api_request_create(api_path_find("vms"));
    assert_int_equal(api_request_wanted(message), 0);
    protobuf_c_message_free_unpacked(message, NULL);
}

/* The VM is the plan's, the rest the action's. */
static void test_a_plan(void **state)
{
    const struct api_path *path = api_path_find("plan-reclaim");
    ProtobufCMessage *message = api_request_create(path);
    const Vmreclaim__Controller__V1__PlanActionRequest *request = (const void *)message;

    assert_non_null(request->reclaim);
    assert_null(request->compact);
    assert_int_equal(api_request_check(path, message, &error), -EINVAL);
    assert_int_equal(api_request_set(path, message, "vm", "web-1", &error), 0);
    assert_int_equal(api_request_set(path, message, "bytes", "4096", &error), 0);
    assert_int_equal(api_request_set(path, message, "drop", "1", &error), 0);
    assert_int_equal(api_request_set(path, message, "force", "1", &error), -EINVAL);
    assert_int_equal(api_request_check(path, message, &error), 0);
    assert_string_equal(request->vm, "web-1");
    assert_string_equal(request->reclaim->vm, "");
    assert_int_equal(request->reclaim->bytes, 4096);
    assert_true(request->reclaim->drop);
    protobuf_c_message_free_unpacked(message, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_paths),
        cmocka_unit_test(test_table),
        cmocka_unit_test(test_numbers_and_texts),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_a_flag),
        cmocka_unit_test(test_a_limit),
        cmocka_unit_test(test_a_plan),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
