/* What a VM's memory is: the host's side read from its hypervisor's process, the guest's side as
 * its agent says, joined to the waterfall. Writes vm->measured.
 *
 * A VM is bound to the process that its driver names. The process is held by a descriptor of its
 * /proc directory. So its end is seen with the next reading, and its number may be used again
 * without harm. */
#ifndef VMRECLAIM_CONTROLLER_VMS_MEASURED_H
#define VMRECLAIM_CONTROLLER_VMS_MEASURED_H

#include "common/base/error.h"
#include "controller/vms/supervisor.h"

/* The process behind the VM; another one than before is another hypervisor. -ESRCH. */
int measured_bind(struct vm *vm, pid_t pid, struct error *error);

/* It ended: nothing measured holds any more. */
void measured_unbind(struct vm *vm);

/* The hypervisor's facts are new: what of the process' memory is the guest's? */
void measured_take_backing(struct vm *vm);

/* Memory was plugged. */
void measured_find_backends(struct vm *vm);

/* Measures the host and joins it with the newest guest sample. -ESRCH: there is no process, or it
 * has ended. */
int measured_take_host(struct vm *vm, nsec_t now);

/* measured_take_host, once a second: for the history. */
int measured_visit(struct vm *vm, nsec_t now);

/* `latency` bounds the sample's age. -ERANGE: it cannot be true, and the last one stands. */
int measured_take_guest(struct vm *vm, const Vmreclaim__Agent__V1__MemorySample *sample,
                        nsec_t latency);

/* Joins what is known again, without a new reading. */
void measured_join(struct vm *vm, nsec_t now);

/* The guest's sample that a record for the same guest had. */
void measured_adopt_guest(struct vm *vm, const struct vm *other);

/* The guest has booted, or is another: what was first measured of it comes again. */
void measured_forget_boot(struct vm *vm);

/* Both sides were just measured: the first that hold after a boot are kept for it. */
void measured_note_boot(struct vm *vm);

/* Up to now an action accounts for what came back. */
void measured_claim(struct vm *vm, nsec_t now);

/* Counts anew what the hypervisor holds for itself, where the footprint is what is left. For before
 * a reading that goes into a record: a heap moves by megabytes. A millisecond. */
void vm_calibrate(struct vm *vm);

/* Reads how much of the footprint is in transparent huge pages, where that is evidence. It is, of
 * memory that no part of the guest needs, on a host whose khugepaged may have filled it. Not for
 * large VMs, for which it would take too long. */
void vm_measure_huge(struct vm *vm);

#endif
