/* Every allocation fails once, and the connection is closed at every step, in a scenario that has
 * all kinds of calls: nothing leaks, and each call and each connection ends exactly once. */
#include "tests/lib/test.h"

#include "tests/lib/fault.h"
#include "tests/unit/ttrpc/fixture.h"

/* ---- the server's methods ---- */

static unsigned held;

static void ping(struct ttrpc_call *call, const ProtobufCMessage *message, void *userdata)
{
    Vmreclaim__Agent__V1__PingResponse response = VMRECLAIM__AGENT__V1__PING_RESPONSE__INIT;

    ttrpc_call_finish(call, &response.base);
}

static void on_cancel(struct ttrpc_call *call, void *userdata)
{
    held--;
}

static void compact(struct ttrpc_call *call, const ProtobufCMessage *message, void *userdata)
{
    held++;
    ttrpc_call_on_cancel(call, on_cancel, NULL);
}

static void on_request(struct ttrpc_call *call, const ProtobufCMessage *message, void *userdata)
{
    if (message == NULL) {
        held--;
        ttrpc_call_fail(call, TTRPC_ABORTED, "enough");
    }
}

static void reclaim_cache(struct ttrpc_call *call, const ProtobufCMessage *message, void *userdata)
{
    compact(call, message, userdata);
    ttrpc_call_on_message(call, on_request, NULL);
}

static void watch(struct ttrpc_call *call, const ProtobufCMessage *message, void *userdata)
{
    Vmreclaim__Agent__V1__WatchResponse response = VMRECLAIM__AGENT__V1__WATCH_RESPONSE__INIT;

    (void)ttrpc_call_send(call, &response.base);
    (void)ttrpc_call_send_urgent(call, &response.base);
    ttrpc_call_finish(call, NULL);
}

static const ttrpc_handler handlers[METHOD_COUNT] = {
    [METHOD_PING] = ping,
    [METHOD_COMPACT] = compact,
    [METHOD_RECLAIM_CACHE] = reclaim_cache,
    [METHOD_WATCH] = watch,
};

static const struct ttrpc_service service = {
    .descriptor = &vmreclaim__agent__v1__agent__descriptor,
    .handlers = handlers,
    .streams = 1u << METHOD_WATCH,
    .client_streams = 1u << METHOD_RECLAIM_CACHE,
};

static const struct ttrpc_service *const services[] = {&service, NULL};

/* ---- the scenario ---- */

enum call {
    CALL_PING,
    CALL_LARGE, /* a payload that arrives in pieces */
    CALL_HELD,  /* ended by its timeout or the end of the connection */
    CALL_WATCH,
    CALL_OPEN,
    CALL_COUNT,
};

/* What a connection may be besides: its peer may be hostile, in debt all the time. */
static bool guarded;
static struct ttrpc_budget budget;
static struct ttrpc_share share;

struct scenario {
    uv_loop_t loop;
    struct ttrpc_connection *client;
    struct ttrpc_connection *server;
    struct ending client_ending;
    struct ending server_ending;
    struct outcome outcomes[CALL_COUNT];
    bool started[CALL_COUNT];
};

static struct ttrpc_connection *make(struct scenario *scenario, int descriptor,
                                     const struct ttrpc_service *const *served,
                                     struct ending *ending)
{
    struct ttrpc_connection_options options = {
        .limits = ttrpc_limits_default,
        .services = served,
        .userdata = ending,
        .on_close = on_close,
    };
    struct ttrpc_connection *connection = NULL;

    options.limits.frame_bytes = 1 << 20;
    if (guarded) {
        options.limits.elements = 100;
        options.limits.frame_by_frame = true;
        options.budget = &budget;
        options.processor = &share;
    }
    if (ttrpc_connection_create(&scenario->loop, descriptor, &options, &connection) < 0)
        ending->done = true;
    return connection;
}

static void start(struct scenario *scenario, enum call call, const char *method,
                  const ProtobufCMessage *message, nsec_t timeout)
{
    struct ttrpc_request request = {
        .service = AGENT,
        .method = method,
        .message = message,
        .timeout = timeout,
        .open = call == CALL_OPEN,
        .on_message = call == CALL_WATCH ? on_message : NULL,
        .on_result = on_result,
        .userdata = &scenario->outcomes[call],
    };
    struct ttrpc_client_call *open;

    scenario->started[call] = ttrpc_call_start(scenario->client, &request, &open) == 0;
    if (call == CALL_OPEN && scenario->started[call]) {
        Vmreclaim__Agent__V1__ReclaimCacheRequest more =
            VMRECLAIM__AGENT__V1__RECLAIM_CACHE_REQUEST__INIT;

        (void)ttrpc_client_call_send(open, &more.base);
        (void)ttrpc_client_call_half_close(open);
    }
}

static void start_calls(struct scenario *scenario)
{
    static char text[200000];
    Vmreclaim__Agent__V1__PingRequest ping_request = VMRECLAIM__AGENT__V1__PING_REQUEST__INIT;
    Vmreclaim__Agent__V1__PingRequest empty = VMRECLAIM__AGENT__V1__PING_REQUEST__INIT;
    Vmreclaim__Agent__V1__CompactRequest large = VMRECLAIM__AGENT__V1__COMPACT_REQUEST__INIT;

    memset(text, 'x', sizeof(text) - 1);
    large.action_id = text;
    ping_request.nonce = 1;
    start(scenario, CALL_PING, "Ping", &ping_request.base, 0);
    start(scenario, CALL_LARGE, "Compact", &large.base, 2 * NSEC_PER_MSEC);
    start(scenario, CALL_HELD, "Compact", &empty.base, NSEC_PER_MSEC);
    start(scenario, CALL_WATCH, "Watch", &empty.base, 0);
    start(scenario, CALL_OPEN, "ReclaimCache", NULL, 0);
}

static bool is_over(const struct scenario *scenario)
{
    if (scenario->client_ending.done || scenario->server_ending.done)
        return true;
    for (unsigned i = 0; i < CALL_COUNT; i++)
        if (scenario->started[i] && !scenario->outcomes[i].done)
            return false;
    return true;
}

/* Returns the number of turns it took; at turn `close_at` one end closes. */
static unsigned run(struct scenario *scenario, unsigned close_at, bool close_client)
{
    unsigned turn = 0;

    for (; !is_over(scenario); turn++) {
        if (turn == close_at)
            ttrpc_connection_close(close_client ? scenario->client : scenario->server);
        uv_run(&scenario->loop, UV_RUN_ONCE);
    }
    return turn;
}

static void finish(struct scenario *scenario)
{
    if (!scenario->client_ending.done)
        ttrpc_connection_close(scenario->client);
    if (!scenario->server_ending.done)
        ttrpc_connection_close(scenario->server);
    loop_finish(&scenario->loop);
    for (unsigned i = 0; i < CALL_COUNT; i++)
        assert_int_equal(scenario->outcomes[i].results, scenario->started[i] ? 1 : 0);
    assert_int_equal(held, 0);
}

static unsigned play(unsigned fail_at, unsigned close_at, bool close_client, bool *ret_failed)
{
    struct scenario scenario = {0};
    size_t outstanding = fault_outstanding();
    unsigned turns;
    int pair[2];

    assert_int_equal(uv_loop_init(&scenario.loop), 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
    fault_arm(fail_at);
    scenario.client = make(&scenario, pair[0], NULL, &scenario.client_ending);
    scenario.server = make(&scenario, pair[1], services, &scenario.server_ending);
    if (scenario.client != NULL)
        start_calls(&scenario);
    turns = run(&scenario, close_at, close_client);
    *ret_failed = fault_disarm();
    finish(&scenario);
    assert_int_equal(fault_outstanding(), outstanding);
    return turns;
}

#define NEVER 1000000u

static int plain(void **state)
{
    guarded = false;
    return 0;
}

static int guard(void **state)
{
    guarded = true;
    ttrpc_budget_init(&budget, 1 << 22, 2);
    share = (struct ttrpc_share){.permyriad = 1, .debt_max = NSEC_PER_MSEC};
    return 0;
}

static int unguard(void **state)
{
    if (guarded) {
        assert_int_equal(budget.connections, 0);
        assert_int_equal(budget.bytes, 0);
    }
    return 0;
}

static void test_every_allocation_fails(void **state)
{
    bool failed = true;
    unsigned count = 0;

    for (; failed; count++)
        play(count, NEVER, false, &failed);
    assert_true(count > 15);
}

static void test_closing_at_every_step(void **state)
{
    bool failed;
    unsigned turns;

    turns = play(NEVER, NEVER, false, &failed);
    for (unsigned at = 0; at < turns; at++) {
        play(NEVER, at, true, &failed);
        play(NEVER, at, false, &failed);
    }
    assert_true(turns > 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_every_allocation_fails, plain, unguard),
        cmocka_unit_test_setup_teardown(test_closing_at_every_step, plain, unguard),
        cmocka_unit_test_setup_teardown(test_every_allocation_fails, guard, unguard),
        cmocka_unit_test_setup_teardown(test_closing_at_every_step, guard, unguard),
    };

    fault_install();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
