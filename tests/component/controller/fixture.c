/* What component tests of vmreclaimd share. */
#include "tests/component/controller/fixture.h"

#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/cleanup.h"
#include "common/base/file.h"
#include "common/message/copy.h"
#include "common/ttrpc/ttrpc.h"
#include "controller.pb-c.h"
#include "tests/lib/no-vsock.h"

const char *program;

/* ---- files ---- */

static void path_in(const struct fixture *f, const char *name, char *path, size_t size)
{
    assert_true(snprintf(path, size, "%s/%s", f->directory, name) < (int)size);
}

void put(const struct fixture *f, const char *name, const char *text)
{
    assert_int_equal(file_replace(f->root, name, text, strlen(text)), 0);
}

static void make_directory(const struct fixture *f, const char *name)
{
    assert_int_equal(mkdirat(f->root, name, 0755), 0);
}

/* The hypervisor is this very process: its QMP socket's peer. */
static void put_process_file(const struct fixture *f, const char *name, const char *text)
{
    char path[64];

    snprintf(path, sizeof(path), "proc/%d/%s", (int)getpid(), name);
    put(f, path, text);
}

/* Written in place: the daemon holds the file open, as it does in /proc. */
/* One write over all of the old text: the daemon may read at any time. */
static void put_status(const struct fixture *f, const char *text)
{
    char path[64];
    char padded[256];
    cleanup_close int descriptor = -1;

    snprintf(path, sizeof(path), "proc/%d/status", (int)getpid());
    memset(padded, '\n', sizeof(padded));
    memcpy(padded, text, strlen(text));
    descriptor = openat(f->root, path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(write(descriptor, padded, sizeof(padded)), sizeof(padded));
}

void put_footprint(const struct fixture *f, uint64_t anonymous_kib)
{
    char text[192];

    snprintf(text, sizeof(text),
             "RssAnon:\t%10" PRIu64 " kB\nRssShmem:\t         0 kB\nVmSwap:\t         0 kB\n",
             anonymous_kib);
    put_status(f, text);
}

void put_dead_process(const struct fixture *f)
{
    put_status(f, "Name:\tqemu-system-x86\nState:\tZ (zombie)\n");
}

void put_process_start(const struct fixture *f, unsigned start_time)
{
    char text[128];

    snprintf(text, sizeof(text), "1 (qemu) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 %u 0 0\n",
             start_time);
    put_process_file(f, "stat", text);
}

void put_other_process(const struct fixture *f)
{
    put_process_start(f, 4712);
}

static void make_root(struct fixture *f)
{
    char path[64];

    make_directory(f, "proc");
    snprintf(path, sizeof(path), "proc/%d", (int)getpid());
    make_directory(f, path);
    snprintf(path, sizeof(path), "proc/%d/fd", (int)getpid());
    make_directory(f, path);
    make_directory(f, "proc/sys");
    make_directory(f, "proc/sys/kernel");
    make_directory(f, "proc/sys/kernel/random");
    put(f, "proc/sys/kernel/random/boot_id", "5b1c30c5-47a2-4a0c-8a6c-0d2f4d1b6a01\n");
    make_directory(f, "vms");
    make_directory(f, "state");
    put_process_file(f, "stat", "1 (qemu) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 4711 0 0\n");
    put_process_file(f, "maps", "");
    put_process_file(f, "pagemap", "");
    put_footprint(f, 800 * 1024);
}

/* ---- the daemon ---- */

void start_daemon(struct fixture *f, char *const *more)
{
    char api[128];
    char vms[128];
    char state[128];
    char *arguments[32] = {(char *)program,
                           (char *)"--config",
                           (char *)"/dev/null",
                           (char *)"--listen",
                           (char *)"none",
                           (char *)"--sample-interval",
                           (char *)"500ms",
                           (char *)"--root",
                           f->directory,
                           (char *)"--api",
                           api,
                           (char *)"--vms",
                           vms,
                           (char *)"--state-directory",
                           state};
    size_t count = 15;
    int log[2];

    snprintf(api, sizeof(api), "unix:%s/api.sock", f->directory);
    snprintf(vms, sizeof(vms), "%s/vms", f->directory);
    snprintf(state, sizeof(state), "%s/state", f->directory);
    for (; more != NULL && *more != NULL; more++)
        arguments[count++] = *more;
    assert_int_equal(pipe2(log, O_CLOEXEC | O_NONBLOCK), 0);
    f->daemon = fork();
    assert_true(f->daemon >= 0);
    if (f->daemon == 0) {
        deny_vsock();
        (void)dup2(log[1], STDERR_FILENO);
        (void)execv(program, arguments);
        _exit(127);
    }
    close(log[1]);
    f->log = log[0];
}

static void read_log(struct fixture *f)
{
    ssize_t n;

    while ((n = read(f->log, f->log_text + f->log_length,
                     sizeof(f->log_text) - 1 - f->log_length)) > 0)
        f->log_length += (size_t)n;
    f->log_text[f->log_length] = '\0';
}

void give_up(struct fixture *f, const char *condition)
{
    read_log(f);
    fprintf(stderr, "the daemon said:\n%s\n", f->log_text); /* all of it: cmocka cuts */
    fail_msg("waited in vain for: %s", condition);
}

bool log_has(struct fixture *f, const char *text)
{
    read_log(f);
    return strstr(f->log_text, text) != NULL;
}

const char *log_line(struct fixture *f, const char *text)
{
    static char line[512];
    const char *found = NULL;
    const char *begin;

    read_log(f);
    for (const char *at = f->log_text; (at = strstr(at, text)) != NULL; at++)
        found = at;
    if (found == NULL)
        return "";
    for (begin = found; begin > f->log_text && begin[-1] != '\n'; begin--)
        ;
    snprintf(line, sizeof(line), "%.*s\n", (int)strcspn(begin, "\n"), begin);
    return line;
}

static void on_dialled(int descriptor, const struct error *error, void *userdata)
{
    struct fixture *f = userdata;

    f->dialled = descriptor;
}

static void on_api_closed(struct ttrpc_connection *connection, int status, const char *reason,
                          void *userdata)
{
    struct fixture *f = userdata;

    f->api = NULL;
}

void try_to_connect_api(struct fixture *f)
{
    const struct ttrpc_connection_options options = {
        .limits = {.frame_bytes = 4 << 20, .streams = 1, .queued_bytes = 1 << 20},
        .metadata = &f->program,
        .metadata_count = f->program.key != NULL,
        .userdata = f,
        .on_close = on_api_closed,
    };
    struct address address = {.kind = ADDRESS_UNIX};
    struct dial *dial;

    path_in(f, f->api_socket == NULL ? "api.sock" : f->api_socket, address.path,
            sizeof(address.path));
    f->dialled = -1000;
    assert_int_equal(dial_start(&f->loop, &address, NSEC_PER_SEC, on_dialled, f, &dial), 0);
    wait_for(f, f->dialled != -1000);
    if (f->dialled >= 0)
        assert_int_equal(ttrpc_connection_create(&f->loop, f->dialled, &options, &f->api), 0);
}

void connect_api(struct fixture *f)
{
    wait_for(f, (try_to_connect_api(f), f->api != NULL));
}

/* ---- calls ---- */

void free_response(struct fixture *f)
{
    if (f->response != NULL)
        protobuf_c_message_free_unpacked(f->response, NULL);
    f->response = NULL;
}

static void keep(struct fixture *f, const ProtobufCMessage *message)
{
    free_response(f);
    f->response = message_copy(message);
}

void on_result(const struct ttrpc_result *result, void *userdata)
{
    struct fixture *f = userdata;

    f->answered = true;
    f->code = result->code;
    snprintf(f->message, sizeof(f->message), "%s", result->message);
    if (result->response != NULL)
        keep(f, result->response);
}

void on_message(const ProtobufCMessage *message, void *userdata)
{
    struct fixture *f = userdata;

    f->streamed++;
    keep(f, message);
}

void start_call(struct fixture *f, const char *method, const ProtobufCMessage *request,
                nsec_t timeout, ttrpc_message_callback on_each, ttrpc_result_callback on_end,
                void *userdata)
{
    assert_int_equal(ttrpc_call_stream(f->api, &vmreclaim__controller__v1__controller__descriptor,
                                       method, request, timeout, on_each, on_end, userdata, NULL),
                     0);
}

static void call_and_wait(struct fixture *f, const char *method, const ProtobufCMessage *request,
                          ttrpc_message_callback on_each)
{
    f->answered = false;
    f->code = TTRPC_UNAVAILABLE;
    free_response(f);
    if (f->api == NULL)
        return;
    start_call(f, method, request, WAIT_MAX, on_each, on_result, f);
    wait_for(f, f->answered);
}

void call(struct fixture *f, const char *method, const ProtobufCMessage *request)
{
    call_and_wait(f, method, request, NULL);
}

void call_stream(struct fixture *f, const char *method, const ProtobufCMessage *request)
{
    call_and_wait(f, method, request, on_message);
}

const Vm *get_vm(struct fixture *f, const char *name)
{
    Vmreclaim__Controller__V1__GetVmRequest request =
        VMRECLAIM__CONTROLLER__V1__GET_VM_REQUEST__INIT;

    request.vm = (char *)name;
    request.fresh = 1;
    call(f, "GetVm", &request.base);
    return f->code == TTRPC_OK ? ((const GetVmResponse *)f->response)->vm : NULL;
}

char *text(const char *constant)
{
    return (char *)constant;
}

void compact(struct fixture *f)
{
    Vmreclaim__Controller__V1__CompactVmRequest request =
        VMRECLAIM__CONTROLLER__V1__COMPACT_VM_REQUEST__INIT;

    request.vm = text("web-1");
    call(f, "Compact", &request.base);
}

const char *why_degraded(struct fixture *f, const char *part)
{
    Vmreclaim__Controller__V1__GetStatusRequest request =
        VMRECLAIM__CONTROLLER__V1__GET_STATUS_REQUEST__INIT;
    const Vmreclaim__Controller__V1__GetStatusResponse *status;

    call(f, "GetStatus", &request.base);
    assert_int_equal(f->code, TTRPC_OK);
    status = (const Vmreclaim__Controller__V1__GetStatusResponse *)f->response;
    for (size_t i = 0; i < status->n_degraded; i++)
        if (strcmp(status->degraded[i]->part, part) == 0)
            return status->degraded[i]->reason;
    return "";
}

void apply_policy(struct fixture *f, const char *source)
{
    Vmreclaim__Controller__V1__ApplyVmPolicyRequest request =
        VMRECLAIM__CONTROLLER__V1__APPLY_VM_POLICY_REQUEST__INIT;

    request.vm = (char *)"web-1";
    request.source = (char *)source;
    request.source_name = (char *)"night.yaml";
    call(f, "ApplyPolicy", &request.base);
}

bool is_in_state(struct fixture *f, const char *name, const char *state)
{
    const Vm *vm = get_vm(f, name);

    return vm != NULL && strcmp(vm->state, state) == 0;
}

bool driver_says(struct fixture *f, const char *name, const char *text)
{
    const Vm *vm = get_vm(f, name);

    return vm != NULL && strstr(vm->driver_state, text) != NULL;
}

/* ---- set up ---- */

static void on_ticker(uv_timer_t *timer)
{
}

void put_vm(const struct fixture *f, const char *name, const char *agent)
{
    char path[64];
    char text[512];

    snprintf(path, sizeof(path), "vms/%s.yaml", name);
    snprintf(text, sizeof(text), "hypervisor: qemu:%s/%s.qmp\n%s%s%s\n%s%s\nlabels: [tier=web]\n",
             f->directory, name, agent != NULL ? "agent: unix:" : "",
             agent != NULL ? f->directory : "", agent != NULL ? agent : "",
             f->floor != NULL ? "floor: " : "", f->floor != NULL ? f->floor : "");
    put(f, path, text);
}

void listen_qmp(struct fixture *f, const char *name)
{
    char path[128];

    path_in(f, name, path, sizeof(path));
    assert_int_equal(qmp_server_listen(&f->qmp, path), 0);
}

void listen_agent(struct fixture *f)
{
    char address[128];

    snprintf(address, sizeof(address), "unix:%s/agent.sock", f->directory);
    assert_int_equal(fake_agent_listen(&f->agent, address), 0);
}

int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    if (f == NULL)
        return -1;
    snprintf(f->directory, sizeof(f->directory), "/dev/shm/vmreclaim-test-XXXXXX");
    if (mkdtemp(f->directory) == NULL || uv_loop_init(&f->loop) < 0 ||
        uv_timer_init(&f->loop, &f->ticker) < 0)
        return -1;
    f->root = open(f->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    f->log = -1;
    uv_timer_start(&f->ticker, on_ticker, 5, 5);
    make_root(f);
    qmp_server_init(&f->qmp, &f->loop);
    fake_agent_init(&f->agent, &f->loop);
    *state = f;
    return 0;
}

void stop_daemon(struct fixture *f, int expected)
{
    int status = 0;

    if (f->api != NULL)
        ttrpc_connection_close(f->api);
    wait_for(f, f->api == NULL);
    (void)kill(f->daemon, SIGTERM);
    assert_int_equal(waitpid(f->daemon, &status, 0), f->daemon);
    f->daemon = 0;
    read_log(f);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != expected)
        print_error("%s\n", f->log_text);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), expected);
}

void crash_daemon(struct fixture *f)
{
    int status;

    (void)kill(f->daemon, SIGKILL);
    assert_int_equal(waitpid(f->daemon, &status, 0), f->daemon);
    f->daemon = 0;
    if (f->api != NULL)
        ttrpc_connection_close(f->api);
    wait_for(f, f->api == NULL);
}

int tear_down(void **state)
{
    struct fixture *f = *state;
    char command[128];

    if (f->daemon > 0)
        stop_daemon(f, 0);
    fake_agent_close(&f->agent);
    qmp_server_close(&f->qmp);
    uv_close((uv_handle_t *)&f->ticker, NULL);
    uv_run(&f->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&f->loop), 0);
    free_response(f);
    close(f->root);
    if (f->log >= 0)
        close(f->log);
    snprintf(command, sizeof(command), "rm -rf %s", f->directory);
    free(f);
    return system(command);
}

void start_in_state(struct fixture *f, const char *state, char *const *more)
{
    put_vm(f, "web-1", "/agent.sock");
    listen_qmp(f, "web-1.qmp");
    listen_agent(f);
    start_daemon(f, more);
    connect_api(f);
    wait_for(f, is_in_state(f, "web-1", state));
    wait_for(f, driver_says(f, "web-1", "ready"));
}

/* A VM with everything: hypervisor and agent. */
void start_managed(struct fixture *f)
{
    start_in_state(f, "managed", NULL);
}
