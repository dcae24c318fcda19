/* Bench: the supervisor's whole tick over 1,000 VMs (is it the same process, where its memory is,
 * footprint, swap), in CPU time, and a list and all counters of them through the API. The
 * hypervisors are 1,000 real processes, each with a memfd of its own. usage: tick JSON */
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
#include "common/base/util.h"
#include "controller/actions/action.h"
#include "controller/api/api.h"
#include "controller/arbiter/keeper.h"
#include "controller/config/daemon-config.h"
#include "controller/config/problems.h"
#include "controller/records/recorder.h"
#include "controller/store/store.h"
#include "controller/vms/life.h"
#include "controller/vms/measured.h"
#include "controller/vms/tick.h"

#define VMS             1000
#define ROUNDS          25
#define MEMORY          (4 * MIB)
#define TICK_CPU_MS_MAX 20.0
#define LIST_MS_MAX     50.0
#define COUNTERS_MS_MAX 20.0 /* of the loop, all pages together */

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

/* ---- all counters, by pages ---- */

struct counting {
    char token[128];
    bool done;
    size_t vms;
    size_t values;
};

static void on_counters(const struct ttrpc_result *result, void *userdata)
{
    const Vmreclaim__Controller__V1__GetCountersResponse *response = (const void *)result->response;
    struct counting *counting = userdata;

    counting->done = true;
    if (result->code != TTRPC_OK)
        return;
    counting->vms += response->n_vms;
    for (size_t i = 0; i < response->n_vms; i++)
        counting->values += response->vms[i]->n_values + response->vms[i]->n_texts;
    snprintf(counting->token, sizeof(counting->token), "%s", response->next_page_token);
}

static void ask_page(uv_loop_t *loop, struct ttrpc_connection *connection,
                     struct counting *counting)
{
    Vmreclaim__Controller__V1__GetCountersRequest request =
        VMRECLAIM__CONTROLLER__V1__GET_COUNTERS_REQUEST__INIT;
    char token[sizeof(counting->token)];

    memcpy(token, counting->token, sizeof(token));
    request.page_token = token;
    counting->token[0] = '\0';
    counting->done = false;
    if (ttrpc_call_unary(connection, &vmreclaim__controller__v1__controller__descriptor,
                         "GetCounters", &request.base, 0, on_counters, counting, NULL) < 0)
        die("GetCounters");
    while (!counting->done)
        uv_run(loop, UV_RUN_ONCE);
}

/* Both ends are on this loop: the daemon's is less. */
static double measure_counters(uv_loop_t *loop, struct ttrpc_connection *connection,
                               struct counting *ret_counting)
{
    double values[ROUNDS];

    for (size_t round = 0; round < ROUNDS; round++) {
        double begun = milliseconds(CLOCK_THREAD_CPUTIME_ID);

        *ret_counting = (struct counting){.vms = 0};
        do
            ask_page(loop, connection, ret_counting);
        while (ret_counting->token[0] != '\0');
        values[round] = milliseconds(CLOCK_THREAD_CPUTIME_ID) - begun;
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

/* ---- guests whose agents say where their memory is ---- */

static uint8_t *pack_info(size_t *ret_length)
{
    Vmreclaim__Agent__V1__GetInfoResponse info = VMRECLAIM__AGENT__V1__GET_INFO_RESPONSE__INIT;
    uint8_t *packed;

    info.reporting_order = 9;
    info.max_order = 10;
    *ret_length = vmreclaim__agent__v1__get_info_response__get_packed_size(&info);
    packed = malloc(*ret_length);
    if (packed == NULL)
        die("malloc");
    (void)vmreclaim__agent__v1__get_info_response__pack(&info, packed);
    return packed;
}

/* The links are only told from none: the supervisor does not tick any more. */
static void let_guests_speak(struct supervisor *supervisor)
{
    static char link_of_all;
    Vmreclaim__Agent__V1__MemorySample sample = VMRECLAIM__AGENT__V1__MEMORY_SAMPLE__INIT;

    sample.total = 2 * GIB;
    sample.free = 512 * MIB;
    sample.reportable = 300 * MIB;
    sample.trapped = 200 * MIB;
    sample.percpu = 12 * MIB;
    sample.cache = 700 * MIB;
    sample.in_use = 800 * MIB;
    uv_timer_stop(&supervisor->timer);
    list_for_each (each, &supervisor->registry.vms) {
        struct vm *vm = list_entry(each, struct vm, link);

        vm->links.agent = (struct agent_link *)(void *)&link_of_all;
        vm->agent.info.packed = pack_info(&vm->agent.info.packed_length);
        if (measured_take_guest(vm, &sample, 0) < 0)
            die("guest");
        measured_join(vm, time_boottime());
        if (!vm->measured.waterfall.guest_is_known)
            die("waterfall");
    }
}

/* ---- what the API works on ---- */

static char directory[] = "/tmp/vmreclaim-tick-XXXXXX";

static void remove_directory(void)
{
    static const char *const files[] = {"db", "db-wal", "db-shm"};
    char path[64];

    for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
        snprintf(path, sizeof(path), "%s/%s", directory, files[i]);
        (void)unlink(path);
    }
    (void)rmdir(directory);
}

static void start_api(struct supervisor *supervisor, struct api *api)
{
    static struct lease_keeper keeper;
    static struct recorder recorder;
    static struct actions actions;
    static struct daemon_config config;
    static struct problems problems;
    static struct arbiter_keeper arbiter;
    char path[64];
    struct lease_journal journal;
    struct store *store;
    struct error error;

    if (mkdtemp(directory) == NULL)
        die(directory);
    (void)atexit(remove_directory);
    snprintf(path, sizeof(path), "%s/db", directory);
    if (store_create(path, &store) < 0)
        die("store");
    store_lease_journal(store, &journal);
    if (lease_keeper_init(&keeper, supervisor, &journal, &error) < 0)
        die("leases");
    arbiter.supervisor = supervisor;
    host_totals_init(&recorder.totals);
    api_init(api, &(struct api_rooms){.supervisor = supervisor,
                                      .keeper = &keeper,
                                      .store = store,
                                      .recorder = &recorder,
                                      .actions = &actions,
                                      .arbiter = &arbiter,
                                      .config = &config,
                                      .problems = &problems});
}

static void write_json(const char *path, double tick, double list, double counters)
{
    FILE *file = fopen(path, "we");

    if (file == NULL)
        die(path);
    fprintf(file,
            "{\"metrics\":{\"vms\":%d,\"tick_cpu_ms\":%.3f,\"list_ms\":%.3f,"
            "\"counters_cpu_ms\":%.3f}}\n",
            VMS, tick, list, counters);
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
    double all;
    struct counting counting;
    struct ttrpc_connection *connection;

    if (argc != 2) {
        fputs("usage: tick JSON\n", stderr);
        return 2;
    }
    (void)atexit(end_hypervisors);
    start_hypervisors();
    if (uv_loop_init(&loop) < 0 || supervisor_init(&supervisor, &loop, root, 2 * NSEC_PER_SEC) < 0)
        die("loop");
    add_vms(&supervisor);
    start_api(&supervisor, &api);
    tick = measure_tick(&supervisor);
    let_guests_speak(&supervisor);
    connection = connect_to(&api, &loop);
    list = measure_list(&loop, connection);
    all = measure_counters(&loop, connection, &counting);
    write_json(argv[1], tick, list, all);
    printf("%d VMs: a whole tick takes %.2f ms of CPU, a list %.2f ms (%zu listed), all counters "
           "%.2f ms of CPU (%zu figures of %zu VMs)\n",
           VMS, tick, list, listed, all, counting.values, counting.vms);
    return tick <= TICK_CPU_MS_MAX && list < LIST_MS_MAX && all < COUNTERS_MS_MAX &&
                   listed == VMS && counting.vms == VMS
               ? 0
               : 1;
}
