/* Points at which a test may end the daemon, as a crash would. They are around and inside every
 * step that changes the store, and where a command about a balloon is sent or answered. They exist
 * only in vmreclaimd-crash, the daemon that tests run; controller/meson.build names the files that
 * have some.
 *
 * VMRECLAIM_CRASH_AT=N in its environment kills the daemon at the Nth point it comes to. They are
 * counted from when the file VMRECLAIM_CRASH_WHEN exists, or without that variable from the start.
 */
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
