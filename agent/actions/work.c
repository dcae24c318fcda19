/* What the child does. */
#include "agent/actions/work.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "agent/actions/cgroup.h"
#include "agent/actions/paths.h"
#include "agent/actions/portion.h"
#include "common/base/cleanup.h"
#include "common/base/file.h"
#include "common/base/number.h"
#include "common/base/util.h"
#include "common/proc/cpulist.h"
#include "common/proc/lines.h"
#include "common/proc/meminfo.h"
#include "common/proc/vmstat.h"

#define CPUS_MAX 8192

static uint64_t page_size(void)
{
    return (uint64_t)sysconf(_SC_PAGESIZE);
}

/* Of one cgroup, from its memory.stat; 0 when it cannot be read. */
static struct portion_cache cgroup_cache(int directory)
{
    static const char *const keys[] = {"active_file ", "inactive_file ", "slab_reclaimable "};
    cleanup_lines struct lines lines;
    struct portion_cache cache = {0};
    const char *text;
    char *line;

    if (lines_open(&lines, directory, "memory.stat") < 0)
        return cache;
    while (lines_next(&lines, &line) > 0) {
        uint64_t value;

        for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
            if ((text = lines_after(line, keys[i])) != NULL && lines_number(&text, &value) == 0)
                cache.bytes += value;
        if ((text = lines_after(line, "workingset_refault_file ")) != NULL &&
            lines_number(&text, &value) == 0)
            cache.read_back = value * page_size();
    }
    return cache;
}

/* The same of the whole guest. */
static struct portion_cache guest_cache(int root)
{
    struct meminfo meminfo;
    struct vmstat vmstat;

    if (meminfo_read(root, &meminfo) < 0 || vmstat_read(root, &vmstat) < 0)
        return (struct portion_cache){0};
    return (struct portion_cache){
        .bytes = meminfo.active_file + meminfo.inactive_file + meminfo.slab_reclaimable,
        .read_back = vmstat.refault_file * page_size(),
    };
}

/* Up to `*bytes` through one file, step by step; what is left of them comes back. -EAGAIN ends it:
 * there is no more to have. */
static int reclaim_file(int directory, const char *name, uint64_t *bytes, bool with_swappiness,
                        struct portion_cache (*cache_of)(int directory))
{
    struct portion portion = {.wanted = *bytes};
    struct portion_cache before = cache_of(directory);
    uint64_t next;

    while ((next = portion_next(&portion)) > 0) {
        struct portion_cache after;
        char text[48];
        int r;

        snprintf(text, sizeof(text), "%" PRIu64 "%s", next, with_swappiness ? " swappiness=0" : "");
        r = file_write(directory, name, text);
        if (r < 0)
            return r == -EAGAIN ? 0 : r;
        after = cache_of(directory);
        portion_took(&portion, next, portion_taken(&before, &after));
        *bytes = portion.wanted;
        before = after;
    }
    return 0;
}

struct share {
    const struct work *work;
    uint64_t cache; /* of all cgroups that are visited */
};

static int add_cache(int directory, void *userdata)
{
    struct share *share = userdata;
    share->cache += cgroup_cache(directory).bytes;
    return 0;
}

/* Takes from each cgroup in proportion to its cache. */
static int reclaim_share(int directory, void *userdata)
{
    const struct share *share = userdata;
    uint64_t bytes = share->work->bytes;

    if (share->cache > 0)
        bytes = (uint64_t)((double)bytes * (double)cgroup_cache(directory).bytes /
                           (double)share->cache);
    if (faccessat(directory, "memory.reclaim", F_OK, 0) < 0)
        return 0; /* no memory controller in this subtree */
    return reclaim_file(directory, "memory.reclaim", &bytes,
                        share->work->method == RECLAIM_CGROUP_SWAPPINESS, cgroup_cache);
}

/* The `index`th of the chosen subtrees as a directory. -ENOENT: past the last; -ESRCH: it is not
 * there; -EXDEV: a path that leaves the hierarchy. */
static int open_chosen(const struct work *work, unsigned index)
{
    const char *path = work->cgroups != NULL ? work->cgroups : ".";
    char name[512];
    size_t length;
    int descriptor;

    while (index-- > 0) {
        path += strcspn(path, ":");
        if (*path++ == '\0')
            return -ENOENT;
    }
    path += strspn(path, "/");
    length = strcspn(path, ":");
    if (snprintf(name, sizeof(name), CGROUP_PATH "/%.*s", (int)length, path) >= (int)sizeof(name) ||
        strstr(name, "/..") != NULL)
        return -EXDEV;
    descriptor = openat(work->root, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return descriptor < 0 ? (errno == ENOENT ? -ESRCH : -errno) : descriptor;
}

static int visit_chosen(const struct work *work, cgroup_visitor visit, struct share *share)
{
    for (unsigned i = 0;; i++) {
        cleanup_close int directory = open_chosen(work, i);
        int r;

        if (directory == -ENOENT)
            return 0;
        if (directory == -ESRCH) /* a chosen cgroup that is not there now */
            continue;
        if (directory < 0)
            return directory;
        r = cgroup_visit_thawed(directory, visit, share);
        if (r < 0)
            return r;
    }
}

struct nodes {
    int root;
    uint64_t count;
    uint64_t bytes; /* still to take */
};

static int each_node(int root, int (*visit)(struct nodes *nodes, uint64_t node),
                     struct nodes *nodes)
{
    char list[256];
    uint64_t node = 0;

    int r = file_read_into(root, NODE_PATH "/online", list, sizeof(list));
    if (r < 0)
        return r;
    for (; (r = cpulist_next(list, node, &node)) == 0; node++) {
        r = visit(nodes, node);
        if (r < 0)
            return r;
    }
    return r == -ENOENT ? 0 : r;
}

static int count_node(struct nodes *nodes, uint64_t node)
{
    nodes->count++;
    return 0;
}

/* Its part of what is still to take; the nodes behind it take what it did not have. */
static int reclaim_node(struct nodes *nodes, uint64_t node)
{
    uint64_t part = nodes->bytes / nodes->count--;
    uint64_t left = part;
    char path[96];
    int r;

    snprintf(path, sizeof(path), NODE_PATH "/node%" PRIu64 "/reclaim", node);
    r = reclaim_file(nodes->root, path, &left, true, guest_cache);
    nodes->bytes -= part - left;
    return r;
}

static int reclaim_nodes(const struct work *work)
{
    struct nodes nodes = {.root = work->root, .bytes = work->bytes};
    int r;

    if (cgroup_any_frozen(work->root))
        return -EBUSY;
    r = each_node(work->root, count_node, &nodes);
    return r < 0 ? r : each_node(work->root, reclaim_node, &nodes);
}

static int compact_node(struct nodes *nodes, uint64_t node)
{
    char path[96];

    snprintf(path, sizeof(path), NODE_PATH "/node%" PRIu64 "/compact", node);
    return file_write(nodes->root, path, "1");
}

int work_reclaim(const void *context)
{
    const struct work *work = context;
    struct share share = {.work = work};
    int r;

    if (work->method == RECLAIM_NODE)
        return reclaim_nodes(work);
    r = visit_chosen(work, add_cache, &share);
    return r < 0 ? r : visit_chosen(work, reclaim_share, &share);
}

int work_drop_caches(const void *context)
{
    const struct work *work = context;

    if (cgroup_any_frozen(work->root))
        return -EBUSY;
    return file_write(work->root, DROP_CACHES_PATH, work->drop_slab ? "3" : "1");
}

int work_compact(const void *context)
{
    const struct work *work = context;
    struct nodes nodes = {.root = work->root};

    if (work->per_node && each_node(work->root, compact_node, &nodes) == 0)
        return 0;
    return file_write(work->root, COMPACT_MEMORY_PATH, "1");
}

/* A page fault takes from this CPU's list and the unmapping gives back to it, which is when the
 * list is cut to its size. A huge page goes straight to the free blocks and starts a pass even when
 * nothing else merges. */
static void touch(uint64_t bytes, int advice)
{
    char *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (memory == MAP_FAILED)
        return;
    (void)madvise(memory, bytes, advice);
    for (uint64_t at = 0; at < bytes; at += page_size())
        *(volatile char *)(memory + at) = 1;
    (void)munmap(memory, bytes);
}

static int move_to_cpu(uint64_t cpu)
{
    cpu_set_t *set = CPU_ALLOC(CPUS_MAX);
    size_t size = CPU_ALLOC_SIZE(CPUS_MAX);
    int r;

    if (set == NULL)
        return -ENOMEM;
    CPU_ZERO_S(size, set);
    CPU_SET_S(cpu, size, set);
    r = sched_setaffinity(0, size, set) < 0 ? -errno : 0;
    CPU_FREE(set);
    return r;
}

int work_kick(const void *context)
{
    const struct work *work = context;
    uint64_t cpu = 0;
    bool moved = false;
    char list[1024];
    int failure = 0;

    int r = file_read_into(work->root, CPU_ONLINE_PATH, list, sizeof(list));
    if (r < 0)
        return r;
    for (; cpulist_next(list, cpu, &cpu) == 0 && cpu < CPUS_MAX; cpu++) {
        r = move_to_cpu(cpu);
        if (r < 0) { /* gone offline, or not in our cpuset */
            failure = r;
            continue;
        }
        moved = true;
        touch(work->cpu_bytes, MADV_NOHUGEPAGE);
    }
    touch(4 * MIB, MADV_HUGEPAGE);
    return moved ? 0 : failure;
}
