/* The strict Cloud Hypervisor. */
#include "tests/fakes/cloud-hypervisor.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/number.h"
#include "common/base/util.h"

#define API "/api/v1"

/* ---- answers ---- */

static void refuse(struct micro_http_response *response, int status, json_t *chain)
{
    micro_http_answer(response, status, chain);
}

static void refuse_resize(struct micro_http_response *response, int status, const char *reason)
{
    refuse(response, status,
           json_pack("[s, s, s]", "Error from API", "The VM could not be resized", reason));
}

static void bad_request(struct micro_http_response *response)
{
    refuse(response, 400, json_pack("[s]", "Bad Request"));
}

/* ---- vm.info ---- */

static json_t *zone(const struct fake_cloud_hypervisor *fake)
{
    return json_pack("{s:s, s:I, s:s, s:b, s:b, s:b, s:b, s:b}", "id", "mem0", "size",
                     (json_int_t)fake->size, "file", "/var/lib/ram", "shared", 1, "hugepages", 0,
                     "prefault", 0, "reserve", 0, "mergeable", 0);
}

static json_t *memory(const struct fake_cloud_hypervisor *fake)
{
    json_t *memory =
        json_pack("{s:I, s:b, s:s, s:b, s:b, s:b, s:b, s:b}", "size",
                  fake->has_zones ? (json_int_t)0 : (json_int_t)fake->size, "mergeable", 0,
                  "hotplug_method", "Acpi", "shared", fake->is_shared, "hugepages",
                  fake->has_hugepages, "prefault", 0, "reserve", 0, "thp", 1);

    if (fake->has_zones)
        json_object_set_new(memory, "zones", json_pack("[o]", zone(fake)));
    if (fake->has_hugepages)
        json_object_set_new(memory, "hugepage_size", json_integer(2 * MIB));
    return memory;
}

static json_t *config(const struct fake_cloud_hypervisor *fake)
{
    json_t *balloon =
        fake->has_balloon
            ? json_pack("{s:n, s:b, s:I, s:b, s:b}", "id", "iommu", 0, "size",
                        (json_int_t)fake->balloon_size, "deflate_on_oom", fake->deflate_on_oom,
                        "free_page_reporting", fake->free_page_reporting)
            : json_null();
    json_t *vsock = fake->cid == 0
                        ? json_null()
                        : json_pack("{s:s, s:b, s:I, s:s}", "id", "_vsock0", "iommu", 0, "cid",
                                    (json_int_t)fake->cid, "socket", fake->socket);
    json_t *devices = fake->vfio_devices == 0 ? json_null() : json_array();

    for (unsigned i = 0; i < fake->vfio_devices; i++)
        json_array_append_new(devices, json_pack("{s:s}", "path", "/sys/bus/pci/devices/0:0:1.0"));
    return json_pack("{s:{s:i, s:i}, s:o, s:o, s:o, s:o, s:n}", "cpus", "boot_vcpus", 2,
                     "max_vcpus", 2, "memory", memory(fake), "balloon", balloon, "vsock", vsock,
                     "devices", devices, "vdpa");
}

static void get_info(const struct fake_cloud_hypervisor *fake, struct micro_http_response *response)
{
    json_t *info;
    char *filler;

    if (fake->state == NULL) {
        refuse(response, 404,
               json_pack("[s, s, s]", "Error from API", "The VM info is not available",
                         "VM is not created"));
        return;
    }
    info = json_pack("{s:o, s:s, s:I}", "config", config(fake), "state", fake->state,
                     "memory_actual_size",
                     (json_int_t)(fake->size - (fake->has_balloon ? fake->balloon_actual : 0)));
    if (strcmp(fake->state, "Created") != 0) {
        filler = malloc(fake->device_tree_bytes + 1);
        if (filler == NULL)
            abort();
        memset(filler, 'd', fake->device_tree_bytes);
        filler[fake->device_tree_bytes] = '\0';
        json_object_set_new(info, "device_tree", json_pack("{s:s}", "__serial", filler));
        free(filler);
    }
    micro_http_answer(response, 200, info);
}

/* ---- the rest ---- */

static void get_ping(const struct fake_cloud_hypervisor *fake, struct micro_http_response *response)
{
    micro_http_answer(response, 200,
                      json_pack("{s:s, s:s, s:I, s:[s]}", "build_version", "v53.0", "version",
                                "53.0.0", "pid", (json_int_t)fake->pid, "features", "kvm"));
}

static void get_balloon_stats(const struct fake_cloud_hypervisor *fake,
                              struct micro_http_response *response)
{
    if (fake->guest_has_no_stats || !fake->has_balloon)
        refuse(response, 500, json_pack("[s]", "Error from API"));
    else
        micro_http_answer(
            response, 200,
            json_pack("{s:I, s:{s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:i}}",
                      "balloon_actual", (json_int_t)fake->balloon_actual, "stats", "swap_in", 0,
                      "swap_out", 0, "major_faults", 369, "minor_faults", 504067, "free_memory",
                      500000000, "total_memory", 1000000000, "available_memory", 800000000,
                      "disk_caches", 100000000, "hugetlb_allocations", 0, "hugetlb_failures", 0,
                      "oom_kills", 2, "alloc_stalls", 318));
}

/* False: such a field is no number. */
static bool read_number(const json_t *body, const char *name, bool *ret_given, uint64_t *ret_value)
{
    const json_t *value = json_object_get(body, name);

    *ret_given = value != NULL && !json_is_null(value);
    if (!*ret_given)
        return true;
    if (!json_is_integer(value) || json_integer_value(value) < 0)
        return false;
    *ret_value = (uint64_t)json_integer_value(value);
    return true;
}

static void resize_balloon(struct fake_cloud_hypervisor *fake, uint64_t size,
                           struct micro_http_response *response)
{
    bool is_booted = strcmp(fake->state, "Created") != 0;

    if (is_booted && !fake->has_balloon) {
        refuse(response, 500,
               json_pack("[s, s, s, s]", "Error from API", "The VM could not be resized",
                         "Error from device manager",
                         "Missing virtio-balloon, can't proceed as expected"));
        return;
    }
    fake->balloon_size = size;
    if (is_booted && !fake->balloon_is_stuck)
        fake->balloon_actual = min_of(size, fake->size);
    response->status = 204;
}

static void put_resize(struct fake_cloud_hypervisor *fake, const struct micro_http_request *request,
                       struct micro_http_response *response)
{
    json_t *body = json_loadb(request->body, request->body_length, 0, NULL);
    bool has_vcpus, has_ram, has_balloon;
    uint64_t ignored, balloon = 0;
    bool is_good = json_is_object(body) &&
                   read_number(body, "desired_vcpus", &has_vcpus, &ignored) &&
                   read_number(body, "desired_ram", &has_ram, &ignored) &&
                   read_number(body, "desired_balloon", &has_balloon, &balloon);

    json_decref(body);
    fake->resizes++;
    if (!is_good)
        refuse(
            response, 400,
            json_pack("[s, s]", "Failed to deserialize JSON", "expected value at line 1 column 1"));
    else if (fake->state == NULL)
        refuse_resize(response, 404, "VM is not created");
    else if (fake->is_migrating)
        refuse_resize(response, 500, "VM is currently migrating and can't be modified");
    else if (has_balloon)
        resize_balloon(fake, balloon, response);
    else
        response->status = 204;
}

static void put_state(struct fake_cloud_hypervisor *fake, const struct micro_http_request *request,
                      const char *state, const char *from, struct micro_http_response *response)
{
    if (request->body != NULL)
        bad_request(response);
    else if (fake->state == NULL || strcmp(fake->state, from) != 0)
        refuse(response, 500, json_pack("[s, s]", "Error from API", "VM is not running"));
    else {
        fake->state = state;
        response->status = 204;
    }
}

static void put(struct fake_cloud_hypervisor *fake, const struct micro_http_request *request,
                const char *name, struct micro_http_response *response)
{
    if (fake->stalls_on_next)
        micro_http_stall(&fake->http, true);
    fake->stalls_on_next = false;
    if (strcmp(name, "/vm.pause") == 0)
        put_state(fake, request, "Paused", "Running", response);
    else if (strcmp(name, "/vm.resume") == 0)
        put_state(fake, request, "Running", "Paused", response);
    else if (strcmp(name, "/vm.resize") == 0 && request->body != NULL)
        put_resize(fake, request, response);
    else
        bad_request(response);
}

static bool is_path(const struct fake_cloud_hypervisor *fake, const char *path)
{
    static const char *const names[] = {"/vm.info",   "/vmm.ping", "/vm.resize",
                                        "/vm.resume", "/vm.pause", "/vm.balloon-stats"};
    size_t count = ARRAY_SIZE(names) - (fake->has_balloon_stats ? 0 : 1);

    for (size_t i = 0; i < count; i++)
        if (strncmp(path, API, strlen(API)) == 0 && strcmp(path + strlen(API), names[i]) == 0)
            return true;
    return false;
}

static void handle(const struct micro_http_request *request, struct micro_http_response *response,
                   void *userdata)
{
    struct fake_cloud_hypervisor *fake = userdata;
    const char *name = request->path + strlen(API);

    if (fake->refuses)
        refuse(response, 500, json_pack("[s, s]", "Error from API", "API response receive error"));
    else if (!is_path(fake, request->path))
        refuse(response, 404, json_pack("[s]", "Not Found"));
    else if (strcmp(request->method, "PUT") == 0)
        put(fake, request, name, response);
    else if (strcmp(request->method, "GET") != 0)
        response->status = 400;
    else if (strcmp(name, "/vm.info") == 0)
        get_info(fake, response);
    else if (strcmp(name, "/vmm.ping") == 0)
        get_ping(fake, response);
    else if (strcmp(name, "/vm.balloon-stats") == 0)
        get_balloon_stats(fake, response);
    else
        bad_request(response);
}

void fake_cloud_hypervisor_init(struct fake_cloud_hypervisor *fake, uv_loop_t *loop)
{
    *fake = (struct fake_cloud_hypervisor){
        .state = "Running",
        .pid = getpid(),
        .size = GIB,
        .cid = 3,
        .socket = "/run/ch.vsock",
        .has_balloon = true,
        .deflate_on_oom = true,
        .free_page_reporting = true,
    };
    micro_http_init(&fake->http, loop, handle, fake);
    fake->http.name = "Cloud Hypervisor API";
    fake->http.payload_max = 4 * MIB;
}
