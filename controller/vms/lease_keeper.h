/* Does what controller/leases/balloon.h decides: writes the journal, tells hypervisors, watches
 * guests, for all VMs.
 *
 * Theory of operation: a VM has a balloon_control only while it has leases or gives memory back.
 * Events of the supervisor (pressure, reset, migration, a size that moved, a sample) run its step
 * at once; a timer that runs only while there are such VMs does it every second. Leases found in
 * the journal wait until their VM's hypervisor is there (lease_waiting.h), then are resumed when it
 * is the same process and the same boot, else given back.
 *
 * Failure modes: a journal that cannot be written refuses new leases and holds nothing back. When
 * many VMs must get memory back at once, a few per second are told, the most pressed guests first;
 * pressure, resets and operators do not wait in that line. */
#ifndef VMRECLAIM_VMS_LEASE_KEEPER_H
#define VMRECLAIM_VMS_LEASE_KEEPER_H

#include <uv.h>

#include "common/base/error.h"
#include "common/base/list.h"
#include "controller/leases/balloon.h"
#include "controller/leases/journal.h"
#include "controller/vms/supervisor.h"

struct lease_keeper {
    struct supervisor *supervisor;
    struct lease_journal journal;
    struct supervisor_listener listener;
    struct list balloons; /* struct vm, by balloon_link */
    struct list waiting;  /* struct waiting_lease: their VM is not there yet */
    struct list readings; /* samples of guests that are asked for the next step */
    uv_timer_t timer;
    struct error problem;  /* why the journal could not be read yet; empty: it was */
    nsec_t load_next;      /* CLOCK_BOOTTIME: when it is tried again */
    size_t stand_in_count; /* VMs that are only the address in a lease */
};

/* Reads the journal. When that fails it is tried again, and new leases are refused with the reason
 * until it has worked. */
int lease_keeper_init(struct lease_keeper *keeper, struct supervisor *supervisor,
                      const struct lease_journal *journal, struct error *error);

/* Leases stay in the journal: a planned restart resumes them. */
void lease_keeper_stop(struct lease_keeper *keeper);

/* Before uv_loop_close, after the loop has run empty. */
void lease_keeper_finish(struct lease_keeper *keeper);

/* A lease that leaves the guest `size` bytes, for `duration` (0: until released). Replaces the
 * owner's own lease on this VM. It is in the journal on return; when it cannot be written it is
 * refused, and the owner keeps what it had. */
int lease_keeper_set(struct lease_keeper *keeper, struct vm *vm, uint64_t size, nsec_t duration,
                     const char *owner, struct error *error);

/* Gives all leases of the VM back. -ENOENT: there are none. */
int lease_keeper_release(struct lease_keeper *keeper, struct vm *vm, struct error *error);

/* How many leases are waiting or held, for status. */
size_t lease_keeper_count(const struct lease_keeper *keeper);

/* Why the leases of earlier are not known; NULL: they are. */
const char *lease_keeper_problem(const struct lease_keeper *keeper);

/* Waiting leases that have expired at that time: what --release-expired still has to do. */
size_t lease_keeper_expired(const struct lease_keeper *keeper, int64_t time);

/* ---- between the keeper's files ---- */

/* The lease is for the hypervisor of this VM. */
void lease_set_address(struct lease *lease, const struct vm *vm);

/* The VM and its guest as they are now. */
struct balloon_input lease_keeper_look(const struct vm *vm);

/* Takes the balloon as it is found, unless it was taken already. -ENOMEM. */
int lease_keeper_adopt(struct lease_keeper *keeper, struct vm *vm);

/* Puts the action's lease into the journal, or takes it out. A failure is an event as well. */
int lease_keeper_write(struct lease_keeper *keeper, struct vm *vm,
                       const struct balloon_action *action, struct error *ret_error);

/* The hypervisor's end took the balloon along. */
void lease_keeper_forget(struct lease_keeper *keeper, struct vm *vm, const struct lease *lease);

/* The timer is to run. */
void lease_keeper_wake(struct lease_keeper *keeper);

/* Does all that can be done now. */
void lease_keeper_run(struct lease_keeper *keeper, struct vm *vm, struct balloon_input *input);

/* The host would get nothing of what the guest gives. */
bool lease_keeper_is_inert(const struct vm *vm);

#endif
