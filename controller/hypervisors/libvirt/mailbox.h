/* What other threads send to the loop, in their order.
 *
 * A mailbox outlives its owner as long as a thread knows it. A thread that hangs in a call may come
 * back after all else has gone. Letters that nobody opens any more are discarded. */
#ifndef VMRECLAIM_CONTROLLER_HYPERVISORS_LIBVIRT_MAILBOX_H
#define VMRECLAIM_CONTROLLER_HYPERVISORS_LIBVIRT_MAILBOX_H

#include <stdbool.h>
#include <uv.h>

#include "common/base/list.h"

struct mailbox;

/* Part of what is sent. Exactly one of the two is called, once. */
struct letter {
    struct list link;
    void (*open)(struct letter *letter, void *userdata); /* on the loop; `userdata` the mailbox's */
    void (*discard)(struct letter *letter);              /* on any thread */
};

/* -ENOMEM, or what the loop says. */
int mailbox_create(uv_loop_t *loop, void *userdata, struct mailbox **ret_mailbox);

/* On the loop: no letter is opened any more, and the loop is not kept alive. NULL is fine. */
void mailbox_close(struct mailbox *mailbox);

/* On any thread. */
struct mailbox *mailbox_ref(struct mailbox *mailbox);
void mailbox_unref(struct mailbox *mailbox);
void mailbox_send(struct mailbox *mailbox, struct letter *letter);

/* How many letters wait. */
unsigned mailbox_waiting(struct mailbox *mailbox);

#endif
