/* Sessions with hypervisors that are controlled by HTTP and JSON on a UNIX socket: what the drivers
 * for Firecracker and Cloud Hypervisor have in common.
 *
 * Every operation is a row of questions, asked one after another; what is answered goes into the
 * session's view. There are no events: while a balloon moves it is read once a second, the rest is
 * the owner's to ask for.
 *
 * A failure of the socket ends the session, and so does another process that serves there. A
 * deadline ends the operation only: the API's thread may be held by a snapshot. */
#ifndef VMRECLAIM_CONTROLLER_HYPERVISORS_MICROVM_SESSION_H
#define VMRECLAIM_CONTROLLER_HYPERVISORS_MICROVM_SESSION_H

#include <jansson.h>

#include "controller/hypervisors/driver.h"

#define MICROVM_BODY_SIZE 96

/* What is known of a VM. */
struct microvm_view {
    struct driver_facts facts;
    struct driver_statistics statistics;
    enum answer has_statistics; /* whether this hypervisor and guest have them */
};

/* Pointers live until the callback returns. */
struct microvm_reply {
    const json_t *body; /* numbers are reals; NULL: none */
    pid_t peer;         /* who serves there; 0: unknown */
    int code;
    int64_t now; /* UNIX seconds */
};

/* One question. */
struct microvm_step {
    const char *path;                                /* NULL: there are no more */
    bool (*is_due)(const struct microvm_view *view); /* NULL: always */
    /* 0 or -EPROTO with its reason: what answers is no such hypervisor. */
    int (*take)(struct microvm_view *view, const struct microvm_reply *reply, struct error *error);
    /* Of a code that is none of 2xx. True: that is an answer, too. NULL: none is. */
    bool (*take_refusal)(struct microvm_view *view, const struct microvm_reply *reply);
};

/* What one driver's hypervisor is. */
struct microvm_kind {
    const char *name; /* for errors: "Firecracker" */
    const struct microvm_step *facts;
    const struct microvm_step *balloon;
    const struct microvm_step *statistics;
    const char *set_method;
    const char *set_path;
    /* The body that leaves the guest with `bytes`. */
    void (*write_set)(const struct microvm_view *view, uint64_t bytes,
                      char body[MICROVM_BODY_SIZE]);
    /* A refusal in its words; "": it has none. */
    void (*describe)(const json_t *body, char *text, size_t size);
};

/* A number of an object; UINT64_MAX: it is not there or no number of bytes. */
uint64_t microvm_number(const json_t *object, const char *key);

/* Likewise; "": it is not there or no text. Lives as long as the object. */
const char *microvm_text(const json_t *object, const char *key);

/* Likewise; ANSWER_UNKNOWN. */
enum answer microvm_answer(const json_t *object, const char *key);

/* The callbacks of struct driver. */
int microvm_open(uv_loop_t *loop, const char *where, nsec_t timeout,
                 const struct microvm_kind *kind, const struct driver_callbacks *callbacks,
                 void *userdata, struct driver_session **ret_session);
void microvm_close(struct driver_session *session);
void microvm_tick(struct driver_session *session, nsec_t now);
int microvm_start(struct driver_session *session, enum driver_operation operation, uint64_t value,
                  nsec_t timeout, driver_done done, void *userdata);
nsec_t microvm_heard(const struct driver_session *session);

#endif
