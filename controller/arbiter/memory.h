/* What the arbiter remembers of one VM: what is on its way, what was promised, how often it was
 * turned. */
#ifndef VMRECLAIM_CONTROLLER_ARBITER_MEMORY_H
#define VMRECLAIM_CONTROLLER_ARBITER_MEMORY_H

#include "controller/arbiter/types.h"

/* A request could not be started: its step is not tried again for a while. */
void arbiter_note_refused(struct arbiter_memory *memory, enum arbiter_step step, nsec_t now);

/* A request was not started, for no fault of its VM: it may be asked for again. */
void arbiter_note_put_off(struct arbiter_memory *memory);

/* A step has ended, and the host got `brought` by it. Where nobody calls this, what was asked for
 * counts as on its way until its time is over. */
void arbiter_note_end(struct arbiter_memory *memory, enum arbiter_step step, uint64_t brought,
                      nsec_t now);

/* All that was taken of it is given back, though its guest is not in need. */
void arbiter_note_released(struct arbiter_memory *memory, nsec_t now);

/* ---- between the engine's files ---- */

/* Takes in what has happened since the last step. */
void memory_look(const struct arbiter_vm *vm, nsec_t now);

/* Bytes that were asked for and are not back yet. */
uint64_t memory_coming(const struct arbiter_vm *vm, nsec_t now);

/* Bytes that were given back and not used yet. */
uint64_t memory_promised(const struct arbiter_vm *vm, nsec_t now);

/* The step rests after what it did or failed to do. With `is_urgent` only what failed rests. */
bool memory_cools(const struct arbiter_memory *memory, enum arbiter_step step, bool is_urgent,
                  nsec_t now, nsec_t *ret_wait);

/* Its balloon may be moved that way: a change of direction is left for its guest's need, which is
 * never refused. With `is_urgent` it need not have been left alone for a while. */
bool memory_may_turn(const struct arbiter_memory *memory, enum arbiter_direction direction,
                     bool is_urgent, nsec_t now);

/* It was asked for a step that takes; `bytes` are to come back. `lease` is the arbiter's then. */
void memory_note_taken(const struct arbiter_vm *vm, enum arbiter_step step, uint64_t bytes,
                       uint64_t lease, nsec_t now);

/* It gets memory back. After a need it is spared for a while. */
void memory_note_given(const struct arbiter_vm *vm, uint64_t bytes, uint64_t lease, bool is_need,
                       nsec_t now);

#endif
