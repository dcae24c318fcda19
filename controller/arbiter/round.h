/* One step of the arbiter while it is decided. Part of the engine. */
#ifndef VMRECLAIM_CONTROLLER_ARBITER_ROUND_H
#define VMRECLAIM_CONTROLLER_ARBITER_ROUND_H

#include "controller/arbiter/rank.h"
#include "controller/arbiter/types.h"

#define ROUND_HASTE_AFTER (10 * NSEC_PER_SEC) /* of being critical */

/* What one VM is in this round. Bytes. */
struct arbiter_want {
    enum arbiter_reason reason; /* why nothing is taken; ARBITER_IS_FINE: nothing is against it */
    enum arbiter_reason bar;    /* ... by a lease */
    bool is_fixed;              /* it can give nothing by a lease now, and keeps what it holds */
    bool is_asked;              /* it has its request */
    bool may_rise;              /* its lease may be made smaller now */
    uint64_t holds;             /* 0: it takes no part */
    uint64_t size;              /* that its guest is to have now */
    uint64_t least;             /* no lease goes below: its floor */
    uint64_t goal;              /* what it may hold */
    uint64_t fair;              /* ... if nothing were taxed and everybody gave what is asked for */
    uint64_t gains[ARBITER_STEP_COUNT];
    nsec_t wait; /* of a cool-down */
};

struct arbiter_round {
    struct arbiter *arbiter;
    const struct arbiter_host *host; /* with the watermarks of now */
    const struct arbiter_vm *vms;
    size_t count;
    struct arbiter_view view;
    uint64_t mark;    /* the watermark that decides */
    uint64_t deficit; /* below the high watermark, less what this round has asked for */
    bool is_urgent;   /* the host is critical */
    bool is_gentle;   /* nobody gives what it works with */
    bool is_hasty;    /* ... and shares do not matter for the rest */
    struct arbiter_request *requests;
    size_t request_count;
};

/* Who is left alone, and what the others could give. */
void round_look(struct arbiter_round *round);

/* What each may hold: `goal`, or `fair`. `excess` is below the watermark that is to be reached;
 * `surplus` above it. */
void round_divide(struct arbiter_round *round, uint64_t excess, uint64_t surplus);
void round_divide_fairly(struct arbiter_round *round, uint64_t excess, uint64_t surplus);

/* The sizes to which the leases of those that `may_rise` return with a surplus: `goal`. */
void round_divide_surplus(struct arbiter_round *round, uint64_t surplus);

/* Takes what hurts least until the deficit is covered. */
void round_take(struct arbiter_round *round);

/* Gives back to guests in need; to those that use all they have; because there is plenty. */
void round_give_needed(struct arbiter_round *round);
void round_give_hungry(struct arbiter_round *round);
void round_give_plenty(struct arbiter_round *round);

/* Lets leases go on that would end. */
void round_renew(struct arbiter_round *round);

/* Its request, and what is remembered of it. */
void round_ask(struct arbiter_round *round, size_t vm, enum arbiter_step step, uint64_t bytes,
               uint64_t size, enum arbiter_reason reason);

/* Each VM's memory has its reason, each request its figures. */
void round_explain(struct arbiter_round *round);

#endif
