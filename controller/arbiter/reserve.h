/* Reservations with what is around them: whoever asked, the store, the VMs that use them. */
#ifndef VMRECLAIM_CONTROLLER_ARBITER_RESERVE_H
#define VMRECLAIM_CONTROLLER_ARBITER_RESERVE_H

#include "controller/arbiter/keeping.h"

/* Something is new, or a second has passed; the last time that it is ready, or has ended. */
typedef void (*reservation_changed)(const struct reservation *reservation, void *userdata);

/* Makes a reservation. `changed` is not called before this returns; NULL: nobody wants to know.
 * -ENOSPC, -EINVAL: as reservations_add, or the host will never have so much; -EPERM: the arbiter
 * is off and so much is not there; or the host cannot be read. */
int arbiter_reserve(struct arbiter_keeper *keeper, const struct reservation_asked *asked,
                    reservation_changed changed, void *userdata, uint64_t *ret_id,
                    struct error *error);

/* Who asked does not want to know any more. One that is not ready yet is released. */
void arbiter_forget_asker(struct arbiter_keeper *keeper, uint64_t id);

/* Gives it back. -ENOENT: there is none, in words. */
int arbiter_release(struct arbiter_keeper *keeper, uint64_t id, struct error *error);

/* ---- for the keeper ---- */

/* Those of an earlier daemon. The store must not have its thread yet. */
void reserve_load(struct arbiter_keeper *keeper);

/* Once a second, after the host was read and the arbiter has looked. */
void reserve_tick(struct arbiter_keeper *keeper, nsec_t now);

#endif
