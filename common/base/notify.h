/* The service manager's notification protocol (sd_notify(3)): one datagram per message to the
 * socket that $NOTIFY_SOCKET names. Without one every call is a no-op. */
#ifndef VMRECLAIM_COMMON_BASE_NOTIFY_H
#define VMRECLAIM_COMMON_BASE_NOTIFY_H

#include "common/base/time.h"

struct notify {
    int descriptor;      /* connected; -1: nobody listens */
    nsec_t watchdog;     /* the manager wants a sign of life within this; 0: none */
    nsec_t watchdog_due; /* boottime of the next sign; NSEC_INFINITY: none */
};

/* Reads the environment. Never fails: a manager that cannot be reached is none. */
void notify_init(struct notify *notify, nsec_t now);
void notify_finish(struct notify *notify);

/* "READY=1", "STOPPING=1", "STATUS=..."; several with '\n' between. */
void notify_send(const struct notify *notify, const char *message);

/* A sign of life when one is due at `now`. */
void notify_watchdog(struct notify *notify, nsec_t now);

#endif
