/* What is said besides reasons, plan and advice: the summary, and what holds memory. */
#include "tests/lib/test.h"

#include <string.h>

#include "common/base/number.h"
#include "tests/unit/controller/explain/made.h"

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
    assert_null(find(&explanation, "no-statistics"));
    made.vm.statistics_problem = (char *)"its balloon driver sends no figures; in Windows start "
                                         "BalloonService";
    explain_vm(&made.subject, &explanation);
    assert_string_equal(find(&explanation, "no-statistics")->sentence,
                        "How much of it is free in the guest is not known: its balloon driver "
                        "sends no figures; in Windows start BalloonService.");
    statistics.total = 4 * GIB;
    statistics.free = GIB;
    statistics.disk_caches = 2 * GIB;
    statistics.available = 3 * GIB;
    made.vm.statistics = &statistics;
    explain_vm(&made.subject, &explanation);
    assert_null(find(&explanation, "no-statistics"));
    assert_string_equal(find(&explanation, "balloon-statistics")->sentence,
                        "Its balloon driver says that of 4.0 GiB 1.0 GiB is free and 2.0 GiB is "
                        "file cache; 3.0 GiB could be used without swapping.");
}

/* 4 GiB of which 3 are free and on the host, without reporting. */
static void make_agentless(struct made *made,
                           Vmreclaim__Controller__V1__BalloonStatistics *statistics)
{
    make_healthy(made);
    made->w.guest_is_known = 0;
    made->w.vm_ram = 4 * GIB;
    made->w.footprint = 4 * GIB;
    made->w.balloon_is_known = 1;
    made->vm.agent_connected = 0;
    made->vm.reporting = (char *)"off";
    vmreclaim__controller__v1__balloon_statistics__init(statistics);
    statistics->total = 4 * GIB - 64 * MIB;
    statistics->free = 3 * GIB;
    statistics->available = 3 * GIB + 512 * MIB;
    made->vm.statistics = statistics;
}

static void test_what_can_be_done_without_an_agent(void **state)
{
    Vmreclaim__Controller__V1__BalloonStatistics statistics;
    struct explanation explanation;
    struct made made;

    make_agentless(&made, &statistics);
    explain_vm(&made.subject, &explanation);
    assert_string_equal(find(&explanation, "free-on-host")->sentence,
                        "The host holds about 3.0 GiB of what is free in the guest.");
    assert_true(find(&explanation, "can-pulse")->bytes == 3 * GIB - 256 * MIB);
    assert_string_equal(find(&explanation, "can-pulse")->command, "vmreclaim pulse web1");
    assert_string_equal(
        find(&explanation, "can-install-agent")->sentence,
        "In a Linux guest, start vmreclaim-agent: of 512.0 MiB of file cache it takes "
        "what is cold, joins free memory in pieces, knows when the guest is idle, "
        "and says when it is short.");
    made.w.footprint = GIB + 128 * MIB; /* a pulse has taken it */
    explain_vm(&made.subject, &explanation);
    assert_null(find(&explanation, "can-pulse"));
}

static void test_where_a_pulse_brings_nothing(void **state)
{
    Vmreclaim__Controller__V1__BalloonStatistics statistics;
    struct explanation explanation;
    struct made made;

    make_agentless(&made, &statistics);
    made.vm.reporting = (char *)"on";
    explain_vm(&made.subject, &explanation);
    assert_null(find(&explanation, "can-pulse"));
    make_agentless(&made, &statistics);
    made.host.vfio_devices = 1;
    explain_vm(&made.subject, &explanation);
    assert_null(find(&explanation, "can-pulse"));
    make_agentless(&made, &statistics);
    made.w.balloon = GIB;
    explain_vm(&made.subject, &explanation);
    assert_null(find(&explanation, "can-pulse"));
}

static void test_why_there_is_no_pulse(void **state)
{
    Vmreclaim__Controller__V1__BalloonStatistics statistics;
    struct explanation explanation;
    struct made made;

    make_agentless(&made, &statistics);
    explain_vm(&made.subject, &explanation);
    assert_null(find(&explanation, "plan-pulse"));
    made.vm.pulse = (char *)"the guest is not idle";
    explain_vm(&made.subject, &explanation);
    assert_string_equal(find(&explanation, "plan-pulse")->sentence,
                        "Pulses of its balloon: the guest is not idle.");
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
    assert_string_equal(
        find(&explanation, "can-install-agent")->sentence,
        "In a Linux guest, start vmreclaim-agent again: it finds what can come back.");
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
        cmocka_unit_test(test_what_can_be_done_without_an_agent),
        cmocka_unit_test(test_where_a_pulse_brings_nothing),
        cmocka_unit_test(test_why_there_is_no_pulse),
        cmocka_unit_test(test_the_summary_adds_up),
        cmocka_unit_test(test_never_touched_is_told),
        cmocka_unit_test(test_what_has_left_the_host_was_touched),
        cmocka_unit_test(test_what_was_never_there_does_not_wait),
        cmocka_unit_test(test_swapped_memory_is_there),
        cmocka_unit_test(test_reporting_off_and_nothing_free),
        cmocka_unit_test(test_nothing_waits_where_reporting_is_off),
        cmocka_unit_test(test_without_an_agent),
        cmocka_unit_test(test_a_last_sample_is_named_and_not_shown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
