/* Reads QMP's answers. */
#include "controller/drivers/qmp_facts.h"

#include <stdio.h>
#include <string.h>

#include "common/base/util.h"

uint64_t qmp_number(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    double number = json_number_value(value);

    return json_is_number(value) && number >= 0 && number < 0x1p63 ? (uint64_t)number : UINT64_MAX;
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

void qmp_statistics(const json_t *answer, struct driver_statistics *ret_statistics)
{
    const json_t *stats = json_object_get(answer, "stats");
    uint64_t updated = qmp_number(answer, "last-update");

    *ret_statistics = (struct driver_statistics){
        .updated = updated == UINT64_MAX ? 0 : (int64_t)updated,
        .total = qmp_number(stats, "stat-total-memory"),
        .free = qmp_number(stats, "stat-free-memory"),
        .available = qmp_number(stats, "stat-available-memory"),
        .disk_caches = qmp_number(stats, "stat-disk-caches"),
        .swap_in = qmp_number(stats, "stat-swap-in"),
        .swap_out = qmp_number(stats, "stat-swap-out"),
        .major_faults = qmp_number(stats, "stat-major-faults"),
        .minor_faults = qmp_number(stats, "stat-minor-faults"),
        .oom_kills = qmp_number(stats, "stat-oom-kill"),
    };
}

const char *qmp_child_type(const json_t *entry, char *buffer, size_t size)
{
    static const char prefix[] = "child<";
    const char *type = text_of(entry, "type");
    size_t length = strlen(type);

    buffer[0] = '\0';
    if (strncmp(type, prefix, sizeof(prefix) - 1) == 0 && type[length - 1] == '>')
        (void)snprintf(buffer, size, "%.*s", (int)(length - sizeof(prefix)),
                       type + sizeof(prefix) - 1);
    return buffer;
}

enum memory_backing qmp_backing(const char *type, bool shared, bool hugetlb)
{
    if (hugetlb)
        return MEMORY_BACKING_HUGETLB;
    /* A private mapping of a file gets anonymous pages as the guest writes. */
    if (!shared || strcmp(type, "memory-backend-ram") == 0)
        return MEMORY_BACKING_ANONYMOUS;
    if (strcmp(type, "memory-backend-memfd") == 0)
        return MEMORY_BACKING_MEMFD;
    return MEMORY_BACKING_FILE;
}
