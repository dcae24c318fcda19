/* A lock on a directory. */
#include "controller/state-lock.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

int state_lock_take(const char *directory, int *ret_descriptor, struct error *error)
{
    int descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    *ret_descriptor = descriptor;
    if (descriptor < 0 || flock(descriptor, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK)
        return 0; /* a file system without locks has to do without */
    close(descriptor);
    *ret_descriptor = -1;
    return error_set(error, -EBUSY,
                     "another vmreclaimd keeps its state in %s\n"
                     "stop it, or give this one a --state-directory of its own",
                     directory);
}

bool state_lock_is_taken(const char *directory)
{
    struct error error;
    int descriptor;
    int r = state_lock_take(directory, &descriptor, &error);

    if (descriptor >= 0)
        close(descriptor);
    return r < 0;
}
