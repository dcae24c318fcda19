/* Reads the daemon's configuration. */
#include "controller/config/daemon_config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "common/base/cleanup.h"
#include "common/base/file.h"
#include "common/base/util.h"
#include "common/transport/address.h"
#include "controller/config/mapping.h"

#define FILE_BYTES_MAX      65536
#define SAMPLE_INTERVAL_MIN (500 * NSEC_PER_MSEC)
#define SAMPLE_INTERVAL_MAX (60 * NSEC_PER_SEC)

static int set_text(char *text, size_t size, const char *key, const char *value,
                    struct error *error)
{
    if (value[0] == '\0' || strlen(value) >= size)
        return error_set(error, -EINVAL, "%s must have 1 to %zu characters", key, size - 1);
    (void)snprintf(text, size, "%s", value);
    return 0;
}

static int set_directory(char *text, size_t size, const char *key, const char *value,
                         struct error *error)
{
    if (value[0] != '/')
        return error_set(error, -EINVAL, "%s '%s' is not an absolute path", key, value);
    return set_text(text, size, key, value, error);
}

static int add_listen(struct daemon_config *config, const char *value, struct error *error)
{
    struct address address;
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
    return set_text(config->listen[config->listen_count++], sizeof(config->listen[0]), "listen",
                    value, error);
}

static int set_api(struct daemon_config *config, const char *value, struct error *error)
{
    struct address address;
    int r = address_parse(value, &address, error);

    if (r < 0)
        return error_prefix(error, r, "api");
    if (address.kind != ADDRESS_UNIX && address.kind != ADDRESS_FD)
        return error_set(error, -EINVAL, "api '%s' must be unix:PATH or fd:N", value);
    return set_text(config->api, sizeof(config->api), "api", value, error);
}

static int set_hypervisor_directory(struct daemon_config *config, const char *value,
                                    struct error *error)
{
    int r = hypervisor_place_parse(value, &config->hypervisor_directory, error);

    return r < 0 ? error_prefix(error, r, "hypervisor_directory") : 0;
}

/* Before there were addresses a driver's name was part of the key. */
static int set_directory_by_old_key(struct daemon_config *config, const struct driver *driver,
                                    const char *value, struct error *error)
{
    char place[sizeof(config->hypervisor_directory.text)];
    int length = snprintf(place, sizeof(place), "%s:%s", driver->name, value);

    if (length < 0 || (size_t)length >= sizeof(place))
        return error_set(error, -EINVAL, "a directory's path has at most %zu characters",
                         sizeof(place) - 1 - strlen(driver->name) - 1);
    return set_hypervisor_directory(config, place, error);
}

static int set_sample_interval(struct daemon_config *config, const char *value, struct error *error)
{
    nsec_t interval;

    if (time_parse_duration(value, &interval) < 0 || interval < SAMPLE_INTERVAL_MIN ||
        interval > SAMPLE_INTERVAL_MAX)
        return error_set(error, -EINVAL, "sample_interval '%s' is not a time from 500ms to 60s",
                         value);
    config->sample_interval = interval;
    return 0;
}

int daemon_config_set(struct daemon_config *config, const char *key, const char *value,
                      struct error *error)
{
    const struct {
        const char *key;
        char *text;
        size_t size;
        bool is_directory;
    } texts[] = {
        {"vms", config->vms, sizeof(config->vms), true},
        {"state_directory", config->state_directory, sizeof(config->state_directory), true},
        {"read_group", config->read_group, sizeof(config->read_group), false},
        {"control_group", config->control_group, sizeof(config->control_group), false},
    };
    static const char *const keys[] = {
        "listen",          "api",        "vms",           "hypervisor_directory",
        "state_directory", "read_group", "control_group", "sample_interval"};

    const struct driver *driver = driver_find_old_key(key, "_directory");

    if (driver != NULL)
        return set_directory_by_old_key(config, driver, value, error);
    if (strcmp(key, "hypervisor_directory") == 0)
        return set_hypervisor_directory(config, value, error);
    if (strcmp(key, "listen") == 0)
        return add_listen(config, value, error);
    if (strcmp(key, "api") == 0)
        return set_api(config, value, error);
    if (strcmp(key, "sample_interval") == 0)
        return set_sample_interval(config, value, error);
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
        if (strcmp(key, texts[i].key) == 0)
            return (texts[i].is_directory ? set_directory : set_text)(texts[i].text, texts[i].size,
                                                                      key, value, error);
    return mapping_unknown_key(key, keys, ARRAY_SIZE(keys), error);
}

static int visit(const char *key, const char *value, void *userdata, struct error *error)
{
    return daemon_config_set(userdata, key, value, error);
}

void daemon_config_init(struct daemon_config *config)
{
    *config = (struct daemon_config){
        .api = "unix:/run/vmreclaim/api.sock",
        .vms = "/etc/vmreclaim/vms",
        .state_directory = "/var/lib/vmreclaim",
        /* as often as a quiet agent samples for itself: a faster reader is what wakes the guest */
        .sample_interval = 10 * NSEC_PER_SEC,
    };
}

int daemon_config_read(struct daemon_config *config, const char *path, struct error *error)
{
    cleanup_free char *text = NULL;
    struct daemon_config read = *config;
    size_t length;
    int r = file_read(AT_FDCWD, path, FILE_BYTES_MAX, &text, &length);

    if (r < 0)
        return error_set(error, r, "cannot read %s: %s", path, strerror(-r));
    r = mapping_read(text, length, path, visit, &read, error);
    if (r == 0)
        *config = read;
    return r;
}

/* The command line's addresses stand instead of the file's. */
static int set_from_command_line(struct daemon_config *config, const struct daemon_sources *sources,
                                 struct error *error)
{
    bool listens = false;

    for (size_t i = 0; i < sources->setting_count; i++) {
        const struct daemon_setting *setting = &sources->settings[i];
        int r;

        if (strcmp(setting->key, "listen") == 0 && !listens) {
            listens = true;
            config->listen_count = 0;
            config->listen_none = false;
        }
        r = daemon_config_set(config, setting->key, setting->value, error);
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
    r = daemon_config_read(&gathered, sources->path, error);
    if (r == -ENOENT && sources->path_is_default)
        r = 0;
    if (r == 0)
        r = set_from_command_line(&gathered, sources, error);
    if (r < 0)
        return r;
    if (gathered.listen_count == 0 && !gathered.listen_none)
        r = add_listen(&gathered, "vsock:any:1017", error);
    if (r == 0)
        *config = gathered;
    return r;
}
