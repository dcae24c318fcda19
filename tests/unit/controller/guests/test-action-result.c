/* A guest may say as much as a message holds. */
#include "tests/lib/test.h"

#include <stdlib.h>
#include <string.h>

#include "controller/guests/action-result.h"
#include "controller/guests/guest-memory.h"

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

/* Whatever it says, its figures can be added and taken from each other. */
static void test_figures_that_nothing_has(void **state)
{
    Vmreclaim__Agent__V1__ActionResult said = VMRECLAIM__AGENT__V1__ACTION_RESULT__INIT;
    struct bounded_result result;

    said.free_before = said.free_after = UINT64_MAX;
    said.trapped_before = said.trapped_after = UINT64_MAX;
    said.reported_before = said.reported_after = UINT64_MAX;
    said.cache_before = said.cache_after = UINT64_MAX;
    said.duration_ns = said.cpu_ns = said.pages_moved = UINT64_MAX;
    bounded_result_take(&said, &result);
    assert_int_equal(result.message.free_before, GUEST_MEMORY_MAX);
    assert_int_equal(result.message.free_after, GUEST_MEMORY_MAX);
    assert_int_equal(result.message.trapped_before, GUEST_MEMORY_MAX);
    assert_int_equal(result.message.trapped_after, GUEST_MEMORY_MAX);
    assert_int_equal(result.message.reported_before, GUEST_MEMORY_MAX);
    assert_int_equal(result.message.reported_after, GUEST_MEMORY_MAX);
    assert_int_equal(result.message.cache_before, GUEST_MEMORY_MAX);
    assert_int_equal(result.message.cache_after, GUEST_MEMORY_MAX);
    assert_int_equal(result.message.duration_ns, 86400 * NSEC_PER_SEC);
    assert_true(result.message.cpu_ns < INT64_MAX);
    assert_true(result.message.pages_moved < INT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_long_story_is_cut),
        cmocka_unit_test(test_figures_that_nothing_has),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
