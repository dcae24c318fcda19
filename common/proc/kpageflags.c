/* /proc/kpageflags. */
#include "common/proc/kpageflags.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/types.h>
#include <unistd.h>

int kpageflags_open(int root)
{
    int descriptor = openat(root, "proc/kpageflags", O_RDONLY | O_CLOEXEC);
    return descriptor < 0 ? -errno : descriptor;
}

int kpageflags_read(int descriptor, uint64_t pfn, size_t count, uint64_t *ret_flags)
{
    size_t have = 0;

    while (have < count) {
        uint64_t offset = (pfn + have) * sizeof(uint64_t);
        ssize_t n =
            pread(descriptor, ret_flags + have, (count - have) * sizeof(uint64_t), (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -errno;
        if ((size_t)n < sizeof(uint64_t))
            break;
        have += (size_t)n / sizeof(uint64_t);
    }
    for (; have < count; have++)
        ret_flags[have] = KPAGEFLAGS_NOPAGE;
    return 0;
}
