/* Bench: the supervisor's whole tick over 1,000 VMs (is it the same process, where its memory is,
 * footprint, swap), in CPU time, and a list of them through the API. The hypervisors are 1,000 real
 * processes, each with a memfd of its own.
 * usage: tick JSON */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "common/base/number.h"
#include "controller/api/api.h"
#include "controller/vms/life.h"
#include "controller/vms/tick.h"

#define VMS             1000
#define ROUNDS          25
#define MEMORY          (4 * MIB)
#define TICK_CPU_MS_MAX 20.0
#define LIST_MS_MAX     50.0

static pid_t hypervisors[VMS];

static void die(const char *what)
{
    perror(what);
    exit(1);
}

/* A process with some memory, like a hypervisor's; ends with us. */
static pid_t start_hypervisor(int go)
{
    pid_t pid = fork();
    char *mapped;
    int memory;

    if (pid != 0)
        return pid;
    memory = memfd_create("memory-backend-memfd", MFD_CLOEXEC);
    if (memory < 0 || ftruncate(memory, MEMORY) < 0)
        _exit(1);
    mapped = mmap(NULL, MEMORY, PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
    if (mapped == MAP_FAILED)
        _exit(1);
    memset(mapped, 1, 65536);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (write(go, "x", 1) != 1)
        _exit(1);
    for (;;)
        (void)pause();
}

static void start_hypervisors(void)
{
    int go[2];
    char byte;

    if (pipe2(go, O_CLOEXEC) < 0)
        die("pipe");
    for (size_t i = 0; i < VMS; i++) {
        hypervisors[i] = start_hypervisor(go[1]);
        if (hypervisors[i] < 0 || read(go[0], &byte, 1) != 1)
            die("fork");
    }
    close(go[0]);
    close(go[1]);
}

static void end_hypervisors(void)
{
    for (size_t i = 0; i < VMS; i++)
        if (hypervisors[i] > 0)
            (void)kill(hypervisors[i], SIGKILL);
    while (wait(NULL) > 0)
        ;
}

static void add_vms(struct supervisor *supervisor)
{
    struct error error;

    for (size_t i = 0; i < VMS; i++) {
        struct vm *vm;
        char name[32];

        snprintf(name, sizeof(name), "vm-%zu", i);
        if (vm_create(name, VM_SOURCE_FILE, &vm) < 0 ||
            supervisor_add_vm(supervisor, vm, &error) < 0 ||
            hypervisor_process_open(&vm->measured.process, supervisor->root, hypervisors[i],
                                    &error) < 0) {
            fprintf(stderr, "%s\n", error.text);
            exit(1);
        }
    }
}

static double milliseconds(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;

    return x < y ? -1 : x > y;
}

static double median(double *values)
{
    qsort(values, ROUNDS, sizeof(*values), by_value);
    return values[ROUNDS / 2];
}

/* Every slot once: each VM is looked at once. The mean of many. */
static double measure_tick(struct supervisor *supervisor)
{
    double begun = milliseconds(CLOCK_PROCESS_CPUTIME_ID);
    nsec_t now = time_boottime();

    /* A second each, so that what is not read every second has its share in the mean. */
    for (size_t round = 0; round < ROUNDS; round++, now += NSEC_PER_SEC)
        for (size_t slot = 0; slot < SUPERVISOR_SLOTS; slot++)
            supervisor_tick(supervisor, now);
    return (milliseconds(CLOCK_PROCESS_CPUTIME_ID) - begun) / ROUNDS;
}

static size_t listed;

static void on_list(const struct ttrpc_result *result, void *userdata)
{
    *(bool *)userdata = true;
    if (result->code == TTRPC_OK)
        listed = ((const Vmreclaim__Controller__V1__ListVmsResponse *)result->response)->n_vms;
}

static void on_close(struct ttrpc_connection *connection, int status, const char *reason,
                     void *userdata)
{
}

static double measure_list(uv_loop_t *loop, struct ttrpc_connection *connection)
{
    Vmreclaim__Controller__V1__ListVmsRequest request =
        VMRECLAIM__CONTROLLER__V1__LIST_VMS_REQUEST__INIT;
    double values[ROUNDS];

    for (size_t round = 0; round < ROUNDS; round++) {
        double begun = milliseconds(CLOCK_MONOTONIC);
        bool done = false;

        if (ttrpc_call_unary(connection, &vmreclaim__controller__v1__controller__descriptor,
                             "ListVms", &request.base, 0, on_list, &done, NULL) < 0)
            die("ListVms");
        while (!done)
            uv_run(loop, UV_RUN_ONCE);
        values[round] = milliseconds(CLOCK_MONOTONIC) - begun;
    }
    return median(values);
}

static struct ttrpc_connection *connect_to(struct api *api, uv_loop_t *loop)
{
    const struct ttrpc_connection_options options = {
        .limits = {.frame_bytes = 4u << 20, .streams = 1, .queued_bytes = 1u << 20},
        .on_close = on_close,
    };
    const struct peer peer = {.kind = ADDRESS_UNIX, .pid = getpid(), .uid = geteuid()};
    struct ttrpc_connection *connection;
    int pair[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) < 0)
        die("socketpair");
    api_accept(api, pair[0], &peer);
    if (ttrpc_connection_create(loop, pair[1], &options, &connection) < 0)
        die("connection");
    return connection;
}

static void write_json(const char *path, double tick, double list)
{
    FILE *file = fopen(path, "we");

    if (file == NULL)
        die(path);
    fprintf(file, "{\"metrics\":{\"vms\":%d,\"tick_cpu_ms\":%.3f,\"list_ms\":%.3f}}\n", VMS, tick,
            list);
    (void)fclose(file);
}

int main(int argc, char **argv)
{
    static struct supervisor supervisor;
    static struct api api;
    int root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    uv_loop_t loop;
    double tick;
    double list;

    if (argc != 2) {
        fputs("usage: tick JSON\n", stderr);
        return 2;
    }
    (void)atexit(end_hypervisors);
    start_hypervisors();
    if (uv_loop_init(&loop) < 0 || supervisor_init(&supervisor, &loop, root, 2 * NSEC_PER_SEC) < 0)
        die("loop");
    add_vms(&supervisor);
    api_init(&api, &(struct api_rooms){.supervisor = &supervisor});
    tick = measure_tick(&supervisor);
    list = measure_list(&loop, connect_to(&api, &loop));
    write_json(argv[1], tick, list);
    printf("%d VMs: a whole tick takes %.2f ms of CPU, a list %.2f ms (%zu listed)\n", VMS, tick,
           list, listed);
    return tick <= TICK_CPU_MS_MAX && list < LIST_MS_MAX && listed == VMS ? 0 : 1;
}
