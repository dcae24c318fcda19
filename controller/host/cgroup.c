/* Memory of cgroups: Documentation/admin-guide/cgroup-v2.rst, cgroup-v1/memory.rst. */
#include "controller/host/cgroup.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/base/file.h"
#include "common/base/number.h"
#include "common/base/util.h"
#include "common/proc/lines.h"

#define V1_NO_LIMIT ((uint64_t)1 << 62) /* "none" is the largest number of whole pages */

static const char top[] = "sys/fs/cgroup";

/* ---- one file ---- */

static int make_path(char *path, size_t size, const char *directory, const char *name)
{
    int length = snprintf(path, size, "%s/%s", directory, name);

    return length < 0 || (size_t)length >= size ? -ENAMETOOLONG : 0;
}

/* A number, or "max". */
static int read_number(int root, const char *directory, const char *name, uint64_t *ret_value)
{
    char path[CGROUP_PATH_SIZE + 64];
    char text[64];
    const char *rest = text;
    int r = make_path(path, sizeof(path), directory, name);

    if (r == 0)
        r = file_read_into(root, path, text, sizeof(text));
    if (r < 0)
        return r;
    if (strcmp(text, "max\n") == 0 || strcmp(text, "max") == 0) {
        *ret_value = CGROUP_NO_LIMIT;
        return 0;
    }
    if (number_scan(&rest, ret_value) < 0 || (*rest != '\n' && *rest != '\0'))
        return -EBADMSG;
    return 0;
}

/* ---- memory.stat ---- */

struct cache {
    const char *prefix; /* of v1's sums over all below */
    uint64_t files;
    uint64_t slabs;
    uint64_t busy; /* to be written, or being written */
};

static const struct key {
    const char *name;
    size_t offset;
} keys[] = {
    {"inactive_file ", offsetof(struct cache, files)},
    {"active_file ", offsetof(struct cache, files)},
    {"slab_reclaimable ", offsetof(struct cache, slabs)},
    {"file_dirty ", offsetof(struct cache, busy)},
    {"file_writeback ", offsetof(struct cache, busy)},
    {"dirty ", offsetof(struct cache, busy)},
    {"writeback ", offsetof(struct cache, busy)},
};

static int take_line(const char *line, void *userdata)
{
    struct cache *cache = userdata;
    const char *name = lines_after(line, cache->prefix);

    for (size_t i = 0; name != NULL && i < ARRAY_SIZE(keys); i++) {
        const char *text = lines_after(name, keys[i].name);
        uint64_t *sum = (uint64_t *)(void *)((char *)cache + keys[i].offset);
        uint64_t value;

        if (text == NULL)
            continue;
        if (lines_number(&text, &value) < 0 || __builtin_add_overflow(*sum, value, sum))
            return -EBADMSG;
    }
    return 0;
}

static int read_reclaimable(int root, const struct cgroup_memory *memory, uint64_t *ret_bytes)
{
    char path[CGROUP_PATH_SIZE + 64];
    struct cache cache = {.prefix = memory->is_v1 ? "total_" : ""};
    int r = make_path(path, sizeof(path), memory->path, "memory.stat");

    if (r == 0)
        r = lines_visit(root, path, take_line, &cache);
    if (r < 0)
        return r;
    *ret_bytes = saturating_subtract(cache.files, cache.busy) + cache.slabs;
    return 0;
}

/* ---- one cgroup ---- */

static int read_limit_v2(int root, struct cgroup_memory *memory)
{
    uint64_t high;
    int r = read_number(root, memory->path, "memory.max", &memory->limit);

    if (r < 0)
        return r;
    if (read_number(root, memory->path, "memory.high", &high) == 0)
        memory->limit = min_of(memory->limit, high);
    return 0;
}

static int read_limit_v1(int root, struct cgroup_memory *memory)
{
    int r = read_number(root, memory->path, "memory.limit_in_bytes", &memory->limit);

    if (r == 0 && memory->limit >= V1_NO_LIMIT)
        memory->limit = CGROUP_NO_LIMIT;
    return r;
}

/* `memory->path` is set. */
static int read_one(int root, struct cgroup_memory *memory)
{
    int r = read_number(root, memory->path, "memory.current", &memory->usage);

    memory->is_v1 = r == -ENOENT;
    if (memory->is_v1)
        r = read_number(root, memory->path, "memory.usage_in_bytes", &memory->usage);
    if (r == 0)
        r = memory->is_v1 ? read_limit_v1(root, memory) : read_limit_v2(root, memory);
    if (r == 0)
        r = read_reclaimable(root, memory, &memory->reclaimable);
    memory->reclaimable = min_of(memory->reclaimable, memory->usage);
    return r;
}

uint64_t cgroup_room(const struct cgroup_memory *memory)
{
    if (memory->limit == CGROUP_NO_LIMIT)
        return CGROUP_NO_LIMIT;
    return min_of(saturating_subtract(memory->limit, memory->usage) + memory->reclaimable,
                  memory->limit);
}

/* ---- the way up ---- */

static bool go_up(char *path)
{
    char *slash = strrchr(path, '/');

    if (slash == NULL || (size_t)(slash - path) < sizeof(top) - 1)
        return false;
    *slash = '\0';
    return true;
}

/* The root of a hierarchy has no figures in v2, and nothing is above it. */
int cgroup_read_tightest(int root, const char *path, struct cgroup_memory *ret_memory)
{
    struct cgroup_memory tightest;
    struct cgroup_memory next = {.limit = 0};
    int r;

    path += strspn(path, "/");
    if (strlen(path) >= sizeof(next.path))
        return -ENAMETOOLONG;
    memcpy(next.path, path, strlen(path) + 1);
    r = read_one(root, &next);
    if (r < 0)
        return r;
    for (tightest = next; go_up(next.path) && read_one(root, &next) == 0;)
        if (cgroup_room(&next) < cgroup_room(&tightest))
            tightest = next;
    *ret_memory = tightest;
    return 0;
}

static bool is_below(const char *path, const char *above)
{
    size_t length = strlen(above);

    return strncmp(path, above, length) == 0 && path[length] == '/';
}

void cgroup_join(char path[static CGROUP_PATH_SIZE], const char *other)
{
    assert(strlen(other) < CGROUP_PATH_SIZE);
    if (path[0] == '\0' || strcmp(path, other) == 0) {
        memmove(path, other, strlen(other) + 1);
        if (!go_up(path))
            path[0] = '\0';
    }
    while (path[0] != '\0' && !is_below(other, path))
        if (!go_up(path))
            path[0] = '\0';
}

/* ---- a process ---- */

struct search {
    char path[CGROUP_PATH_SIZE];
    int status; /* 1: found in v1's hierarchy, which counts before v2's */
};

/* "4:memory:/path", or "0::/path". */
static int take_cgroup(const char *line, void *userdata)
{
    struct search *search = userdata;
    const char *controllers = strchr(line, ':');
    const char *path = controllers == NULL ? NULL : strchr(controllers + 1, ':');
    bool is_v1;
    int length;

    if (path == NULL)
        return -EBADMSG;
    is_v1 = strncmp(controllers, ":memory:", 8) == 0;
    path++;
    if ((!is_v1 && controllers + 2 != path) || strstr(path, "/..") != NULL)
        return 0;
    length = snprintf(search->path, sizeof(search->path), "%s%s%s", top, is_v1 ? "/memory" : "",
                      strcmp(path, "/") == 0 ? "" : path);
    search->status = length < (int)sizeof(search->path) ? is_v1 : -ENAMETOOLONG;
    return is_v1 ? 1 : 0;
}

int cgroup_of_process(int root, pid_t pid, char ret_path[static CGROUP_PATH_SIZE])
{
    struct search search = {.status = -ENOENT};
    char path[64];
    int r;

    snprintf(path, sizeof(path), "proc/%d/cgroup", (int)pid);
    r = lines_visit(root, path, take_cgroup, &search);
    if (r < 0 || search.status < 0)
        return r < 0 ? r : search.status;
    memcpy(ret_path, search.path, sizeof(search.path));
    return 0;
}
