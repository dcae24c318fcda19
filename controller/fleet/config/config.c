/* One table, as the daemon's. */
#include "controller/fleet/config/config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/base/util.h"
#include "common/transport/address.h"

#define LEASE_TIME_MIN (1 * NSEC_PER_SEC)
#define LEASE_TIME_MAX (600 * NSEC_PER_SEC)

#define TOKEN "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

bool fleet_host_is_good(const char *host)
{
    return host[0] != '\0' && host[strspn(host, TOKEN)] == '\0';
}

static int set_host(void *object, const struct key *key, const char *value, struct error *error)
{
    if (!fleet_host_is_good(value))
        return error_set(error, -EINVAL,
                         "host '%s' may have letters, digits, '-' and '_' only: it is part of a "
                         "subject of the bus",
                         value);
    return keys_set_text(object, key, value, error);
}

static int add_label(void *object, const struct key *key, const char *value, struct error *error)
{
    struct fleet_config *config = object;
    struct key item = {.name = key->name, .size = sizeof(config->labels[0])};

    if (config->label_count == FLEET_LABELS_MAX)
        return error_set(error, -EINVAL, "more than %d labels", FLEET_LABELS_MAX);
    if (value[0] == '\0' || value[0] == '=')
        return error_set(error, -EINVAL, "label '%s' has no key; write KEY=VALUE", value);
    item.offset = key->offset + config->label_count++ * sizeof(config->labels[0]);
    return keys_set_text(config, &item, value, error);
}

static bool is_server(const char *value)
{
    return (strncmp(value, "tls://", 6) == 0 || strncmp(value, "nats://", 7) == 0) &&
           strchr(value, ',') == NULL && strchr(value, '@') == NULL;
}

static int add_server(void *object, const struct key *key, const char *value, struct error *error)
{
    struct fleet_config *config = object;
    size_t used = strlen(config->servers);

    if (!is_server(value))
        return error_set(error, -EINVAL,
                         "server '%s' is neither tls://HOST:PORT nor nats://HOST:PORT", value);
    if (used + strlen(value) + 2 > sizeof(config->servers))
        return error_set(error, -EINVAL, "too many servers: more than %zu characters",
                         sizeof(config->servers) - 1);
    snprintf(config->servers + used, sizeof(config->servers) - used, "%s%s", used > 0 ? "," : "",
             value);
    return 0;
}

static int set_lease_time(void *object, const struct key *key, const char *value,
                          struct error *error)
{
    struct fleet_config *config = object;
    nsec_t time;

    if (time_parse_duration(value, &time) < 0 || time < LEASE_TIME_MIN || time > LEASE_TIME_MAX)
        return error_set(error, -EINVAL, "lease_time '%s' is not a time from 1s to 10min", value);
    config->lease_time = time;
    return 0;
}

static int set_api(void *object, const struct key *key, const char *value, struct error *error)
{
    struct address address;
    int r = address_parse(value, &address, error);

    return r < 0 ? error_prefix(error, r, "%s", key->name)
                 : keys_set_text(object, key, value, error);
}

#define MEMBER(name) KEY_MEMBER(struct fleet_config, name)

static const struct key list[] = {
    {"host", set_host, MEMBER(host), .type = "letters, digits, - and _"},
    {"name", keys_set_text, MEMBER(name), .type = "a name for people",
     .standard = "the system's name"},
    {"labels", add_label, MEMBER(labels), .type = "KEY=VALUE, or a list of them"},
    {"servers", add_server, MEMBER(servers), .type = "a URL, or a list of URLs"},
    {"nkey", keys_set_directory, MEMBER(nkey), .type = "an absolute path"},
    {"authority", keys_set_directory, MEMBER(authority), .type = "an absolute path"},
    {"api", set_api, MEMBER(api), .type = "unix:PATH", .standard = "unix:/run/vmreclaim/api.sock"},
    {"state_directory", keys_set_directory, MEMBER(state_directory), .type = "an absolute path",
     .standard = FLEET_STATE_DIRECTORY},
    {"listen", set_api, MEMBER(listen), .type = "unix:PATH, or fd:N",
     .standard = "unix:/run/vmreclaim-fleet/fleet.sock"},
    {"listen_read", set_api, MEMBER(listen_read), .type = "unix:PATH, or fd:N"},
    {"signing_key", keys_set_directory, MEMBER(signing_key), .type = "an absolute path"},
    {"former_key", keys_set_text, MEMBER(former_key), .type = "a public key"},
    {"lease_time", set_lease_time, MEMBER(lease_time), .type = "a time, 1s to 10min",
     .standard = "30s"},
};

const struct keys fleet_keys = {.list = list, .count = ARRAY_SIZE(list)};

int fleet_config_read(struct fleet_config *config, const char *path, struct error *error)
{
    int r;

    *config = (struct fleet_config){.api = "unix:/run/vmreclaim/api.sock",
                                    .state_directory = FLEET_STATE_DIRECTORY,
                                    .listen = "unix:/run/vmreclaim-fleet/fleet.sock",
                                    .lease_time = 30 * NSEC_PER_SEC};
    (void)gethostname(config->name, sizeof(config->name) - 1);
    r = keys_read_file(&fleet_keys, config, path, error);
    if (r < 0)
        return r;
    if (config->servers[0] == '\0')
        return error_set(error, -EINVAL, "%s: 'servers' is missing: no server of the bus is named",
                         path);
    return 0;
}
