/* The connection to a vhost-user front end: messages with the descriptors that come along. */
#ifndef VMRECLAIM_TESTS_LAB_VSOCK_DEVICE_FRONTEND_H
#define VMRECLAIM_TESTS_LAB_VSOCK_DEVICE_FRONTEND_H

#include <stddef.h>

#include "tests/lab/vsock-device/vhost.h"

struct frontend {
    int descriptor; /* non-blocking; owned */
    struct vhost_message message;
    size_t received; /* bytes of the message, its header included */
};

void frontend_init(struct frontend *frontend, int descriptor);
void frontend_finish(struct frontend *frontend);

/* 1: frontend->message is complete, until the next call; -EAGAIN: not yet; 0: the front end left;
 * -EPROTO and others: it must go. */
int frontend_receive(struct frontend *frontend, struct error *error);

int frontend_send(struct frontend *frontend, const struct vhost_message *reply,
                  struct error *error);

#endif
