/* Copies of messages. */
#include "tests/lib/test.h"

#include <stdlib.h>

#include "common/message/copy.h"
#include "controller.pb-c.h"

static void test_a_copy_lives_on(void **state)
{
    Vmreclaim__Controller__V1__Action action = VMRECLAIM__CONTROLLER__V1__ACTION__INIT;
    char id[] = "0123";
    Vmreclaim__Controller__V1__Action *copy;

    action.id = id;
    copy = (Vmreclaim__Controller__V1__Action *)message_copy(&action.base);
    assert_non_null(copy);
    id[0] = 'x';
    assert_string_equal(copy->id, "0123");
    message_free(&copy->base);
    message_free(NULL);
}

/* Its packed form has no byte. */
static void test_a_message_of_defaults(void **state)
{
    Vmreclaim__Controller__V1__Action action = VMRECLAIM__CONTROLLER__V1__ACTION__INIT;
    ProtobufCMessage *copy = message_copy(&action.base);
    size_t length = 7;
    uint8_t *packed = message_pack(&action.base, &length);

    assert_non_null(copy);
    assert_ptr_equal(copy->descriptor, action.base.descriptor);
    assert_non_null(packed);
    assert_int_equal(length, 0);
    message_free(copy);
    free(packed);
}

/* Four bytes of two actions need more than that. */
static void test_a_message_within_its_budget(void **state)
{
    static const uint8_t packed[] = {1 << 3 | 2, 0, 1 << 3 | 2, 0};
    const ProtobufCMessageDescriptor *descriptor =
        &vmreclaim__controller__v1__list_actions_response__descriptor;
    ProtobufCMessage *message = message_unpack_within(descriptor, packed, sizeof(packed), 4096);

    assert_non_null(message);
    assert_int_equal(((Vmreclaim__Controller__V1__ListActionsResponse *)message)->n_actions, 2);
    message_free(message);
    assert_null(message_unpack_within(descriptor, packed, sizeof(packed),
                                      sizeof(Vmreclaim__Controller__V1__Action)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_copy_lives_on),
        cmocka_unit_test(test_a_message_of_defaults),
        cmocka_unit_test(test_a_message_within_its_budget),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
