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

#include "agent/actions/actions.h"
#include "agent/actions/work.h"

/* A child does this kind; else it is one write. */
bool plan_takes_child(enum action_kind kind);

/* This kernel has a way. False: `*ret_missing` is the feature that the best one needs. */
bool plan_is_possible(const struct features *features, enum action_kind kind,
                      enum feature_id *ret_missing);

/* For `actions->order`. A way that is second best is named in the outcome's reason. -ENOTSUP: none.
 */
int plan_make(struct actions *actions, struct work *ret_work, child_work *ret_function);

/* The kernel refused what detection promised, with `error`. True: another way is worth a try. */
bool plan_lose_refused(struct actions *actions, int error);

#endif
