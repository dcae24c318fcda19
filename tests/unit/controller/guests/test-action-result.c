/* A guest may say as much as a message holds. */
#include "tests/lib/test.h"

#include <stdlib.h>
#include <string.h>

#include "controller/guests/action-result.h"

#define LONG 80000

static void test_a_long_story_is_cut(void **state)
{
    Vmreclaim__Agent__V1__ActionResult said = VMRECLAIM__AGENT__V1__ACTION_RESULT__INIT;
    ProtobufCMessageUnknownField unknown = {
        .tag = 1000, .wire_type = PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED, .len = LONG};
    char *text = calloc(1, LONG + 1);
    struct bounded_result result;

    memset(text, 'x', LONG);
    memcpy(text + sizeof(result.reason) - 2, "\xc3\xa4", 2); /* a character at the cut */
    said.action_id = said.reason = said.asked_by = text;
    said.free_after = 7;
    unknown.data = (uint8_t *)text;
    said.base.n_unknown_fields = 1;
    said.base.unknown_fields = &unknown;
    bounded_result_take(&said, &result);
    assert_in_range(protobuf_c_message_get_packed_size(&result.message.base), 1, 1024);
    assert_int_equal(strlen(result.message.reason), sizeof(result.reason) - 2);
    assert_string_equal(result.message.asked_by, "");
    assert_int_equal(result.message.free_after, 7);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_long_story_is_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
