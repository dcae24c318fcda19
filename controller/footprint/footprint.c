/* Measures what a VM occupies on the host.
 *
 * Backends are found once, from the shared writable mappings in /proc/PID/maps and the descriptors
 * that name the same file. A reading then costs one pread of the status file and one fstatat per
 * backend: tens of microseconds, no lock of the hypervisor's address space. */
#include "controller/footprint/footprint.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "common/base/cleanup.h"
#include "common/base/file.h"
#include "common/base/number.h"
#include "common/base/util.h"
#include "controller/footprint/process.h"

#define STATUS_BYTES     4096
#define MAPS_BYTES_MAX   (16u << 20)
#define BACKEND_SIZE_MIN MIB /* smaller shared mappings are rings and framebuffers */
#define STAT_BLOCK       512u

/* The kernel answers both for a dead process, depending on what is read. */
static int gone(int r)
{
    return r == -ENOENT ? -ESRCH : r;
}

void hypervisor_process_init(struct hypervisor_process *process)
{
    *process = (struct hypervisor_process){.directory = -1, .status = -1, .statm = -1};
}

void hypervisor_process_finish(struct hypervisor_process *process)
{
    if (process->status >= 0)
        (void)close(process->status);
    if (process->statm >= 0)
        (void)close(process->statm);
    if (process->directory >= 0)
        (void)close(process->directory);
    hypervisor_process_init(process);
}

/* Adds to the backend with the mapping's file, or makes one. */
static void add_mapping(struct hypervisor_process *process, const struct mapping *mapping)
{
    uint64_t size = mapping->end - mapping->start;

    for (uint32_t i = 0; i < process->backend_count; i++) {
        struct memory_backend *backend = &process->backends[i];

        if (backend->device == mapping->device && backend->inode == mapping->inode) {
            backend->mapped += size;
            return;
        }
    }
    if (process->backend_count == HYPERVISOR_BACKENDS_MAX) {
        process->shared_mapped += size;
        return;
    }
    process->backends[process->backend_count++] = (struct memory_backend){
        .descriptor = -1,
        .device = mapping->device,
        .inode = mapping->inode,
        .mapped = size,
    };
}

static int read_mappings(struct hypervisor_process *process)
{
    cleanup_free char *text = NULL;
    size_t length;
    int r = file_read(process->directory, "maps", MAPS_BYTES_MAX, &text, &length);

    if (r < 0)
        return gone(r);
    process->backend_count = 0;
    process->shared_mapped = 0;
    for (const char *line = text; line != NULL && *line != '\0';) {
        struct mapping mapping;

        if (mapping_parse(line, &mapping) == 0 && mapping.shared && mapping.writable &&
            mapping.inode != 0 && mapping.end - mapping.start >= BACKEND_SIZE_MIN)
            add_mapping(process, &mapping);
        line = strchr(line, '\n');
        if (line != NULL)
            line++;
    }
    return 0;
}

/* Whether huge pages of the host's pool back the file. The descriptor lives only here: keeping it
 * would keep the guest's memory after the hypervisor's end. */
static bool is_hugetlb(int directory, const char *path)
{
    cleanup_close int descriptor = openat(directory, path, O_PATH | O_CLOEXEC);
    struct statfs file_system;

    return descriptor >= 0 && fstatfs(descriptor, &file_system) == 0 &&
           file_system.f_type == HUGETLBFS_MAGIC;
}

static void match_descriptor(struct hypervisor_process *process, const char *number)
{
    char path[32];
    struct stat file;
    const char *digits = number;
    uint64_t descriptor;

    if (number_scan(&digits, &descriptor) < 0 || *digits != '\0' || descriptor > INT32_MAX)
        return;
    (void)snprintf(path, sizeof(path), "fd/%" PRIu64, descriptor);
    if (fstatat(process->directory, path, &file, 0) < 0)
        return;
    for (uint32_t i = 0; i < process->backend_count; i++) {
        struct memory_backend *backend = &process->backends[i];

        if (backend->descriptor < 0 && backend->device == file.st_dev &&
            backend->inode == file.st_ino && S_ISREG(file.st_mode)) {
            backend->descriptor = (int)descriptor;
            backend->hugetlb = is_hugetlb(process->directory, path);
        }
    }
}

static int match_descriptors(struct hypervisor_process *process)
{
    int descriptor = openat(process->directory, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cleanup_closedir DIR *directory = NULL;

    if (descriptor < 0)
        return gone(-errno);
    directory = fdopendir(descriptor);
    if (directory == NULL) {
        (void)close(descriptor);
        return -ENOMEM;
    }
    for (const struct dirent *entry = readdir(directory); entry != NULL; entry = readdir(directory))
        match_descriptor(process, entry->d_name);
    return 0;
}

/* A backend whose file nobody has open any more is seen by RssShmem only. */
static void drop_unmatched(struct hypervisor_process *process)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < process->backend_count; i++) {
        if (process->backends[i].descriptor < 0)
            process->shared_mapped += process->backends[i].mapped;
        else
            process->backends[kept++] = process->backends[i];
    }
    process->backend_count = kept;
}

int hypervisor_process_find_backends(struct hypervisor_process *process)
{
    int r = read_mappings(process);

    if (r == 0)
        r = match_descriptors(process);
    drop_unmatched(process);
    return r;
}

static int open_files(struct hypervisor_process *process, int root, pid_t pid)
{
    char path[32];
    char stat_text[1024];
    int r;

    (void)snprintf(path, sizeof(path), "proc/%d", (int)pid);
    process->directory = openat(root, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (process->directory < 0)
        return gone(-errno);
    process->status = openat(process->directory, "status", O_RDONLY | O_CLOEXEC);
    if (process->status < 0)
        return gone(-errno);
    process->statm = openat(process->directory, "statm", O_RDONLY | O_CLOEXEC);
    r = file_read_into(process->directory, "stat", stat_text, sizeof(stat_text));
    if (r < 0)
        return gone(r);
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
    return 0;
}

static int read_status(const struct hypervisor_process *process, struct process_status *ret_status)
{
    char text[STATUS_BYTES];
    ssize_t n = pread(process->status, text, sizeof(text) - 1, 0);

    if (n < 0)
        return gone(-errno);
    text[n] = '\0';
    /* A zombie still has a status, without the memory lines. */
    return process_status_parse(text, ret_status) < 0 ? -ESRCH : 0;
}

static void add_backends(const struct hypervisor_process *process, struct host_memory *memory)
{
    for (uint32_t i = 0; i < process->backend_count; i++) {
        const struct memory_backend *backend = &process->backends[i];
        char path[32];
        struct stat file;

        if (backend->hugetlb)
            continue;
        (void)snprintf(path, sizeof(path), "fd/%d", backend->descriptor);
        if (fstatat(process->directory, path, &file, 0) < 0 || file.st_ino != backend->inode ||
            file.st_dev != backend->device)
            continue;
        memory->memfd += (uint64_t)file.st_blocks * STAT_BLOCK;
        memory->sources |= FOOTPRINT_MEMFD;
    }
}

static uint64_t mapped_backends(const struct hypervisor_process *process)
{
    uint64_t mapped = process->shared_mapped;

    for (uint32_t i = 0; i < process->backend_count; i++)
        mapped += process->backends[i].mapped;
    return mapped;
}

/* Guest memory that shared files do not account for is anonymous. Without a known size, any shared
 * file is taken to be all of it. */
static bool has_anonymous_memory(const struct hypervisor_process *process, uint64_t ram)
{
    uint64_t shared = mapped_backends(process);

    return ram == 0 ? shared == 0 : shared < ram - ram / 20;
}

static uint64_t anonymous_of_guest(const struct hypervisor_process *process,
                                   const struct process_status *status)
{
    return status->rss_anonymous > process->overhead ? status->rss_anonymous - process->overhead
                                                     : 0;
}

/* statm costs a fifth of status, and tells all but swap, huge pages and shared memory by itself. */
static int read_quickly(struct hypervisor_process *process)
{
    char text[128];
    ssize_t n = pread(process->statm, text, sizeof(text) - 1, 0);

    if (n < 0)
        return gone(-errno);
    text[n] = '\0';
    return process_statm_parse(text, (uint64_t)sysconf(_SC_PAGESIZE),
                               &process->last.rss_anonymous) < 0
               ? -ESRCH
               : 0;
}

static int refresh_status(struct hypervisor_process *process, nsec_t now)
{
    bool is_recent = process->last_time != 0 && now >= process->last_time &&
                     now - process->last_time < FOOTPRINT_SWAP_AGE;
    int r;

    if (is_recent && process->statm >= 0 && process->shared_mapped == 0 &&
        process->last.hugetlb == 0)
        return read_quickly(process);
    r = read_status(process, &process->last);
    if (r == 0)
        process->last_time = now;
    return r;
}

/* Swapped pages leave the process but stay among the file's blocks. Both are of one moment only
 * when the status was just read. */
static uint64_t swapped_of_backends(struct hypervisor_process *process, uint64_t blocks, nsec_t now)
{
    uint64_t resident = process->last.rss_shared;

    if (process->last_time == now)
        process->swapped_shared =
            min_of(blocks > resident ? blocks - resident : 0, process->host_swap_used);
    return min_of(process->swapped_shared, blocks);
}

int footprint_measure(struct hypervisor_process *process, uint64_t ram, nsec_t now,
                      struct host_memory *ret_memory)
{
    struct host_memory memory = {.time = now};
    const struct process_status *status = &process->last;
    uint64_t swapped_shared;
    int r;

    if (!hypervisor_process_is_open(process))
        return -ESRCH;
    r = refresh_status(process, now);
    if (r < 0)
        return r;
    add_backends(process, &memory);
    swapped_shared = swapped_of_backends(process, memory.memfd, now);
    memory.memfd -= swapped_shared;
    memory.swapped = status->swapped + swapped_shared;
    memory.rss_anonymous = status->rss_anonymous;
    memory.rss_shared = status->rss_shared;
    memory.hugetlb = status->hugetlb;
    memory.footprint = memory.memfd + memory.hugetlb;
    if (memory.hugetlb > 0)
        memory.sources |= FOOTPRINT_HUGETLB;
    if (process->shared_mapped > 0 && memory.rss_shared > memory.memfd) {
        memory.footprint += memory.rss_shared - memory.memfd;
        memory.sources |= FOOTPRINT_RSS_SHARED;
    }
    if (memory.hugetlb == 0 && has_anonymous_memory(process, ram)) {
        memory.footprint += anonymous_of_guest(process, status);
        memory.sources |= FOOTPRINT_RSS_ANONYMOUS;
    }
    *ret_memory = memory;
    return 0;
}

int footprint_huge(const struct hypervisor_process *process, uint64_t *ret_bytes)
{
    char text[4096];
    int r = file_read_into(process->directory, "smaps_rollup", text, sizeof(text));

    if (r < 0)
        return gone(r);
    return process_huge_parse(text, ret_bytes) < 0 ? -EBADMSG : 0;
}

const char *footprint_source_format(unsigned sources, char *buffer, size_t size)
{
    static const struct {
        unsigned sources;
        const char *name;
    } names[] = {
        {FOOTPRINT_MEMFD, "memfd"},
        {FOOTPRINT_RSS_ANONYMOUS | FOOTPRINT_RSS_SHARED, "rss"},
        {FOOTPRINT_HUGETLB, "hugetlb"},
    };
    size_t used = 0;

    buffer[0] = '\0';
    for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
        int n;

        if ((sources & names[i].sources) == 0)
            continue;
        n = snprintf(buffer + used, size - used, "%s%s", used > 0 ? "+" : "", names[i].name);
        used = min_of(used + (size_t)n, size - 1);
    }
    return buffer;
}
