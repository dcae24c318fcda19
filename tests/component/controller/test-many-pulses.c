/* Twenty guests that are pulsed at the same time, each with a hypervisor and an agent in a process
 * of their own, and a balloon that takes 100 MiB/s: how often each is read while its balloon takes
 * memory, with one loop for them all. It prints the figures; what must hold is the same as of one.
 */
#include "tests/component/controller/lease-calls.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/number.h"
#include "common/base/util.h"

enum { GUESTS = 20 };

#define FREE     (700 * MIB)
#define HEADROOM (256 * MIB)
#define TICK_MS  5
#define SPEED    (MIB / 2) /* per tick */

/* What a guest's process tells. */
struct told {
    uint64_t lowest; /* the guest ever was */
    uint64_t actual;
    uint64_t largest_step; /* of a target, downwards */
    unsigned readings;     /* while its balloon took memory ... */
    nsec_t first;          /* ... the first of them */
    nsec_t last;
    nsec_t longest; /* between two */
};

static struct told *told; /* shared by all */

/* ---- a guest ---- */

static struct {
    uv_loop_t loop;
    uv_timer_t timer;
    struct qmp_server qmp;
    struct fake_agent agent;
    struct told *told;
    unsigned answers; /* at the last tick */
    uint64_t target;
} guest;

static void move_balloon(void)
{
    struct qmp_server *qmp = &guest.qmp;
    uint64_t before = qmp->balloon_actual;

    if (before > qmp->balloon_target)
        qmp->balloon_actual -= min_of(SPEED, before - qmp->balloon_target);
    else
        qmp->balloon_actual += min_of(10 * SPEED, qmp->balloon_target - before);
    if (qmp->balloon_target < guest.target)
        guest.told->largest_step =
            max_of(guest.told->largest_step, guest.target - qmp->balloon_target);
    guest.target = qmp->balloon_target;
    guest.told->actual = qmp->balloon_actual;
    guest.told->lowest = min_of(guest.told->lowest, qmp->balloon_actual);
}

static void note_reading(nsec_t now)
{
    struct told *tells = guest.told;

    if (tells->first == 0)
        tells->first = now;
    else
        tells->longest = max_of(tells->longest, now - tells->last);
    tells->last = now;
    tells->readings++;
}

static void on_tick(uv_timer_t *timer)
{
    bool takes = guest.qmp.balloon_target < GIB;

    move_balloon();
    if (guest.agent.asked.brief_answers != guest.answers && takes)
        note_reading(time_monotonic());
    guest.answers = guest.agent.asked.brief_answers;
}

static _Noreturn void be_guest(const char *directory, int number)
{
    char path[128];

    (void)uv_loop_init(&guest.loop);
    (void)uv_timer_init(&guest.loop, &guest.timer);
    qmp_server_init(&guest.qmp, &guest.loop);
    fake_agent_init(&guest.agent, &guest.loop);
    guest.told = &told[number];
    guest.target = GIB;
    guest.qmp.free_page_reporting = false;
    guest.qmp.balloon_is_stuck = true; /* it is moved here */
    snprintf(guest.qmp.uuid, sizeof(guest.qmp.uuid), "00000000-0000-4000-8000-%012d", number);
    guest.qmp.guest_cid = (uint32_t)(100 + number);
    guest.agent.free = FREE;
    guest.agent.size = &guest.qmp.balloon_actual;
    snprintf(path, sizeof(path), "%s/g%d.qmp", directory, number);
    if (qmp_server_listen(&guest.qmp, path) < 0)
        _exit(1);
    snprintf(path, sizeof(path), "unix:%s/g%d.sock", directory, number);
    if (fake_agent_listen(&guest.agent, path) < 0)
        _exit(1);
    uv_timer_start(&guest.timer, on_tick, TICK_MS, TICK_MS);
    uv_run(&guest.loop, UV_RUN_DEFAULT);
    _exit(0);
}

/* ---- all of them ---- */

static void put_process(const struct fixture *f, pid_t pid)
{
    static const struct {
        const char *name;
        const char *text;
    } files[] = {{"stat", "1 (qemu) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 4711 0 0\n"},
                 {"maps", ""},
                 {"pagemap", ""},
                 {"status", "RssAnon:\t    512000 kB\nRssShmem:\t         0 kB\n"
                            "VmSwap:\t         0 kB\n"}};
    char path[64];

    snprintf(path, sizeof(path), "proc/%d", (int)pid);
    assert_int_equal(mkdirat(f->root, path, 0755), 0);
    snprintf(path, sizeof(path), "proc/%d/fd", (int)pid);
    assert_int_equal(mkdirat(f->root, path, 0755), 0);
    for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
        snprintf(path, sizeof(path), "proc/%d/%s", (int)pid, files[i].name);
        put(f, path, files[i].text);
    }
}

static pid_t start_guest(struct fixture *f, int number)
{
    char name[32];
    char agent[32];
    pid_t pid;

    told[number] = (struct told){.lowest = GIB, .actual = GIB};
    snprintf(name, sizeof(name), "g%d", number);
    snprintf(agent, sizeof(agent), "/g%d.sock", number);
    put_vm(f, name, agent);
    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        be_guest(f->directory, number);
    put_process(f, pid);
    return pid;
}

static bool is_ready(struct fixture *f, int number)
{
    char name[32];
    const Vm *vm;

    snprintf(name, sizeof(name), "g%d", number);
    vm = get_vm(f, name);
    return vm != NULL && strcmp(vm->driver_state, "ready") == 0 && vm->waterfall != NULL &&
           vm->waterfall->guest_is_known;
}

static unsigned answered;
static unsigned refused;

static void on_pulsed(const struct ttrpc_result *result, void *userdata)
{
    const Vmreclaim__Controller__V1__ActionResponse *response = (const void *)result->response;

    answered++;
    if (result->code == TTRPC_OK && strstr(response->action->reason, "cut short") != NULL)
        print_message("%s: %s\n", response->action->vm, response->action->reason);
    if (result->code != TTRPC_OK) {
        refused++;
        print_message("%s\n", result->message);
    }
}

static void pulse(struct fixture *f, int number)
{
    Vmreclaim__Controller__V1__PulseVmRequest request =
        VMRECLAIM__CONTROLLER__V1__PULSE_VM_REQUEST__INIT;
    char name[32];

    snprintf(name, sizeof(name), "g%d", number);
    request.vm = name;
    start_call(f, "Pulse", &request.base, WAIT_MAX, NULL, on_pulsed, f);
}

static bool are_whole(void)
{
    for (int i = 0; i < GUESTS; i++)
        if (told[i].actual != GIB)
            return false;
    return true;
}

static void print_figures(void)
{
    nsec_t longest = 0;
    nsec_t time = 0;
    unsigned intervals = 0;

    for (int i = 0; i < GUESTS; i++) {
        longest = max_of(longest, told[i].longest);
        time += told[i].last - told[i].first;
        intervals += told[i].readings - 1;
    }
    print_message("%d guests at a time: read every %.1f ms in the mean, %.1f ms at the longest\n",
                  GUESTS, (double)time / intervals / NSEC_PER_MSEC,
                  (double)longest / NSEC_PER_MSEC);
}

static void test_twenty_at_a_time(void **state)
{
    struct ttrpc_connection *second;
    struct ttrpc_connection *first;
    struct fixture *f = *state;
    pid_t pids[GUESTS];

    told = mmap(NULL, GUESTS * sizeof(*told), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
                -1, 0);
    assert_true(told != MAP_FAILED);
    for (int i = 0; i < GUESTS; i++)
        pids[i] = start_guest(f, i);
    start_daemon(f, NULL);
    connect_api(f);
    for (int i = 0; i < GUESTS; i++)
        wait_for(f, is_ready(f, i));
    first = f->api;
    for (int i = 0; i < GUESTS; i++) {
        if (i == GUESTS / 2) { /* one has 16 calls at most */
            f->api = NULL;
            connect_api(f);
        }
        pulse(f, i);
    }
    wait_for(f, answered == GUESTS);
    wait_for(f, are_whole());
    print_figures();
    assert_int_equal(refused, 0);
    second = f->api;
    ttrpc_connection_close(first);
    f->api = second;
    for (int i = 0; i < GUESTS; i++) {
        assert_true(told[i].lowest >= GIB - (FREE - HEADROOM));
        assert_true(told[i].largest_step <= 64 * MIB);
        /* One for each step. A machine that is too busy for it keeps more in the guests. */
        assert_true(told[i].readings >= (GIB - told[i].lowest) / (64 * MIB));
    }
    for (int i = 0; i < GUESTS; i++) {
        (void)kill(pids[i], SIGKILL);
        (void)waitpid(pids[i], NULL, 0);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_twenty_at_a_time, set_up, tear_down),
    };

    if (argc != 2)
        return 2;
    program = argv[1];
    (void)signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
