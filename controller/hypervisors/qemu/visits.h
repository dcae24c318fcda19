/* A QMP socket that others need too: visits instead of a connection that stays.
 *
 * Theory of operation: a QMP socket serves one client; who comes next waits without a word, and a
 * fourth is turned away. So operations are kept until somebody is served: we connect, are greeted,
 * do all that is due, and leave, within VISIT_LIMIT of connecting. Who is not greeted at once finds
 * somebody else there, leaves, and comes back after a random time of 100 to 400 ms, so that two
 * such clients do not meet again. There is never more than one connection of ours.
 *
 * On a host so busy that we do not run ourselves, what has come meanwhile is read before we leave,
 * and who was greeted late has a quarter of the limit.
 *
 * Failure modes: what was asked and not answered when a visit ends is asked again in the next, as
 * long as its deadline allows; but a command is not given twice: it ends with -ETIMEDOUT, and its
 * outcome is not known. Nobody there, or somebody who is no QEMU, ends it all: on_failed. */
#ifndef VMRECLAIM_CONTROLLER_HYPERVISORS_QEMU_VISITS_H
#define VMRECLAIM_CONTROLLER_HYPERVISORS_QEMU_VISITS_H

#include "controller/hypervisors/driver.h"
#include "controller/hypervisors/qemu/qmp.h"

#define VISIT_LIMIT     (100 * NSEC_PER_MSEC)
#define VISIT_PAUSE_MIN (100 * NSEC_PER_MSEC)
#define VISIT_PAUSE_MAX (400 * NSEC_PER_MSEC)
#define VISIT_KEPT_MAX  64 /* operations */

struct visits;

struct visits_callbacks {
    /* A visit begins, or (NULL) is over. */
    void (*on_visit)(struct qmp *qmp, void *userdata);
    /* Starts an operation in it; as the driver's own. */
    int (*start)(enum driver_operation operation, uint64_t value, nsec_t timeout, driver_done done,
                 void *done_userdata, void *userdata);
    void (*on_event)(const char *name, const json_t *data, void *userdata);
    /* All operations have ended. Call visits_close. */
    void (*on_failed)(int status, const struct error *error, void *userdata);
};

/* -ENOMEM. Nothing is connected to yet. */
int visits_open(uv_loop_t *loop, const char *path, const struct visits_callbacks *callbacks,
                void *userdata, struct visits **ret_visits);

/* Ends operations with -ECANCELED; frees later. NULL is fine. */
void visits_close(struct visits *visits);

/* In the next visit, or this one. -EBUSY: VISIT_KEPT_MAX wait. -ENOTCONN: it has ended. */
int visits_start(struct visits *visits, enum driver_operation operation, uint64_t value,
                 nsec_t timeout, driver_done done, void *userdata);

/* Passes deadlines. */
void visits_tick(struct visits *visits, nsec_t now);

nsec_t visits_heard(const struct visits *visits);

#endif
