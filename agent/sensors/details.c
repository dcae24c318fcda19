/* The dear figures: half a millisecond for pagetypeinfo, a system call or two per tmpfs and pool.
 */
#include "agent/sensors/details.h"

#include <assert.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "common/base/cleanup.h"
#include "common/base/file.h"
#include "common/base/number.h"
#include "common/base/util.h"
#include "common/proc/buddyinfo.h"
#include "common/proc/lines.h"
#include "common/proc/pagetypeinfo.h"
#include "common/proc/tmpfs.h"

#define HUGE_PAGES_PATH "sys/kernel/mm/hugepages"
#define ARCSTATS_PATH   "proc/spl/kstat/zfs/arcstats"

/* The lists are of a later moment than the sample: their shares of what is trapped count. */
static void read_kinds(int root, const struct memory_sample *sample, struct memory_details *details)
{
    uint32_t order = min_of(sample->reporting_order < ORDER_COUNT_MAX ? sample->reporting_order
                                                                      : sample->pageblock_order,
                            (uint32_t)BUDDY_ORDER_COUNT_MAX);
    struct pagetypeinfo info;

    if (pagetypeinfo_read(root, &info) < 0)
        return;
    details->trapped_kinds_are_known = true;
    details->trapped_unmovable =
        min_of(buddy_pages(info.free_blocks[PAGE_KIND_UNMOVABLE], 0, order) * sample->page_size,
               sample->trapped);
    details->trapped_reclaimable =
        min_of(buddy_pages(info.free_blocks[PAGE_KIND_RECLAIMABLE], 0, order) * sample->page_size,
               sample->trapped - details->trapped_unmovable);
    details->unmovable_blocks =
        info.pageblocks[PAGE_KIND_UNMOVABLE] + info.pageblocks[PAGE_KIND_RECLAIMABLE];
}

/* Free huge pages of one pool, "hugepages-2048kB". Bytes. */
static uint64_t free_in_pool(int root, const char *pool)
{
    const char *size = lines_after(pool, "hugepages-");
    uint64_t kib;
    uint64_t count;
    char path[128];
    char text[32];
    const char *value = text;

    if (size == NULL || number_scan(&size, &kib) < 0 || strcmp(size, "kB") != 0)
        return 0;
    snprintf(path, sizeof(path), HUGE_PAGES_PATH "/%.64s/free_hugepages", pool);
    if (file_read_into(root, path, text, sizeof(text)) < 0 || number_scan(&value, &count) < 0 ||
        __builtin_mul_overflow(kib * KIB, count, &count))
        return 0;
    return count;
}

static uint64_t read_free_huge_pages(int root)
{
    int descriptor = openat(root, HUGE_PAGES_PATH, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cleanup_closedir DIR *pools = descriptor < 0 ? NULL : fdopendir(descriptor);
    uint64_t bytes = 0;

    if (pools == NULL) {
        if (descriptor >= 0)
            close(descriptor);
        return 0;
    }
    for (const struct dirent *entry = readdir(pools); entry != NULL; entry = readdir(pools))
        bytes += free_in_pool(root, entry->d_name);
    return bytes;
}

/* "size    4    1234567". */
static uint64_t read_zfs_arc(int root)
{
    cleanup_lines struct lines lines;
    char *line;

    if (lines_open(&lines, root, ARCSTATS_PATH) < 0)
        return 0;
    while (lines_next(&lines, &line) > 0) {
        const char *text = lines_after(line, "size ");
        uint64_t type;
        uint64_t bytes;

        if (text != NULL && lines_number(&text, &type) == 0 && lines_number(&text, &bytes) == 0)
            return bytes;
    }
    return 0;
}

void details_read(int root, const struct memory_sample *sample, struct memory_details *ret_details)
{
    struct memory_details details = {0};

    read_kinds(root, sample, &details);
    (void)tmpfs_used(root, &details.tmpfs);
    details.tmpfs = min_of(details.tmpfs, sample->used.shmem);
    if (sample->used.hugetlb > 0)
        details.hugetlb_free = min_of(read_free_huge_pages(root), sample->used.hugetlb);
    details.zfs_arc = min_of(read_zfs_arc(root), sample->in_use);
    assert(details.trapped_unmovable + details.trapped_reclaimable <= sample->trapped);
    *ret_details = details;
}
