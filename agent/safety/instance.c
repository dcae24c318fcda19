/* The lock of a state directory. */
#include "agent/safety/instance.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "common/base/cleanup.h"

/* Of the process, so a child of it holds nothing, and the kernel knows whose it is. */
int instance_claim(int state_directory, int *ret_claim, pid_t *ret_holder)
{
    cleanup_close int file =
        openat(state_directory, "lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

    if (file < 0)
        return -errno;
    if (fcntl(file, F_SETLK, &lock) == 0) {
        *ret_claim = take_descriptor(file);
        return 0;
    }
    if (errno != EACCES && errno != EAGAIN)
        return -errno;
    if (fcntl(file, F_GETLK, &lock) < 0)
        return -errno;
    /* It may have ended between the two. */
    *ret_holder = lock.l_type == F_UNLCK ? 0 : lock.l_pid;
    return -EBUSY;
}
