/* Which cgroups may be reclaimed from. */
#include "agent/actions/cgroup.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "agent/actions/paths.h"
#include "common/base/cleanup.h"
#include "common/base/file.h"

#define DEPTH_MAX 32 /* deeper ones count as frozen */

static bool file_has(int directory, const char *name, const char *text)
{
    char content[256];

    return file_read_into(directory, name, content, sizeof(content)) >= 0 &&
           strstr(content, text) != NULL;
}

/* On the way there or there already, in either version. */
static bool is_frozen(int directory)
{
    return file_has(directory, "cgroup.events", "frozen 1") ||
           file_has(directory, "cgroup.freeze", "1") || file_has(directory, "freezer.state", "FR");
}

static int visit_children(int directory, cgroup_visitor visit, void *userdata)
{
    cleanup_closedir DIR *stream = NULL;
    struct dirent *entry;
    int r = 0;

    int list = openat(directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (list < 0)
        return -errno;
    stream = fdopendir(list);
    if (stream == NULL) {
        close(list);
        return -ENOMEM;
    }
    while (r >= 0 && (entry = readdir(stream)) != NULL) {
        if (entry->d_name[0] == '.' || (entry->d_type != DT_DIR && entry->d_type != DT_UNKNOWN))
            continue;
        {
            cleanup_close int child =
                openat(directory, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
            if (child >= 0) /* else it has just been removed */
                r = visit(child, userdata);
        }
    }
    return r;
}

/* -EBUSY: a frozen one; 0: none. `userdata` is the depth that is left. */
static int look_for_frozen(int directory, void *userdata)
{
    int depth = *(const int *)userdata - 1;

    if (depth < 0 || is_frozen(directory))
        return -EBUSY;
    return visit_children(directory, look_for_frozen, &depth);
}

static bool holds_frozen(int directory)
{
    int depth = DEPTH_MAX;
    return look_for_frozen(directory, &depth) < 0;
}

struct walk {
    cgroup_visitor visit;
    void *userdata;
    unsigned depth;
};

static int walk_thawed(int directory, void *userdata)
{
    struct walk *walk = userdata;
    struct walk below = {
        .visit = walk->visit, .userdata = walk->userdata, .depth = walk->depth + 1};

    if (walk->depth > DEPTH_MAX || is_frozen(directory))
        return 0;
    if (!holds_frozen(directory))
        return walk->visit(directory, walk->userdata);
    return visit_children(directory, walk_thawed, &below);
}

int cgroup_visit_thawed(int directory, cgroup_visitor visit, void *userdata)
{
    struct walk walk = {.visit = visit, .userdata = userdata};
    return walk_thawed(directory, &walk);
}

bool cgroup_any_frozen(int root)
{
    static const char *const hierarchies[] = {CGROUP_PATH, CGROUP_PATH "/unified",
                                              CGROUP_PATH "/freezer"};

    for (size_t i = 0; i < sizeof(hierarchies) / sizeof(hierarchies[0]); i++) {
        cleanup_close int directory =
            openat(root, hierarchies[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (directory >= 0 && holds_frozen(directory))
            return true;
    }
    return false;
}
