/* Which VM gets a pulse, and why the others get none. */
#include "tests/lib/test.h"

#include <string.h>

#include "common/base/number.h"
#include "controller/pulses/plan.h"

#define HOUR (3600 * NSEC_PER_SEC)

static struct pulse_facts facts;
static struct pulse_watch watch;
static struct pulse_history history;
static struct policy policy;

/* A guest of 4 GiB without an agent, calm for ten minutes, with 3 GiB free that the host holds. */
static int set_up(void **state)
{
    policy_init(&policy, POLICY_BALANCED);
    facts = (struct pulse_facts){
        .now = 100 * HOUR,
        .time = 1700000000,
        .is_reachable = true,
        .has_balloon = true,
        .runs = true,
        .ram = 4 * GIB,
        .footprint = 4 * GIB,
        .foreign_owner = "",
        .reading = {.source = READING_STATISTICS,
                    .read = 100 * HOUR,
                    .total = 4 * GIB - 100 * MIB,
                    .free = 3 * GIB,
                    .available = 3 * GIB + 500 * MIB},
    };
    watch = (struct pulse_watch){
        .last = facts.reading,
        .calm_since = facts.now - 600 * NSEC_PER_SEC,
        .calm_free = 3 * GIB,
        .tells_faults = true,
        .free_before = 3 * GIB,
        .window_free = 3 * GIB,
        .has_window_before = true,
    };
    history = (struct pulse_history){.ended = 0};
    return 0;
}

static struct pulse_plan decide(void)
{
    return pulse_decide(&facts, &watch, &history, &policy);
}

static void expect(enum pulse_reason reason)
{
    struct pulse_plan plan = decide();

    if (plan.reason != reason)
        fail_msg("%s, and not %s", pulse_reason_name(plan.reason), pulse_reason_name(reason));
}

static void test_it_is_due(void **state)
{
    struct pulse_plan plan = decide();

    assert_int_equal(plan.reason, PULSE_IS_DUE);
    assert_true(plan.gain == 3 * GIB - 256 * MIB);
    assert_true(pulse_limits_of(&policy).headroom == policy.pulse_headroom);
    assert_true(pulse_limits_of(&policy).min_gain == policy.pulse_min_gain);
}

static void test_a_vm_that_was_only_found_is_left_alone(void **state)
{
    struct pulse_plan plan = pulse_decide(&facts, &watch, &history, NULL);

    assert_int_equal(plan.reason, PULSE_UNASSIGNED);
}

static void test_no_profile_that_observes_pulses(void **state)
{
    policy_init(&policy, POLICY_OBSERVE);
    expect(PULSE_SWITCHED_OFF);
    policy_init(&policy, POLICY_GENTLE);
    expect(PULSE_SWITCHED_OFF);
    policy_init(&policy, POLICY_AGGRESSIVE);
    expect(PULSE_IS_DUE);
}

static void test_each_fact_forbids_it(void **state)
{
#define CASE(member, value, reason)                                                                \
    do {                                                                                           \
        (void)set_up(state);                                                                       \
        facts.member = value;                                                                      \
        expect(reason);                                                                            \
    } while (0)
    CASE(is_halted, true, PULSE_HALTED);
    CASE(is_reachable, false, PULSE_UNREACHABLE);
    CASE(has_balloon, false, PULSE_NO_BALLOON);
    CASE(reports, true, PULSE_REPORTED);
    CASE(is_pinned, true, PULSE_PINNED);
    CASE(is_encrypted, true, PULSE_ENCRYPTED);
    CASE(is_locked, true, PULSE_LOCKED);
    CASE(has_huge_pages, true, PULSE_HUGE_PAGES);
    CASE(runs, false, PULSE_STANDS_STILL);
    CASE(is_starved, true, PULSE_STARVED);
    CASE(in_balloon, 64 * MIB, PULSE_HOLDS);
    CASE(is_occupied, true, PULSE_OCCUPIED);
    CASE(unread, "it is stale", PULSE_UNREAD);
    CASE(reading.source, READING_NONE, PULSE_UNREAD);
    CASE(footprint, 0, PULSE_UNMEASURED);
    CASE(foreign_owner, "Proxmox VE", PULSE_FOREIGN);
    CASE(is_full_up, true, PULSE_QUEUES);
#undef CASE
}

static void test_who_else_moves_the_balloon_has_it_for_a_day(void **state)
{
    facts.foreign_moved = facts.now - HOUR;
    expect(PULSE_FOREIGN);
    assert_true(decide().wait == 23 * HOUR);
    facts.foreign_moved = facts.now - 24 * HOUR;
    expect(PULSE_IS_DUE);
}

static void test_only_while_it_is_idle(void **state)
{
    watch.calm_since = 0;
    expect(PULSE_WORKS);
    watch.calm_since = facts.now - 100 * NSEC_PER_SEC;
    expect(PULSE_WATCHING);
    assert_true(decide().wait == 20 * NSEC_PER_SEC);
    watch.calm_since = facts.now - 120 * NSEC_PER_SEC;
    expect(PULSE_IS_DUE);
    watch.tells_faults = false; /* nobody knows */
    expect(PULSE_WORKS);
}

/* Its engine has waited for the idle window, and sees what statistics do not. */
static void test_an_agent_says_whether_it_is_idle(void **state)
{
    facts.has_agent = true;
    expect(PULSE_WORKS);
    facts.agent_is_idle = true;
    watch.calm_since = 0;
    expect(PULSE_IS_DUE);
}

static void test_a_guest_that_works_gives_what_was_free_for_long(void **state)
{
    policy.pulse_only_idle = false;
    watch.calm_since = 0;
    expect(PULSE_IS_DUE);
    watch.free_before = 300 * MIB;
    expect(PULSE_FREE_IS_LITTLE);
    watch.has_window_before = false;
    expect(PULSE_WATCHING);
}

static void test_the_least_that_was_free_while_it_was_calm(void **state)
{
    watch.calm_free = GIB;
    assert_true(decide().gain == GIB - 256 * MIB);
    watch.calm_free = 300 * MIB;
    expect(PULSE_FREE_IS_LITTLE);
}

static void test_schedules(void **state)
{
    struct error error;

    assert_int_equal(
        schedule_parse("* * * * *", "1h", "forbid", NULL, &policy.schedules[0], &error), 0);
    policy.schedule_count = 1;
    expect(PULSE_FORBIDDEN);
    policy.schedules[0].effect = SCHEDULE_FORCE;
    watch.calm_since = 0;
    expect(PULSE_IS_DUE);
}

/* What a pulse has taken is still free in the guest, and is not on the host. */
static void test_what_is_not_on_the_host_brings_nothing(void **state)
{
    facts.footprint = GIB + 100 * MIB;
    expect(PULSE_HOST_HAS_LITTLE);
    assert_true(decide().gain == 0);
    facts.footprint = GIB + 356 * MIB;
    expect(PULSE_HOST_HAS_LITTLE);
    assert_true(decide().gain == 100 * MIB);
    facts.footprint = 2 * GIB;
    expect(PULSE_IS_DUE);
    assert_true(decide().gain == GIB - 256 * MIB);
}

static void test_large_guests_keep_more(void **state)
{
    facts.ram = facts.footprint = 64 * GIB;
    facts.reading.total = 63 * GIB;
    facts.reading.free = watch.calm_free = 3 * GIB;
    facts.footprint = 64 * GIB;
    expect(PULSE_FREE_IS_LITTLE);
}

static void test_pulses_that_bring_little_come_rarely(void **state)
{
    pulse_note_end(&history, facts.now, 2 * GIB, policy.pulse_min_gain);
    expect(PULSE_TOO_SOON);
    assert_true(decide().wait == policy.pulse_interval);
    facts.now += policy.pulse_interval;
    expect(PULSE_IS_DUE);
    for (unsigned i = 0; i < 3; i++)
        pulse_note_end(&history, facts.now, MIB, policy.pulse_min_gain);
    assert_true(decide().wait == 8 * policy.pulse_interval);
    for (unsigned i = 0; i < 30; i++)
        pulse_note_end(&history, facts.now, 0, policy.pulse_min_gain);
    assert_true(decide().wait == 24 * HOUR);
    facts.now += 24 * HOUR;
    expect(PULSE_IS_DUE);
    pulse_note_end(&history, facts.now, GIB, policy.pulse_min_gain);
    assert_true(decide().wait == policy.pulse_interval);
}

static void test_an_interval_of_a_day_stays_one(void **state)
{
    policy.pulse_interval = 24 * HOUR;
    pulse_note_end(&history, facts.now, 0, policy.pulse_min_gain);
    assert_true(decide().wait == 24 * HOUR);
}

static void test_every_reason_has_words(void **state)
{
    for (int reason = 0; reason < PULSE_REASON_COUNT; reason++) {
        const struct pulse_plan plan = {
            .reason = (enum pulse_reason)reason, .gain = 512 * MIB, .wait = 90 * NSEC_PER_SEC};
        char text[PULSE_TEXT_SIZE] = "";

        facts.unread = "its balloon statistics are older than two intervals";
        pulse_plan_text(&plan, &facts, &history, &policy, text);
        assert_true(strlen(text) > 8 && strlen(text) <= 90);
        assert_true(strlen(pulse_reason_name(plan.reason)) > 0);
        assert_null(strchr(text, '\n'));
    }
}

#define plan_test(test) cmocka_unit_test_setup(test, set_up)

int main(void)
{
    const struct CMUnitTest tests[] = {
        plan_test(test_it_is_due),
        plan_test(test_a_vm_that_was_only_found_is_left_alone),
        plan_test(test_no_profile_that_observes_pulses),
        plan_test(test_each_fact_forbids_it),
        plan_test(test_who_else_moves_the_balloon_has_it_for_a_day),
        plan_test(test_only_while_it_is_idle),
        plan_test(test_an_agent_says_whether_it_is_idle),
        plan_test(test_a_guest_that_works_gives_what_was_free_for_long),
        plan_test(test_the_least_that_was_free_while_it_was_calm),
        plan_test(test_schedules),
        plan_test(test_what_is_not_on_the_host_brings_nothing),
        plan_test(test_large_guests_keep_more),
        plan_test(test_pulses_that_bring_little_come_rarely),
        plan_test(test_an_interval_of_a_day_stays_one),
        plan_test(test_every_reason_has_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
