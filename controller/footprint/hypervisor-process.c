/* Holds a process, and finds the files that back a guest's memory: large mappings in
 * /proc/PID/maps, and the descriptors that name the same file.
 *
 * Only files in memory back it: on tmpfs, where memfds are too, and on hugetlbfs. A file on a disk,
 * such as an nvdimm's, is the host's page cache: its blocks are on the disk. Private mappings count
 * where huge pages of the host's pool are behind them; written pages of others are anonymous. */
#include "controller/footprint/hypervisor-process.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "common/base/cleanup.h"
#include "common/base/file.h"
#include "common/base/number.h"
#include "controller/footprint/process.h"

#define COMMAND_LINE_MAX (256 * 1024)

#define BACKEND_SIZE_MIN MIB /* smaller shared mappings are rings and framebuffers */

/* ---- the files behind its memory ---- */

static bool is_known(const struct guest_backing *backing)
{
    return backing->private_bytes > 0 || backing->shared_count > 0;
}

/* The place of the mapping's backend; `backend_count`: it has none. */
static uint32_t find_backend(const struct hypervisor_process *process,
                             const struct mapping *mapping)
{
    uint32_t i = 0;

    while (i < process->backend_count && (process->backends[i].device != mapping->device ||
                                          process->backends[i].inode != mapping->inode ||
                                          process->backends[i].shared != mapping->shared))
        i++;
    return i;
}

bool backends_have_file(const struct hypervisor_process *process, const struct mapping *mapping)
{
    return find_backend(process, mapping) < process->backend_count;
}

/* Adds to the backend with the mapping's file, or makes one. */
static void add_mapping(struct hypervisor_process *process, const struct mapping *mapping)
{
    uint64_t size = mapping->end - mapping->start;
    uint32_t i = find_backend(process, mapping);

    assert(size >= BACKEND_SIZE_MIN && process->backend_count <= HYPERVISOR_BACKENDS_MAX);
    if (i == HYPERVISOR_BACKENDS_MAX) {
        process->shared_mapped += mapping->shared ? size : 0;
        return;
    }
    if (i == process->backend_count) {
        process->backends[i] = (struct memory_backend){
            .descriptor = -1,
            .device = mapping->device,
            .inode = mapping->inode,
            .shared = mapping->shared,
        };
        process->backend_count++;
    }
    process->backends[i].mapped += size;
}

static int read_mappings(struct hypervisor_process *process)
{
    cleanup_free char *text = NULL;
    struct mapping mapping;
    int r = maps_read(process->directory, &text);

    if (r < 0)
        return r;
    process->backend_count = 0;
    process->shared_mapped = 0;
    process->disk_mapped = 0;
    for (const char *rest = text; maps_next(&rest, &mapping);)
        if (mapping.writable && mapping.inode != 0 &&
            mapping.end - mapping.start >= BACKEND_SIZE_MIN)
            add_mapping(process, &mapping);
    return 0;
}

/* What kind of file a descriptor names. It is opened only here: keeping it would keep the guest's
 * memory after the hypervisor's end. */
static void look_at_file(int directory, const char *path, struct memory_backend *backend)
{
    cleanup_close int descriptor = openat(directory, path, O_PATH | O_CLOEXEC);
    struct statfs file_system;

    if (descriptor < 0 || fstatfs(descriptor, &file_system) < 0)
        return;
    backend->hugetlb = file_system.f_type == HUGETLBFS_MAGIC;
    backend->on_disk = !backend->hugetlb && file_system.f_type != TMPFS_MAGIC;
}

static void match_descriptor(struct hypervisor_process *process, const char *number)
{
    char path[32];
    struct stat file;
    const char *digits = number;
    uint64_t descriptor;

    if (number_scan(&digits, &descriptor) < 0 || *digits != '\0' || descriptor > INT32_MAX)
        return;
    snprintf(path, sizeof(path), "fd/%" PRIu64, descriptor);
    if (fstatat(process->directory, path, &file, 0) < 0 || !S_ISREG(file.st_mode))
        return;
    for (uint32_t i = 0; i < process->backend_count; i++) {
        struct memory_backend *backend = &process->backends[i];

        if (backend->descriptor < 0 && backend->device == file.st_dev &&
            backend->inode == file.st_ino) {
            backend->descriptor = (int)descriptor;
            look_at_file(process->directory, path, backend);
        }
    }
}

static int match_descriptors(struct hypervisor_process *process)
{
    int descriptor = openat(process->directory, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cleanup_closedir DIR *directory = NULL;

    if (descriptor < 0)
        return process_gone(-errno);
    directory = fdopendir(descriptor);
    if (directory == NULL) {
        close(descriptor);
        return -ENOMEM;
    }
    for (const struct dirent *entry = readdir(directory); entry != NULL; entry = readdir(directory))
        match_descriptor(process, entry->d_name);
    return 0;
}

/* Finds a shared file of this size that has not been found for another backend. */
static struct memory_backend *find_size(struct hypervisor_process *process, uint64_t size)
{
    uint64_t page_size = (uint64_t)sysconf(_SC_PAGESIZE);

    for (uint32_t i = 0; i < process->backend_count; i++) {
        struct memory_backend *backend = &process->backends[i];

        if (backend->shared && backend->foreign && backend->mapped >= size &&
            backend->mapped - size < page_size)
            return backend;
    }
    return NULL;
}

/* What is not found to be the guest's is foreign, unless the guest's is not all found. */
static void mark_foreign(struct hypervisor_process *process)
{
    const struct guest_backing *backing = &process->backing;
    bool all_found = is_known(backing);

    for (uint32_t i = 0; i < process->backend_count; i++)
        process->backends[i].foreign = process->backends[i].shared;
    for (uint64_t i = 0; i < backing->shared_count && all_found; i++) {
        struct memory_backend *backend = find_size(process, backing->shared[i]);

        all_found = backend != NULL;
        if (all_found)
            backend->foreign = false;
    }
    for (uint32_t i = 0; i < process->backend_count && !all_found; i++)
        process->backends[i].foreign = false;
}

/* A shared file that nobody has open any more is seen by RssShmem only. */
static bool is_kept(struct hypervisor_process *process, const struct memory_backend *backend)
{
    if (!backend->shared)
        return backend->hugetlb;
    if (backend->descriptor < 0)
        process->shared_mapped += backend->foreign ? 0 : backend->mapped;
    else if (backend->on_disk)
        process->disk_mapped += backend->mapped;
    else
        return true;
    return false;
}

static void keep_memory(struct hypervisor_process *process)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < process->backend_count; i++)
        if (is_kept(process, &process->backends[i]))
            process->backends[kept++] = process->backends[i];
    assert(kept <= process->backend_count);
    process->backend_count = kept;
}

/* What is kept is the guest's or somebody else's memory, and can be measured. */
static void check(const struct hypervisor_process *process)
{
    for (uint32_t i = 0; i < process->backend_count; i++) {
        const struct memory_backend *backend = &process->backends[i];

        assert(backend->mapped >= BACKEND_SIZE_MIN);
        assert(!backend->foreign || backend->shared);
        assert(!backend->on_disk || !backend->shared);
        assert(backend->shared ? backend->descriptor >= 0 : backend->hugetlb);
    }
}

int hypervisor_process_find_backends(struct hypervisor_process *process)
{
    int r = read_mappings(process);

    if (r == 0)
        r = match_descriptors(process);
    mark_foreign(process);
    keep_memory(process);
    check(process);
    return r;
}

/* ---- the process ---- */

void hypervisor_process_init(struct hypervisor_process *process)
{
    *process = (struct hypervisor_process){.directory = -1, .status = -1, .statm = -1};
}

void hypervisor_process_finish(struct hypervisor_process *process)
{
    if (process->status >= 0)
        close(process->status);
    if (process->statm >= 0)
        close(process->statm);
    if (process->directory >= 0)
        close(process->directory);
    hypervisor_process_init(process);
    assert(!hypervisor_process_is_open(process) && process->backend_count == 0);
}

static int open_files(struct hypervisor_process *process, int root, pid_t pid)
{
    char path[32];
    char stat_text[1024];
    int r;

    snprintf(path, sizeof(path), "proc/%d", (int)pid);
    process->directory = openat(root, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (process->directory < 0)
        return process_gone(-errno);
    process->status = openat(process->directory, "status", O_RDONLY | O_CLOEXEC);
    if (process->status < 0)
        return process_gone(-errno);
    process->statm = openat(process->directory, "statm", O_RDONLY | O_CLOEXEC);
    r = file_read_into(process->directory, "stat", stat_text, sizeof(stat_text));
    if (r < 0)
        return process_gone(r);
    return process_start_time_parse(stat_text, &process->start_time);
}

int hypervisor_process_open(struct hypervisor_process *process, int root, pid_t pid,
                            struct error *error)
{
    int r;

    hypervisor_process_finish(process);
    r = open_files(process, root, pid);
    if (r == 0)
        r = hypervisor_process_find_backends(process);
    if (r < 0) {
        hypervisor_process_finish(process);
        return error_set(error, r, "cannot read /proc/%d of the hypervisor: %s%s", (int)pid,
                         strerror(-r), r == -EACCES || r == -EPERM ? "; run as root" : "");
    }
    process->pid = pid;
    assert(hypervisor_process_is_open(process) && process->last_time == 0);
    return 0;
}

bool hypervisor_process_has_argument(const struct hypervisor_process *process, const char *argument)
{
    cleanup_free char *text = NULL;
    size_t length;

    if (!hypervisor_process_is_open(process) ||
        file_read(process->directory, "cmdline", COMMAND_LINE_MAX, &text, &length) < 0)
        return false;
    for (const char *word = text; word < text + length; word += strlen(word) + 1)
        if (strcmp(word, argument) == 0)
            return true;
    return false;
}

int hypervisor_process_take_backing(struct hypervisor_process *process,
                                    const struct guest_backing *backing)
{
    if (memcmp(&process->backing, backing, sizeof(*backing)) == 0)
        return 0;
    process->backing = *backing;
    return hypervisor_process_is_open(process) ? hypervisor_process_find_backends(process) : 0;
}

struct mapped {
    uint64_t memory; /* of all files in memory */
    uint64_t hugetlb;
    uint64_t private_hugetlb;
};

static struct mapped sum_up(const struct hypervisor_process *process)
{
    struct mapped mapped = {.memory = process->shared_mapped};

    for (uint32_t i = 0; i < process->backend_count; i++) {
        const struct memory_backend *backend = &process->backends[i];

        mapped.memory += backend->mapped;
        mapped.hugetlb += backend->hugetlb ? backend->mapped : 0;
        mapped.private_hugetlb += backend->hugetlb && !backend->shared ? backend->mapped : 0;
    }
    assert(mapped.private_hugetlb <= mapped.hugetlb && mapped.hugetlb <= mapped.memory);
    return mapped;
}

/* Anonymous is what is private and not of huge pages. Where the hypervisor does not say what is
 * private, it is what files do not account for. Huge pages that no file is known of are taken to be
 * all of it. */
uint64_t backends_anonymous_size(const struct hypervisor_process *process, uint64_t ram)
{
    struct mapped mapped = sum_up(process);
    uint64_t size;

    if (process->last.hugetlb > mapped.hugetlb)
        return 0;
    if (is_known(&process->backing))
        return saturating_subtract(process->backing.private_bytes, mapped.private_hugetlb);
    if (ram == 0)
        return mapped.memory == 0 ? UINT64_MAX : 0;
    size = saturating_subtract(ram, mapped.memory + process->disk_mapped);
    assert(size <= ram);
    return size >= BACKEND_SIZE_MIN ? size : 0;
}
