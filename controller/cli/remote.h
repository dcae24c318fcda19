/* The API of another host: `ssh` runs `vmreclaim relay` there, and its standard input and output
 * are the connection. ssh brings its own authentication, configuration and messages; the daemon
 * over there sees the user that ssh logged in. */
#ifndef VMRECLAIM_CONTROLLER_CLI_REMOTE_H
#define VMRECLAIM_CONTROLLER_CLI_REMOTE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/error.h"

/* Starts ssh to `host`, "ssh://[USER@]HOST[:PORT]", and returns a descriptor that is connected to
 * the daemon at `api` there. `may_ask`: ssh may ask for a password on the terminal. -EINVAL: not
 * such a URL; else what stopped us. */
int remote_open(const char *host, const char *api, bool may_ask, struct error *error);

/* The arguments for ssh, ended by NULL, pointing into `buffer`. For remote_open and its test. */
int remote_arguments(const char *host, const char *api, bool may_ask, char *buffer, size_t size,
                     const char *arguments[static 12], struct error *error);

#endif
