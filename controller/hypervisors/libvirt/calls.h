/* Which calls to domains are under way, and which may be made. Pure.
 *
 * Theory of operation: a call that needs a domain's monitor blocks as long as its QEMU does. Twenty
 * of them freeze libvirtd for everybody on the host. So one is out per domain, and CALLS_ACTIVE_MAX
 * in all. A call past its deadline is answered for, yet nobody can take it back. It is lost and
 * stands beside the active ones, and its domain is left alone until it returns. No call is started
 * that could become a lost one too many. Domains take turns, the calls of one keep their order.
 *
 * Failure modes: a domain whose line is full refuses more. While CALLS_LOST_MAX are lost, or the
 * whole is held because the daemon is silent, calls wait until their deadlines. */
#ifndef VMRECLAIM_CONTROLLER_HYPERVISORS_LIBVIRT_CALLS_H
#define VMRECLAIM_CONTROLLER_HYPERVISORS_LIBVIRT_CALLS_H

#include <stdbool.h>

#include "common/base/list.h"
#include "common/base/time.h"

#define CALLS_ACTIVE_MAX 3
#define CALLS_LOST_MAX   8
#define CALLS_LINE_MAX   8 /* that wait at one domain */

enum call_state {
    CALL_IDLE, /* nowhere in here: the caller's */
    CALL_WAITING,
    CALL_ACTIVE,
    CALL_LOST, /* its deadline passed while it was out */
};

/* Part of the caller's own object. */
struct call {
    struct list link; /* of its line, or of those that are out */
    struct call_line *line;
    enum call_state state;
    nsec_t deadline;
};

/* One domain. */
struct call_line {
    struct list link; /* of the lines in which a call waits */
    struct list waiting;
    unsigned count;   /* that wait */
    struct call *out; /* active or lost; NULL: none */
    nsec_t not_before;
};

struct calls {
    struct list lines; /* in which calls wait; the next turn first */
    struct list out;
    unsigned active;
    unsigned lost;
    bool is_held;
};

void calls_init(struct calls *calls);
void call_line_init(struct call_line *line);

/* Nothing waits in it, and nothing of it is out. */
bool call_line_is_idle(const struct call_line *line);

/* The call waits for its turn. -EBUSY: CALLS_LINE_MAX wait there. */
int calls_put(struct calls *calls, struct call_line *line, struct call *call, nsec_t deadline);

/* A call that is to be made now; it is active then. NULL: none may be. */
struct call *calls_start(struct calls *calls, nsec_t now);

/* A call whose deadline has passed, each once: answer for it. One that waited is CALL_IDLE then,
 * one that is out is CALL_LOST and comes back by calls_return. NULL: none. */
struct call *calls_overdue(struct calls *calls, nsec_t now);

/* A call has returned. True: somebody waits for the answer; false: it was lost. */
bool calls_return(struct calls *calls, struct call *call);

/* The domain was not to be asked: the call is the next of its line, `not_before` then. False: it
 * was lost, as with calls_return. */
bool calls_put_back(struct calls *calls, struct call *call, nsec_t not_before);

/* A call that waits is taken out of its line. */
void calls_withdraw(struct calls *calls, struct call *call);

/* The daemon does not answer, so nothing is started; or it does again. */
void calls_hold(struct calls *calls, bool is_held);

/* When calls_start or calls_overdue may have something, at the latest; NSEC_INFINITY: not before a
 * call is put or returns. */
nsec_t calls_next(const struct calls *calls);

#endif
