/* Makes keys for a fleet: a NATS user's, and the operators'. */
#ifndef VMRECLAIM_CONTROLLER_FLEET_NEW_KEYS_H
#define VMRECLAIM_CONTROLLER_FLEET_NEW_KEYS_H

#include "common/base/error.h"

/* Writes the secret part into a new file, for its owner only, and prints the public part. -EEXIST:
 * a key is never replaced; -errno. */
int new_nkey(const char *path, struct error *error);
int new_signing_key(const char *path, struct error *error);

#endif
