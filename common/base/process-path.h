/* Paths as other processes name them.
 *
 * A process in a jail or a container has a root of its own. What it calls "/run/x.sock" we reach as
 * "/proc/PID/root/run/x.sock". Links in there may be anybody's, and point out. So such paths are
 * opened as the process itself would, and nothing in them leads out. Linux 5.6. */
#ifndef VMRECLAIM_COMMON_BASE_PROCESS_PATH_H
#define VMRECLAIM_COMMON_BASE_PROCESS_PATH_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* What process `pid` calls `path`, for us: as it is where that leads us to the same file, or where
 * it was opened before the process went into its jail (QEMU's -chroot); else below /proc/PID/root.
 * `root` has proc/. A relative path is from the process' working directory. -errno. */
int process_path_make(int root, pid_t pid, const char *path, char *text, size_t size);

/* Opens it with O_PATH; any other path as it is. `root` has proc/, AT_FDCWD: the machine's. The
 * descriptor, or -errno; -ENOSYS: Linux is older. */
int process_path_open(int root, const char *path);

/* Another number for another file at this path of the machine's; 0: there is none. */
uint64_t process_path_identify(const char *path);

/* A socket's path for connect(2), which takes no descriptor. */
struct process_socket {
    int descriptor; /* -1: none */
    char text[108]; /* for sun_path */
};

/* -errno; otherwise it is released once it was connected to. */
int process_socket_hold(struct process_socket *socket, const char *path);
void process_socket_release(struct process_socket *socket);

#endif
