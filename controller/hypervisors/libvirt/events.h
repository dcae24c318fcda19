/* What libvirt reports by itself, as letters. libvirt's own event loop runs on a thread of its own
 * for as long as the process lives; its callbacks call nothing of libvirt. */
#ifndef VMRECLAIM_CONTROLLER_HYPERVISORS_LIBVIRT_EVENTS_H
#define VMRECLAIM_CONTROLLER_HYPERVISORS_LIBVIRT_EVENTS_H

#include "controller/hypervisors/libvirt/connection.h"
#include "controller/hypervisors/libvirt/mailbox.h"

#define EVENTS_WAITING_MAX 4096 /* letters; beyond, events are dropped: look at all domains */

enum notice_kind {
    NOTICE_STARTED,
    NOTICE_STOPPED,
    NOTICE_PAUSED,
    NOTICE_RESUMED,
    NOTICE_RESTORED, /* from a snapshot, and runs */
    NOTICE_SHUTDOWN,
    NOTICE_RESET,
    NOTICE_BALLOON,
    NOTICE_JOB_ENDED, /* a migration, a save */
    NOTICE_MEMORY,    /* a device came or went, or changed its size */
    NOTICE_CHANGED,   /* its metadata */
    NOTICE_DROPPED,   /* events were lost; of no domain */
    NOTICE_CLOSED,    /* the connection has ended; of no domain */
};

struct notice {
    struct letter letter;
    unsigned connection; /* the number that was given */
    enum notice_kind kind;
    char uuid[37];
    const char *reason; /* of closed */
};

/* Once per process, before the first connection. -errno of the thread. */
int events_start(void);

/* On the thread of the connection: asks for the events. `open` gets each as a letter. A driver that
 * lacks some sends the others. */
int events_register(struct connection *connection, struct mailbox *mailbox, unsigned number,
                    void (*open)(struct letter *letter, void *userdata), struct error *error);

/* ... and before the connection is closed, else it leaks. */
void events_deregister(struct connection *connection);

#endif
