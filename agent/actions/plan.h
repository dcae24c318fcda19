/* An order becomes one function for the child: the first way of a list that this kernel has.
 *
 *     reclaim   memory.reclaim swappiness=0 > memory.reclaim with vm.swappiness 0 where swap is on
 *               > nodeN/reclaim > drop_caches, unless that is forbidden
 *     compact   nodeN/compact for each node > vm.compact_memory; per-CPU lists kept short meanwhile
 *     kick      per-CPU lists cut by vm.percpu_pagelist_high_fraction and touched on each CPU
 *               > a longer touch
 *
 * Making a plan sets the kernel settings that must be different meanwhile. */
#ifndef VMRECLAIM_AGENT_ACTIONS_PLAN_H
#define VMRECLAIM_AGENT_ACTIONS_PLAN_H

#include "agent/actions/action.h"
#include "agent/actions/child.h"
#include "agent/actions/features.h"
#include "agent/actions/settings.h"
#include "agent/actions/work.h"

/* A child does this kind; else it is one write. */
bool plan_takes_child(enum action_kind kind);

/* This kernel has a way. False: `*ret_missing` is the feature that the best one needs. */
bool plan_is_possible(const struct features *features, enum action_kind kind,
                      enum feature_id *ret_missing);

struct plan {
    /* what it is made of; all of it stays the caller's */
    int root;
    struct features *features;
    struct settings *settings;
    const struct action_order *order;
    uint64_t free; /* bytes, now */
    /* what it says; the work points into the order */
    struct work work;
    child_work function;
    char *reason; /* ACTION_REASON_SIZE; a way that is second best is named here */
};

/* Fills in the second half. -ENOTSUP: there is no way. */
int plan_make(struct plan *plan);

/* The kernel refused what detection promised, with `error`. True: another way is worth a try. */
bool plan_lose_refused(struct features *features, enum action_kind kind, int error);

#endif
