/* What a peer may cost of the processor: its own share and that of all debtors. */
#include "tests/lib/test.h"

#include <time.h>
#include <unistd.h>

#include "tests/unit/ttrpc/raw.h"

static unsigned served;

/* Serves a Ping, and takes its time. */
static void ping_slowly(struct ttrpc_call *call, const ProtobufCMessage *message, void *userdata)
{
    Vmreclaim__Agent__V1__PingResponse response = VMRECLAIM__AGENT__V1__PING_RESPONSE__INIT;
    struct timespec begun, now;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &begun);
    do
        clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    while ((now.tv_sec - begun.tv_sec) * 1000000000L + now.tv_nsec - begun.tv_nsec < 1000000);
    served++;
    ttrpc_call_finish(call, &response.base);
}

static const ttrpc_handler slow_handlers[METHOD_COUNT] = {[METHOD_PING] = ping_slowly};

static const struct ttrpc_service slow_service = {
    .descriptor = &vmreclaim__agent__v1__agent__descriptor,
    .handlers = slow_handlers,
};

static const struct ttrpc_service *const slow_services[] = {&slow_service, NULL};

static void send_ping_by(int descriptor, uint32_t stream)
{
    static const uint8_t request[] = "\x0a\x18vmreclaim.agent.v1.Agent\x12\x04Ping";
    struct frame_header header = {
        .length = sizeof(request) - 1, .stream = stream, .type = FRAME_REQUEST};
    struct fixture end = {.raw = descriptor};

    send_raw(&end, &header, request, sizeof(request) - 1);
}

static void send_ping(struct fixture *fixture, uint32_t stream)
{
    send_ping_by(fixture->raw, stream);
}

static void test_a_share_is_charged(void **state)
{
    struct ttrpc_share share = {
        .permyriad = 100, .saved_max = 10 * NSEC_PER_MSEC, .debt_max = 60 * NSEC_PER_SEC};
    nsec_t now = 1000 * NSEC_PER_SEC;

    /* 10 ms are saved up: what is within them is paid for. */
    assert_int_equal(ttrpc_share_charge(&share, 4 * NSEC_PER_MSEC, now), now - 600 * NSEC_PER_MSEC);
    assert_int_equal(ttrpc_share_charge(&share, 6 * NSEC_PER_MSEC, now), now);
    /* Beyond, one hundred times as long. */
    assert_int_equal(ttrpc_share_charge(&share, NSEC_PER_MSEC, now), now + 100 * NSEC_PER_MSEC);
    /* Time pays. */
    now += 600 * NSEC_PER_MSEC;
    assert_int_equal(ttrpc_share_charge(&share, 5 * NSEC_PER_MSEC, now), now);
    /* Neither savings nor debts are without end. */
    now += 3600 * NSEC_PER_SEC;
    assert_int_equal(ttrpc_share_charge(&share, 10 * NSEC_PER_MSEC, now), now);
    assert_int_equal(ttrpc_share_charge(&share, 3600 * NSEC_PER_SEC, now), now + 60 * NSEC_PER_SEC);
}

/* A part is paid when the whole is, and what it is charged is charged to the whole. */
static void test_a_part_of_a_share(void **state)
{
    struct ttrpc_share whole = {.permyriad = 100, .debt_max = 60 * NSEC_PER_SEC};
    struct ttrpc_share first = {.permyriad = 1000, .debt_max = 60 * NSEC_PER_SEC, .whole = &whole};
    struct ttrpc_share second = first;
    nsec_t now = 1000 * NSEC_PER_SEC;

    assert_int_equal(ttrpc_share_charge(&first, NSEC_PER_MSEC, now), now + 100 * NSEC_PER_MSEC);
    assert_int_equal(first.paid_until, now + 10 * NSEC_PER_MSEC);
    assert_int_equal(ttrpc_share_paid_until(&second), now + 100 * NSEC_PER_MSEC);
    assert_int_equal(ttrpc_share_charge(&second, NSEC_PER_MSEC, now), now + 200 * NSEC_PER_MSEC);
    whole.permyriad = 10000;
    assert_int_equal(ttrpc_share_charge(&first, 100 * NSEC_PER_MSEC, now),
                     now + 1010 * NSEC_PER_MSEC);
}

static void get_into_debt(struct fixture *fixture, struct ttrpc_share *own)
{
    fixture_init_server(fixture, slow_services, NULL);
    ttrpc_connection_set_processor(fixture->server, own);
    send_ping(fixture, 1);
    while (served == 0)
        uv_run(&fixture->loop, UV_RUN_ONCE);
}

/* A millisecond of work at a ten-thousandth of a core: ten seconds of debt. */
static void test_a_debtor_is_not_read(void **state)
{
    struct ttrpc_share own = {.permyriad = 1, .debt_max = 60 * NSEC_PER_SEC};
    struct fixture fixture;

    served = 0;
    get_into_debt(&fixture, &own);
    assert_true(own.paid_until > time_monotonic() + NSEC_PER_SEC);
    send_ping(&fixture, 3);
    loop_run_turns(&fixture.loop, 20);
    assert_int_equal(served, 1);
    /* Its hanging up is still noticed. */
    assert_int_equal(close(fixture.raw), 0);
    fixture.raw = -1;
    loop_run_until(&fixture.loop, &fixture.server_ending.done);
    fixture_finish(&fixture);
}

/* To say that nothing more comes is no way to be read. */
static void test_a_debtor_that_closes_its_direction(void **state)
{
    struct ttrpc_share own = {.permyriad = 1, .debt_max = 60 * NSEC_PER_SEC};
    struct fixture fixture;

    served = 0;
    get_into_debt(&fixture, &own);
    send_ping(&fixture, 3);
    assert_int_equal(shutdown(fixture.raw, SHUT_WR), 0);
    loop_run_turns(&fixture.loop, 20);
    assert_int_equal(served, 1);
    assert_false(fixture.server_ending.done);
    fixture_finish(&fixture);
}

/* When the debt is paid it is read to the end. */
static void test_what_was_sent_before_closing(void **state)
{
    struct ttrpc_share own = {.permyriad = 1000, .debt_max = 60 * NSEC_PER_SEC};
    struct ttrpc_limits limits = ttrpc_limits_default;
    struct fixture fixture;

    served = 0;
    limits.frame_by_frame = true;
    fixture_init_server(&fixture, slow_services, &limits);
    ttrpc_connection_set_processor(fixture.server, &own);
    for (uint32_t i = 0; i < 3; i++)
        send_ping(&fixture, 1 + 2 * i);
    assert_int_equal(shutdown(fixture.raw, SHUT_WR), 0);
    loop_run_until(&fixture.loop, &fixture.server_ending.done);
    assert_int_equal(served, 3);
    assert_int_equal(fixture.server_ending.status, 0);
    fixture_finish(&fixture);
}

/* ---- one share, several connections ---- */

#define CONNECTIONS 4u

struct crowd {
    struct ttrpc_share own;
    uv_loop_t loop;
    int raw[CONNECTIONS];
    struct ttrpc_connection *connections[CONNECTIONS];
};

static void crowd_init(struct crowd *crowd, uint32_t permyriad)
{
    struct ttrpc_connection_options options = {
        .limits = ttrpc_limits_default,
        .services = slow_services,
        .processor = &crowd->own,
    };

    served = 0;
    options.limits.frame_by_frame = true;
    crowd->own = (struct ttrpc_share){.permyriad = permyriad, .debt_max = 60 * NSEC_PER_SEC};
    assert_int_equal(uv_loop_init(&crowd->loop), 0);
    for (unsigned i = 0; i < CONNECTIONS; i++) {
        int pair[2];

        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair),
                         0);
        crowd->raw[i] = pair[0];
        assert_int_equal(
            ttrpc_connection_create(&crowd->loop, pair[1], &options, &crowd->connections[i]), 0);
    }
}

static void crowd_finish(struct crowd *crowd)
{
    for (unsigned i = 0; i < CONNECTIONS; i++) {
        ttrpc_connection_close(crowd->connections[i]);
        close(crowd->raw[i]);
    }
    loop_finish(&crowd->loop);
}

/* What one of them has cost the others wait for, too. */
static void test_a_debt_is_not_paid_by_more_connections(void **state)
{
    struct crowd crowd;

    crowd_init(&crowd, 1);
    for (unsigned i = 0; i < CONNECTIONS; i++)
        send_ping_by(crowd.raw[i], 1);
    while (served == 0)
        uv_run(&crowd.loop, UV_RUN_ONCE);
    loop_run_turns(&crowd.loop, 20);
    assert_int_equal(served, 1);
    crowd_finish(&crowd);
}

static unsigned answers_at(int descriptor)
{
    uint8_t bytes[4096];
    ssize_t length = recv(descriptor, bytes, sizeof(bytes), MSG_PEEK | MSG_DONTWAIT);

    return length <= 0 ? 0 : (unsigned)length / FRAME_HEADER_SIZE;
}

/* Each in its turn, however much the others have sent. */
static void test_connections_take_turns(void **state)
{
    struct crowd crowd;

    crowd_init(&crowd, 1000);
    for (unsigned i = 0; i < CONNECTIONS; i++)
        for (uint32_t stream = 1; stream < 2 * 8; stream += 2)
            send_ping_by(crowd.raw[i], stream);
    while (served < 2 * CONNECTIONS)
        uv_run(&crowd.loop, UV_RUN_ONCE);
    loop_run_turns(&crowd.loop, 1);
    for (unsigned i = 0; i < CONNECTIONS; i++)
        assert_in_range(answers_at(crowd.raw[i]), 1, 2 * CONNECTIONS);
    crowd_finish(&crowd);
}

/* Peers with shares of their own that they need not all of: still one message in a turn of the
 * loop, by whichever comes first, and none is left out. */
static void test_one_message_in_a_turn(void **state)
{
    struct ttrpc_share turns = {.permyriad = 10000, .debt_max = 1, .one_in_turn = true};
    struct crowd crowd;
    unsigned before;

    crowd_init(&crowd, 10000);
    crowd.own.saved_max = 60 * NSEC_PER_SEC;
    crowd.own.whole = &turns;
    for (unsigned i = 0; i < CONNECTIONS; i++)
        for (uint32_t stream = 1; stream < 2 * 8; stream += 2)
            send_ping_by(crowd.raw[i], stream);
    while (served < 4 * CONNECTIONS) {
        before = served;
        uv_run(&crowd.loop, UV_RUN_ONCE);
        assert_in_range(served - before, 0, 1);
    }
    loop_run_turns(&crowd.loop, 1);
    for (unsigned i = 0; i < CONNECTIONS; i++)
        assert_in_range(answers_at(crowd.raw[i]), 1, 2 * CONNECTIONS);
    crowd_finish(&crowd);
}

/* ---- reading ---- */

/* What a peer sent at once is handled one by one, with turns for others between. */
static void test_frame_by_frame(void **state)
{
    struct ttrpc_limits limits = ttrpc_limits_default;
    struct fixture fixture;

    served = 0;
    limits.frame_by_frame = true;
    fixture_init_server(&fixture, slow_services, &limits);
    for (uint32_t i = 0; i < 3; i++)
        send_ping(&fixture, 1 + 2 * i);
    for (unsigned i = 1; i <= 3; i++) {
        while (served < i)
            uv_run(&fixture.loop, UV_RUN_ONCE);
        assert_int_equal(served, i);
    }
    fixture_finish(&fixture);
}

/* The debt is the guest's, not the connection's. */
static void test_connecting_anew_forgives_nothing(void **state)
{
    struct ttrpc_share own = {.permyriad = 1, .debt_max = 60 * NSEC_PER_SEC};
    struct fixture fixture;

    served = 0;
    for (unsigned i = 0; i < 2; i++) {
        get_into_debt(&fixture, &own);
        loop_run_turns(&fixture.loop, 20);
        fixture_finish(&fixture);
        assert_int_equal(served, 1);
        assert_true(own.paid_until > time_monotonic() + 5 * NSEC_PER_SEC);
    }
}

/* A peer with a share of its own and one of all debtors; its messages are read one by one. */
struct debtor {
    struct ttrpc_share own;
    struct ttrpc_budget budget;
    struct fixture fixture;
    struct ttrpc_connection *connection;
};

static void debtor_init(struct debtor *debtor, nsec_t common_savings)
{
    struct ttrpc_connection_options options = {
        .limits = ttrpc_limits_default,
        .services = slow_services,
        .budget = &debtor->budget,
        .processor = &debtor->own,
    };
    int pair[2];

    options.limits.frame_by_frame = true;
    served = 0;
    debtor->own = (struct ttrpc_share){
        .permyriad = 1, .saved_max = NSEC_PER_MSEC / 100, .debt_max = 60 * NSEC_PER_SEC};
    ttrpc_budget_init(&debtor->budget, 1 << 20, 1);
    debtor->budget.processor = (struct ttrpc_share){
        .permyriad = 1, .saved_max = common_savings, .debt_max = 60 * NSEC_PER_SEC};
    fixture_init(&debtor->fixture, pair);
    debtor->fixture.raw = pair[0];
    assert_int_equal(
        ttrpc_connection_create(&debtor->fixture.loop, pair[1], &options, &debtor->connection), 0);
}

static void debtor_finish(struct debtor *debtor)
{
    ttrpc_connection_close(debtor->connection);
    loop_finish(&debtor->fixture.loop);
    close(debtor->fixture.raw);
}

static void send_pings(struct debtor *debtor, uint32_t first, uint32_t last)
{
    for (uint32_t i = first; i <= last; i++)
        send_ping(&debtor->fixture, 2 * i - 1);
}

/* In debt with its own share, a peer that has sent more is read as long as that of all debtors
 * pays.
 */
static void test_debtors_share(void **state)
{
    struct debtor debtor;

    debtor_init(&debtor, 2 * NSEC_PER_MSEC + NSEC_PER_MSEC / 2);
    /* The third is beyond what was saved. */
    send_pings(&debtor, 1, 4);
    while (served < 3)
        uv_run(&debtor.fixture.loop, UV_RUN_ONCE);
    loop_run_turns(&debtor.fixture.loop, 20);
    assert_int_equal(served, 3);
    /* Meanwhile its own share does not fill up again. */
    assert_true(debtor.own.paid_until >= debtor.budget.processor.paid_until);
    assert_true(debtor.own.paid_until > time_monotonic());
    debtor_finish(&debtor);
}

/* Who has nothing more to say waits for its own share: what others owe is not its affair. */
static void test_a_debtor_that_rests(void **state)
{
    struct debtor debtor;

    debtor_init(&debtor, NSEC_PER_SEC);
    send_pings(&debtor, 1, 1);
    while (served == 0)
        uv_run(&debtor.fixture.loop, UV_RUN_ONCE);
    assert_int_equal(debtor.budget.processor.paid_until, 0);
    assert_true(debtor.own.paid_until > time_monotonic() + NSEC_PER_SEC);
    debtor_finish(&debtor);
}

/* What a debtor takes of savings that all debtors have is no credit for its own share. */
static void test_common_savings_are_no_credit(void **state)
{
    struct debtor debtor;
    nsec_t before = time_monotonic();

    debtor_init(&debtor, NSEC_PER_SEC);
    send_pings(&debtor, 1, 2);
    while (served == 0)
        uv_run(&debtor.fixture.loop, UV_RUN_ONCE);
    assert_true(debtor.budget.processor.paid_until > 0);
    assert_true(debtor.budget.processor.paid_until < before);
    assert_true(debtor.own.paid_until >= before);
    debtor_finish(&debtor);
}

/* Answers to what we ask do not bring a peer into debt, whatever we ask; their turns alone would.
 */
static void test_answers_are_not_charged(void **state)
{
    Vmreclaim__Agent__V1__GetInfoRequest request = VMRECLAIM__AGENT__V1__GET_INFO_REQUEST__INIT;
    struct frame_header unasked = {.stream = 2, .type = FRAME_DATA};
    struct ttrpc_share own = {
        .permyriad = 1, .saved_max = 5 * NSEC_PER_MSEC, .debt_max = 60 * NSEC_PER_SEC};
    struct fixture fixture;

    fixture_init_client(&fixture, NULL);
    ttrpc_connection_set_processor(fixture.client, &own);
    for (unsigned i = 0; i < 100; i++) {
        struct outcome outcome = {0};

        assert_int_equal(ttrpc_call_unary(fixture.client, AGENT, "GetInfo", &request.base, 0,
                                          on_result, &outcome, NULL),
                         0);
        answer_with_features(&fixture, 1 + 2 * i, 1);
        loop_run_until(&fixture.loop, &outcome.done);
        assert_int_equal(outcome.code, TTRPC_OK);
    }
    assert_true(own.paid_until <= time_monotonic());
    for (unsigned i = 0; i < 100 && own.paid_until <= time_monotonic(); i++) {
        send_raw(&fixture, &unasked, NULL, 0);
        uv_run(&fixture.loop, UV_RUN_ONCE);
    }
    assert_true(own.paid_until > time_monotonic());
    fixture_finish(&fixture);
}

/* A hundred messages of a stream, each of whose turns costs a fiftieth of what is saved. */
static bool stream_brings_into_debt(nsec_t timeout)
{
    Vmreclaim__Agent__V1__WatchRequest request = VMRECLAIM__AGENT__V1__WATCH_REQUEST__INIT;
    struct frame_header data = {.stream = 1, .type = FRAME_DATA};
    struct ttrpc_share own = {
        .permyriad = 1, .saved_max = 5 * NSEC_PER_MSEC, .debt_max = 60 * NSEC_PER_SEC};
    struct outcome outcome = {0};
    struct fixture fixture;
    bool is_in_debt;

    fixture_init_client(&fixture, NULL);
    ttrpc_connection_set_processor(fixture.client, &own);
    assert_int_equal(ttrpc_call_stream(fixture.client, AGENT, "Watch", &request.base, timeout,
                                       on_message, on_result, &outcome, NULL),
                     0);
    for (unsigned i = 0; i < 100 && own.paid_until <= time_monotonic(); i++) {
        send_raw(&fixture, &data, NULL, 0);
        uv_run(&fixture.loop, UV_RUN_ONCE);
    }
    is_in_debt = own.paid_until > time_monotonic();
    fixture_finish(&fixture);
    return is_in_debt;
}

static void test_what_a_stream_was_asked_for(void **state)
{
    assert_false(stream_brings_into_debt(60 * NSEC_PER_SEC));
    assert_true(stream_brings_into_debt(0)); /* it tells of itself */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_share_is_charged),
        cmocka_unit_test(test_a_part_of_a_share),
        cmocka_unit_test(test_a_debtor_is_not_read),
        cmocka_unit_test(test_a_debtor_that_closes_its_direction),
        cmocka_unit_test(test_what_was_sent_before_closing),
        cmocka_unit_test(test_a_debt_is_not_paid_by_more_connections),
        cmocka_unit_test(test_connections_take_turns),
        cmocka_unit_test(test_one_message_in_a_turn),
        cmocka_unit_test(test_frame_by_frame),
        cmocka_unit_test(test_connecting_anew_forgives_nothing),
        cmocka_unit_test(test_debtors_share),
        cmocka_unit_test(test_a_debtor_that_rests),
        cmocka_unit_test(test_common_savings_are_no_credit),
        cmocka_unit_test(test_answers_are_not_charged),
        cmocka_unit_test(test_what_a_stream_was_asked_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
