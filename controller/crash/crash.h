/* Points at which a test may end the daemon, as a crash would: around and inside every step that
 * changes the store, and when a hypervisor was sent or has answered a command about its balloon.
 * They are nothing but in vmreclaimd-crash, the daemon that tests run; controller/meson.build names
 * the files that have some.
 *
 * There, VMRECLAIM_CRASH_AT=N in the environment kills the daemon at the Nth point it comes to,
 * counted from when the file VMRECLAIM_CRASH_WHEN exists; without the latter, from its start. */
#ifndef VMRECLAIM_CONTROLLER_CRASH_CRASH_H
#define VMRECLAIM_CONTROLLER_CRASH_CRASH_H

#ifdef VMRECLAIM_CRASH_POINTS
/* `step` is said on standard error before the end. */
void crash_point(const char *step);
#else
static inline void crash_point(const char *step)
{
}
#endif

#endif
