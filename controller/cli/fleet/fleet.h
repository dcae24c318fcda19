/* The way to a coordinator of the fleet, and what its commands share. */
#ifndef VMRECLAIM_CONTROLLER_CLI_FLEET_FLEET_H
#define VMRECLAIM_CONTROLLER_CLI_FLEET_FLEET_H

#include "controller/cli/cli.h"
#include "controller/cli/color.h"
#include "fleet.pb-c.h"

typedef Vmreclaim__Fleet__V1__FleetHost FleetHost;
typedef Vmreclaim__Fleet__V1__FleetVm FleetVm;
typedef Vmreclaim__Fleet__V1__HostPolicy HostPolicy;
typedef Vmreclaim__Fleet__V1__Rollout Rollout;

#define FLEET_API "unix:/run/vmreclaim-fleet/fleet.sock"

/* The same command line towards the coordinator: at $VMRECLAIM_FLEET, else FLEET_API. */
struct cli fleet_cli(const struct cli *cli);

/* "canary", or the part of the hosts that has it afterwards: "25 %". */
void fleet_wave_name(const Rollout *rollout, uint32_t wave, char *name, size_t size);

/* Ends the host of "HOST/VM", and returns the VM; NULL: there is none. */
char *fleet_split_vm(char *word);

/* "soaking"; until the next call. */
const char *fleet_state_name(Vmreclaim__Fleet__V1__RolloutState state);

/* "in force", likewise, and how it is shown. */
const char *fleet_policy_state_name(Vmreclaim__Fleet__V1__HostPolicyState state);
enum color fleet_policy_state_color(Vmreclaim__Fleet__V1__HostPolicyState state);

/* The beginning of a text's SHA-256, "": there is none. Into FLEET_DIGEST_SIZE bytes. */
#define FLEET_DIGEST_SIZE 17
const char *fleet_digest_text(const ProtobufCBinaryData *digest, char *text);

#endif
