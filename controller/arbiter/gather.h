/* What the arbiter is shown of the host and of one VM.
 *
 * A guest's available and trapped memory are its agent's words, or its balloon driver's. All else
 * that its size has is in use: so what nobody accounts for is not taken for idle. */
#ifndef VMRECLAIM_CONTROLLER_ARBITER_GATHER_H
#define VMRECLAIM_CONTROLLER_ARBITER_GATHER_H

#include "controller/arbiter/types.h"
#include "controller/config/arbiter-settings.h"
#include "controller/host/cgroup.h"
#include "controller/host/host.h"
#include "controller/leases/foreign.h"
#include "controller/vms/supervisor.h"

/* What is kept for one VM. All zeroes: nothing. */
struct vm_arbiter {
    struct arbiter_memory memory;
    struct arbiter_memory kept; /* as it stands in the store, for the next daemon */
    bool is_recalled;           /* what an earlier daemon knew of it is in it */
    struct foreign_watch foreign;
    nsec_t pressed;   /* CLOCK_BOOTTIME until which it counts as in need; 0: it said nothing */
    pid_t pid;        /* of its hypervisor, whose cgroup was looked up; 0: none was */
    nsec_t look_up;   /* CLOCK_BOOTTIME of the next time */
    char *cgroup;     /* NULL: it is not known */
    nsec_t ask_back;  /* ... its memory is not asked back again before, while the arbiter is off */
    bool was_refused; /* ... and that this was refused was said */
    uint64_t own;     /* bytes that it took of a reservation of its own: see reserve.c */
};

/* `reserved` bytes are kept for VMs that start. The watermarks rise, whatever was configured. */
struct arbiter_host gather_host(const struct host_facts *facts,
                                const struct arbiter_settings *settings, uint64_t reserved,
                                nsec_t now);

/* `memory` is what is remembered of the VM: `kept`'s, or a copy of it. */
struct arbiter_vm gather_vm(const struct vm *vm, const struct vm_arbiter *kept,
                            struct arbiter_memory *memory, nsec_t now);

/* Looks up the cgroup of the VM's hypervisor, now and then. */
void gather_cgroup(struct vm_arbiter *kept, const struct vm *vm, nsec_t now);

/* NULL is fine. */
void gather_destroy(struct vm_arbiter *kept);

/* What an event says of its VM. */
void gather_take_event(struct vm_arbiter *kept, const struct vm_event *event, nsec_t now);

#endif
