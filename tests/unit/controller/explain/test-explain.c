/* What is said besides the reasons: the summary, what holds memory, plan and advice. */
#include "tests/lib/test.h"

#include <string.h>

#include "common/base/number.h"
#include "tests/unit/controller/explain/made.h"

/* What can be taken by every way there is. */
static void make_loose(struct made *made)
{
    make_healthy(made);
    made->w.footprint = 3 * GIB;
    made->w.cache = GIB;
    made->w.trapped = GIB;
    made->w.percpu = 512 * MIB;
}

static bool offers_an_order(const struct explanation *explanation)
{
    static const char *const codes[] = {"can-reclaim", "can-compact", "can-lower-order",
                                        "can-kick"};

    for (size_t i = 0; i < ARRAY_SIZE(codes); i++)
        if (find(explanation, codes[i]) != NULL)
            return true;
    return false;
}

static void test_small_things_are_not_said(void **state)
{
    struct made made;
    struct explanation explanation;

    make_healthy(&made);
    made.w.footprint = 64 * GIB;
    made.w.swapped = 600 * MIB; /* under 1 % of the footprint */
    explain_vm(&made.subject, &explanation);
    assert_null(find(&explanation, "host-swap"));
}

static void test_holds_are_sorted(void **state)
{
    struct made made;
    struct explanation explanation;

    make_healthy(&made);
    made.guest.zfs_arc = 700 * MIB;
    made.guest.shmem = 300 * MIB;
    made.guest.tmpfs = 200 * MIB;
    made.guest.hugetlb = 96 * MIB;
    made.guest.hugetlb_free = 96 * MIB;
    explain_vm(&made.subject, &explanation);
    static const char *const order[] = {"summary", "zfs-arc", "anonymous", "tmpfs"};
    for (size_t i = 0; i < ARRAY_SIZE(order); i++)
        assert_string_equal(explanation.findings[i].code, order[i]);
    assert_int_equal(find(&explanation, "shmem")->bytes, 100 * MIB);
    assert_int_equal(find(&explanation, "hugetlb-pool")->bytes, 96 * MIB);
    assert_null(find(&explanation, "hugetlb-used"));
}

static void test_without_an_agent_the_balloon_speaks(void **state)
{
    Vmreclaim__Controller__V1__BalloonStatistics statistics =
        VMRECLAIM__CONTROLLER__V1__BALLOON_STATISTICS__INIT;
    struct made made;
    struct explanation explanation;

    make_healthy(&made);
    made.w.guest_is_known = 0;
    made.vm.agent_connected = 0;
    explain_vm(&made.subject, &explanation);
    assert_non_null(find(&explanation, "no-agent"));
    assert_null(find(&explanation, "balloon-statistics"));
    statistics.total = 4 * GIB;
    statistics.free = GIB;
    statistics.disk_caches = 2 * GIB;
    statistics.available = 3 * GIB;
    made.vm.statistics = &statistics;
    explain_vm(&made.subject, &explanation);
    assert_string_equal(find(&explanation, "balloon-statistics")->sentence,
                        "Its balloon driver says that of 4.0 GiB 1.0 GiB is free and 2.0 GiB is "
                        "file cache; 3.0 GiB could be used without swapping.");
}

static void test_the_summary_adds_up(void **state)
{
    struct made made;
    struct explanation explanation;

    make_healthy(&made);
    explain_vm(&made.subject, &explanation);
    assert_string_equal(find(&explanation, "summary")->sentence,
                        "The guest uses 400.0 MiB, its kernel takes 100.0 MiB for itself, 8.0 MiB "
                        "is file cache, and 4.0 MiB is free and not reported: 512.0 MiB in all. "
                        "The host holds 512.0 MiB.");
    resident(&made);
    explain_vm(&made.subject, &explanation);
    assert_non_null(strstr(find(&explanation, "summary")->sentence,
                           "The host holds 1.5 GiB, 1.0 GiB more than the guest needs."));
    make_healthy(&made);
    made.w.footprint = 212 * MIB;
    made.w.remainder = -(int64_t)(300 * MIB);
    made.host.touched = 212 * MIB;
    explain_vm(&made.subject, &explanation);
    assert_non_null(strstr(find(&explanation, "summary")->sentence,
                           "The host holds 212.0 MiB, since 300.0 MiB of it was never touched."));
    made.host.touched = 4 * GIB - 150 * MIB;
    explain_vm(&made.subject, &explanation);
    assert_non_null(strstr(find(&explanation, "summary")->sentence,
                           "300.0 MiB of it was never touched, or has left the host."));
    made.host.touched = 0; /* an older daemon */
    explain_vm(&made.subject, &explanation);
    assert_null(find(&explanation, "never-touched"));
    assert_non_null(strstr(find(&explanation, "left-the-host")->sentence,
                           "not on the host: never touched, or it has left."));
    made.w.swapped = 290 * MIB;
    explain_vm(&made.subject, &explanation);
    assert_non_null(
        strstr(find(&explanation, "summary")->sentence, "300.0 MiB of it is in the host's swap."));
}

/* 4 GiB of which the guest counts 3.3 as free, though the host holds but 700 MiB. */
static void make_untouched(struct made *made)
{
    make_healthy(made);
    made->w.footprint = 700 * MIB;
    made->w.cache = 100 * MIB;
    made->w.reported = 0;
    made->w.reportable = 3400 * MIB;
    made->w.remainder = 700 * (int64_t)MIB - (400 + 100 + 100 + 4 + 3400) * (int64_t)MIB;
    made->host.touched = 700 * MIB;
}

static void test_never_touched_is_told(void **state)
{
    struct made made;
    struct explanation explanation;

    make_untouched(&made);
    explain_vm(&made.subject, &explanation);
    assert_int_equal(find(&explanation, "never-touched")->bytes, 3304 * MIB);
    assert_null(find(&explanation, "left-the-host"));
    made.w.remainder = -(int64_t)(20 * MIB); /* what measuring can miss */
    explain_vm(&made.subject, &explanation);
    assert_null(find(&explanation, "never-touched"));
}

/* The footprint of this boot was higher: that much the guest has touched. */
static void test_what_has_left_the_host_was_touched(void **state)
{
    struct made made;
    struct explanation explanation;

    make_untouched(&made);
    made.host.touched = 4000 * MIB;
    explain_vm(&made.subject, &explanation);
    assert_int_equal(find(&explanation, "never-touched")->bytes, 96 * MIB);
    assert_non_null(strstr(find(&explanation, "never-touched")->sentence,
                           "Up to 96.0 MiB of the above was never touched: the host has held 3.9 "
                           "GiB for this VM at most."));
    assert_int_equal(find(&explanation, "left-the-host")->bytes, (3304 - 96) * MIB);
    assert_non_null(strstr(find(&explanation, "summary")->sentence, "of it has left the host."));
}

static void test_what_was_never_there_does_not_wait(void **state)
{
    struct made made;
    struct explanation explanation;

    make_untouched(&made);
    explain_vm(&made.subject, &explanation);
    assert_int_equal(find(&explanation, "reportable")->bytes, 96 * MIB);
    assert_int_equal(find(&explanation, "throttled")->bytes, 96 * MIB);
    assert_int_equal(find(&explanation, "can-kick")->bytes, 100 * MIB);
    made.w.held_back = 3350 * MIB;
    explain_vm(&made.subject, &explanation);
    assert_int_equal(find(&explanation, "held-back")->bytes, 96 * MIB);
    assert_int_equal(find(&explanation, "can-kick")->bytes, 54 * MIB);
    reporting_off(&made);
    explain_vm(&made.subject, &explanation);
    assert_non_null(strstr(find(&explanation, "reporting-off")->sentence,
                           "so 100.0 MiB of free memory stays on the host"));
    make_untouched(&made);
    made.w.reportable = 0;
    made.w.trapped = 3400 * MIB;
    explain_vm(&made.subject, &explanation);
    assert_int_equal(find(&explanation, "trapped")->bytes, 96 * MIB);
    assert_int_equal(find(&explanation, "can-compact")->bytes, 96 * MIB);
}

/* What the host has swapped out is still its to get rid of. */
static void test_swapped_memory_is_there(void **state)
{
    struct made made;
    struct explanation explanation;

    make_untouched(&made);
    made.w.swapped = 3304 * MIB;
    reporting_off(&made);
    explain_vm(&made.subject, &explanation);
    assert_null(find(&explanation, "never-touched"));
    assert_int_equal(find(&explanation, "reporting-off")->bytes, 3404 * MIB);
}

static void test_reporting_off_and_nothing_free(void **state)
{
    struct made made;
    struct explanation explanation;

    make_healthy(&made);
    reporting_off(&made);
    made.w.reported = 0;
    explain_vm(&made.subject, &explanation);
    assert_string_equal(find(&explanation, "reporting-off")->sentence,
                        "Free page reporting is off, so what the guest frees stays on the host: "
                        "start the VM with free-page-reporting=on.");
    assert_int_equal(find(&explanation, "reporting-off")->evidence_count, 2);
    /* Without an agent nobody knows what is free. */
    made.w.guest_is_known = false;
    explain_vm(&made.subject, &explanation);
    assert_int_equal(find(&explanation, "reporting-off")->evidence_count, 0);
}

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

static void test_the_guests_own_limits_are_named(void **state)
{
    char *const keys[] = {(char *)"cache_floor", (char *)"allow_commands", NULL};
    struct made made;
    struct explanation explanation;

    make_loose(&made);
    explain_vm(&made.subject, &explanation);
    assert_null(find(&explanation, "plan-limits"));
    assert_null(find(&explanation, "policy-forbids"));
    made.subject.own_limits = keys;
    made.policy.allow_commands = false;
    explain_vm(&made.subject, &explanation);
    assert_non_null(
        strstr(find(&explanation, "plan-limits")->sentence, "holds: cache_floor, allow_commands."));
    assert_string_equal(find(&explanation, "policy-forbids")->command,
                        "vmreclaim policy show --effective web1");
    assert_false(offers_an_order(&explanation));
    assert_string_equal(find(&explanation, "per-cpu-lists")->command, "");
}

static void test_advice_is_what_pays(void **state)
{
    struct made made;
    struct explanation explanation;

    make_healthy(&made);
    explain_vm(&made.subject, &explanation);
    assert_null(find(&explanation, "can-reclaim"));
    made.w.cache = GIB;
    made.w.trapped = 200 * MIB;
    made.w.percpu = 40 * MIB;
    made.host.lowest_useful_order = 5;
    explain_vm(&made.subject, &explanation);
    assert_string_equal(find(&explanation, "can-reclaim")->command, "vmreclaim reclaim web1");
    assert_string_equal(find(&explanation, "can-compact")->command, "vmreclaim compact web1");
    assert_string_equal(find(&explanation, "can-lower-order")->command,
                        "vmreclaim reporting web1 --order 5 --kick");
    assert_string_equal(find(&explanation, "can-kick")->command, "vmreclaim reporting web1 --kick");
    lack(&made, "compaction", "");
    explain_vm(&made.subject, &explanation);
    assert_null(find(&explanation, "can-compact"));
}

static void lack_reporting(struct made *made)
{
    lack(made, "free-page-reporting", "the kernel lacks CONFIG_PAGE_REPORTING");
}

static void pin(struct made *made)
{
    made->host.vfio_devices = 1;
}

static void encrypt(struct made *made)
{
    made->host.encrypted = 1;
}

static void lock(struct made *made)
{
    made->host.locked = 1;
}

static void back_by_huge_pages(struct made *made)
{
    made->host.backing = (char *)"hugetlb";
    made->host.backing_page_size = GIB;
}

static void refuse_poison(struct made *made)
{
    lack(made, "unpoisoned-pages", "the kernel overwrites free pages: init_on_free");
    made->features[1] = &made->second_feature;
    made->second_feature.name = (char *)"free-page-reporting";
    made->info.n_features = 2;
}

static void pause_it(struct made *made)
{
    made->vm.state = (char *)"paused";
}

static void migrate(struct made *made)
{
    made->vm.state = (char *)"migrating";
}

static void doubt(struct made *made)
{
    made->vm.announced = 0;
}

static const struct {
    void (*change)(struct made *made);
    const char *instead; /* what is offered then; NULL: nothing */
} nothing_returns[] = {
    {reporting_off, "can-balloon"},
    {lack_reporting, "can-balloon"},
    {refuse_poison, "can-balloon"},
    {pin, NULL},
    {encrypt, NULL},
    {lock, NULL},
    {back_by_huge_pages, NULL},
    {pause_it, "can-wait"},
    {migrate, "can-wait"},
    {doubt, "can-announce"},
};

static void test_what_cannot_return_or_is_refused_is_not_advised(void **state)
{
    struct made made;
    struct explanation explanation;

    make_loose(&made);
    explain_vm(&made.subject, &explanation);
    assert_true(offers_an_order(&explanation));
    assert_null(find(&explanation, "can-balloon"));
    for (size_t i = 0; i < ARRAY_SIZE(nothing_returns); i++) {
        make_loose(&made);
        nothing_returns[i].change(&made);
        explain_vm(&made.subject, &explanation);
        assert_false(offers_an_order(&explanation));
        if (nothing_returns[i].instead != NULL)
            assert_non_null(find(&explanation, nothing_returns[i].instead));
        else
            assert_null(find(&explanation, "can-balloon"));
    }
}

/* A reason may name a command as well. */
static void test_no_reason_names_a_command_that_is_refused(void **state)
{
    struct made made;
    struct explanation explanation;

    make_loose(&made);
    explain_vm(&made.subject, &explanation);
    assert_string_not_equal(find(&explanation, "per-cpu-lists")->command, "");
    pause_it(&made);
    explain_vm(&made.subject, &explanation);
    assert_string_equal(find(&explanation, "per-cpu-lists")->command, "");
    make_loose(&made);
    reporting_off(&made);
    explain_vm(&made.subject, &explanation);
    assert_string_equal(find(&explanation, "per-cpu-lists")->command, "");
}

static void test_balloon_is_advised_where_reporting_is_off(void **state)
{
    struct made made;
    struct explanation explanation;

    make_healthy(&made);
    reporting_off(&made);
    made.w.footprint = 3 * GIB;
    explain_vm(&made.subject, &explanation);
    /* 400 + 100 MiB in use and a reserve of 256 MiB, in steps of 64 MiB */
    assert_string_equal(find(&explanation, "can-balloon")->command,
                        "vmreclaim balloon web1 768MiB --for 1h");
    made.guest.available = 1280 * MIB; /* of them 1 GiB beside the reserve */
    made.w.footprint = 4 * GIB;
    explain_vm(&made.subject, &explanation);
    assert_string_equal(find(&explanation, "can-balloon")->command,
                        "vmreclaim balloon web1 3072MiB --for 1h");
    made.guest.available = 3596 * MIB;
    made.host.deflate_on_oom = 0; /* a fifth is refused to be taken */
    explain_vm(&made.subject, &explanation);
    assert_string_equal(find(&explanation, "can-balloon")->command,
                        "vmreclaim balloon web1 1344MiB --for 1h");
    made.host.foreign_balloon_owner = (char *)"another client of the hypervisor";
    explain_vm(&made.subject, &explanation);
    assert_null(find(&explanation, "can-balloon"));
    made.host.foreign_balloon_owner = (char *)"";
    made.vm.driver_state = (char *)"QMP socket: no such file or directory";
    explain_vm(&made.subject, &explanation);
    assert_null(find(&explanation, "can-balloon"));
    made.vm.driver_state = (char *)"ready";
    made.vm.balloon_target = 0;
    made.vm.reporting = (char *)"off: the VM has no balloon device";
    explain_vm(&made.subject, &explanation);
    assert_null(find(&explanation, "can-balloon"));
}

static void test_nothing_waits_where_reporting_is_off(void **state)
{
    struct made made;
    struct explanation explanation;

    make_healthy(&made);
    made.w.reportable = GIB;
    made.w.held_back = 256 * MIB;
    explain_vm(&made.subject, &explanation);
    assert_non_null(find(&explanation, "can-kick"));
    assert_non_null(find(&explanation, "throttled"));
    reporting_off(&made);
    explain_vm(&made.subject, &explanation);
    assert_non_null(find(&explanation, "reporting-off"));
    assert_null(find(&explanation, "can-kick"));
    assert_null(find(&explanation, "throttled"));
    assert_null(find(&explanation, "held-back"));
}

static void test_without_an_agent(void **state)
{
    struct made made;
    struct explanation explanation;

    make_healthy(&made);
    made.w.guest_is_known = 0;
    made.w.guest = NULL;
    made.vm.agent_connected = 0;
    made.subject.info = NULL;
    explain_vm(&made.subject, &explanation);
    assert_non_null(find(&explanation, "no-agent"));
    assert_non_null(find(&explanation, "can-install-agent"));
    made.vm.waterfall = NULL;
    made.vm.host = NULL;
    explain_vm(&made.subject, &explanation);
    assert_int_equal(count_reasons(&explanation), 0);
}

static void test_a_last_sample_is_named_and_not_shown(void **state)
{
    struct made made;
    struct explanation explanation;

    make_healthy(&made);
    made.w.cache = GIB;
    made.w.guest_is_known = 0;
    made.vm.agent_connected = 0;
    made.vm.last_sample_ns = 1000 * (int64_t)NSEC_PER_SEC;
    made.subject.time = made.vm.last_sample_ns + 45 * (int64_t)NSEC_PER_SEC + 7;
    explain_vm(&made.subject, &explanation);
    assert_string_equal(find(&explanation, "no-agent")->sentence,
                        "The host holds 512.0 MiB for this VM; nobody can say what for, since the "
                        "agent in the guest is gone: its last sample is 45s old.");
    assert_string_equal(find(&explanation, "can-install-agent")->sentence,
                        "Start vmreclaim-agent in the guest again: it finds what can come back.");
    assert_null(find(&explanation, "can-reclaim"));
    made.vm.agent_connected = 1;
    explain_vm(&made.subject, &explanation);
    assert_non_null(find(&explanation, "no-sample"));
    assert_null(find(&explanation, "can-install-agent"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_small_things_are_not_said),
        cmocka_unit_test(test_holds_are_sorted),
        cmocka_unit_test(test_without_an_agent_the_balloon_speaks),
        cmocka_unit_test(test_the_summary_adds_up),
        cmocka_unit_test(test_never_touched_is_told),
        cmocka_unit_test(test_what_has_left_the_host_was_touched),
        cmocka_unit_test(test_what_was_never_there_does_not_wait),
        cmocka_unit_test(test_swapped_memory_is_there),
        cmocka_unit_test(test_reporting_off_and_nothing_free),
        cmocka_unit_test(test_plan_speaks_the_policys_numbers),
        cmocka_unit_test(test_plan_names_the_order_step),
        cmocka_unit_test(test_plan_says_when_schedules_act),
        cmocka_unit_test(test_the_guests_own_limits_are_named),
        cmocka_unit_test(test_advice_is_what_pays),
        cmocka_unit_test(test_what_cannot_return_or_is_refused_is_not_advised),
        cmocka_unit_test(test_no_reason_names_a_command_that_is_refused),
        cmocka_unit_test(test_balloon_is_advised_where_reporting_is_off),
        cmocka_unit_test(test_nothing_waits_where_reporting_is_off),
        cmocka_unit_test(test_without_an_agent),
        cmocka_unit_test(test_a_last_sample_is_named_and_not_shown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
