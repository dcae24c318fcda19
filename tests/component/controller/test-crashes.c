/* The daemon is killed at every single step of everything that can happen to a lease, and of a
 * squeeze; started again, it resumes the lease or gives it back, and the guest's size and settings
 * are right.
 *
 * A scene runs once per step, each time in a process of its own, until it comes to its end before
 * the step: then all steps were tried. */
#include "tests/component/controller/fixture.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/number.h"
#include "common/base/util.h"
#include "tests/component/controller/parallel.h"

#define STEPS_MAX 300 /* of one scene: a pulse reads the balloon many times a second */
#define SCENES    12

/* How one run ended, as an exit status; anything else is a failure. */
enum {
    RESUMED = 10,
    RELEASED = 11,
    NO_SUCH_STEP = 12, /* the scene was over before */
};

static void take(struct fixture *f, nsec_t duration)
{
    Vmreclaim__Controller__V1__SetBalloonRequest request =
        VMRECLAIM__CONTROLLER__V1__SET_BALLOON_REQUEST__INIT;

    request.vm = (char *)"web-1";
    request.size = 768 * MIB;
    request.duration_ns = duration;
    request.owner = (char *)"tester";
    call(f, "SetBalloon", &request.base);
}

static void give_back(struct fixture *f)
{
    Vmreclaim__Controller__V1__ReleaseBalloonRequest request =
        VMRECLAIM__CONTROLLER__V1__RELEASE_BALLOON_REQUEST__INIT;

    request.vm = (char *)"web-1";
    call(f, "ReleaseBalloon", &request.base);
}

/* ---- scenes: what happens once the counting has begun ---- */

static void scene_take(struct fixture *f)
{
    take(f, 0);
}

static void scene_release(struct fixture *f)
{
    give_back(f);
}

static void scene_pressure(struct fixture *f)
{
    fake_agent_pressure(&f->agent, 10 * MIB);
}

static void scene_reset(struct fixture *f)
{
    qmp_server_event(&f->qmp, "RESET", NULL);
}

static void scene_migration(struct fixture *f)
{
    snprintf(f->qmp.migration, sizeof(f->qmp.migration), "active");
    qmp_server_event(&f->qmp, "MIGRATION", json_pack("{s:s}", "status", "setup"));
}

static void scene_snapshot(struct fixture *f)
{
    f->agent.clock_back = 600 * NSEC_PER_SEC;
    qmp_server_restore(&f->qmp, 640 * MIB);
}

static void scene_foreign(struct fixture *f)
{
    qmp_server_move_balloon(&f->qmp, 640 * MIB);
}

static void scene_pulse(struct fixture *f)
{
    Vmreclaim__Controller__V1__PulseVmRequest request =
        VMRECLAIM__CONTROLLER__V1__PULSE_VM_REQUEST__INIT;

    request.vm = (char *)"web-1";
    call(f, "Pulse", &request.base);
}

static void press_once(struct qmp_server *server, const char *command, void *userdata)
{
    struct fixture *f = userdata;

    if (server->balloon_actual == GIB)
        return;
    server->on_command = NULL;
    fake_agent_pressure(&f->agent, 10 * MIB);
}

static void scene_pressed_pulse(struct fixture *f)
{
    f->qmp.on_command = press_once;
    f->qmp.userdata = f;
    scene_pulse(f);
}

static void ignore_message(const ProtobufCMessage *message, void *userdata)
{
}

static void ignore_result(const struct ttrpc_result *result, void *userdata)
{
}

/* Compaction, a lower order, its end, a lease. */
static void scene_squeeze(struct fixture *f)
{
    Vmreclaim__Controller__V1__SqueezeVmsRequest request =
        VMRECLAIM__CONTROLLER__V1__SQUEEZE_VMS_REQUEST__INIT;
    char *names[] = {(char *)"web-1"};

    request.vms = names;
    request.n_vms = 1;
    request.size = 768 * MIB;
    request.hold = true;
    (void)ttrpc_call_stream(f->api, &vmreclaim__controller__v1__controller__descriptor,
                            "SqueezeVms", &request.base, 0, ignore_message, ignore_result, f, NULL);
}

static void scene_nothing(struct fixture *f)
{
}

/* ---- ends ---- */

static uint64_t lease_of(struct fixture *f)
{
    const Vm *vm = get_vm(f, "web-1");

    return vm == NULL ? UINT64_MAX : vm->balloon_lease;
}

static bool is_held(struct fixture *f)
{
    return lease_of(f) == 256 * MIB && f->qmp.balloon_target == 768 * MIB &&
           f->qmp.balloon_actual == 768 * MIB;
}

static bool is_whole(struct fixture *f)
{
    return lease_of(f) == 0 && f->qmp.balloon_target == GIB && f->qmp.balloon_actual == GIB;
}

static bool is_the_others(struct fixture *f)
{
    return lease_of(f) == 0 && f->qmp.balloon_target == 640 * MIB;
}

static const struct scene {
    const char *name;
    void (*happens)(struct fixture *f);
    bool (*is_over)(struct fixture *f);
    bool has_lease;  /* one is held before */
    bool from_start; /* counted from the daemon's start: resuming the lease */
    bool may_be_the_others;
    bool is_squeeze;
    bool is_pulse;   /* the guest does not report its free pages */
    nsec_t duration; /* of the lease */
} scenes[SCENES] = {
    {.name = "take", .happens = scene_take, .is_over = is_held},
    {.name = "resume",
     .happens = scene_nothing,
     .is_over = is_held,
     .has_lease = true,
     .from_start = true},
    {.name = "release", .happens = scene_release, .is_over = is_whole, .has_lease = true},
    {.name = "expiry",
     .happens = scene_nothing,
     .is_over = is_whole,
     .has_lease = true,
     .duration = 4 * NSEC_PER_SEC},
    {.name = "pressure", .happens = scene_pressure, .is_over = is_whole, .has_lease = true},
    {.name = "reset", .happens = scene_reset, .is_over = is_whole, .has_lease = true},
    {.name = "migration", .happens = scene_migration, .is_over = is_whole, .has_lease = true},
    {.name = "snapshot", .happens = scene_snapshot, .is_over = is_whole, .has_lease = true},
    {.name = "pulse", .happens = scene_pulse, .is_over = is_whole, .is_pulse = true},
    {.name = "pressed pulse",
     .happens = scene_pressed_pulse,
     .is_over = is_whole,
     .is_pulse = true},
    {.name = "foreign change",
     .happens = scene_foreign,
     .is_over = is_the_others,
     .has_lease = true,
     .may_be_the_others = true},
    {.name = "squeeze", .happens = scene_squeeze, .is_over = is_held, .is_squeeze = true},
};

/* ---- one run ---- */

static bool is_dead(struct fixture *f)
{
    int status;

    if (f->daemon > 0 && waitpid(f->daemon, &status, WNOHANG) == f->daemon)
        f->daemon = 0;
    return f->daemon == 0;
}

static bool is_ready(struct fixture *f)
{
    const Vm *vm = get_vm(f, "web-1");

    return vm != NULL && strcmp(vm->driver_state, "ready") == 0 && vm->waterfall->guest_is_known;
}

static bool is_connected(struct fixture *f)
{
    try_to_connect_api(f);
    return f->api != NULL;
}

static void restart(struct fixture *f)
{
    start_daemon(f, NULL);
    connect_api(f);
    wait_for(f, is_ready(f));
}

/* The scene with the end at step `n`. A call that the daemon's end cuts off fails: that is fine. */
static bool play(struct fixture *f, const struct scene *scene, const char *n)
{
    char when[96];

    snprintf(when, sizeof(when), "%s/crash", f->directory);
    (void)setenv("VMRECLAIM_CRASH_AT", n, 1);
    (void)setenv("VMRECLAIM_CRASH_WHEN", when, 1);
    if (scene->from_start)
        put(f, "crash", "");
    start_daemon(f, NULL);
    (void)unsetenv("VMRECLAIM_CRASH_AT");
    wait_for(f, is_dead(f) || is_connected(f));
    wait_for(f, is_dead(f) || is_ready(f));
    if (scene->has_lease && !scene->from_start) {
        take(f, scene->duration);
        assert_int_equal(f->code, TTRPC_OK);
    }
    put(f, "crash", "");
    if (f->daemon > 0)
        scene->happens(f);
    wait_for(f, is_dead(f) || (f->api != NULL && scene->is_over(f)));
    /* What comes after the end is counted for a second more. */
    for (nsec_t end = time_monotonic() + NSEC_PER_SEC; !is_dead(f) && time_monotonic() < end;)
        uv_run(&f->loop, UV_RUN_ONCE);
    (void)unlinkat(f->root, "crash", 0);
    if (get_vm(f, "web-1") != NULL)
        return false; /* nothing is counted any more */
    wait_for(f, is_dead(f) && f->api == NULL);
    return true;
}

static const struct scene *scene_played;
static const char *step_played;
static int outcome;

static void test_a_step(void **state)
{
    struct fixture *f = *state;

    f->qmp.free_page_reporting = !scene_played->is_pulse;
    f->agent.size = scene_played->is_pulse ? &f->qmp.balloon_actual : NULL;
    if (scene_played->is_squeeze) {
        f->agent.free = 500 * MIB;
        f->agent.reporting.joined = 100 * MIB;
        f->agent.reporting.protocol = 2;
    }
    put_vm(f, "web-1", "/agent.sock");
    listen_qmp(f, "web-1.qmp");
    listen_agent(f);
    if (scene_played->from_start) {
        restart(f);
        take(f, 0);
        stop_daemon(f, 0);
    }
    if (!play(f, scene_played, step_played)) {
        outcome = NO_SUCH_STEP;
        return;
    }
    print_message("%s", log_line(f, "crash point"));
    f->qmp.migration[0] = '\0';
    f->qmp.on_command = NULL;
    restart(f);
    wait_for(f, is_held(f) || is_whole(f) || (scene_played->may_be_the_others && is_the_others(f)));
    assert_int_equal(f->agent.reporting.order, 9);
    outcome = lease_of(f) != 0 ? RESUMED : RELEASED;
    if (outcome != RESUMED)
        return;
    give_back(f);
    assert_int_equal(f->qmp.balloon_actual, GIB);
}

static int play_step(const char *scene, const char *step)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_step, set_up, tear_down)};

    for (size_t i = 0; i < ARRAY_SIZE(scenes); i++)
        if (strcmp(scenes[i].name, scene) == 0)
            scene_played = &scenes[i];
    step_played = step;
    return cmocka_run_group_tests(tests, NULL, NULL) != 0 ? 1 : outcome;
}

/* ---- all of them ---- */

struct run {
    const struct scene *scene;
    unsigned step;
};

struct tally {
    unsigned next; /* step */
    unsigned resumed;
    unsigned released;
    bool ended;
    bool left_out;
};

static struct tally tallies[SCENES];

/* The next step of some scene that has not come to its end. */
static bool choose(struct run *run)
{
    static size_t turn;

    for (size_t tried = 0; tried < SCENES; tried++) {
        size_t i = turn++ % SCENES;

        if (tallies[i].left_out || tallies[i].ended || tallies[i].next == STEPS_MAX)
            continue;
        *run = (struct run){&scenes[i], ++tallies[i].next};
        return true;
    }
    return false;
}

static void start(char **argv, const struct run *run, struct child *child)
{
    char step[16];
    char *const arguments[] = {argv[0], argv[1], (char *)"--step", (char *)run->scene->name,
                               step,    NULL};

    snprintf(step, sizeof(step), "%u", run->step);
    child_start(child, arguments);
}

/* False: it failed. */
static bool count(const struct run *run, const struct child *child)
{
    struct tally *tally = &tallies[run->scene - scenes];
    int status = WIFEXITED(child->status) ? WEXITSTATUS(child->status) : 1;

    tally->ended = tally->ended || status == NO_SUCH_STEP;
    tally->resumed += status == RESUMED;
    tally->released += status == RELEASED;
    if (status == RESUMED || status == RELEASED || status == NO_SUCH_STEP)
        return true;
    printf("%s, step %u:\n", run->scene->name, run->step);
    child_print(child);
    return false;
}

static bool run_all(char **argv)
{
    struct child children[PARALLEL_MAX] = {0};
    struct run runs[PARALLEL_MAX];
    bool good = true;
    int ended;

    do {
        for (size_t i = 0; i < PARALLEL_MAX; i++)
            if (children[i].pid == 0 && choose(&runs[i]))
                start(argv, &runs[i], &children[i]);
        ended = children_wait(children, PARALLEL_MAX);
        if (ended >= 0)
            good = count(&runs[ended], &children[ended]) && good;
    } while (ended >= 0);
    return good;
}

static bool is_named(const char *name, char *const *names)
{
    for (; *names != NULL; names++)
        if (strcmp(*names, name) == 0)
            return true;
    return false;
}

/* The program under test, and the scenes; without any, all. */
int main(int argc, char **argv)
{
    unsigned steps = 0;
    bool good;

    if (argc < 2)
        return 2;
    program = argv[1];
    signal(SIGPIPE, SIG_IGN);
    if (argc == 5 && strcmp(argv[2], "--step") == 0)
        return play_step(argv[3], argv[4]);
    for (size_t i = 0; i < SCENES; i++)
        tallies[i].left_out = argc > 2 && !is_named(scenes[i].name, &argv[2]);
    good = run_all(argv);
    for (size_t i = 0; i < SCENES; i++) {
        const struct tally *tally = &tallies[i];

        if (tally->left_out)
            continue;
        printf("%-16s %u steps: %u resumed, %u released%s\n", scenes[i].name,
               tally->resumed + tally->released, tally->resumed, tally->released,
               tally->ended ? "" : "; NO END");
        good = good && tally->ended && tally->next > 4;
        steps += tally->resumed + tally->released;
    }
    printf("%u steps\n", steps);
    return good && steps > 0 ? 0 : 1;
}
