/* Where browsers come in: one listening socket on the loop. The daemon itself opens no TCP port, so
 * this is no part of common/transport. */
#ifndef VMRECLAIM_CONTROLLER_WEB_DOOR_H
#define VMRECLAIM_CONTROLLER_WEB_DOOR_H

#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

#include "common/base/error.h"

struct door;

/* `descriptor` is the callback's from now on; non-blocking and close-on-exec. */
typedef void (*door_callback)(int descriptor, void *userdata);

/* Listens on "127.0.0.1:PORT", "[ADDRESS]:PORT", "unix:PATH" (mode 0660), or "fd:N", a listening
 * socket of the service manager. Takes nobody before door_start. -EINVAL: no such address. */
int door_open(uv_loop_t *loop, const char *text, door_callback on_accept, void *userdata,
              struct door **ret_door, struct error *error);

/* Whether only this machine can reach it: a UNIX socket, or a loopback address. */
bool door_is_local(const struct door *door);

/* Whether it is a UNIX socket, which no browser reaches by itself. */
bool door_is_unix(const struct door *door);

/* The address with the port that the kernel chose for port 0; `size` >= 160 always fits. */
const char *door_address(const struct door *door, char *buffer, size_t size);

void door_start(struct door *door);

/* Removes the socket file that it made; frees on the loop's next turns. NULL is fine. */
void door_close(struct door *door);

#endif
