/* Every RPC of the real agent program against a made-up guest. */
#include "tests/lib/test.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "tests/component/agent/listening.h"

#define MIB ((uint64_t)1 << 20)

static void test_ping(void **state)
{
    Vmreclaim__Agent__V1__PingRequest request = VMRECLAIM__AGENT__V1__PING_REQUEST__INIT;
    const Vmreclaim__Agent__V1__PingResponse *response;

    request.nonce = 42;
    response = client_call(&client, "Ping", &request);
    assert_non_null(response);
    assert_int_equal(response->nonce, 42);
    assert_true(response->boottime_ns > 0);
}

static void test_get_info(void **state)
{
    Vmreclaim__Agent__V1__GetInfoRequest request = VMRECLAIM__AGENT__V1__GET_INFO_REQUEST__INIT;
    const Vmreclaim__Agent__V1__GetInfoResponse *response;
    bool has_psi = false;

    response = client_call(&client, "GetInfo", &request);
    assert_non_null(response);
    assert_string_equal(response->boot_id, "0f0e0d0c-0b0a-0908-0706-050403020100");
    assert_int_equal(response->protocol_version, 2);
    assert_int_equal(response->cpu_count, 1);
    assert_int_equal(response->max_order, 10);
    assert_int_equal(response->pageblock_order, 9);
    assert_int_equal(response->reporting_order, 9);
    assert_int_equal(response->numa_node_count, 1);
    for (size_t i = 0; i < response->n_features; i++)
        if (strcmp(response->features[i]->name, "psi") == 0)
            has_psi = response->features[i]->available;
    assert_true(has_psi);
}

static void test_get_memory(void **state)
{
    Vmreclaim__Agent__V1__GetMemoryRequest request = VMRECLAIM__AGENT__V1__GET_MEMORY_REQUEST__INIT;
    const Vmreclaim__Agent__V1__GetMemoryResponse *response;

    response = client_call(&client, "GetMemory", &request);
    assert_non_null(response);
    assert_int_equal(response->sample->total, 240000 * 1024);
    assert_int_equal(response->sample->trapped, 32 * MIB);
    assert_int_equal(response->sample->percpu, 64 * 4096);
    request.exact = true;
    response = client_call(&client, "GetMemory", &request);
    assert_non_null(response);
    assert_true(response->sample->reported_is_known);
    assert_true(response->sample->reported_is_exact);
    assert_int_equal(response->sample->reported, 4 * MIB);
    assert_int_equal(response->sample->reportable, 4 * MIB);
    assert_int_equal(response->sample->n_free_blocks, 11);
    assert_int_equal(response->sample->free_blocks[10], 2);
}

struct ranges {
    struct {
        uint64_t start;
        uint64_t length;
        Vmreclaim__Agent__V1__RangeState state;
    } list[8];
    size_t count;
};

static void on_ranges(struct client *from, const ProtobufCMessage *message)
{
    const Vmreclaim__Agent__V1__ListFreeRangesResponse *response =
        (const Vmreclaim__Agent__V1__ListFreeRangesResponse *)message;
    struct ranges *ranges = from->userdata;

    for (size_t i = 0; i < response->n_ranges && ranges->count < ARRAY_SIZE(ranges->list); i++) {
        ranges->list[ranges->count].start = response->ranges[i]->start;
        ranges->list[ranges->count].length = response->ranges[i]->length;
        ranges->list[ranges->count++].state = response->ranges[i]->state;
    }
}

static void test_list_free_ranges(void **state)
{
    Vmreclaim__Agent__V1__ListFreeRangesRequest request =
        VMRECLAIM__AGENT__V1__LIST_FREE_RANGES_REQUEST__INIT;
    struct ranges ranges = {.count = 0};

    client.on_message = on_ranges;
    client.userdata = &ranges;
    (void)client_stream(&client, "ListFreeRanges", &request);
    client_wait_messages(&client, UINT32_MAX);
    assert_int_equal(client.code, TTRPC_OK);
    assert_int_equal(ranges.count, 2);
    assert_int_equal(ranges.list[0].start, 4 * MIB);
    assert_int_equal(ranges.list[0].length, 4 * MIB);
    assert_int_equal(ranges.list[0].state, VMRECLAIM__AGENT__V1__RANGE_STATE__RANGE_STATE_REPORTED);
    assert_int_equal(ranges.list[1].start, 16 * MIB);
    assert_int_equal(ranges.list[1].length, 4 * MIB);
    assert_int_equal(ranges.list[1].state,
                     VMRECLAIM__AGENT__V1__RANGE_STATE__RANGE_STATE_REPORTABLE);
}

static void test_compact(void **state)
{
    Vmreclaim__Agent__V1__CompactRequest request = VMRECLAIM__AGENT__V1__COMPACT_REQUEST__INIT;
    const Vmreclaim__Agent__V1__CompactResponse *response;
    char id[] = "action-7";
    char who[] = "alice";

    request.action_id = id;
    request.asked_by = who;
    response = client_call(&client, "Compact", &request);
    assert_non_null(response);
    assert_int_equal(response->result->outcome,
                     VMRECLAIM__AGENT__V1__OUTCOME__OUTCOME_NOTHING_TO_DO);
    assert_non_null(strstr(response->result->reason, "compact_min_gain"));
    assert_string_equal(guest_read(&guest, "proc/sys/vm/compact_memory"), "");

    request.force = true;
    response = client_call(&client, "Compact", &request);
    assert_non_null(response);
    assert_int_equal(response->result->outcome, VMRECLAIM__AGENT__V1__OUTCOME__OUTCOME_DONE);
    assert_string_equal(response->result->action_id, "action-7");
    assert_string_equal(response->result->asked_by, "alice");
    assert_int_equal(response->result->trapped_before, 32 * MIB);
    assert_string_equal(guest_read(&guest, "proc/sys/vm/compact_memory"), "1");
    assert_non_null(strstr(guest_read(&guest, "dev/kmsg"), "performing memory compaction"));
}

/* The kernel takes for ever: whoever asked hears of it all the same. */
static void test_an_action_ends_before_its_call(void **state)
{
    Vmreclaim__Agent__V1__CompactRequest request = VMRECLAIM__AGENT__V1__COMPACT_REQUEST__INIT;
    const Vmreclaim__Agent__V1__CompactResponse *response;

    assert_int_equal(unlinkat(guest.root, "proc/sys/vm/compact_memory", 0), 0);
    assert_int_equal(mkfifoat(guest.root, "proc/sys/vm/compact_memory", 0600), 0);
    request.force = true;
    request.time_limit_ns = 3600 * NSEC_PER_SEC;
    client.timeout = 8 * NSEC_PER_SEC; /* half of it is for the answer */
    response = client_call(&client, "Compact", &request);
    assert_int_equal(client.code, TTRPC_OK);
    assert_int_equal(response->result->outcome,
                     VMRECLAIM__AGENT__V1__OUTCOME__OUTCOME_STOPPED_TIME_LIMIT);
    assert_string_equal(response->result->reason, "the time limit was reached");
}

/* What is repeated in the agent's log and in its answers is one line. */
static void test_who_asked_is_one_line(void **state)
{
    Vmreclaim__Agent__V1__CompactRequest request = VMRECLAIM__AGENT__V1__COMPACT_REQUEST__INIT;
    const Vmreclaim__Agent__V1__CompactResponse *response;
    char id[] = "two\nlines";
    char who[] = "\xc3\xa4nn\x1b[2J";

    request.action_id = id;
    request.asked_by = who;
    response = client_call(&client, "Compact", &request);
    assert_non_null(response);
    assert_string_equal(response->result->action_id, "two?lines");
    assert_string_equal(response->result->asked_by, "\xc3\xa4nn?[2J");
}

static void test_reclaim_cache(void **state)
{
    Vmreclaim__Agent__V1__ReclaimCacheRequest request =
        VMRECLAIM__AGENT__V1__RECLAIM_CACHE_REQUEST__INIT;
    const Vmreclaim__Agent__V1__ReclaimCacheResponse *response;

    /* 121 MiB are in the cache, and balanced keeps 128 MiB. */
    response = client_call(&client, "ReclaimCache", &request);
    assert_non_null(response);
    assert_int_equal(response->result->outcome,
                     VMRECLAIM__AGENT__V1__OUTCOME__OUTCOME_NOTHING_TO_DO);
    request.drop = true;
    response = client_call(&client, "ReclaimCache", &request);
    assert_non_null(response);
    assert_int_equal(response->result->outcome, VMRECLAIM__AGENT__V1__OUTCOME__OUTCOME_DONE);
    assert_string_equal(guest_read(&guest, "proc/sys/vm/drop_caches"), "1");
}

static void test_set_reporting(void **state)
{
    Vmreclaim__Agent__V1__SetReportingRequest request =
        VMRECLAIM__AGENT__V1__SET_REPORTING_REQUEST__INIT;
    const Vmreclaim__Agent__V1__SetReportingResponse *response;
    const char *path = "sys/module/page_reporting/parameters/page_reporting_order";

    request.set_lowest_order = true;
    request.lowest_order = 5;
    request.set_order = true;
    request.order = 0;
    response = client_call(&client, "SetReporting", &request);
    assert_non_null(response);
    assert_int_equal(response->order, 5);
    assert_string_equal(response->result->reason,
                        "order is now 5: what is smaller returns nothing on this host");
    assert_int_equal(atoi(guest_read(&guest, path)), 5);
    request.kick = true;
    response = client_call(&client, "SetReporting", &request);
    assert_non_null(response);
    assert_non_null(strstr(response->result->reason, "order stays 5: "));
    vmreclaim__agent__v1__set_reporting_request__init(&request);
    request.restore = true;
    response = client_call(&client, "SetReporting", &request);
    assert_non_null(response);
    assert_int_equal(response->order, 9);
    assert_int_equal(atoi(guest_read(&guest, path)), 9);
}

static void test_what_was_changed_is_put_back_at_the_end(void **state)
{
    Vmreclaim__Agent__V1__SetReportingRequest request =
        VMRECLAIM__AGENT__V1__SET_REPORTING_REQUEST__INIT;
    const char *path = "sys/module/page_reporting/parameters/page_reporting_order";

    request.set_order = true;
    request.order = 4;
    assert_non_null(client_call(&client, "SetReporting", &request));
    assert_int_equal(atoi(guest_read(&guest, path)), 4);
    assert_int_equal(WEXITSTATUS(guest_stop(&guest, SIGTERM)), 0);
    assert_int_equal(atoi(guest_read(&guest, path)), 9);
}

/* As the service manager does it after a kill. */
static void test_what_a_killed_agent_changed_is_put_back(void **state)
{
    Vmreclaim__Agent__V1__SetReportingRequest request =
        VMRECLAIM__AGENT__V1__SET_REPORTING_REQUEST__INIT;
    const char *path = "sys/module/page_reporting/parameters/page_reporting_order";
    const char *const restore[] = {"--restore", NULL};

    request.set_order = true;
    request.order = 4;
    assert_non_null(client_call(&client, "SetReporting", &request));
    guest_stop(&guest, SIGKILL);
    assert_int_equal(atoi(guest_read(&guest, path)), 4);
    guest_spawn(&guest, restore);
    assert_int_equal(guest_wait(&guest), 0);
    assert_int_equal(atoi(guest_read(&guest, path)), 9);
}

/* It would take the changes away from under the agent's feet. So would a second agent. */
static void test_a_running_agent_keeps_what_it_changed(void **state)
{
    Vmreclaim__Agent__V1__SetReportingRequest request =
        VMRECLAIM__AGENT__V1__SET_REPORTING_REQUEST__INIT;
    const char *path = "sys/module/page_reporting/parameters/page_reporting_order";
    const char *const restore[] = {"--restore", NULL};
    const char *const second[] = {"--connect", "none", NULL};
    pid_t agent = guest.pid;

    request.set_order = true;
    request.order = 4;
    assert_non_null(client_call(&client, "SetReporting", &request));
    guest_spawn(&guest, restore);
    assert_int_equal(WEXITSTATUS(guest_wait(&guest)), 1);
    assert_int_equal(atoi(guest_read(&guest, path)), 4);
    guest_spawn(&guest, second);
    assert_int_equal(WEXITSTATUS(guest_wait(&guest)), 1);
    guest.pid = agent;
    assert_int_equal(WEXITSTATUS(guest_stop(&guest, SIGTERM)), 0);
    assert_int_equal(atoi(guest_read(&guest, path)), 9);
}

static void apply(const char *key, const char *value,
                  const Vmreclaim__Agent__V1__ApplyPolicyResponse **ret_response)
{
    Vmreclaim__Agent__V1__ApplyPolicyRequest request =
        VMRECLAIM__AGENT__V1__APPLY_POLICY_REQUEST__INIT;
    Vmreclaim__Policy__V1__Policy policy = VMRECLAIM__POLICY__V1__POLICY__INIT;
    Vmreclaim__Policy__V1__Setting setting = VMRECLAIM__POLICY__V1__SETTING__INIT;
    Vmreclaim__Policy__V1__Setting *settings[] = {&setting};
    char name[] = "test";
    char profile[] = "balanced";
    char hash[] = "abcd";

    policy.name = name;
    policy.profile = profile;
    policy.revision = 3;
    policy.hash = hash;
    setting.key = (char *)key;
    setting.value = (char *)value;
    policy.n_settings = 1;
    policy.settings = settings;
    request.policy = &policy;
    *ret_response = client_call(&client, "ApplyPolicy", &request);
}

static uint64_t revision_in_force(void)
{
    Vmreclaim__Agent__V1__GetInfoRequest request = VMRECLAIM__AGENT__V1__GET_INFO_REQUEST__INIT;
    const Vmreclaim__Agent__V1__GetInfoResponse *response =
        client_call(&client, "GetInfo", &request);

    assert_non_null(response);
    return response->policy_revision;
}

static void test_apply_policy(void **state)
{
    const Vmreclaim__Agent__V1__ApplyPolicyResponse *response;

    assert_int_equal(revision_in_force(), 0);
    apply("cache_floor", "a lot", &response);
    assert_null(response);
    assert_int_equal(client.code, TTRPC_INVALID_ARGUMENT);
    assert_non_null(strstr(client.message, "cache_floor"));
    assert_int_equal(revision_in_force(), 0);
    apply("from_the_future", "1", &response);
    assert_non_null(response);
    assert_int_equal(response->n_unsupported_keys, 1);
    assert_string_equal(response->unsupported_keys[0], "from_the_future");
    assert_int_equal(revision_in_force(), 3);
}

static void kill_agent(void)
{
    client_finish(&client);
    guest_stop(&guest, SIGKILL);
}

static void start_again(void)
{
    guest_start_listening(&guest);
    client_init(&client, &guest);
}

static void test_policy_survives_a_killed_agent(void **state)
{
    const Vmreclaim__Agent__V1__ApplyPolicyResponse *response;

    apply("cache_floor", "64MiB", &response);
    assert_non_null(response);
    kill_agent();
    start_again();
    assert_int_equal(revision_in_force(), 3);
}

/* No host's policy is for the guest any more, whatever happens to the agent. */
static void test_a_policy_is_withdrawn(void **state)
{
    Vmreclaim__Agent__V1__ApplyPolicyRequest none =
        VMRECLAIM__AGENT__V1__APPLY_POLICY_REQUEST__INIT;
    const Vmreclaim__Agent__V1__ApplyPolicyResponse *response;

    apply("cache_floor", "64MiB", &response);
    assert_int_equal(revision_in_force(), 3);
    assert_non_null(client_call(&client, "ApplyPolicy", &none));
    assert_int_equal(revision_in_force(), 0);
    assert_non_null(client_call(&client, "ApplyPolicy", &none)); /* twice is once */
    kill_agent();
    start_again();
    assert_int_equal(revision_in_force(), 0);
}

static void test_damaged_policy_is_ignored(void **state)
{
    kill_agent();
    guest_write(&guest, "state/policy", "vmreclaim.policy.v1\n\xff\xff\xff\xff");
    start_again();
    assert_int_equal(revision_in_force(), 0);
}

/* What a reader of Watch has seen. */
struct seen {
    unsigned samples;
    unsigned states;
    unsigned results;
    unsigned pressures;
    bool oom_kill;
    uint64_t last_sequence;
    bool in_order;
    char action_id[64];
};

static void on_watch(struct client *from, const ProtobufCMessage *message)
{
    const Vmreclaim__Agent__V1__WatchResponse *response =
        (const Vmreclaim__Agent__V1__WatchResponse *)message;
    struct seen *seen = from->userdata;

    if (response->sequence != seen->last_sequence + 1)
        seen->in_order = false;
    seen->last_sequence = response->sequence;
    switch (response->event_case) {
    case VMRECLAIM__AGENT__V1__WATCH_RESPONSE__EVENT_SAMPLE:
        seen->samples++;
        break;
    case VMRECLAIM__AGENT__V1__WATCH_RESPONSE__EVENT_ENGINE:
        seen->states++;
        break;
    case VMRECLAIM__AGENT__V1__WATCH_RESPONSE__EVENT_PRESSURE:
        seen->pressures++;
        seen->oom_kill |= response->pressure->oom_kill;
        break;
    case VMRECLAIM__AGENT__V1__WATCH_RESPONSE__EVENT_ACTION:
        seen->results++;
        snprintf(seen->action_id, sizeof(seen->action_id), "%s", response->action->action_id);
        break;
    default:
        break;
    }
}

static void start_watch(struct seen *seen)
{
    Vmreclaim__Agent__V1__WatchRequest request = VMRECLAIM__AGENT__V1__WATCH_REQUEST__INIT;

    *seen = (struct seen){.in_order = true};
    client.on_message = on_watch;
    client.userdata = seen;
    request.interval_ns = 100 * NSEC_PER_MSEC;
    (void)client_stream(&client, "Watch", &request);
}

static void test_watch_is_a_heartbeat(void **state)
{
    struct seen seen;

    start_watch(&seen);
    while (seen.samples < 3)
        uv_run(&client.loop, UV_RUN_ONCE);
    assert_true(seen.in_order);
    assert_true(seen.states >= 1);
}

static void test_watch_tells_of_an_oom_kill(void **state)
{
    struct seen seen;

    start_watch(&seen);
    while (seen.samples < 1)
        uv_run(&client.loop, UV_RUN_ONCE);
    guest_write(&guest, "proc/vmstat", "nr_free_pages 10240\noom_kill 1\n");
    while (seen.pressures < 1)
        uv_run(&client.loop, UV_RUN_ONCE);
    assert_true(seen.oom_kill);
}

/* An order reads the guest as well; what the next step compares with stays. */
static void test_an_order_does_not_hide_an_oom_kill(void **state)
{
    Vmreclaim__Agent__V1__ReclaimCacheRequest request =
        VMRECLAIM__AGENT__V1__RECLAIM_CACHE_REQUEST__INIT;
    struct seen seen;

    start_watch(&seen);
    while (seen.samples < 1)
        uv_run(&client.loop, UV_RUN_ONCE);
    guest_write(&guest, "proc/vmstat", "nr_free_pages 10240\noom_kill 1\n");
    request.bytes = 1;
    assert_non_null(client_call(&client, "ReclaimCache", &request));
    while (seen.pressures < 1)
        uv_run(&client.loop, UV_RUN_ONCE);
    assert_true(seen.oom_kill);
}

static void test_no_action_while_memory_is_short(void **state)
{
    Vmreclaim__Agent__V1__CompactRequest request = VMRECLAIM__AGENT__V1__COMPACT_REQUEST__INIT;
    const Vmreclaim__Agent__V1__CompactResponse *response;
    struct seen seen;

    start_watch(&seen);
    while (seen.samples < 1)
        uv_run(&client.loop, UV_RUN_ONCE);
    guest_write(&guest, "proc/vmstat", "nr_free_pages 10240\noom_kill 1\n");
    while (seen.pressures < 1)
        uv_run(&client.loop, UV_RUN_ONCE);
    request.force = true;
    response = client_call(&client, "Compact", &request);
    assert_non_null(response);
    assert_int_equal(response->result->outcome,
                     VMRECLAIM__AGENT__V1__OUTCOME__OUTCOME_STOPPED_PRESSURE);
    assert_string_equal(guest_read(&guest, "proc/sys/vm/compact_memory"), "");
}

static void test_watch_tells_what_others_did(void **state)
{
    Vmreclaim__Agent__V1__CompactRequest request = VMRECLAIM__AGENT__V1__COMPACT_REQUEST__INIT;
    struct client other;
    struct seen seen;
    char id[] = "of-another";

    start_watch(&seen);
    while (seen.samples < 1)
        uv_run(&client.loop, UV_RUN_ONCE);
    client_init(&other, &guest);
    request.action_id = id;
    request.force = true;
    assert_non_null(client_call(&other, "Compact", &request));
    while (seen.results < 1)
        uv_run(&client.loop, UV_RUN_ONCE);
    assert_string_equal(seen.action_id, "of-another");
    client_finish(&other);
}

int main(int argument_count, char **arguments)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_ping, setup, teardown),
        cmocka_unit_test_setup_teardown(test_get_info, setup, teardown),
        cmocka_unit_test_setup_teardown(test_get_memory, setup, teardown),
        cmocka_unit_test_setup_teardown(test_list_free_ranges, setup, teardown),
        cmocka_unit_test_setup_teardown(test_compact, setup, teardown),
        cmocka_unit_test_setup_teardown(test_an_action_ends_before_its_call, setup, teardown),
        cmocka_unit_test_setup_teardown(test_who_asked_is_one_line, setup, teardown),
        cmocka_unit_test_setup_teardown(test_reclaim_cache, setup, teardown),
        cmocka_unit_test_setup_teardown(test_set_reporting, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_was_changed_is_put_back_at_the_end, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_a_running_agent_keeps_what_it_changed, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_what_a_killed_agent_changed_is_put_back, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_apply_policy, setup, teardown),
        cmocka_unit_test_setup_teardown(test_policy_survives_a_killed_agent, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_policy_is_withdrawn, setup, teardown),
        cmocka_unit_test_setup_teardown(test_damaged_policy_is_ignored, setup, teardown),
        cmocka_unit_test_setup_teardown(test_watch_is_a_heartbeat, setup, teardown),
        cmocka_unit_test_setup_teardown(test_watch_tells_of_an_oom_kill, setup, teardown),
        cmocka_unit_test_setup_teardown(test_an_order_does_not_hide_an_oom_kill, setup, teardown),
        cmocka_unit_test_setup_teardown(test_no_action_while_memory_is_short, setup, teardown),
        cmocka_unit_test_setup_teardown(test_watch_tells_what_others_did, setup, teardown),
    };

    assert_int_equal(argument_count, 2);
    guest_agent_program = arguments[1];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
