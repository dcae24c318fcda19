/* An operator's order while it is under way: for the folder's own files. Each step asks one thing
 * of the bus. */
#ifndef VMRECLAIM_CONTROLLER_FLEET_COORDINATOR_ORDER_H
#define VMRECLAIM_CONTROLLER_FLEET_COORDINATOR_ORDER_H

#include "controller/fleet/coordinator/rollouts.h"

struct order {
    struct list link;
    struct rollouts *rollouts;
    rollouts_done done; /* NULL: nobody waits */
    void *userdata;
    enum rollout_verb verb;
    char author[64];
    char reason[256];
    void (*next)(struct order *order); /* once it is in the audit */
    Rollout *document;                 /* as it is to be */
    uint64_t revision;                 /* that `document` was made from */
    /* ---- of a start ---- */
    unsigned rounds;
    uint64_t policy_revision; /* of the policy's key; 0: there is none */
    char holder[128];         /* id of the rollout that the key names; "": none */
    Rollout *before;          /* that one's document; NULL: none */
    uint64_t before_revision;
};

/* The document is taken over, also where it is NULL. NULL: no memory, which `done` was told. */
struct order *order_make(struct rollouts *rollouts, Rollout *document,
                         const struct rollout_order *what, rollouts_done done, void *userdata);

/* Puts it into the audit, then goes on with `next`. Where it is not known to be there, it ends. */
void order_begin(struct order *order, void (*next)(struct order *order));

/* Tells who waits, and the audit, and frees it. */
void order_end(struct order *order, int status, const char *problem);

/* The same, by what the bus has answered: below 0. */
void order_fail(struct order *order, const struct bus_answer *answer);

/* Of the bucket; `done` has the order. Where the bus takes nothing, the order ends. */
void order_get(struct order *order, const char *kind, const char *key, bus_done done);
void order_put(struct order *order, const char *key, const void *data, size_t length,
               uint64_t expected, bus_done done);
void order_put_document(struct order *order, const Rollout *document, uint64_t expected,
                        bus_done done);

/* The order's document was put: that is its end. */
void order_on_stored(const struct bus_answer *answer, void *userdata);

#endif
