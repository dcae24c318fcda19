/* What one domain is asked, on a lane's thread. Before its monitor is needed, libvirt is asked who
 * holds it, and the kernel in what state QEMU is. Where either is in trouble, nothing is asked and
 * the call comes back as put off. */
#ifndef VMRECLAIM_CONTROLLER_HYPERVISORS_LIBVIRT_DOMAIN_CALL_H
#define VMRECLAIM_CONTROLLER_HYPERVISORS_LIBVIRT_DOMAIN_CALL_H

#include "common/base/error.h"
#include "controller/hypervisors/driver.h"
#include "controller/hypervisors/libvirt/lane.h"

struct domain_call {
    struct lane_job job;
    enum driver_operation kind;
    char uuid[37];
    pid_t pid;      /* of its QEMU, as far as it is known; 0: not */
    uint64_t value; /* of set_balloon: bytes as libvirt counts them; of set_interval: s */
    /* ---- what came of it ---- */
    bool is_put_off; /* nothing was asked; `error` says why */
    int status;
    enum driver_outcome outcome;
    struct error error;
    struct driver_facts facts; /* of facts, and the balloon's sizes of balloon */
    uint64_t beyond_balloon;   /* likewise */
    struct driver_statistics statistics;
};

/* The job's `run`. */
void domain_call_run(struct lane_job *job, struct connection *connection);

#endif
