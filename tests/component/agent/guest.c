/* The guest's files are those of a 256 MiB guest with some of everything in it. */
#include "tests/component/agent/guest.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/base/cleanup.h"
#include "common/base/file.h"
#include "common/base/util.h"
#include "common/message/copy.h"
#include "tests/lib/no-vsock.h"

#define PAGES    65536 /* 256 MiB */
#define BUDDY    ((uint64_t)1 << 10)
#define UPTODATE ((uint64_t)1 << 3)

const char *guest_agent_program;

static const struct {
    const char *path;
    const char *text;
} files[] = {
    {"proc/cmdline", "console=ttyS0 quiet\n"},
    {"proc/meminfo", "MemTotal:         240000 kB\n"
                     "MemFree:           40960 kB\n"
                     "MemAvailable:     150000 kB\n"
                     "Buffers:            1000 kB\n"
                     "Cached:           120000 kB\n"
                     "SwapCached:            0 kB\n"
                     "Active(anon):      10000 kB\n"
                     "Inactive(anon):    10000 kB\n"
                     "Active(file):      60000 kB\n"
                     "Inactive(file):    60000 kB\n"
                     "SwapTotal:             0 kB\n"
                     "SwapFree:              0 kB\n"
                     "Dirty:                 0 kB\n"
                     "Writeback:             0 kB\n"
                     "AnonPages:         20000 kB\n"
                     "Mapped:             4000 kB\n"
                     "Shmem:               100 kB\n"
                     "SReclaimable:       8000 kB\n"
                     "SUnreclaim:         6000 kB\n"
                     "KernelStack:        1000 kB\n"
                     "PageTables:         1000 kB\n"
                     "Hugepagesize:       2048 kB\n"},
    /* 2 blocks of 4 MiB, 4096 single pages, 4096 pairs: 8 MiB, 16 MiB, 16 MiB of 40 MiB are free */
    {"proc/buddyinfo",
     "Node 0, zone    DMA32   4096   2048      0      0      0      0      0      0      0      0 "
     "     2 \n"},
    {"proc/zoneinfo", "Node 0, zone    DMA32\n"
                      "  pages free     10240\n"
                      "        min      100\n"
                      "        low      200\n"
                      "        high     300\n"
                      "        spanned  65536\n"
                      "        present  65536\n"
                      "        managed  60000\n"
                      "  pagesets\n"
                      "    cpu: 0\n"
                      "              count: 64\n"
                      "              high:  378\n"
                      "              batch: 63\n"
                      "  node_unreclaimable:  0\n"
                      "  start_pfn:           0\n"},
    {"proc/pagetypeinfo", "Page block order: 9\n"
                          "Node    0, zone    DMA32, type    Unmovable    100      0      0 \n"
                          "Node    0, zone    DMA32, type      Movable   3996   2048      0 \n"},
    {"proc/stat", "cpu  100 0 50 100000 10 0 0 0 0 0\n"
                  "cpu0 100 0 50 100000 10 0 0 0 0 0\n"
                  "ctxt 1\n"},
    {"proc/vmstat", "nr_free_pages 10240\n"
                    "workingset_refault_anon 0\n"
                    "workingset_refault_file 0\n"
                    "pgmajfault 10\n"
                    "oom_kill 0\n"
                    "compact_migrate_scanned 0\n"
                    "compact_isolated 0\n"},
    {"proc/iomem", "00000000-0fffffff : System RAM\n"},
    {"proc/pressure/memory", "some avg10=0.00 avg60=0.00 avg300=0.00 total=0\n"
                             "full avg10=0.00 avg60=0.00 avg300=0.00 total=0\n"},
    {"proc/pressure/io", "some avg10=0.00 avg60=0.00 avg300=0.00 total=0\n"
                         "full avg10=0.00 avg60=0.00 avg300=0.00 total=0\n"},
    {"proc/sys/kernel/random/boot_id", "0f0e0d0c-0b0a-0908-0706-050403020100\n"},
    {"proc/sys/vm/compact_memory", ""},
    {"proc/sys/vm/drop_caches", ""},
    {"proc/sys/vm/swappiness", "60\n"},
    {"proc/sys/vm/percpu_pagelist_high_fraction", "0\n"},
    {"sys/fs/cgroup/cgroup.controllers", "cpu io memory\n"},
    {"sys/fs/cgroup/memory.reclaim", ""},
    {"sys/module/page_reporting/parameters/page_reporting_order", "9\n"},
    {"sys/bus/virtio/drivers/virtio_balloon/virtio0/features", "0111110000\n"},
    {"sys/devices/system/node/online", "0\n"},
    {"sys/devices/system/cpu/online", "0\n"},
    {"dev/kmsg", ""},
};

static void must(bool condition, const char *what)
{
    if (condition)
        return;
    fprintf(stderr, "%s: %s\n", what, strerror(errno));
    abort();
}

/* As a whole: the agent may read at any time. */
void guest_write(struct guest *guest, const char *path, const char *text)
{
    char part[256];

    for (size_t i = 1; path[i] != '\0'; i++)
        if (path[i] == '/') {
            snprintf(part, sizeof(part), "%.*s", (int)i, path);
            must(mkdirat(guest->root, part, 0755) == 0 || errno == EEXIST, part);
        }
    must(file_replace_for_this_boot(guest->root, path, text, strlen(text)) == 0, path);
    must(fchmodat(guest->root, path, 0644, 0) == 0, path);
}

const char *guest_read(struct guest *guest, const char *path)
{
    static char text[4096];
    cleanup_close int descriptor = openat(guest->root, path, O_RDONLY | O_CLOEXEC);
    ssize_t n;

    must(descriptor >= 0, path);
    n = read(descriptor, text, sizeof(text) - 1);
    must(n >= 0, path);
    text[n] = '\0';
    return text;
}

/* Pageblock 1 to 2 are one reported block of 4 MiB, 5 and 6 free but not reported. */
static void write_kpageflags(struct guest *guest)
{
    static uint64_t flags[PAGES];
    cleanup_close int descriptor = -1;

    for (size_t i = 0; i < 1024; i++) {
        flags[1024 + i] = BUDDY;
        flags[4096 + i] = BUDDY;
    }
    flags[1024] |= UPTODATE;
    descriptor = openat(guest->root, "proc/kpageflags", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    must(descriptor >= 0, "kpageflags");
    must(write(descriptor, flags, sizeof(flags)) == (ssize_t)sizeof(flags), "kpageflags");
}

static void bind_notify(struct guest *guest)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    snprintf(guest->notify_path, sizeof(guest->notify_path), "%s/notify", guest->directory);
    memcpy(address.sun_path, guest->notify_path, sizeof(address.sun_path));
    guest->notify = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    must(guest->notify >= 0, "socket");
    must(bind(guest->notify, (struct sockaddr *)&address, sizeof(address)) == 0, "bind");
}

void guest_init(struct guest *guest)
{
    memset(guest, 0, sizeof(*guest));
    snprintf(guest->directory, sizeof(guest->directory), "/tmp/vmreclaim-agent-XXXXXX");
    must(mkdtemp(guest->directory) != NULL, "mkdtemp");
    guest->root = open(guest->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    must(guest->root >= 0, guest->directory);
    for (size_t i = 0; i < ARRAY_SIZE(files); i++)
        guest_write(guest, files[i].path, files[i].text);
    write_kpageflags(guest);
    bind_notify(guest);
    snprintf(guest->path, sizeof(guest->path), "%.60s/agent", guest->directory);
    snprintf(guest->address, sizeof(guest->address), "unix:%s", guest->path);
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *place)
{
    return remove(path);
}

void guest_finish(struct guest *guest)
{
    if (guest->pid > 0)
        guest_stop(guest, SIGKILL);
    close(guest->notify);
    close(guest->root);
    (void)nftw(guest->directory, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

void guest_spawn(struct guest *guest, const char *const *arguments)
{
    const char *vector[32] = {guest_agent_program, "--root", guest->directory};
    char state[80];
    size_t count = 3;

    snprintf(state, sizeof(state), "%s/state", guest->directory);
    vector[count++] = "--state-directory";
    vector[count++] = state;
    while (*arguments != NULL && count + 1 < ARRAY_SIZE(vector))
        vector[count++] = *arguments++;
    guest->pid = fork();
    must(guest->pid >= 0, "fork");
    if (guest->pid > 0)
        return;
    deny_vsock();
    (void)setenv("NOTIFY_SOCKET", guest->notify_path, 1);
    (void)execv(vector[0], (char *const *)vector);
    _exit(127);
}

void guest_wait_notify(struct guest *guest, const char *text)
{
    char message[256];

    do {
        ssize_t n = recv(guest->notify, message, sizeof(message) - 1, 0);
        must(n >= 0, "notify");
        message[n] = '\0';
    } while (strstr(message, text) == NULL);
}

void guest_start(struct guest *guest, const char *const *arguments)
{
    guest_spawn(guest, arguments);
    guest_wait_notify(guest, "READY=1");
}

int guest_wait(struct guest *guest)
{
    int status = 0;

    must(waitpid(guest->pid, &status, 0) == guest->pid, "waitpid");
    guest->pid = 0;
    return status;
}

void guest_start_listening(struct guest *guest)
{
    const char *const arguments[] = {"--connect", "none", "--listen", guest->address, NULL};

    guest_start(guest, arguments);
}

int guest_stop(struct guest *guest, int signal_number)
{
    must(kill(guest->pid, signal_number) == 0, "kill");
    return guest_wait(guest);
}

/* ---- client ---- */

static void on_close(struct ttrpc_connection *connection, int status, const char *reason,
                     void *userdata)
{
    struct client *client = userdata;

    client->is_closed = true;
    client->connection = NULL;
}

void client_adopt(struct client *client, int descriptor)
{
    struct ttrpc_connection_options options = {
        .limits = ttrpc_limits_default,
        .userdata = client,
        .on_close = on_close,
    };

    memset(client, 0, sizeof(*client));
    must(uv_loop_init(&client->loop) == 0, "uv_loop_init");
    must(ttrpc_connection_create(&client->loop, descriptor, &options, &client->connection) == 0,
         "ttrpc_connection_create");
}

void client_init(struct client *client, struct guest *guest)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    must(descriptor >= 0, "socket");
    memcpy(address.sun_path, guest->path, sizeof(address.sun_path));
    must(connect(descriptor, (struct sockaddr *)&address, sizeof(address)) == 0, guest->path);
    client_adopt(client, descriptor);
}

static void forget_response(struct client *client)
{
    if (client->response != NULL)
        protobuf_c_message_free_unpacked(client->response, NULL);
    client->response = NULL;
}

void client_finish(struct client *client)
{
    if (client->connection != NULL)
        ttrpc_connection_close(client->connection);
    uv_run(&client->loop, UV_RUN_DEFAULT);
    must(uv_loop_close(&client->loop) == 0, "uv_loop_close");
    forget_response(client);
}

static void on_result(const struct ttrpc_result *result, void *userdata)
{
    struct client *client = userdata;

    client->is_done = true;
    client->code = result->code;
    snprintf(client->message, sizeof(client->message), "%s", result->message);
    if (result->response != NULL)
        client->response = message_copy(result->response);
}

const void *client_call(struct client *client, const char *method, const void *request)
{
    forget_response(client);
    client->is_done = false;
    client->code = TTRPC_UNAVAILABLE;
    if (client->connection == NULL ||
        ttrpc_call_unary(client->connection, &vmreclaim__agent__v1__agent__descriptor, method,
                         request, client->timeout != 0 ? client->timeout : 30 * NSEC_PER_SEC,
                         on_result, client, NULL) < 0)
        return NULL;
    while (!client->is_done)
        uv_run(&client->loop, UV_RUN_ONCE);
    return client->response;
}

static void on_message(const ProtobufCMessage *message, void *userdata)
{
    struct client *client = userdata;

    client->message_count++;
    if (client->on_message != NULL)
        client->on_message(client, message);
}

struct ttrpc_client_call *client_stream(struct client *client, const char *method,
                                        const void *request)
{
    struct ttrpc_client_call *call;

    client->is_done = false;
    client->message_count = 0;
    must(ttrpc_call_stream(client->connection, &vmreclaim__agent__v1__agent__descriptor, method,
                           request, 0, on_message, on_result, client, &call) == 0,
         method);
    return call;
}

void client_wait_messages(struct client *client, unsigned count)
{
    while (!client->is_done && client->message_count < count)
        uv_run(&client->loop, UV_RUN_ONCE);
}
