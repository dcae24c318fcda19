/* One answer for many: whoever asks while it is being made waits for it, whoever asks within a
 * second gets it as it is. So the daemon is asked once a second at most, however many browsers
 * look. */
#ifndef VMRECLAIM_CONTROLLER_WEB_SHARED_H
#define VMRECLAIM_CONTROLLER_WEB_SHARED_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/list.h"
#include "common/base/time.h"

struct reply;
struct request;

struct shared {
    struct list waiting;  /* who gets the next answer */
    struct reply *plain;  /* the newest answer; NULL: there is none */
    struct reply *packed; /* the same in gzip, made for the first who takes that */
    const char *type;     /* its content type */
    unsigned status;
    nsec_t made; /* CLOCK_MONOTONIC */
};

void shared_init(struct shared *shared, const char *type);

/* Nobody may be waiting. */
void shared_finish(struct shared *shared);

/* The newest answer may still be given. */
bool shared_is_fresh(const struct shared *shared);
bool shared_has_waiters(const struct shared *shared);

/* Answers with what is there. */
void shared_answer(struct shared *shared, struct request *request);

/* Answers with what shared_put() brings. */
void shared_wait(struct shared *shared, struct request *request);

/* The new answer, for all who wait. Takes over `body`, from malloc; NULL: there was no memory, and
 * they get none. One that `is_passing` is given to nobody who comes later. */
void shared_put(struct shared *shared, unsigned status, char *body, size_t length, bool is_passing);

#endif
