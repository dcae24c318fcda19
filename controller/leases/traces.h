/* What VMs had before our leases, kept long after these: a guest that is restored from what was
 * saved while one held, or that comes back, brings the balloon of then. That is no baseline.
 *
 * One trace per VM, in the journal before the lease that it is of. It is for the process in which
 * the VM was last seen with all it had before, or under a lease. */
#ifndef VMRECLAIM_CONTROLLER_LEASES_TRACES_H
#define VMRECLAIM_CONTROLLER_LEASES_TRACES_H

#include <stddef.h>

#include "controller/leases/lease.h"

#define LEASE_TRACES_MAX 4096 /* more forget the first of the list */

struct lease_trace {
    char vm[64];       /* name */
    char uuid[37];     /* of the VM; empty: none */
    uint64_t baseline; /* 0: none of ours, it came with somebody else's balloon; in no journal */
    uint64_t maximum;  /* with an empty balloon, at the same moment; 0: unknown */
    pid_t pid;
    uint64_t start_time;   /* of the process, /proc/PID/stat */
    char host_boot_id[37]; /* of the host, for the process; empty: not known */
};

/* The store implements it. What is put is durable before a lease that is written after it. */
struct lease_trace_journal {
    void *userdata;
    void (*put)(void *userdata, const struct lease_trace *trace); /* replaces the VM's */
    void (*remove)(void *userdata, const struct lease_trace *trace);
};

/* Zeroes: none, and none is written. */
struct lease_traces {
    struct lease_trace_journal journal;
    struct lease_trace *list; /* the journal's in its order, then what came later, oldest first */
    size_t count;
};

void lease_traces_finish(struct lease_traces *traces);

/* One that the journal had. -ENOMEM. */
int lease_traces_add(struct lease_traces *traces, const struct lease_trace *trace);

/* Of the VM with this UUID, else with this name; NULL: there is none. Valid until the next change.
 */
const struct lease_trace *lease_traces_find(const struct lease_traces *traces, const char *uuid,
                                            const char *vm);

/* Replaces the VM's; written only where something is new. */
void lease_traces_set(struct lease_traces *traces, const struct lease_trace *trace);

/* The lease is to be written. */
void lease_traces_note(struct lease_traces *traces, const struct lease *lease);

/* Someone else has the VM's balloon now. */
void lease_traces_forget(struct lease_traces *traces, const struct lease_trace *trace);

#endif
