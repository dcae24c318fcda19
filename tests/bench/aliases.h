/* One listening socket under many names: vmreclaimd wants an address of its own for each agent, and
 * connect(2) follows symbolic links. */
#ifndef VMRECLAIM_TESTS_BENCH_ALIASES_H
#define VMRECLAIM_TESTS_BENCH_ALIASES_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/transport/address.h"

/* Makes PATH.0 … PATH.<count-1> for the UNIX socket at PATH. */
static inline void make_aliases(const struct address *address, unsigned count)
{
    char name[sizeof(address->path) + 16];

    for (unsigned i = 0; i < count; i++) {
        snprintf(name, sizeof(name), "%s.%u", address->path, i);
        if (symlink(address->path, name) < 0 && errno != EEXIST) {
            fprintf(stderr, "%s: %s\n", name, strerror(errno));
            exit(1);
        }
    }
}

#endif
