/* The arbiter of the real vmreclaimd, on a host that runs short. */
#include "tests/component/controller/guests.h"
#include "tests/component/controller/parallel.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "common/base/number.h"

#define LOW  (256 * MIB)
#define HIGH (384 * MIB)

static struct guests guests;

static const char *const by_shares[] = {
    "name: few\nprofile: balanced\nshares: 500\nfloor: 512MiB\n",
    "name: some\nprofile: balanced\nshares: 1000\nfloor: 512MiB\n",
    "name: many\nprofile: balanced\nshares: 2000\nfloor: 512MiB\n",
};

static void begin_on(struct fixture *f, const char *const *policies, const char *arbiter,
                     const char *cgroup)
{
    if (guests.list == NULL)
        guests_start(&guests, f, 3, 4 * GIB, policies);
    guests_serve(&guests, arbiter, cgroup);
}

static void begin(struct fixture *f, const char *const *policies, const char *arbiter)
{
    begin_on(f, policies, arbiter, guests_cgroup);
}

static int end(void **state)
{
    struct fixture *f = *state;

    if (f->daemon > 0)
        stop_daemon(f, 0);
    guests_stop(&guests);
    return tear_down(state);
}

static uint64_t lent(size_t i)
{
    return GIB - guests.list[i].size;
}

static uint64_t lent_by_all(void)
{
    uint64_t bytes = 0;

    for (size_t i = 0; i < guests.count; i++)
        bytes += lent(i);
    return bytes;
}

static uint64_t leases_of(struct fixture *f)
{
    uint64_t bytes = 0;

    for (size_t i = 0; i < guests.count; i++)
        bytes += get_vm(f, guests_names[i])->balloon_lease;
    return bytes;
}

/* What the daemon was to remember is on the disk. */
static bool is_written(struct fixture *f)
{
    Vmreclaim__Controller__V1__GetStatusRequest request =
        VMRECLAIM__CONTROLLER__V1__GET_STATUS_REQUEST__INIT;

    call(f, "GetStatus", &request.base);
    assert_int_equal(f->code, TTRPC_OK);
    return ((const Vmreclaim__Controller__V1__GetStatusResponse *)f->response)->store_pending == 0;
}

/* A record of the VM says what the arbiter's reason was. */
static bool records_say(struct fixture *f, size_t i, const char *why)
{
    Vmreclaim__Controller__V1__ListActionsRequest request =
        VMRECLAIM__CONTROLLER__V1__LIST_ACTIONS_REQUEST__INIT;
    const Vmreclaim__Controller__V1__ListActionsResponse *response;

    request.vm = text(guests_names[i]);
    call(f, "ListActions", &request.base);
    assert_int_equal(f->code, TTRPC_OK);
    response = (const Vmreclaim__Controller__V1__ListActionsResponse *)f->response;
    for (size_t k = 0; k < response->n_actions; k++)
        if (strcmp(response->actions[k]->asked_by, "arbiter") == 0 &&
            strstr(response->actions[k]->why, why) != NULL)
            return true;
    return false;
}

static void test_a_host_that_runs_short_and_recovers(void **state)
{
    struct fixture *f = *state;

    begin(f, by_shares, "on");
    guests.hog = GIB;
    wait_for(f, guests_available(&guests) >= HIGH - MIB);
    assert_true(lent(0) > lent(2));
    assert_true(lent(0) >= lent(1));
    for (size_t i = 0; i < guests.count; i++)
        assert_true(guests.list[i].smallest >= 512 * MIB);
    wait_for(f, records_say(f, 0, "and its share is"));
    assert_true(log_has(f, "and its share is"));
    guests.hog = 0;
    wait_for(f, lent_by_all() == 0);
    wait_for(f, leases_of(f) == 0);
    wait_for(f, records_say(f, 0, "more than 384.0 MiB"));
}

/* The machine has plenty; the cgroup in which all hypervisors lie has not. */
static void test_a_limit_above_all_hypervisors(void **state)
{
    struct fixture *f = *state;

    begin_on(f, by_shares, "on", NULL);
    guests.hog = GIB;
    wait_for(f, guests_available(&guests) >= HIGH - MIB);
    assert_true(lent_by_all() > 0);
}

static void test_floors_are_kept_where_they_do_not_suffice(void **state)
{
    struct fixture *f = *state;

    begin(f, by_shares, "on");
    guests.hog = 3 * GIB;
    wait_for(f, lent_by_all() == 3 * 512 * MIB);
    for (size_t i = 0; i < guests.count; i++)
        assert_int_equal((uint64_t)guests.list[i].smallest, 512 * MIB);
    wait_for(f, strstr(why_degraded(f, "arbiter"), "more than the host has") != NULL);
    put(f, "proc/meminfo", "nonsense\n");
    wait_for(f, strstr(why_degraded(f, "arbiter"), "meminfo") != NULL);
}

static void test_it_is_off_until_it_is_switched_on(void **state)
{
    struct fixture *f = *state;

    begin(f, by_shares, "off");
    guests.hog = GIB;
    wait_for(f, guests_available(&guests) < LOW);
    for (size_t i = 0; i < 3; i++)
        (void)get_vm(f, "guest-0");
    assert_int_equal(lent_by_all(), 0);
    stop_daemon(f, 0);
    begin(f, by_shares, "on");
    wait_for(f, guests_available(&guests) >= LOW);
    stop_daemon(f, 0);
    assert_true(lent_by_all() > 0); /* what it holds outlives the daemon */
    begin(f, by_shares, "off");
    wait_for(f, lent_by_all() == 0);
}

#define SETTINGS "watermarks: 128MiB,256MiB,384MiB\nhost_cgroup: /sys/fs/cgroup/lab\n"

static void reload(struct fixture *f, const char *settings)
{
    Vmreclaim__Controller__V1__ReloadRequest request =
        VMRECLAIM__CONTROLLER__V1__RELOAD_REQUEST__INIT;

    put(f, "vmreclaimd.yaml", settings);
    call(f, "Reload", &request.base);
    assert_int_equal(f->code, TTRPC_OK);
}

static void begin_by_file(struct fixture *f, const char *settings)
{
    char path[128];
    char *const more[] = {text("--config"), path, NULL};

    snprintf(path, sizeof(path), "%s/vmreclaimd.yaml", f->directory);
    put(f, "vmreclaimd.yaml", settings);
    guests_start(&guests, f, 3, 4 * GIB, by_shares);
    start_daemon(f, more);
    connect_api(f);
}

static void test_it_is_switched_by_a_reload(void **state)
{
    struct fixture *f = *state;

    begin_by_file(f, "arbiter: off\n" SETTINGS);
    guests.hog = GIB;
    wait_for(f, guests_available(&guests) < LOW);
    reload(f, "arbiter: on\n" SETTINGS);
    wait_for(f, lent_by_all() > 0);
    reload(f, "arbiter: off\n" SETTINGS);
    wait_for(f, lent_by_all() == 0);
    wait_for(f, leases_of(f) == 0);
    assert_true(log_has(f, "the arbiter is off: what it holds is given back"));
}

/* Of how many VMs the host would want something, where it has so much by now; else -1. Of one that
 * was slow to give it wants nothing: that counts as a need, for a while. */
static int wanted_at(struct fixture *f, uint64_t available)
{
    Vmreclaim__Controller__V1__GetPlanRequest request =
        VMRECLAIM__CONTROLLER__V1__GET_PLAN_REQUEST__INIT;
    const Vmreclaim__Controller__V1__GetPlanResponse *plan;
    int wanted = 0;

    call(f, "GetPlan", &request.base);
    assert_int_equal(f->code, TTRPC_OK);
    plan = (const void *)f->response;
    for (size_t i = 0; i < plan->n_vms; i++)
        wanted +=
            strcmp(plan->vms[i]->cause, "fine") != 0 && strcmp(plan->vms[i]->cause, "in-need") != 0;
    return plan->host->available == available ? wanted : -1;
}

/* It was short when it was switched off. Later the host has more than is low: nothing is due. */
static void test_what_it_was_at_is_forgotten(void **state)
{
    struct fixture *f = *state;

    begin_by_file(f, "arbiter: on\n" SETTINGS);
    guests.hog = 3 * GIB;
    wait_for(f, lent_by_all() == 3 * 512 * MIB);
    reload(f, "arbiter: off\n" SETTINGS);
    wait_for(f, lent_by_all() == 0);
    guests.hog = 0;
    guests.hog = guests_available(&guests) - 300 * MIB;
    wait_for(f, wanted_at(f, 300 * MIB) == 0); /* no lease is open any more, either */
}

static void test_a_killed_daemon_loses_nothing(void **state)
{
    struct fixture *f = *state;

    begin(f, by_shares, "on");
    guests.hog = GIB;
    wait_for(f, lent_by_all() > 0);
    crash_daemon(f); /* in the middle of it */
    begin(f, by_shares, "on");
    wait_for(f, guests_available(&guests) >= LOW);
    wait_for(f, leases_of(f) > 0 && leases_of(f) == lent_by_all());
    crash_daemon(f); /* at rest */
    guests.hog = 0;
    begin(f, by_shares, "on");
    wait_for(f, lent_by_all() == 0);
    wait_for(f, leases_of(f) == 0);
}

static void test_a_guest_in_need_gets_it_back_at_once(void **state)
{
    struct fixture *f = *state;
    uint64_t of_first;

    begin(f, by_shares, "on");
    guests.hog = GIB;
    wait_for(f, guests_available(&guests) >= HIGH - MIB);
    of_first = lent(0);
    assert_true(of_first > 0);
    guests.list[0].presses++;
    wait_for(f, lent(0) == 0);
    wait_for(f, guests_available(&guests) >= LOW); /* others give instead */
    assert_int_equal(lent(0), 0);
    /* What moves while it is reckoned what fills the host would make that wrong. */
    wait_for(f, guests_available(&guests) >= HIGH - MIB && leases_of(f) == lent_by_all());
    wait_for(f, is_written(f));
    crash_daemon(f);
    guests.list[0].smallest = GIB;
    begin(f, by_shares, "on");                           /* and the next daemon knows of it */
    guests.hog += guests_available(&guests) - 200 * MIB; /* short, and not critical */
    wait_for(f, guests_available(&guests) < LOW);
    wait_for(f, guests_available(&guests) >= LOW);
    assert_int_equal((uint64_t)guests.list[0].smallest, GIB);
}

/* It says that it uses all that it has. */
static void test_a_liar_is_not_believed_for_ever(void **state)
{
    static const char *const policies[] = {
        "name: liar\nprofile: balanced\nfloor: 512MiB\n",
        "name: good\nprofile: balanced\nfloor: 960MiB\n",
        "name: fine\nprofile: balanced\nfloor: 960MiB\n",
    };
    struct fixture *f = *state;

    begin(f, policies, "on");
    guests.list[0].uses = GIB - 16 * MIB;
    guests.hog = GIB + 20 * MIB; /* critical */
    wait_for(f, lent(0) >= 128 * MIB);
    assert_true(log_has(f, "tries to take"));
    assert_true(guests.list[1].smallest >= 960 * MIB);
}

static void test_others_are_left_alone(void **state)
{
    struct fixture *f = *state;

    begin(f, by_shares, "on");
    guests.list[0].moved_to = 900 * MIB;
    wait_for(f, get_vm(f, "guest-0")->waterfall->balloon == 124 * MIB);
    guests.hog = GIB + 100 * MIB;
    wait_for(f, guests_available(&guests) >= HIGH - MIB);
    assert_int_equal((uint64_t)guests.list[0].commands, 0);
    assert_int_equal(lent(0), 124 * MIB);
}

#define arbiter_test(name) cmocka_unit_test_setup_teardown(name, set_up, end)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        arbiter_test(test_a_host_that_runs_short_and_recovers),
        arbiter_test(test_a_limit_above_all_hypervisors),
        arbiter_test(test_floors_are_kept_where_they_do_not_suffice),
        arbiter_test(test_it_is_off_until_it_is_switched_on),
        arbiter_test(test_it_is_switched_by_a_reload),
        arbiter_test(test_what_it_was_at_is_forgotten),
        arbiter_test(test_a_killed_daemon_loses_nothing),
        arbiter_test(test_a_guest_in_need_gets_it_back_at_once),
        arbiter_test(test_a_liar_is_not_believed_for_ever),
        arbiter_test(test_others_are_left_alone),
    };

    return run_apart(argc, argv, tests, ARRAY_SIZE(tests));
}
