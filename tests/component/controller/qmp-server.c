/* The scripted QMP server. */
#include "tests/component/controller/qmp-server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/base/number.h"
#include "common/base/util.h"

#define BALLOON_PATH "/machine/peripheral/balloon0"
#define VSOCK_PATH   "/machine/peripheral-anon/device[0]"
#define MEMORY_PATH  "/objects/mem"
#define DIMM_PATH    "/objects/dimm"
#define DIMM_BYTES   (200 * MIB)
#define SHARED_PATH  "/objects/shared"
#define IVSHMEM_PATH "/machine/peripheral/ivshmem0"

struct server_write {
    uv_write_t request;
    char *text;
};

static void on_written(uv_write_t *request, int status)
{
    struct server_write *write = container_of(request, struct server_write, request);

    free(write->text);
    free(write);
}

/* Takes `text` over. */
static void send_text(struct qmp_server *server, char *text)
{
    struct server_write *write = calloc(1, sizeof(*write));
    uv_buf_t buffer = uv_buf_init(text, (unsigned)strlen(text));

    if (write == NULL || !server->has_client) {
        free(text);
        free(write);
        return;
    }
    write->text = text;
    if (uv_write(&write->request, (uv_stream_t *)&server->client, &buffer, 1, on_written) < 0) {
        free(text);
        free(write);
    }
}

/* Takes `message` over. */
static void send_message(struct qmp_server *server, json_t *message)
{
    char *text = json_dumps(message, JSON_COMPACT);
    char *line = NULL;

    if (text != NULL && asprintf(&line, "%s\r\n", text) >= 0)
        send_text(server, line);
    free(text);
    json_decref(message);
}

static json_t *refuse(const char *class, const char *description)
{
    return json_pack("{s:{s:s, s:s}}", "error", "class", class, "desc", description);
}

static json_t *answer(json_t *value)
{
    return json_pack("{s:o}", "return", value);
}

static void append_child(json_t *list, const char *name, const char *type)
{
    (void)json_array_append_new(list, json_pack("{s:s, s:s}", "name", name, "type", type));
}

static void append_mixed(json_t *list, const char *path)
{
    if (strcmp(path, "/objects") == 0) {
        append_child(list, "shared", "child<memory-backend-memfd>");
        append_child(list, "dimm", "child<memory-backend-ram>");
    }
    if (strcmp(path, "/machine/peripheral") == 0) {
        append_child(list, "ivshmem0", "child<ivshmem-plain>");
        append_child(list, "vdpa0", "child<vhost-vdpa-device-pci>");
    }
}

static json_t *list_folder(const struct qmp_server *server, const char *path)
{
    json_t *list = json_array();

    (void)json_array_append_new(list, json_pack("{s:s, s:s}", "name", "type", "type", "string"));
    if (strcmp(path, "/machine/peripheral") == 0 && server->balloon_actual != 0)
        (void)json_array_append_new(
            list, json_pack("{s:s, s:s}", "name", "balloon0", "type", "child<virtio-balloon-pci>"));
    for (unsigned i = 0; strcmp(path, "/machine/peripheral") == 0 && i < server->vfio_devices; i++)
        (void)json_array_append_new(
            list, json_pack("{s:s, s:s}", "name", "hostdev0", "type", "child<vfio-pci>"));
    if (strcmp(path, "/machine/peripheral-anon") == 0 && server->guest_cid != 0)
        (void)json_array_append_new(
            list, json_pack("{s:s, s:s}", "name", "device[0]", "type", "child<vhost-vsock-pci>"));
    if (strcmp(path, "/objects") == 0)
        (void)json_array_append_new(list,
                                    json_pack("{s:s, s:s}", "name", "mem", "type",
                                              server->has_memfd ? "child<memory-backend-memfd>"
                                                                : "child<memory-backend-ram>"));
    if (server->is_mixed)
        append_mixed(list, path);
    return answer(list);
}

/* As it was when the guest was last asked. */
static json_t *told_statistics(const struct qmp_server *server)
{
    uint64_t free = server->statistics.told.free;

    return answer(json_pack("{s:{s:I, s:I, s:I, s:I, s:I}, s:I}", "stats", "stat-total-memory",
                            (json_int_t)server->ram, "stat-free-memory", (json_int_t)free,
                            "stat-available-memory", (json_int_t)free, "stat-minor-faults",
                            (json_int_t)server->statistics.told.faults, "stat-major-faults",
                            (json_int_t)0, "last-update", (json_int_t)server->statistics.updated));
}

static void ask_guest(struct qmp_server *server)
{
    uint64_t taken = server->ram - server->balloon_actual;

    if (server->statistics.free == 0)
        return;
    server->statistics.updated = (uint64_t)time(NULL);
    server->statistics.told.free = saturating_subtract(server->statistics.free, taken);
    server->statistics.told.faults++;
}

/* Like QEMU, statistics that the guest does not tell are 2^64 - 1, which jansson cannot hold. */
static json_t *guest_statistics(struct qmp_server *server)
{
    char *text = NULL;

    server->statistics_queries++;
    if (server->statistics.interval != 0 &&
        (uint64_t)time(NULL) >= server->statistics.updated + server->statistics.interval)
        ask_guest(server);
    if (server->statistics.free != 0)
        return told_statistics(server);
    if (asprintf(&text,
                 "{\"return\": {\"stats\": {\"stat-total-memory\": 1000000000, "
                 "\"stat-free-memory\": 18446744073709551615, \"stat-oom-kills\": 3}, "
                 "\"last-update\": %llu}, \"id\": ",
                 (unsigned long long)server->statistics.updated) >= 0)
        send_text(server, text);
    return NULL;
}

/* The memfd in huge pages of 2 MiB, the DIMM anonymous, the rest shared with other guests. */
static json_t *get_mixed(const char *path, const char *property)
{
    bool is_dimm = strcmp(path, DIMM_PATH) == 0;

    if (strcmp(path, IVSHMEM_PATH) == 0 && strcmp(property, "memdev") == 0)
        return answer(json_string(SHARED_PATH));
    if (!is_dimm && strcmp(path, MEMORY_PATH) != 0 && strcmp(path, SHARED_PATH) != 0)
        return NULL;
    if (strcmp(property, "share") == 0)
        return answer(json_boolean(!is_dimm));
    if (is_dimm)
        return strcmp(property, "size") == 0 ? answer(json_integer(DIMM_BYTES)) : NULL;
    if (strcmp(property, "size") == 0 && strcmp(path, SHARED_PATH) == 0)
        return answer(json_integer(8 * GIB));
    if (strcmp(property, "hugetlb") == 0)
        return answer(json_boolean(strcmp(path, MEMORY_PATH) == 0));
    if (strcmp(property, "hugetlbsize") == 0 && strcmp(path, MEMORY_PATH) == 0)
        return answer(json_integer(2 * MIB));
    return NULL;
}

static json_t *get_property(struct qmp_server *server, const char *path, const char *property)
{
    json_t *mixed = server->is_mixed ? get_mixed(path, property) : NULL;

    if (mixed != NULL)
        return mixed;
    if (strcmp(path, BALLOON_PATH) == 0 && server->balloon_actual != 0) {
        if (strcmp(property, "free-page-reporting") == 0)
            return answer(json_boolean(server->free_page_reporting));
        if (strcmp(property, "deflate-on-oom") == 0)
            return answer(json_boolean(server->deflate_on_oom));
        if (strcmp(property, "guest-stats-polling-interval") == 0)
            return answer(json_integer(server->statistics.interval));
        if (strcmp(property, "guest-stats") == 0)
            return guest_statistics(server);
    }
    if (strcmp(path, VSOCK_PATH) == 0 && strcmp(property, "guest-cid") == 0)
        return answer(json_integer(server->guest_cid));
    if (strcmp(path, MEMORY_PATH) == 0 && strcmp(property, "share") == 0)
        return answer(json_boolean(server->has_memfd));
    if (strcmp(path, MEMORY_PATH) == 0 && strcmp(property, "prealloc") == 0)
        return answer(json_true());
    if (strcmp(path, MEMORY_PATH) == 0 && strcmp(property, "size") == 0)
        return answer(json_integer((json_int_t)server->ram));
    return refuse("GenericError", "Property not found");
}

static json_t *set_balloon(struct qmp_server *server, const json_t *arguments)
{
    json_int_t value = json_integer_value(json_object_get(arguments, "value"));

    server->balloon_commands++;
    if (server->balloon_actual == 0)
        return refuse("DeviceNotActive", "No balloon device has been activated");
    if (server->balloon_refuses || value <= 0)
        return refuse("GenericError", "Parameter 'target' expects a size");
    server->balloon_target = min_of((uint64_t)value, server->ram + server->plugged.dimm);
    return answer(json_object());
}

static void append_device(json_t *list, const char *type, json_t *data)
{
    (void)json_array_append_new(list, json_pack("{s:s, s:o}", "type", type, "data", data));
}

/* The answer of QEMU 7.2 to a machine with one device of each kind, in QEMU's order. */
static json_t *list_memory_devices(const struct qmp_server *server)
{
    json_t *list = json_array();

    if (server->plugged.nvdimm != 0)
        append_device(list, "nvdimm",
                      json_pack("{s:s, s:b, s:I, s:b, s:I, s:i, s:i, s:s}", "memdev", "/objects/nv",
                                "hotplugged", 0, "addr", (json_int_t)4294967296, "hotpluggable", 1,
                                "size", (json_int_t)server->plugged.nvdimm, "slot", 0, "node", 0,
                                "id", "nv0"));
    if (server->plugged.virtio_pmem != 0)
        append_device(list, "virtio-pmem",
                      json_pack("{s:s, s:I, s:I, s:s}", "memdev", "/objects/pm", "memaddr",
                                (json_int_t)4429185024, "size",
                                (json_int_t)server->plugged.virtio_pmem, "id", "pm0"));
    if (server->plugged.virtio_mem != 0)
        append_device(list, "virtio-mem",
                      json_pack("{s:s, s:I, s:i, s:I, s:i, s:I, s:I, s:s}", "memdev", "/objects/vm",
                                "memaddr", (json_int_t)4496293888, "block-size", 2097152, "size",
                                (json_int_t)server->plugged.virtio_mem, "node", 0, "max-size",
                                (json_int_t)(4 * GIB), "requested-size",
                                (json_int_t)server->plugged.virtio_mem, "id", "vm0"));
    if (server->plugged.dimm != 0)
        append_device(list, "dimm",
                      json_pack("{s:s, s:b, s:I, s:b, s:I, s:i, s:i, s:s}", "memdev", "/objects/d0",
                                "hotplugged", 1, "addr", (json_int_t)5033164800, "hotpluggable", 1,
                                "size", (json_int_t)server->plugged.dimm, "slot", 1, "node", 0,
                                "id", "dimm0"));
    return answer(list);
}

static json_t *list_jobs(const struct qmp_server *server)
{
    json_t *job;

    if (server->job.type == NULL)
        return answer(json_array());
    job = json_pack("{s:s, s:s, s:s}", "id", "job", "type", server->job.type, "status",
                    server->job.status);
    if (server->job.has_failed)
        (void)json_object_set_new(job, "error", json_string("Snapshot does not exist"));
    return answer(json_pack("[o]", job));
}

/* All of its base memory in one piece. */
static json_t *memory_tree(const struct qmp_server *server)
{
    char text[256];

    snprintf(text, sizeof(text),
             "FlatView #0\r\n AS \"memory\", root: system\r\n Root memory region: system\r\n"
             "  0000000000000000-%016llx (prio 0, ram): pc.ram\r\n\r\n",
             (unsigned long long)server->ram - 1);
    return answer(json_string(text));
}

static json_t *set_property(struct qmp_server *server, const json_t *arguments)
{
    const char *property = json_string_value(json_object_get(arguments, "property"));
    uint32_t before = server->statistics.interval;

    if (property != NULL && strcmp(property, "guest-stats-polling-interval") == 0)
        server->statistics.interval =
            (uint32_t)json_integer_value(json_object_get(arguments, "value"));
    if (before == 0 && server->statistics.interval != 0) {
        server->statistics.pokes++;
        ask_guest(server);
    }
    return answer(json_object());
}

static json_t *query(struct qmp_server *server, const char *command, const json_t *arguments)
{
    const char *path = json_string_value(json_object_get(arguments, "path"));
    const char *property = json_string_value(json_object_get(arguments, "property"));

    if (strcmp(command, "query-status") == 0)
        return answer(json_pack("{s:s, s:b}", "status", server->status, "running",
                                strcmp(server->status, "running") == 0));
    if (strcmp(command, "query-migrate") == 0)
        return answer(server->migration[0] != '\0' ? json_pack("{s:s}", "status", server->migration)
                                                   : json_object());
    if (strcmp(command, "query-name") == 0)
        return answer(json_pack("{s:s}", "name", server->name));
    if (strcmp(command, "query-uuid") == 0)
        return answer(json_pack("{s:s}", "UUID", server->uuid));
    if (strcmp(command, "query-memory-size-summary") == 0)
        return answer(
            json_pack("{s:I, s:I}", "base-memory", (json_int_t)server->ram, "plugged-memory",
                      (json_int_t)(server->plugged.dimm + server->plugged.nvdimm +
                                   server->plugged.virtio_pmem + server->plugged.virtio_mem)));
    if (strcmp(command, "query-memory-devices") == 0)
        return list_memory_devices(server);
    if (strcmp(command, "query-balloon") == 0)
        return server->balloon_actual == 0
                   ? refuse("DeviceNotActive", "No balloon device has been activated")
                   : answer(json_pack("{s:I}", "actual", (json_int_t)server->balloon_actual));
    if (strcmp(command, "balloon") == 0)
        return set_balloon(server, arguments);
    if (strcmp(command, "qom-list") == 0 && path != NULL)
        return list_folder(server, path);
    if (strcmp(command, "qom-get") == 0 && path != NULL && property != NULL)
        return get_property(server, path, property);
    server->jobs_queries += strcmp(command, "query-jobs") == 0;
    if (strcmp(command, "query-jobs") == 0)
        return list_jobs(server);
    if (strcmp(command, "human-monitor-command") == 0)
        return memory_tree(server);
    if (strcmp(command, "qom-set") == 0)
        return set_property(server, arguments);
    if (strcmp(command, "migrate-set-capabilities") == 0 ||
        strcmp(command, "qmp_capabilities") == 0)
        return answer(json_object());
    return refuse("CommandNotFound", "The command has not been found");
}

static void follow_target(struct qmp_server *server)
{
    if (server->balloon_is_stuck || server->balloon_target == 0 ||
        server->balloon_actual == server->balloon_target)
        return;
    server->balloon_actual = server->balloon_target;
    qmp_server_event(server, "BALLOON_CHANGE",
                     json_pack("{s:I}", "actual", (json_int_t)server->balloon_actual));
}

static void send_id(struct qmp_server *server, const json_t *id)
{
    char *text = json_dumps(id, JSON_ENCODE_ANY);
    char *line = NULL;

    if (text != NULL && asprintf(&line, "%s}\r\n", text) >= 0)
        send_text(server, line);
    free(text);
}

/* True: the command is not answered as usual. */
static bool play_fault(struct qmp_server *server, const char *command)
{
    switch (server->fault) {
    case QMP_SERVER_HANGS:
        return true;
    case QMP_SERVER_DEAF:
        return strcmp(command, "qmp_capabilities") != 0;
    case QMP_SERVER_CLOSES:
        qmp_server_drop_client(server);
        return true;
    case QMP_SERVER_GARBLES:
        send_text(server, strdup("{\"return\": {\r\n"));
        return true;
    default:
        return false;
    }
}

static void send_reply(struct qmp_server *server, json_t *reply)
{
    if (server->fault == QMP_SERVER_LATE && server->held == NULL)
        server->held = json_array();
    if (server->fault == QMP_SERVER_LATE)
        (void)json_array_append_new(server->held, reply);
    else
        send_message(server, reply);
}

void qmp_server_release(struct qmp_server *server)
{
    size_t count = json_array_size(server->held);

    server->fault = QMP_SERVER_WORKS;
    for (size_t i = 0; i < count; i++)
        send_message(server, json_incref(json_array_get(server->held, i)));
    json_decref(server->held);
    server->held = NULL;
}

static void handle_line(struct qmp_server *server, const char *line, size_t length)
{
    json_t *message = json_loadb(line, length, 0, NULL);
    const char *command = json_string_value(json_object_get(message, "execute"));
    json_t *id = json_object_get(message, "id");
    json_t *reply;

    if (command == NULL) {
        json_decref(message);
        return;
    }
    server->commands++;
    if (play_fault(server, command)) {
        json_decref(message);
        return;
    }
    reply = server->fault == QMP_SERVER_REFUSES && strcmp(command, "qmp_capabilities") != 0
                ? refuse("GenericError", "It does not want to")
                : query(server, command, json_object_get(message, "arguments"));
    if (reply != NULL) {
        (void)json_object_set(reply, "id", id);
        send_reply(server, reply);
    } else
        send_id(server, id);
    if (strcmp(command, "balloon") == 0)
        follow_target(server);
    if (server->on_command != NULL)
        server->on_command(server, command, server->userdata);
    json_decref(message);
}

static void accept_client(struct qmp_server *server);

static void on_client_closed(uv_handle_t *handle)
{
    struct qmp_server *server = handle->data;

    server->client_closing = false;
    if (server->client_waits && server->is_listening)
        accept_client(server);
}

void qmp_server_drop_client(struct qmp_server *server)
{
    json_decref(server->held);
    server->held = NULL;
    if (!server->has_client)
        return;
    server->has_client = false;
    server->client_closing = true;
    server->line_length = 0;
    uv_close((uv_handle_t *)&server->client, on_client_closed);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    struct qmp_server *server = handle->data;

    *buffer = uv_buf_init(server->line + server->line_length,
                          (unsigned)(sizeof(server->line) - server->line_length));
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buffer)
{
    struct qmp_server *server = stream->data;
    char *end;

    if (n < 0) {
        qmp_server_drop_client(server);
        return;
    }
    server->line_length += (size_t)n;
    while ((end = memchr(server->line, '\n', server->line_length)) != NULL) {
        size_t length = (size_t)(end - server->line) + 1;

        handle_line(server, server->line, length);
        if (!server->has_client)
            return;
        server->line_length -= length;
        memmove(server->line, server->line + length, server->line_length);
    }
}

static char *endless_line(void)
{
    size_t size = MIB;
    char *text = malloc(size + 1);

    if (text == NULL)
        abort();
    memset(text, ' ', size);
    text[0] = '{';
    text[size] = '\0';
    return text;
}

static void greet(struct qmp_server *server)
{
    switch (server->fault) {
    case QMP_SERVER_SILENT:
        return;
    case QMP_SERVER_GARBAGE:
        send_text(server, strdup("SSH-2.0-OpenSSH_9.2p1\r\n"));
        return;
    case QMP_SERVER_OVERSIZED:
        send_text(server, endless_line());
        return;
    default:
        break;
    }
    server->clients++;
    send_message(server, json_pack("{s:{s:{s:{s:i, s:i, s:i}}, s:[]}}", "QMP", "version", "qemu",
                                   "micro", 22, "minor", 2, "major", 7, "capabilities"));
    if (server->fault == QMP_SERVER_HANGS_UP)
        qmp_server_drop_client(server);
}

static void accept_client(struct qmp_server *server)
{
    server->client_waits = false;
    if (uv_pipe_init(server->loop, &server->client, 0) < 0)
        abort();
    server->client.data = server;
    server->has_client = true;
    server->line_length = 0;
    if (uv_accept((uv_stream_t *)&server->listening, (uv_stream_t *)&server->client) < 0)
        abort();
    (void)uv_read_start((uv_stream_t *)&server->client, on_alloc, on_read);
    greet(server);
}

/* One client at a time: others wait. */
static void on_connection(uv_stream_t *listening, int status)
{
    struct qmp_server *server = listening->data;

    if (status < 0 || !server->is_listening)
        return;
    if (server->has_client || server->client_closing)
        server->client_waits = true;
    else
        accept_client(server);
}

void qmp_server_init(struct qmp_server *server, uv_loop_t *loop)
{
    *server = (struct qmp_server){
        .loop = loop,
        .name = "web-1",
        .uuid = "11111111-2222-3333-4444-555555555555",
        .status = "running",
        .ram = GIB,
        .balloon_actual = GIB,
        .balloon_target = GIB,
        .free_page_reporting = true,
        .deflate_on_oom = true,
        .guest_cid = 5,
        .job.status = "concluded",
        .statistics.updated = 1700000000,
    };
}

int qmp_server_listen(struct qmp_server *server, const char *path)
{
    int r = uv_pipe_init(server->loop, &server->listening, 0);

    if (r < 0)
        return r;
    server->listening.data = server;
    server->is_listening = true;
    r = uv_pipe_bind(&server->listening, path);
    if (r == 0)
        r = uv_listen((uv_stream_t *)&server->listening, 4, on_connection);
    return r;
}

void qmp_server_close(struct qmp_server *server)
{
    qmp_server_drop_client(server);
    if (server->is_listening)
        uv_close((uv_handle_t *)&server->listening, NULL);
    server->is_listening = false;
}

void qmp_server_event(struct qmp_server *server, const char *name, json_t *data)
{
    json_t *event = json_pack("{s:s, s:{s:i, s:i}}", "event", name, "timestamp", "seconds", 1,
                              "microseconds", 2);

    if (data != NULL)
        (void)json_object_set_new(event, "data", data);
    send_message(server, event);
}

void qmp_server_restore(struct qmp_server *server, uint64_t actual)
{
    qmp_server_event(server, "STOP", NULL);
    server->balloon_target = actual;
    server->balloon_actual = actual;
    qmp_server_event(server, "RESUME", NULL);
}

void qmp_server_plug_dimm(struct qmp_server *server, uint64_t bytes)
{
    server->plugged.dimm += bytes;
    server->balloon_target += bytes;
    server->balloon_actual += bytes;
}

void qmp_server_move_balloon(struct qmp_server *server, uint64_t actual)
{
    server->balloon_target = actual;
    server->balloon_actual = actual;
    qmp_server_event(server, "BALLOON_CHANGE", json_pack("{s:I}", "actual", (json_int_t)actual));
}
