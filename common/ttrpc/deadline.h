/* Many deadlines on one timer: an intrusive pairing heap. Setting and clearing allocate nothing and
 * cannot fail, so ten thousand calls cost ten thousand nodes and one uv_timer. */
#ifndef VMRECLAIM_COMMON_TTRPC_DEADLINE_H
#define VMRECLAIM_COMMON_TTRPC_DEADLINE_H

#include <stdbool.h>

#include "common/base/time.h"

struct deadline {
    nsec_t due; /* CLOCK_MONOTONIC */
    struct deadline *child;
    struct deadline *sibling;
    struct deadline **incoming; /* the pointer that points here; NULL: not set */
    void (*on_expire)(struct deadline *deadline);
};

struct deadline_queue {
    struct deadline *first;
};

static inline void deadline_init(struct deadline *deadline,
                                 void (*on_expire)(struct deadline *deadline))
{
    *deadline = (struct deadline){.on_expire = on_expire};
}

static inline bool deadline_is_set(const struct deadline *deadline)
{
    return deadline->incoming != NULL;
}

/* Sets it, or moves it when it is set. */
void deadline_set(struct deadline_queue *queue, struct deadline *deadline, nsec_t due);

/* Harmless when it is not set. */
void deadline_clear(struct deadline_queue *queue, struct deadline *deadline);

/* NSEC_INFINITY when there is none. */
nsec_t deadline_next(const struct deadline_queue *queue);

/* Takes out each deadline due at `now` and runs its on_expire, which may set and clear any,
 * including itself for a later time. */
void deadline_expire(struct deadline_queue *queue, nsec_t now);

#endif
