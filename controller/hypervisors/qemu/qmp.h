/* A QMP connection (QEMU Machine Protocol): JSON lines on a UNIX socket.
 *
 * Theory of operation: the socket is connected, QEMU greets, we negotiate, then commands are sent
 * as they come. Each has an id, by which answers are matched; events come in between. One request
 * object per command, ended by exactly one reply: the answer, its deadline, or the end of the
 * connection. There is no timer: the owner calls qmp_tick.
 *
 * Failure modes: a QMP socket serves one client, a second one connects and is never greeted; the
 * greeting's deadline says so. A line that is not JSON or longer than QMP_LINE_BYTES_MAX ends the
 * connection. After an end by itself on_closed runs once; the owner then calls qmp_close. */
#ifndef VMRECLAIM_CONTROLLER_HYPERVISORS_QEMU_QMP_H
#define VMRECLAIM_CONTROLLER_HYPERVISORS_QEMU_QMP_H

#include <jansson.h>
#include <sys/types.h>
#include <uv.h>

#include "common/base/error.h"
#include "common/base/time.h"

#define QMP_LINE_BYTES_MAX (256u * 1024)
#define QMP_REQUESTS_MAX   64 /* unanswered at a time */

struct qmp;

struct qmp_callbacks {
    void (*on_ready)(void *userdata);
    void (*on_event)(const char *name, const json_t *data, void *userdata);
    /* The connection ended by itself or never came up. */
    void (*on_closed)(int status, const struct error *error, void *userdata);
};

/* `value` is what "return" held; NULL unless status is 0. -EREMOTEIO: QEMU refused, with its words
 * in `error`, which starts with the error's class. */
typedef void (*qmp_reply)(int status, const json_t *value, const struct error *error,
                          void *userdata);

/* `timeout` is for connecting, greeting and negotiation together. -errno: nothing was started. */
int qmp_open(uv_loop_t *loop, const char *path, nsec_t timeout,
             const struct qmp_callbacks *callbacks, void *userdata, struct qmp **ret_qmp);

/* Ends the commands with -ECANCELED at once, frees later. No other callback runs. NULL is fine. */
void qmp_close(struct qmp *qmp);

/* A command without arguments. -EBUSY: QMP_REQUESTS_MAX; -ENOTCONN; -ENOMEM. */
int qmp_query(struct qmp *qmp, const char *command, nsec_t timeout, qmp_reply on_reply,
              void *userdata);

/* Takes over `arguments`. NULL: memory ran out while they were made, nothing is sent; -ENOMEM. */
int qmp_execute(struct qmp *qmp, const char *command, json_t *arguments, nsec_t timeout,
                qmp_reply on_reply, void *userdata);

/* Passes deadlines; `now` is CLOCK_MONOTONIC. */
void qmp_tick(struct qmp *qmp, nsec_t now);

/* CLOCK_MONOTONIC of the last bytes that came; 0: none yet. */
nsec_t qmp_heard(const struct qmp *qmp);

/* The process at the other end, as the kernel says; 0: unknown. */
pid_t qmp_peer(const struct qmp *qmp);

#endif
