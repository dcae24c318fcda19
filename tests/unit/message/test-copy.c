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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_copy_lives_on),
        cmocka_unit_test(test_a_message_of_defaults),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
