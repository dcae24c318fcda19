/* Paths below /proc/PID/root. */
#include "common/base/process-path.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/base/cleanup.h"
#include "common/base/hash.h"
#include "common/base/number.h"

#define PROCESS_DIRECTORY_SIZE 32 /* "/proc/PID/root" */

static bool is_same(const struct stat *one, const struct stat *other)
{
    return one->st_dev == other->st_dev && one->st_ino == other->st_ino;
}

/* ---- opening ---- */

/* "/proc/PID/root/" and the rest. NULL: another path. */
static const char *split(const char *path, char directory[PROCESS_DIRECTORY_SIZE])
{
    static const char begin[] = "/proc/";
    static const char end[] = "/root/";
    const char *rest;
    uint64_t pid;

    if (strncmp(path, begin, sizeof(begin) - 1) != 0)
        return NULL;
    rest = path + sizeof(begin) - 1;
    if (number_scan(&rest, &pid) < 0 || pid > INT32_MAX || strncmp(rest, end, sizeof(end) - 1) != 0)
        return NULL;
    snprintf(directory, PROCESS_DIRECTORY_SIZE, "/proc/%d/root", (int)pid);
    return rest + sizeof(end) - 1;
}

/* An absolute path at a directory that stands for "/". */
static const char *below(int root, const char *path)
{
    return root == AT_FDCWD ? path : path + 1;
}

static int open_root(int root, const char *directory)
{
    int descriptor = openat(root, below(root, directory), O_PATH | O_DIRECTORY | O_CLOEXEC);

    return descriptor < 0 ? -errno : descriptor;
}

static int open_inside(int root, const char *path)
{
    struct open_how how = {.flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT};
    long descriptor = syscall(SYS_openat2, root, path, &how, sizeof(how));

    return descriptor < 0 ? -errno : (int)descriptor;
}

int process_path_open(int root, const char *path)
{
    char directory[PROCESS_DIRECTORY_SIZE];
    const char *inside = split(path, directory);
    cleanup_close int process_root = -1;
    int descriptor;

    if (inside == NULL) {
        descriptor = openat(root, path, O_PATH | O_CLOEXEC);
        return descriptor < 0 ? -errno : descriptor;
    }
    process_root = open_root(root, directory);
    return process_root < 0 ? process_root : open_inside(process_root, inside);
}

int process_socket_hold(struct process_socket *socket, const char *path)
{
    char directory[PROCESS_DIRECTORY_SIZE];

    socket->descriptor = -1;
    if (split(path, directory) == NULL)
        return (size_t)snprintf(socket->text, sizeof(socket->text), "%s", path) <
                       sizeof(socket->text)
                   ? 0
                   : -ENAMETOOLONG;
    socket->descriptor = process_path_open(AT_FDCWD, path);
    if (socket->descriptor < 0)
        return socket->descriptor;
    snprintf(socket->text, sizeof(socket->text), "/proc/self/fd/%d", socket->descriptor);
    return 0;
}

void process_socket_release(struct process_socket *socket)
{
    if (socket->descriptor >= 0)
        close(socket->descriptor);
    socket->descriptor = -1;
}

/* ---- making ---- */

static int read_link(int root, pid_t pid, const char *name, char *text, size_t size)
{
    char path[PROCESS_DIRECTORY_SIZE];
    ssize_t length;

    snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
    length = readlinkat(root, below(root, path), text, size - 1);
    if (length < 0)
        return -errno;
    text[length] = '\0';
    return (size_t)length == size - 1 ? -ENAMETOOLONG : 0;
}

/* The kernel shows working directories as from our root. */
static int cut_root(int root, pid_t pid, char *cwd)
{
    char start[PATH_MAX];
    int r = read_link(root, pid, "root", start, sizeof(start));
    size_t length = r < 0 || strcmp(start, "/") == 0 ? 0 : strlen(start);

    if (r < 0)
        return r;
    if (strncmp(cwd, start, length) != 0 || (cwd[length] != '/' && cwd[length] != '\0'))
        return -ENOENT;
    memmove(cwd, cwd + length, strlen(cwd + length) + 1);
    return 0;
}

/* `path` from the process' root, or ours where we do not see its own. */
static int make_absolute(int root, pid_t pid, bool has_root, const char *path, char *text,
                         size_t size)
{
    char cwd[PATH_MAX] = "";
    int r = 0;

    if (path[0] != '/')
        r = read_link(root, pid, "cwd", cwd, sizeof(cwd));
    if (r == 0 && path[0] != '/' && has_root)
        r = cut_root(root, pid, cwd);
    if (r < 0)
        return r;
    if (strcmp(cwd, "/") == 0)
        cwd[0] = '\0';
    r = snprintf(text, size, "%s%s%s", cwd, path[0] == '/' ? "" : "/", path);
    return r >= 0 && (size_t)r < size ? 0 : -ENAMETOOLONG;
}

static bool read_mounts(int root, pid_t pid, struct stat *ret)
{
    char path[PROCESS_DIRECTORY_SIZE];

    snprintf(path, sizeof(path), "/proc/%d/ns/mnt", (int)pid);
    return fstatat(root, below(root, path), ret, 0) == 0;
}

/* It opened this before it went into its jail, as QEMU's -chroot has it. Not in a container: that
 * never had our files. */
static bool is_from_before(int root, pid_t pid, int process_root, const char *path)
{
    cleanup_close int descriptor = open_inside(process_root, path);
    struct stat theirs;
    struct stat first;

    return descriptor == -ENOENT && read_mounts(root, pid, &theirs) &&
           read_mounts(root, 1, &first) && is_same(&theirs, &first);
}

/* It sees another file there than we do, as below a /tmp of its own. */
static bool is_elsewhere(int process_root, const char *path)
{
    cleanup_close int descriptor = open_inside(process_root, path);
    struct stat theirs;
    struct stat ours;

    return descriptor >= 0 && fstat(descriptor, &theirs) == 0 &&
           (stat(path, &ours) < 0 || !is_same(&theirs, &ours));
}

int process_path_make(int root, pid_t pid, const char *path, char *text, size_t size)
{
    char directory[PROCESS_DIRECTORY_SIZE];
    char absolute[PATH_MAX];
    cleanup_close int process_root = -1;
    struct stat theirs;
    struct stat ours;
    bool is_jailed;
    int r;

    snprintf(directory, sizeof(directory), "/proc/%d/root", (int)pid);
    process_root = open_root(root, directory);
    is_jailed = process_root >= 0 && fstat(process_root, &theirs) == 0 && stat("/", &ours) == 0 &&
                !is_same(&theirs, &ours);
    r = make_absolute(root, pid, process_root >= 0, path, absolute, sizeof(absolute));
    if (r < 0)
        return r;
    if (is_jailed ? path[0] == '/' && is_from_before(root, pid, process_root, absolute)
                  : process_root < 0 || !is_elsewhere(process_root, absolute))
        directory[0] = '\0';
    r = snprintf(text, size, "%s%s", directory, absolute);
    return r >= 0 && (size_t)r < size ? 0 : -ENAMETOOLONG;
}

uint64_t process_path_identify(const char *path)
{
    cleanup_close int descriptor = process_path_open(AT_FDCWD, path);
    struct stat file;
    uint64_t identity;

    if (descriptor < 0 || fstat(descriptor, &file) < 0)
        return 0;
    identity = hash_number(file.st_ino) ^ hash_number((uint64_t)file.st_ctim.tv_sec) ^
               hash_number((uint64_t)file.st_ctim.tv_nsec << 1);
    return identity == 0 ? 1 : identity;
}
