/* The configuration of vmreclaim-fleet, on a host and beside a coordinator.
 *
 *     host: 8d3f0c2e                    # this host's id on the bus, made at install
 *     name: rack2-07                    # for people; else the system's name
 *     labels: [rack=2, role=database]
 *     servers: [tls://bus-1:4222, tls://bus-2:4222]
 *     nkey: /etc/vmreclaim/fleet.nkey   # the seed of this host's user of the bus
 *     authority: /etc/vmreclaim/fleet-authority.pem
 *     api: unix:/run/vmreclaim/api.sock
 *     state_directory: /var/lib/vmreclaim-fleet  # up to where the fleet was told what happened
 *     # with --coordinator
 *     listen: unix:/run/vmreclaim-fleet/fleet.sock
 *     listen_read: unix:/run/vmreclaim-fleet/read/fleet.sock # for who may look, and order nothing
 *     signing_key: /etc/vmreclaim/fleet.key
 *     former_key: K0h...                # what it has signed still counts
 *     lease_time: 30s                   # until another coordinator takes over
 */
#ifndef VMRECLAIM_CONTROLLER_FLEET_CONFIG_CONFIG_H
#define VMRECLAIM_CONTROLLER_FLEET_CONFIG_CONFIG_H

#include "common/base/time.h"
#include "controller/config/keys.h"

#define FLEET_CONFIG_FILE       "/etc/vmreclaim/fleet.yaml"
#define COORDINATOR_CONFIG_FILE "/etc/vmreclaim/coordinator.yaml"
#define FLEET_STATE_DIRECTORY   "/var/lib/vmreclaim-fleet"
#define FLEET_HOST_SIZE         65
#define FLEET_LABELS_MAX        32
#define FLEET_LABEL_SIZE        128

struct fleet_config {
    char host[FLEET_HOST_SIZE]; /* "": a coordinator's */
    char name[256];
    char labels[FLEET_LABELS_MAX][FLEET_LABEL_SIZE];
    size_t label_count;
    char servers[1024]; /* with commas between */
    char nkey[256];
    char authority[256];
    char api[160];
    char state_directory[256];
    char listen[160];
    char listen_read[160]; /* "": nowhere */
    char signing_key[256];
    char former_key[64];
    nsec_t lease_time;
};

extern const struct keys fleet_keys;

/* The defaults, then the file. -ENOENT, -EINVAL with file and line; -EINVAL: something that is
 * needed is not there. */
int fleet_config_read(struct fleet_config *config, const char *path, struct error *error);

/* Letters, digits, '-' and '_': one token of a subject. */
bool fleet_host_is_good(const char *host);

#endif
