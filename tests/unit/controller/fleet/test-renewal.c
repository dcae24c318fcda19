/* States that the former key has signed, or that soon expire, are signed again as they are. */
#include "tests/lib/test.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include "controller/fleet/coordinator/renewal.h"
#include "tests/unit/controller/fleet/memory-bus.h"

#define DAY   ((int64_t)24 * 3600 * 1000000000)
#define EPOCH 7

static struct fixture {
    uv_loop_t loop;
    struct signing_key key, former;
    struct fleet_hosts hosts;
    struct lease lease;
    struct writer writer;
    struct renewal renewal;
    int64_t now;
    unsigned fences;
} f;

static void on_fenced(uint64_t epoch, void *userdata)
{
    f.fences++;
}

static void on_room(void *userdata)
{
}

static int set_up(void **state)
{
    memory_bus_begin();
    f = (struct fixture){.now = time_realtime()};
    assert_int_equal(uv_loop_init(&f.loop), 0);
    assert_int_equal(signing_key_make(&f.key), 0);
    assert_int_equal(signing_key_make(&f.former), 0);
    fleet_hosts_init(&f.hosts);
    signing_key_public(&f.key, &f.hosts.keys[0]);
    signing_key_public(&f.former, &f.hosts.keys[1]);
    f.hosts.key_count = 2;
    f.lease = (struct lease){.epoch = EPOCH, .held_until = time_boottime() + 3600 * NSEC_PER_SEC};
    writer_init(&f.writer, &f.hosts, &f.key, on_fenced, on_room, NULL);
    f.writer.bus = memory_bus();
    renewal_init(&f.renewal, &f.loop, &f.hosts, &f.writer, &f.lease);
    return 0;
}

static int tear_down(void **state)
{
    renewal_stop(&f.renewal);
    writer_finish(&f.writer);
    fleet_hosts_finish(&f.hosts);
    uv_run(&f.loop, UV_RUN_DEFAULT);
    memory_bus_begin();
    return uv_loop_close(&f.loop);
}

/* What the bus keeps of a host, and this coordinator has heard. */
static void keep_of(const char *host, const struct signing_key *key, int64_t issued, int64_t left,
                    uint64_t epoch)
{
    DesiredState state = VMRECLAIM__FLEET__V1__DESIRED_STATE__INIT;
    Vmreclaim__Fleet__V1__DesiredPolicy policy = VMRECLAIM__FLEET__V1__DESIRED_POLICY__INIT;
    Vmreclaim__Fleet__V1__DesiredPolicy *policies[] = {&policy};
    const struct bus_message *message;
    char subject[128];
    uint8_t *bytes;
    size_t size;

    policy.name = (char *)"night";
    policy.text = (char *)"name: night\nprofile: gentle\n";
    state.host = (char *)host;
    state.generation = 4;
    state.epoch = epoch;
    state.issued_ns = issued;
    state.expires_ns = f.now + left;
    state.policies = policies;
    state.n_policies = 1;
    assert_int_equal(signed_state_sign(&state, key, &bytes, &size), 0);
    snprintf(subject, sizeof(subject), WRITER_SUBJECT "%s", host);
    memory_bus_keep(subject, bytes, size);
    message = memory_bus_newest(subject);
    fleet_hosts_take_wanted(&f.hosts, host, bytes, size, message->sequence);
    free(bytes);
}

static void keep(const char *host, const struct signing_key *key, int64_t left, uint64_t epoch)
{
    keep_of(host, key, f.now - DAY, left, epoch);
}

/* By the present key alone. */
static void open_newest(const char *host, struct signed_state *ret_state)
{
    const struct bus_message *message;
    char subject[128];
    struct error error;

    snprintf(subject, sizeof(subject), WRITER_SUBJECT "%s", host);
    message = memory_bus_newest(subject);
    assert_non_null(message);
    assert_int_equal(
        signed_state_open(message->data, message->length, f.hosts.keys, 1, ret_state, &error), 0);
}

static void check_renewed(const char *host)
{
    struct signed_state state;

    open_newest(host, &state);
    assert_int_equal(state.state->generation, 5);
    assert_int_equal(state.state->epoch, EPOCH);
    assert_true(state.state->expires_ns > f.now + WRITER_EXPIRES - DAY);
    assert_int_equal(state.state->n_policies, 1);
    assert_string_equal(state.state->policies[0]->text, "name: night\nprofile: gentle\n");
    signed_state_finish(&state);
}

static void turn(void)
{
    renewal_turn(&f.renewal, f.now);
    memory_bus_run();
}

static void test_the_former_key_is_given_up(void **state)
{
    keep("h1", &f.former, WRITER_EXPIRES, 1);
    keep("h2", &f.key, WRITER_EXPIRES, 1);
    turn();
    check_renewed("h1");
    assert_int_equal(memory_bus_puts(), 1);
    turn();
    assert_int_equal(memory_bus_puts(), 1);
}

static void test_what_soon_expires_is_renewed(void **state)
{
    keep("h1", &f.key, RENEWAL_LEFT - DAY, 1);
    keep("h2", &f.key, RENEWAL_LEFT + DAY, 1);
    turn();
    check_renewed("h1");
    assert_int_equal(memory_bus_puts(), 1);
}

/* The servers have lost it, and it would expire. */
static void test_what_is_lost_is_put_back(void **state)
{
    keep("h1", &f.key, RENEWAL_LEFT - DAY, 1);
    memory_bus_remake(WRITER_SUBJECT);
    fleet_hosts_on_wanted_remade(&f.hosts);
    turn();
    check_renewed("h1");
    turn();
    assert_int_equal(memory_bus_puts(), 1);
}

static void test_what_was_signed_in_the_future_is_renewed(void **state)
{
    keep_of("h1", &f.key, f.now + DAY, WRITER_EXPIRES + DAY, 1);
    keep_of("h2", &f.key, f.now + DAY / 1440, WRITER_EXPIRES, 1);
    turn();
    check_renewed("h1");
    assert_int_equal(memory_bus_puts(), 1);
}

static void test_who_does_not_lead_renews_nothing(void **state)
{
    keep("h1", &f.former, WRITER_EXPIRES, 1);
    f.lease.epoch = 0;
    turn();
    assert_int_equal(memory_bus_puts(), 0);
    f.lease.epoch = EPOCH; /* somebody of a later one has written it */
    keep("h1", &f.former, WRITER_EXPIRES, EPOCH + 1);
    turn();
    assert_int_equal(memory_bus_puts(), 0);
    assert_int_equal(f.fences, 1);
}

static void test_rollouts_have_room(void **state)
{
    for (unsigned i = 0; i < 2 * RENEWALS_MAX; i++) {
        char host[16];

        snprintf(host, sizeof(host), "h%u", i);
        keep(host, &f.former, WRITER_EXPIRES, 1);
    }
    renewal_turn(&f.renewal, f.now);
    assert_int_equal(f.writer.count, RENEWALS_MAX);
    memory_bus_run();
    turn();
    assert_int_equal(memory_bus_puts(), 2 * RENEWALS_MAX);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, set_up, tear_down)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(the_former_key_is_given_up),       TEST(what_soon_expires_is_renewed),
        TEST(what_is_lost_is_put_back),         TEST(what_was_signed_in_the_future_is_renewed),
        TEST(who_does_not_lead_renews_nothing), TEST(rollouts_have_room),
    };

    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
