/* Where leases outlive the daemon. The store implements it; tests keep it in memory.
 *
 * Answers come on the loop, in the order of the asking, before the function returns or later. */
#ifndef VMRECLAIM_CONTROLLER_LEASES_JOURNAL_H
#define VMRECLAIM_CONTROLLER_LEASES_JOURNAL_H

#include <stddef.h>

#include "common/base/error.h"
#include "controller/leases/lease.h"

/* `status` is 0, or a negative errno with words: then nothing has changed. */
typedef void (*lease_written)(int status, const struct error *error, void *userdata);

/* As lease_written; `leases` live until it returns. */
typedef void (*leases_loaded)(int status, const struct error *error, const struct lease *leases,
                              size_t count, void *userdata);

struct lease_journal {
    void *userdata;
    /* Adds the lease or replaces the one with its id. Durable when it is answered: a crash of the
     * machine after it loses nothing. */
    void (*put)(void *userdata, const struct lease *lease, lease_written done, void *asker);
    /* Durable too; an id that is not there is fine. */
    void (*remove)(void *userdata, uint64_t id, lease_written done, void *asker);
    /* All leases, by id. */
    void (*load)(void *userdata, leases_loaded done, void *asker);
};

#endif
