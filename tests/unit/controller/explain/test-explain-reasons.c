/* The reasons: each holds where the VM gives it, and nothing is said about a healthy one. */
#include "tests/lib/test.h"

#include <string.h>

#include "common/base/number.h"
#include "common/base/text.h"
#include "controller/explain/view.h"
#include "tests/unit/controller/explain/provocations.h"

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
    for (const struct provocation *p = provocations; p->code != NULL; p++) {
        struct made made;
        struct finding finding = {.code = "none"};
        make_healthy(&made);
        p->change(&made);
        assert_true(explain_action(&made.subject, &finding));
        assert_string_equal(finding.code, p->code);
    }
}

static void test_vm_names_its_reason_and_no_other(void **state)
{
    for (const struct provocation *p = provocations; p->code != NULL; p++) {
        struct made made;
        struct explanation explanation;
        make_healthy(&made);
        p->change(&made);
        explain_vm(&made.subject, &explanation);
        for (size_t j = 0; j < explanation.count; j++)
            if (is_reason(explanation.findings[j].code))
                assert_string_equal(explanation.findings[j].code, p->code);
        assert_int_equal(count_reasons(&explanation), p->of_vm ? 1 : 0);
        assert_true((find(&explanation, p->code) != NULL) == p->of_vm);
    }
}

static void test_what_only_a_vm_has(void **state)
{
    for (const struct provocation *p = vm_provocations; p->code != NULL; p++) {
        struct made made;
        struct explanation explanation;
        struct finding finding = {.code = "none"};
        make_healthy(&made);
        p->change(&made);
        explain_vm(&made.subject, &explanation);
        assert_non_null(find(&explanation, p->code));
        assert_int_equal(count_reasons(&explanation), 1);
        if (explain_action(&made.subject, &finding))
            assert_string_not_equal(finding.code, p->code);
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
        for (const struct provocation *p = provocations; p->code != NULL; p++)
            found = found || strcmp(p->code, code) == 0;
        for (const struct provocation *p = vm_provocations; p->code != NULL; p++)
            found = found || strcmp(p->code, code) == 0;
        assert_true(found);
    }
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
        cmocka_unit_test(test_action_that_returned_needs_no_reason),
        cmocka_unit_test(test_reclaim_that_freed_nothing_is_not_blamed_on_free_memory),
        cmocka_unit_test(test_pieces_of_what_was_freed),
        cmocka_unit_test(test_texts_from_outside_are_cut_between_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
