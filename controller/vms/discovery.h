/* Finds VMs by itself: hypervisors that run, and VMs that drivers report, as libvirt's does.
 *
 * Theory of operation: processes are looked for on a thread of libuv's pool, one look at a time,
 * because what is read may hang. Proxmox VE's file system, which has their names, has a thread of
 * its own, and the look goes on without it. A driver's discovery reports by callbacks. What either
 * finds goes to found.h.
 *
 * Failure modes: a discovery that fails is tried again within two seconds, and meanwhile what it
 * found stays. libvirt that nobody configured is looked for until its socket is there; a driver
 * that is not installed is reported once. */
#ifndef VMRECLAIM_CONTROLLER_VMS_DISCOVERY_H
#define VMRECLAIM_CONTROLLER_VMS_DISCOVERY_H

#include "controller/vms/supervisor.h"

struct discovery {
    struct supervisor *supervisor;
    uv_timer_t timer;
    bool stopping;
    /* processes */
    bool ignores_processes;
    nsec_t look_next; /* CLOCK_BOOTTIME */
    uv_work_t work;
    bool working;
    struct found_process *processes; /* what the thread found */
    size_t process_count;
    int process_status;
    struct proxmox_names *names; /* the thread's; NULL: no processes are looked for */
    int names_status;
    bool names_hang; /* that was said */
    /* a driver's */
    const char *libvirt;             /* the URI, "none", or "": when it is there */
    struct hypervisor_address place; /* no driver: there is none, or not yet */
    struct driver_discovery *session;
    nsec_t retry; /* CLOCK_BOOTTIME */
    char problem[256];
};

/* `libvirt` is kept. -errno of libuv, -ENOMEM. */
int discovery_init(struct discovery *discovery, struct supervisor *supervisor,
                   bool ignores_processes, const char *libvirt);

/* Closes all; the loop runs until it is closed. */
void discovery_stop(struct discovery *discovery);

/* After the loop. */
void discovery_finish(struct discovery *discovery);

#endif
