/* A coordinator's socket is another one than the daemon's. */
#include "controller/cli/coordinator.h"

#include <stdlib.h>

#include "fleet.pb-c.h"

struct cli fleet_cli(const struct cli *cli)
{
    const char *address = getenv("VMRECLAIM_FLEET");
    struct cli fleet = *cli;

    fleet.api = address != NULL && address[0] != '\0' ? address : FLEET_API;
    fleet.service = &vmreclaim__fleet__v1__fleet__descriptor;
    return fleet;
}
