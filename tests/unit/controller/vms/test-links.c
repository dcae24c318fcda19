/* Connections of agents that dial in: which are refused, who may replace whom, and what they may
 * cost. */
#include "tests/unit/controller/vms/links-fixture.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

/* Counts the lines about refused connections, and keeps the first. */
struct refusals {
    unsigned lines;
    char first[200];
};

static void on_line(enum log_level level, const char *line, void *userdata)
{
    struct refusals *refusals = userdata;

    if (strstr(line, ": refused: ") != NULL && refusals->lines++ == 0)
        snprintf(refusals->first, sizeof(refusals->first), "%s", line);
}

static void test_peers_that_are_no_guests(void **state)
{
    static const struct {
        uint32_t cid;
        uint32_t port;
    } peers[] = {{0, 600}, {1, 600}, {2, 600}, {5, 1024}, {5, 40000}};
    struct fixture *f = *state;
    struct refusals refusals = {0};

    log_set_sink(on_line, &refusals);
    for (size_t i = 0; i < ARRAY_SIZE(peers); i++) {
        dial_in(f, &f->agents[0], peers[i].cid, peers[i].port);
        wait_for(f, f->agents[0].connection == NULL);
    }
    log_set_sink(NULL, NULL);
    assert_non_null(strstr(refusals.first, "CID 0, port 600: refused: no guest has this CID"));
    assert_int_equal(refusals.lines, 3); /* a storm of them does not fill the log */
    assert_int_equal(f->supervisor.refused_count, ARRAY_SIZE(peers));
    assert_int_equal(f->supervisor.registry.count, 0);
}

static void test_a_second_connection_of_a_living_guest(void **state)
{
    struct fixture *f = *state;
    const struct agent_link *first;
    struct vm *vm;

    dial_in(f, &f->agents[0], 7, 600);
    vm = vm_named(f, "cid-7");
    wait_for(f, vm->agent.info.boot_id[0] != '\0');
    first = vm->links.agent;
    dial_in(f, &f->agents[1], 7, 601);
    assert_non_null(vm->links.candidate);
    /* A third one is not even looked at. */
    dial_in(f, &f->agents[2], 7, 602);
    wait_for(f, f->agents[2].connection == NULL);
    wait_for(f, vm->links.candidate == NULL);
    wait_for(f, f->agents[1].connection == NULL);
    assert_ptr_equal(vm->links.agent, first);
    assert_non_null(f->agents[0].connection);
}

static void test_a_second_connection_after_a_reboot(void **state)
{
    struct fixture *f = *state;
    struct vm *vm;

    dial_in(f, &f->agents[0], 7, 600);
    vm = vm_named(f, "cid-7");
    wait_for(f, vm->agent.info.boot_id[0] != '\0');
    snprintf(f->agents[1].boot_id, sizeof(f->agents[1].boot_id),
             "aaaaaaaa-0000-0000-0000-000000000002");
    dial_in(f, &f->agents[1], 7, 601);
    wait_for(f, f->agents[0].connection == NULL);
    wait_for(f, f->agents[1].watch != NULL);
    assert_string_equal(vm->agent.boot_id, "aaaaaaaa-0000-0000-0000-000000000002");
}

static void test_a_second_connection_while_the_first_is_dead(void **state)
{
    struct fixture *f = *state;

    /* Takes the connection and never says anything. */
    f->agents[0].fault = FAKE_AGENT_SILENT;
    dial_in(f, &f->agents[0], 7, 600);
    dial_in(f, &f->agents[1], 7, 601);
    wait_for(f, f->agents[1].watch != NULL);
    wait_for(f, vm_named(f, "cid-7")->measured.guest.received != 0);
}

/* The ping that asks whether the first connection is alive ends with the second one: its answer
 * would meet a record that is another's, or none. */
static void test_a_ping_ends_with_its_candidate(void **state)
{
    struct fixture *f = *state;
    struct vm *vm;

    f->agents[0].fault = FAKE_AGENT_SILENT;
    dial_in(f, &f->agents[0], 7, 600);
    vm = vm_named(f, "cid-7");
    dial_in(f, &f->agents[1], 7, 601);
    assert_non_null(vm->links.ping);
    fake_agent_drop(&f->agents[1]);
    wait_for(f, vm->links.candidate == NULL);
    assert_null(vm->links.ping);
    /* The link moves, the record is freed; the end of the link ends its calls. */
    define(f, "cid: 7\n");
    vm = vm_named(f, "web-1");
    assert_non_null(vm->links.agent);
    vm_links_drop(vm, "the test says so");
    wait_for(f, vm->links.open == 0);
}

static void test_a_ping_does_not_decide_about_later_connections(void **state)
{
    struct fixture *f = *state;
    const struct agent_link *first;
    struct vm *vm;

    define(f, "cid: 7\n");
    vm = vm_named(f, "web-1");
    f->agents[0].fault = FAKE_AGENT_SILENT;
    dial_in(f, &f->agents[0], 7, 600);
    dial_in(f, &f->agents[1], 7, 601);
    assert_non_null(vm->links.ping);
    vm_links_drop(vm, "the test says so");
    dial_in(f, &f->agents[2], 7, 602);
    first = vm->links.agent;
    dial_in(f, &f->agents[1], 7, 603);
    assert_non_null(vm->links.candidate);
    wait_for(f, vm->links.candidate == NULL);
    assert_ptr_equal(vm->links.agent, first);
}

/* It breaks the protocol, and comes again at once. */
static void test_who_breaks_the_protocol_must_wait(void **state)
{
    struct fixture *f = *state;

    f->agents[0].fault = FAKE_AGENT_GARBAGE;
    dial_in(f, &f->agents[0], 7, 600);
    assert_non_null(vm_named(f, "cid-7"));
    wait_for(f, vm_named(f, "cid-7") == NULL);
    dial_in(f, &f->agents[1], 7, 601);
    assert_null(vm_named(f, "cid-7"));
    assert_int_equal(f->supervisor.refused_count, 1);
    /* Another guest does not. */
    dial_in(f, &f->agents[2], 8, 601);
    wait_for(f, vm_named(f, "cid-8")->measured.guest.received != 0);
}

/* Second connections without end, beside a first one that is well. */
static void test_a_storm_of_candidates_must_wait(void **state)
{
    struct fixture *f = *state;
    struct vm *vm;

    dial_in(f, &f->agents[0], 7, 600);
    vm = vm_named(f, "cid-7");
    wait_for(f, vm->measured.guest.received != 0);
    dial_in(f, &f->agents[1], 7, 601);
    assert_non_null(vm->links.candidate);
    fake_agent_drop(&f->agents[1]);
    wait_for(f, vm->links.candidate == NULL);
    dial_in(f, &f->agents[1], 7, 601);
    assert_null(vm->links.candidate);
    assert_int_equal(f->supervisor.refused_count, 1);
    assert_non_null(f->agents[0].watch);
}

static void count_event(const struct vm_event *event, void *userdata)
{
    unsigned *count = userdata;

    if (event->kind == VM_EVENT_PRESSURE || event->kind == VM_EVENT_GUEST_ACTION)
        (*count)++;
}

static void test_what_a_guest_says_unasked_is_bounded(void **state)
{
    struct fixture *f = *state;
    unsigned count = 0;
    struct supervisor_listener listener = {.on_event = count_event, .userdata = &count};
    struct vm *vm;

    supervisor_listen(&f->supervisor, &listener);
    dial_in(f, &f->agents[0], 7, 600);
    vm = vm_named(f, "cid-7");
    vm->agent.events.burst = 5;
    wait_for(f, f->agents[0].watch != NULL);
    for (unsigned i = 0; i < 20; i++)
        fake_agent_pressure(&f->agents[0], MIB);
    wait_for(f, vm->agent.events.suppressed == 15);
    assert_int_equal(count, 5);
    supervisor_unlisten(&listener);
}

/* As if the limit's interval were over. */
static void let_time_pass(struct log_limit *limit)
{
    limit->begun -= limit->interval;
}

static void report_actions(struct fixture *f, const struct vm *vm, unsigned count)
{
    unsigned passed = vm->agent.events.passed;

    for (unsigned i = 0; i < count; i++)
        fake_agent_reclaimed(&f->agents[0]);
    wait_for(f, vm->agent.events.passed == passed + count);
}

/* Each is a record for a year. */
static void test_the_actions_that_a_guest_reports_are_bounded(void **state)
{
    struct fixture *f = *state;
    static unsigned count; /* an assertion that fails leaves the listener to the fixture */
    static struct supervisor_listener listener = {.on_event = count_event, .userdata = &count};
    struct vm *vm;

    supervisor_listen(&f->supervisor, &listener);
    dial_in(f, &f->agents[0], 7, 600);
    vm = vm_named(f, "cid-7");
    vm->agent.events.burst = 1000;
    vm->links.standing.processor.permyriad = 10000; /* what it costs is not what is looked at */
    wait_for(f, f->agents[0].watch != NULL);
    report_actions(f, vm, 60);
    assert_int_equal(count, 60);
    report_actions(f, vm, 40);
    assert_int_equal(count, 61);
    let_time_pass(&vm->agent.actions_beyond);
    report_actions(f, vm, 6);
    assert_int_equal(count, 62);
    let_time_pass(&vm->agent.actions);
    report_actions(f, vm, 61);
    assert_int_equal(count, 122);
    /* The whole day. */
    assert_in_range(NSEC_PER_SEC * 86400 / vm->agent.actions.interval * vm->agent.actions.burst +
                        NSEC_PER_SEC * 86400 / vm->agent.actions_beyond.interval *
                            vm->agent.actions_beyond.burst,
                    1000, 3000);
    supervisor_unlisten(&listener);
}

static void test_the_number_of_unannounced_agents_is_bounded(void **state)
{
    struct fixture *f = *state;

    f->agents[0].fault = FAKE_AGENT_SILENT;
    f->supervisor.unannounced_count = SUPERVISOR_UNANNOUNCED_MAX;
    dial_in(f, &f->agents[0], 7, 600);
    assert_int_equal(f->supervisor.registry.count, 0);
    assert_int_equal(f->supervisor.refused_count, 1);
    f->supervisor.unannounced_count = 0;
}

/* The samples that come are those that are asked for. */
static void test_another_interval_is_asked_for(void **state)
{
    struct fixture *f = *state;
    struct vm *vm = start_vouched(f);

    f->supervisor.sample_interval = 700 * NSEC_PER_MSEC;
    vm->action = (struct action *)vm;
    vm_links_visit(vm, time_boottime());
    assert_non_null(vm->links.agent); /* not while something is done to it */
    vm->action = NULL;
    vm_links_visit(vm, time_boottime());
    wait_for(f, f->agents[0].connection == NULL);
    assert_true(vm->announced);
    dial_in(f, &f->agents[1], 7, 600);
    wait_for(f, f->agents[1].watch != NULL);
    assert_true(agent_link_interval(vm->links.agent) == 700 * NSEC_PER_MSEC);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_supervisor(test_peers_that_are_no_guests),
        with_supervisor(test_a_second_connection_of_a_living_guest),
        with_supervisor(test_a_second_connection_after_a_reboot),
        with_supervisor(test_a_second_connection_while_the_first_is_dead),
        with_supervisor(test_a_ping_ends_with_its_candidate),
        with_supervisor(test_a_ping_does_not_decide_about_later_connections),
        with_supervisor(test_who_breaks_the_protocol_must_wait),
        with_supervisor(test_a_storm_of_candidates_must_wait),
        with_supervisor(test_what_a_guest_says_unasked_is_bounded),
        with_supervisor(test_the_actions_that_a_guest_reports_are_bounded),
        with_supervisor(test_the_number_of_unannounced_agents_is_bounded),
        with_supervisor(test_another_interval_is_asked_for),
    };

    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
