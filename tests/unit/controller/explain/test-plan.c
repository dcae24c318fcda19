/* What is said of the policy: what it waits for, does and when. */
#include "tests/lib/test.h"

#include <string.h>

#include "common/base/number.h"
#include "tests/unit/controller/explain/made.h"

static void test_plan_speaks_the_policys_numbers(void **state)
{
    struct made made;
    struct explanation explanation;

    make_healthy(&made);
    made.w.cache = GIB;
    made.w.trapped = 200 * MIB;
    explain_vm(&made.subject, &explanation);
    assert_string_equal(
        find(&explanation, "plan-idle")->sentence,
        "Policy \"balanced\" waits until the guest is idle: under 0.5% of its CPUs, "
        "of at most 16, for 2m, and no pressure.");
    assert_string_equal(find(&explanation, "plan-cache")->sentence,
                        "When idle it takes file cache, coldest first, in steps of at most 256.0 "
                        "MiB down to 128.0 MiB: about 896.0 MiB.");
    assert_string_equal(find(&explanation, "plan-compaction")->sentence,
                        "When idle it compacts, for at most 30s and not more often than every 10m: "
                        "200.0 MiB are trapped.");
    assert_null(find(&explanation, "plan-trickle"));
    assert_non_null(find(&explanation, "plan-never-idle"));
    made.policy.trickle = MIB;
    explain_vm(&made.subject, &explanation);
    assert_non_null(find(&explanation, "plan-trickle"));
    assert_null(find(&explanation, "plan-never-idle"));
    policy_init(&made.policy, POLICY_WSL);
    explain_vm(&made.subject, &explanation);
    assert_null(find(&explanation, "plan-trickle"));
    assert_string_equal(find(&explanation, "plan-never-idle")->sentence,
                        "While the guest works, it does nothing: it has no trickle. Profile "
                        "balanced has one, which takes a bounded amount of cache from a guest "
                        "that works.");
    made.policy.profile = POLICY_OBSERVE;
    explain_vm(&made.subject, &explanation);
    assert_null(find(&explanation, "plan-cache"));
    assert_non_null(find(&explanation, "policy-observes"));
    made.subject.policy = NULL;
    explain_vm(&made.subject, &explanation);
    assert_string_equal(find(&explanation, "no-policy")->command,
                        "vmreclaim policy apply FILE --vm web1");
}

static void test_plan_names_the_order_step(void **state)
{
    struct made made;
    struct explanation explanation;

    make_healthy(&made);
    made.w.trapped = 200 * MIB;
    made.host.lowest_useful_order = 2;
    made.policy.reporting_order = 5;
    explain_vm(&made.subject, &explanation);
    assert_string_equal(find(&explanation, "plan-order")->sentence,
                        "For what stays trapped it reports blocks down to order 5 instead of 9 for "
                        "a while, where that promises 16.0 MiB or more.");
    made.policy.reporting_order = 9;
    explain_vm(&made.subject, &explanation);
    assert_null(find(&explanation, "plan-order"));
    made.policy.reporting_order = 5;
    made.w.trapped = 15 * MIB;
    explain_vm(&made.subject, &explanation);
    assert_null(find(&explanation, "plan-order"));
}

/* 2026-01-01, a Thursday, UTC. */
#define MIDNIGHT 1767225600

static void add_schedule(struct made *made, const char *cron, const char *duration,
                         const char *effect)
{
    struct error error;

    assert_int_equal(schedule_parse(cron, duration, effect, NULL,
                                    &made->policy.schedules[made->policy.schedule_count++], &error),
                     0);
}

static void test_plan_says_when_schedules_act(void **state)
{
    static const char *const at_two[] = {
        "A schedule makes it act without waiting until the guest is idle: next Thu 03:00 UTC, in "
        "1h, for 1h.",
        "A schedule forbids it to act: next Thu 08:00 UTC, in 6h, for 12h.",
    };
    struct made made;
    struct explanation explanation;
    size_t found = 0;

    make_healthy(&made);
    add_schedule(&made, "0 3 * * *", "1h", "force");
    add_schedule(&made, "0 8 * * *", "12h", "forbid");
    made.subject.time = (MIDNIGHT + 2 * 3600) * (int64_t)NSEC_PER_SEC;
    explain_vm(&made.subject, &explanation);
    for (size_t i = 0; i < explanation.count; i++)
        if (strcmp(explanation.findings[i].code, "plan-schedule") == 0)
            assert_string_equal(explanation.findings[i].sentence, at_two[found++]);
    assert_int_equal(found, 2);
    made.subject.time = (MIDNIGHT + 3 * 3600 + 60) * (int64_t)NSEC_PER_SEC;
    explain_vm(&made.subject, &explanation);
    assert_string_equal(find(&explanation, "plan-schedule")->sentence,
                        "Until Thu 04:00 UTC (in 59m) it acts without waiting until the guest is "
                        "idle: schedule \"0 3 * * *\" for 1h.");
    made.policy.schedule_count = 0;
    add_schedule(&made, "0 0 30 2 *", "1h", "allow");
    explain_vm(&made.subject, &explanation);
    assert_string_equal(
        find(&explanation, "plan-schedule")->sentence,
        "Schedule \"0 0 30 2 *\" (allow) opens not once within a year, or never closes.");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plan_speaks_the_policys_numbers),
        cmocka_unit_test(test_plan_names_the_order_step),
        cmocka_unit_test(test_plan_says_when_schedules_act),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
