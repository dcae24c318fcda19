/* Work that is too much for one turn of the loop.
 *
 * Theory of operation: it is made in slices, of a few VMs or hosts each. Of all work under way one
 * slice is made in a turn, so all of it costs others no more than one slice does. Work stands in
 * line for its next slice, and is not in line while it waits for something else.
 *
 * They are gone through by name: one that is there all the time is looked at once, whatever comes
 * and goes meanwhile. */
#ifndef VMRECLAIM_COMMON_TTRPC_SLICES_H
#define VMRECLAIM_COMMON_TTRPC_SLICES_H

#include <uv.h>

#include "common/base/list.h"

/* Part of what its owner allocates. Each function may free it. */
struct slice_work {
    struct list link;
    void (*make_slice)(struct slice_work *work);
    void (*cancel)(struct slice_work *work); /* who answers stops */
};

struct slices {
    uv_idle_t idle;    /* while there is work */
    struct list ready; /* struct slice_work; the next one's turn first */
};

void slices_init(struct slices *slices, uv_loop_t *loop);
/* After the connections are closed: cancels what is in line, and what still comes. */
void slices_stop(struct slices *slices);

/* Its next slice is made in a turn to come. The work is in no line. */
void slices_add(struct slices *slices, struct slice_work *work);

#endif
