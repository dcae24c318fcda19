/* The CONNECT handshake of hybrid vsock, without I/O. */
#include "common/transport/hybrid.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/base/number.h"

size_t hybrid_request(uint32_t port, char buffer[HYBRID_LINE_MAX])
{
    return (size_t)snprintf(buffer, HYBRID_LINE_MAX, "CONNECT %u\n", port);
}

static int judge(const struct hybrid_reply *reply)
{
    uint64_t port;

    if (strncmp(reply->line, "OK ", 3) != 0 || number_parse(reply->line + 3, &port) < 0)
        return -EPROTO;
    return port <= UINT32_MAX ? 1 : -EPROTO;
}

int hybrid_reply_take(struct hybrid_reply *reply, char byte)
{
    if (byte == '\n')
        return judge(reply);
    if (reply->length == sizeof(reply->line) - 1)
        return -EPROTO;
    reply->line[reply->length++] = byte >= ' ' && byte <= '~' ? byte : '?';
    reply->line[reply->length] = '\0';
    return 0;
}
