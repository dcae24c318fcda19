/* A listening UNIX socket with a file. */
#ifndef VMRECLAIM_TESTS_LAB_VSOCK_DEVICE_LISTENER_H
#define VMRECLAIM_TESTS_LAB_VSOCK_DEVICE_LISTENER_H

#include "common/base/error.h"

/* Returns a non-blocking descriptor. The file appears once connecting to it works. -EADDRINUSE:
 * there is a file already. */
int listener_open(const char *path, struct error *error);

/* A connected stream to a listener at `path`; non-blocking; negative errno. */
int listener_dial(const char *path);

#endif
