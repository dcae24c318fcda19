/* Memory in tmpfs. Documentation/filesystems/proc.rst 3.5 has the form of mountinfo. */
#include "common/proc/tmpfs.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/vfs.h>

#include "common/base/cleanup.h"
#include "common/base/util.h"
#include "common/proc/lines.h"

#define MOUNTS_MAX 64

/* "36 35 0:21 / /dev/shm rw - tmpfs tmpfs rw". The texts lie in the line. */
struct mount {
    uint64_t id;
    uint64_t parent;
    char *device; /* "0:21" */
    char *point;
    const char *type;
};

static bool is_among(const uint64_t *numbers, size_t count, uint64_t number)
{
    for (size_t i = 0; i < count; i++)
        if (numbers[i] == number)
            return true;
    return false;
}

/* File systems whose server may be away. */
static bool may_block(const char *type)
{
    static const char *const prefixes[] = {"nfs", "cifs", "smb",    "fuse",    "9p",
                                           "afs", "ceph", "autofs", "virtiofs"};

    for (size_t i = 0; i < ARRAY_SIZE(prefixes); i++)
        if (lines_after(type, prefixes[i]) != NULL)
            return true;
    return false;
}

/* Blanks in paths are written as "\040". In place. */
static void unescape(char *text)
{
    char *to = text;

    for (const char *from = text; *from != '\0'; to++) {
        if (from[0] == '\\' && from[1] >= '0' && from[1] <= '3' && from[2] >= '0' &&
            from[2] <= '7' && from[3] >= '0' && from[3] <= '7') {
            *to = (char)((from[1] - '0') << 6 | (from[2] - '0') << 3 | (from[3] - '0'));
            from += 4;
        } else {
            *to = *from++;
        }
    }
    *to = '\0';
}

static bool parse_mount(char *line, struct mount *ret_mount)
{
    const char *text = line;
    char *rest;
    char *type;

    if (lines_number(&text, &ret_mount->id) < 0 || lines_number(&text, &ret_mount->parent) < 0)
        return false;
    rest = line + (text - line);
    type = strstr(rest, " - ");
    if (type == NULL)
        return false;
    ret_mount->type = strtok_r(type + 3, " ", &type);
    ret_mount->device = strtok_r(rest, " ", &rest);
    (void)strtok_r(NULL, " ", &rest); /* the root within the file system */
    ret_mount->point = strtok_r(NULL, " ", &rest);
    if (ret_mount->type == NULL || ret_mount->device == NULL || ret_mount->point == NULL)
        return false;
    unescape(ret_mount->point);
    return true;
}

/* "0:21" as one number; 0: it is none. */
static uint64_t device_number(const char *device)
{
    uint64_t major;
    uint64_t minor;

    if (lines_number(&device, &major) < 0 || *device++ != ':' || lines_number(&device, &minor) < 0)
        return 0;
    return major << 32 | minor;
}

/* Another mount may lie over this one, so the type is asked for again. */
static uint64_t used_at(int root, const char *point)
{
    const char *path = point + strspn(point, "/");
    cleanup_close int descriptor =
        openat(root, *path == '\0' ? "." : path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    struct statfs status;

    if (descriptor < 0 || fstatfs(descriptor, &status) < 0 || status.f_type != TMPFS_MAGIC ||
        status.f_blocks < status.f_bfree)
        return 0;
    return (uint64_t)(status.f_blocks - status.f_bfree) * (uint64_t)status.f_bsize;
}

int tmpfs_used(int root, uint64_t *ret_bytes)
{
    cleanup_lines struct lines lines;
    uint64_t blocking[MOUNTS_MAX];
    uint64_t devices[MOUNTS_MAX];
    size_t blocking_count = 0;
    size_t device_count = 0;
    uint64_t bytes = 0;
    char *line;
    int r = lines_open(&lines, root, "proc/self/mountinfo");

    if (r < 0)
        return r;
    while ((r = lines_next(&lines, &line)) > 0) {
        struct mount mount;
        uint64_t device;

        if (!parse_mount(line, &mount))
            continue;
        if (may_block(mount.type) || is_among(blocking, blocking_count, mount.parent)) {
            if (blocking_count == MOUNTS_MAX) /* what lies below is no longer known */
                break;
            blocking[blocking_count++] = mount.id;
            continue;
        }
        device = device_number(mount.device);
        if (strcmp(mount.type, "tmpfs") != 0 || device_count == MOUNTS_MAX ||
            is_among(devices, device_count, device))
            continue;
        devices[device_count++] = device;
        bytes += used_at(root, mount.point);
    }
    if (r < 0)
        return r;
    *ret_bytes = bytes;
    return 0;
}
