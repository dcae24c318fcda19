/* What the commands of a fleet share. */
#ifndef VMRECLAIM_CONTROLLER_CLI_FLEET_FLEET_H
#define VMRECLAIM_CONTROLLER_CLI_FLEET_FLEET_H

#include "controller/cli/color.h"
#include "controller/cli/coordinator.h"
#include "controller/cli/fleet/messages.h"

#define FLEET_HOSTS_OPTION                                                                         \
    {                                                                                              \
        "hosts", 0, OPTION_TEXT, "HOSTS", "of these alone: a name, a glob, or label:KEY=VALUE",    \
            &fleet_hosts, NULL                                                                     \
    }

/* --hosts, and what it says: "" where it is not given. The options are ended by a NULL name. */
extern const struct command_option fleet_hosts_options[];
extern const char *fleet_hosts;

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
