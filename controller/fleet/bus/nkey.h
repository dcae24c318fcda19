/* NATS' keys for users: Ed25519, written in base32 with a prefix and a CRC-16 (nats-io/nkeys,
 * strkey.go). */
#ifndef VMRECLAIM_CONTROLLER_FLEET_BUS_NKEY_H
#define VMRECLAIM_CONTROLLER_FLEET_BUS_NKEY_H

#include "common/base/error.h"

#define NKEY_SEED_SIZE   59 /* "SU", 56 characters more, and '\0' */
#define NKEY_PUBLIC_SIZE 57 /* "U", 55 more, and '\0' */

/* Makes a new user's seed. */
void nkey_make(char ret_seed[NKEY_SEED_SIZE]);

/* Of a seed, with or without white space behind it. -EINVAL: it is no user's seed. */
int nkey_public(const char *seed, char ret_public[NKEY_PUBLIC_SIZE], struct error *error);

/* Whether it is a user's public key. -EINVAL, also of a seed, which `error` never has. */
int nkey_check_public(const char *key, struct error *error);

#endif
