/* The kernel's files that the actions write, below the root directory. */
#ifndef VMRECLAIM_AGENT_ACTIONS_PATHS_H
#define VMRECLAIM_AGENT_ACTIONS_PATHS_H

#define CGROUP_PATH          "sys/fs/cgroup"
#define NODE_PATH            "sys/devices/system/node"
#define CPU_ONLINE_PATH      "sys/devices/system/cpu/online"
#define COMPACT_MEMORY_PATH  "proc/sys/vm/compact_memory"
#define DROP_CACHES_PATH     "proc/sys/vm/drop_caches"
#define SWAPPINESS_PATH      "proc/sys/vm/swappiness"
#define PERCPU_FRACTION_PATH "proc/sys/vm/percpu_pagelist_high_fraction"
#define KERNEL_LOG_PATH      "dev/kmsg"

#endif
