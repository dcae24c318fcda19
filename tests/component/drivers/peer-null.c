/* null has no peer: what goes wrong is what the drivers for drills make of it. */
#include <stdio.h>
#include <stdlib.h>

#include "tests/component/drivers/peer.h"

struct peer {
    char nothing;
};

static struct peer *create(uv_loop_t *loop)
{
    struct peer *peer = calloc(1, sizeof(*peer));

    if (peer == NULL)
        abort();
    return peer;
}

static void stop(struct peer *peer)
{
}

static void destroy(struct peer *peer)
{
    free(peer);
}

static void start(struct peer *peer, enum peer_fault fault, char *address, size_t size)
{
    static const char *const wrappers[] = {
        [PEER_WORKS] = "",
        [PEER_SILENT] = "failing:taken:",
        [PEER_REFUSES] = "failing:refuse:",
        [PEER_DEAF] = "failing:hang:",
        [PEER_LATE] = "slow:300ms:",
        [PEER_CLOSES] = "failing:close:",
    };

    snprintf(address, size, "%snull:web-1", wrappers[fault]);
}

const struct peer_kind peer_kind = {
    .driver = "null",
    .faults = 1u << PEER_WORKS | 1u << PEER_SILENT | 1u << PEER_REFUSES | 1u << PEER_DEAF |
              1u << PEER_LATE | 1u << PEER_CLOSES,
    .capabilities = DRIVER_CAN_SET_BALLOON,
    .create = create,
    .stop = stop,
    .destroy = destroy,
    .start = start,
};
