/* A hypervisor's own vsock device as the host sees it: a UNIX socket where one says which port of
 * the guest is meant.
 *
 * It follows Firecracker at 81b38b9dad6056d7a48073e95ac5a9aed51cb2ab,
 * src/vmm/src/devices/virtio/vsock/unix/muxer.rs: a line "CONNECT PORT\n" of at most 32 bytes in
 * one piece, else the connection is dropped; the answer is "OK PORT\n" with a number from 2^30 up;
 * where nobody listens in the guest it closes without a byte. */
#ifndef VMRECLAIM_TESTS_FAKES_HYBRID_H
#define VMRECLAIM_TESTS_FAKES_HYBRID_H

#include <stdbool.h>
#include <uv.h>

struct fake_hybrid {
    uv_poll_t listening;
    uv_poll_t connection; /* the one whose line is awaited */
    int listener;         /* -1: it does not listen */
    int descriptor;       /* -1: none */
    unsigned port;        /* that something in the guest listens at */
    unsigned refused;
    /* The stream is the guest's now, and so is the descriptor. */
    void (*on_connected)(int descriptor, void *userdata);
    void *userdata;
};

int fake_hybrid_listen(struct fake_hybrid *hybrid, uv_loop_t *loop, const char *path, unsigned port,
                       void (*on_connected)(int descriptor, void *userdata), void *userdata);

/* Its handles close on the loop's next turns. One that never listened is all zero and fine. */
void fake_hybrid_close(struct fake_hybrid *hybrid);

#endif
