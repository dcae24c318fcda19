/* A coordinator's socket is another one than the daemon's. */
#include "controller/cli/fleet/fleet.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct cli fleet_cli(const struct cli *cli)
{
    const char *address = getenv("VMRECLAIM_FLEET");
    struct cli fleet = *cli;

    fleet.api = address != NULL && address[0] != '\0' ? address : FLEET_API;
    fleet.service = &vmreclaim__fleet__v1__fleet__descriptor;
    return fleet;
}

const char *fleet_state_name(Vmreclaim__Fleet__V1__RolloutState state)
{
    static const char prefix[] = "ROLLOUT_";
    static char name[32];
    const ProtobufCEnumValue *value = protobuf_c_enum_descriptor_get_value(
        &vmreclaim__fleet__v1__rollout_state__descriptor, (int)state);
    size_t length = 0;

    if (value == NULL)
        return "?";
    for (const char *c = value->name + strlen(prefix); *c != '\0' && length < sizeof(name) - 1; c++)
        name[length++] = (char)tolower((unsigned char)*c);
    name[length] = '\0';
    return name;
}

void fleet_wave_name(const Rollout *rollout, uint32_t wave, char *name, size_t size)
{
    bool has_canary = rollout->canary_selector[0] != '\0' || rollout->canary_hosts > 0;
    size_t part = has_canary ? (size_t)wave - 1 : wave;

    if ((has_canary && wave == 0) || part >= rollout->n_waves_permyriad)
        snprintf(name, size, "canary");
    else
        snprintf(name, size, "%g %%", rollout->waves_permyriad[part] / 100.0);
}
