/* The machine behind the scripted QMP server. */
#include "tests/component/controller/qmp-answers.h"

#include <stdio.h>
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

/* NULL: it tells none. */
static json_t *guest_statistics(struct qmp_server *server)
{
    server->statistics_queries++;
    if (server->statistics.interval != 0 &&
        (uint64_t)time(NULL) >= server->statistics.updated + server->statistics.interval)
        ask_guest(server);
    return server->statistics.free != 0 ? told_statistics(server) : NULL;
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

static json_t *virtio_status(void)
{
    return answer(json_pack("{s:{s:[s]}, s:{s:[s]}}", "status", "statuses",
                            "VIRTIO_CONFIG_S_DRIVER_OK: Driver setup and ready", "guest-features",
                            "dev-features",
                            "VIRTIO_BALLOON_F_STATS_VQ: Guest memory stats VQ available"));
}

json_t *qmp_server_answer(struct qmp_server *server, const char *command, const json_t *arguments)
{
    const char *path = json_string_value(json_object_get(arguments, "path"));
    const char *property = json_string_value(json_object_get(arguments, "property"));

    if (server->fault == QMP_SERVER_REFUSES && strcmp(command, "qmp_capabilities") != 0)
        return refuse("GenericError", "It does not want to");
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
    if (strcmp(command, "x-query-virtio-status") == 0 && server->guest_declines_reporting)
        return virtio_status();
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
