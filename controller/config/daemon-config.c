/* Reads the daemon's configuration. */
#include "controller/config/daemon-config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/base/util.h"
#include "common/transport/address.h"
#include "controller/hypervisors/table.h"

#define SAMPLE_INTERVAL_MIN (500 * NSEC_PER_MSEC)
#define SAMPLE_INTERVAL_MAX (60 * NSEC_PER_SEC)

static int add_listen(void *object, const struct key *key, const char *value, struct error *error)
{
    struct daemon_config *config = object;
    struct address address;
    struct key item;
    int r;

    if (strcmp(value, "none") == 0) {
        config->listen_none = true;
        return 0;
    }
    r = address_parse(value, &address, error);
    if (r < 0)
        return error_prefix(error, r, "listen");
    if (address.kind != ADDRESS_VSOCK && address.kind != ADDRESS_FD)
        return error_set(error, -EINVAL,
                         "listen '%s': agents dial in over vsock (or a passed descriptor, fd:N); "
                         "agents on UNIX sockets are dialled, by 'agent' in their VM's file",
                         value);
    if (config->listen_count == DAEMON_LISTEN_MAX)
        return error_set(error, -EINVAL, "more than %d listen addresses", DAEMON_LISTEN_MAX);
    item = (struct key){.name = key->name,
                        .offset = key->offset + config->listen_count++ * sizeof(config->listen[0]),
                        .size = sizeof(config->listen[0])};
    return keys_set_text(config, &item, value, error);
}

static int set_api(void *object, const struct key *key, const char *value, struct error *error)
{
    struct address address;
    int r = address_parse(value, &address, error);

    if (r < 0)
        return error_prefix(error, r, "api");
    if (address.kind != ADDRESS_UNIX && address.kind != ADDRESS_FD)
        return error_set(error, -EINVAL, "api '%s' must be unix:PATH or fd:N", value);
    return keys_set_text(object, key, value, error);
}

static int set_hypervisor_directory(void *object, const struct key *key, const char *value,
                                    struct error *error)
{
    struct daemon_config *config = object;
    struct hypervisor_address place;
    int r = hypervisor_place_parse(value, &place, error);

    if (r < 0)
        return error_prefix(error, r, "hypervisor_directory");
    memset(&config->hypervisor_directory, 0, sizeof(config->hypervisor_directory));
    config->hypervisor_directory.driver = place.driver;
    memcpy(config->hypervisor_directory.text, place.text, strlen(place.text));
    return 0;
}

static int set_find_processes(void *object, const struct key *key, const char *value,
                              struct error *error)
{
    struct daemon_config *config = object;

    if (strcmp(value, "yes") != 0 && strcmp(value, "no") != 0)
        return error_set(error, -EINVAL, "find_processes '%s' is neither yes nor no", value);
    config->ignore_processes = value[0] == 'n';
    return 0;
}

static int set_libvirt(void *object, const struct key *key, const char *value, struct error *error)
{
    char text[HYPERVISOR_ADDRESS_SIZE];
    struct hypervisor_address place;
    int r = 0;

    if (strcmp(value, "none") != 0) {
        snprintf(text, sizeof(text), "libvirt:%s", value);
        r = hypervisor_place_parse(text, &place, error);
    }
    return r < 0 ? error_prefix(error, r, "libvirt") : keys_set_text(object, key, value, error);
}

static int set_sample_interval(void *object, const struct key *key, const char *value,
                               struct error *error)
{
    struct daemon_config *config = object;
    nsec_t interval;

    if (time_parse_duration(value, &interval) < 0 || interval < SAMPLE_INTERVAL_MIN ||
        interval > SAMPLE_INTERVAL_MAX)
        return error_set(error, -EINVAL, "sample_interval '%s' is not a time from 500ms to 60s",
                         value);
    config->sample_interval = interval;
    return 0;
}

static int set_arbiter(void *object, const struct key *key, const char *value, struct error *error)
{
    struct daemon_config *config = object;

    if (strcmp(value, "on") != 0 && strcmp(value, "off") != 0)
        return error_set(error, -EINVAL, "arbiter '%s' is neither on nor off", value);
    config->arbiter.is_on = value[1] == 'n';
    return 0;
}

static int set_watermarks(void *object, const struct key *key, const char *value,
                          struct error *error)
{
    struct daemon_config *config = object;

    return arbiter_set_watermarks(&config->arbiter, value, error);
}

static int set_fleet_host(void *object, const struct key *key, const char *value,
                          struct error *error)
{
    struct daemon_config *config = object;

    return fleet_set_host(&config->fleet, value, error);
}

static int add_fleet_key(void *object, const struct key *key, const char *value,
                         struct error *error)
{
    struct daemon_config *config = object;

    return fleet_add_key(&config->fleet, value, error);
}

static int set_fleet_policies(void *object, const struct key *key, const char *value,
                              struct error *error)
{
    struct daemon_config *config = object;

    return fleet_set_policies(&config->fleet, value, error);
}

#define MEMBER(name) KEY_MEMBER(struct daemon_config, name)

/* In the order of --help. */
static const struct key list[] = {
    {"listen", add_listen, MEMBER(listen), .is_fixed = true,
     .type = "an address, none, or a list of addresses", .standard = "vsock:any:1017",
     .argument = "ADDRESS",
     .help = "where agents dial in (default vsock:any:1017); may be\n"
             "repeated; none: agents are only dialled"},
    {"api", set_api, MEMBER(api), .is_fixed = true, .type = "unix:PATH, or fd:N",
     .standard = "unix:/run/vmreclaim/api.sock", .argument = "ADDRESS",
     .help = "where operators connect (default\n"
             "unix:/run/vmreclaim/api.sock)"},
    {"vms", keys_set_directory, MEMBER(vms), .is_fixed = true, .type = "an absolute path",
     .standard = "/etc/vmreclaim/vms", .argument = "DIRECTORY",
     .help = "one file per VM (default /etc/vmreclaim/vms)"},
    {"hypervisor_directory", set_hypervisor_directory, MEMBER(hypervisor_directory.text),
     .is_fixed = true, .type = "DRIVER:DIRECTORY", .argument = "DRIVER:DIRECTORY",
     .help = "what the driver finds in it is a VM even without a file"},
    {"find_processes", set_find_processes, MEMBER(ignore_processes), .is_fixed = true,
     .type = "yes or no", .standard = "yes", .argument = "YES",
     .help = "every hypervisor of the host's own users that runs is\n"
             "a VM, too (default yes)"},
    {"libvirt", set_libvirt, MEMBER(libvirt), .is_fixed = true, .type = "a URI, or none",
     .argument = "URI",
     .help = "whose domains are VMs (default qemu:///system, when\n"
             "libvirt runs); none: not asked"},
    {"state_directory", keys_set_directory, MEMBER(state_directory), .is_fixed = true,
     .type = "an absolute path", .standard = "/var/lib/vmreclaim", .argument = "DIRECTORY",
     .help = "where leases, policies and records are kept (default\n"
             "/var/lib/vmreclaim)"},
    {"sample_interval", set_sample_interval, MEMBER(sample_interval),
     .type = "a time, 500ms to 60s", .standard = "10s", .argument = "TIME",
     .help = "longest time between a guest's samples (default 10s)"},
    {"arbiter", set_arbiter, MEMBER(arbiter.is_on), .type = "on or off", .standard = "off",
     .argument = "ON",
     .help = "a host that runs short takes memory from VMs that need\n"
             "it least (default off)"},
    {"watermarks", set_watermarks, MEMBER(arbiter.critical),
     .type = "CRITICAL,LOW,HIGH: three shares or three sizes", .standard = "4%,8%,12%",
     .argument = "CRITICAL,LOW,HIGH",
     .help = "what is to be available: below low it takes until high\n"
             "(default 4%,8%,12%, at most 4, 8 and 12 GiB)"},
    {"host_cgroup", keys_set_directory, MEMBER(arbiter.host_cgroup), .type = "an absolute path",
     .argument = "DIRECTORY", .help = "a cgroup of memory, v1 or v2, that stands for the host"},
    {"read_group", keys_set_text, MEMBER(read_group), .type = "the name of a group",
     .argument = "GROUP", .help = "who may look (default: root only)"},
    {"control_group", keys_set_text, MEMBER(control_group), .type = "the name of a group",
     .argument = "GROUP", .help = "who may change (default: root only)"},
    {"fleet_group", keys_set_text, MEMBER(fleet_group), .type = "the name of a group",
     .argument = "GROUP",
     .help = "who may look, and hand in what the fleet's operators\n"
             "have signed, as vmreclaim-fleet does (default: root\n"
             "only)"},
    {"fleet_host", set_fleet_host, MEMBER(fleet.host), .is_fixed = true,
     .type = "1 to 64 letters, digits, '-' and '_'", .argument = "NAME",
     .help = "what the fleet calls this host (default: it is in none)"},
    {"fleet_keys", add_fleet_key, MEMBER(fleet.keys), .type = "a key, or a list of two",
     .argument = "KEY",
     .help = "public key of the fleet's operators, in base64; may be\n"
             "given twice, the next one beside the one in use"},
    {"fleet_policies", set_fleet_policies, MEMBER(fleet.refuses), .type = "apply or refuse",
     .standard = "apply", .argument = "APPLY",
     .help = "whether policies of the fleet are taken (default apply)"},
};

/* What it was called in an earlier version. A row goes no sooner than its key is refused. */
static const struct former_key former[] = {
    {"qmp_directory", "hypervisor_directory", "qemu:"}, /* drivers had no addresses */
};

const struct keys daemon_keys = {
    .list = list,
    .count = ARRAY_SIZE(list),
    .former = former,
    .former_count = ARRAY_SIZE(former),
};

int daemon_config_check_fixed(const struct daemon_config *now, const struct daemon_config *next,
                              struct error *error)
{
    for (size_t i = 0; i < ARRAY_SIZE(list); i++)
        if (list[i].is_fixed && memcmp((const char *)now + list[i].offset,
                                       (const char *)next + list[i].offset, list[i].size) != 0)
            return error_set(error, -EBUSY, "%s cannot change while vmreclaimd runs; restart it",
                             list[i].name);
    return 0;
}

void daemon_config_init(struct daemon_config *config)
{
    *config = (struct daemon_config){
        .api = "unix:/run/vmreclaim/api.sock",
        .vms = DAEMON_VMS_DIRECTORY,
        .state_directory = "/var/lib/vmreclaim",
        /* as often as a quiet agent samples for itself: a faster reader is what wakes the guest */
        .sample_interval = 10 * NSEC_PER_SEC,
    };
    arbiter_settings_init(&config->arbiter);
}

/* The command line's lists stand instead of the file's: the first of an address or a key ends what
 * the file has. */
static void clear_list(struct daemon_config *config, const char *key, bool *listens, bool *has_keys)
{
    if (strcmp(key, "listen") == 0 && !*listens) {
        *listens = true;
        config->listen_count = 0;
        memset(config->listen, 0, sizeof(config->listen));
        config->listen_none = false;
    }
    if (strcmp(key, "fleet_keys") == 0 && !*has_keys) {
        *has_keys = true;
        config->fleet.key_count = 0;
        memset(config->fleet.keys, 0, sizeof(config->fleet.keys));
    }
}

static int set_from_command_line(struct daemon_config *config, const struct daemon_sources *sources,
                                 struct error *error)
{
    bool listens = false;
    bool has_keys = false;

    for (size_t i = 0; i < sources->setting_count; i++) {
        const struct daemon_setting *setting = &sources->settings[i];
        int r;

        clear_list(config, setting->key, &listens, &has_keys);
        r = keys_set(&daemon_keys, config, setting->key, setting->value, error);
        if (r < 0)
            return error_prefix(error, r, "command line");
    }
    return 0;
}

int daemon_config_gather(struct daemon_config *config, const struct daemon_sources *sources,
                         struct error *error)
{
    struct daemon_config gathered;
    int r;

    daemon_config_init(&gathered);
    r = keys_read_file(&daemon_keys, &gathered, sources->path, error);
    if (r == -ENOENT && sources->path_is_default)
        r = 0;
    if (r == 0)
        r = set_from_command_line(&gathered, sources, error);
    if (r < 0)
        return r;
    if (gathered.listen_count == 0 && !gathered.listen_none)
        r = keys_set(&daemon_keys, &gathered, "listen", "vsock:any:1017", error);
    if (r == 0)
        *config = gathered;
    return r;
}
