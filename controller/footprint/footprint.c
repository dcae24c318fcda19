/* Measures what a VM occupies on the host.
 *
 * Backends are found once, see hypervisor-process.c. A reading then costs one pread of the status
 * file and one fstatat per backend: tens of microseconds, no lock of the hypervisor's address
 * space. */
#include "controller/footprint/footprint.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/cleanup.h"
#include "common/base/file.h"
#include "common/base/number.h"
#include "common/base/util.h"
#include "controller/footprint/process.h"

#define STATUS_BYTES 4096
#define STAT_BLOCK   512u

static int read_status_text(const struct hypervisor_process *process, char text[STATUS_BYTES])
{
    ssize_t n = pread(process->status, text, STATUS_BYTES - 1, 0);

    if (n < 0)
        return process_gone(-errno);
    text[n] = '\0';
    return 0;
}

static int read_status(const struct hypervisor_process *process, struct process_status *ret_status)
{
    char text[STATUS_BYTES];
    int r = read_status_text(process, text);

    if (r < 0)
        return r;
    /* A zombie still has a status, without the memory lines. */
    return process_status_parse(text, ret_status) < 0 ? -ESRCH : 0;
}

/* Bytes that the file holds; 0: the hypervisor has closed it. */
static uint64_t blocks_of(const struct hypervisor_process *process,
                          const struct memory_backend *backend)
{
    char path[32];
    struct stat file;

    snprintf(path, sizeof(path), "fd/%d", backend->descriptor);
    if (fstatat(process->directory, path, &file, 0) < 0 || file.st_ino != backend->inode ||
        file.st_dev != backend->device)
        return 0;
    return (uint64_t)file.st_blocks * STAT_BLOCK;
}

/* Returns the bytes of foreign files. */
static uint64_t add_backends(const struct hypervisor_process *process, struct host_memory *memory)
{
    uint64_t foreign = 0;

    for (uint32_t i = 0; i < process->backend_count; i++) {
        const struct memory_backend *backend = &process->backends[i];

        if (backend->hugetlb)
            continue;
        if (backend->foreign) {
            foreign += blocks_of(process, backend);
            continue;
        }
        memory->memfd += blocks_of(process, backend);
        memory->sources |= FOOTPRINT_MEMFD;
    }
    return foreign;
}

/* What the hypervisor does not hold for itself, and no more than the guest has. */
static uint64_t anonymous_of_guest(const struct hypervisor_process *process, uint64_t size)
{
    uint64_t resident = process->last.rss_anonymous;

    return min_of(size, saturating_subtract(resident, process->overhead));
}

/* statm costs a fifth of status and has everything but swap, huge pages and shared memory by
 * itself. */
static int read_quickly(struct hypervisor_process *process)
{
    char text[128];
    ssize_t n = pread(process->statm, text, sizeof(text) - 1, 0);

    if (n < 0)
        return process_gone(-errno);
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
    assert(r < 0 || process->last_time == now);
    return r;
}

/* Swapped pages leave the process but stay among the file's blocks. Both are of one moment only
 * when the status was just read. */
static uint64_t swapped_of_backends(struct hypervisor_process *process, uint64_t blocks,
                                    uint64_t foreign, nsec_t now)
{
    uint64_t resident = process->last.rss_shared;
    uint64_t all = blocks + foreign;

    if (process->last_time == now)
        process->swapped_shared =
            min_of(saturating_subtract(all, resident), process->host_swap_used);
    return min_of(process->swapped_shared, blocks);
}

/* What the process held at its peak, less what of it is not the guest's now. Never less than now:
 * what files hold beside the process is in no peak of it. */
static uint64_t peak_of(const struct process_status *status, const struct host_memory *memory)
{
    uint64_t guests = min_of(memory->footprint, status->resident);

    return max_of(memory->footprint, saturating_subtract(status->peak, status->resident - guests));
}

int footprint_measure(struct hypervisor_process *process, uint64_t ram, nsec_t now,
                      struct host_memory *ret_memory)
{
    struct host_memory memory = {.time = now};
    const struct process_status *status = &process->last;
    uint64_t swapped_shared;
    uint64_t anonymous;
    uint64_t foreign;
    int r;

    if (!hypervisor_process_is_open(process))
        return -ESRCH;
    r = refresh_status(process, now);
    if (r < 0)
        return r;
    foreign = add_backends(process, &memory);
    swapped_shared = swapped_of_backends(process, memory.memfd, foreign, now);
    assert(swapped_shared <= memory.memfd);
    memory.memfd -= swapped_shared;
    memory.swapped = status->swapped + swapped_shared;
    memory.rss_anonymous = status->rss_anonymous;
    memory.rss_shared = status->rss_shared;
    memory.hugetlb = status->hugetlb;
    memory.footprint = memory.memfd + memory.hugetlb;
    if (memory.hugetlb > 0)
        memory.sources |= FOOTPRINT_HUGETLB;
    if (process->shared_mapped > 0 && memory.rss_shared > memory.memfd + foreign) {
        memory.footprint += memory.rss_shared - memory.memfd - foreign;
        memory.sources |= FOOTPRINT_RSS_SHARED;
    }
    anonymous = backends_anonymous_size(process, ram);
    if (anonymous > 0) {
        memory.footprint += anonymous_of_guest(process, anonymous);
        memory.sources |= FOOTPRINT_RSS_ANONYMOUS;
    }
    memory.peak = peak_of(status, &memory);
    assert(memory.sources != 0 || memory.footprint == 0);
    assert(memory.footprint >= memory.memfd + memory.hugetlb && memory.peak >= memory.footprint);
    *ret_memory = memory;
    return 0;
}

bool footprint_is_locked(const struct hypervisor_process *process, uint64_t ram)
{
    char text[STATUS_BYTES];
    uint64_t locked;
    uint64_t pinned;

    if (ram == 0 || !hypervisor_process_is_open(process) || read_status_text(process, text) < 0 ||
        process_locked_parse(text, &locked, &pinned) < 0)
        return false;
    return pinned >= ram || (locked >= ram && backends_anonymous_size(process, ram) >= ram);
}

int footprint_huge(const struct hypervisor_process *process, uint64_t *ret_bytes)
{
    char text[4096];
    int r = file_read_into(process->directory, "smaps_rollup", text, sizeof(text));

    if (r < 0)
        return process_gone(r);
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
        if ((sources & ~names[i].sources) == 0)
            return names[i].name; /* nearly always */
        n = snprintf(buffer + used, size - used, "%s%s", used > 0 ? "+" : "", names[i].name);
        used = min_of(used + (size_t)n, size - 1);
    }
    assert(used < size && (used > 0 || sources == 0));
    return buffer;
}
