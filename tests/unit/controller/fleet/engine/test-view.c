/* Who is there, and what its status says of a rollout. */
#include "tests/lib/test.h"

#include <string.h>

#include "controller/fleet/engine/view.h"

static HostStatus status;
static Vmreclaim__Fleet__V1__Applied applied;
static Vmreclaim__Fleet__V1__AppliedPolicy other, gentle, *policies[] = {&other, &gentle};
static struct fleet_host host;

static int setup(void **state)
{
    (void)state;
    vmreclaim__fleet__v1__host_status__init(&status);
    vmreclaim__fleet__v1__applied__init(&applied);
    vmreclaim__fleet__v1__applied_policy__init(&other);
    vmreclaim__fleet__v1__applied_policy__init(&gentle);
    other.name = (char *)"firm";
    gentle.name = (char *)"gentle";
    gentle.rollout = (char *)"r-7";
    gentle.outcome = VMRECLAIM__FLEET__V1__APPLIED_OUTCOME__APPLIED_IN_FORCE;
    applied.policies = policies;
    applied.n_policies = 2;
    status.applied = &applied;
    host = (struct fleet_host){.id = "h1", .status = &status, .wanted_generation = 5};
    return 0;
}

static enum fleet_applied of_rollout(const char *rollout, const char **ret_reason)
{
    return fleet_applied(&host, "gentle", rollout, ret_reason);
}

static void test_what_a_status_says(void **state)
{
    const char *reason;

    (void)state;
    assert_int_equal(of_rollout("r-7", &reason), FLEET_IN_FORCE);
    assert_int_equal(of_rollout("r-6", &reason), FLEET_NOT_APPLIED);
    gentle.outcome = VMRECLAIM__FLEET__V1__APPLIED_OUTCOME__APPLIED_PINNED;
    gentle.reason = (char *)"ann holds it";
    assert_int_equal(of_rollout("r-7", &reason), FLEET_PINNED);
    assert_string_equal(reason, "ann holds it");
    applied.n_policies = 1;
    assert_int_equal(of_rollout("r-7", &reason), FLEET_NOT_APPLIED);
    host.status = NULL;
    assert_int_equal(of_rollout("r-7", &reason), FLEET_NOT_APPLIED);
}

/* An earlier one that was refused says nothing of the newest. */
static void test_only_the_newest_state_is_refused(void **state)
{
    const char *reason;

    (void)state;
    applied.refused = (char *)"no such key";
    applied.refused_generation = 4;
    assert_int_equal(of_rollout("r-7", &reason), FLEET_IN_FORCE);
    applied.refused_generation = 5;
    assert_int_equal(of_rollout("r-7", &reason), FLEET_REFUSED);
    assert_string_equal(reason, "no such key");
}

static void test_who_is_there(void **state)
{
    struct fleet_view view = {.now = 100 * NSEC_PER_SEC, .listening = 80 * NSEC_PER_SEC};

    (void)state;
    /* The stream had its status; nobody has heard it. */
    assert_int_equal(fleet_presence(&view, &host), FLEET_UNKNOWN);
    host.heard = 90 * NSEC_PER_SEC;
    assert_int_equal(fleet_presence(&view, &host), FLEET_PRESENT);
    view.now = 90 * NSEC_PER_SEC + FLEET_LOST_AFTER - 1;
    assert_int_equal(fleet_presence(&view, &host), FLEET_PRESENT);
    view.now++;
    assert_int_equal(fleet_presence(&view, &host), FLEET_LOST);
}

/* Who has just come knows whom to wait for, and need not wait when they have spoken. */
static void test_when_all_are_known(void **state)
{
    struct fleet_view view = {.now = 100 * NSEC_PER_SEC, .listening = 90 * NSEC_PER_SEC};

    (void)state;
    assert_false(fleet_view_is_whole(&view));
    view.all_were_heard = true;
    assert_true(fleet_view_is_whole(&view));
    view.all_were_heard = false;
    view.now = 90 * NSEC_PER_SEC + FLEET_LOST_AFTER;
    assert_true(fleet_view_is_whole(&view));
}

static void test_hosts_are_found_by_id(void **state)
{
    const struct fleet_host hosts[] = {{.id = "h1"}, {.id = "h10"}, {.id = "h2"}};
    const struct fleet_view view = {.hosts = hosts, .count = 3};
    const struct fleet_view none = {.count = 0};

    (void)state;
    assert_ptr_equal(fleet_view_find(&view, "h10"), &hosts[1]);
    assert_null(fleet_view_find(&view, "h3"));
    assert_null(fleet_view_find(&none, "h1"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_what_a_status_says, setup),
        cmocka_unit_test_setup(test_only_the_newest_state_is_refused, setup),
        cmocka_unit_test_setup(test_who_is_there, setup),
        cmocka_unit_test(test_when_all_are_known),
        cmocka_unit_test(test_hosts_are_found_by_id),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
