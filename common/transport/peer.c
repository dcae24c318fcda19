/* Which peers a listener believes to be what they should be. */
#include <sys/socket.h> /* the next one leans on it */

#include <linux/vm_sockets.h>

#include "common/transport/address.h"

#define PRIVILEGED_PORT_END 1024 /* binding below takes CAP_NET_BIND_SERVICE */

bool peer_is_allowed(const struct peer *peer, enum peer_rule rule)
{
    bool privileged = peer->port < PRIVILEGED_PORT_END;

    if (peer->kind != ADDRESS_VSOCK || rule == PEER_ANY)
        return true;
    if (rule == PEER_HOST)
        return peer->cid == VMADDR_CID_HOST && privileged;
    return peer->cid > VMADDR_CID_HOST && peer->cid != VMADDR_CID_ANY && privileged;
}
