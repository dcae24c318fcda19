/* Where microVMs are. */
#include "controller/hypervisors/microvm/place.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/base/cleanup.h"
#include "common/base/file.h"
#include "common/base/process-path.h"
#include "common/base/text.h"
#include "common/base/util.h"

int microvm_check(const char *path, struct error *error)
{
    const size_t size = sizeof(((struct sockaddr_un *)NULL)->sun_path);

    if (path[0] != '/' || strlen(path) >= size)
        return error_set(error, -EINVAL,
                         "'%s' is not the absolute path of an API socket of at most %zu bytes",
                         path, size - 1);
    return 0;
}

static const char *base_of(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash == NULL ? path : slash + 1;
}

bool microvm_is_socket(const char *path)
{
    static const char *const ends[] = {".sock", ".socket", ".api"};
    const char *base = base_of(path);
    const char *dot = strrchr(base, '.');
    struct stat file;

    if (dot == NULL || dot == base || strstr(base, "vsock") != NULL || strcmp(base, "v.sock") == 0)
        return false;
    for (size_t i = 0; i < ARRAY_SIZE(ends); i++)
        if (strcmp(dot, ends[i]) == 0)
            return stat(path, &file) == 0 && S_ISSOCK(file.st_mode);
    return false;
}

/* ---- names ---- */

/* "firecracker.socket" says nothing of a VM. */
static bool is_common(const char *text, size_t length)
{
    static const char *const names[] = {"firecracker", "cloud-hypervisor", "api", "fc", "ch",
                                        "vmm"};

    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        if (strlen(names[i]) == length && strncmp(names[i], text, length) == 0)
            return true;
    return length == 0;
}

/* The component before `end`. */
static size_t component_before(const char *path, const char *end, const char **ret_start)
{
    const char *start = end;

    while (start > path && start[-1] != '/')
        start--;
    *ret_start = start;
    return (size_t)(end - start);
}

static size_t find_name(const char *path, const char **ret_start)
{
    const char *root = strstr(path, "/root/"); /* as Firecracker's jailer lays it out */
    const char *base = base_of(path);
    const char *dot = strrchr(base, '.');
    size_t length = dot == NULL || dot == base ? strlen(base) : (size_t)(dot - base);

    *ret_start = base;
    if (root != NULL && root > path)
        return component_before(path, root, ret_start);
    if (is_common(base, length) && base > path + 1)
        return component_before(path, base - 1, ret_start);
    return length;
}

void microvm_suggest_name(const char *path, char *name, size_t size)
{
    const char *start;
    size_t length = find_name(path, &start);

    text_copy_bytes(name, size, start, length);
}

/* ---- as a process sees it ---- */

void microvm_resolve(pid_t pid, const char *path, char *resolved, size_t size)
{
    cleanup_close int descriptor = -1;
    char directory[32];
    struct stat process;
    struct stat file;

    snprintf(directory, sizeof(directory), "/proc/%d", (int)pid);
    if (pid > 0 && path[0] != '\0' && stat(directory, &process) == 0 &&
        process_path_make(AT_FDCWD, pid, path, resolved, size) == 0)
        descriptor = process_path_open(AT_FDCWD, resolved);
    if (descriptor < 0 || fstat(descriptor, &file) < 0 || !S_ISSOCK(file.st_mode) ||
        file.st_uid != process.st_uid)
        resolved[0] = '\0';
}

bool microvm_calls_itself(pid_t pid, int64_t number)
{
    char path[32];
    char text[4096];
    const char *line;
    const char *last;

    snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
    if (pid <= 0 || file_read_into(AT_FDCWD, path, text, sizeof(text)) < 0)
        return false;
    line = strstr(text, "\nNSpid:");
    if (line == NULL)
        return number == pid;
    line += strlen("\nNSpid:");
    last = line + strcspn(line, "\n");
    while (last > line && isdigit((unsigned char)last[-1]))
        last--;
    return strtoll(last, NULL, 10) == number;
}
