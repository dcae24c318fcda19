/* Which cgroups may be reclaimed from. A frozen cgroup is never touched: its tasks cannot let go of
 * locks, so whoever waits for one of them would hang until the thaw. */
#ifndef VMRECLAIM_AGENT_ACTIONS_CGROUP_H
#define VMRECLAIM_AGENT_ACTIONS_CGROUP_H

#include <stdbool.h>

/* `directory` is the cgroup's. Negative errno ends the walk. */
typedef int (*cgroup_visitor)(int directory, void *userdata);

/* Visits the fewest cgroups that together are everything below `directory` but the frozen ones: the
 * cgroup itself when nothing below it is frozen. What visit returned last; -errno. */
int cgroup_visit_thawed(int directory, cgroup_visitor visit, void *userdata);

/* Any at all, in cgroup v2 or in the freezer of v1. Below `root`, the file system's. */
bool cgroup_any_frozen(int root);

#endif
