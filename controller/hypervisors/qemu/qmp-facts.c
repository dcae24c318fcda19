/* Reads QMP's answers. */
#include "controller/hypervisors/qemu/qmp-facts.h"

#include <stdio.h>
#include <string.h>

#include "common/base/util.h"

#define BYTES_MAX (UINT64_C(1) << 50) /* as many as fit into one answer have a sum */

uint64_t qmp_number(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    double number = json_number_value(value);

    return json_is_number(value) && number >= 0 && number < 0x1p63 ? (uint64_t)number : UINT64_MAX;
}

uint64_t qmp_size(const json_t *object, const char *key)
{
    uint64_t size = qmp_number(object, key);

    return size <= BYTES_MAX ? size : UINT64_MAX;
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text == NULL ? "" : text;
}

enum run_state qmp_run_state(const json_t *status)
{
    static const struct {
        const char *name;
        enum run_state state;
    } states[] = {
        {"running", RUN_STATE_RUNNING},
        {"paused", RUN_STATE_PAUSED},
        {"prelaunch", RUN_STATE_PAUSED},
        {"suspended", RUN_STATE_PAUSED},
        {"debug", RUN_STATE_PAUSED},
        {"io-error", RUN_STATE_PAUSED},
        {"watchdog", RUN_STATE_PAUSED},
        {"save-vm", RUN_STATE_PAUSED},
        {"restore-vm", RUN_STATE_PAUSED},
        {"inmigrate", RUN_STATE_MIGRATING},
        {"finish-migrate", RUN_STATE_MIGRATING},
        {"postmigrate", RUN_STATE_MIGRATING},
        {"colo", RUN_STATE_MIGRATING},
        {"shutdown", RUN_STATE_STOPPED},
        {"guest-panicked", RUN_STATE_STOPPED},
        {"internal-error", RUN_STATE_STOPPED},
    };
    const char *name = text_of(status, "status");

    for (size_t i = 0; i < ARRAY_SIZE(states); i++)
        if (strcmp(states[i].name, name) == 0)
            return states[i].state;
    return RUN_STATE_UNKNOWN;
}

bool qmp_is_migrating(const json_t *migration)
{
    static const char *const under_way[] = {
        "setup",           "cancelling",
        "active",          "postcopy-active",
        "postcopy-paused", "postcopy-recover",
        "pre-switchover",  "device",
        "wait-unplug",     "colo",
    };
    const char *status = text_of(migration, "status");

    for (size_t i = 0; i < ARRAY_SIZE(under_way); i++)
        if (strcmp(under_way[i], status) == 0)
            return true;
    return false;
}

bool qmp_has_migrated_in(const json_t *migration)
{
    return strcmp(text_of(migration, "status"), "completed") == 0 &&
           json_object_get(migration, "ram") == NULL;
}

/* "NAME: what it is" */
static bool has_word(const json_t *words, const char *name)
{
    size_t length = strlen(name);

    for (size_t i = 0; i < json_array_size(words); i++) {
        const char *word = json_string_value(json_array_get(words, i));

        if (word != NULL && strncmp(word, name, length) == 0 &&
            (word[length] == ':' || word[length] == '\0'))
            return true;
    }
    return false;
}

enum answer qmp_guest_reports(const json_t *status)
{
    const json_t *driver = json_object_get(json_object_get(status, "status"), "statuses");
    const json_t *features =
        json_object_get(json_object_get(status, "guest-features"), "dev-features");

    if (!json_is_array(features) || !has_word(driver, "VIRTIO_CONFIG_S_DRIVER_OK"))
        return ANSWER_UNKNOWN;
    return has_word(features, "VIRTIO_BALLOON_F_REPORTING") ? ANSWER_YES : ANSWER_NO;
}

bool qmp_memory_devices(const json_t *answer, struct qmp_memory_devices *ret_devices)
{
    struct qmp_memory_devices devices = {0};

    if (!json_is_array(answer))
        return false;
    for (size_t i = 0; i < json_array_size(answer); i++) {
        const json_t *device = json_array_get(answer, i);
        const char *type = text_of(device, "type");
        uint64_t size = qmp_size(json_object_get(device, "data"), "size");
        bool is_dimm = strcmp(type, "dimm") == 0;

        if (!is_dimm && strcmp(type, "virtio-mem") != 0)
            continue;
        if (size == UINT64_MAX)
            return false;
        *(is_dimm ? &devices.dimms : &devices.virtio_mem) += size;
    }
    *ret_devices = devices;
    return true;
}

void qmp_balloon_sizes(uint64_t actual, uint64_t base, const struct qmp_memory_devices *devices,
                       struct qmp_balloon *ret_balloon)
{
    uint64_t beyond = devices == NULL ? 0 : devices->virtio_mem;

    *ret_balloon = (struct qmp_balloon){
        .actual = actual + beyond,
        .maximum = base == 0 || devices == NULL ? 0 : base + devices->dimms + beyond,
        .minimum = QMP_BALLOON_MIN + beyond,
    };
}

void qmp_statistics(const json_t *answer, struct driver_statistics *ret_statistics)
{
    const json_t *stats = json_object_get(answer, "stats");
    uint64_t updated = qmp_number(answer, "last-update");

    *ret_statistics = (struct driver_statistics){
        .updated = updated == UINT64_MAX ? 0 : (int64_t)updated,
        .total = qmp_size(stats, "stat-total-memory"),
        .free = qmp_size(stats, "stat-free-memory"),
        .available = qmp_size(stats, "stat-available-memory"),
        .disk_caches = qmp_size(stats, "stat-disk-caches"),
        .swap_in = qmp_number(stats, "stat-swap-in"),
        .swap_out = qmp_number(stats, "stat-swap-out"),
        .major_faults = qmp_number(stats, "stat-major-faults"),
        .minor_faults = qmp_number(stats, "stat-minor-faults"),
        .oom_kills = qmp_number(stats, "stat-oom-kills"),
    };
}

const char *qmp_child_type(const json_t *entry, char *buffer, size_t size)
{
    static const char prefix[] = "child<";
    const char *type = text_of(entry, "type");
    size_t length = strlen(type);

    buffer[0] = '\0';
    if (strncmp(type, prefix, sizeof(prefix) - 1) == 0 && type[length - 1] == '>')
        snprintf(buffer, size, "%.*s", (int)(length - sizeof(prefix)), type + sizeof(prefix) - 1);
    return buffer;
}

enum memory_backing qmp_backing(const struct qmp_backend *backend)
{
    if (backend->hugetlb == ANSWER_YES)
        return MEMORY_BACKING_HUGETLB;
    /* A private mapping of a file gets anonymous pages as the guest writes. */
    if (backend->shared != ANSWER_YES || strcmp(backend->type, "memory-backend-ram") == 0)
        return MEMORY_BACKING_ANONYMOUS;
    if (strcmp(backend->type, "memory-backend-memfd") == 0)
        return MEMORY_BACKING_MEMFD;
    return MEMORY_BACKING_FILE;
}

/* Huge pages are mapped whole. */
static uint64_t mapped_size(const struct qmp_backend *backend)
{
    uint64_t page = backend->page_size;

    return page == 0 ? backend->size : (backend->size + page - 1) / page * page;
}

/* False: its size or kind is not given, or it does not fit. */
static bool add_backend(const struct qmp_backend *backend, struct guest_backing *memory)
{
    if (backend->size == 0 || backend->shared == ANSWER_UNKNOWN)
        return false;
    if (backend->shared == ANSWER_NO) {
        memory->private_bytes += mapped_size(backend);
        return true;
    }
    if (memory->shared_count == GUEST_BACKENDS_MAX)
        return false;
    memory->shared[memory->shared_count++] = mapped_size(backend);
    return true;
}

static void set_sizes(const struct qmp_backend *backends, size_t count, struct driver_facts *facts)
{
    struct guest_backing memory = {0};

    for (size_t i = 0; i < count; i++)
        if (!backends[i].foreign && !add_backend(&backends[i], &memory))
            return;
    facts->memory = memory;
}

void qmp_memory(const struct qmp_backend *backends, size_t count, struct driver_facts *facts)
{
    uint64_t sizes[MEMORY_BACKING_HUGETLB + 1] = {0};
    uint64_t page_size = 0;

    for (size_t i = 0; i < count; i++) {
        enum memory_backing backing = qmp_backing(&backends[i]);

        if (backends[i].foreign)
            continue;
        /* Where no size is given, one counts as much as another. */
        sizes[backing] += backends[i].size + 1;
        if (sizes[backing] > sizes[facts->backing])
            facts->backing = backing;
        if (backing == MEMORY_BACKING_HUGETLB && backends[i].page_size > page_size)
            page_size = backends[i].page_size;
    }
    if (facts->backing == MEMORY_BACKING_HUGETLB)
        facts->backing_page_size = page_size;
    set_sizes(backends, count, facts);
}
