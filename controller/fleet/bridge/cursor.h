/* Up to which of its daemon's records a host has told its fleet, in a file. */
#ifndef VMRECLAIM_CONTROLLER_FLEET_BRIDGE_CURSOR_H
#define VMRECLAIM_CONTROLLER_FLEET_BRIDGE_CURSOR_H

#include <stdint.h>

#define CURSOR_STORE_SIZE 32

struct cursor {
    char store[CURSOR_STORE_SIZE]; /* of the daemon; "": nothing was told yet */
    uint64_t number;               /* of the last record that the bus has acknowledged */
};

/* -ENOENT: there is none; -EUCLEAN: it is none of ours; -errno of reading. */
int cursor_read(const char *path, struct cursor *ret_cursor);

/* Whole or as it was, also after a power cut. -errno. */
int cursor_write(const char *path, const struct cursor *cursor);

#endif
