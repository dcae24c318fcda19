/* Does for one VM what balloon.h decides: writes the journal, commands the hypervisor, asks the
 * guest. */
#ifndef VMRECLAIM_CONTROLLER_LEASES_CONDUCT_H
#define VMRECLAIM_CONTROLLER_LEASES_CONDUCT_H

#include "controller/leases/table.h"

/* The VM and its guest as they are now. */
struct balloon_input conduct_look(const struct vm *vm);

/* Does all that can be done now. */
void conduct_run(struct lease_keeper *keeper, struct vm *vm, struct balloon_input *input);

/* Puts the action's lease into the journal, or takes it out; then calls `done`, which may be NULL,
 * maybe before it returns. A failure is an event as well. */
typedef void (*conduct_written)(int status, const struct error *error, void *userdata);
void conduct_write(struct lease_keeper *keeper, const struct balloon_action *action,
                   conduct_written done, void *userdata);

/* The hypervisor's end took the lease's balloon along. */
void conduct_forget(struct lease_keeper *keeper, struct vm *vm, const struct lease *lease);

/* Asks for a sample, whose arrival runs what can be done then. One at a time for each VM. */
void conduct_start_reading(struct lease_keeper *keeper, struct vm *vm);

/* Samples come more rarely than steps: asks for one where the next step needs it. */
void conduct_read_guest(struct lease_keeper *keeper, struct vm *vm,
                        const struct balloon_input *input);

/* Nobody is asked any more. */
void conduct_stop(struct lease_keeper *keeper);

/* Why the host would get nothing of what the guest gives; NULL: it would. */
const char *conduct_why_inert(const struct vm *vm);

/* The lease is for the hypervisor of this VM. */
void conduct_set_address(struct lease *lease, const struct vm *vm);

#endif
