/* VMs as processes. */
#include "tests/component/controller/guests.h"

#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/number.h"

#define TICK 10 /* ms */

const char guests_cgroup[] = "/sys/fs/cgroup/lab";
const char *const guests_names[GUESTS_MAX] = {"guest-0", "guest-1", "guest-2", "guest-3"};

/* ---- a VM's own process ---- */

struct machine {
    struct guest *guest;
    const struct fixture *f;
    uv_loop_t loop;
    uv_timer_t timer;
    struct qmp_server qmp;
    struct fake_agent agent;
    unsigned pressed;
    uint64_t moved_to;
    int status; /* file of the footprint */
};

/* One write over all of the old text: the daemon may read at any time. */
static void write_footprint(struct machine *machine, uint64_t footprint)
{
    char text[128];

    snprintf(text, sizeof(text),
             "RssAnon:\t%10" PRIu64 " kB\nRssShmem:\t         0 kB\nVmSwap:\t         0 kB\n",
             footprint / KIB);
    if (pwrite(machine->status, text, strlen(text), 0) < 0)
        abort();
}

static void follow(struct machine *machine)
{
    struct guest *guest = machine->guest;
    uint64_t size = machine->qmp.balloon_actual;
    uint64_t footprint = min_of((uint64_t)guest->touched, size);

    if (footprint != guest->footprint)
        write_footprint(machine, footprint);
    guest->footprint = footprint;
    guest->size = size;
    guest->smallest = min_of((uint64_t)guest->smallest, size);
    guest->commands = machine->qmp.balloon_commands;
    machine->qmp.balloon_is_stuck = guest->is_stuck;
    machine->agent.cache = guest->cache;
    machine->agent.free = saturating_subtract(GIB, guest->uses + guest->cache);
    machine->agent.reporting.joined =
        saturating_subtract(machine->agent.free, saturating_subtract(GIB, size));
}

static void on_machine_timer(uv_timer_t *timer)
{
    struct machine *machine = timer->data;
    struct guest *guest = machine->guest;

    if (guest->ends || getppid() == 1)
        _exit(0);
    if (guest->moved_to != machine->moved_to) {
        machine->moved_to = guest->moved_to;
        qmp_server_move_balloon(&machine->qmp, machine->moved_to);
    }
    follow(machine);
    for (; machine->pressed < guest->presses; machine->pressed++)
        fake_agent_pressure(&machine->agent, 10 * MIB);
}

static void make_process(struct machine *machine)
{
    const struct fixture *f = machine->f;
    char path[64];

    snprintf(path, sizeof(path), "proc/%d", (int)getpid());
    (void)mkdirat(f->root, path, 0755);
    snprintf(path, sizeof(path), "proc/%d/fd", (int)getpid());
    (void)mkdirat(f->root, path, 0755);
    snprintf(path, sizeof(path), "proc/%d/stat", (int)getpid());
    put(f, path, "1 (qemu) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 4711 0 0\n");
    snprintf(path, sizeof(path), "proc/%d/cgroup", (int)getpid());
    put(f, path, "0::/lab/guest\n");
    snprintf(path, sizeof(path), "proc/%d/maps", (int)getpid());
    put(f, path, "");
    snprintf(path, sizeof(path), "proc/%d/pagemap", (int)getpid());
    put(f, path, "");
    snprintf(path, sizeof(path), "proc/%d/status", (int)getpid());
    machine->status = openat(f->root, path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (machine->status < 0)
        abort();
}

static void listen_as(struct machine *machine, size_t number)
{
    char path[128];

    snprintf(machine->qmp.name, sizeof(machine->qmp.name), "%s", guests_names[number]);
    machine->qmp.uuid[strlen(machine->qmp.uuid) - 1] = (char)('0' + number);
    machine->qmp.guest_cid = (uint32_t)(10 + number);
    machine->agent.boot_id[strlen(machine->agent.boot_id) - 1] = (char)('0' + number);
    machine->agent.total = GIB;
    machine->agent.size = &machine->qmp.balloon_actual;
    snprintf(path, sizeof(path), "%s/%s.qmp", machine->f->directory, guests_names[number]);
    if (qmp_server_listen(&machine->qmp, path) < 0)
        abort();
    snprintf(path, sizeof(path), "unix:%s/%s.sock", machine->f->directory, guests_names[number]);
    if (fake_agent_listen(&machine->agent, path) < 0)
        abort();
}

/* Ends with the test, or when it is told to. */
static void run_machine(const struct fixture *f, struct guest *guest, size_t number)
{
    static struct machine machine;

    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    machine = (struct machine){.guest = guest, .f = f};
    if (uv_loop_init(&machine.loop) < 0 || uv_timer_init(&machine.loop, &machine.timer) < 0)
        abort();
    machine.timer.data = &machine;
    qmp_server_init(&machine.qmp, &machine.loop);
    fake_agent_init(&machine.agent, &machine.loop);
    make_process(&machine);
    write_footprint(&machine, guest->touched);
    follow(&machine);
    listen_as(&machine, number);
    uv_timer_start(&machine.timer, on_machine_timer, TICK, TICK);
    uv_run(&machine.loop, UV_RUN_DEFAULT);
    _exit(0);
}

/* ---- the host ---- */

static uint64_t used(const struct guests *guests)
{
    uint64_t bytes = guests->hog;

    for (size_t i = 0; i < guests->count; i++)
        bytes += guests->list[i].footprint;
    return bytes;
}

uint64_t guests_available(const struct guests *guests)
{
    return saturating_subtract(guests->limit, used(guests));
}

static void put_usage(const struct guests *guests)
{
    char text[32];

    snprintf(text, sizeof(text), "%" PRIu64 "\n", used(guests));
    put(guests->f, "sys/fs/cgroup/lab/memory.current", text);
}

static void on_timer(uv_timer_t *timer)
{
    put_usage(timer->data);
}

static void make_host(const struct guests *guests)
{
    static const char *const directories[] = {"sys", "sys/fs", "sys/fs/cgroup",
                                              "sys/fs/cgroup/lab"};
    char text[32];

    for (size_t i = 0; i < ARRAY_SIZE(directories); i++)
        (void)mkdirat(guests->f->root, directories[i], 0755);
    snprintf(text, sizeof(text), "%" PRIu64 "\n", guests->limit);
    put(guests->f, "proc/meminfo",
        "MemTotal: 67108864 kB\nMemFree: 33554432 kB\nMemAvailable: 33554432 kB\n");
    put(guests->f, "sys/fs/cgroup/lab/memory.max", text);
    put(guests->f, "sys/fs/cgroup/lab/memory.high", "max\n");
    put(guests->f, "sys/fs/cgroup/lab/memory.stat", "active_file 0\n");
    put_usage(guests);
}

/* ---- the whole ---- */

static void put_guest(const struct guests *guests, size_t i, const char *policy)
{
    const struct fixture *f = guests->f;
    const char *name = guests_names[i];
    char path[64];
    char text[512];
    int length;

    length = snprintf(text, sizeof(text), "hypervisor: qemu:%s/%s.qmp\nagent: unix:%s/%s.sock\n",
                      f->directory, name, f->directory, name);
    if (policy != NULL) {
        snprintf(text + length, sizeof(text) - (size_t)length, "policy: ../%s.policy\n", name);
        snprintf(path, sizeof(path), "%s.policy", name);
        put(f, path, policy);
    }
    snprintf(path, sizeof(path), "vms/%s.yaml", name);
    put(f, path, text);
}

void guests_start(struct guests *guests, struct fixture *f, size_t count, uint64_t limit,
                  const char *const *policies)
{
    *guests = (struct guests){.f = f, .count = count, .limit = limit};
    guests->list = mmap(NULL, GUESTS_MAX * sizeof(*guests->list), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(guests->list != MAP_FAILED && count <= GUESTS_MAX);
    for (size_t i = 0; i < count; i++) {
        struct guest *guest = &guests->list[i];

        guest->uses = 400 * MIB;
        guest->touched = guest->footprint = 1000 * MIB;
        guest->size = guest->smallest = GIB;
        put_guest(guests, i, policies == NULL ? NULL : policies[i]);
        guest->pid = fork();
        assert_true(guest->pid >= 0);
        if (guest->pid == 0)
            run_machine(f, guest, i);
    }
    make_host(guests);
    assert_int_equal(uv_timer_init(&f->loop, &guests->timer), 0);
    guests->timer.data = guests;
    uv_timer_start(&guests->timer, on_timer, TICK, TICK);
}

void guests_stop(struct guests *guests)
{
    for (size_t i = 0; i < guests->count; i++)
        guests->list[i].ends = true;
    for (size_t i = 0; i < guests->count; i++)
        (void)waitpid(guests->list[i].pid, NULL, 0);
    uv_close((uv_handle_t *)&guests->timer, NULL);
    uv_run(&guests->f->loop, UV_RUN_NOWAIT);
    munmap(guests->list, GUESTS_MAX * sizeof(*guests->list));
    guests->list = NULL;
}

void guests_serve(const struct guests *guests, const char *arbiter, const char *cgroup)
{
    struct fixture *f = guests->f;
    char *const more[] = {text("--arbiter"),
                          text(arbiter),
                          text("--watermarks"),
                          text("128MiB,256MiB,384MiB"),
                          cgroup == NULL ? NULL : text("--host-cgroup"),
                          text(cgroup),
                          NULL};

    start_daemon(f, more);
    connect_api(f);
    for (size_t i = 0; i < guests->count; i++) {
        wait_for(f, is_in_state(f, guests_names[i], "managed"));
        wait_for(f, get_vm(f, guests_names[i])->waterfall->guest_is_known);
    }
}
