#include "tests/lab/vsock-device/mapping.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/stat.h>

/* A file that is too short would end us at the first touch. */
static int check_file(int file, uint64_t size)
{
    struct stat status;

    if (fstat(file, &status) < 0)
        return -errno;
    return S_ISREG(status.st_mode) && (uint64_t)status.st_size >= size ? 0 : -EINVAL;
}

int mapping_add(struct mapping *mapping, const struct memory_region *region, uint64_t offset,
                int file)
{
    struct memory_region mapped = *region;
    size_t index = mapping->memory.count;
    uint64_t size;
    void *start;
    int r;

    if (__builtin_add_overflow(region->size, offset, &size) || size == 0)
        return -EINVAL;
    r = check_file(file, size);
    if (r < 0)
        return r;
    start = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, file, 0);
    if (start == MAP_FAILED)
        return -errno;
    mapped.start = (uint8_t *)start + offset;
    r = memory_add(&mapping->memory, &mapped);
    if (r < 0) {
        (void)munmap(start, size);
        return r;
    }
    mapping->files[index].start = start;
    mapping->files[index].size = size;
    return 0;
}

void mapping_clear(struct mapping *mapping)
{
    for (size_t i = 0; i < mapping->memory.count; i++)
        (void)munmap(mapping->files[i].start, mapping->files[i].size);
    mapping->memory.count = 0;
}
