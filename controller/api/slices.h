/* Work that is too much for one turn of the loop.
 *
 * Theory of operation: it is made in slices of a few VMs. Of all work under way one slice is made
 * in a turn, so all of it costs others no more than one slice does. Work stands in line for its
 * next slice, and is not in line while it waits for something else.
 *
 * VMs are gone through by name: one that is there all the time is looked at once, whatever comes
 * and goes meanwhile. */
#ifndef VMRECLAIM_CONTROLLER_API_SLICES_H
#define VMRECLAIM_CONTROLLER_API_SLICES_H

#include <uv.h>

#include "common/base/list.h"

/* VMs in a slice that looks at each as for an explanation, and on a page of such. */
#define LOOKS_PER_SLICE 256

/* Part of what its owner allocates. Each function may free it. */
struct api_work {
    struct list link;
    void (*make_slice)(struct api_work *work);
    void (*cancel)(struct api_work *work); /* the API stops */
};

struct api_slices {
    uv_idle_t idle;    /* while there is work */
    struct list ready; /* struct api_work; the next one's turn first */
};

void api_slices_init(struct api_slices *slices, uv_loop_t *loop);
/* After the connections are closed: cancels what is in line, and what still comes. */
void api_slices_stop(struct api_slices *slices);

/* Its next slice is made in a turn to come. The work is in no line. */
void api_slices_add(struct api_slices *slices, struct api_work *work);

#endif
