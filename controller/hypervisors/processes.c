/* Looks for processes of hypervisors below /proc. */
#include "controller/hypervisors/processes.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/cleanup.h"
#include "common/base/file.h"
#include "common/base/number.h"
#include "common/base/process-path.h"
#include "common/base/text.h"
#include "controller/footprint/process.h"
#include "controller/hypervisors/proxmox.h"

#define UID_PERSON_MIN 1000 /* below it are the system's own users, as login.defs has it */
#define UID_PERSON_MAX 60000
#define UID_SYSTEM_MAX 65535 /* above it are persons of directories, and their containers' ids */

/* ---- which processes count ---- */

/* The first 15 bytes of a program's name. Cheap: nearly all processes end here. */
static bool may_be_one(int root, pid_t pid)
{
    static const char *const names[] = {"qemu-", "kvm", "firecracker", "cloud-hyperviso"};
    char path[64];
    char name[32];

    snprintf(path, sizeof(path), "proc/%d/comm", (int)pid);
    if (file_read_into(root, path, name, sizeof(name)) < 0)
        return false;
    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        if (strncmp(name, names[i], strlen(names[i])) == 0)
            return true;
    return false;
}

/* By its status: the owner of its folder is root where it may not be dumped. */
static bool is_trusted(int root, pid_t pid)
{
    char path[64];
    char status[4096];
    const char *line;
    uint64_t user;

    snprintf(path, sizeof(path), "proc/%d/status", (int)pid);
    if (file_read_into(root, path, status, sizeof(status)) < 0)
        return false;
    line = strstr(status, "\nUid:\t");
    if (line == NULL)
        return false;
    line += 6;
    if (number_scan(&line, &user) < 0)
        return false;
    return user < UID_PERSON_MIN || (user > UID_PERSON_MAX && user <= UID_SYSTEM_MAX) ||
           user == geteuid();
}

static int read_start_time(int root, pid_t pid, uint64_t *ret_start_time)
{
    char path[64];
    char text[1024];
    int r;

    snprintf(path, sizeof(path), "proc/%d/stat", (int)pid);
    r = file_read_into(root, path, text, sizeof(text));
    return r < 0 ? r : process_start_time_parse(text, ret_start_time);
}

/* ---- where its socket is, for us ---- */

/* A path that cannot be had is no path. */
static void complete_path(int root, pid_t pid, char where[DRIVER_WHERE_SIZE])
{
    char path[DRIVER_WHERE_SIZE];

    if (where[0] == '\0')
        return;
    if (process_path_make(root, pid, where, path, sizeof(path)) < 0)
        where[0] = '\0';
    else
        memcpy(where, path, sizeof(path));
}

/* Nobody gave it to us: whoever started it may use it as well. */
static void share(char where[DRIVER_WHERE_SIZE])
{
    char path[DRIVER_WHERE_SIZE];

    memcpy(path, where, sizeof(path));
    if (path[0] != '\0' &&
        snprintf(where, DRIVER_WHERE_SIZE, "shared:%s", path) >= DRIVER_WHERE_SIZE)
        where[0] = '\0';
}

/* ---- all of them ---- */

/* False: it is none, or has ended meanwhile. */
static bool look_at(int root, pid_t pid, struct found_process *found)
{
    cleanup_free char *text = NULL;
    uint64_t start_time;
    char path[64];
    size_t length;

    if (!may_be_one(root, pid) || !is_trusted(root, pid) ||
        read_start_time(root, pid, &start_time) < 0)
        return false;
    snprintf(path, sizeof(path), "proc/%d/cmdline", (int)pid);
    if (file_read(root, path, PROCESS_COMMAND_LINE_MAX, &text, &length) < 0 ||
        !process_recognize(text, length, found))
        return false;
    found->start_time = start_time;
    found->vm.pid = pid;
    complete_path(root, pid, found->vm.where);
    if (strcmp(found->driver, "qemu") == 0)
        share(found->vm.where);
    return true;
}

static int keep(struct found_process **list, size_t *count, const struct found_process *found)
{
    struct found_process *more = *list;

    if ((*count & (*count - 1)) == 0)
        more = realloc(*list, (*count == 0 ? 1 : *count * 2) * sizeof(*more));
    if (more == NULL)
        return -ENOMEM;
    *list = more;
    more[(*count)++] = *found;
    return 0;
}

int processes_find(int root, struct found_process **ret_found, size_t *ret_count)
{
    int descriptor = openat(root, "proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct found_process *list = NULL;
    struct found_process found;
    const struct dirent *entry;
    size_t count = 0;
    uint64_t pid;
    DIR *directory;
    int r = 0;

    if (descriptor < 0)
        return -errno;
    directory = fdopendir(descriptor);
    if (directory == NULL) {
        r = -errno;
        close(descriptor);
        return r;
    }
    while (r == 0 && count < DRIVER_DISCOVERED_MAX && (entry = readdir(directory)) != NULL)
        if (number_parse(entry->d_name, &pid) == 0 && pid <= INT32_MAX &&
            look_at(root, (pid_t)pid, &found))
            r = keep(&list, &count, &found);
    closedir(directory);
    if (r < 0) {
        free(list);
        return r;
    }
    *ret_found = list;
    *ret_count = count;
    return 0;
}

int processes_name(struct proxmox_names *names, struct found_process *list, size_t count)
{
    cleanup_free unsigned *vmids = calloc(count + 1, sizeof(*vmids));
    size_t vmid_count = 0;
    int r;

    if (vmids == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++) {
        unsigned vmid = proxmox_vmid(list[i].vm.where);

        if (vmid != 0)
            vmids[vmid_count++] = vmid;
    }
    r = proxmox_names_read(names, vmids, vmid_count);
    for (size_t i = 0; i < count; i++)
        proxmox_names_describe(names, &list[i].vm);
    return r;
}
