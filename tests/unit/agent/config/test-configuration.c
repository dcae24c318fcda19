/* The agent's configuration: file, kernel command line, flags, in that order. */
#include "tests/lib/test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "agent/config/configuration.h"
#include "common/base/cleanup.h"
#include "common/base/number.h"

static char directory[] = "/tmp/vmreclaim-test-configuration-XXXXXX";
static int root = -1;

static void put(const char *path, const char *text)
{
    cleanup_close int file = openat(root, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    assert_true(file >= 0);
    assert_int_equal(write(file, text, strlen(text)), strlen(text));
}

static int set_up(void **state)
{
    if (mkdtemp(directory) == NULL)
        return -1;
    root = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (root < 0 || mkdirat(root, "etc", 0700) < 0 || mkdirat(root, "proc", 0700) < 0)
        return -1;
    return mkdirat(root, "etc/vmreclaim", 0700);
}

static int tear_down(void **state)
{
    (void)unlinkat(root, "proc/cmdline", 0);
    (void)unlinkat(root, CONFIGURATION_FILE, 0);
    (void)unlinkat(root, "etc/vmreclaim", AT_REMOVEDIR);
    (void)unlinkat(root, "etc", AT_REMOVEDIR);
    (void)unlinkat(root, "proc", AT_REMOVEDIR);
    close(root);
    return rmdir(directory);
}

static int read_with(const char *const *settings, size_t count, struct configuration *configuration,
                     struct error *error)
{
    struct configuration_sources sources = {
        .root = root, .settings = settings, .setting_count = count};

    return configuration_read(&sources, configuration, error);
}

static bool keeps_cache(const char *first, const char *second)
{
    const char *const settings[] = {first, second};
    struct configuration configuration;
    struct error error;

    put(CONFIGURATION_FILE, "");
    put("proc/cmdline", "quiet\n");
    assert_int_equal(read_with(settings,
                               first == NULL    ? 0
                               : second == NULL ? 1
                                                : 2,
                               &configuration, &error),
                     0);
    return configuration_keeps_cache(&configuration);
}

/* A floor that the owner set is for drops too, unless the owner drops. */
static void test_an_owners_floor(void **state)
{
    assert_false(keeps_cache(NULL, NULL));
    assert_true(keeps_cache("cache_floor=1GiB", NULL));
    assert_false(keeps_cache("cache_floor=0", NULL));
    assert_true(keeps_cache("cache_floor=1GiB", "cache_method=gradual"));
    assert_false(keeps_cache("cache_floor=1GiB", "cache_method=drop"));
    assert_false(keeps_cache("profile=wsl", NULL));
    assert_true(keeps_cache("profile=balanced", NULL));
}

static void test_later_source_wins(void **state)
{
    static const char *const flag[] = {"cache_floor=3MiB"};
    struct configuration configuration;
    struct error error;

    put(CONFIGURATION_FILE, "# owner's wish\ncache_floor = 1MiB\n");
    put("proc/cmdline", "quiet vmreclaim.cache_floor=2MiB root=/dev/vda\n");
    assert_int_equal(read_with(NULL, 0, &configuration, &error), 0);
    assert_true(configuration.policy.cache_floor == 2 * MIB);
    assert_int_equal(read_with(flag, 1, &configuration, &error), 0);
    assert_true(configuration.policy.cache_floor == 3 * MIB);
    put("proc/cmdline", "quiet\n");
    assert_int_equal(read_with(NULL, 0, &configuration, &error), 0);
    assert_true(configuration.policy.cache_floor == MIB);
    put(CONFIGURATION_FILE, "");
}

/* Nobody dials out of a guest, or out of a test, without being told to. */
static void test_listening_alone_does_not_dial(void **state)
{
    static const char *const listening[] = {"listen=unix:/run/agent"};
    static const char *const both[] = {"connect=unix:/run/controller", "listen=unix:/run/agent"};
    static const char *const neither[] = {"connect=none"};
    struct configuration configuration;
    struct error error;

    assert_int_equal(read_with(NULL, 0, &configuration, &error), 0);
    assert_true(configuration.dials);
    assert_int_equal(configuration.connect.kind, ADDRESS_VSOCK);
    assert_int_equal(read_with(listening, 1, &configuration, &error), 0);
    assert_false(configuration.dials);
    assert_int_equal(read_with(both, 2, &configuration, &error), 0);
    assert_true(configuration.dials);
    assert_int_equal(read_with(neither, 1, &configuration, &error), 0);
    assert_false(configuration.dials);
}

static void test_the_hosts_port(void **state)
{
    static const char *const settings[] = {"host_port=any", "host_port=privileged",
                                           "host_port=auto", "host_port=1024"};
    struct configuration configuration;
    struct error error;

    put(CONFIGURATION_FILE, "");
    put("proc/cmdline", "quiet\n");
    assert_int_equal(read_with(NULL, 0, &configuration, &error), 0);
    assert_int_equal(configuration.host_port, HOST_PORT_AUTO);
    assert_int_equal(read_with(&settings[0], 1, &configuration, &error), 0);
    assert_int_equal(configuration.host_port, HOST_PORT_ANY);
    assert_int_equal(read_with(&settings[0], 2, &configuration, &error), 0);
    assert_int_equal(configuration.host_port, HOST_PORT_PRIVILEGED);
    assert_int_equal(read_with(&settings[2], 1, &configuration, &error), 0);
    assert_int_equal(configuration.host_port, HOST_PORT_AUTO);
    assert_int_equal(read_with(&settings[3], 1, &configuration, &error), -EINVAL);
    assert_non_null(strstr(error.text, "host_port: '1024' is none of auto, any, privileged"));
}

static void test_errors_name_the_place(void **state)
{
    static const char *const flag[] = {"cache_flor=1MiB"};
    struct configuration configuration;
    struct error error;

    put(CONFIGURATION_FILE, "\ncache_floor = lots\n");
    assert_true(read_with(NULL, 0, &configuration, &error) < 0);
    assert_non_null(strstr(error.text, "agent.conf:2"));
    assert_non_null(strstr(error.text, "cache_floor"));
    put(CONFIGURATION_FILE, "");
    assert_true(read_with(flag, 1, &configuration, &error) < 0);
    assert_non_null(strstr(error.text, "cache_floor"));
    put("proc/cmdline", "vmreclaim.idle_window=20parsecs\n");
    assert_true(read_with(NULL, 0, &configuration, &error) < 0);
    assert_non_null(strstr(error.text, "kernel command line"));
    put("proc/cmdline", "");
}

/* Every key that there ever was, beside those of policies; see there. */
static void test_no_key_is_forgotten(void **state)
{
    static const char *const all[] = {
        "profile=gentle", "connect=none",   "listen=unix:/run/agent",
        "host_port=any",  "seccomp=yes",    "state_directory=/run/agent",
        "lowest_order=9", "log_level=info", "cache_floor=1MiB",
    };
    struct configuration configuration;
    struct error error;

    put(CONFIGURATION_FILE, "");
    put("proc/cmdline", "quiet\n");
    if (read_with(all, ARRAY_SIZE(all), &configuration, &error) < 0)
        fail_msg("%s", error.text);
}

static bool are_equal(const struct configuration *a, const struct configuration *b)
{
    return a->dials == b->dials && a->connect.kind == b->connect.kind &&
           a->connect.cid == b->connect.cid && a->connect.port == b->connect.port &&
           a->listens == b->listens && a->host_port == b->host_port &&
           strcmp(a->state_directory, b->state_directory) == 0 && a->seccomp == b->seccomp &&
           a->sets_lowest_order == b->sets_lowest_order && a->log_level == b->log_level;
}

/* The manual has the defaults from the table, and the agent has them from elsewhere. */
static void test_the_defaults_of_the_table_are_in_force(void **state)
{
    const struct configuration_key *key;
    struct configuration plain;
    struct error error;

    put(CONFIGURATION_FILE, "");
    put("proc/cmdline", "quiet\n");
    assert_int_equal(read_with(NULL, 0, &plain, &error), 0);
    for (size_t i = 0; (key = configuration_key(i)) != NULL; i++) {
        struct configuration set;
        char setting[256];
        const char *settings[] = {setting};

        assert_non_null(key->type);
        if (key->standard == NULL)
            continue;
        snprintf(setting, sizeof(setting), "%s=%s", key->name, key->standard);
        assert_int_equal(read_with(settings, 1, &set, &error), 0);
        if (!are_equal(&set, &plain))
            fail_msg("%s is not %s by default", key->name, key->standard);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_defaults_of_the_table_are_in_force),
        cmocka_unit_test(test_later_source_wins),
        cmocka_unit_test(test_an_owners_floor),
        cmocka_unit_test(test_listening_alone_does_not_dial),
        cmocka_unit_test(test_the_hosts_port),
        cmocka_unit_test(test_errors_name_the_place),
        cmocka_unit_test(test_no_key_is_forgotten),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
