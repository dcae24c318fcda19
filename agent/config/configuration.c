/* Reading the agent's configuration. Every source is walked twice with the same code: first for the
 * profile, whose values are the ground, then for the keys laid over it. */
#include "agent/config/configuration.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "agent/engine/sample.h"
#include "common/base/cleanup.h"
#include "common/base/file.h"
#include "common/base/number.h"
#include "common/base/text.h"

#define FILE_BYTES_MAX     65536
#define COMMAND_LINE_BYTES 8192
#define VALUE_BYTES        512
#define KERNEL_PREFIX      "vmreclaim."

struct reading {
    struct configuration *configuration;
    bool profile_pass; /* only the key `profile`; else every other key */
};

static int set_connect(struct configuration *configuration, const char *value, struct error *error)
{
    configuration->connect_is_set = true;
    if (strcmp(value, "none") == 0) {
        configuration->dials = false;
        return 0;
    }
    configuration->dials = true;
    return address_parse(value, &configuration->connect, error);
}

static int set_listen(struct configuration *configuration, const char *value, struct error *error)
{
    configuration->listens = true;
    return address_parse(value, &configuration->listen, error);
}

static int set_host_port(struct configuration *configuration, const char *value,
                         struct error *error)
{
    static const char *const names[] = {
        [HOST_PORT_AUTO] = "auto",
        [HOST_PORT_ANY] = "any",
        [HOST_PORT_PRIVILEGED] = "privileged",
    };

    for (size_t i = 0; i < ARRAY_SIZE(names); i++)
        if (strcmp(names[i], value) == 0) {
            configuration->host_port = (enum host_port)i;
            return 0;
        }
    return error_set(error, -EINVAL, "'%s' is none of auto, any, privileged", value);
}

static int set_state_directory(struct configuration *configuration, const char *value,
                               struct error *error)
{
    if (value[0] != '/' || strlen(value) >= sizeof(configuration->state_directory))
        return error_set(error, -EINVAL, "'%s' is not an absolute path", value);
    snprintf(configuration->state_directory, sizeof(configuration->state_directory), "%s", value);
    return 0;
}

static int set_lowest_order(struct configuration *configuration, const char *value,
                            struct error *error)
{
    uint64_t order;

    if (number_parse(value, &order) < 0 || order >= ORDER_COUNT_MAX)
        return error_set(error, -EINVAL, "'%s' is not an order, 0..%d", value, ORDER_COUNT_MAX - 1);
    configuration->sets_lowest_order = true;
    configuration->lowest_order = (uint32_t)order;
    return 0;
}

static int set_seccomp(struct configuration *configuration, const char *value, struct error *error)
{
    if (strcmp(value, "yes") != 0 && strcmp(value, "no") != 0)
        return error_set(error, -EINVAL, "'%s' is neither yes nor no", value);
    configuration->seccomp = strcmp(value, "yes") == 0;
    return 0;
}

static int set_log_level(struct configuration *configuration, const char *value,
                         struct error *error)
{
    static const struct {
        const char *name;
        enum log_level level;
    } levels[] = {
        {"error", LOG_LEVEL_ERROR}, {"warning", LOG_LEVEL_WARNING}, {"notice", LOG_LEVEL_NOTICE},
        {"info", LOG_LEVEL_INFO},   {"debug", LOG_LEVEL_DEBUG},
    };

    for (size_t i = 0; i < ARRAY_SIZE(levels); i++)
        if (strcmp(levels[i].name, value) == 0) {
            configuration->log_level = levels[i].level;
            return 0;
        }
    return error_set(error, -EINVAL, "'%s' is none of error, warning, notice, info, debug", value);
}

static const struct {
    struct configuration_key key;
    int (*set)(struct configuration *configuration, const char *value, struct error *error);
} agent_keys[] = {
    {{"connect", "an address, or none", "vsock:2:1017", NULL}, set_connect},
    {{"listen", "an address", NULL, NULL}, set_listen},
    {{"host_port", "auto, any or privileged", "auto", NULL}, set_host_port},
    {{"state_directory", "an absolute path", CONFIGURATION_STATE_DEFAULT, NULL},
     set_state_directory},
    {{"seccomp", "yes or no", "yes", NULL}, set_seccomp},
    {{"lowest_order", "a number from 0 on", NULL, NULL}, set_lowest_order},
    {{"log_level", "error, warning, notice, info or debug", "info", NULL}, set_log_level},
};

const struct configuration_key *configuration_key(size_t index)
{
    return index < ARRAY_SIZE(agent_keys) ? &agent_keys[index].key : NULL;
}

static int set_profile(struct configuration *configuration, const char *value, struct error *error)
{
    enum policy_profile profile;
    int r = policy_profile_parse(value, &profile, error);
    if (r < 0)
        return r;
    policy_init(&configuration->policy, profile);
    configuration->policy_keys = ~(policy_key_set)0;
    return 0;
}

static int set(const struct reading *reading, const char *key, const char *value,
               struct error *error)
{
    struct configuration *configuration = reading->configuration;
    bool is_profile = strcmp(key, "profile") == 0;
    int r;

    if (is_profile != reading->profile_pass)
        return 0;
    if (is_profile)
        return set_profile(configuration, value, error);
    for (size_t i = 0; i < ARRAY_SIZE(agent_keys); i++)
        if (strcmp(agent_keys[i].key.name, key) == 0) {
            r = agent_keys[i].set(configuration, value, error);
            return r < 0 ? error_prefix(error, r, "%s", key) : 0;
        }
    r = policy_set(&configuration->policy, key, value, error);
    if (r == 0)
        configuration->policy_keys |= policy_key_bit(key);
    return r;
}

/* One line: empty, a comment, or `key = value`. */
static int read_line(const struct reading *reading, char *line, struct error *error)
{
    char *equals;

    line = text_trim(line);
    if (line[0] == '\0' || line[0] == '#')
        return 0;
    equals = strchr(line, '=');
    if (equals == NULL)
        return error_set(error, -EINVAL, "'%s' is not of the form key = value", line);
    *equals = '\0';
    return set(reading, text_trim(line), text_trim(equals + 1), error);
}

static int read_file(const struct reading *reading, const struct configuration_sources *sources,
                     struct error *error)
{
    const char *path = sources->file != NULL ? sources->file : CONFIGURATION_FILE;
    const char *root = sources->file != NULL ? "" : "/"; /* for people; ours is below a root */
    cleanup_free char *text = NULL;
    size_t length;
    unsigned line_number = 0;
    char *rest;

    int r = file_read_configured(sources->file != NULL ? AT_FDCWD : sources->root, path,
                                 FILE_BYTES_MAX, &text, &length);
    if (r == -ENOENT && sources->file == NULL)
        return 0;
    if (r < 0)
        return error_set(error, r, "cannot read %s%s: %s", root, path, strerror(-r));
    if (strlen(text) != length)
        return error_set(error, -EINVAL, "%s%s: a zero byte in the file", root, path);
    rest = text;
    while (rest != NULL) {
        char *line = strsep(&rest, "\n");
        line_number++;
        r = read_line(reading, line, error);
        if (r < 0)
            return error_prefix(error, r, "%s%s:%u", root, path, line_number);
    }
    return 0;
}

/* Takes one word off the kernel command line; double quotes hold spaces together, as the kernel
 * reads them. False at the end. */
static bool next_word(const char **text, char *word, size_t size)
{
    bool quoted = false;
    size_t length = 0;

    *text += strspn(*text, " \n");
    if (**text == '\0')
        return false;
    for (; **text != '\0' && (quoted || strchr(" \n", **text) == NULL); (*text)++) {
        if (**text == '"')
            quoted = !quoted;
        else if (length + 1 < size)
            word[length++] = **text;
    }
    word[length] = '\0';
    return true;
}

static int read_pair(const struct reading *reading, const char *pair, struct error *error)
{
    char text[VALUE_BYTES];
    char *equals;

    if (snprintf(text, sizeof(text), "%s", pair) >= (int)sizeof(text))
        return error_set(error, -EINVAL, "'%s…' is too long", TEXT_CUT(pair, 40));
    equals = strchr(text, '=');
    if (equals == NULL)
        return error_set(error, -EINVAL, "'%s' is not of the form key=value", text);
    *equals = '\0';
    return set(reading, text, equals + 1, error);
}

static int read_kernel_command_line(const struct reading *reading,
                                    const struct configuration_sources *sources,
                                    struct error *error)
{
    char text[COMMAND_LINE_BYTES];
    char word[VALUE_BYTES];
    const char *rest = text;

    int r = file_read_into(sources->root, "proc/cmdline", text, sizeof(text));
    if (r == -ENOENT)
        return 0;
    if (r < 0)
        return error_set(error, r, "cannot read /proc/cmdline: %s", strerror(-r));
    while (next_word(&rest, word, sizeof(word))) {
        if (strncmp(word, KERNEL_PREFIX, strlen(KERNEL_PREFIX)) != 0)
            continue;
        r = read_pair(reading, word + strlen(KERNEL_PREFIX), error);
        if (r < 0)
            return error_prefix(error, r, "kernel command line");
    }
    return 0;
}

static int read_settings(const struct reading *reading, const struct configuration_sources *sources,
                         struct error *error)
{
    for (size_t i = 0; i < sources->setting_count; i++) {
        int r = read_pair(reading, sources->settings[i], error);
        if (r < 0)
            return error_prefix(error, r, "command line");
    }
    return 0;
}

static int read_all(const struct reading *reading, const struct configuration_sources *sources,
                    struct error *error)
{
    int r = read_file(reading, sources, error);
    if (r == 0)
        r = read_kernel_command_line(reading, sources, error);
    if (r == 0)
        r = read_settings(reading, sources, error);
    return r;
}

static void set_defaults(struct configuration *configuration)
{
    *configuration = (struct configuration){
        .dials = true,
        .connect = {.kind = ADDRESS_VSOCK, .cid = 2, .port = AGENT_PORT, .descriptor = -1},
        .state_directory = CONFIGURATION_STATE_DEFAULT,
        .seccomp = true,
        .log_level = LOG_LEVEL_INFO,
    };
    policy_init(&configuration->policy, POLICY_BALANCED);
}

int configuration_read(const struct configuration_sources *sources,
                       struct configuration *ret_configuration, struct error *error)
{
    struct configuration configuration;
    struct reading reading = {.configuration = &configuration, .profile_pass = true};
    int r;

    set_defaults(&configuration);
    r = read_all(&reading, sources, error);
    if (r < 0)
        return r;
    reading.profile_pass = false;
    r = read_all(&reading, sources, error);
    if (r < 0)
        return r;
    r = policy_check(&configuration.policy, error);
    if (r < 0)
        return r;
    /* A guest whose controller dials has no business dialling out, unless its owner says so. */
    if (configuration.listens && !configuration.connect_is_set)
        configuration.dials = false;
    *ret_configuration = configuration;
    return 0;
}

bool configuration_sets(const struct configuration *configuration, const char *key)
{
    return (configuration->policy_keys & policy_key_bit(key)) != 0;
}

bool configuration_keeps_cache(const struct configuration *configuration)
{
    bool drops = configuration_sets(configuration, "cache_method") &&
                 configuration->policy.cache_method == POLICY_CACHE_DROP;

    return configuration_sets(configuration, "cache_floor") &&
           configuration->policy.cache_floor > 0 && !drops;
}
