/* Every allocation of listening and dialling fails once, and a dial is cancelled at every step. */
#include "tests/lib/test.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/transport/transport.h"
#include "tests/lib/fault.h"
#include "tests/lib/loop.h"

#define NEVER 1000000u

struct scenario {
    uv_loop_t loop;
    struct listener *listener;
    struct dial *dial;
    unsigned results;
    bool done;
};

static void on_accept(int descriptor, const struct peer *peer, void *userdata)
{
    if (write(descriptor, "OK 5\n", 5) < 0)
        abort();
    close(descriptor);
}

static void on_dialled(int descriptor, const struct error *error, void *userdata)
{
    struct scenario *scenario = userdata;

    scenario->results++;
    scenario->done = true;
    if (descriptor >= 0)
        close(descriptor);
}

/* Returns the turns it took; the dial is cancelled at turn `cancel_at`. */
static unsigned play(const struct address *address, unsigned fail_at, unsigned cancel_at,
                     bool *ret_failed)
{
    struct address listening = *address;
    struct scenario scenario = {0};
    size_t outstanding = fault_outstanding();
    bool listens, dials;
    unsigned turn = 0;

    listening.kind = ADDRESS_UNIX;
    assert_int_equal(uv_loop_init(&scenario.loop), 0);
    fault_arm(fail_at);
    listens = listener_create(&scenario.loop, &listening, 0600, on_accept, NULL, &scenario.listener,
                              NULL) == 0;
    dials = dial_start(&scenario.loop, address, 600 * NSEC_PER_SEC, on_dialled, &scenario,
                       &scenario.dial) == 0;
    for (; dials && !scenario.done && turn < cancel_at; turn++)
        uv_run(&scenario.loop, UV_RUN_ONCE);
    if (dials && !scenario.done)
        dial_cancel(scenario.dial);
    *ret_failed = fault_disarm();
    listener_destroy(listens ? scenario.listener : NULL);
    loop_finish(&scenario.loop);
    assert_int_equal(scenario.results, dials && turn < cancel_at ? 1 : scenario.results);
    assert_true(scenario.results <= 1);
    assert_int_equal(fault_outstanding(), outstanding);
    assert_int_equal(access(address->path, F_OK), -1);
    return turn;
}

static void sweep(enum address_kind kind)
{
    struct address address = {.kind = kind, .port = AGENT_PORT};
    char directory[] = "/tmp/transport-XXXXXX";
    bool failed = true;
    unsigned turns;

    assert_non_null(mkdtemp(directory));
    snprintf(address.path, sizeof(address.path), "%s/s", directory);
    for (unsigned at = 0; failed; at++)
        play(&address, at, NEVER, &failed);
    turns = play(&address, NEVER, NEVER, &failed);
    assert_true(turns > 0);
    for (unsigned at = 0; at <= turns; at++)
        play(&address, NEVER, at, &failed);
    assert_int_equal(rmdir(directory), 0);
}

static void test_unix(void **state)
{
    sweep(ADDRESS_UNIX);
}

static void test_hybrid(void **state)
{
    sweep(ADDRESS_HYBRID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unix),
        cmocka_unit_test(test_hybrid),
    };

    fault_install();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
