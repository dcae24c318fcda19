/* A thread with a connection of its own that makes one call after another.
 *
 * The loop gives it a job and gets the job back as a letter. A lane in which a call hangs cannot be
 * ended: it is forgotten, and ends by itself when the call returns. */
#ifndef VMRECLAIM_CONTROLLER_HYPERVISORS_LIBVIRT_LANE_H
#define VMRECLAIM_CONTROLLER_HYPERVISORS_LIBVIRT_LANE_H

#include "controller/hypervisors/libvirt/connection.h"
#include "controller/hypervisors/libvirt/mailbox.h"

struct lane;

/* Part of a job. */
struct lane_job {
    struct letter letter; /* what becomes of it after `run`; the caller sets its functions */
    struct lane *lane;
    void (*run)(struct lane_job *job, struct connection *connection); /* on the lane's thread */
};

/* -errno of the thread. `on_end` is called on the thread before the connection is closed; NULL:
 * nothing is to be done. */
int lane_create(struct mailbox *mailbox, const char *uri, void (*on_end)(struct connection *),
                struct lane **ret_lane);

bool lane_is_free(const struct lane *lane);

/* The lane must be free. */
void lane_run(struct lane *lane, struct lane_job *job);

/* Its job came back: to be called first when the letter is opened. */
void lane_freed(struct lane *lane);

/* Ends it, when its job is over. NULL is fine. */
void lane_end(struct lane *lane);

#endif
