/* Points at which a test kills the process, to see that what it changed is put back. Outside the
 * tests that define VMRECLAIM_CRASH_POINTS they are nothing. */
#ifndef VMRECLAIM_AGENT_ACTIONS_CRASH_H
#define VMRECLAIM_AGENT_ACTIONS_CRASH_H

#ifdef VMRECLAIM_CRASH_POINTS
void crash_point(void);
#else
static inline void crash_point(void)
{
}
#endif

#endif
