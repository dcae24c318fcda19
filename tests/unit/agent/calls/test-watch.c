/* Readers of Watch over a real connection: pace, order, slow readers. */
#include "tests/lib/test.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "agent/calls/watch.h"
#include "tests/lib/loop.h"

#define SAMPLES 4000

struct fixture {
    uv_loop_t loop;
    struct watches watches;
    struct ttrpc_connection *agent;
    struct ttrpc_connection *reader;
    bool is_open;
    nsec_t interval;
    /* what the reader saw */
    unsigned samples;
    unsigned pressures;
    unsigned results;
    uint64_t coalesced;
    uint64_t last_sample;
    unsigned samples_before_pressure;
    bool oom_kill;
    char first_result[64];
    bool is_done;
};

static struct fixture fixture;

static void watch(struct ttrpc_call *call, const ProtobufCMessage *request, void *userdata)
{
    assert_int_equal(watches_open(&fixture.watches, call, fixture.interval), 0);
    fixture.is_open = true;
}

static const ttrpc_handler handlers[9] = {[8] = watch};
static const struct ttrpc_service service = {
    .descriptor = &vmreclaim__agent__v1__agent__descriptor,
    .handlers = handlers,
    .streams = 1u << 8,
};
static const struct ttrpc_service *const services[] = {&service, NULL};

static void on_close(struct ttrpc_connection *connection, int status, const char *reason,
                     void *userdata)
{
}

static void on_message(const ProtobufCMessage *message, void *userdata)
{
    const Vmreclaim__Agent__V1__WatchResponse *response =
        (const Vmreclaim__Agent__V1__WatchResponse *)message;

    fixture.coalesced += response->coalesced;
    if (response->event_case == VMRECLAIM__AGENT__V1__WATCH_RESPONSE__EVENT_SAMPLE) {
        fixture.samples++;
        fixture.last_sample = response->sample->sequence;
        fixture.samples_before_pressure += fixture.pressures == 0 ? 1 : 0;
    } else if (response->event_case == VMRECLAIM__AGENT__V1__WATCH_RESPONSE__EVENT_PRESSURE) {
        fixture.pressures++;
        fixture.oom_kill |= response->pressure->oom_kill;
    } else if (response->event_case == VMRECLAIM__AGENT__V1__WATCH_RESPONSE__EVENT_ACTION) {
        if (fixture.results++ == 0)
            snprintf(fixture.first_result, sizeof(fixture.first_result), "%s",
                     response->action->action_id);
    }
}

static void on_result(const struct ttrpc_result *result, void *userdata)
{
    fixture.is_done = true;
}

/* A reader that has asked for Watch; nothing is read before start_reading(). */
static void open_watch(nsec_t interval)
{
    struct ttrpc_connection_options options = {.limits = ttrpc_limits_default,
                                               .on_close = on_close};
    Vmreclaim__Agent__V1__WatchRequest request = VMRECLAIM__AGENT__V1__WATCH_REQUEST__INIT;
    int size = 4096;
    int ends[2];

    fixture.interval = interval;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    assert_int_equal(setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof(size)), 0);
    assert_int_equal(ttrpc_connection_create(&fixture.loop, ends[1], &options, &fixture.reader), 0);
    assert_int_equal(ttrpc_call_stream(fixture.reader, &vmreclaim__agent__v1__agent__descriptor,
                                       "Watch", &request.base, 0, on_message, on_result, NULL,
                                       NULL),
                     0);
    options.services = services;
    options.limits.queued_bytes = 64 * 1024;
    assert_int_equal(ttrpc_connection_create(&fixture.loop, ends[0], &options, &fixture.agent), 0);
    loop_run_until(&fixture.loop, &fixture.is_open);
}

static void publish_samples(unsigned count, nsec_t step)
{
    struct memory_sample sample = {.order_count = 11};

    for (unsigned i = 1; i <= count; i++) {
        sample.sequence = i;
        sample.boottime = NSEC_PER_SEC + i * step;
        watches_publish_sample(&fixture.watches, &sample, false);
    }
}

static int setup(void **state)
{
    memset(&fixture, 0, sizeof(fixture));
    assert_int_equal(uv_loop_init(&fixture.loop), 0);
    watches_init(&fixture.watches);
    return 0;
}

static int teardown(void **state)
{
    watches_close(&fixture.watches);
    loop_run_until(&fixture.loop, &fixture.is_done);
    ttrpc_connection_close(fixture.agent);
    ttrpc_connection_close(fixture.reader);
    loop_finish(&fixture.loop);
    return 0;
}

static void test_samples_come_at_the_readers_pace(void **state)
{
    open_watch(NSEC_PER_SEC);
    publish_samples(100, NSEC_PER_SEC / 10);
    /* One that comes within a tenth of its time counts: samples 1, 10, 19 to 100. */
    while (fixture.last_sample < 100)
        uv_run(&fixture.loop, UV_RUN_ONCE);
    assert_int_equal(fixture.samples, 12);
    assert_int_equal(fixture.coalesced, 0);
}

static void test_due_is_the_next_heartbeat(void **state)
{
    assert_true(watches_due(&fixture.watches) == NSEC_INFINITY);
    open_watch(NSEC_PER_SEC);
    assert_int_equal(watches_due(&fixture.watches), 0);
    publish_samples(1, NSEC_PER_SEC);
    assert_int_equal(watches_due(&fixture.watches), 3 * NSEC_PER_SEC);
}

static void test_slow_reader_gets_the_newest_and_a_count(void **state)
{
    open_watch(NSEC_PER_SEC);
    publish_samples(SAMPLES, NSEC_PER_SEC); /* not one turn of the loop: nothing leaves */
    while (fixture.last_sample < SAMPLES)
        uv_run(&fixture.loop, UV_RUN_ONCE);
    assert_true(fixture.samples < SAMPLES);
    assert_int_equal(fixture.samples + fixture.coalesced, SAMPLES);
}

static void test_pressure_overtakes_what_is_queued(void **state)
{
    Vmreclaim__Agent__V1__PressureEvent event = VMRECLAIM__AGENT__V1__PRESSURE_EVENT__INIT;

    open_watch(NSEC_PER_SEC);
    publish_samples(SAMPLES, NSEC_PER_SEC);
    event.oom_kill = true;
    watches_publish_pressure(&fixture.watches, &event);
    while (fixture.last_sample < SAMPLES)
        uv_run(&fixture.loop, UV_RUN_ONCE);
    assert_int_equal(fixture.pressures, 1);
    assert_true(fixture.oom_kill);
    assert_true(fixture.samples_before_pressure * 4 < fixture.samples);
}

static void test_results_of_a_slow_reader_are_bounded(void **state)
{
    Vmreclaim__Agent__V1__ActionResult result = VMRECLAIM__AGENT__V1__ACTION_RESULT__INIT;
    char id[16];

    open_watch(NSEC_PER_SEC);
    publish_samples(SAMPLES, NSEC_PER_SEC); /* fills the queue */
    for (unsigned i = 0; i < 20; i++) {
        snprintf(id, sizeof(id), "%u", i);
        result.action_id = id;
        watches_publish_action(&fixture.watches, &result);
    }
    while (fixture.last_sample < SAMPLES)
        uv_run(&fixture.loop, UV_RUN_ONCE);
    assert_int_equal(fixture.results, 8);
    assert_string_equal(fixture.first_result, "12");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_samples_come_at_the_readers_pace, setup, teardown),
        cmocka_unit_test_setup_teardown(test_due_is_the_next_heartbeat, setup, teardown),
        cmocka_unit_test_setup_teardown(test_slow_reader_gets_the_newest_and_a_count, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_pressure_overtakes_what_is_queued, setup, teardown),
        cmocka_unit_test_setup_teardown(test_results_of_a_slow_reader_are_bounded, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
