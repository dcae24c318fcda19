/* The dear figures of a sample: in an answer to GetMemory, not in the heartbeat. */
#include "tests/lib/test.h"

#include <signal.h>
#include <string.h>

#include "tests/component/agent/listening.h"

static void test_on_request(void **state)
{
    Vmreclaim__Agent__V1__GetMemoryRequest request = VMRECLAIM__AGENT__V1__GET_MEMORY_REQUEST__INIT;
    const Vmreclaim__Agent__V1__GetMemoryResponse *response;

    response = client_call(&client, "GetMemory", &request);
    assert_non_null(response);
    assert_true(response->sample->trapped_kinds_are_known);
    assert_int_equal(response->sample->trapped_unmovable, 100 * 4096);
    assert_int_equal(response->sample->trapped_reclaimable, 0);
    assert_true(response->sample->reporting_order_is_known);
    assert_int_equal(response->sample->reporting_order, 9);
}

/* Whoever asks many times a second wants what costs little. */
static void test_not_in_a_brief_answer(void **state)
{
    Vmreclaim__Agent__V1__GetMemoryRequest request = VMRECLAIM__AGENT__V1__GET_MEMORY_REQUEST__INIT;
    const Vmreclaim__Agent__V1__GetMemoryResponse *response;

    request.brief = true;
    response = client_call(&client, "GetMemory", &request);
    assert_non_null(response);
    assert_int_not_equal(response->sample->total, 0);
    assert_int_not_equal(response->sample->free, 0);
    assert_false(response->sample->trapped_kinds_are_known);
}

static void on_event(struct client *from, const ProtobufCMessage *message)
{
    const Vmreclaim__Agent__V1__WatchResponse *event =
        (const Vmreclaim__Agent__V1__WatchResponse *)message;
    bool *has_sample = from->userdata;

    if (event->event_case != VMRECLAIM__AGENT__V1__WATCH_RESPONSE__EVENT_SAMPLE)
        return;
    *has_sample = true;
    assert_int_not_equal(event->sample->total, 0);
    assert_false(event->sample->trapped_kinds_are_known);
}

static void test_not_in_the_heartbeat(void **state)
{
    Vmreclaim__Agent__V1__WatchRequest request = VMRECLAIM__AGENT__V1__WATCH_REQUEST__INIT;
    bool has_sample = false;

    client.on_message = on_event;
    client.userdata = &has_sample;
    (void)client_stream(&client, "Watch", &request);
    while (!has_sample && !client.is_closed)
        uv_run(&client.loop, UV_RUN_ONCE);
    assert_true(has_sample);
}

/* What the guest runs when no host's policy is for it, and what of that its owner set. */
static void test_its_own_policy(void **state)
{
    Vmreclaim__Agent__V1__GetInfoRequest request = VMRECLAIM__AGENT__V1__GET_INFO_REQUEST__INIT;
    const Vmreclaim__Agent__V1__GetInfoResponse *response;

    response = client_call(&client, "GetInfo", &request);
    assert_non_null(response);
    assert_string_equal(response->own_policy->profile, "balanced");
    assert_int_equal(response->n_own_keys, 0);
    client_finish(&client);
    guest_stop(&guest, SIGTERM);
    guest_write(&guest, "etc/vmreclaim/agent.conf", "cache_floor = 77MiB\n");
    guest_start_listening(&guest);
    client_init(&client, &guest);
    response = client_call(&client, "GetInfo", &request);
    assert_non_null(response);
    assert_int_equal(response->n_own_keys, 1);
    assert_string_equal(response->own_keys[0], "cache_floor");
    for (size_t i = 0; i < response->own_policy->n_settings; i++)
        if (strcmp(response->own_policy->settings[i]->key, "cache_floor") == 0)
            assert_string_equal(response->own_policy->settings[i]->value, "77MiB");
}

int main(int argument_count, char **arguments)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_on_request, setup, teardown),
        cmocka_unit_test_setup_teardown(test_not_in_a_brief_answer, setup, teardown),
        cmocka_unit_test_setup_teardown(test_not_in_the_heartbeat, setup, teardown),
        cmocka_unit_test_setup_teardown(test_its_own_policy, setup, teardown),
    };

    assert_int_equal(argument_count, 2);
    guest_agent_program = arguments[1];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
