/* What this kernel can do for the agent. One function per feature looks; the table says the names
 * and what is done without it. */
#include "agent/actions/features.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "agent/actions/paths.h"
#include "common/base/file.h"
#include "common/base/text.h"
#include "common/proc/buddyinfo.h"
#include "common/proc/kpageflags.h"
#include "common/proc/page-reporting.h"
#include "common/proc/pressure.h"

/* 0: available; otherwise the reason is in `reason`. */
typedef int (*feature_detector)(int root, char *reason, size_t size);

#define because(...) ((void)text_format(reason, size, __VA_ARGS__), -ENOTSUP)

static bool exists(int root, const char *path)
{
    return faccessat(root, path, F_OK, 0) == 0;
}

/* Says of a file why it cannot be written. EROFS shows here too. */
static int need_writable(int root, const char *path, char *reason, size_t size)
{
    if (faccessat(root, path, W_OK, AT_EACCESS) == 0)
        return 0;
    return because("/%s: %s", path, strerror(errno));
}

static int detect_psi(int root, char *reason, size_t size)
{
    struct pressure pressure;

    int r = pressure_read(root, "proc/pressure/memory", &pressure);
    if (r == 0)
        return 0;
    if (r == -ENOENT)
        return because("no /proc/pressure: the kernel lacks CONFIG_PSI or was booted with psi=0");
    if (r == -EOPNOTSUPP)
        return because("switched off: boot with psi=1");
    return because("/proc/pressure/memory: %s", strerror(-r));
}

static int detect_cgroup2_memory(int root, char *reason, size_t size)
{
    char controllers[256];

    int n =
        file_read_into(root, CGROUP_PATH "/cgroup.controllers", controllers, sizeof(controllers));
    if (n >= 0)
        return strstr(controllers, "memory") != NULL
                   ? 0
                   : because("cgroup v2 without its memory controller (cgroup_disable=memory, or "
                             "cgroup v1 has it)");
    if (exists(root, CGROUP_PATH "/unified"))
        return because("hybrid hierarchy: cgroup v1 has the memory controller");
    if (exists(root, CGROUP_PATH "/memory"))
        return because("cgroup v1");
    return because("no cgroup v2 mounted on /" CGROUP_PATH);
}

static int detect_memory_reclaim(int root, char *reason, size_t size)
{
    if (!exists(root, CGROUP_PATH "/memory.reclaim"))
        return detect_cgroup2_memory(root, reason, size) < 0
                   ? -ENOTSUP
                   : because("no memory.reclaim: needs Linux 5.19");
    return need_writable(root, CGROUP_PATH "/memory.reclaim", reason, size);
}

static int detect_reclaim_swappiness(int root, char *reason, size_t size)
{
    int r = detect_memory_reclaim(root, reason, size);
    if (r < 0)
        return r;
    r = file_write(root, CGROUP_PATH "/memory.reclaim", "0 swappiness=0");
    return r == 0 ? 0 : because("memory.reclaim takes no swappiness: needs Linux 6.9");
}

static int detect_node_reclaim(int root, char *reason, size_t size)
{
    if (!exists(root, NODE_PATH "/node0/reclaim"))
        return because("no /" NODE_PATH "/node0/reclaim: needs Linux 6.17");
    return need_writable(root, NODE_PATH "/node0/reclaim", reason, size);
}

static int detect_drop_caches(int root, char *reason, size_t size)
{
    return need_writable(root, DROP_CACHES_PATH, reason, size);
}

static int detect_compaction(int root, char *reason, size_t size)
{
    if (!exists(root, COMPACT_MEMORY_PATH))
        return because("the kernel lacks CONFIG_COMPACTION");
    if (need_writable(root, NODE_PATH "/node0/compact", reason, size) == 0)
        return 0;
    return need_writable(root, COMPACT_MEMORY_PATH, reason, size);
}

static int detect_node_compaction(int root, char *reason, size_t size)
{
    return need_writable(root, NODE_PATH "/node0/compact", reason, size);
}

/* The buddy allocator's. */
static uint32_t largest_order(int root)
{
    struct buddyinfo buddy;

    return buddyinfo_read(root, &buddy) < 0 ? UINT32_MAX - 1 : buddy.order_count - 1;
}

static int detect_page_reporting(int root, char *reason, size_t size)
{
    struct page_reporting_balloon balloon;
    uint32_t order;
    int r = page_reporting_order_read(root, largest_order(root), &order);

    page_reporting_find_balloon(root, &balloon);
    if (r == -ENOENT && !balloon.reports)
        return because("no balloon reports, and this kernel shows no CONFIG_PAGE_REPORTING");
    if (!balloon.is_virtio && !balloon.is_hyperv)
        return because("the VM has no balloon device, or its driver is not loaded");
    if (balloon.is_virtio && !balloon.reports && balloon.keeps_pattern)
        return because("the hypervisor's balloon offers no free page reporting "
                       "(QEMU: free-page-reporting=on)");
    if (balloon.is_virtio && !balloon.reports)
        return because("driver and balloon did not agree: not offered (QEMU: "
                       "free-page-reporting=on), or the kernel overwrites "
                       "free pages and page-poison=on is missing");
    if (r == -ENODEV && balloon.is_hyperv)
        return because("Hyper-V's balloon has not registered: this host takes no cold memory "
                       "discard hints");
    if (r == -ENODEV)
        return because("the balloon's driver has not registered with the kernel's page reporting");
    return 0;
}

static int detect_unpoisoned_pages(int root, char *reason, size_t size)
{
    const char *by = page_poisoning(root);

    return by == NULL ? 0 : because("the kernel overwrites free pages: %s", by);
}

static int detect_reporting_order(int root, char *reason, size_t size)
{
    return need_writable(root, PAGE_REPORTING_ORDER_PATH, reason, size);
}

static int detect_kpageflags(int root, char *reason, size_t size)
{
    uint64_t flags;

    int descriptor = kpageflags_open(root);
    int r = descriptor;
    if (descriptor >= 0) {
        r = kpageflags_read(descriptor, 0, 1, &flags);
        close(descriptor);
    }
    if (r >= 0)
        return 0;
    if (r == -ENOENT)
        return because("the kernel lacks CONFIG_PROC_PAGE_MONITOR");
    if (r == -EPERM)
        return because("refused: the kernel is locked down, or CAP_SYS_ADMIN is missing");
    return because("/proc/kpageflags: %s", strerror(-r));
}

static int detect_percpu_drain(int root, char *reason, size_t size)
{
    if (!exists(root, PERCPU_FRACTION_PATH))
        return because("no vm.percpu_pagelist_high_fraction: needs Linux 5.14");
    return need_writable(root, PERCPU_FRACTION_PATH, reason, size);
}

static int detect_writable_sysctl(int root, char *reason, size_t size)
{
    return need_writable(root, SWAPPINESS_PATH, reason, size);
}

static int detect_kernel_log(int root, char *reason, size_t size)
{
    return need_writable(root, KERNEL_LOG_PATH, reason, size);
}

static const struct {
    const char *name;
    const char *replacement;
    feature_detector detect;
} table[FEATURE_COUNT] = {
    [FEATURE_PSI] = {"psi", "idleness and refaults alone gate the work", detect_psi},
    [FEATURE_CGROUP2_MEMORY] = {"cgroup2-memory",
                                "the whole guest is reclaimed from, not chosen cgroups",
                                detect_cgroup2_memory},
    [FEATURE_MEMORY_RECLAIM] = {"memory.reclaim", "node reclaim, else drop_caches",
                                detect_memory_reclaim},
    [FEATURE_MEMORY_RECLAIM_SWAPPINESS] = {"memory.reclaim-swappiness",
                                           "vm.swappiness is 0 while reclaim runs, if swap is on",
                                           detect_reclaim_swappiness},
    [FEATURE_NODE_RECLAIM] = {"node-reclaim", "memory.reclaim, else drop_caches",
                              detect_node_reclaim},
    [FEATURE_DROP_CACHES] = {"drop_caches", "memory.reclaim", detect_drop_caches},
    [FEATURE_COMPACTION] = {"compaction", "a lower reporting order alone", detect_compaction},
    [FEATURE_COMPACTION_PER_NODE] = {"compaction-per-node", "vm.compact_memory: all nodes at once",
                                     detect_node_compaction},
    [FEATURE_PAGE_REPORTING] = {"free-page-reporting",
                                "the controller's balloon, where it may use it",
                                detect_page_reporting},
    [FEATURE_PAGE_REPORTING_ORDER] = {"reporting-order", "the order stays as it is",
                                      detect_reporting_order},
    [FEATURE_UNPOISONED_PAGES] = {"unpoisoned-pages",
                                  "the host may have to keep what is reported: boot without "
                                  "page_poison, init_on_free",
                                  detect_unpoisoned_pages},
    [FEATURE_KPAGEFLAGS] = {"kpageflags",
                            "free blocks count as reportable; only the host knows what arrived",
                            detect_kpageflags},
    [FEATURE_PERCPU_DRAIN] = {"percpu-drain", "a short touch of memory starts a reporting pass",
                              detect_percpu_drain},
    [FEATURE_WRITABLE_SYSCTL] = {"writable-sysctl",
                                 "only what needs no sysctl: sysfs and cgroup files",
                                 detect_writable_sysctl},
    [FEATURE_KERNEL_LOG] = {"kernel-log", "the agent's own log has the line", detect_kernel_log},
};

void features_detect(struct features *features, int root)
{
    for (size_t i = 0; i < FEATURE_COUNT; i++) {
        struct feature *feature = &features->list[i];
        int r = table[i].detect(root, feature->reason, sizeof(feature->reason));

        feature->name = table[i].name;
        feature->available = r == 0;
        feature->replacement = table[i].replacement;
        if (r == 0)
            feature->reason[0] = '\0';
    }
}

void features_lose(struct features *features, enum feature_id id, const char *reason)
{
    struct feature *feature = &features->list[id];

    assert(id < FEATURE_COUNT && reason[0] != '\0');
    feature->available = false;
    text_copy_line(feature->reason, sizeof(feature->reason), reason);
}

void features_regain(struct features *features, enum feature_id id)
{
    features->list[id].available = true;
    features->list[id].reason[0] = '\0';
}
