/* When a VM's hypervisor is connected to. Writes vm->attempts.
 *
 * A session that fails is tried again with growing delay. Where one was taken and not greeted,
 * somebody else's client may be in the way: it is tried rarely there, and at once when another sits
 * there. What answers and is no hypervisor is left alone until then, unless its guest may be owed
 * memory. A socket that other tools are known to need is not even connected to. */
#ifndef VMRECLAIM_CONTROLLER_VMS_ATTEMPTS_H
#define VMRECLAIM_CONTROLLER_VMS_ATTEMPTS_H

#include "controller/vms/vm.h"

#define VM_ATTEMPT_TEXT_SIZE 256

/* `now` is CLOCK_BOOTTIME. The VM has a driver and no session. */
bool vm_attempt_may_begin(const struct vm *vm, nsec_t now);

/* Its socket is left to others, as `text` says for a person. */
bool vm_attempt_is_left(const struct vm *vm, char text[VM_ATTEMPT_TEXT_SIZE]);

/* The next one is at once, and the delays begin anew. */
void vm_attempts_reset(struct vm *vm);

/* A session could not be opened, or failed after it was ready. */
void vm_attempt_later(struct vm *vm);

/* ... or failed with this negative errno before. */
void vm_attempt_refused(struct vm *vm, int status);

#endif
