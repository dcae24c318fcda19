/* What is remembered of VMs, in the store. */
#ifndef VMRECLAIM_CONTROLLER_ARBITER_RECALL_H
#define VMRECLAIM_CONTROLLER_ARBITER_RECALL_H

#include "controller/arbiter/keeping.h"

/* Of an earlier daemon. The store must not have its thread yet. */
void recall_load(struct arbiter_keeper *keeper);

/* A VM that is known now may be one of those. */
void recall_vm(struct arbiter_keeper *keeper, struct vm *vm);

/* Keeps what has changed of it. */
void recall_keep(struct arbiter_keeper *keeper, struct vm *vm);

/* It is gone, and another of its name is another. */
void recall_forget(struct arbiter_keeper *keeper, const struct vm *vm);

void recall_finish(struct arbiter_keeper *keeper);

#endif
