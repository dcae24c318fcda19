/* The strict Firecracker. */
#include "tests/fakes/firecracker.h"

#include <stdio.h>
#include <string.h>

#include "common/base/util.h"

#define PAGES_PER_MIB 256

static void fault(struct micro_http_response *response, const char *text)
{
    micro_http_answer(response, 400, json_pack("{s:s}", "fault_message", text));
}

static void no_content(struct micro_http_response *response)
{
    response->status = 204;
}

static void refuse_path(const struct micro_http_request *request,
                        struct micro_http_response *response)
{
    char token[96];
    char text[256];

    snprintf(token, sizeof(token), "%s", request->path + strspn(request->path, "/"));
    token[strcspn(token, "/")] = '\0';
    snprintf(text, sizeof(text), "Invalid request method and/or path: %s %s.", request->method,
             token);
    fault(response, text);
}

static void refuse_state(const struct fake_firecracker *fake, struct micro_http_response *response)
{
    fault(response, fake->state == FAKE_FIRECRACKER_NOT_STARTED
                        ? "The requested operation is not supported before starting the microVM."
                        : "The requested operation is not supported after starting the microVM.");
}

/* ---- bodies ---- */

struct field {
    const char *name;
    json_type type;
    json_int_t maximum; /* of an integer */
    bool is_optional;
};

static bool field_fits(const struct field *field, const json_t *value)
{
    if (field->type == JSON_TRUE)
        return json_is_boolean(value);
    if (field->type == JSON_INTEGER)
        return json_is_integer(value) && json_integer_value(value) >= 0 &&
               json_integer_value(value) <= field->maximum;
    return json_typeof(value) == field->type;
}

static void refuse_body(struct micro_http_response *response, const char *what)
{
    char text[256];

    snprintf(text, sizeof(text),
             "An error occurred when deserializing the json body of a request: %s.", what);
    fault(response, text);
}

/* The object, with all the fields and no others; NULL: the answer is there. */
static json_t *read_body(const struct micro_http_request *request, const struct field *fields,
                         size_t count, struct micro_http_response *response)
{
    json_t *body = json_loadb(request->body, request->body_length, JSON_REJECT_DUPLICATES, NULL);
    size_t known = 0;
    char what[160];

    if (!json_is_object(body)) {
        refuse_body(response, "expected value at line 1 column 1");
        json_decref(body);
        return NULL;
    }
    for (size_t i = 0; i < count; i++) {
        const json_t *value = json_object_get(body, fields[i].name);

        known += value != NULL;
        if (value == NULL ? fields[i].is_optional : field_fits(&fields[i], value))
            continue;
        snprintf(what, sizeof(what),
                 value == NULL ? "missing field `%s` at line 1 column 2"
                               : "invalid value for `%s` at line 1 column 2",
                 fields[i].name);
        refuse_body(response, what);
        json_decref(body);
        return NULL;
    }
    if (known == json_object_size(body))
        return body;
    refuse_body(response, "unknown field, expected another one at line 1 column 2");
    json_decref(body);
    return NULL;
}

/* ---- GET ---- */

static json_t *balloon_config(const struct fake_firecracker *fake)
{
    json_t *config = json_pack("{s:i, s:b, s:i}", "amount_mib", (int)fake->amount_mib,
                               "deflate_on_oom", fake->deflate_on_oom, "stats_polling_interval_s",
                               (int)fake->stats_polling_interval_s);

    if (!fake->is_old) {
        json_object_set_new(config, "free_page_hinting", json_false());
        json_object_set_new(config, "free_page_reporting", json_boolean(fake->free_page_reporting));
    }
    return config;
}

static json_t *drives(const struct fake_firecracker *fake)
{
    json_t *drive = json_pack("{s:s, s:n, s:b, s:s}", "drive_id", "rootfs", "partuuid",
                              "is_root_device", 1, "cache_type", "Unsafe");

    if (fake->has_vhost_user_drive)
        json_object_set_new(drive, "socket", json_string("/run/block.sock"));
    else
        json_object_set_new(drive, "path_on_host", json_string("/var/lib/rootfs.ext4"));
    return json_pack("[o]", drive);
}

static void get_vm_config(const struct fake_firecracker *fake, struct micro_http_response *response)
{
    json_t *vsock = fake->guest_cid == 0
                        ? json_null()
                        : json_pack("{s:n, s:I, s:s}", "vsock_id", "guest_cid",
                                    (json_int_t)fake->guest_cid, "uds_path", fake->uds_path);
    json_t *machine = json_pack("{s:i, s:I, s:b, s:b, s:s}", "vcpu_count", 2, "mem_size_mib",
                                (json_int_t)fake->mem_size_mib, "smt", 0, "track_dirty_pages", 0,
                                "huge_pages", fake->huge_pages);
    json_t *config =
        json_pack("{s:o, s:o, s:{}, s:n, s:n, s:o, s:n, s:n, s:[], s:o, s:n, s:[]}", "balloon",
                  fake->has_balloon ? balloon_config(fake) : json_null(), "drives", drives(fake),
                  "boot-source", "cpu-config", "logger", "machine-config", machine, "metrics",
                  "mmds-config", "network-interfaces", "vsock", vsock, "entropy", "pmem");

    if (!fake->is_old)
        json_object_set_new(config, "memory-hotplug", json_null());
    micro_http_answer(response, 200, config);
}

static void get_instance(const struct fake_firecracker *fake, struct micro_http_response *response)
{
    static const char *const states[] = {
        [FAKE_FIRECRACKER_NOT_STARTED] = "Not started",
        [FAKE_FIRECRACKER_RUNNING] = "Running",
        [FAKE_FIRECRACKER_PAUSED] = "Paused",
    };

    micro_http_answer(response, 200,
                      json_pack("{s:s, s:s, s:s, s:s}", "id", fake->id, "state",
                                states[fake->state], "vmm_version",
                                fake->is_old ? "1.12.0" : "1.16.2", "app_name", "Firecracker"));
}

static json_t *statistics(const struct fake_firecracker *fake)
{
    json_t *all = json_pack(
        "{s:I, s:I, s:I, s:I}", "target_pages", (json_int_t)fake->amount_mib * PAGES_PER_MIB,
        "actual_pages", (json_int_t)fake->actual_mib * PAGES_PER_MIB, "target_mib",
        (json_int_t)fake->amount_mib, "actual_mib", (json_int_t)fake->actual_mib);

    if (fake->has_statistics) {
        json_object_set_new(all, "swap_in", json_integer(0));
        json_object_set_new(all, "swap_out", json_integer(0));
        json_object_set_new(all, "major_faults", json_integer(17));
        json_object_set_new(all, "minor_faults", json_integer((json_int_t)fake->minor_faults));
        json_object_set_new(all, "free_memory", json_integer((json_int_t)fake->free_memory));
        json_object_set_new(all, "total_memory", json_integer(1000000000));
        json_object_set_new(all, "available_memory", json_integer(800000000));
        json_object_set_new(all, "disk_caches", json_integer(100000000));
    }
    if (fake->has_statistics && fake->has_oom_kill)
        json_object_set_new(all, "oom_kill", json_integer(2));
    return all;
}

static void get_statistics(const struct fake_firecracker *fake,
                           struct micro_http_response *response)
{
    if (fake->state == FAKE_FIRECRACKER_NOT_STARTED)
        refuse_state(fake, response);
    else if (!fake->has_balloon)
        fault(response, "Internal VMM error: Failed perform action on device: Device not found");
    else if (fake->stats_polling_interval_s == 0)
        fault(response, "Internal VMM error: Balloon: Received stats query when stats are "
                        "disabled.");
    else
        micro_http_answer(response, 200, statistics(fake));
}

static void get_balloon(const struct fake_firecracker *fake, struct micro_http_response *response)
{
    if (fake->has_balloon)
        micro_http_answer(response, 200, balloon_config(fake));
    else
        fault(response, fake->state == FAKE_FIRECRACKER_NOT_STARTED
                            ? "Balloon config error: No balloon device found."
                            : "Internal VMM error: Failed perform action on device: Device not "
                              "found");
}

static void get_hotplug(const struct fake_firecracker *fake, struct micro_http_response *response)
{
    if (fake->state == FAKE_FIRECRACKER_NOT_STARTED)
        refuse_state(fake, response);
    else
        fault(response, "Internal VMM error: Failed perform action on device: Device not found");
}

static void get(const struct fake_firecracker *fake, const struct micro_http_request *request,
                struct micro_http_response *response)
{
    const char *path = request->path;

    if (request->body != NULL)
        fault(response, "GET request cannot have a body.");
    else if (strcmp(path, "/") == 0)
        get_instance(fake, response);
    else if (strcmp(path, "/vm/config") == 0)
        get_vm_config(fake, response);
    else if (strcmp(path, "/balloon") == 0)
        get_balloon(fake, response);
    else if (strcmp(path, "/balloon/statistics") == 0)
        get_statistics(fake, response);
    else if (strcmp(path, "/hotplug/memory") == 0 && !fake->is_old)
        get_hotplug(fake, response);
    else
        refuse_path(request, response);
}

/* ---- PATCH and PUT ---- */

static void patch_balloon(struct fake_firecracker *fake, const struct micro_http_request *request,
                          struct micro_http_response *response)
{
    static const struct field fields[] = {{"amount_mib", JSON_INTEGER, UINT32_MAX, false}};
    json_t *body = read_body(request, fields, ARRAY_SIZE(fields), response);
    json_int_t amount;

    if (body == NULL)
        return;
    amount = json_integer_value(json_object_get(body, "amount_mib"));
    json_decref(body);
    if (fake->state == FAKE_FIRECRACKER_NOT_STARTED)
        refuse_state(fake, response);
    else if (!fake->has_balloon)
        fault(response, "Balloon update error: Failed perform action on device: Device not found");
    else if (!fake->driver_is_up)
        fault(response, "Balloon update error: Balloon: Device not activated yet.");
    else if (amount > fake->mem_size_mib)
        fault(response, "Balloon update error: Balloon: Requested memory should be less than MiB");
    else {
        fake->amount_mib = (uint32_t)amount;
        fake->actual_mib = fake->balloon_is_stuck ? fake->actual_mib : fake->amount_mib;
        no_content(response);
    }
}

static void patch_statistics(struct fake_firecracker *fake,
                             const struct micro_http_request *request,
                             struct micro_http_response *response)
{
    static const struct field fields[] = {
        {"stats_polling_interval_s", JSON_INTEGER, UINT16_MAX, false}};
    json_t *body = read_body(request, fields, ARRAY_SIZE(fields), response);
    json_int_t interval;

    if (body == NULL)
        return;
    interval = json_integer_value(json_object_get(body, "stats_polling_interval_s"));
    json_decref(body);
    if (fake->state == FAKE_FIRECRACKER_NOT_STARTED)
        refuse_state(fake, response);
    else if (interval != fake->stats_polling_interval_s &&
             (interval == 0 || fake->stats_polling_interval_s == 0))
        fault(response, "Balloon update error: Balloon: Statistics cannot be enabled/disabled "
                        "after activation.");
    else {
        fake->stats_polling_interval_s = (uint16_t)interval;
        no_content(response);
    }
}

static void patch_vm(struct fake_firecracker *fake, const struct micro_http_request *request,
                     struct micro_http_response *response)
{
    static const struct field fields[] = {{"state", JSON_STRING, 0, false}};
    json_t *body = read_body(request, fields, ARRAY_SIZE(fields), response);
    bool is_resumed;

    if (body == NULL)
        return;
    is_resumed = strcmp(json_string_value(json_object_get(body, "state")), "Resumed") == 0;
    json_decref(body);
    if (fake->state == FAKE_FIRECRACKER_NOT_STARTED) {
        refuse_state(fake, response);
        return;
    }
    fake->state = is_resumed ? FAKE_FIRECRACKER_RUNNING : FAKE_FIRECRACKER_PAUSED;
    no_content(response);
}

static void put_balloon(struct fake_firecracker *fake, const struct micro_http_request *request,
                        struct micro_http_response *response)
{
    static const struct field fields[] = {
        {"amount_mib", JSON_INTEGER, UINT32_MAX, false},
        {"deflate_on_oom", JSON_TRUE, 0, false},
        {"stats_polling_interval_s", JSON_INTEGER, UINT16_MAX, true},
        {"free_page_hinting", JSON_TRUE, 0, true},
        {"free_page_reporting", JSON_TRUE, 0, true},
    };
    size_t count = ARRAY_SIZE(fields) - (fake->is_old ? 2 : 0);
    json_t *body = read_body(request, fields, count, response);

    if (body == NULL)
        return;
    if (fake->state != FAKE_FIRECRACKER_NOT_STARTED) {
        refuse_state(fake, response);
    } else {
        fake->has_balloon = true;
        fake->amount_mib = (uint32_t)json_integer_value(json_object_get(body, "amount_mib"));
        fake->deflate_on_oom = json_is_true(json_object_get(body, "deflate_on_oom"));
        fake->free_page_reporting = json_is_true(json_object_get(body, "free_page_reporting"));
        fake->stats_polling_interval_s =
            (uint16_t)json_integer_value(json_object_get(body, "stats_polling_interval_s"));
        no_content(response);
    }
    json_decref(body);
}

static void patch(struct fake_firecracker *fake, const struct micro_http_request *request,
                  struct micro_http_response *response)
{
    const char *path = request->path;

    fake->patches++;
    if (fake->stalls_on_next)
        micro_http_stall(&fake->http, true);
    fake->stalls_on_next = false;
    if (request->body == NULL)
        fault(response, "Empty PATCH request.");
    else if (strcmp(path, "/balloon") == 0)
        patch_balloon(fake, request, response);
    else if (strcmp(path, "/balloon/statistics") == 0)
        patch_statistics(fake, request, response);
    else if (strcmp(path, "/vm") == 0)
        patch_vm(fake, request, response);
    else
        refuse_path(request, response);
}

static void handle(const struct micro_http_request *request, struct micro_http_response *response,
                   void *userdata)
{
    struct fake_firecracker *fake = userdata;

    if (fake->refuses)
        fault(response, "Internal VMM error: Metrics error: the disk is full");
    else if (strcmp(request->method, "GET") == 0)
        get(fake, request, response);
    else if (strcmp(request->method, "PATCH") == 0)
        patch(fake, request, response);
    else if (strcmp(request->method, "PUT") == 0 && request->body == NULL)
        fault(response, "Empty PUT request.");
    else if (strcmp(request->method, "PUT") == 0 && strcmp(request->path, "/balloon") == 0)
        put_balloon(fake, request, response);
    else
        refuse_path(request, response);
}

void fake_firecracker_init(struct fake_firecracker *fake, uv_loop_t *loop)
{
    *fake = (struct fake_firecracker){
        .state = FAKE_FIRECRACKER_RUNNING,
        .id = "fc-1",
        .mem_size_mib = 1024,
        .huge_pages = "None",
        .guest_cid = 3,
        .uds_path = "v.sock",
        .has_balloon = true,
        .driver_is_up = true,
        .deflate_on_oom = true,
        .free_page_reporting = true,
        .stats_polling_interval_s = 5,
        .has_statistics = true,
        .minor_faults = 1000,
        .free_memory = 500000000,
    };
    micro_http_init(&fake->http, loop, handle, fake);
}
