/* /proc/meminfo. */
#include "common/proc/meminfo.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "common/base/util.h"
#include "common/proc/lines.h"

static const struct key {
    const char *name;
    size_t offset;
} keys[] = {
    {"MemTotal:", offsetof(struct meminfo, total)},
    {"MemFree:", offsetof(struct meminfo, free)},
    {"MemAvailable:", offsetof(struct meminfo, available)},
    {"Buffers:", offsetof(struct meminfo, buffers)},
    {"Cached:", offsetof(struct meminfo, cached)},
    {"Active(file):", offsetof(struct meminfo, active_file)},
    {"Inactive(file):", offsetof(struct meminfo, inactive_file)},
    {"SwapTotal:", offsetof(struct meminfo, swap_total)},
    {"SwapFree:", offsetof(struct meminfo, swap_free)},
    {"Dirty:", offsetof(struct meminfo, dirty)},
    {"Writeback:", offsetof(struct meminfo, writeback)},
    {"AnonPages:", offsetof(struct meminfo, anon)},
    {"Mapped:", offsetof(struct meminfo, mapped)},
    {"Shmem:", offsetof(struct meminfo, shmem)},
    {"SReclaimable:", offsetof(struct meminfo, slab_reclaimable)},
    {"SUnreclaim:", offsetof(struct meminfo, slab_unreclaimable)},
    {"KernelStack:", offsetof(struct meminfo, kernel_stack)},
    {"PageTables:", offsetof(struct meminfo, page_tables)},
    {"SecPageTables:", offsetof(struct meminfo, secondary_page_tables)},
    {"Hugetlb:", offsetof(struct meminfo, hugetlb)},
    {"Hugepagesize:", offsetof(struct meminfo, huge_page_size)},
    {"Zswap:", offsetof(struct meminfo, zswap)},
    {"Zswapped:", offsetof(struct meminfo, zswapped)},
};

/* "   16384 kB"; the unit is asked for because a line cut off in its number would pass without. */
static int parse_kib(const char *text, uint64_t *ret_bytes)
{
    uint64_t kib;
    uint64_t bytes;

    if (lines_number(&text, &kib) < 0 || strcmp(text, " kB") != 0 ||
        __builtin_mul_overflow(kib, (uint64_t)1024, &bytes))
        return -EBADMSG;
    *ret_bytes = bytes;
    return 0;
}

static int take_line(const char *line, void *meminfo)
{
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        const char *value = lines_after(line, keys[i].name);
        if (value != NULL)
            return parse_kib(value, (uint64_t *)(void *)((char *)meminfo + keys[i].offset));
    }
    return 0;
}

int meminfo_read(int root, struct meminfo *ret_meminfo)
{
    struct meminfo meminfo = {.free = UINT64_MAX};
    int r = lines_visit(root, "proc/meminfo", take_line, &meminfo);

    if (r < 0)
        return r;
    if (meminfo.total == 0 || meminfo.free > meminfo.total)
        return -EBADMSG;
    *ret_meminfo = meminfo;
    return 0;
}
