/* Makes keys for a fleet: a NATS user's, and the operators'. */
#ifndef VMRECLAIM_CONTROLLER_FLEET_ENROL_NEW_KEYS_H
#define VMRECLAIM_CONTROLLER_FLEET_ENROL_NEW_KEYS_H

#include "common/base/error.h"
#include "controller/fleet/bus/nkey.h"

/* Writes the secret part into a new file, for its owner only, and prints the public part. -EEXIST:
 * a key is never replaced; -errno. */
int new_nkey(const char *path, struct error *error);
int new_signing_key(const char *path, struct error *error);

/* The same as new_nkey, told and not printed. */
int new_nkey_make(const char *path, char ret_public[NKEY_PUBLIC_SIZE], struct error *error);

#endif
