/* What an operator of this host says of the fleet that it is in, in the daemon's configuration. */
#ifndef VMRECLAIM_CONTROLLER_CONFIG_FLEET_SETTINGS_H
#define VMRECLAIM_CONTROLLER_CONFIG_FLEET_SETTINGS_H

#include <stdbool.h>

#include "common/base/error.h"
#include "controller/signing/keys.h"

#define FLEET_HOST_SIZE 65
#define FLEET_KEYS_MAX  2 /* the one in use, and the next */

struct fleet_settings {
    char host[FLEET_HOST_SIZE]; /* what the fleet calls it; "": it is in none */
    struct signing_public_key keys[FLEET_KEYS_MAX];
    size_t key_count;
    bool refuses; /* whatever is signed */
};

/* "[A-Za-z0-9_-]+", as it is part of the bus's subjects. -EINVAL. */
int fleet_set_host(struct fleet_settings *settings, const char *text, struct error *error);

/* One more, in base64. -EINVAL. */
int fleet_add_key(struct fleet_settings *settings, const char *text, struct error *error);

/* "apply" or "refuse". -EINVAL. */
int fleet_set_policies(struct fleet_settings *settings, const char *text, struct error *error);

#endif
