/* The host as a whole. */
#include "controller/host/host.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/base/file.h"
#include "common/base/number.h"
#include "common/base/util.h"
#include "common/proc/cpulist.h"
#include "common/proc/lines.h"
#include "common/proc/meminfo.h"
#include "common/proc/pages.h"
#include "common/proc/pressure.h"
#include "controller/host/cgroup.h"

#define NODE "sys/devices/system/node"
#define KSM  "sys/kernel/mm/ksm"

/* ---- NUMA ---- */

/* "Node 0 MemFree:  17384024 kB" */
static int take_node_line(const char *line, void *userdata)
{
    static const char *const names[] = {"MemTotal:", "MemFree:"};
    struct host_node *node = userdata;
    uint64_t *const values[] = {&node->total, &node->free};

    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        const char *text = strstr(line, names[i]);

        if (text == NULL)
            continue;
        text += strlen(names[i]);
        if (lines_number(&text, values[i]) < 0 || strcmp(text, " kB") != 0 ||
            __builtin_mul_overflow(*values[i], KIB, values[i]))
            return -EBADMSG;
    }
    return 0;
}

static void add_node(int root, uint64_t id, struct host_facts *facts)
{
    struct host_node node = {.id = (uint32_t)id};
    char path[64];

    snprintf(path, sizeof(path), NODE "/node%u/meminfo", node.id);
    if (lines_visit(root, path, take_node_line, &node) == 0)
        facts->nodes[facts->node_count++] = node;
}

/* Nodes without memory have CPUs only. */
static void read_nodes(int root, struct host_facts *facts)
{
    char list[256];
    uint64_t id;

    if (file_read_into(root, NODE "/has_memory", list, sizeof(list)) < 0)
        return;
    for (uint64_t from = 0; facts->node_count < HOST_NODES_MAX; from = id + 1) {
        if (cpulist_next(list, from, &id) < 0 || id >= UINT32_MAX)
            return;
        add_node(root, id, facts);
    }
}

/* ---- what saves memory ---- */

static int read_number(int root, const char *path, uint64_t *ret_value)
{
    char text[32];
    const char *rest = text;
    int r = file_read_into(root, path, text, sizeof(text));

    if (r < 0)
        return r;
    return number_scan(&rest, ret_value) < 0 ? -EBADMSG : 0;
}

/* Pages that several have stand for one of them. */
static void read_ksm(int root, struct host_facts *facts)
{
    uint64_t run;
    uint64_t sharing;

    if (read_number(root, KSM "/run", &run) < 0 ||
        read_number(root, KSM "/pages_sharing", &sharing) < 0 ||
        __builtin_mul_overflow(sharing, page_size_read(root), &facts->ksm_saved))
        return;
    facts->ksm_is_known = true;
    facts->ksm_is_on = run == 1;
}

static void read_zswap(int root, const struct meminfo *meminfo, struct host_facts *facts)
{
    char text[8];

    if (file_read_into(root, "sys/module/zswap/parameters/enabled", text, sizeof(text)) < 0)
        return;
    facts->zswap_is_known = true;
    facts->zswap_is_on = text[0] == 'Y';
    facts->zswap_pool = meminfo->zswap;
    facts->zswap_stored = meminfo->zswapped;
}

/* ---- who is the host ---- */

static void read_pressure(int root, const char *path, struct host_facts *facts)
{
    struct pressure pressure;

    if (pressure_read(root, path, &pressure) < 0)
        return;
    facts->pressure_is_known = true;
    facts->pressure_some = pressure.some_avg10;
    facts->pressure_full = pressure.full_avg10;
}

/* v1 has no pressure of its own, and the machine's is not the cgroup's. */
static int read_cgroup(int root, const char *path, struct host_facts *facts, struct error *error)
{
    struct cgroup_memory memory;
    char pressure[CGROUP_PATH_SIZE + 32];
    int r = cgroup_read_tightest(root, path, &memory);

    if (r == -ENOENT)
        return error_set(error, r, "%s is no cgroup of memory; mend host_cgroup", path);
    if (r < 0)
        return error_set(error, r, "cannot read the cgroup %s: %s", path, strerror(-r));
    facts->is_cgroup = true;
    facts->total = min_of(facts->total, memory.limit);
    facts->available = min_of(facts->available, cgroup_room(&memory));
    snprintf(pressure, sizeof(pressure), "%s/memory.pressure", path + strspn(path, "/"));
    read_pressure(root, pressure, facts);
    return 0;
}

void host_bound(int root, const char *cgroup, struct host_facts *facts)
{
    struct cgroup_memory memory;

    if (cgroup_read_tightest(root, cgroup, &memory) < 0 || memory.limit >= facts->total)
        return;
    facts->is_cgroup = true;
    facts->total = memory.limit;
    facts->available = min_of(facts->available, cgroup_room(&memory));
}

int host_read(int root, const char *cgroup, nsec_t now, struct host_facts *ret_facts,
              struct error *error)
{
    struct host_facts facts = {.time = now};
    struct meminfo meminfo;
    int r = meminfo_read(root, &meminfo);

    if (r < 0)
        return error_set(error, r, "cannot read /proc/meminfo: %s", strerror(-r));
    facts.total = meminfo.total;
    facts.available = min_of(meminfo.available, meminfo.total);
    facts.swap_total = meminfo.swap_total;
    facts.swap_free = min_of(meminfo.swap_free, meminfo.swap_total);
    read_nodes(root, &facts);
    read_ksm(root, &facts);
    read_zswap(root, &meminfo, &facts);
    if (cgroup[0] == '\0')
        read_pressure(root, "proc/pressure/memory", &facts);
    else
        r = read_cgroup(root, cgroup, &facts, error);
    if (r == 0)
        *ret_facts = facts;
    return r;
}
