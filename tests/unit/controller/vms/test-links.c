/* Agents that dial in: whom they are taken for, and who may replace whom. The peers are made up,
 * the connections are socket pairs. */
#include "tests/lib/test.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/base/number.h"
#include "controller/policies/push.h"
#include "controller/vms/announce.h"
#include "controller/vms/links.h"
#include "controller/vms/sources.h"
#include "controller/vms/supervisor.h"
#include "controller/vms/tick.h"
#include "tests/component/controller/fake-agent.h"

#define WAIT_MAX (30 * NSEC_PER_SEC)

struct fixture {
    uv_loop_t loop;
    uv_timer_t ticker;
    struct supervisor supervisor;
    struct policy_push policies;
    struct fake_agent agents[3];
    int root;
};

static void on_ticker(uv_timer_t *timer)
{
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    if (f == NULL || uv_loop_init(&f->loop) < 0 || uv_timer_init(&f->loop, &f->ticker) < 0)
        return -1;
    f->root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    uv_timer_start(&f->ticker, on_ticker, 2, 2);
    if (supervisor_init(&f->supervisor, &f->loop, f->root, 500 * NSEC_PER_MSEC) < 0)
        return -1;
    policy_push_init(&f->policies, &f->supervisor);
    for (size_t i = 0; i < ARRAY_SIZE(f->agents); i++)
        fake_agent_init(&f->agents[i], &f->loop);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    supervisor_stop(&f->supervisor);
    for (size_t i = 0; i < ARRAY_SIZE(f->agents); i++)
        fake_agent_close(&f->agents[i]);
    uv_close((uv_handle_t *)&f->ticker, NULL);
    uv_run(&f->loop, UV_RUN_DEFAULT);
    supervisor_finish(&f->supervisor);
    assert_int_equal(uv_loop_close(&f->loop), 0);
    close(f->root);
    free(f);
    return 0;
}

#define wait_for(f, condition)                                                                     \
    do {                                                                                           \
        nsec_t end_ = time_monotonic() + WAIT_MAX;                                                 \
        while (!(condition) && time_monotonic() < end_)                                            \
            uv_run(&(f)->loop, UV_RUN_ONCE);                                                       \
        assert_true(condition);                                                                    \
    } while (0)

/* The agent "dials" from this CID and port. Returns our end when it was not given to an agent. */
static void dial_in(struct fixture *f, struct fake_agent *agent, uint32_t cid, uint32_t port)
{
    const struct peer peer = {.kind = ADDRESS_VSOCK, .cid = cid, .port = port};
    int pair[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
    fake_agent_serve(agent, pair[0]);
    supervisor_accept_agent(&f->supervisor, pair[1], &peer);
}

static struct vm *vm_named(const struct fixture *f, const char *name)
{
    return registry_find_name(&f->supervisor.registry, name);
}

/* What the directory of VM files says: "PATH" and its text, in pairs, up to NULL. What is not in
 * force of it is returned. */
static const struct problems *define_all(struct fixture *f, const char *const *files)
{
    static struct problems problems;
    struct vm_definition *definitions[8];
    struct vm_files read = {.definitions = definitions};

    for (; *files != NULL; files += 2)
        assert_int_equal(vm_definition_parse(files[1], strlen(files[1]), files[0],
                                             &definitions[read.count++], NULL),
                         0);
    problems = (struct problems){.count = 0};
    supervisor_define(&f->supervisor, &read, &problems);
    for (size_t i = 0; i < read.count; i++)
        vm_definition_destroy(definitions[i]); /* those that nobody took */
    return &problems;
}

static void define(struct fixture *f, const char *text)
{
    const char *const files[] = {"vms/web-1.yaml", text, NULL};

    assert_int_equal(define_all(f, files)->count, 0);
}

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

static void test_an_unannounced_agent_is_only_observed(void **state)
{
    struct fixture *f = *state;
    struct policy policy;
    struct error error;
    struct vm *vm;

    dial_in(f, &f->agents[0], 7, 600);
    vm = vm_named(f, "cid-7");
    assert_non_null(vm);
    wait_for(f, vm->measured.guest.received != 0);
    assert_false(vm->announced);
    assert_int_equal(vm->life.state, VM_CONNECTED);
    assert_int_equal(vm_may_command(vm, &error), -EPERM);
    assert_non_null(strstr(error.text, "no hypervisor vouches for CID 7"));
    policy_init(&policy, POLICY_BALANCED);
    assert_int_equal(policy_assign(vm, &policy), 0);
    wait_for(f, f->agents[0].sequence > 3);
    assert_int_equal(f->agents[0].policies, 0);
    assert_int_equal(f->agents[0].lowest_order, -1);
    /* It goes with its connection. */
    fake_agent_drop(&f->agents[0]);
    wait_for(f, vm_named(f, "cid-7") == NULL);
    assert_int_equal(f->supervisor.unannounced_count, 0);
}

static void test_a_file_alone_does_not_vouch(void **state)
{
    struct fixture *f = *state;
    struct vm *vm;

    define(f, "cid: 7\n");
    dial_in(f, &f->agents[0], 7, 600);
    vm = vm_named(f, "web-1");
    wait_for(f, vm->measured.guest.received != 0);
    assert_int_equal(f->supervisor.registry.count, 1);
    assert_false(vm->announced);
}

/* Whoever has the CID of the file is not who is behind the path of the file. */
static void test_a_link_is_trusted_by_how_it_came(void **state)
{
    struct fixture *f = *state;
    struct error error;
    struct vm *vm;

    define(f, "cid: 7\nagent: unix:/nowhere/agent\n");
    dial_in(f, &f->agents[0], 7, 600);
    vm = vm_named(f, "web-1");
    wait_for(f, vm->measured.guest.received != 0);
    assert_false(vm->announced);
    assert_int_equal(vm_may_command(vm, &error), -EPERM);
    assert_int_equal(f->agents[0].lowest_order, -1);
}

static void test_the_path_vouches_for_who_is_behind_it(void **state)
{
    struct fixture *f = *state;
    char directory[] = "/dev/shm/vmreclaim-test-XXXXXX";
    char address[128];
    char text[192];
    struct vm *vm;

    assert_non_null(mkdtemp(directory));
    snprintf(address, sizeof(address), "unix:%s/agent", directory);
    assert_int_equal(fake_agent_listen(&f->agents[0], address), 0);
    snprintf(text, sizeof(text), "cid: 7\nagent: %s\n", address);
    define(f, text);
    vm = vm_named(f, "web-1");
    vm_links_visit(vm, time_boottime());
    wait_for(f, vm->measured.guest.received != 0);
    assert_true(vm->announced);
    /* It went; another comes by the CID. */
    listener_destroy(f->agents[0].listener);
    f->agents[0].listener = NULL;
    assert_int_equal(rmdir(directory), 0);
    fake_agent_drop(&f->agents[0]);
    wait_for(f, vm->links.agent == NULL);
    assert_false(vm->announced);
    vm->links.standing.not_before = 0;
    dial_in(f, &f->agents[1], 7, 600);
    wait_for(f, f->agents[1].watch != NULL && vm->agent.info.boot_id[0] != '\0');
    assert_false(vm->announced);
    assert_int_equal(f->agents[1].lowest_order, -1);
}

static void test_a_file_takes_over_an_unannounced_agent(void **state)
{
    struct fixture *f = *state;
    struct vm *vm;

    dial_in(f, &f->agents[0], 7, 600);
    wait_for(f, vm_named(f, "cid-7")->measured.guest.received != 0);
    define(f, "cid: 7\n");
    assert_null(vm_named(f, "cid-7"));
    vm = vm_named(f, "web-1");
    assert_non_null(vm->links.agent);
    assert_int_equal(f->agents[0].connections, 1);
    wait_for(f, vm->measured.guest.sequence > 2);
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

static void test_vms_may_exchange_all_they_are_known_by(void **state)
{
    static const char *const texts[] = {
        "cid: 7\nuuid: 11111111-1111-1111-1111-111111111111\nhypervisor: qemu:/nowhere/a\n",
        "cid: 8\nuuid: 22222222-2222-2222-2222-222222222222\nhypervisor: qemu:/nowhere/b\n",
    };
    const char *const before[] = {"vms/a.yaml", texts[0], "vms/b.yaml", texts[1], NULL};
    const char *const after[] = {"vms/a.yaml", texts[1], "vms/b.yaml", texts[0], NULL};
    const char *const none[] = {NULL};
    struct fixture *f = *state;
    const struct registry *registry = &f->supervisor.registry;

    assert_int_equal(define_all(f, before)->count, 0);
    assert_int_equal(define_all(f, after)->count, 0);
    assert_string_equal(registry_find_cid(registry, 8)->name, "a");
    assert_string_equal(registry_find_cid(registry, 7)->name, "b");
    assert_string_equal(vm_named(f, "a")->address.text, "qemu:/nowhere/b");
    assert_string_equal(vm_named(f, "b")->uuid, "11111111-1111-1111-1111-111111111111");
    assert_int_equal(registry->count, 2);
    assert_int_equal(define_all(f, none)->count, 0);
    assert_int_equal(registry->count, 0);
}

/* A VM whose file names CID 7, with its agent, for which a hypervisor vouches. */
static struct vm *start_vouched(struct fixture *f)
{
    struct vm *vm;
    struct error error;

    define(f, "cid: 7\nhypervisor: qemu:/nowhere/web-1.qmp\n");
    dial_in(f, &f->agents[0], 7, 600);
    vm = vm_named(f, "web-1");
    wait_for(f, vm->measured.guest.received != 0);
    vm->announced = true;
    vm->hypervisor.facts_next = NSEC_INFINITY;
    assert_int_equal(vm_may_command(vm, &error), 0);
    return vm;
}

/* The guest behind another CID is another one, and whoever vouched did so for the first. */
static void test_who_gets_another_address_must_be_vouched_for_again(void **state)
{
    static const char *const changed[] = {
        "cid: 8\nhypervisor: qemu:/nowhere/web-1.qmp\n",
        "cid: 7\nhypervisor: qemu:/nowhere/web-2.qmp\n",
        "cid: 8\n",
        "hypervisor: qemu:/nowhere/web-2.qmp\n",
    };
    struct fixture *f = *state;
    struct error error;

    for (size_t i = 0; i < ARRAY_SIZE(changed); i++) {
        struct vm *vm = start_vouched(f);

        define(f, changed[i]);
        assert_ptr_equal(vm_named(f, "web-1"), vm);
        assert_null(vm->links.agent);
        assert_false(vm->announced);
        assert_int_equal(vm->hypervisor.facts_next, 0);
        wait_for(f, f->agents[0].connection == NULL);
        if (vm->cid == 0)
            continue;
        dial_in(f, &f->agents[1], vm->cid, 601);
        wait_for(f, f->agents[1].watch != NULL && vm->agent.info.boot_id[0] != '\0');
        assert_int_equal(vm_may_command(vm, &error), -EPERM);
        assert_int_equal(f->agents[1].lowest_order, -1);
        vm_links_drop(vm, "the test says so");
        wait_for(f, f->agents[1].connection == NULL);
    }
}

static void test_another_label_does_not_disturb(void **state)
{
    struct fixture *f = *state;
    struct vm *vm = start_vouched(f);
    struct error error;

    define(f, "cid: 7\nhypervisor: qemu:/nowhere/web-1.qmp\nlabels: [rack=7]\n");
    assert_non_null(vm->links.agent);
    assert_int_equal(vm_may_command(vm, &error), 0);
    assert_int_equal(vm->hypervisor.facts_next, 0);
}

/* Who dialled in by the CID is not who is behind the path that was vouched for. */
static void test_a_path_that_goes_takes_its_word_along(void **state)
{
    struct fixture *f = *state;
    struct vm *vm;

    define(f, "cid: 7\nagent: unix:/nowhere/agent\n");
    vm = vm_named(f, "web-1");
    vm->announced = true;
    define(f, "cid: 7\n");
    assert_false(vm->announced);
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

#define supervisor_test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        supervisor_test(test_peers_that_are_no_guests),
        supervisor_test(test_an_unannounced_agent_is_only_observed),
        supervisor_test(test_a_file_alone_does_not_vouch),
        supervisor_test(test_a_link_is_trusted_by_how_it_came),
        supervisor_test(test_the_path_vouches_for_who_is_behind_it),
        supervisor_test(test_a_file_takes_over_an_unannounced_agent),
        supervisor_test(test_a_second_connection_of_a_living_guest),
        supervisor_test(test_a_second_connection_after_a_reboot),
        supervisor_test(test_a_second_connection_while_the_first_is_dead),
        supervisor_test(test_a_ping_ends_with_its_candidate),
        supervisor_test(test_a_ping_does_not_decide_about_later_connections),
        supervisor_test(test_who_breaks_the_protocol_must_wait),
        supervisor_test(test_a_storm_of_candidates_must_wait),
        supervisor_test(test_what_a_guest_says_unasked_is_bounded),
        supervisor_test(test_the_actions_that_a_guest_reports_are_bounded),
        supervisor_test(test_the_number_of_unannounced_agents_is_bounded),
        supervisor_test(test_vms_may_exchange_all_they_are_known_by),
        supervisor_test(test_who_gets_another_address_must_be_vouched_for_again),
        supervisor_test(test_another_label_does_not_disturb),
        supervisor_test(test_a_path_that_goes_takes_its_word_along),
        supervisor_test(test_another_interval_is_asked_for),
    };

    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
