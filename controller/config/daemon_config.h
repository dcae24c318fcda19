/* The daemon's configuration: one file, overridden by the command line.
 *
 *     listen: [vsock:any:1017]     # where agents dial in; none: agents are only dialled
 *     api: unix:/run/vmreclaim/api.sock
 *     vms: /etc/vmreclaim/vms
 *     hypervisor_directory: qemu:/run/qemu   # every VM that is found in it
 *     state_directory: /var/lib/vmreclaim
 *     read_group: vmreclaim-read   # may look; by default root only
 *     control_group: vmreclaim     # may change
 *     sample_interval: 2s
 */
#ifndef VMRECLAIM_CONFIG_DAEMON_CONFIG_H
#define VMRECLAIM_CONFIG_DAEMON_CONFIG_H

#include <stdbool.h>
#include <stddef.h>

#include "common/base/error.h"
#include "common/base/time.h"
#include "controller/hypervisors/hypervisors.h"

#define DAEMON_LISTEN_MAX  8
#define DAEMON_CONFIG_FILE "/etc/vmreclaim/vmreclaimd.yaml"

struct daemon_config {
    char listen[DAEMON_LISTEN_MAX][160];
    size_t listen_count;
    bool listen_none;
    char api[160];
    char vms[256];
    struct hypervisor_address hypervisor_directory; /* no driver: none */
    char state_directory[256];
    char read_group[64]; /* empty: root only */
    char control_group[64];
    nsec_t sample_interval;
};

/* The defaults; no `listen` address. */
void daemon_config_init(struct daemon_config *config);

/* Sets one key as in the file. -EINVAL with the accepted form. `listen` adds an address. */
int daemon_config_set(struct daemon_config *config, const char *key, const char *value,
                      struct error *error);

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

/* Defaults, file, settings, in this order. */
int daemon_config_gather(struct daemon_config *config, const struct daemon_sources *sources,
                         struct error *error);

/* Reads the file. -ENOENT: there is none; -EINVAL with file and line. Untouched on failure. */
int daemon_config_read(struct daemon_config *config, const char *path, struct error *error);

#endif
