/* When somebody else last moved a VM's balloon: a person, or another daemon. What they move is left
 * alone for a day. Memory that was plugged moves both sizes, and is nobody's move. */
#ifndef VMRECLAIM_CONTROLLER_LEASES_FOREIGN_H
#define VMRECLAIM_CONTROLLER_LEASES_FOREIGN_H

#include "controller/vms/supervisor.h"

#define FOREIGN_TIME (86400 * NSEC_PER_SEC)

/* Zeroes: nothing was seen yet. */
struct foreign_watch {
    uint64_t actual; /* of the balloon, when it was last seen; 0: not yet */
    uint64_t maximum;
    nsec_t ours;    /* CLOCK_BOOTTIME when it last moved, or was to move, by us; 0: never */
    nsec_t moved;   /* ... by somebody else */
    bool was_taken; /* a lease has ended for such a move */
};

/* At least whenever its size has moved. */
void foreign_watch_look(struct foreign_watch *watch, const struct vm *vm, nsec_t now);

/* It is somebody else's: one who is known, or who moved it within FOREIGN_TIME. */
bool foreign_watch_holds(const struct foreign_watch *watch, const struct vm *vm, nsec_t now);

#endif
