/* Does what controller/leases/balloon.h decides: writes the journal, commands hypervisors, watches
 * guests, for all VMs.
 *
 * Theory of operation: a VM has a balloon_control only while it has leases or gives memory back.
 * Events of the supervisor (pressure, reset, migration, a size that moved, a sample) run its step
 * at once. A timer runs it every second while there are such VMs. Leases found in the journal wait
 * until their VM's hypervisor is there (waiting.h). They are resumed when it is the same process
 * and the same boot, else given back.
 *
 * Taking memory waits for the journal, and so does forgetting a lease; the loop does not. A guest
 * in need waits for nothing.
 *
 * Failure modes: a journal that cannot be written refuses new leases and holds nothing back. When
 * many VMs must get memory back at once, a few per second get it, the most pressed guests first.
 * Pressure, resets and operators do not wait in that line. */
#ifndef VMRECLAIM_CONTROLLER_LEASES_KEEPER_H
#define VMRECLAIM_CONTROLLER_LEASES_KEEPER_H

#include "controller/leases/table.h"

/* Reads the journal. When that fails it is tried again, and new leases are refused with the reason
 * until it has worked. */
int lease_keeper_init(struct lease_keeper *keeper, struct supervisor *supervisor,
                      const struct lease_journal *journal, struct error *error);

/* Leases stay in the journal: a planned restart resumes them. */
void lease_keeper_stop(struct lease_keeper *keeper);

/* Before uv_loop_close, after the loop has run empty. */
void lease_keeper_finish(struct lease_keeper *keeper);

/* How many leases are waiting or held, for status. */
size_t lease_keeper_count(const struct lease_keeper *keeper);

/* Why the leases of earlier are not known; NULL: they are. */
const char *lease_keeper_problem(const struct lease_keeper *keeper);

/* Waiting leases that are due at `now`, CLOCK_BOOTTIME: what --release-expired has to do yet. */
size_t lease_keeper_due(const struct lease_keeper *keeper, nsec_t now);

#endif
