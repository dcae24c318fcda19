/* Reads what QEMU says about its VM.
 *
 * Theory of operation: a first wave of questions is asked at once (state, name, memory, devices,
 * objects). What the lists name is asked in a second wave (the vsock device's CID, the balloon's
 * properties, each memory backend). The reading is one object that counts its open questions and
 * ends when none is left. QEMU versions differ: a question that QEMU refuses leaves its fact
 * unknown, a connection that fails ends the reading. */
#include "controller/hypervisors/qemu/qmp-reading.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/text.h"
#include "controller/hypervisors/qemu/qmp-facts.h"

#define QMP_BACKENDS_MAX 16 /* ivshmem's included */

struct reading {
    struct qmp *qmp;
    struct qmp_devices *devices;
    struct driver_facts facts;
    nsec_t timeout;
    unsigned open; /* questions without an answer */
    bool is_saving;
    int status;
    struct error error;
    driver_done done;
    void *userdata;
    bool has_memory_devices; /* they were given */
    struct qmp_memory_devices memory_devices;
    bool has_more_backends; /* than fit */
    size_t backend_count;
    struct qmp_backend backends[QMP_BACKENDS_MAX];
    char backend_paths[QMP_BACKENDS_MAX][QOM_PATH_BYTES];
    size_t foreign_count;
    char foreign_paths[QMP_BACKENDS_MAX][QOM_PATH_BYTES]; /* of backends of ivshmem devices */
};

typedef void (*answer_handler)(struct reading *reading, const json_t *value, const char *path);

struct question {
    struct reading *reading;
    answer_handler handle;
    char path[QOM_PATH_BYTES]; /* of qom-get and qom-list */
};

static struct qmp_backend *find_backend(struct reading *reading, const char *path)
{
    for (size_t i = 0; i < reading->backend_count; i++)
        if (strcmp(reading->backend_paths[i], path) == 0)
            return &reading->backends[i];
    return NULL;
}

/* The devices may have been answered before the backends were listed. */
static void finish_memory(struct reading *reading)
{
    for (size_t i = 0; i < reading->foreign_count; i++) {
        struct qmp_backend *backend = find_backend(reading, reading->foreign_paths[i]);

        if (backend != NULL)
            backend->foreign = true;
    }
    qmp_memory(reading->backends, reading->backend_count, &reading->facts);
    if (reading->has_more_backends)
        reading->facts.memory = (struct guest_backing){0};
}

/* Its size may have been answered before what it is compared with. */
static void finish_balloon(struct reading *reading)
{
    struct driver_facts *facts = &reading->facts;
    struct qmp_balloon balloon;

    if (facts->balloon != ANSWER_YES)
        return;
    qmp_balloon_sizes(facts->balloon_actual, reading->devices->base_memory,
                      reading->has_memory_devices ? &reading->memory_devices : NULL, &balloon);
    facts->balloon_actual = balloon.actual;
    facts->balloon_maximum = balloon.maximum;
    facts->balloon_minimum = balloon.minimum;
    reading->devices->virtio_mem = reading->memory_devices.virtio_mem;
}

static void end_reading(struct reading *reading)
{
    struct driver_result result = {.status = reading->status, .error = &reading->error};

    finish_memory(reading);
    finish_balloon(reading);
    if (reading->status == 0)
        result.facts = &reading->facts;
    reading->done(&result, reading->userdata);
    free(reading);
}

static void on_answer(int status, const json_t *value, const struct error *error, void *userdata)
{
    struct question *question = userdata;
    struct reading *reading = question->reading;

    if (status == 0)
        question->handle(reading, value, question->path);
    else if (status != -EREMOTEIO && reading->status == 0) {
        reading->status = status;
        reading->error = *error;
    }
    free(question);
    if (--reading->open == 0)
        end_reading(reading);
}

static struct question *make_question(struct reading *reading, const char *path,
                                      answer_handler handle)
{
    struct question *question = calloc(1, sizeof(*question));

    if (question == NULL)
        return NULL;
    question->reading = reading;
    question->handle = handle;
    snprintf(question->path, sizeof(question->path), "%s", path);
    return question;
}

/* What QEMU refuses stays unknown. What could not even be asked is no fact: the reading fails. */
static void note_asked(struct reading *reading, struct question *question, int r)
{
    if (r == 0) {
        reading->open++;
        return;
    }
    free(question);
    if (reading->status == 0)
        reading->status = error_set(&reading->error, r, "QMP: cannot ask: %s", strerror(-r));
}

static void ask(struct reading *reading, const char *command, answer_handler handle)
{
    struct question *question = make_question(reading, "", handle);

    note_asked(reading, question,
               question == NULL
                   ? -ENOMEM
                   : qmp_query(reading->qmp, command, reading->timeout, on_answer, question));
}

/* Takes over `arguments`. */
static void ask_about(struct reading *reading, const char *command, json_t *arguments,
                      const char *path, answer_handler handle)
{
    struct question *question = make_question(reading, path, handle);

    if (question == NULL)
        json_decref(arguments);
    note_asked(reading, question,
               question == NULL ? -ENOMEM
                                : qmp_execute(reading->qmp, command, arguments, reading->timeout,
                                              on_answer, question));
}

static void ask_property(struct reading *reading, const char *path, const char *property,
                         answer_handler handle)
{
    ask_about(reading, "qom-get", json_pack("{s:s, s:s}", "path", path, "property", property), path,
              handle);
}

static enum answer answer_of(const json_t *value)
{
    if (!json_is_boolean(value))
        return ANSWER_UNKNOWN;
    return json_is_true(value) ? ANSWER_YES : ANSWER_NO;
}

/* ---- second wave: properties ---- */

static void take_guest_cid(struct reading *reading, const json_t *value, const char *path)
{
    double cid = json_number_value(value);

    if (cid >= 3 && cid < UINT32_MAX)
        reading->facts.guest_cid = (uint32_t)cid;
}

static void take_reporting(struct reading *reading, const json_t *value, const char *path)
{
    reading->facts.free_page_reporting = answer_of(value);
}

static void take_guest_reports(struct reading *reading, const json_t *value, const char *path)
{
    reading->facts.guest_reports = qmp_guest_reports(value);
}

static void take_deflate_on_oom(struct reading *reading, const json_t *value, const char *path)
{
    reading->facts.deflate_on_oom = answer_of(value);
}

static void take_statistics_interval(struct reading *reading, const json_t *value, const char *path)
{
    double seconds = json_number_value(value);

    if (json_is_number(value) && seconds >= 0 && seconds < DRIVER_INTERVAL_UNKNOWN)
        reading->facts.statistics_interval = (uint32_t)seconds;
}

static void take_shared(struct reading *reading, const json_t *value, const char *path)
{
    find_backend(reading, path)->shared = answer_of(value);
}

static void take_hugetlb(struct reading *reading, const json_t *value, const char *path)
{
    find_backend(reading, path)->hugetlb = answer_of(value);
}

static uint64_t size_of(const json_t *value)
{
    double size = json_number_value(value);

    return size > 0 && size < 0x1p53 ? (uint64_t)size : 0;
}

static void take_size(struct reading *reading, const json_t *value, const char *path)
{
    find_backend(reading, path)->size = size_of(value);
}

static void take_page_size(struct reading *reading, const json_t *value, const char *path)
{
    uint64_t size = size_of(value);

    find_backend(reading, path)->page_size = size < UINT64_C(1) << 40 ? size : 0;
}

static void take_foreign(struct reading *reading, const json_t *value, const char *path)
{
    const char *memdev = json_string_value(value);

    if (memdev != NULL && reading->foreign_count < QMP_BACKENDS_MAX)
        snprintf(reading->foreign_paths[reading->foreign_count++], QOM_PATH_BYTES, "%s", memdev);
}

/* ---- first wave ---- */

static void take_status(struct reading *reading, const json_t *value, const char *path)
{
    const char *status = json_string_value(json_object_get(value, "status"));

    if (status != NULL && strcmp(status, "inmigrate") == 0)
        reading->facts.migrated_in = true;
    /* QEMU saves a snapshot with its migration code and reports both alike; nothing moves. */
    reading->is_saving = status != NULL && strcmp(status, "save-vm") == 0;
    /* query-migrate may have said so already. */
    if (reading->facts.run_state != RUN_STATE_MIGRATING || reading->is_saving)
        reading->facts.run_state = qmp_run_state(value);
}

static void take_migration(struct reading *reading, const json_t *value, const char *path)
{
    if (qmp_is_migrating(value) && !reading->is_saving)
        reading->facts.run_state = RUN_STATE_MIGRATING;
    if (qmp_has_migrated_in(value))
        reading->facts.migrated_in = true;
}

static void take_name(struct reading *reading, const json_t *value, const char *path)
{
    const char *name = json_string_value(json_object_get(value, "name"));

    if (name != NULL)
        text_copy_line(reading->facts.name, sizeof(reading->facts.name), name);
}

static void take_uuid(struct reading *reading, const json_t *value, const char *path)
{
    const char *uuid = json_string_value(json_object_get(value, "UUID"));

    /* All zeroes is QEMU's way to say that none was given. */
    if (uuid == NULL || strlen(uuid) != 36 || strspn(uuid, "0-") == 36)
        return;
    for (size_t i = 0; i < 36; i++)
        reading->facts.uuid[i] = (char)tolower((unsigned char)uuid[i]);
}

static void take_memory_size(struct reading *reading, const json_t *value, const char *path)
{
    uint64_t base = qmp_size(value, "base-memory");
    uint64_t plugged = qmp_size(value, "plugged-memory");

    if (base == UINT64_MAX)
        return;
    reading->devices->base_memory = base;
    reading->facts.ram = base + (plugged == UINT64_MAX ? 0 : plugged);
    reading->devices->ram = reading->facts.ram;
    reading->facts.capabilities |= DRIVER_TELLS_MEMORY_MAP;
}

static void take_memory_devices(struct reading *reading, const json_t *value, const char *path)
{
    reading->has_memory_devices = qmp_memory_devices(value, &reading->memory_devices);
}

static void take_balloon(struct reading *reading, const json_t *value, const char *path)
{
    uint64_t actual = qmp_size(value, "actual");

    /* There is one, and what it says cannot be. */
    if (actual == UINT64_MAX) {
        reading->facts.balloon = ANSWER_UNKNOWN;
        return;
    }
    reading->facts.balloon = ANSWER_YES;
    reading->facts.capabilities |= DRIVER_CAN_SET_BALLOON;
    reading->facts.balloon_actual = actual;
}

/* Of the virtio device behind the one on the bus; older than QEMU 7.2 there is no such command. */
static void ask_driver(struct reading *reading, const char *path)
{
    char device[QOM_PATH_BYTES];

    if (snprintf(device, sizeof(device), "%s/virtio-backend", path) < (int)sizeof(device))
        ask_about(reading, "x-query-virtio-status", json_pack("{s:s}", "path", device), path,
                  take_guest_reports);
}

static void look_at_balloon(struct reading *reading, const char *path)
{
    snprintf(reading->devices->balloon_path, sizeof(reading->devices->balloon_path), "%s", path);
    reading->facts.capabilities |= DRIVER_CAN_READ_STATISTICS | DRIVER_CAN_SET_STATISTICS_INTERVAL;
    ask_property(reading, path, "free-page-reporting", take_reporting);
    ask_driver(reading, path);
    ask_property(reading, path, "deflate-on-oom", take_deflate_on_oom);
    ask_property(reading, path, "guest-stats-polling-interval", take_statistics_interval);
}

static void look_at_device(struct reading *reading, const char *type, const char *path)
{
    if (strncmp(type, "vhost-vsock-", 12) == 0)
        ask_property(reading, path, "guest-cid", take_guest_cid);
    else if (strncmp(type, "virtio-balloon", 14) == 0)
        look_at_balloon(reading, path);
    else if (strncmp(type, "ivshmem", 7) == 0)
        ask_property(reading, path, "memdev", take_foreign);
    else if (strncmp(type, "vfio-", 5) == 0 || strncmp(type, "vhost-vdpa-", 11) == 0)
        reading->facts.vfio_devices++;
}

static void look_at_backend(struct reading *reading, const char *type, const char *path)
{
    size_t i = reading->backend_count;

    if (i == QMP_BACKENDS_MAX) {
        reading->has_more_backends = true;
        return;
    }
    reading->backend_count++;
    text_copy_line(reading->backends[i].type, sizeof(reading->backends[i].type), type);
    snprintf(reading->backend_paths[i], QOM_PATH_BYTES, "%s", path);
    ask_property(reading, path, "size", take_size);
    ask_property(reading, path, "share", take_shared);
    ask_property(reading, path, "hugetlb", take_hugetlb);
    ask_property(reading, path, "hugetlbsize", take_page_size);
}

static void look_at_object(struct reading *reading, const char *type, const char *path)
{
    if (strncmp(type, "memory-backend-", 15) == 0)
        look_at_backend(reading, type, path);
    else if (strncmp(type, "sev-", 4) == 0 || strncmp(type, "tdx-", 4) == 0)
        reading->facts.encrypted = true;
}

static void each_child(struct reading *reading, const json_t *list, const char *folder,
                       void (*look)(struct reading *reading, const char *type, const char *path))
{
    size_t count = json_array_size(list);

    for (size_t i = 0; i < count; i++) {
        const json_t *entry = json_array_get(list, i);
        const char *name = json_string_value(json_object_get(entry, "name"));
        char path[QOM_PATH_BYTES];
        char type[64];

        if (name != NULL && qmp_child_type(entry, type, sizeof(type))[0] != '\0' &&
            snprintf(path, sizeof(path), "%s/%s", folder, name) < (int)sizeof(path))
            look(reading, type, path);
    }
}

static void take_devices(struct reading *reading, const json_t *value, const char *path)
{
    each_child(reading, value, path, look_at_device);
}

static void take_objects(struct reading *reading, const json_t *value, const char *path)
{
    each_child(reading, value, path, look_at_object);
}

static void ask_list(struct reading *reading, const char *path, answer_handler handle)
{
    ask_about(reading, "qom-list", json_pack("{s:s}", "path", path), path, handle);
}

static void ask_first_wave(struct reading *reading)
{
    ask(reading, "query-status", take_status);
    ask(reading, "query-migrate", take_migration);
    ask(reading, "query-name", take_name);
    ask(reading, "query-uuid", take_uuid);
    ask(reading, "query-memory-size-summary", take_memory_size);
    ask(reading, "query-memory-devices", take_memory_devices);
    ask(reading, "query-balloon", take_balloon);
    ask_list(reading, "/machine/peripheral", take_devices);
    ask_list(reading, "/machine/peripheral-anon", take_devices);
    ask_list(reading, "/objects", take_objects);
}

int qmp_read_facts(struct qmp *qmp, struct qmp_devices *devices, nsec_t timeout, driver_done done,
                   void *userdata)
{
    struct reading *reading = calloc(1, sizeof(*reading));

    if (reading == NULL)
        return -ENOMEM;
    reading->qmp = qmp;
    reading->devices = devices;
    reading->timeout = timeout;
    reading->done = done;
    reading->userdata = userdata;
    reading->facts.pid = qmp_peer(qmp);
    reading->facts.capabilities = devices->misses_events ? 0 : DRIVER_TELLS_EVENTS;
    reading->facts.balloon = ANSWER_NO; /* until query-balloon answers */
    reading->facts.statistics_interval = DRIVER_INTERVAL_UNKNOWN;
    ask_first_wave(reading);
    if (reading->open == 0) {
        int r = reading->status;

        free(reading);
        return r;
    }
    return 0;
}
