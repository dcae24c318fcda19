/* Explanations from made VMs: for each reason the smallest change of a healthy VM that makes it
 * hold, that nothing is said about the healthy one, and the sentences of plan and advice. */
#include "tests/lib/test.h"

#include <string.h>

#include "common/base/number.h"
#include "controller/explain/explain.h"

typedef Vmreclaim__Controller__V1__ActionSample ActionSample;

/* A VM and all that hangs on it, in one place. */
struct made {
    Vmreclaim__Controller__V1__Vm vm;
    Vmreclaim__Controller__V1__Waterfall w;
    Vmreclaim__Controller__V1__HostFacts host;
    Vmreclaim__Agent__V1__MemorySample guest;
    Vmreclaim__Agent__V1__GetInfoResponse info;
    Vmreclaim__Agent__V1__Feature feature;
    Vmreclaim__Agent__V1__Feature second_feature;
    Vmreclaim__Agent__V1__Feature *features[2];
    struct policy policy;
    Vmreclaim__Controller__V1__Action action;
    Vmreclaim__Agent__V1__ActionResult result;
    ActionSample before;
    ActionSample after;
    ActionSample *samples[2];
    struct explain_subject subject;
};

/* 4 GiB, little of it used, everything free is reported; a compaction that freed nothing. */
static void make_healthy(struct made *made)
{
    memset(made, 0, sizeof(*made));
    vmreclaim__controller__v1__vm__init(&made->vm);
    vmreclaim__controller__v1__waterfall__init(&made->w);
    vmreclaim__controller__v1__host_facts__init(&made->host);
    vmreclaim__agent__v1__memory_sample__init(&made->guest);
    vmreclaim__agent__v1__get_info_response__init(&made->info);
    vmreclaim__agent__v1__feature__init(&made->feature);
    vmreclaim__agent__v1__feature__init(&made->second_feature);
    vmreclaim__controller__v1__action__init(&made->action);
    vmreclaim__agent__v1__action_result__init(&made->result);
    vmreclaim__controller__v1__action_sample__init(&made->before);
    vmreclaim__controller__v1__action_sample__init(&made->after);
    made->vm.name = (char *)"web1";
    made->vm.state = (char *)"managed";
    made->vm.reporting = (char *)"on";
    made->vm.agent_connected = 1;
    made->vm.waterfall = &made->w;
    made->vm.host = &made->host;
    made->w.guest = &made->guest;
    made->w.guest_is_known = 1;
    made->w.vm_ram = 4 * GIB;
    made->w.footprint = 512 * MIB;
    made->w.in_use = 400 * MIB;
    made->w.unmanaged = 100 * MIB;
    made->w.cache = 8 * MIB;
    made->w.percpu = 4 * MIB;
    made->w.reported = 4 * GIB - 512 * MIB;
    made->guest.anon = 390 * MIB;
    made->host.backing = (char *)"memfd";
    made->host.backing_page_size = 4 * KIB;
    made->info.page_size = 4 * KIB;
    made->info.reporting_order = 9;
    made->info.pageblock_order = 9;
    made->policy.profile = POLICY_BALANCED;
    (void)strcpy(made->policy.name, "balanced");
    made->policy.cache_method = POLICY_CACHE_GRADUAL;
    made->policy.cache_floor = 128 * MIB;
    made->policy.cache_step = 256 * MIB;
    made->policy.compact = true;
    made->policy.compact_min_gain = 64 * MIB;
    made->policy.compact_time_limit = 30 * NSEC_PER_SEC;
    made->policy.compact_interval = 600 * NSEC_PER_SEC;
    made->policy.idle_window = 120 * NSEC_PER_SEC;
    made->policy.idle_cpu = 50;
    made->action.kind = (char *)"compact";
    made->action.guest = &made->result;
    made->result.outcome = VMRECLAIM__AGENT__V1__OUTCOME__OUTCOME_DONE;
    made->before.phase = VMRECLAIM__CONTROLLER__V1__ACTION_PHASE__ACTION_PHASE_BEFORE;
    made->after.phase = VMRECLAIM__CONTROLLER__V1__ACTION_PHASE__ACTION_PHASE_AFTER;
    made->before.guest_is_known = 1;
    made->after.guest_is_known = 1;
    made->samples[0] = &made->before;
    made->samples[1] = &made->after;
    made->action.samples = made->samples;
    made->action.n_samples = 2;
    made->features[0] = &made->feature;
    made->subject = (struct explain_subject){
        .vm = &made->vm, .info = &made->info, .policy = &made->policy, .action = &made->action};
}

static void lack(struct made *made, const char *feature, const char *reason)
{
    made->feature.name = (char *)feature;
    made->feature.reason = (char *)reason;
    made->info.features = made->features;
    made->info.n_features = 1;
}

static const struct finding *find(const struct explanation *explanation, const char *code)
{
    for (size_t i = 0; i < explanation->count; i++)
        if (strcmp(explanation->findings[i].code, code) == 0)
            return &explanation->findings[i];
    return NULL;
}

/* ---- the changes that make a reason hold ---- */

static void forbid(struct made *made)
{
    made->result.outcome = VMRECLAIM__AGENT__V1__OUTCOME__OUTCOME_FORBIDDEN_BY_POLICY;
}

static void not_supported(struct made *made)
{
    made->result.outcome = VMRECLAIM__AGENT__V1__OUTCOME__OUTCOME_NOT_SUPPORTED;
    made->result.reason = (char *)"the kernel lacks CONFIG_COMPACTION";
}

static void busy(struct made *made)
{
    made->vm.engine_state = (char *)"busy";
    made->vm.engine_reason = (char *)"12% of the CPUs";
    made->w.cache = 500 * MIB;
    made->result.outcome = VMRECLAIM__AGENT__V1__OUTCOME__OUTCOME_STOPPED_BUSY;
}

/* Work of the guest left the action, which runs when nothing else does, no time. */
static void starved(struct made *made)
{
    made->result.outcome = VMRECLAIM__AGENT__V1__OUTCOME__OUTCOME_STOPPED_TIME_LIMIT;
    made->result.duration_ns = 53 * NSEC_PER_SEC;
    made->result.cpu_ns = NSEC_PER_SEC / 2;
}

static void reporting_off(struct made *made)
{
    made->vm.reporting = (char *)"off: start the VM with free-page-reporting=on";
}

static void reporting_off_in_guest(struct made *made)
{
    lack(made, "free-page-reporting", "the VM has no balloon device");
}

static void vfio(struct made *made)
{
    made->host.vfio_devices = 1;
}

static void encrypted(struct made *made)
{
    made->host.encrypted = 1;
}

static void locked(struct made *made)
{
    made->host.locked = 1;
}

static void huge_pages(struct made *made)
{
    made->host.backing = (char *)"hugetlb";
    made->host.backing_page_size = GIB;
}

static void resident(struct made *made)
{
    made->w.footprint = 1536 * MIB;
    made->w.remainder = (int64_t)GIB;
}

static void poisoned(struct made *made)
{
    lack(made, "unpoisoned-pages", "the kernel overwrites free pages: page_poison");
    resident(made);
}

/* The driver then gives reporting up, and the hypervisor offers it all the same. */
static void poisoned_and_refused(struct made *made)
{
    lack(made, "unpoisoned-pages", "the kernel overwrites free pages: init_on_free");
    made->features[1] = &made->second_feature;
    made->second_feature.name = (char *)"free-page-reporting";
    made->second_feature.reason = (char *)"the kernel overwrites free pages (init_on_free)";
    made->info.n_features = 2;
}

static void khugepaged(struct made *made)
{
    resident(made);
    made->host.transparent_huge_pages = 1;
    made->guest.reported_small = 800 * MIB;
}

static void migrated(struct made *made)
{
    resident(made);
    made->host.migrated_in = 1;
}

static void restored(struct made *made)
{
    resident(made);
    made->host.restored = 1;
}

static void took_again(struct made *made)
{
    made->before.in_use = 400 * MIB;
    made->after.in_use = 900 * MIB;
}

static void hot(struct made *made)
{
    made->action.kind = (char *)"reclaim";
    made->result.cache_before = 1000 * MIB;
    made->result.cache_after = 200 * MIB;
    made->after.cache = 800 * MIB;
}

static void dirty(struct made *made)
{
    made->action.kind = (char *)"reclaim";
    made->guest.dirty = 50 * MIB;
    made->guest.writeback = 50 * MIB;
}

static void mapped(struct made *made)
{
    made->action.kind = (char *)"reclaim";
    made->guest.mapped = 200 * MIB;
}

static void unmovable(struct made *made)
{
    made->w.trapped = 300 * MIB;
    made->guest.trapped_kinds_are_known = 1;
    made->guest.trapped_unmovable = 200 * MIB;
    made->guest.trapped_reclaimable = 20 * MIB;
}

static void fragmented(struct made *made)
{
    made->w.trapped = 2 * GIB;
}

static void held_back(struct made *made)
{
    made->w.reportable = 64 * MIB;
    made->w.held_back = 64 * MIB;
}

static void throttled(struct made *made)
{
    made->w.reportable = GIB;
}

static void per_cpu(struct made *made)
{
    made->w.percpu = 78 * MIB;
}

static void swapped(struct made *made)
{
    made->w.swapped = GIB;
}

static void foreign(struct made *made)
{
    made->host.foreign_balloon_owner = (char *)"another QMP client";
}

static void nothing_known(struct made *made)
{
    resident(made);
    made->result.free_after = GIB;
}

static const struct {
    const char *code;
    void (*change)(struct made *made);
    bool of_vm; /* explain_vm tells it too */
} cases[] = {
    {"policy-forbids", forbid, false},
    {"not-supported", not_supported, false},
    {"guest-busy", busy, true},
    {"guest-busy", starved, false},
    {"reporting-off", reporting_off, true},
    {"reporting-off", reporting_off_in_guest, true},
    {"reporting-inert-vfio", vfio, true},
    {"reporting-inert-encrypted", encrypted, true},
    {"reporting-inert-locked", locked, true},
    {"reporting-inert-huge-pages", huge_pages, true},
    {"reporting-inert-poisoning", poisoned, true},
    {"reporting-inert-poisoning", poisoned_and_refused, true},
    {"khugepaged-refilled", khugepaged, true},
    {"migration-filled", migrated, true},
    {"restore-filled", restored, true},
    {"guest-took-again", took_again, false},
    {"cache-hot", hot, false},
    {"cache-dirty", dirty, true},
    {"cache-mapped", mapped, true},
    {"fragmented-unmovable", unmovable, true},
    {"fragmented", fragmented, false},
    {"held-back", held_back, true},
    {"throttled", throttled, true},
    {"per-cpu-lists", per_cpu, true},
    {"host-swap", swapped, true},
    {"foreign-balloon", foreign, true},
    {"unknown", nothing_known, true},
};

static bool is_reason(const char *code)
{
    const char *known;
    for (size_t i = 0; (known = explain_reason_code(i)) != NULL; i++)
        if (strcmp(known, code) == 0)
            return true;
    return false;
}

static size_t count_reasons(const struct explanation *explanation)
{
    size_t count = 0;
    for (size_t i = 0; i < explanation->count; i++)
        count += is_reason(explanation->findings[i].code);
    return count;
}

static void test_healthy_vm_has_no_reason(void **state)
{
    (void)state;
    struct made made;
    struct explanation explanation;
    struct finding finding;

    make_healthy(&made);
    explain_vm(&made.subject, &explanation);
    assert_int_equal(count_reasons(&explanation), 0);
    assert_false(explain_action(&made.subject, &finding));
}

static void test_action_names_its_reason(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct made made;
        struct finding finding = {.code = "none"};
        make_healthy(&made);
        cases[i].change(&made);
        assert_true(explain_action(&made.subject, &finding));
        assert_string_equal(finding.code, cases[i].code);
    }
}

static void test_vm_names_its_reason_and_no_other(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct made made;
        struct explanation explanation;
        make_healthy(&made);
        cases[i].change(&made);
        explain_vm(&made.subject, &explanation);
        for (size_t j = 0; j < explanation.count; j++)
            if (is_reason(explanation.findings[j].code))
                assert_string_equal(explanation.findings[j].code, cases[i].code);
        assert_int_equal(count_reasons(&explanation), cases[i].of_vm ? 1 : 0);
        assert_true((find(&explanation, cases[i].code) != NULL) == cases[i].of_vm);
    }
}

static void test_every_reason_is_provoked(void **state)
{
    (void)state;
    const char *code;

    for (size_t i = 0; (code = explain_reason_code(i)) != NULL; i++) {
        bool found = false;
        for (size_t j = 0; j < ARRAY_SIZE(cases); j++)
            found = found || strcmp(cases[j].code, code) == 0;
        assert_true(found);
    }
}

static void test_reason_shows_its_evidence(void **state)
{
    (void)state;
    struct made made;
    struct finding finding;

    make_healthy(&made);
    khugepaged(&made);
    assert_true(explain_action(&made.subject, &finding));
    assert_string_equal(finding.evidence[0].name, "remainder");
    assert_int_equal(finding.evidence[0].value, GIB);
    assert_string_equal(finding.evidence[0].unit, "bytes");
    assert_string_equal(finding.command, "vmreclaim reporting web1 --order 9");
    assert_string_equal(finding.sentence,
                        "1.0 GiB was returned in pieces smaller than a huge page, and the host's "
                        "khugepaged filled the holes again. A reporting order of 9 avoids it.");
}

static void test_action_that_returned_needs_no_reason(void **state)
{
    (void)state;
    struct made made;
    struct finding finding;

    make_healthy(&made);
    per_cpu(&made);
    made.result.trapped_before = 500 * MIB;
    made.action.host_returned = 300 * MIB;
    assert_false(explain_action(&made.subject, &finding));
    made.action.host_returned = 200 * MIB;
    assert_true(explain_action(&made.subject, &finding));
    made.action.host_returned = -(int64_t)GIB;
    assert_true(explain_action(&made.subject, &finding));
}

/* What is free elsewhere does not explain why reclaim found nothing to take. */
static void test_reclaim_that_freed_nothing_is_not_blamed_on_free_memory(void **state)
{
    (void)state;
    struct made made;
    struct finding finding;

    make_healthy(&made);
    unmovable(&made);
    made.action.kind = (char *)"reclaim";
    assert_false(explain_action(&made.subject, &finding));
    made.result.free_after = 300 * MIB;
    assert_true(explain_action(&made.subject, &finding));
    assert_string_equal(finding.code, "fragmented-unmovable");
}

/* Neither does the bulk of free memory hide that what was freed lies in small pieces. */
static void test_pieces_of_what_was_freed(void **state)
{
    (void)state;
    struct made made;
    struct finding finding;

    make_healthy(&made);
    made.result.free_after = 50 * MIB;
    made.w.trapped = 160 * MIB;
    assert_true(explain_action(&made.subject, &finding));
    assert_string_equal(finding.code, "fragmented");
}

static void test_small_things_are_not_said(void **state)
{
    (void)state;
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
    (void)state;
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
    (void)state;
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
    (void)state;
    struct made made;
    struct explanation explanation;

    make_healthy(&made);
    explain_vm(&made.subject, &explanation);
    assert_string_equal(find(&explanation, "summary")->sentence,
                        "The guest uses 400.0 MiB, its kernel takes 100.0 MiB for itself, 8.0 MiB "
                        "is file cache, and 4.0 MiB is free but not given back: 512.0 MiB in all. "
                        "The host holds 512.0 MiB.");
    resident(&made);
    explain_vm(&made.subject, &explanation);
    assert_non_null(strstr(find(&explanation, "summary")->sentence,
                           "The host holds 1.5 GiB, 1.0 GiB more than the guest needs."));
    make_healthy(&made);
    made.w.footprint = 212 * MIB;
    made.w.remainder = -(int64_t)(300 * MIB);
    explain_vm(&made.subject, &explanation);
    assert_non_null(strstr(find(&explanation, "summary")->sentence,
                           "The host holds 212.0 MiB, since 300.0 MiB of it was never touched."));
    made.w.swapped = 290 * MIB;
    explain_vm(&made.subject, &explanation);
    assert_non_null(
        strstr(find(&explanation, "summary")->sentence, "300.0 MiB of it is in the host's swap."));
}

static void test_never_touched_is_told(void **state)
{
    (void)state;
    struct made made;
    struct explanation explanation;

    make_healthy(&made);
    made.w.remainder = -(int64_t)(300 * MIB);
    explain_vm(&made.subject, &explanation);
    assert_int_equal(find(&explanation, "never-touched")->bytes, 300 * MIB);
}

static void test_plan_speaks_the_policys_numbers(void **state)
{
    (void)state;
    struct made made;
    struct explanation explanation;

    make_healthy(&made);
    made.w.cache = GIB;
    made.w.trapped = 200 * MIB;
    explain_vm(&made.subject, &explanation);
    assert_string_equal(find(&explanation, "plan-idle")->sentence,
                        "Policy \"balanced\" waits until the guest is idle: under 0.5% of its CPUs "
                        "for 2m, and no pressure.");
    assert_string_equal(find(&explanation, "plan-cache")->sentence,
                        "When idle it takes file cache, coldest first, in steps of at most 256.0 "
                        "MiB down to 128.0 MiB: about 896.0 MiB.");
    assert_string_equal(find(&explanation, "plan-compaction")->sentence,
                        "When idle it compacts, for at most 30s and not more often than every 10m: "
                        "200.0 MiB are trapped.");
    made.policy.profile = POLICY_OBSERVE;
    explain_vm(&made.subject, &explanation);
    assert_null(find(&explanation, "plan-cache"));
    assert_non_null(find(&explanation, "policy-observes"));
    made.subject.policy = NULL;
    explain_vm(&made.subject, &explanation);
    assert_string_equal(find(&explanation, "no-policy")->command,
                        "vmreclaim policy apply FILE --vm web1");
}

static void test_advice_is_what_pays(void **state)
{
    (void)state;
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

static void test_balloon_is_advised_where_reporting_is_off(void **state)
{
    (void)state;
    struct made made;
    struct explanation explanation;

    make_healthy(&made);
    reporting_off(&made);
    made.w.footprint = 3 * GIB;
    explain_vm(&made.subject, &explanation);
    /* 400 + 100 MiB in use and a reserve of 256 MiB, in steps of 64 MiB */
    assert_string_equal(find(&explanation, "can-balloon")->command,
                        "vmreclaim balloon web1 768MiB --for 1h");
    made.vm.reporting = (char *)"off: the VM has no balloon device";
    explain_vm(&made.subject, &explanation);
    assert_null(find(&explanation, "can-balloon"));
}

static void test_without_an_agent(void **state)
{
    (void)state;
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

static void test_message(void **state)
{
    (void)state;
    struct made made;
    struct explanation explanation;
    Vmreclaim__Controller__V1__ExplainResponse message =
        VMRECLAIM__CONTROLLER__V1__EXPLAIN_RESPONSE__INIT;

    make_healthy(&made);
    swapped(&made);
    explain_vm(&made.subject, &explanation);
    assert_int_equal(explain_to_message(&explanation, &message), 0);
    assert_int_equal(message.n_findings, explanation.count);
    const Vmreclaim__Controller__V1__Finding *last = message.findings[message.n_findings - 1];
    assert_string_equal(last->code, "host-swap");
    assert_int_equal(last->evidence[0]->value, GIB);
    explain_release_message(&message);
    explanation.count = 0;
    assert_int_equal(explain_to_message(&explanation, &message), 0);
    assert_int_equal(message.n_findings, 0);
    explain_release_message(&message);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_healthy_vm_has_no_reason),
        cmocka_unit_test(test_action_names_its_reason),
        cmocka_unit_test(test_vm_names_its_reason_and_no_other),
        cmocka_unit_test(test_every_reason_is_provoked),
        cmocka_unit_test(test_reason_shows_its_evidence),
        cmocka_unit_test(test_action_that_returned_needs_no_reason),
        cmocka_unit_test(test_reclaim_that_freed_nothing_is_not_blamed_on_free_memory),
        cmocka_unit_test(test_pieces_of_what_was_freed),
        cmocka_unit_test(test_small_things_are_not_said),
        cmocka_unit_test(test_holds_are_sorted),
        cmocka_unit_test(test_without_an_agent_the_balloon_speaks),
        cmocka_unit_test(test_the_summary_adds_up),
        cmocka_unit_test(test_never_touched_is_told),
        cmocka_unit_test(test_plan_speaks_the_policys_numbers),
        cmocka_unit_test(test_advice_is_what_pays),
        cmocka_unit_test(test_balloon_is_advised_where_reporting_is_off),
        cmocka_unit_test(test_without_an_agent),
        cmocka_unit_test(test_message),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
