/* What a doctor finds in a fleet. */
#include "controller/cli/fleet/fleet-view.h" /* before cmocka, whose macro fail() it would meet */

#include "tests/lib/test.h"

#include <stdio.h>
#include <string.h>

#define NOW (INT64_C(1795942800) * 1000000000)

static struct {
    struct fleet_view view;
    char said[4096];
} f;

static uint8_t ours[8] = {1, 2, 3, 4, 5, 6, 7, 8};
static uint8_t formers[8] = {9};

static int set_up(void **state)
{
    memset(&f, 0, sizeof(f));
    return 0;
}

static void add(const char *status, const char *name, const char *reason, void *userdata)
{
    size_t used = strlen(f.said);

    snprintf(f.said + used, sizeof(f.said) - used, "%s: %s: %s\n", status, name, reason);
}

static void expect(const char *line)
{
    if (strstr(f.said, line) == NULL)
        fail_msg("'%s' is not in:\n%s", line, f.said);
}

static void coordinate(bool leads, const char *leader, const char *problem)
{
    Coordinator coordinator = VMRECLAIM__FLEET__V1__GET_COORDINATOR_RESPONSE__INIT;

    coordinator.bus_is_there = true;
    coordinator.leads = leads;
    coordinator.leader = (char *)leader;
    coordinator.problem = (char *)problem;
    coordinator.epoch = 4;
    coordinator.key = (ProtobufCBinaryData){sizeof(ours), ours};
    fleet_view_coordinator(&f.view, &coordinator, add, NULL);
}

static void test_who_leads(void **state)
{
    coordinate(true, "", "");
    expect("ok: coordinator: this one leads, epoch 4\n");
    coordinate(false, "two", "a rollout cannot go on");
    expect("ok: coordinator: two leads, epoch 4\n");
    expect("warning: problem: a rollout cannot go on\n");
    coordinate(false, "", "");
    expect("failure: coordinator: nobody leads");
}

/* One host, as a test changes it. */
static struct {
    FleetHost host;
    Vmreclaim__Fleet__V1__HostStatus status;
    Vmreclaim__Fleet__V1__Applied applied;
} one;

static void make_host(const char *id)
{
    vmreclaim__fleet__v1__fleet_host__init(&one.host);
    vmreclaim__fleet__v1__host_status__init(&one.status);
    vmreclaim__fleet__v1__applied__init(&one.applied);
    one.host.host = (char *)id;
    one.host.presence = (char *)"present";
    one.host.age_is_known = true;
    one.host.age_ns = 5000000000;
    one.host.status = &one.status;
    one.status.time_ns = NOW - 5000000000;
    one.status.applied = &one.applied;
    one.applied.generation = 3;
    one.applied.key = (ProtobufCBinaryData){sizeof(ours), ours};
}

static void take(void)
{
    FleetHost *hosts[] = {&one.host};
    HostPage page = VMRECLAIM__FLEET__V1__LIST_HOSTS_RESPONSE__INIT;

    page.hosts = hosts;
    page.n_hosts = 1;
    fleet_view_hosts(&f.view, &page, NOW);
}

static void test_all_is_well(void **state)
{
    coordinate(true, "", "");
    make_host("h1");
    take();
    make_host("h2"); /* the slack, just */
    one.status.time_ns += FLEET_CLOCK_SLACK;
    take();
    make_host("h3"); /* nothing of it was heard, or taken, yet */
    one.host.age_is_known = false;
    one.status.time_ns = 0;
    one.applied.generation = 0;
    one.applied.key.len = 0;
    take();
    make_host("h4");
    one.host.status = NULL;
    take();
    fleet_view_end(&f.view, add, NULL);
    expect("ok: hosts: 4 known, 0 lost\n");
    assert_null(strstr(f.said, "warning"));
}

static void test_what_is_found(void **state)
{
    coordinate(true, "", "");
    make_host("gone");
    one.host.presence = (char *)"lost";
    take();
    make_host("ahead");
    one.status.time_ns += FLEET_CLOCK_SLACK + 1;
    take();
    make_host("behind");
    one.status.time_ns -= FLEET_CLOCK_SLACK + 1;
    take();
    make_host("silent");
    one.status.problem = (char *)"no daemon";
    take();
    make_host("old");
    one.applied.key.data = formers;
    take();
    make_host("stubborn");
    one.applied.refused = (char *)"its clock is behind";
    take();
    fleet_view_end(&f.view, add, NULL);
    expect("warning: hosts: 1 host not heard of (gone): ");
    expect("warning: clocks: 2 hosts with another clock than this machine's by a minute or more "
           "(ahead, behind): ");
    expect("warning: daemons: 1 host without figures (silent): ");
    expect("warning: keys: 1 host running what another key has signed (old): ");
    expect("warning: refused: 1 host with a state refused (stubborn: its clock is behind): ");
}

static void test_a_crowd_is_cut(void **state)
{
    coordinate(true, "", "");
    for (unsigned i = 0; i < 1000; i++) {
        char id[65];

        snprintf(id, sizeof(id), "a-host-with-a-long-name-%032u", i);
        make_host(id);
        one.host.presence = (char *)"lost";
        take();
    }
    fleet_view_end(&f.view, add, NULL);
    expect("1000 hosts not heard of (a-host");
    expect(", ...): ");
}

#define TEST(name) cmocka_unit_test_setup(test_##name, set_up)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(who_leads),
        TEST(all_is_well),
        TEST(what_is_found),
        TEST(a_crowd_is_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
