/* The CONNECT handshake of hybrid vsock, without I/O. */
#include "common/transport/hybrid.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/base/number.h"
#include "common/base/text.h"

size_t hybrid_request(uint32_t port, char buffer[HYBRID_LINE_MAX])
{
    return (size_t)snprintf(buffer, HYBRID_LINE_MAX, "CONNECT %u\n", port);
}

/* The line will be shown. */
static int refuse(struct hybrid_reply *reply)
{
    text_make_safe(reply->line, TEXT_ONE_LINE);
    reply->length = strlen(reply->line);
    return -EPROTO;
}

static int judge(struct hybrid_reply *reply)
{
    uint64_t port;

    if (strncmp(reply->line, "OK ", 3) != 0 || number_parse(reply->line + 3, &port) < 0)
        return refuse(reply);
    return port <= UINT32_MAX ? 1 : refuse(reply);
}

int hybrid_reply_take(struct hybrid_reply *reply, char byte)
{
    if (byte == '\n')
        return judge(reply);
    if (reply->length == sizeof(reply->line) - 1)
        return refuse(reply);
    reply->line[reply->length++] = byte != '\0' ? byte : '?';
    reply->line[reply->length] = '\0';
    return 0;
}
