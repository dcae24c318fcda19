/* Keys of the fleet's operators: Ed25519 (RFC 8032), by libsodium.
 *
 * As text a key is one line of base64. A secret one has the public one behind it and twice the
 * length, so neither is taken for the other, and a damaged one is found. Files of secret keys are
 * their owner's alone. */
#ifndef VMRECLAIM_CONTROLLER_SIGNING_KEYS_H
#define VMRECLAIM_CONTROLLER_SIGNING_KEYS_H

#include <stddef.h>
#include <stdint.h>

#include "common/base/error.h"

#define SIGNING_PUBLIC_SIZE    32
#define SIGNING_SECRET_SIZE    64
#define SIGNING_SIGNATURE_SIZE 64
#define SIGNING_ID_SIZE        8  /* the first bytes of a public key, to choose it by */
#define SIGNING_PUBLIC_TEXT    45 /* with its end */

struct signing_public_key {
    uint8_t bytes[SIGNING_PUBLIC_SIZE];
};

/* Wiped by signing_key_forget when it is not needed any more. */
struct signing_key {
    uint8_t bytes[SIGNING_SECRET_SIZE];
};

/* -EINVAL: no line of base64, a secret key, or no point of the curve that signs. `error` never has
 * the key's text. */
int signing_public_key_parse(const char *text, struct signing_public_key *ret_key,
                             struct error *error);
void signing_public_key_format(const struct signing_public_key *key,
                               char text[SIGNING_PUBLIC_TEXT]);

/* -EINVAL: it is no secret key. */
int signing_key_parse(const char *text, struct signing_key *ret_key);

/* A new one. -EIO: the system has no random numbers. */
int signing_key_make(struct signing_key *ret_key);
void signing_key_forget(struct signing_key *key);
void signing_key_public(const struct signing_key *key, struct signing_public_key *ret_public);

/* -EINVAL: it is no secret key; -EPERM: others than its owner may read it; errno of reading. */
int signing_key_read(const char *path, struct signing_key *ret_key, struct error *error);

/* A new file, for its owner only, on the disk when this returns. -EEXIST: a key is never replaced.
 */
int signing_key_write(const char *path, const struct signing_key *key, struct error *error);

/* Of plain bytes. Whoever signs says in them what for: see signed-state.h. -EIO. */
int signing_sign(const struct signing_key *key, const uint8_t *bytes, size_t size,
                 uint8_t ret_signature[SIGNING_SIGNATURE_SIZE]);

/* -EBADMSG: it is not this key's signature of these bytes. */
int signing_verify(const struct signing_public_key *key, const uint8_t *bytes, size_t size,
                   const uint8_t signature[SIGNING_SIGNATURE_SIZE]);

#endif
