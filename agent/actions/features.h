/* What this kernel can do for the agent: detected once at start, listed in GetInfo with the reason
 * and with what is done instead. */
#ifndef VMRECLAIM_AGENT_ACTIONS_FEATURES_H
#define VMRECLAIM_AGENT_ACTIONS_FEATURES_H

#include <stdbool.h>
#include <stddef.h>

enum feature_id {
    FEATURE_PSI,
    FEATURE_CGROUP2_MEMORY,
    FEATURE_MEMORY_RECLAIM,
    FEATURE_MEMORY_RECLAIM_SWAPPINESS,
    FEATURE_NODE_RECLAIM, /* /sys/devices/system/node/nodeN/reclaim, the same without cgroups */
    FEATURE_DROP_CACHES,
    FEATURE_COMPACTION,
    FEATURE_COMPACTION_PER_NODE,
    FEATURE_PAGE_REPORTING,       /* the kernel has it and a device uses it */
    FEATURE_PAGE_REPORTING_ORDER, /* can be changed while running */
    FEATURE_UNPOISONED_PAGES,     /* what a host discards need not keep a pattern */
    FEATURE_KPAGEFLAGS,
    FEATURE_PERCPU_DRAIN,    /* vm.percpu_pagelist_high_fraction */
    FEATURE_WRITABLE_SYSCTL, /* /proc/sys/vm may be written */
    FEATURE_KERNEL_LOG,
    FEATURE_COUNT,
};

struct feature {
    const char *name; /* "psi", "memory.reclaim", ... static */
    bool available;
    char reason[160];        /* why not; empty when available */
    const char *replacement; /* what is done without it; static */
};

struct features {
    struct feature list[FEATURE_COUNT]; /* by enum feature_id */
};

/* Looks at `root`; changes nothing (one write asks memory.reclaim for zero bytes, to see whether it
 * takes a swappiness). Never fails: what cannot be found out counts as missing. */
void features_detect(struct features *features, int root);

/* Marks a feature as missing after all: the kernel refused at run time. `reason` is copied. */
void features_lose(struct features *features, enum feature_id id, const char *reason);

/* It works again after all. */
void features_regain(struct features *features, enum feature_id id);

static inline bool features_have(const struct features *features, enum feature_id id)
{
    return features->list[id].available;
}

#endif
