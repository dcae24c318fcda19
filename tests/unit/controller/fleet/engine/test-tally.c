/* Marks and sums: what counts, and what is void. */
#include "tests/lib/test.h"

#include <string.h>

#include "controller/fleet/engine/tally.h"
#include "tests/sim/fleet-model.h"

#define HOSTS 3

enum { OOM, REFAULTS, MAJOR, WAITED, RETURNED, REFUSED }; /* figures of the model */

static struct fleet_model model;
static struct fleet_host hosts[HOSTS];
static struct fleet_view view;
static bool is_treated[HOSTS];
static struct marks marks;
static struct tally tally;

static struct fleet_model_vm *vm_of(unsigned host, unsigned vm)
{
    return &model.hosts[host].vms[vm];
}

static void set(unsigned host, unsigned vm, unsigned figure, uint64_t value)
{
    vm_of(host, vm)->figure[figure].value = value;
}

/* All hosts say how they are, so many seconds later. */
static void hear(unsigned seconds)
{
    view.now += seconds * NSEC_PER_SEC;
    for (unsigned i = 0; i < HOSTS; i++) {
        hosts[i].heard = view.now;
        hosts[i].status = &model.hosts[i].status;
        model.hosts[i].status.time_ns = (int64_t)view.now;
    }
    assert_int_equal(marks_follow(&marks, &view, is_treated), 0);
}

static void sum(unsigned host)
{
    tally = (struct tally){.hosts = 0};
    tally_add(&tally, &marks, &view, host);
}

static int setup(void **state)
{
    (void)state;
    fleet_model_init(&model, HOSTS, 1);
    view = (struct fleet_view){
        .now = 1000 * NSEC_PER_SEC, .listening = 0, .hosts = hosts, .count = HOSTS};
    for (unsigned i = 0; i < HOSTS; i++) {
        hosts[i] = (struct fleet_host){.id = model.hosts[i].id};
        for (unsigned j = 0; j < FLEET_VMS; j++) {
            vm_of(i, j)->status.n_figures = FLEET_FIGURES;
            vm_of(i, j)->status.has_agent = true;
        }
    }
    memset(is_treated, 0, sizeof(is_treated));
    set(0, 0, OOM, 7);
    set(0, 0, REFAULTS, 1000);
    hear(10);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    marks_finish(&marks);
    fleet_model_finish(&model);
    return 0;
}

/* ---- ---- */

static void test_counters_count_from_their_mark(void **state)
{
    uint64_t rate;

    (void)state;
    sum(0);
    assert_int_equal(tally.counters[FIGURE(OOM_KILLS)].sum, 0);
    assert_int_equal(tally.counters[FIGURE(OOM_KILLS)].vms, FLEET_VMS);
    assert_false(tally_rate(&tally, FIGURE(REFAULTS), &rate));
    set(0, 0, OOM, 9);
    set(0, 1, OOM, 1);
    set(0, 0, REFAULTS, 1600);
    hear(100);
    sum(0);
    assert_int_equal(tally.counters[FIGURE(OOM_KILLS)].sum, 3);
    assert_string_equal(tally.counters[FIGURE(OOM_KILLS)].worst.host, "h000");
    assert_string_equal(tally.counters[FIGURE(OOM_KILLS)].worst.vm, "vm-0");
    assert_int_equal(tally.counters[FIGURE(OOM_KILLS)].worst.value, 2);
    assert_int_equal(tally.counters[FIGURE(REFAULTS)].seconds, 300);
    assert_true(tally_rate(&tally, FIGURE(REFAULTS), &rate));
    assert_int_equal(rate, 2000);
}

/* Harm that begins late is not lost in the time before. */
static void test_marks_move_on(void **state)
{
    uint64_t rate;

    (void)state;
    for (unsigned i = 0; i < 360; i++)
        hear(10);
    for (unsigned i = 0; i < FLEET_VMS; i++)
        set(0, i, REFAULTS, 100000);
    hear(10);
    sum(0);
    assert_true(tally.counters[FIGURE(REFAULTS)].seconds >= 300 * FLEET_VMS);
    assert_true(tally.counters[FIGURE(REFAULTS)].seconds <= 610 * FLEET_VMS);
    assert_true(tally_rate(&tally, FIGURE(REFAULTS), &rate));
    assert_true(rate > 100000);
    for (unsigned i = 0; i < 60; i++)
        hear(10);
    sum(0);
    assert_int_equal(tally.counters[FIGURE(REFAULTS)].sum, 0);
}

static void test_another_boot_voids_that_guests_counters(void **state)
{
    (void)state;
    set(0, 0, OOM, 9);
    set(0, 1, OOM, 1);
    strcpy(vm_of(0, 0)->boot, "b1");
    hear(10);
    sum(0);
    assert_int_equal(tally.counters[FIGURE(OOM_KILLS)].sum, 1);
    set(0, 0, OOM, 10);
    hear(10);
    sum(0);
    assert_int_equal(tally.counters[FIGURE(OOM_KILLS)].sum, 2);
}

static void test_another_daemon_counts_anew(void **state)
{
    (void)state;
    set(0, 0, REFUSED, 100);
    model.hosts[0].status.started_ns = 5;
    hear(10);
    set(0, 0, REFUSED, 3);
    model.hosts[0].status.started_ns = 6;
    hear(10);
    set(0, 0, REFUSED, 7);
    hear(10);
    sum(0);
    assert_int_equal(tally.counters[FIGURE(ACTIONS_REFUSED)].sum, 4);
    /* That the agents were there is not forgotten. */
    vm_of(0, 0)->status.has_agent = false;
    model.hosts[0].status.started_ns = 7;
    hear(10);
    sum(0);
    assert_int_equal(tally.agents_lost, 1);
}

static void test_degraded_hosts(void **state)
{
    static char no_store[] = "no store", *degraded[] = {no_store};

    (void)state;
    model.hosts[0].status.degraded = degraded;
    model.hosts[0].status.n_degraded = 1;
    sum(0);
    assert_int_equal(tally.degraded, 1);
    assert_string_equal(tally.degraded_host.reason, "no store");
    model.hosts[0].status.n_degraded = 0;
    model.hosts[0].status.problem = (char *)"the daemon does not answer";
    sum(0);
    assert_int_equal(tally.degraded, 1);
    assert_string_equal(tally.degraded_host.reason, "the daemon does not answer");
}

static void test_a_boot_id_that_is_not_said_is_no_other_boot(void **state)
{
    (void)state;
    vm_of(0, 0)->boot[0] = '\0';
    hear(10);
    strcpy(vm_of(0, 0)->boot, "b0");
    set(0, 0, OOM, 8);
    hear(10);
    sum(0);
    assert_int_equal(tally.counters[FIGURE(OOM_KILLS)].sum, 1);
}

/* Hosts name those first that could return most. */
static void test_vms_without_a_uuid_are_told_apart(void **state)
{
    VmStatus **list = model.hosts[0].status.vms;
    VmStatus *first = list[0];

    (void)state;
    vm_of(0, 0)->uuid[0] = vm_of(0, 1)->uuid[0] = '\0';
    set(0, 1, OOM, 3);
    hear(10);
    list[0] = list[1];
    list[1] = first;
    set(0, 0, OOM, 9);
    hear(10);
    sum(0);
    assert_int_equal(tally.counters[FIGURE(OOM_KILLS)].sum, 2);
    assert_string_equal(tally.counters[FIGURE(OOM_KILLS)].worst.vm, "vm-0");
}

static void test_a_counter_that_falls_says_nothing(void **state)
{
    (void)state;
    set(0, 0, OOM, 3);
    hear(10);
    sum(0);
    assert_int_equal(tally.counters[FIGURE(OOM_KILLS)].sum, 0);
    assert_int_equal(tally.counters[FIGURE(OOM_KILLS)].vms, FLEET_VMS - 1);
}

static void test_pressure_is_of_the_last_two_statuses(void **state)
{
    uint64_t permyriad;

    (void)state;
    sum(0);
    assert_false(tally_pressure(&tally, &permyriad));
    for (unsigned i = 0; i < FLEET_VMS; i++)
        set(0, i, WAITED, NSEC_PER_SEC);
    hear(10);
    sum(0);
    assert_true(tally_pressure(&tally, &permyriad));
    assert_int_equal(permyriad, 1000);
    hear(10);
    sum(0);
    assert_true(tally_pressure(&tally, &permyriad));
    assert_int_equal(permyriad, 0);
    /* More than its time: a wrong figure is no larger than all of it. */
    for (unsigned i = 0; i < FLEET_VMS; i++)
        set(0, i, WAITED, 100 * NSEC_PER_SEC);
    hear(10);
    sum(0);
    assert_true(tally_pressure(&tally, &permyriad));
    assert_int_equal(permyriad, 10000);
}

static void test_agents_that_went(void **state)
{
    (void)state;
    vm_of(1, 2)->status.has_agent = false;
    hear(10);
    sum(1);
    assert_int_equal(tally.agents, 3);
    assert_int_equal(tally.agents_lost, 1);
    assert_string_equal(tally.agentless_vm.vm, "vm-2");
    /* Another boot does not make up for it. */
    strcpy(vm_of(1, 2)->boot, "b1");
    hear(10);
    sum(1);
    assert_int_equal(tally.agents_lost, 1);
}

static void test_a_vm_that_never_had_an_agent(void **state)
{
    (void)state;
    marks_finish(&marks);
    vm_of(1, 2)->status.has_agent = false;
    hear(10);
    sum(1);
    assert_int_equal(tally.agents, 2);
    assert_int_equal(tally.agents_lost, 0);
}

static void test_hosts_that_were_lost_meanwhile(void **state)
{
    (void)state;
    view.now += FLEET_LOST_AFTER;
    sum(0);
    assert_int_equal(tally.lost, 1);
    assert_string_equal(tally.lost_host.host, "h000");
    /* It was lost before this window. */
    marks_finish(&marks);
    assert_int_equal(marks_follow(&marks, &view, is_treated), 0);
    sum(0);
    assert_int_equal(tally.hosts, 0);
}

static void test_who_is_treated_from_now_on_is_marked_anew(void **state)
{
    (void)state;
    set(0, 0, OOM, 9);
    hear(10);
    is_treated[0] = true;
    hear(0);
    sum(0);
    assert_int_equal(tally.counters[FIGURE(OOM_KILLS)].sum, 0);
}

static void test_hosts_and_vms_come_and_go(void **state)
{
    (void)state;
    set(2, 0, OOM, 2);
    view.hosts = &hosts[1];
    view.count = 2;
    hear(10);
    sum(1);
    assert_int_equal(tally.counters[FIGURE(OOM_KILLS)].sum, 2);
    view.hosts = hosts;
    view.count = 3;
    model.hosts[0].status.n_vms = 1;
    hear(10);
    sum(0);
    assert_int_equal(tally.counters[FIGURE(OOM_KILLS)].vms, 1);
    assert_int_equal(tally.counters[FIGURE(OOM_KILLS)].sum, 0);
    model.hosts[0].status.n_vms = FLEET_VMS;
    hear(10);
    sum(0);
    assert_int_equal(tally.counters[FIGURE(OOM_KILLS)].vms, FLEET_VMS);
}

static void test_huge_figures_stay_in_their_range(void **state)
{
    uint64_t rate;

    (void)state;
    /* Together they would be none. */
    set(0, 1, REFAULTS, UINT64_C(1) << 63);
    set(0, 2, REFAULTS, UINT64_C(1) << 63);
    hear(10);
    sum(0);
    assert_true(tally_rate(&tally, FIGURE(REFAULTS), &rate));
    assert_true(rate > UINT64_C(1) << 40);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_counters_count_from_their_mark, setup, teardown),
        cmocka_unit_test_setup_teardown(test_marks_move_on, setup, teardown),
        cmocka_unit_test_setup_teardown(test_another_boot_voids_that_guests_counters, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_another_daemon_counts_anew, setup, teardown),
        cmocka_unit_test_setup_teardown(test_degraded_hosts, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_boot_id_that_is_not_said_is_no_other_boot, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_vms_without_a_uuid_are_told_apart, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_counter_that_falls_says_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_pressure_is_of_the_last_two_statuses, setup, teardown),
        cmocka_unit_test_setup_teardown(test_agents_that_went, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_vm_that_never_had_an_agent, setup, teardown),
        cmocka_unit_test_setup_teardown(test_hosts_that_were_lost_meanwhile, setup, teardown),
        cmocka_unit_test_setup_teardown(test_who_is_treated_from_now_on_is_marked_anew, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_hosts_and_vms_come_and_go, setup, teardown),
        cmocka_unit_test_setup_teardown(test_huge_figures_stay_in_their_range, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
