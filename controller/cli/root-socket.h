/* Root's own way to the daemon, which nobody else can crowd. */
#ifndef VMRECLAIM_CONTROLLER_CLI_ROOT_SOCKET_H
#define VMRECLAIM_CONTROLLER_CLI_ROOT_SOCKET_H

#include "common/transport/address.h"

/* A connection to the socket that the daemon keeps for its own user beside `api`. -errno: there is
 * none for us, as with an older daemon, or it is another user's; then `api` itself is the way. */
int root_socket_connect(const struct address *api);

#endif
