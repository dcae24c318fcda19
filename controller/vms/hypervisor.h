/* A VM's hypervisor: its driver session, what that says, its end. Writes vm->hypervisor.
 *
 * The binding of a CID to the VM rests on the hypervisor's process. What it said holds as long as
 * that process lives, even while the session is away.
 *
 * Failure modes: a session that fails is closed and tried again as attempts.h says, its reason kept
 * in `condition`. A hypervisor that does not answer in time stays connected and is `silent` until
 * its next word. Whose driver knows when it last spoke is asked after ten seconds' silence. A
 * process that cannot be seen is looked for again. A process that ends takes its VM to `gone`, and
 * to `discovered` again while a source still names it. */
#ifndef VMRECLAIM_CONTROLLER_VMS_HYPERVISOR_H
#define VMRECLAIM_CONTROLLER_VMS_HYPERVISOR_H

#include "controller/vms/supervisor.h"

/* Once a second: session, facts, footprint. */
void vm_hypervisor_visit(struct vm *vm, nsec_t now);

/* Closes the session; the next one is tried at once. Of a hypervisor that lives by
 * vm_leave_hypervisor() only. */
void vm_hypervisor_drop(struct vm *vm);

/* A source changed: the facts are asked for soon. */
void vm_hypervisor_ask_again(struct vm *vm);

/* ... and what it said until now is not believed. */
void vm_hypervisor_doubt(struct vm *vm);

/* Asks for the facts now, unless they are new: QEMU sends no event when a DIMM is plugged. False:
 * they are. */
bool vm_hypervisor_refresh(struct vm *vm);

/* The guest was reset or has booted again, as `text` says: VM_EVENT_RESET. */
void vm_hypervisor_booted(struct vm *vm, const char *text);

/* The guest went back to a snapshot: VM_EVENT_RESTORED follows once the balloon was read again. */
void vm_hypervisor_restored(struct vm *vm);

/* The guest's clock says that it went back since that moment (CLOCK_BOOTTIME). It is believed where
 * the hypervisor had stopped it since, as it does to restore: else VM_EVENT_WENT_BACK. */
void vm_hypervisor_went_back(struct vm *vm, nsec_t since);

/* Measures the host now and joins it with the newest guest sample. 0, or -ESRCH when there is no
 * process to measure. */
int vm_measure(struct vm *vm);

/* vm_calibrate, then vm_measure with its result. */
int vm_measure_exactly(struct vm *vm);

/* "ready", or why its hypervisor reports nothing. Never empty. */
const char *vm_hypervisor_condition(const struct vm *vm);

/* Of every question: an answer in time, also a refusal, or none. */
void vm_hypervisor_note(struct vm *vm, const struct driver_result *result);

/* Asks for the balloon's size; a change comes as VM_EVENT_BALLOON. */
void vm_read_balloon(struct vm *vm);

/* The same many times a second, for a moment each time: a change is VM_EVENT_BALLOON_STEP then. */
void vm_watch_balloon(struct vm *vm);

/* Asks the guest for its memory but `bytes`. `done` as of the driver; -EOPNOTSUPP: it cannot. */
int vm_set_balloon(struct vm *vm, uint64_t bytes, nsec_t timeout, driver_done done, void *userdata);

#endif
