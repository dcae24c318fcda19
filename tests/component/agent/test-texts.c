/* Texts of requests that are longer than an agent takes: each of them, wherever it is. */
#include "tests/lib/test.h"

#include <stdio.h>

#include "tests/component/agent/listening.h"
#include "tests/lib/texts.h"

enum { TEXT_BYTES = 256 };

static unsigned places;

static void call_with(const struct text_place *place, size_t length)
{
    ProtobufCMessage *request = make_text_request(place, length);

    (void)client_call(&client, place->method->name, request);
    protobuf_c_message_free_unpacked(request, NULL);
}

static void check(const struct text_place *place, void *userdata)
{
    char words[128];

    places++;
    call_with(place, TEXT_BYTES + 1);
    assert_int_equal(client.code, TTRPC_INVALID_ARGUMENT);
    snprintf(words, sizeof(words), "%s has %d bytes; at most %d are taken", text_field(place)->name,
             TEXT_BYTES + 1, TEXT_BYTES);
    assert_string_equal(client.message, words);
    call_with(place, TEXT_BYTES);
    assert_null(strstr(client.message, "bytes; at most"));
}

static void test_every_text_has_a_bound(void **state)
{
    visit_texts(&vmreclaim__agent__v1__agent__descriptor, check, NULL);
    assert_in_range(places, 10, 100);
}

int main(int argument_count, char **arguments)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_every_text_has_a_bound, setup, teardown),
    };

    assert_int_equal(argument_count, 2);
    guest_agent_program = arguments[1];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
