/* What the fleet wants of a host, signed by its operators.
 *
 * Theory of operation: a DesiredState is packed once, and those bytes are signed and kept. Signed
 * is "vmreclaim fleet state", a zero byte, and the bytes, so that no signature made for anything
 * else holds here. Who verifies reads nothing of the bytes before. Whether the state is for this
 * host, and newer, is the reader's to check. */
#ifndef VMRECLAIM_CONTROLLER_SIGNING_SIGNED_STATE_H
#define VMRECLAIM_CONTROLLER_SIGNING_SIGNED_STATE_H

#include "controller/signing/keys.h"
#include "desired.pb-c.h"

typedef Vmreclaim__Fleet__V1__DesiredState DesiredState;

/* A packed SignedState, for the caller to free. -ENOMEM, -EIO. */
int signed_state_sign(const DesiredState *state, const struct signing_key *key, uint8_t **ret_bytes,
                      size_t *ret_size);

/* A state whose signature held. */
struct signed_state {
    DesiredState *state;
    size_t key;     /* index of the key that signed it */
    uint8_t *bytes; /* the state as it was signed */
    size_t size;
};

/* By one of `keys`. -EINVAL: no SignedState; -ENOKEY: by none of them, as it says itself; -EBADMSG:
 * the signature does not hold; -EPROTO: it holds for what is no DesiredState; -ENOMEM. */
int signed_state_open(const uint8_t *bytes, size_t size, const struct signing_public_key *keys,
                      size_t key_count, struct signed_state *ret_signed, struct error *error);
void signed_state_finish(struct signed_state *state);

#endif
