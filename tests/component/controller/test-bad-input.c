/* What disturbs nobody but itself: wrong files, hypervisors that are away, hang or send garbage,
 * and guests that break the protocol or lie. */
#include "tests/component/controller/fixture.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/number.h"
#include "common/base/util.h"
#include "common/transport/transport.h"
#include "tests/component/controller/parallel.h"

static void test_wrong_vm_files_disturb_nothing(void **state)
{
    struct fixture *f = *state;

    put(f, "vms/bad-key.yaml", "name: db-1\ncdi: 7\n");
    put(f, "vms/bad-yaml.yaml", "name: [\n");
    put(f, "vms/bad-cid.yaml", "name: db-2\n\ncid: 2\n");
    start_managed(f);
    assert_true(log_has(f, "bad-key.yaml:2: unknown key 'cdi'; did you mean 'cid'?"));
    assert_true(log_has(f, "bad-yaml.yaml:2: not valid YAML"));
    assert_true(log_has(f, "bad-cid.yaml:3: cid '2' is not a number from 3"));
    assert_null(get_vm(f, "db-1"));
}

/* The session that is open is with the hypervisor of before. */
static void test_a_file_that_gives_another_hypervisor(void **state)
{
    struct fixture *f = *state;
    char text[256];

    start_managed(f);
    snprintf(text, sizeof(text), "hypervisor: qemu:%s/nowhere.qmp\n", f->directory);
    put(f, "vms/web-1.yaml", text);
    (void)kill(f->daemon, SIGHUP);
    wait_for(f, driver_says(f, "web-1", "no such file or directory"));
    assert_false(get_vm(f, "web-1")->announced);
    put_vm(f, "web-1", "/agent.sock");
    (void)kill(f->daemon, SIGHUP);
    wait_for(f, is_in_state(f, "web-1", "managed"));
}

static void check_bad_qmp(struct fixture *f, const char *message)
{
    put_vm(f, "web-1", "/agent.sock");
    put(f, "vms/other.yaml", "cid: 77\n");
    listen_agent(f);
    start_daemon(f, NULL);
    connect_api(f);
    wait_for(f, driver_says(f, "web-1", message));
    /* The agent of the same VM works, and so do the others. */
    wait_for(f, is_in_state(f, "web-1", "managed"));
    assert_non_null(get_vm(f, "other"));
}

static void test_an_unreachable_qmp_socket(void **state)
{
    check_bad_qmp(*state, "no such file or directory");
}

static void test_a_silent_qmp_socket(void **state)
{
    struct fixture *f = *state;

    f->qmp.fault = QMP_SERVER_SILENT;
    listen_qmp(f, "web-1.qmp");
    check_bad_qmp(f, "serves one client at a time");
}

/* A QEMU that is stopped in the middle of its work: its guest is silent, and so is it. */
static void test_a_hypervisor_that_hangs(void **state)
{
    struct fixture *f = *state;

    start_managed(f);
    assert_string_equal(why_degraded(f, "driver:web-1"), "");
    f->qmp.fault = QMP_SERVER_DEAF;
    uv_timer_stop(&f->agent.timer);
    f->agent.fault = FAKE_AGENT_SILENT;
    wait_for(f, strstr(why_degraded(f, "driver:web-1"), "the hypervisor hangs") != NULL);
    assert_non_null(strstr(why_degraded(f, "driver:web-1"), "no answer to "));
    assert_null(strstr(f->log_text, "serves one client at a time"));
    f->qmp.fault = QMP_SERVER_WORKS;
    qmp_server_event(&f->qmp, "RESUME", NULL);
    wait_for(f, why_degraded(f, "driver:web-1")[0] == '\0');
    assert_true(log_has(f, "the hypervisor answers again"));
}

static void test_a_qmp_socket_of_garbage(void **state)
{
    struct fixture *f = *state;

    f->qmp.fault = QMP_SERVER_GARBAGE;
    listen_qmp(f, "web-1.qmp");
    check_bad_qmp(f, "not a JSON object");
}

static void test_a_qmp_line_without_end(void **state)
{
    struct fixture *f = *state;

    f->qmp.fault = QMP_SERVER_OVERSIZED;
    listen_qmp(f, "web-1.qmp");
    check_bad_qmp(f, "longer than");
}

static void check_bad_agent(struct fixture *f, enum fake_agent_fault fault, const char *message)
{
    put_vm(f, "web-1", "/agent.sock");
    listen_qmp(f, "web-1.qmp");
    listen_agent(f);
    f->agent.fault = fault;
    start_daemon(f, NULL);
    connect_api(f);
    wait_for(f, log_has(f, message));
    wait_for(f, driver_says(f, "web-1", "ready"));
    assert_int_equal(get_vm(f, "web-1")->waterfall->footprint, 800 * MIB);
    /* It may behave again. */
    f->agent.fault = FAKE_AGENT_WORKS;
    wait_for(f, is_in_state(f, "web-1", "managed"));
}

static void test_garbage_from_a_guest(void **state)
{
    check_bad_agent(*state, FAKE_AGENT_GARBAGE, "VM web-1: the agent's connection ended");
}

static void test_an_oversized_frame_from_a_guest(void **state)
{
    check_bad_agent(*state, FAKE_AGENT_OVERSIZED, "VM web-1: the agent's connection ended");
}

static void test_a_truncated_frame_from_a_guest(void **state)
{
    check_bad_agent(*state, FAKE_AGENT_TRUNCATED, "VM web-1: the agent's connection ended");
}

static void turn_away(int descriptor, const struct peer *peer, void *userdata)
{
    close(descriptor);
}

/* Such an agent says why in its own log, which nobody at the host sees. */
static void test_an_agent_that_does_not_believe_the_host(void **state)
{
    struct fixture *f = *state;
    struct address address = {.kind = ADDRESS_UNIX};
    struct listener *listener;
    struct error error;

    snprintf(address.path, sizeof(address.path), "%s/agent.sock", f->directory);
    assert_int_equal(listener_create(&f->loop, &address, 0600, turn_away, NULL, &listener, &error),
                     0);
    put_vm(f, "web-1", "/agent.sock");
    start_daemon(f, NULL);
    wait_for(f, log_has(f, "closed at once"));
    assert_non_null(strstr(log_line(f, "closed at once"), "web-1"));
    assert_non_null(strstr(log_line(f, "closed at once"), "host_port"));
    listener_destroy(listener);
}

static void test_samples_that_cannot_be_true(void **state)
{
    struct fixture *f = *state;

    put_vm(f, "web-1", "/agent.sock");
    listen_qmp(f, "web-1.qmp");
    listen_agent(f);
    f->agent.fault = FAKE_AGENT_LIES;
    start_daemon(f, NULL);
    connect_api(f);
    wait_for(f, log_has(f, "cannot be true"));
    wait_for(f, driver_says(f, "web-1", "ready"));
    assert_false(get_vm(f, "web-1")->waterfall->guest_is_known);
}

#define controller_test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        controller_test(test_wrong_vm_files_disturb_nothing),
        controller_test(test_a_file_that_gives_another_hypervisor),
        controller_test(test_an_unreachable_qmp_socket),
        controller_test(test_a_silent_qmp_socket),
        controller_test(test_a_hypervisor_that_hangs),
        controller_test(test_a_qmp_socket_of_garbage),
        controller_test(test_a_qmp_line_without_end),
        controller_test(test_an_agent_that_does_not_believe_the_host),
        controller_test(test_garbage_from_a_guest),
        controller_test(test_an_oversized_frame_from_a_guest),
        controller_test(test_a_truncated_frame_from_a_guest),
        controller_test(test_samples_that_cannot_be_true),
    };

    return run_apart(argc, argv, tests, ARRAY_SIZE(tests));
}
