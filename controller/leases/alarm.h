/* Guests that are short of memory while a balloon, ours or somebody else's, holds some of it.
 * Writes vm->starvation. The begin and the end are VM_EVENT_ALARM; the end
 * says whether the guest shows no shortage any more, its balloon gave way, or all of it ended. */
#ifndef VMRECLAIM_CONTROLLER_LEASES_ALARM_H
#define VMRECLAIM_CONTROLLER_LEASES_ALARM_H

#include "controller/vms/supervisor.h"

#define ALARM_BYTES 384

/* An event of the VM, which may bring what its guest says of itself. */
void alarm_take(const struct vm_event *event);

/* Once a second. */
void alarm_visit(struct vm *vm);

/* Who holds what of a guest that is starved, and how it shows: one sentence. "": it is not. */
const char *alarm_text(const struct vm *vm, char text[ALARM_BYTES]);

/* UNIX nanoseconds; 0: it is not. */
int64_t alarm_since(const struct vm *vm);

#endif
