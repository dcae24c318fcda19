/* The reasons: for each the smallest change of a healthy VM that makes it hold, and that nothing is
 * said about the healthy one. */
#include "tests/lib/test.h"

#include <stdio.h>
#include <string.h>

#include "common/base/number.h"
#include "common/base/text.h"
#include "controller/explain/view.h"
#include "tests/unit/controller/explain/made.h"

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

static void reporting_off_in_guest(struct made *made)
{
    lack(made, "free-page-reporting", "the VM has no balloon device");
}

static void vfio(struct made *made)
{
    made->host.vfio_devices = 1;
}

/* Turning it on would change nothing. */
static void vfio_and_off(struct made *made)
{
    reporting_off(made);
    vfio(made);
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

/* The option is built in: nothing in the guest says so. */
static void declined(struct made *made)
{
    lack(made, "free-page-reporting", "driver and balloon did not agree: not offered, or ...");
    made->info.reporting_not_agreed = 1;
    made->vm.reporting = (char *)"inert: offered, and the guest does not use it";
}

/* A lowered order: 300 MiB are marked as reported, and the host never held them. */
static void untouched(struct made *made)
{
    made->result.reported_after = 300 * MIB;
    made->before.footprint = made->after.footprint = 512 * MIB;
    made->before.trapped = 300 * MIB;
    made->after.reported = 300 * MIB;
    made->host.touched = 600 * MIB;
}

/* The same where the host once held almost all of it. */
static void gone_before(struct made *made)
{
    untouched(made);
    made->host.touched = 4 * GIB - 100 * MIB;
}

/* One sentence: who else holds the balloon is in it. */
static void starved_guest(struct made *made)
{
    made->vm.alarm = (char *)"the guest is short of memory (2 OOM kills) while its balloon holds "
                             "1.0 GiB: 1.0 GiB taken by another client of the hypervisor";
    made->host.foreign_balloon_owner = (char *)"another client of the hypervisor";
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

static void read_back(struct made *made)
{
    made->vm.refault_rate = 251;
}

static void unmovable(struct made *made)
{
    made->w.trapped = 300 * MIB;
    made->guest.trapped_kinds_are_known = 1;
    made->guest.trapped_unmovable = 200 * MIB;
    made->guest.trapped_reclaimable = 20 * MIB;
}

/* Not the most of it. */
static void partly_unmovable(struct made *made)
{
    unmovable(made);
    made->guest.trapped_unmovable = 40 * MIB;
    made->guest.unmovable_blocks = 31;
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

static void foreign(struct made *made)
{
    made->host.foreign_balloon_owner = (char *)"another QMP client";
}

/* Without a lease of ours. */
static void foreign_before_us(struct made *made)
{
    made->vm.balloon_baseline = 3 * GIB;
    made->vm.balloon_target = 3 * GIB;
    made->w.balloon = GIB;
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
    {"reporting-inert-vfio", vfio_and_off, true},
    {"reporting-inert-encrypted", encrypted, true},
    {"reporting-inert-locked", locked, true},
    {"reporting-inert-huge-pages", huge_pages, true},
    {"reporting-inert-poisoning", poisoned, true},
    {"reporting-inert-poisoning", poisoned_and_refused, true},
    {"reporting-inert-poisoning", declined, true},
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
    {"never-touched", untouched, false},
    {"already-returned", gone_before, false},
    {"host-swap", swapped, true},
    {"foreign-balloon", foreign, true},
    {"unknown", nothing_known, true},
};

/* Those that only a VM has, not an action. */
static const struct {
    const char *code;
    void (*change)(struct made *made);
} vm_cases[] = {
    {"starved", starved_guest},
    {"cache-hot", read_back},
    {"foreign-balloon", foreign_before_us},
    {"fragmented-unmovable", partly_unmovable},
};

static void test_healthy_vm_has_no_reason(void **state)
{
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

static void test_what_only_a_vm_has(void **state)
{
    for (size_t i = 0; i < ARRAY_SIZE(vm_cases); i++) {
        struct made made;
        struct explanation explanation;
        struct finding finding = {.code = "none"};
        make_healthy(&made);
        vm_cases[i].change(&made);
        explain_vm(&made.subject, &explanation);
        assert_non_null(find(&explanation, vm_cases[i].code));
        assert_int_equal(count_reasons(&explanation), 1);
        if (explain_action(&made.subject, &finding))
            assert_string_not_equal(finding.code, vm_cases[i].code);
    }
}

static void test_kinds_and_blocks_are_named(void **state)
{
    struct made made;
    struct explanation explanation;

    make_healthy(&made);
    partly_unmovable(&made);
    explain_vm(&made.subject, &explanation);
    assert_string_equal(find(&explanation, "fragmented-unmovable")->sentence,
                        "60.0 MiB of free memory lies between kernel memory that cannot be moved "
                        "(40.0 MiB unmovable, 20.0 MiB reclaimable slab, in 31 pageblocks); "
                        "compaction cannot join it. A lower reporting order returns part of it.");
}

/* What the hypervisor offers is known to it alone. */
static void test_who_switched_reporting_off(void **state)
{
    struct made made;
    struct explanation explanation;

    make_healthy(&made);
    declined(&made);
    explain_vm(&made.subject, &explanation);
    assert_non_null(strstr(find(&explanation, "reporting-inert-poisoning")->sentence,
                           "declined it. Its kernel overwrites free pages (init_on_free or"));
    made.vm.reporting = (char *)"";
    explain_vm(&made.subject, &explanation);
    assert_null(find(&explanation, "reporting-inert-poisoning"));
    assert_non_null(strstr(find(&explanation, "reporting-off")->sentence,
                           "driver and balloon did not agree: not offered, or ..."));
    make_healthy(&made);
    lack(&made, "free-page-reporting", "1.0 GiB of free blocks stayed unreported for 10 s");
    explain_vm(&made.subject, &explanation);
    assert_non_null(strstr(find(&explanation, "reporting-off")->sentence,
                           "is offered, and the guest does not use it, so"));
}

/* Nothing waits for a pass that can return nothing. */
static void test_nothing_waits_where_reporting_is_inert(void **state)
{
    static void (*const changes[])(struct made * made) = {vfio, encrypted, locked, huge_pages,
                                                          declined};

    for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
        struct made made;
        struct explanation explanation;

        make_healthy(&made);
        throttled(&made);
        made.w.held_back = 128 * MIB;
        made.w.percpu = 64 * MIB;
        made.w.footprint = 2 * GIB;
        explain_vm(&made.subject, &explanation);
        assert_non_null(find(&explanation, "throttled"));
        assert_non_null(find(&explanation, "held-back"));
        changes[i](&made);
        explain_vm(&made.subject, &explanation);
        assert_null(find(&explanation, "throttled"));
        assert_null(find(&explanation, "held-back"));
        assert_null(strstr(find(&explanation, "reportable")->sentence, "waits"));
        assert_string_equal(find(&explanation, "per-cpu-lists")->command, "");
    }
}

/* 64 KiB pages: a pageblock is 512 MiB there, the host's huge page is not. */
static void test_a_huge_page_is_the_hosts(void **state)
{
    struct made made;
    struct explanation explanation;

    make_healthy(&made);
    khugepaged(&made);
    made.info.page_size = 64 * KIB;
    made.info.pageblock_order = 13;
    made.info.reporting_order = 0;
    explain_vm(&made.subject, &explanation);
    assert_string_equal(find(&explanation, "khugepaged-refilled")->command,
                        "vmreclaim reporting web1 --order 5");
}

static void test_cache_below_the_limit_is_not_hot(void **state)
{
    struct made made;
    struct explanation explanation;

    make_healthy(&made);
    made.vm.refault_rate = 250;
    explain_vm(&made.subject, &explanation);
    assert_null(find(&explanation, "cache-hot"));
    made.vm.refault_rate = 512;
    explain_vm(&made.subject, &explanation);
    assert_non_null(strstr(find(&explanation, "cache-hot")->sentence, "reads 2.0 MiB of file"));
}

/* Ours is what lies below the baseline, and what waits for its hypervisor. */
static void test_our_own_leases_are_nobody_elses(void **state)
{
    struct made made;
    struct explanation explanation;

    make_healthy(&made);
    made.w.balloon = GIB;
    made.vm.balloon_target = 3 * GIB;
    made.vm.balloon_lease = GIB;
    explain_vm(&made.subject, &explanation);
    assert_null(find(&explanation, "foreign-balloon"));
    made.vm.balloon_baseline = 3 * GIB; /* waiting */
    explain_vm(&made.subject, &explanation);
    assert_null(find(&explanation, "foreign-balloon"));
    made.vm.balloon_lease = 256 * MIB;
    explain_vm(&made.subject, &explanation);
    assert_int_equal(find(&explanation, "foreign-balloon")->bytes, 768 * MIB);
    made.host.migrated_in = 1;
    explain_vm(&made.subject, &explanation);
    assert_non_null(strstr(find(&explanation, "foreign-balloon")->sentence, "it came along when"));
    made.vm.balloon_baseline = 0; /* no balloon */
    explain_vm(&made.subject, &explanation);
    assert_null(find(&explanation, "foreign-balloon"));
}

static void test_every_reason_is_provoked(void **state)
{
    const char *code;

    for (size_t i = 0; (code = explain_reason_code(i)) != NULL; i++) {
        bool found = false;
        assert_non_null(explain_reason_meaning(i));
        for (size_t j = 0; j < ARRAY_SIZE(cases); j++)
            found = found || strcmp(cases[j].code, code) == 0;
        for (size_t j = 0; j < ARRAY_SIZE(vm_cases); j++)
            found = found || strcmp(vm_cases[j].code, code) == 0;
        assert_true(found);
    }
}

static bool has_word(const char *words, const char *word)
{
    size_t length = strlen(word);

    for (const char *at = words; at != NULL && (at = strstr(at, word)) != NULL; at += length)
        if ((at == words || at[-1] == ' ') && (at[length] == '\0' || at[length] == ' '))
            return true;
    return false;
}

static const char *evidence_of(const char *code)
{
    const char *known;

    for (size_t i = 0; (known = explain_reason_code(i)) != NULL; i++)
        if (strcmp(known, code) == 0)
            return explain_reason_evidence(i);
    return NULL;
}

static bool has_meaning(const char *name)
{
    const char *known;

    for (size_t i = 0; (known = explain_evidence_name(i)) != NULL; i++)
        if (strcmp(known, name) == 0)
            return explain_evidence_meaning(i)[0] != '\0';
    return false;
}

static void check_evidence(const struct finding *finding)
{
    for (size_t i = 0; i < finding->evidence_count; i++) {
        if (!has_word(evidence_of(finding->code), finding->evidence[i].name))
            fail_msg("%s: the row lacks %s", finding->code, finding->evidence[i].name);
        if (!has_meaning(finding->evidence[i].name))
            fail_msg("%s has no meaning", finding->evidence[i].name);
    }
}

/* The manual says what a finding's evidence can be, of what the rows say. */
static void test_the_rows_have_the_evidence(void **state)
{
    struct explanation explanation;
    struct finding finding;
    struct made made;

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        make_healthy(&made);
        cases[i].change(&made);
        assert_true(explain_action(&made.subject, &finding));
        check_evidence(&finding);
        explain_vm(&made.subject, &explanation);
        if (cases[i].of_vm)
            check_evidence(find(&explanation, cases[i].code));
    }
    for (size_t i = 0; i < ARRAY_SIZE(vm_cases); i++) {
        make_healthy(&made);
        vm_cases[i].change(&made);
        explain_vm(&made.subject, &explanation);
        check_evidence(find(&explanation, vm_cases[i].code));
    }
}

/* What one row says means something, and what means something is said by a row. */
static void test_every_name_of_evidence_has_a_use(void **state)
{
    const char *name;
    const char *code;

    for (size_t i = 0; (name = explain_evidence_name(i)) != NULL; i++) {
        bool is_used = false;

        for (size_t j = 0; (code = explain_reason_code(j)) != NULL; j++)
            is_used = is_used || has_word(explain_reason_evidence(j), name);
        if (!is_used)
            fail_msg("no reason has %s", name);
    }
    for (size_t i = 0; (code = explain_reason_code(i)) != NULL; i++) {
        char words[256];

        assert_true(explain_reason_cure(i)[0] != '\0');
        snprintf(words, sizeof(words), "%s",
                 explain_reason_evidence(i) == NULL ? "" : explain_reason_evidence(i));
        for (char *rest = words, *word; (word = strsep(&rest, " ")) != NULL;)
            assert_true(word[0] == '\0' || has_meaning(word));
    }
}

static void test_reason_shows_its_evidence(void **state)
{
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
    struct made made;
    struct finding finding;

    make_healthy(&made);
    made.result.free_after = 50 * MIB;
    made.w.trapped = 160 * MIB;
    assert_true(explain_action(&made.subject, &finding));
    assert_string_equal(finding.code, "fragmented");
}

/* Two bytes to a character, from an odd place on: a cut anywhere would meet one. */
static void test_texts_from_outside_are_cut_between_characters(void **state)
{
    char text[2][402] = {"", "a"};
    char *const limits[] = {text[0], text[1], NULL};

    for (size_t i = 0; i < ARRAY_SIZE(text); i++)
        for (size_t length = i; length < sizeof(text[i]) - 2; length += 2)
            memcpy(text[i] + length, "\xc3\xa4", 3);
    for (size_t i = 0; i < ARRAY_SIZE(text); i++) {
        struct explanation explanation;
        struct made made;
        struct finding finding;

        make_healthy(&made);
        busy(&made);
        made.vm.alarm = made.vm.engine_reason = text[i];
        made.subject.own_limits = limits;
        explain_vm(&made.subject, &explanation);
        for (size_t j = 0; j < explanation.count; j++)
            assert_true(text_is_utf8(explanation.findings[j].sentence,
                                     strlen(explanation.findings[j].sentence)));
        assert_non_null(find(&explanation, "starved"));
        made.result.reason = text[i];
        assert_true(explain_action(&made.subject, &finding));
        assert_true(text_is_utf8(finding.sentence, strlen(finding.sentence)));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_healthy_vm_has_no_reason),
        cmocka_unit_test(test_action_names_its_reason),
        cmocka_unit_test(test_vm_names_its_reason_and_no_other),
        cmocka_unit_test(test_what_only_a_vm_has),
        cmocka_unit_test(test_kinds_and_blocks_are_named),
        cmocka_unit_test(test_who_switched_reporting_off),
        cmocka_unit_test(test_nothing_waits_where_reporting_is_inert),
        cmocka_unit_test(test_a_huge_page_is_the_hosts),
        cmocka_unit_test(test_cache_below_the_limit_is_not_hot),
        cmocka_unit_test(test_our_own_leases_are_nobody_elses),
        cmocka_unit_test(test_every_reason_is_provoked),
        cmocka_unit_test(test_reason_shows_its_evidence),
        cmocka_unit_test(test_the_rows_have_the_evidence),
        cmocka_unit_test(test_every_name_of_evidence_has_a_use),
        cmocka_unit_test(test_action_that_returned_needs_no_reason),
        cmocka_unit_test(test_reclaim_that_freed_nothing_is_not_blamed_on_free_memory),
        cmocka_unit_test(test_pieces_of_what_was_freed),
        cmocka_unit_test(test_texts_from_outside_are_cut_between_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
