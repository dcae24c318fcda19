/* Where leases outlive the daemon. The store implements it; tests keep it in memory. */
#ifndef VMRECLAIM_LEASES_JOURNAL_H
#define VMRECLAIM_LEASES_JOURNAL_H

#include "common/base/error.h"
#include "controller/leases/lease.h"

typedef int (*lease_visitor)(const struct lease *lease, void *userdata);

struct lease_journal {
    void *userdata;
    /* Adds the lease or replaces the one with its id. Durable on return: a crash of the machine
     * after it loses nothing. On failure nothing has changed. */
    int (*put)(void *userdata, const struct lease *lease, struct error *error);
    /* Durable too; an id that is not there is fine. */
    int (*remove)(void *userdata, uint64_t id, struct error *error);
    /* Calls `visit` for each lease; a negative errno of it ends the walk and is returned. */
    int (*load)(void *userdata, lease_visitor visit, void *visitor_userdata, struct error *error);
};

#endif
