/* What could come back, by which step: what advice.c offers to a person, and a squeeze does. */
#ifndef VMRECLAIM_CONTROLLER_EXPLAIN_GAINS_H
#define VMRECLAIM_CONTROLLER_EXPLAIN_GAINS_H

#include <stdbool.h>
#include <stdint.h>

struct explain_subject;

/* Bytes; 0: nothing, or the step cannot be taken. A step's gain may be another one's as well: what
 * compaction does not join, a lower order returns. */
struct gains {
    bool is_known;          /* the guest's side is */
    bool comes_back;        /* what the guest lets go reaches the host by itself */
    bool takes_commands;    /* the agent does what an operator orders now */
    bool may_pulse;         /* nothing comes back by itself, and the balloon's memory would */
    uint64_t worth;         /* less is not worth a step */
    uint64_t cache_floor;   /* that the policy leaves */
    uint64_t cache;         /* above it: reclaim */
    uint64_t all_cache;     /* drop */
    uint64_t trapped;       /* of it, what can be joined: compact */
    uint64_t small;         /* free in blocks below the order: lower it */
    uint32_t order;         /* in force; of `small` */
    uint32_t lowest;        /* that pays on this host; of `small` */
    bool order_for_a_while; /* the agent puts the order back by itself */
    uint64_t waiting;       /* free, and waits for a pass: kick */
    uint64_t balloon;       /* in a balloon that leaves the guest `size` */
    uint64_t size;          /* what it uses and a reserve; 0: the balloon is not ours to move */
    uint64_t reserve;       /* of `size` */
};

/* All of them for the VM as the subject shows it. */
void explain_gains(const struct explain_subject *subject, struct gains *ret_gains);

#endif
