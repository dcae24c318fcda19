/* Hypervisors that were found: in a directory of sockets, by their processes, by a driver that
 * reports many. Writes vm->found.
 *
 * One VM is one record, however many find it. It is the same by its address, its UUID, its process
 * (number and start time) or its socket. Two processes are two VMs, whatever UUID they report. Of
 * several ways to reach it the best counts. That is a VM file's, then a driver that reports many,
 * then a socket that nobody else is known to hold.
 *
 * A VM that was only found is only observed. */
#ifndef VMRECLAIM_CONTROLLER_VMS_FOUND_H
#define VMRECLAIM_CONTROLLER_VMS_FOUND_H

#include "common/base/error.h"
#include "controller/config/problems.h"
#include "controller/vms/supervisor.h"

struct finding {
    struct hypervisor_address address; /* no driver: there is no way to reach it */
    const char *problem;               /* then: why */
    struct driver_vm vm;
    uint64_t start_time; /* of its process; 0: not known */
};

/* Somebody found it, or found out more. -EINVAL, -ENOMEM. */
int vms_found(struct supervisor *supervisor, enum finder finder, const struct finding *finding,
              struct error *error);

/* The finder has reported all there are since this was last called: others lose this finder. */
void vms_found_all(struct supervisor *supervisor, enum finder finder);

/* The finder begins again to report all there are: what it reported until now does not count. */
void vms_found_anew(struct supervisor *supervisor, enum finder finder);

/* It is not there any more. The last finder takes the source along. */
void vm_found_gone(struct vm *vm, enum finder finder);

/* All hypervisors of a directory. */
void supervisor_set_found(struct supervisor *supervisor, const struct hypervisor_address *addresses,
                          size_t count, struct problems *problems);

/* Once its hypervisor has said who it is: it may be a VM that has a record already. Of the two one
 * remains; true: this one is gone. Not from a callback of its session. */
bool vm_found_join(struct vm *vm);

#endif
