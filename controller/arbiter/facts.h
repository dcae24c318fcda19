/* What the facts of one VM mean to the arbiter. Bytes. */
#ifndef VMRECLAIM_CONTROLLER_ARBITER_FACTS_H
#define VMRECLAIM_CONTROLLER_ARBITER_FACTS_H

#include "controller/arbiter/types.h"

#define FACTS_LEAST_GAIN  (16 * MIB) /* less is not worth a step in the guest */
#define FACTS_LEAST_PULSE (64 * MIB) /* ... than a pulse */
#define FACTS_LEAST_SIZE  (64 * MIB) /* no guest lives with less */
#define FACTS_SPARE_MAX   (48 * MIB) /* LAB: a kernel that is squeezed keeps 34 to 42 MiB free */

/* What each step could bring of the VM now, bytes: steps from ARBITER_RECLAIM to ARBITER_LEASE.
 * That of the lease is down to its floor and to what its guest uses. Gains may overlap. */
void arbiter_gains(const struct arbiter_vm *vm, uint64_t ret_gains[ARBITER_STEP_COUNT]);

/* ---- between the engine's files ---- */

/* Somebody knows what it holds, and it may be moved: it takes part in the division. */
bool facts_take_part(const struct arbiter_vm *vm);

/* Why nothing may be taken from it, as far as the VM itself goes; ARBITER_IS_FINE: nothing is
 * against it. */
enum arbiter_reason facts_bar(const struct arbiter_vm *vm);

/* What the host gets at once of a step for so many bytes. */
uint64_t facts_brings(const struct arbiter_vm *vm, enum arbiter_step step, uint64_t bytes);

/* The size that its guest is to have now: under the leases of all. */
uint64_t facts_size(const struct arbiter_vm *vm);

/* ... and could have, without the arbiter's. */
uint64_t facts_full_size(const struct arbiter_vm *vm);

/* What it uses, as it says; nothing that nobody says is idle. */
uint64_t facts_working(const struct arbiter_vm *vm);

/* What the host holds at least for a guest that has the size that it needs, by its own words and
 * with what must stay available in it. */
uint64_t facts_need(const struct arbiter_vm *vm);

/* ... and what it works with: less and it reads again. */
uint64_t facts_comfort(const struct arbiter_vm *vm);

/* A lease of ours holds it, and it uses all that it has: what more it would use is not known. */
bool facts_is_hungry(const struct arbiter_vm *vm);

/* What it pays no tax for. A kernel that has to cut its cache takes half of it for idle, used or
 * not: who leaves less than half of what it holds is believed to use all, who leaves three quarters
 * pays for all that it does not use. */
uint64_t facts_active(const struct arbiter_vm *vm);

/* Of its guest's size, what the host does not hold: its kernel keeps some memory free, whatever the
 * size. At most FACTS_SPARE_MAX. */
uint64_t facts_spare(const struct arbiter_vm *vm);

/* What its operator promised, at least what a guest lives with. */
uint64_t facts_floor(const struct arbiter_vm *vm);

/* The most that one move of its lease changes. */
uint64_t facts_step(const struct arbiter_vm *vm);

#endif
