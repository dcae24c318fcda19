/* Each gate on its own: sums in, a judgement out. */
#include "tests/lib/test.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "controller/fleet/engine/gates.h"

#define LONG_WINDOW (600 * NSEC_PER_SEC)

static struct tally treated, untreated;
static Rollout rollout;
static char text[GATES_TEXT_SIZE];
static bool is_changed;

static void count(struct tally *tally, unsigned kind, uint64_t sum, uint64_t vms)
{
    tally->counters[kind] = (struct tally_counter){
        .sum = sum, .vms = vms, .seconds = vms * 1000, .worst = {"h1", "db-1", sum, NULL}};
}

static void press(struct tally *tally, uint64_t permyriad, uint32_t vms)
{
    memset(tally->pressure, 0, sizeof(tally->pressure));
    tally->pressure[permyriad] = vms;
    tally->pressures = vms;
    tally->pressed_vm = (struct tally_worst){"h1", "db-1", permyriad, NULL};
}

/* All is well: 10 treated hosts with 100 VMs, and 90 with 900. */
static void fill(struct tally *tally, uint64_t hosts)
{
    *tally = (struct tally){.hosts = hosts, .agents = hosts * 10};
    for (unsigned kind = 0; kind < FIGURE_COUNT; kind++)
        count(tally, kind, 0, hosts * 10);
    press(tally, 20, (uint32_t)hosts * 10);
}

static int setup(void **state)
{
    (void)state;
    vmreclaim__fleet__v1__rollout__init(&rollout);
    fill(&treated, 10);
    fill(&untreated, 90);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    for (size_t i = 0; i < rollout.n_gate_states; i++)
        vmreclaim__fleet__v1__gate_state__free_unpacked(rollout.gate_states[i], NULL);
    free((void *)rollout.gate_states);
    return 0;
}

static enum gates_outcome judge_in(nsec_t window, bool is_final)
{
    const struct gates_input input = {
        .treated = &treated,
        .wave = &treated,
        .untreated = &untreated,
        .window = window,
        .is_final = is_final,
    };
    enum gates_outcome outcome;

    is_changed = false;
    assert_int_equal(gates_judge(&rollout, &input, &outcome, text, &is_changed), 0);
    return outcome;
}

static enum gates_outcome judge(void)
{
    return judge_in(LONG_WINDOW, true);
}

static void expect(enum gates_outcome outcome, const char *part)
{
    if (judge() != outcome || strstr(text, part) == NULL)
        fail_msg("not %d, or \"%s\" without \"%s\"", (int)outcome, text, part);
}

/* It fails twice before that counts. */
static void expect_at_last(enum gates_outcome outcome, const char *part)
{
    expect(GATES_WAIT, part);
    assert_true(is_changed);
    expect(outcome, part);
}

static void set_limit(const char *name, int64_t limit)
{
    static Vmreclaim__Fleet__V1__Gate gate, *list[1] = {&gate};

    vmreclaim__fleet__v1__gate__init(&gate);
    gate.name = (char *)name;
    gate.limit = limit;
    rollout.gates = list;
    rollout.n_gates = 1;
}

static void keep_past(const char *name, uint64_t past)
{
    GateState *gate = document_gate(&rollout, name);

    gate->past = past;
    gate->past_vms = 100;
}

/* ---- ---- */

static void test_all_is_well(void **state)
{
    (void)state;
    expect(GATES_PASS, "");
    assert_false(is_changed);
}

static void test_an_oom_kill_above_the_others(void **state)
{
    (void)state;
    count(&treated, FIGURE(OOM_KILLS), 1, 100);
    expect(GATES_REVERT, "oom-kills: host h1, VM db-1: 1 OOM kills; 1 in 100 treated");
    assert_int_equal(judge_in(0, false), GATES_REVERT);

    /* The others have as many per VM. */
    count(&untreated, FIGURE(OOM_KILLS), 9, 900);
    expect(GATES_PASS, "");
    count(&treated, FIGURE(OOM_KILLS), 2, 100);
    expect(GATES_REVERT, "oom-kills");
    set_limit("oom-kills", 2);
    expect(GATES_PASS, "");
}

static void test_oom_kills_without_others(void **state)
{
    (void)state;
    untreated = (struct tally){.hosts = 0};
    expect(GATES_PASS, "");
    count(&treated, FIGURE(OOM_KILLS), 1, 100);
    expect(GATES_REVERT, "oom-kills");
}

/* A guest chooses its VM's name, and the document is shown on terminals. */
static void test_names_steer_nothing(void **state)
{
    (void)state;
    count(&treated, FIGURE(OOM_KILLS), 3, 100);
    treated.counters[FIGURE(OOM_KILLS)].worst =
        (struct tally_worst){"h1", "db\x1b[2J\nforged", 3, NULL};
    expect(GATES_REVERT, "db");
    assert_null(strchr(text, '\x1b'));
    for (size_t i = 0; i < rollout.n_gate_states; i++)
        assert_null(strpbrk(rollout.gate_states[i]->text, "\x1b\n"));
}

static void test_lost_hosts(void **state)
{
    (void)state;
    treated.lost = 1;
    expect(GATES_PASS, "");
    treated.lost = 2;
    treated.lost_host.host = "h9";
    expect_at_last(GATES_REVERT,
                   "hosts-lost: host h9 is lost; 2 of 10 treated hosts are, 0 of 90 others");
    untreated.lost = 9;
    expect(GATES_PASS, "");
}

static void test_lost_agents(void **state)
{
    (void)state;
    treated.agents_lost = 1;
    expect(GATES_PASS, "");
    treated.agents_lost = 2;
    treated.agentless_vm = (struct tally_worst){"h1", "db-1", 1, NULL};
    expect_at_last(GATES_REVERT, "agents-lost: host h1, VM db-1");
    untreated.agents_lost = 9;
    expect(GATES_PASS, "");
}

static void test_pressure(void **state)
{
    (void)state;
    press(&treated, 100, 100);
    expect(GATES_PASS, "");
    press(&treated, 101, 100);
    expect_at_last(GATES_REVERT, "pressure: host h1, VM db-1: waited for memory 1.01 %");
    press(&untreated, 51, 900);
    expect(GATES_PASS, "");
    press(&untreated, 20, 900);
    keep_past("pressure", 51);
    expect(GATES_PASS, "");
}

/* One of 21 VMs is beyond the 95th of 100; two are not. */
static void test_pressure_of_few(void **state)
{
    (void)state;
    press(&treated, 10, 20);
    treated.pressure[9000] = 1;
    treated.pressures = 21;
    expect(GATES_PASS, "");
    treated.pressure[9000] = 2;
    treated.pressures = 22;
    expect(GATES_WAIT, "pressure");
}

static void test_rates(void **state)
{
    static const struct {
        const char *name;
        unsigned kind;
        uint64_t little; /* per VM in a thousand seconds */
        enum gates_outcome outcome;
    } rates[] = {
        {"refaults", FIGURE(REFAULTS), 10000, GATES_REVERT},
        {"major-faults", FIGURE(MAJOR_FAULTS), 1000, GATES_REVERT},
        {"actions-refused", FIGURE(ACTIONS_REFUSED), 2, GATES_PAUSE},
    };

    for (size_t i = 0; i < ARRAY_SIZE(rates); i++) {
        uint64_t above = (rates[i].little + 1) * 100;

        (void)teardown(state);
        (void)setup(state);
        count(&treated, rates[i].kind, rates[i].little * 100, 100);
        expect(GATES_PASS, "");
        count(&treated, rates[i].kind, above, 100);
        assert_int_equal(judge_in(10 * NSEC_PER_SEC, false), GATES_WAIT);
        expect_at_last(rates[i].outcome, rates[i].name);
        count(&untreated, rates[i].kind, above * 9 / 2 + 900, 900);
        expect(GATES_PASS, "");
        count(&untreated, rates[i].kind, 0, 900);
        keep_past(rates[i].name, rates[i].little);
        expect(GATES_PASS, "");
        untreated = (struct tally){.hosts = 0};
        document_gate(&rollout, rates[i].name)->past_vms = 0;
        expect(GATES_WAIT, "nothing to compare");
    }
}

static void test_refusals_and_degraded_daemons(void **state)
{
    (void)state;
    treated.degraded = 1;
    treated.degraded_host = (struct tally_worst){"h3", NULL, 1, "no store"};
    expect_at_last(GATES_PAUSE, "degraded: host h3: no store");
    untreated.degraded = 9;
    expect(GATES_PASS, "");
    treated.refused = 1;
    treated.refusing_host = (struct tally_worst){"h4", NULL, 1, "no such key"};
    expect(GATES_PAUSE, "apply-errors: host h4 refuses the policy: no such key");
}

static void test_what_came_back_against_the_wave_before(void **state)
{
    (void)state;
    count(&treated, FIGURE(RETURNED), UINT64_C(100) << 30, 100);
    assert_int_equal(gates_keep_last(&rollout, &treated), 0);
    expect(GATES_PASS, "");
    count(&treated, FIGURE(RETURNED), UINT64_C(49) << 30, 100);
    assert_int_equal(judge_in(LONG_WINDOW, false), GATES_PASS);
    expect(GATES_PAUSE, "returned: a VM gave 301 MiB in ten minutes, in the wave before 614");
}

static void test_no_data_is_no_success(void **state)
{
    (void)state;
    treated.counters[FIGURE(REFAULTS)] = (struct tally_counter){.vms = 0};
    assert_int_equal(judge_in(LONG_WINDOW, false), GATES_PASS);
    expect(GATES_WAIT, "refaults: no figures");
    expect(GATES_WAIT, "refaults: no figures");
    expect(GATES_NO_DATA, "refaults: no figures");
    set_limit("refaults", -1);
    expect(GATES_PASS, "");
}

static void test_what_failed_once_and_not_again_does_not_count(void **state)
{
    (void)state;
    press(&treated, 500, 100);
    expect(GATES_WAIT, "pressure");
    press(&treated, 20, 100);
    expect(GATES_PASS, "");
    press(&treated, 500, 100);
    expect(GATES_WAIT, "pressure");
}

static void test_reverting_comes_before_pausing(void **state)
{
    (void)state;
    treated.refused = 1;
    treated.refusing_host = (struct tally_worst){"h4", NULL, 1, "no such key"};
    count(&treated, FIGURE(OOM_KILLS), 1, 100);
    expect(GATES_REVERT, "oom-kills");
}

static void test_the_past_of_two_waves(void **state)
{
    (void)state;
    press(&treated, 400, 100);
    count(&treated, FIGURE(REFAULTS), 1000, 100);
    assert_int_equal(gates_keep_past(&rollout, &treated), 0);
    press(&treated, 100, 300);
    count(&treated, FIGURE(REFAULTS), 12000, 300);
    assert_int_equal(gates_keep_past(&rollout, &treated), 0);
    assert_int_equal(document_gate(&rollout, "pressure")->past, 400);
    assert_int_equal(document_gate(&rollout, "pressure")->past_vms, 400);
    assert_int_equal(document_gate(&rollout, "refaults")->past, 32);
    assert_int_equal(document_gate(&rollout, "refaults")->past_vms, 400);
}

static void test_pausing_comes_before_waiting(void **state)
{
    (void)state;
    press(&treated, 500, 100);
    treated.refused = 1;
    treated.refusing_host = (struct tally_worst){"h4", NULL, 1, "no such key"};
    expect(GATES_PAUSE, "apply-errors");
}

static void test_names_of_gates(void **state)
{
    Vmreclaim__Fleet__V1__Gate gate = VMRECLAIM__FLEET__V1__GATE__INIT;
    struct error error;

    (void)state;
    gate.name = (char *)"pressure";
    assert_int_equal(gate_check(&gate, &error), 0);
    gate.name = (char *)"luck";
    assert_int_equal(gate_check(&gate, &error), -EINVAL);
    assert_non_null(strstr(error.text, "no gate 'luck'; there are: oom-kills, hosts-lost"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_all_is_well, setup, teardown),
        cmocka_unit_test_setup_teardown(test_an_oom_kill_above_the_others, setup, teardown),
        cmocka_unit_test_setup_teardown(test_oom_kills_without_others, setup, teardown),
        cmocka_unit_test_setup_teardown(test_names_steer_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_lost_hosts, setup, teardown),
        cmocka_unit_test_setup_teardown(test_lost_agents, setup, teardown),
        cmocka_unit_test_setup_teardown(test_pressure, setup, teardown),
        cmocka_unit_test_setup_teardown(test_pressure_of_few, setup, teardown),
        cmocka_unit_test_setup_teardown(test_rates, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refusals_and_degraded_daemons, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_came_back_against_the_wave_before, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_no_data_is_no_success, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_failed_once_and_not_again_does_not_count, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_reverting_comes_before_pausing, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_past_of_two_waves, setup, teardown),
        cmocka_unit_test_setup_teardown(test_pausing_comes_before_waiting, setup, teardown),
        cmocka_unit_test(test_names_of_gates),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
