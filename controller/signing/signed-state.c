/* Signing and verifying desired states. */
#include "controller/signing/signed-state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/cleanup.h"
#include "common/ttrpc/wire.h"

typedef Vmreclaim__Fleet__V1__SignedState SignedState;

/* A field or a value of a list each: what is decoded takes many times its bytes. */
#define SIGNED_ELEMENTS_MAX 16
#define STATE_ELEMENTS_MAX  65536

/* With its end, which is signed as well. */
static const char purpose[] = "vmreclaim fleet state";

/* What is signed, for the caller to free, with room for the state behind the purpose. */
static uint8_t *signed_bytes(size_t state_size)
{
    uint8_t *bytes = malloc(sizeof(purpose) + state_size);

    if (bytes != NULL)
        memcpy(bytes, purpose, sizeof(purpose));
    return bytes;
}

int signed_state_sign(const DesiredState *state, const struct signing_key *key, uint8_t **ret_bytes,
                      size_t *ret_size)
{
    SignedState message = VMRECLAIM__FLEET__V1__SIGNED_STATE__INIT;
    size_t size = vmreclaim__fleet__v1__desired_state__get_packed_size(state);
    cleanup_free uint8_t *bytes = signed_bytes(size);
    uint8_t signature[SIGNING_SIGNATURE_SIZE];
    struct signing_public_key public;
    uint8_t *packed;
    int r;

    if (bytes == NULL)
        return -ENOMEM;
    (void)vmreclaim__fleet__v1__desired_state__pack(state, bytes + sizeof(purpose));
    r = signing_sign(key, bytes, sizeof(purpose) + size, signature);
    if (r < 0)
        return r;
    signing_key_public(key, &public);
    message.state = (ProtobufCBinaryData){.len = size, .data = bytes + sizeof(purpose)};
    message.signature = (ProtobufCBinaryData){.len = sizeof(signature), .data = signature};
    message.key = (ProtobufCBinaryData){.len = SIGNING_ID_SIZE, .data = public.bytes};
    packed = malloc(vmreclaim__fleet__v1__signed_state__get_packed_size(&message));
    if (packed == NULL)
        return -ENOMEM;
    *ret_size = vmreclaim__fleet__v1__signed_state__pack(&message, packed);
    *ret_bytes = packed;
    return 0;
}

/* ---- opening ---- */

/* The key that it names and that has signed it. */
static int verify(const SignedState *message, const struct signing_public_key *keys,
                  size_t key_count, size_t *ret_key)
{
    size_t size = sizeof(purpose) + message->state.len;
    cleanup_free uint8_t *bytes = signed_bytes(message->state.len);
    int r = -ENOKEY;

    if (bytes == NULL)
        return -ENOMEM;
    if (message->state.len > 0)
        memcpy(bytes + sizeof(purpose), message->state.data, message->state.len);
    for (size_t i = 0; i < key_count && r != 0; i++) {
        if (memcmp(keys[i].bytes, message->key.data, SIGNING_ID_SIZE) != 0)
            continue;
        r = signing_verify(&keys[i], bytes, size, message->signature.data);
        *ret_key = i;
    }
    return r;
}

static int say(int code, struct error *error)
{
    switch (code) {
    case -EINVAL:
        return error_set(error, code, "this is no signed state of a fleet");
    case -ENOKEY:
        return error_set(error, code,
                         "the desired state is signed with a key that is none of fleet_keys");
    case -EPROTO:
        return error_set(error, code, "the fleet's operators have signed what is no desired state");
    case -EBADMSG:
        return error_set(error, code,
                         "the desired state is not what the fleet's operators have signed");
    default:
        return error_set(error, code, "out of memory");
    }
}

static bool can_decode(const ProtobufCMessageDescriptor *descriptor, const uint8_t *bytes,
                       size_t size, uint32_t elements_max)
{
    return wire_check_message(descriptor, (struct slice){bytes, size}, elements_max) == 0;
}

static int open_message(const SignedState *message, const struct signing_public_key *keys,
                        size_t key_count, struct signed_state *signed_state)
{
    int r;

    if (message->signature.len != SIGNING_SIGNATURE_SIZE || message->key.len != SIGNING_ID_SIZE)
        return -EINVAL;
    r = verify(message, keys, key_count, &signed_state->key);
    if (r < 0)
        return r;
    signed_state->size = message->state.len;
    signed_state->bytes = malloc(signed_state->size + 1);
    if (signed_state->bytes == NULL)
        return -ENOMEM;
    if (signed_state->size > 0)
        memcpy(signed_state->bytes, message->state.data, signed_state->size);
    if (!can_decode(&vmreclaim__fleet__v1__desired_state__descriptor, signed_state->bytes,
                    signed_state->size, STATE_ELEMENTS_MAX))
        return -EPROTO;
    signed_state->state =
        vmreclaim__fleet__v1__desired_state__unpack(NULL, signed_state->size, signed_state->bytes);
    return signed_state->state == NULL ? -EPROTO : 0;
}

int signed_state_open(const uint8_t *bytes, size_t size, const struct signing_public_key *keys,
                      size_t key_count, struct signed_state *ret_signed, struct error *error)
{
    struct signed_state signed_state = {.state = NULL};
    SignedState *message = NULL;
    int r;

    if (can_decode(&vmreclaim__fleet__v1__signed_state__descriptor, bytes, size,
                   SIGNED_ELEMENTS_MAX))
        message = vmreclaim__fleet__v1__signed_state__unpack(NULL, size, bytes);
    if (message == NULL)
        return say(-EINVAL, error);
    r = open_message(message, keys, key_count, &signed_state);
    vmreclaim__fleet__v1__signed_state__free_unpacked(message, NULL);
    if (r == 0) {
        *ret_signed = signed_state;
        return 0;
    }
    signed_state_finish(&signed_state);
    return say(r, error);
}

void signed_state_finish(struct signed_state *state)
{
    if (state->state != NULL)
        vmreclaim__fleet__v1__desired_state__free_unpacked(state->state, NULL);
    free(state->bytes);
    *state = (struct signed_state){.state = NULL};
}
