/* How much of a hypervisor's anonymous memory is its own and not the guest's.
 *
 * Its own part is counted, not the guest's. That is a few thousand pages where a guest has
 * millions. */
#include "controller/footprint/overhead.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/cleanup.h"
#include "common/base/number.h"
#include "common/base/util.h"
#include "controller/footprint/process.h"

#define MAPPINGS_MAX  16384
#define OWN_BYTES_MAX (8 * GIB) /* mapped; stacks and heaps of hundreds of threads fit */

/* Documentation/admin-guide/mm/pagemap.rst */
#define PAGEMAP_FILE    (UINT64_C(1) << 61) /* or shared */
#define PAGEMAP_PRESENT (UINT64_C(1) << 63)
#define PAGEMAP_ENTRIES 4096

static uint64_t size_of(const struct mapping *mapping)
{
    return mapping->end - mapping->start;
}

static int by_size_descending(const void *a, const void *b)
{
    const struct mapping *x = a;
    const struct mapping *y = b;
    uint64_t size_x = size_of(x);
    uint64_t size_y = size_of(y);

    return size_x < size_y ? 1 : size_x > size_y ? -1 : 0;
}

/* Private mappings that may hold anonymous pages: also files', once written to, but not the host's
 * huge pages, which are none of RssAnon. */
static size_t collect_private(const struct hypervisor_process *process, const char *text,
                              struct mapping *mappings)
{
    size_t count = 0;

    while (count < MAPPINGS_MAX && maps_next(&text, &mappings[count]))
        if (mappings[count].accessible && !mappings[count].shared &&
            !backends_have_file(process, &mappings[count]))
            count++;
    assert(count <= MAPPINGS_MAX);
    return count;
}

/* The first mapping from `from` on that can be the guest's while `missing` bytes of it are not
 * found; `count`: none can. The largest come first. */
static size_t next_of_guest(const struct mapping *mappings, size_t count, size_t from,
                            uint64_t missing, bool must_fit)
{
    while (from < count && (!mappings[from].writable || mappings[from].inode != 0 ||
                            (must_fit && size_of(&mappings[from]) > missing)))
        from++;
    return from;
}

/* Marks as the guest's the largest mappings that may be memory, until `size` is reached. When they
 * `must_fit`, larger ones than what is missing are passed over and the sum must be exact. */
static bool find_guest(const struct mapping *mappings, size_t count, uint64_t size, bool must_fit,
                       bool *is_guest)
{
    uint64_t missing = size;

    memset(is_guest, 0, count * sizeof(*is_guest));
    for (size_t i = 0; missing > 0; i++) {
        i = next_of_guest(mappings, count, i, missing, must_fit);
        if (i == count)
            return false;
        assert(!is_guest[i] && (!must_fit || size_of(&mappings[i]) <= missing));
        is_guest[i] = true;
        missing -= min_of(missing, size_of(&mappings[i]));
    }
    return true;
}

/* Takes the guest's mappings out and returns how many are left. A hypervisor has mappings larger
 * than a small guest's, such as those of translated code. So mappings that are the guest to the
 * byte are looked for first. The kernel may have joined the guest's with others. -ENODATA: all
 * together do not reach `size`. */
static ssize_t take_guest_out(struct mapping *mappings, size_t count, uint64_t size)
{
    cleanup_free bool *is_guest = calloc(MAPPINGS_MAX, sizeof(*is_guest));
    size_t left = 0;

    if (is_guest == NULL)
        return -ENOMEM;
    qsort(mappings, count, sizeof(*mappings), by_size_descending);
    if (!find_guest(mappings, count, size, true, is_guest) &&
        !find_guest(mappings, count, size, false, is_guest))
        return -ENODATA;
    for (size_t i = 0; i < count; i++)
        if (!is_guest[i])
            mappings[left++] = mappings[i];
    assert(left < count); /* the guest has one at least */
    return (ssize_t)left;
}

static uint64_t count_anonymous(const uint64_t *entries, size_t count)
{
    uint64_t pages = 0;

    for (size_t i = 0; i < count; i++)
        pages += (entries[i] & (PAGEMAP_PRESENT | PAGEMAP_FILE)) == PAGEMAP_PRESENT;
    return pages;
}

/* Adds the mapping's anonymous pages. A read ends early where the address space does. */
static int add_pages(int pagemap, const struct mapping *mapping, uint64_t page_size,
                     uint64_t *entries, uint64_t *pages)
{
    uint64_t page = mapping->start / page_size;
    uint64_t end = mapping->end / page_size;

    while (page < end) {
        size_t wanted = min_of(end - page, (uint64_t)PAGEMAP_ENTRIES) * sizeof(*entries);
        ssize_t n = pread(pagemap, entries, wanted, (off_t)(page * sizeof(*entries)));
        size_t got = n <= 0 ? 0 : (size_t)n / sizeof(*entries);

        if (n < 0)
            return -errno;
        if (got == 0)
            return 0;
        *pages += count_anonymous(entries, got);
        page += got;
        assert(page <= end);
    }
    return 0;
}

static int measure_own(const struct hypervisor_process *process, const struct mapping *mappings,
                       size_t count, uint64_t *ret_bytes)
{
    cleanup_close int pagemap = openat(process->directory, "pagemap", O_RDONLY | O_CLOEXEC);
    cleanup_free uint64_t *entries = NULL;
    uint64_t page_size = (uint64_t)sysconf(_SC_PAGESIZE);
    uint64_t mapped = 0;
    uint64_t pages = 0;

    if (pagemap < 0)
        return -errno;
    entries = calloc(PAGEMAP_ENTRIES, sizeof(*entries));
    if (entries == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++) {
        int r;

        mapped += mappings[i].end - mappings[i].start;
        if (mapped > OWN_BYTES_MAX)
            return -E2BIG;
        r = add_pages(pagemap, &mappings[i], page_size, entries, &pages);
        if (r < 0)
            return r;
    }
    *ret_bytes = pages * page_size;
    return 0;
}

int footprint_calibrate(struct hypervisor_process *process, uint64_t ram)
{
    cleanup_free struct mapping *mappings = NULL;
    cleanup_free char *text = NULL;
    uint64_t size = backends_anonymous_size(process, ram);
    ssize_t count;
    int r;

    if (size == 0)
        return 0;
    r = maps_read(process->directory, &text);
    if (r < 0)
        return r;
    mappings = calloc(MAPPINGS_MAX, sizeof(*mappings));
    if (mappings == NULL)
        return -ENOMEM;
    count = take_guest_out(mappings, collect_private(process, text, mappings), size);
    if (count < 0)
        return (int)count;
    return measure_own(process, mappings, (size_t)count, &process->overhead);
}
