/* Points at which a test may end the daemon, as a crash would: VMRECLAIM_CRASH_AT=N in the
 * environment kills it at the Nth point it comes to. Before and after every step that changes the
 * journal or tells a hypervisor there is one. */
#ifndef VMRECLAIM_LEASES_CRASH_H
#define VMRECLAIM_LEASES_CRASH_H

void crash_point(void);

#endif
