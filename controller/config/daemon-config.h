/* The daemon's configuration: one file, overridden by the command line.
 *
 *     listen: [vsock:any:1017]     # where agents dial in; none: agents are only dialled
 *     api: unix:/run/vmreclaim/api.sock
 *     vms: /etc/vmreclaim/vms
 *     hypervisor_directory: qemu:/run/qemu   # every VM that is found in it
 *     find_processes: yes                    # ... and every hypervisor that runs
 *     libvirt: qemu:///system                # ... and its domains; none: not asked
 *     state_directory: /var/lib/vmreclaim
 *     read_group: vmreclaim-read   # may look; by default root only
 *     control_group: vmreclaim     # may change
 *     fleet_group: vmreclaim-fleet # may look, and hand in what the fleet's operators signed
 *     fleet_host: rack7-12         # what the fleet calls this host; none: it is in none
 *     fleet_keys: [11qYAYKx...=]   # of the fleet's operators
 *     fleet_policies: apply        # or refuse
 *     sample_interval: 2s
 *     arbiter: on                  # a host that runs short takes memory from VMs
 *     watermarks: 4%,8%,12%        # what it keeps available: critical, low, high
 *     host_cgroup: /sys/fs/cgroup/lab   # stands for the machine
 */
#ifndef VMRECLAIM_CONTROLLER_CONFIG_DAEMON_CONFIG_H
#define VMRECLAIM_CONTROLLER_CONFIG_DAEMON_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/error.h"
#include "common/base/time.h"
#include "controller/config/arbiter-settings.h"
#include "controller/config/fleet-settings.h"
#include "controller/config/keys.h"
#include "controller/hypervisors/hypervisors.h"

#define DAEMON_LISTEN_MAX    8
#define DAEMON_CONFIG_FILE   "/etc/vmreclaim/vmreclaimd.yaml"
#define DAEMON_VMS_DIRECTORY "/etc/vmreclaim/vms"

struct daemon_config {
    char listen[DAEMON_LISTEN_MAX][160];
    size_t listen_count;
    bool listen_none;
    char api[160];
    char vms[256];
    struct hypervisor_address hypervisor_directory; /* no driver: none */
    bool ignore_processes;
    char libvirt[DRIVER_WHERE_SIZE]; /* "": when it is there; "none" */
    char state_directory[256];
    char read_group[64]; /* empty: root only */
    char control_group[64];
    char fleet_group[64];
    struct fleet_settings fleet;
    nsec_t sample_interval;
    struct arbiter_settings arbiter;
};

/* The defaults; no `listen` address. Members of text are zero behind their end, so that they can be
 * compared as memory. */
void daemon_config_init(struct daemon_config *config);

/* Every setting once: reading, options, --help, vmreclaimd.yaml(5) and what a reload may not change
 * come from here.
 * `listen` adds an address, `fleet_keys` a key. */
extern const struct keys daemon_keys;

/* Where the configuration comes from: a file, and what the command line says over it. */
struct daemon_setting {
    const char *key;
    const char *value;
};
#define DAEMON_SETTINGS_MAX 32
struct daemon_sources {
    const char *path;
    bool path_is_default; /* then the file need not be there */
    struct daemon_setting settings[DAEMON_SETTINGS_MAX];
    size_t setting_count;
};

/* Defaults, file, settings, in this order. -ENOENT: there is no such file; -EINVAL with file and
 * line, or with the option. Untouched on failure. */
int daemon_config_gather(struct daemon_config *config, const struct daemon_sources *sources,
                         struct error *error);

/* What takes a restart is the same in both; else -EBUSY with its name. */
int daemon_config_check_fixed(const struct daemon_config *now, const struct daemon_config *next,
                              struct error *error);

#endif
