/* Messages as JSON: every kind of field, and what a hostile guest may put in them. */
#include "tests/lib/test.h"

#include <string.h>

#include "agent.pb-c.h"
#include "controller.pb-c.h"
#include "controller/json/absence.h"
#include "controller/json/json.h"
#include "desired.pb-c.h"
#include "fleet.pb-c.h"
#include "ttrpc.pb-c.h"

typedef Vmreclaim__Agent__V1__WatchResponse WatchResponse;
typedef Vmreclaim__Agent__V1__ActionResult ActionResult;
typedef Vmreclaim__Controller__V1__ListVmsResponse ListVmsResponse;
typedef Vmreclaim__Controller__V1__Vm Vm;
typedef Vmreclaim__Controller__V1__Waterfall Waterfall;

static json_t *convert(const ProtobufCMessage *message)
{
    json_t *json = NULL;
    assert_int_equal(json_from_message(message, &json), 0);
    assert_non_null(json);
    return json;
}

static void test_scalars_are_there_when_zero(void **state)
{
    Waterfall waterfall = VMRECLAIM__CONTROLLER__V1__WATERFALL__INIT;
    waterfall.host_is_known = 1;
    json_t *json = convert(&waterfall.base);

    assert_true(json_is_integer(json_object_get(json, "footprint")));
    assert_true(json_is_false(json_object_get(json, "guest_is_known")));
    assert_string_equal(json_string_value(json_object_get(json, "footprint_source")), "");
    assert_null(json_object_get(json, "guest"));
    json_decref(json);
}

static void test_what_is_not_known_is_absent(void **state)
{
    Waterfall waterfall = VMRECLAIM__CONTROLLER__V1__WATERFALL__INIT;
    json_t *json = convert(&waterfall.base);

    assert_null(json_object_get(json, "footprint"));
    assert_null(json_object_get(json, "in_use"));
    assert_null(json_object_get(json, "remainder"));
    assert_null(json_object_get(json, "balloon"));
    json_decref(json);
    waterfall.vm_ram = 4096; /* without an agent nobody knows what its kernel takes of it */
    json = convert(&waterfall.base);
    assert_null(json_object_get(json, "unmanaged"));
    json_decref(json);
    waterfall.guest_is_known = 1;
    waterfall.balloon_is_known = 1;
    json = convert(&waterfall.base);
    assert_non_null(json_object_get(json, "in_use"));
    assert_non_null(json_object_get(json, "balloon"));
    assert_null(json_object_get(json, "remainder")); /* of both sides */
    assert_null(json_object_get(json, "reported"));
    json_decref(json);
    waterfall.footprint = 4096; /* as an older daemon wrote it */
    json = convert(&waterfall.base);
    assert_int_equal(json_integer_value(json_object_get(json, "footprint")), 4096);
    json_decref(json);
}

static void expect_fields(const struct absence *absence)
{
    static const ProtobufCMessageDescriptor *const messages[] = {
        &vmreclaim__controller__v1__waterfall__descriptor,
        &vmreclaim__controller__v1__action_sample__descriptor,
        &vmreclaim__controller__v1__action__descriptor,
        &vmreclaim__controller__v1__action_response__descriptor,
        &vmreclaim__controller__v1__vm__descriptor,
        &vmreclaim__controller__v1__host_facts__descriptor,
        &vmreclaim__controller__v1__balloon_statistics__descriptor,
        &vmreclaim__controller__v1__finding__descriptor,
        &vmreclaim__controller__v1__obstacle__descriptor,
        &vmreclaim__controller__v1__degradation__descriptor,
        &vmreclaim__controller__v1__get_status_response__descriptor,
        &vmreclaim__controller__v1__host__descriptor,
        &vmreclaim__controller__v1__host_vm__descriptor,
        &vmreclaim__controller__v1__planned_step__descriptor,
        &vmreclaim__controller__v1__planned_vm__descriptor,
        &vmreclaim__fleet__v1__applied__descriptor,
        &vmreclaim__fleet__v1__fleet_host__descriptor,
        &vmreclaim__fleet__v1__vm_status__descriptor,
        &vmreclaim__fleet__v1__vm_explanation__descriptor,
        &vmreclaim__agent__v1__get_info_response__descriptor,
        &vmreclaim__agent__v1__memory_sample__descriptor,
    };
    const ProtobufCMessageDescriptor *found = NULL;

    for (size_t i = 0; i < ARRAY_SIZE(messages); i++)
        if (strcmp(messages[i]->name, absence->message) == 0)
            found = messages[i];
    assert_non_null(found);
    if (absence->unless != NULL)
        assert_non_null(protobuf_c_message_descriptor_get_field_by_name(found, absence->unless));
    for (const char *const *name = absence->fields; *name != NULL; name++)
        assert_non_null(protobuf_c_message_descriptor_get_field_by_name(found, *name));
}

static void test_the_table_names_fields(void **state)
{
    const struct absence *absence;

    for (size_t i = 0; (absence = absence_get(i)) != NULL; i++)
        expect_fields(absence);
}

static void test_numbers_keep_their_sign_and_size(void **state)
{
    Waterfall waterfall = VMRECLAIM__CONTROLLER__V1__WATERFALL__INIT;
    waterfall.remainder = -4096;
    waterfall.footprint = INT64_MAX;
    waterfall.swapped = UINT64_MAX;
    json_t *json = convert(&waterfall.base);

    assert_int_equal(json_integer_value(json_object_get(json, "remainder")), -4096);
    assert_true(json_integer_value(json_object_get(json, "footprint")) == INT64_MAX);
    assert_true(json_is_real(json_object_get(json, "swapped")));
    json_decref(json);
}

static void test_repeated_messages_and_numbers(void **state)
{
    uint64_t blocks[] = {7, 0, 3};
    Vmreclaim__Agent__V1__MemorySample sample = VMRECLAIM__AGENT__V1__MEMORY_SAMPLE__INIT;
    sample.free_blocks = blocks;
    sample.n_free_blocks = 3;
    Waterfall waterfall = VMRECLAIM__CONTROLLER__V1__WATERFALL__INIT;
    waterfall.guest = &sample;
    Vm one = VMRECLAIM__CONTROLLER__V1__VM__INIT;
    Vm two = VMRECLAIM__CONTROLLER__V1__VM__INIT;
    one.name = (char *)"one";
    one.waterfall = &waterfall;
    Vm *vms[] = {&one, &two};
    ListVmsResponse list = VMRECLAIM__CONTROLLER__V1__LIST_VMS_RESPONSE__INIT;
    list.vms = vms;
    list.n_vms = 2;

    json_t *json = convert(&list.base);
    json_t *array = json_object_get(json, "vms");
    assert_int_equal(json_array_size(array), 2);
    json_t *first = json_array_get(array, 0);
    assert_string_equal(json_string_value(json_object_get(first, "name")), "one");
    json_t *guest = json_object_get(json_object_get(first, "waterfall"), "guest");
    json_t *numbers = json_object_get(guest, "free_blocks");
    assert_int_equal(json_array_size(numbers), 3);
    assert_int_equal(json_integer_value(json_array_get(numbers, 2)), 3);
    json_t *none = json_object_get(json_array_get(array, 1), "unsupported_keys");
    assert_int_equal(json_array_size(none), 0);
    json_decref(json);
}

static void test_oneof_shows_the_arm_that_is_set(void **state)
{
    ActionResult result = VMRECLAIM__AGENT__V1__ACTION_RESULT__INIT;
    result.outcome = VMRECLAIM__AGENT__V1__OUTCOME__OUTCOME_STOPPED_TIME_LIMIT;
    WatchResponse response = VMRECLAIM__AGENT__V1__WATCH_RESPONSE__INIT;
    response.event_case = VMRECLAIM__AGENT__V1__WATCH_RESPONSE__EVENT_ACTION;
    response.action = &result;

    json_t *json = convert(&response.base);
    assert_null(json_object_get(json, "sample"));
    json_t *outcome = json_object_get(json_object_get(json, "action"), "outcome");
    assert_string_equal(json_string_value(outcome), "stopped_time_limit");
    json_decref(json);
}

static void test_unknown_enum_is_its_number(void **state)
{
    ActionResult result = VMRECLAIM__AGENT__V1__ACTION_RESULT__INIT;
    memset(&result.kind, 0, sizeof(result.kind));
    *(int *)(void *)&result.kind = 77;
    json_t *json = convert(&result.base);
    assert_int_equal(json_integer_value(json_object_get(json, "kind")), 77);
    json_decref(json);
}

static void test_enum_prefix_follows_camel_case(void **state)
{
    char buffer[64];
    char tiny[4];
    const ProtobufCEnumDescriptor *kind = &vmreclaim__agent__v1__action_kind__descriptor;

    assert_string_equal(json_enum_name(kind, 3, buffer, sizeof(buffer)), "set_reporting_order");
    assert_string_equal(json_enum_name(kind, 3, tiny, sizeof(tiny)), "set");
    assert_null(json_enum_name(kind, 99, buffer, sizeof(buffer)));
}

static void test_bytes_are_hexadecimal(void **state)
{
    uint8_t data[] = {0x00, 0xff, 0x1a};
    Ttrpc__Response response = TTRPC__RESPONSE__INIT;
    response.payload.data = data;
    response.payload.len = sizeof(data);
    json_t *json = convert(&response.base);
    assert_string_equal(json_string_value(json_object_get(json, "payload")), "00ff1a");
    json_decref(json);
}

static void test_bad_utf8_is_replaced(void **state)
{
    static const struct {
        const char *text;
        const char *mended;
    } cases[] = {
        {"plain \xc3\xa4 \xe2\x82\xac \xf0\x9f\x90\xa7",
         "plain \xc3\xa4 \xe2\x82\xac \xf0\x9f\x90\xa7"},
        {"a\xff"
         "b",
         "a?"
         "b"},
        {"cut \xe2\x82", "cut ??"},
        {"overlong \xc0\x80", "overlong ??"},
        {"surrogate \xed\xa0\x80", "surrogate ???"},
        {"past the end \xf4\x90\x80\x80", "past the end ????"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        json_t *json = json_text(cases[i].text, strlen(cases[i].text));
        assert_string_equal(json_string_value(json), cases[i].mended);
        json_decref(json);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scalars_are_there_when_zero),
        cmocka_unit_test(test_what_is_not_known_is_absent),
        cmocka_unit_test(test_the_table_names_fields),
        cmocka_unit_test(test_numbers_keep_their_sign_and_size),
        cmocka_unit_test(test_repeated_messages_and_numbers),
        cmocka_unit_test(test_oneof_shows_the_arm_that_is_set),
        cmocka_unit_test(test_unknown_enum_is_its_number),
        cmocka_unit_test(test_enum_prefix_follows_camel_case),
        cmocka_unit_test(test_bytes_are_hexadecimal),
        cmocka_unit_test(test_bad_utf8_is_replaced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
