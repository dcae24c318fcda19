/* What is offered to be done, and that nothing is that is refused or brings nothing. */
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

/* What its policy finds too little, and what its own configuration forbids, it declines. */
static void test_what_the_guest_declines(void **state)
{
    char *keys[] = {(char *)"cache_method", (char *)"compact", NULL};
    struct made made;
    struct explanation explanation;

    make_loose(&made);
    made.policy.compact_min_gain = GIB;
    explain_vm(&made.subject, &explanation);
    assert_non_null(find(&explanation, "can-compact"));
    made.policy.compact_min_gain = GIB + 1;
    explain_vm(&made.subject, &explanation);
    assert_null(find(&explanation, "can-compact"));
    assert_non_null(find(&explanation, "can-kick"));
    /* A policy from here that says it is no bar to an order. */
    made.policy.compact_min_gain = 0;
    made.policy.compact = false;
    made.policy.cache_method = POLICY_CACHE_NONE;
    explain_vm(&made.subject, &explanation);
    assert_non_null(find(&explanation, "can-compact"));
    assert_non_null(find(&explanation, "can-reclaim"));
    made.subject.own_limits = keys;
    explain_vm(&made.subject, &explanation);
    assert_null(find(&explanation, "can-compact"));
    assert_null(find(&explanation, "can-reclaim"));
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_guests_own_limits_are_named),
        cmocka_unit_test(test_what_the_guest_declines),
        cmocka_unit_test(test_advice_is_what_pays),
        cmocka_unit_test(test_what_cannot_return_or_is_refused_is_not_advised),
        cmocka_unit_test(test_no_reason_names_a_command_that_is_refused),
        cmocka_unit_test(test_balloon_is_advised_where_reporting_is_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
