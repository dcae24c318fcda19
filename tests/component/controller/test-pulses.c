/* Pulses of the real vmreclaimd: what is free comes back, and the guest has everything after it,
 * whatever happens meanwhile. */
#include "tests/component/controller/lease-calls.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/number.h"
#include "common/base/util.h"
#include "tests/component/controller/parallel.h"

#define FREE     (700 * MIB)
#define HEADROOM (256 * MIB)

/* What the hypervisor saw, and what happens in the midst. */
struct scene {
    struct fixture *f;
    uint64_t lowest;       /* the guest ever was */
    uint64_t last;         /* ... at the last look */
    uint64_t largest_step; /* downwards */
    uint64_t at;           /* `happens` when it is as small as that; 0: never */
    void (*happens)(struct fixture *f);
    bool answered; /* the pulse */
};

static struct scene scene;

/* The host has got what the guest has given. */
static void on_command(struct qmp_server *server, const char *command, void *userdata)
{
    /* It does what it did not, when it is to give back. */
    if (server->balloon_target == GIB)
        server->balloon_is_stuck = false;
    if (strcmp(command, "balloon") == 0)
        server->balloon_refuses = false;
    if (server->balloon_actual < scene.last)
        scene.largest_step = max_of(scene.largest_step, scene.last - server->balloon_actual);
    scene.last = server->balloon_actual;
    if (scene.last >= scene.lowest)
        return;
    scene.lowest = scene.last;
    put_footprint(scene.f, 1000 * 1024 - (GIB - scene.lowest) / 1024);
    if (scene.happens != NULL && scene.lowest <= scene.at) {
        void (*happens)(struct fixture * f) = scene.happens;

        scene.happens = NULL;
        happens(scene.f);
    }
}

static void start(struct fixture *f)
{
    scene = (struct scene){.f = f, .lowest = GIB, .last = GIB};
    f->qmp.free_page_reporting = false;
    f->qmp.on_command = on_command;
    f->agent.free = FREE;
    f->agent.size = &f->qmp.balloon_actual;
    put_footprint(f, 1000 * 1024);
    start_ready(f);
}

/* Half way down. */
static void start_with(struct fixture *f, void (*happens)(struct fixture *f))
{
    start(f);
    scene.at = GIB - 192 * MIB;
    scene.happens = happens;
}

static void pulse(struct fixture *f)
{
    Vmreclaim__Controller__V1__PulseVmRequest request =
        VMRECLAIM__CONTROLLER__V1__PULSE_VM_REQUEST__INIT;

    request.vm = (char *)"web-1";
    call(f, "Pulse", &request.base);
}

/* What holds after each, however it ended. */
static void check_whole(struct fixture *f)
{
    wait_for(f, f->qmp.balloon_actual == GIB && f->qmp.balloon_target == GIB);
    wait_for(f, lease_count(f) == 0);
    assert_true(scene.largest_step <= 64 * MIB);
    assert_true(scene.lowest >= GIB - (FREE - HEADROOM));
}

static void check_cut_short(struct fixture *f, const char *reason)
{
    assert_int_equal(f->code, TTRPC_OK);
    assert_non_null(strstr(action_of(f)->reason, reason));
    assert_true(scene.lowest < GIB);
    check_whole(f);
}

static void test_a_pulse(void **state)
{
    struct fixture *f = *state;
    const Action *action;

    start(f);
    pulse(f);
    assert_int_equal(f->code, TTRPC_OK);
    action = action_of(f);
    assert_true(action->finished);
    assert_string_equal(action->kind, "pulse");
    assert_string_equal(action->reason, "");
    assert_int_equal(action->footprint_before, 1000 * MIB);
    assert_true(f->agent.asked.brief_answers >= 7); /* one for each step */
    assert_true(action->host_returned >= (int64_t)(FREE - HEADROOM - 4 * MIB));
    assert_true(scene.lowest <= GIB - (FREE - HEADROOM - 4 * MIB));
    check_whole(f);
    pulse(f); /* what it takes is not on the host any more */
    assert_int_equal(f->code, TTRPC_OK);
    assert_int_equal(action_of(f)->host_returned, 0);
    assert_non_null(strstr(action_of(f)->reason, "was not on the host"));
    assert_string_equal(action_of(f)->reason_code, "");
    check_whole(f);
}

static bool is_alone(struct fixture *f)
{
    const Vm *vm = get_vm(f, "web-1");

    return vm != NULL && !vm->agent_connected;
}

static void test_where_it_is_not_for(void **state)
{
    struct fixture *f = *state;

    start(f);
    f->agent.free = 300 * MIB;
    wait_for_sample(f);
    pulse(f);
    assert_int_equal(f->code, TTRPC_FAILED_PRECONDITION);
    assert_non_null(strstr(f->message, "300.0 MiB free, 256.0 MiB of it must stay"));
    fake_agent_drop(&f->agent);
    f->agent.fault = FAKE_AGENT_SILENT;
    wait_for(f, is_alone(f));
    pulse(f);
    assert_int_equal(f->code, TTRPC_FAILED_PRECONDITION);
    assert_non_null(strstr(f->message, "how much is free in the guest is not known now"));
    assert_int_equal(f->qmp.balloon_commands, 0);
}

static void test_where_reporting_works(void **state)
{
    struct fixture *f = *state;

    start_ready(f);
    pulse(f);
    assert_int_equal(f->code, TTRPC_FAILED_PRECONDITION);
    assert_non_null(strstr(f->message, "reports its free pages"));
    assert_int_equal(f->qmp.balloon_commands, 0);
}

/* ---- in the midst ---- */

static void allocate(struct fixture *f)
{
    f->agent.free -= 100 * MIB;
}

static void test_the_guest_allocates(void **state)
{
    struct fixture *f = *state;

    start_with(f, allocate);
    pulse(f);
    check_cut_short(f, "began to use more memory");
}

static void press(struct fixture *f)
{
    fake_agent_pressure(&f->agent, 10 * MIB);
}

static void test_pressure(void **state)
{
    struct fixture *f = *state;

    start_with(f, press);
    pulse(f);
    check_cut_short(f, "needed memory");
}

static void reset(struct fixture *f)
{
    qmp_server_event(&f->qmp, "RESET", NULL);
}

static void test_a_reset(void **state)
{
    struct fixture *f = *state;

    start_with(f, reset);
    pulse(f);
    check_cut_short(f, "paused, migrated, reset or restored");
}

static void migrate(struct fixture *f)
{
    snprintf(f->qmp.migration, sizeof(f->qmp.migration), "active");
    qmp_server_event(&f->qmp, "MIGRATION", json_pack("{s:s}", "status", "setup"));
}

static void test_a_migration(void **state)
{
    struct fixture *f = *state;

    start_with(f, migrate);
    pulse(f);
    check_cut_short(f, "paused, migrated, reset or restored");
}

static void lose_agent(struct fixture *f)
{
    f->agent.fault = FAKE_AGENT_SILENT;
    fake_agent_drop(&f->agent);
}

static void test_the_agent_goes(void **state)
{
    struct fixture *f = *state;

    start_with(f, lose_agent);
    pulse(f);
    check_cut_short(f, "the guest's agent ended");
}

static void stand_still(struct fixture *f)
{
    f->agent.stands_still = true;
}

static void test_the_agent_says_nothing(void **state)
{
    struct fixture *f = *state;

    start_with(f, stand_still);
    pulse(f);
    /* Whichever is noticed first. */
    check_cut_short(f, strstr(action_of(f)->reason, "heard") != NULL ? "was not heard for two"
                                                                     : "agent ended");
}

static void lose_session(struct fixture *f)
{
    qmp_server_drop_client(&f->qmp);
}

static void test_the_session_is_lost(void **state)
{
    struct fixture *f = *state;

    start_with(f, lose_session);
    pulse(f);
    check_cut_short(f, "took no commands");
}

static void get_stuck(struct fixture *f)
{
    f->qmp.balloon_is_stuck = true;
}

static void test_the_guest_gives_no_more(void **state)
{
    struct fixture *f = *state;

    start_with(f, get_stuck);
    pulse(f);
    check_cut_short(f, "gave no more");
}

static void test_no_driver(void **state)
{
    struct fixture *f = *state;

    start(f);
    f->qmp.balloon_is_stuck = true;
    f->qmp.on_command = NULL;
    pulse(f);
    assert_int_equal(f->code, TTRPC_OK);
    assert_non_null(strstr(action_of(f)->reason, "does it run a balloon driver"));
    assert_int_equal(action_of(f)->host_returned, 0);
    check_whole(f);
}

static void refuse(struct fixture *f)
{
    f->qmp.balloon_refuses = true;
}

static void test_the_hypervisor_refuses(void **state)
{
    struct fixture *f = *state;

    start_with(f, refuse);
    scene.at = GIB - 128 * MIB;
    pulse(f);
    assert_int_equal(f->code, TTRPC_OK);
    assert_non_null(strstr(action_of(f)->reason, "took no commands"));
    check_whole(f);
}

static void deflate(struct fixture *f)
{
    f->qmp.balloon_actual += 100 * MIB;
}

static void test_the_guest_takes_memory_back(void **state)
{
    struct fixture *f = *state;

    start_with(f, deflate);
    pulse(f);
    check_cut_short(f, "needed memory");
}

/* A target of somebody else's stays. */
static void move_away(struct fixture *f)
{
    qmp_server_move_balloon(&f->qmp, 640 * MIB);
    scene.last = 640 * MIB;
}

static void test_a_foreign_move(void **state)
{
    struct fixture *f = *state;

    start_with(f, move_away);
    pulse(f);
    assert_int_equal(f->code, TTRPC_OK);
    assert_non_null(strstr(action_of(f)->reason, "someone else moves the balloon"));
    assert_int_equal(f->qmp.balloon_target, 640 * MIB);
    wait_for(f, lease_count(f) == 0);
    pulse(f); /* it is theirs */
    assert_int_equal(f->code, TTRPC_FAILED_PRECONDITION);
    assert_non_null(strstr(f->message, "another client of the hypervisor moves its balloon"));
}

/* ---- called off ---- */

static void on_other(const struct ttrpc_result *result, void *userdata)
{
    scene.answered = true;
}

static void ask_other(struct fixture *f, const char *method, const ProtobufCMessage *request)
{
    start_call(f, method, request, WAIT_MAX, NULL, on_other, f);
}

static void release(struct fixture *f)
{
    Vmreclaim__Controller__V1__ReleaseBalloonRequest request =
        VMRECLAIM__CONTROLLER__V1__RELEASE_BALLOON_REQUEST__INIT;

    request.vm = (char *)"web-1";
    ask_other(f, "ReleaseBalloon", &request.base);
}

static void test_a_release(void **state)
{
    struct fixture *f = *state;

    start_with(f, release);
    pulse(f);
    assert_int_not_equal(f->code, TTRPC_OK);
    assert_non_null(strstr(f->message, "cut short by a release"));
    wait_for(f, scene.answered);
    check_whole(f);
}

static void halt(struct fixture *f)
{
    Vmreclaim__Controller__V1__HaltRequest request = VMRECLAIM__CONTROLLER__V1__HALT_REQUEST__INIT;

    request.all = true;
    ask_other(f, "Halt", &request.base);
}

static void test_a_halt(void **state)
{
    struct fixture *f = *state;

    start_with(f, halt);
    pulse(f);
    assert_int_not_equal(f->code, TTRPC_OK);
    wait_for(f, scene.answered);
    check_whole(f);
}

/* ---- the daemon ends ---- */

static void stop(struct fixture *f)
{
    (void)kill(f->daemon, SIGTERM);
}

static void end_of_daemon(struct fixture *f)
{
    int status;

    wait_for(f, f->api == NULL && waitpid(f->daemon, &status, WNOHANG) == f->daemon);
    f->daemon = 0;
    f->agent.fault = FAKE_AGENT_WORKS;
}

/* The guest does not have to wait for the next daemon. */
static void test_the_daemon_is_stopped(void **state)
{
    struct fixture *f = *state;

    start_with(f, stop);
    pulse(f);
    end_of_daemon(f);
    wait_for(f, f->qmp.balloon_actual == GIB);
    restart_daemon(f);
    check_whole(f);
}

static void kill_daemon(struct fixture *f)
{
    (void)kill(f->daemon, SIGKILL);
}

static void test_the_daemon_is_killed(void **state)
{
    struct fixture *f = *state;
    nsec_t begun;

    start_with(f, kill_daemon);
    pulse(f);
    end_of_daemon(f);
    assert_true(f->qmp.balloon_actual < GIB);
    begun = time_monotonic();
    restart_daemon(f);
    check_whole(f);
    print_message("given back %llu ms after the start\n",
                  (unsigned long long)((time_monotonic() - begun) / NSEC_PER_MSEC));
}

/* Arguments of what the release timer starts, as its unit has them; the first is the program. */
static void read_unit(char line[256], char *arguments[4])
{
    const char *path = getenv("RELEASE_UNIT");
    FILE *unit = path == NULL ? NULL : fopen(path, "re");
    size_t count = 0;

    assert_non_null(unit);
    do
        assert_non_null(fgets(line, 256, unit));
    while (strncmp(line, "ExecStart=", 10) != 0);
    fclose(unit);
    for (char *word = strtok(line, " \n"); word != NULL && count < 4; word = strtok(NULL, " \n"))
        arguments[count++] = word;
    assert_in_range(count, 2, 3);
    arguments[count] = NULL;
}

/* ... and no other comes: the timer's command gives it back. */
static void test_without_a_daemon(void **state)
{
    struct fixture *f = *state;
    char *arguments[4];
    char line[256];
    int status;

    start_with(f, kill_daemon);
    pulse(f);
    end_of_daemon(f);
    assert_true(f->qmp.balloon_actual < GIB);
    read_unit(line, arguments);
    start_daemon(f, arguments + 1);
    wait_for(f, waitpid(f->daemon, &status, WNOHANG) == f->daemon);
    f->daemon = 0;
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_int_equal(f->qmp.balloon_actual, GIB);
}

#define pulse_test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        pulse_test(test_a_pulse),
        pulse_test(test_where_it_is_not_for),
        pulse_test(test_where_reporting_works),
        pulse_test(test_the_guest_allocates),
        pulse_test(test_pressure),
        pulse_test(test_a_reset),
        pulse_test(test_a_migration),
        pulse_test(test_the_agent_goes),
        pulse_test(test_the_agent_says_nothing),
        pulse_test(test_the_session_is_lost),
        pulse_test(test_the_guest_gives_no_more),
        pulse_test(test_no_driver),
        pulse_test(test_the_hypervisor_refuses),
        pulse_test(test_the_guest_takes_memory_back),
        pulse_test(test_a_foreign_move),
        pulse_test(test_a_release),
        pulse_test(test_a_halt),
        pulse_test(test_the_daemon_is_stopped),
        pulse_test(test_the_daemon_is_killed),
        pulse_test(test_without_a_daemon),
    };

    return run_apart(argc, argv, tests, ARRAY_SIZE(tests));
}
