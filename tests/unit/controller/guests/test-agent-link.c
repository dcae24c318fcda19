/* A link to an agent: every allocation fails once, and it is closed at every step; what it says of
 * how it ended. The agent is bytes written beforehand. */
#include "tests/lib/test.h"

#include <errno.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "controller/guests/agent-link.h"
#include "tests/lib/fault.h"
#include "tests/lib/loop.h"

#define NEVER 1000000u

struct scenario {
    uv_loop_t loop;
    struct ttrpc_budget budget;
    struct agent_standing standing;
    bool lies; /* samples are not believed */
    unsigned infos;
    unsigned samples;
    unsigned others;
    unsigned endings;
    bool done;
    enum agent_ending ending;
    bool turned_away;
    char reason[128];
};

static void on_info(struct agent_link *link, const Vmreclaim__Agent__V1__GetInfoResponse *info,
                    void *userdata)
{
    struct scenario *scenario = userdata;

    assert_string_equal(info->boot_id, "boot");
    scenario->infos++;
}

static bool on_sample(struct agent_link *link, const Vmreclaim__Agent__V1__MemorySample *sample,
                      uint64_t coalesced, void *userdata)
{
    struct scenario *scenario = userdata;

    assert_int_equal(sample->total, 4096);
    scenario->samples++;
    return !scenario->lies;
}

static void on_pressure(struct agent_link *link,
                        const Vmreclaim__Agent__V1__PressureEvent *pressure, void *userdata)
{
    struct scenario *scenario = userdata;

    scenario->others++;
}

static void on_action(struct agent_link *link, const Vmreclaim__Agent__V1__ActionResult *action,
                      void *userdata)
{
    struct scenario *scenario = userdata;

    scenario->others++;
}

static void on_engine(struct agent_link *link, const Vmreclaim__Agent__V1__EngineState *engine,
                      void *userdata)
{
    struct scenario *scenario = userdata;

    scenario->others++;
}

static void on_close(struct agent_link *link, enum agent_ending ending, const char *reason,
                     void *userdata)
{
    struct scenario *scenario = userdata;

    scenario->endings++;
    scenario->done = true;
    scenario->ending = ending;
    scenario->turned_away = agent_link_was_turned_away(link);
    snprintf(scenario->reason, sizeof(scenario->reason), "%s", reason);
}

static const struct agent_link_callbacks callbacks = {
    on_info, on_sample, on_pressure, on_action, on_engine, on_close,
};

/* ---- what the agent says ---- */

/* GetInfo's answer, a sample, a pressure event: streams 1 and 3. Short texts, so lengths are bytes.
 */
static const uint8_t info[] = "\x00\x00\x00\x08\x00\x00\x00\x01\x02\x00\x12\x06\x1a\x04"
                              "boot";
static const uint8_t sample[] = "\x00\x00\x00\x05\x00\x00\x00\x03\x03\x00\x1a\x03\x18\x80\x20";
static const uint8_t pressure[] = "\x00\x00\x00\x04\x00\x00\x00\x03\x03\x00\x22\x02\x28\x01";
static const uint8_t undecodable[] = "\x00\x00\x00\x02\x00\x00\x00\x03\x03\x00\x1a\x05";
/* It has no memory, or an error of its own: answers, whatever they are to us. */
static const uint8_t exhausted[] = "\x00\x00\x00\x04\x00\x00\x00\x01\x02\x00\x0a\x02\x08\x08";
static const uint8_t internal[] = "\x00\x00\x00\x04\x00\x00\x00\x03\x02\x00\x0a\x02\x08\x0d";
static const uint8_t garbage[] = "\xff";

#define SAY(descriptor, bytes)                                                                     \
    assert_int_equal(write(descriptor, bytes, sizeof(bytes) - 1), sizeof(bytes) - 1)

/* ---- sweeps ---- */

/* Returns the turns it took; the link is closed at turn `close_at`. */
static unsigned play(unsigned fail_at, unsigned close_at, bool *ret_failed)
{
    struct scenario scenario = {0};
    size_t outstanding = fault_outstanding();
    struct agent_link *link;
    unsigned turn = 0;
    bool created;
    int pair[2];

    assert_int_equal(uv_loop_init(&scenario.loop), 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
    SAY(pair[0], info);
    SAY(pair[0], sample);
    SAY(pair[0], pressure);
    assert_int_equal(shutdown(pair[0], SHUT_WR), 0);
    ttrpc_budget_init(&scenario.budget, 1 << 20, 2);
    agent_standing_init(&scenario.standing);
    scenario.standing.processor.debt_max = NSEC_PER_MSEC;
    fault_arm(fail_at);
    created = agent_link_create(&scenario.loop, pair[1], &scenario.budget,
                                &scenario.standing.processor, &callbacks, &scenario, &link) == 0;
    if (created && agent_link_watch(link, NSEC_PER_SEC, 0) < 0)
        agent_link_close(link, "Watch could not be opened");
    for (; created && !scenario.done; turn++) {
        if (turn == close_at)
            agent_link_close(link, "enough");
        uv_run(&scenario.loop, UV_RUN_ONCE);
    }
    *ret_failed = fault_disarm();
    loop_finish(&scenario.loop);
    assert_int_equal(scenario.endings, created ? 1 : 0);
    assert_int_equal(scenario.budget.connections, 0);
    assert_int_equal(scenario.budget.bytes, 0);
    assert_int_equal(fault_outstanding(), outstanding);
    if (fail_at == NEVER && close_at == NEVER) {
        assert_int_equal(scenario.infos, 1);
        assert_int_equal(scenario.samples, 1);
        assert_int_equal(scenario.others, 1);
    }
    close(pair[0]);
    return turn;
}

static void test_every_allocation_fails(void **state)
{
    bool failed = true;
    unsigned count = 0;

    for (; failed; count++)
        play(count, NEVER, &failed);
    assert_true(count > 5);
}

static void test_closing_at_every_step(void **state)
{
    bool failed;
    unsigned turns = play(NEVER, NEVER, &failed);

    assert_true(turns > 2);
    for (unsigned at = 0; at < turns; at++)
        play(NEVER, at, &failed);
}

/* ---- endings ---- */

enum words { NOTHING, GARBAGE, UNDECODABLE, EXHAUSTED, INTERNAL, SAMPLE, LIE, HALF };

static void end_with(enum words words, struct scenario *scenario)
{
    struct agent_link *link;
    int pair[2];

    *scenario = (struct scenario){.lies = words == LIE};
    assert_int_equal(uv_loop_init(&scenario->loop), 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
    ttrpc_budget_init(&scenario->budget, 1 << 20, 2);
    agent_standing_init(&scenario->standing);
    scenario->standing.processor.debt_max = NSEC_PER_MSEC;
    assert_int_equal(agent_link_create(&scenario->loop, pair[1], &scenario->budget,
                                       &scenario->standing.processor, &callbacks, scenario, &link),
                     0);
    assert_int_equal(agent_link_watch(link, NSEC_PER_SEC, 0), 0);
    if (words == SAMPLE || words == LIE || words == HALF)
        SAY(pair[0], sample);
    if (words == GARBAGE)
        SAY(pair[0], garbage);
    if (words == UNDECODABLE)
        SAY(pair[0], undecodable);
    if (words == EXHAUSTED)
        SAY(pair[0], exhausted);
    if (words == INTERNAL)
        SAY(pair[0], internal);
    if (words == HALF)
        assert_int_equal(write(pair[0], info, 5), 5);
    assert_int_equal(shutdown(pair[0], SHUT_WR), 0);
    loop_run_until(&scenario->loop, &scenario->done);
    loop_finish(&scenario->loop);
    close(pair[0]);
}

static void test_endings(void **state)
{
    static const struct {
        enum words words;
        enum agent_ending ending;
    } rows[] = {
        {EXHAUSTED, AGENT_FAILED}, {INTERNAL, AGENT_FAILED},   {NOTHING, AGENT_FAILED},
        {GARBAGE, AGENT_BROKE},    {UNDECODABLE, AGENT_BROKE}, {SAMPLE, AGENT_LEFT},
        {LIE, AGENT_FAILED},       {HALF, AGENT_LEFT},
    };
    struct scenario scenario;

    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        end_with(rows[i].words, &scenario);
        assert_int_equal(scenario.ending, rows[i].ending);
        assert_int_equal(scenario.turned_away, rows[i].words == NOTHING);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_allocation_fails),
        cmocka_unit_test(test_closing_at_every_step),
        cmocka_unit_test(test_endings),
    };

    fault_install();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
