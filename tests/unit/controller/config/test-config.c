/* VM files and the daemon's configuration: what is accepted, and what an error says. */
#include "tests/lib/test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/base/log.h"
#include "common/base/number.h"
#include "controller/config/daemon-config.h"
#include "controller/config/vm-file.h"

static int parse(const char *text, struct vm_definition **definition, struct error *error)
{
    return vm_definition_parse(text, strlen(text), "/etc/vmreclaim/vms/web-1.yaml", definition,
                               error);
}

static void test_a_whole_vm_file(void **state)
{
    struct vm_definition *definition;
    struct vm_definition *same;
    const char text[] = "# a comment\n"
                        "name: web-1.example\n"
                        "uuid: 8F0C1D2E-0000-1111-2222-333344445555\n"
                        "cid: 5\n"
                        "hypervisor: qemu:/run/qemu/web-1.qmp\n"
                        "agent: hybrid:/run/fc/web-1.vsock:1017\n"
                        "policy: policies/night.yaml\n"
                        "labels: [tier=web, rack=7]\n";

    assert_int_equal(parse(text, &definition, NULL), 0);
    assert_string_equal(definition->name, "web-1.example");
    assert_string_equal(definition->uuid, "8f0c1d2e-0000-1111-2222-333344445555");
    assert_int_equal(definition->cid, 5);
    assert_string_equal(definition->hypervisor.text, "qemu:/run/qemu/web-1.qmp");
    assert_string_equal(definition->agent, "hybrid:/run/fc/web-1.vsock:1017");
    assert_string_equal(definition->policy, "/etc/vmreclaim/vms/policies/night.yaml");
    assert_int_equal(definition->label_count, 2);
    assert_string_equal(definition->labels[1], "rack=7");
    assert_int_equal(parse(text, &same, NULL), 0);
    assert_true(vm_definition_equal(definition, same));
    same->cid = 6;
    assert_false(vm_definition_equal(definition, same));
    vm_definition_destroy(definition);
    vm_definition_destroy(same);
}

static void keep_line(enum log_level level, const char *line, void *userdata)
{
    snprintf(userdata, 512, "%s", line);
}

static void test_a_former_key_counts_and_is_named(void **state)
{
    struct vm_definition *definition;
    char line[512] = "";

    log_set_sink(keep_line, line);
    assert_int_equal(parse("qmp: /run/qemu/web-1.qmp\n", &definition, NULL), 0);
    log_set_sink(NULL, NULL);
    assert_string_equal(definition->hypervisor.text, "qemu:/run/qemu/web-1.qmp");
    assert_non_null(strstr(line, "web-1.yaml: 'qmp' has another name now"));
    assert_non_null(strstr(line, "write 'hypervisor: qemu:/run/qemu/web-1.qmp'"));
    vm_definition_destroy(definition);
}

/* Every key that there ever was, in one table for each file. One that goes stays here: it is in
 * `former` of its file then, so that who upgrades reads what to write instead. */
static void test_no_key_is_forgotten(void **state)
{
    static const struct {
        const char *key;
        const char *value;
    } daemon[] = {
        {"listen", "vsock:any:1017"},
        {"api", "unix:/run/a"},
        {"vms", "/etc/vms"},
        {"qmp_directory", "/run/qemu"},
        {"hypervisor_directory", "qemu:/run/qemu"},
        {"find_processes", "no"},
        {"libvirt", "none"},
        {"state_directory", "/var/lib/x"},
        {"read_group", "x"},
        {"control_group", "x"},
        {"fleet_group", "x"},
        {"fleet_host", "rack7-12_a"},
        {"fleet_keys", "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="},
        {"fleet_policies", "refuse"},
        {"sample_interval", "5s"},
        {"arbiter", "off"},
        {"watermarks", "4%,8%,12%"},
        {"host_cgroup", "/sys/fs/cgroup/x"},
    };
    static const char *const vm[] = {
        "cid: 5\nname: web-1\n",   "cid: 5\nuuid: 8f0c7bb0-9f7f-4b3c-8a2b-0123456789ab\n",
        "qmp: /run/a\n",           "hypervisor: qemu:/run/a\n",
        "agent: unix:/run/a\n",    "cid: 5\npolicy: /etc/a.yaml\n",
        "cid: 5\nfloor: 512MiB\n", "cid: 5\nlabels: [a=b]\n",
    };
    struct daemon_config config;
    struct vm_definition *definition;
    struct error error;

    daemon_config_init(&config);
    for (size_t i = 0; i < ARRAY_SIZE(daemon); i++)
        if (keys_set(&daemon_keys, &config, daemon[i].key, daemon[i].value, &error) < 0)
            fail_msg("%s: %s", daemon[i].key, error.text);
    for (size_t i = 0; i < ARRAY_SIZE(vm); i++) {
        if (parse(vm[i], &definition, &error) < 0)
            fail_msg("%s", error.text);
        vm_definition_destroy(definition);
    }
}

static void test_the_name_is_the_files(void **state)
{
    struct vm_definition *definition;

    assert_int_equal(parse("cid: 5\n", &definition, NULL), 0);
    assert_string_equal(definition->name, "web-1");
    vm_definition_destroy(definition);
}

static void test_wrong_vm_files(void **state)
{
    static const struct {
        const char *text;
        const char *message;
    } files[] = {
        {"", "nothing to reach the VM by"},
        {"name: a b\ncid: 5\n", "web-1.yaml:1: name 'a b'"},
        {"name: ../../x\ncid: 5\n", "web-1.yaml:1: name"},
        {"cid: 5\ncid: 6\n", "web-1.yaml:2: key 'cid' is given twice"},
        {"\n\ncid: 1\n", "web-1.yaml:3: cid '1' is not a number from 3"},
        {"cid: -5\n", "web-1.yaml:1: cid"},
        {"cid: 99999999999999999999\n", "web-1.yaml:1: cid"},
        {"qmp: run/web.qmp\n",
         "web-1.yaml:1: qmp: hypervisor: 'run/web.qmp' is not the absolute path"},
        {"hypervisor: qemu:x\n", "web-1.yaml:1: hypervisor: 'x' is not the absolute path"},
        {"hypervisor: /run/x.qmp\n", "hypervisor: '/run/x.qmp' is not of the form DRIVER:WHERE"},
        {"hypervisor: xen:3\n", "there is no driver 'xen'; built in are qemu"},
        {"hypervisor: qemu:/a\nqmp: /a\n",
         "web-1.yaml:2: qmp: hypervisor: the VM's hypervisor is given"},
        {"agent: vsock:5:1017\n", "agents on vsock dial in"},
        {"agent: nowhere\n", "web-1.yaml:1: agent"},
        {"uuid: 8f0c\ncid: 5\n", "web-1.yaml:1: uuid '8f0c' is not of the form"},
        {"labels: [web]\ncid: 5\n", "label 'web' is not of the form key=value"},
        {"floor: 512\n", "web-1.yaml:1: floor '512' has no unit; did you mean 512MiB?"},
        {"floor: lots\n", "web-1.yaml:1: floor 'lots' is not a size; write 512MiB"},
        {"hypervisr: x\n", "web-1.yaml:1: unknown key 'hypervisr'; did you mean 'hypervisor'?"},
        {"colour: red\n", "keys are name, uuid, cid, hypervisor, agent, policy, floor, labels"},
        {"- cid: 5\n", "web-1.yaml:1: lines of the form 'key: value'"},
        {"just text\n", "web-1.yaml:1: lines of the form 'key: value'"},
        {"cid: {a: 1}\n", "web-1.yaml:1: a plain value or a list was expected"},
        {"labels: [[a=b]]\n", "web-1.yaml:1: a list of plain values was expected"},
        {"cid: &x 5\nname: *x\n", "aliases are not used here"},
        {"cid: 5\n---\ncid: 6\n", "only one document is read"},
        {"cid: [5\n", "not valid YAML"},
        {"cid: \"5\\0x\"\n", "a value of more than one line, or with control characters"},
        {"labels: [\"a=\\e[2J\"]\n", "with control characters"},
        {"labels: [\"a=\\x9b\"]\n", "with control characters"},
        {"name: \"a\\nb\"\n", "of more than one line"},
        {"\tcid: 5\n", "web-1.yaml:1: not valid YAML"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
        struct vm_definition *definition = NULL;
        struct error error = {""};

        assert_true(parse(files[i].text, &definition, &error) < 0);
        assert_null(definition);
        if (strstr(error.text, files[i].message) == NULL)
            fail_msg("'%s' gave '%s' instead of '%s'", files[i].text, error.text, files[i].message);
    }
}

static void test_a_missing_file(void **state)
{
    struct vm_definition *definition;
    struct error error;

    assert_int_equal(vm_definition_read("/nonexistent/x.yaml", &definition, &error), -ENOENT);
    assert_non_null(strstr(error.text, "/nonexistent/x.yaml"));
}

static void test_the_daemons_configuration(void **state)
{
    struct daemon_config config;
    struct error error;

    daemon_config_init(&config);
    assert_int_equal(keys_set(&daemon_keys, &config, "listen", "vsock:any:1017", &error), 0);
    assert_int_equal(keys_set(&daemon_keys, &config, "sample_interval", "5s", &error), 0);
    assert_int_equal(config.sample_interval, 5 * NSEC_PER_SEC);
    assert_int_equal(keys_set(&daemon_keys, &config, "listen", "unix:/x", &error), -EINVAL);
    assert_non_null(strstr(error.text, "agents dial in over vsock"));
    assert_int_equal(keys_set(&daemon_keys, &config, "api", "vsock:any:1", &error), -EINVAL);
    assert_int_equal(keys_set(&daemon_keys, &config, "sample_interval", "1ms", &error), -EINVAL);
    assert_int_equal(keys_set(&daemon_keys, &config, "vms", "relative", &error), -EINVAL);
    assert_int_equal(keys_set(&daemon_keys, &config, "hypervisor_directory", "/run/qemu", &error),
                     -EINVAL);
    assert_int_equal(
        keys_set(&daemon_keys, &config, "hypervisor_directory", "qemu:/run/qemu", &error), 0);
    assert_string_equal(hypervisor_address_where(&config.hypervisor_directory), "/run/qemu");
    assert_int_equal(keys_set(&daemon_keys, &config, "qmp_directory", "/run/kvm", &error), 0);
    assert_string_equal(config.hypervisor_directory.text, "qemu:/run/kvm");
    assert_int_equal(keys_set(&daemon_keys, &config, "qmp_directory", "run", &error), -EINVAL);
    assert_non_null(strstr(error.text, "qmp_directory: hypervisor_directory: 'run' is not"));
    assert_int_equal(keys_set(&daemon_keys, &config, "listne", "x", &error), -EINVAL);
    assert_non_null(strstr(error.text, "did you mean 'listen'"));
    assert_int_equal(config.sample_interval, 5 * NSEC_PER_SEC);
}

static void test_watermarks(void **state)
{
    static const char *const wrong[] = {
        "4%",         "4%,8%", "4%,8%,12%,16%", "8%,8%,12%",     "1GiB,8%,3GiB", "1,2,3",
        "4%,8%,101%", "",      "0%,0%,1%",      "3GiB,2GiB,1GiB"};
    struct arbiter_settings settings;
    struct error error;

    arbiter_settings_init(&settings);
    assert_false(settings.is_on);
    assert_int_equal(arbiter_mark_bytes(&settings.low, 10 * GIB), 10 * GIB * 8 / 100);
    assert_int_equal(arbiter_mark_bytes(&settings.low, 1024 * GIB), 8 * GIB);
    assert_int_equal(arbiter_mark_bytes(&settings.high, 1024 * GIB), 12 * GIB);
    assert_int_equal(arbiter_set_watermarks(&settings, "64MiB,128MiB,1GiB", &error), 0);
    assert_int_equal(arbiter_mark_bytes(&settings.critical, GIB), 64 * MIB);
    assert_int_equal(arbiter_mark_bytes(&settings.high, 8 * GIB), GIB);
    assert_int_equal(arbiter_set_watermarks(&settings, "10%,20%,50%", &error), 0);
    assert_int_equal(arbiter_mark_bytes(&settings.high, 1024 * GIB), 512 * GIB);
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        assert_int_equal(arbiter_set_watermarks(&settings, wrong[i], &error), -EINVAL);
        assert_non_null(strstr(error.text, "4%,8%,12%"));
    }
    assert_int_equal(settings.high.permyriad, 5000); /* as it was */
}

static void test_the_arbiter_is_switched_on(void **state)
{
    struct daemon_config config;
    struct error error;

    daemon_config_init(&config);
    assert_false(config.arbiter.is_on);
    assert_int_equal(keys_set(&daemon_keys, &config, "arbiter", "yes", &error), -EINVAL);
    assert_int_equal(keys_set(&daemon_keys, &config, "arbiter", "on", &error), 0);
    assert_true(config.arbiter.is_on);
    assert_int_equal(keys_set(&daemon_keys, &config, "arbiter", "off", &error), 0);
    assert_false(config.arbiter.is_on);
    assert_int_equal(keys_set(&daemon_keys, &config, "watermarks", "1%,2%,3%", &error), 0);
    assert_int_equal(config.arbiter.low.permyriad, 200);
    assert_int_equal(keys_set(&daemon_keys, &config, "host_cgroup", "lab", &error), -EINVAL);
}

static void test_the_command_line_comes_last(void **state)
{
    const struct daemon_sources sources = {
        .path = "/nonexistent/vmreclaimd.yaml",
        .path_is_default = true,
        .settings = {{"listen", "none"}, {"api", "unix:/run/x.sock"}},
        .setting_count = 2,
    };
    struct daemon_sources given = sources;
    struct daemon_config config;
    struct error error;

    assert_int_equal(daemon_config_gather(&config, &sources, &error), 0);
    assert_int_equal(config.listen_count, 0);
    assert_string_equal(config.api, "unix:/run/x.sock");
    given.path_is_default = false;
    assert_int_equal(daemon_config_gather(&config, &given, &error), -ENOENT);
    given = sources;
    given.setting_count = 0;
    assert_int_equal(daemon_config_gather(&config, &given, &error), 0);
    assert_int_equal(config.listen_count, 1);
    assert_string_equal(config.listen[0], "vsock:any:1017");
}

/* Keys of RFC 8032, 7.1; the last one is a secret key. */
#define KEY_1 "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
#define KEY_2 "PUAXw+hDiVqStwqnTRt+vJyYLM8uxJaMwM1V8Sr0Zgw="
#define KEY_3 "/FHNjmIYoaONpH7QAjDwWAgW7RO6MwOsXeuRFUiQgCU="
#define SECRET                                                                                     \
    "nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2DXWpgBgrEKt9VL/tPJZAc6DuFy89qmIyWvAhpo9wdRGg=="

static int read_daemon(const char *text, struct daemon_config *config, struct error *error)
{
    daemon_config_init(config);
    error->text[0] = '\0';
    return keys_read_text(&daemon_keys, config, text, strlen(text), "vmreclaimd.yaml", error);
}

static void test_what_is_said_of_a_fleet(void **state)
{
    static const struct {
        const char *text;
        const char *message;
    } wrong[] = {
        {"fleet_host: a.b\n", "fleet_host 'a.b' is not 1 to 64 letters"},
        {"fleet_host: '>'\n", "fleet_host '>' is not"},
        {"fleet_keys: [abc]\n", "fleet_keys: a public key is one line of base64"},
        {"fleet_keys: [" KEY_1 ", " KEY_1 "]\n", "fleet_keys: the same key twice"},
        {"fleet_keys: [" KEY_1 ", " KEY_2 ", " KEY_3 "]\n", "fleet_keys: more than 2"},
        {"fleet_keys: [" SECRET "]\n", "fleet_keys: this is a secret key"},
        {"fleet_policies: no\n", "fleet_policies 'no' is neither apply nor refuse"},
    };
    struct daemon_config config;
    struct error error;

    assert_int_equal(
        read_daemon("fleet_host: rack7-12\nfleet_keys: [" KEY_1 ", " KEY_2 "]\n", &config, &error),
        0);
    assert_string_equal(config.fleet.host, "rack7-12");
    assert_int_equal(config.fleet.key_count, 2);
    assert_false(config.fleet.refuses);
    assert_int_equal(
        read_daemon("fleet_keys: " KEY_2 "\nfleet_policies: refuse\n", &config, &error), 0);
    assert_int_equal(config.fleet.key_count, 1);
    assert_true(config.fleet.refuses);
    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        assert_int_equal(read_daemon(wrong[i].text, &config, &error), -EINVAL);
        if (strstr(error.text, wrong[i].message) == NULL)
            fail_msg("%s: %s", wrong[i].text, error.text);
    }
}

/* What takes a restart is compared as memory, so nothing of an earlier value may be left in it. */
static void test_what_a_reload_may_change(void **state)
{
    struct daemon_config now;
    struct daemon_config next;
    struct error error;

    daemon_config_init(&now);
    daemon_config_init(&next);
    assert_int_equal(keys_set(&daemon_keys, &next, "sample_interval", "5s", &error), 0);
    assert_int_equal(keys_set(&daemon_keys, &next, "read_group", "staff", &error), 0);
    assert_int_equal(keys_set(&daemon_keys, &next, "vms", "/etc/vmreclaim/a-longer-place", &error),
                     0);
    assert_int_equal(daemon_config_check_fixed(&now, &next, &error), -EBUSY);
    assert_string_equal(error.text, "vms cannot change while vmreclaimd runs; restart it");
    assert_int_equal(keys_set(&daemon_keys, &next, "vms", now.vms, &error), 0);
    assert_int_equal(daemon_config_check_fixed(&now, &next, &error), 0);
    assert_int_equal(keys_set(&daemon_keys, &next, "hypervisor_directory", "qemu:/x", &error), 0);
    assert_int_equal(daemon_config_check_fixed(&now, &next, &error), -EBUSY);
}

/* --help has a line for each, in 80 columns. */
static void test_every_setting_is_explained(void **state)
{
    for (size_t i = 0; i < daemon_keys.count; i++) {
        const char *help = daemon_keys.list[i].help;

        assert_non_null(daemon_keys.list[i].argument);
        assert_non_null(help);
        while (help[0] != '\0') {
            assert_true(strcspn(help, "\n") <= 55);
            help += strcspn(help, "\n");
            help += help[0] == '\n';
        }
    }
}

/* What a VM is called is any text; its name is letters, digits and ".-_". */
static void test_names_are_made(void **state)
{
    static const struct {
        const char *text;
        const char *name;
    } cases[] = {
        {"web-1", "web-1"},
        {"web 1", "web-1"},
        {"Stra\xc3\x9f", "Stra--"},
        {"Stra\xdf", "Stra-"},
        {"two\nlines", "two-lines"},
        {"-x y", "vm-x-y"},
        {"", "vm"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char name[VM_NAME_SIZE];

        vm_name_make(cases[i].text, name);
        assert_string_equal(name, cases[i].name);
        assert_int_equal(vm_name_check(name, NULL), 0);
    }
}

/* The manual has the defaults from the table, and the daemon has them from elsewhere. Watermarks
 * are shares with a limit in bytes, which no text says. */
static void test_the_defaults_of_the_table_are_in_force(void **state)
{
    const struct daemon_sources none = {.path = "/nonexistent", .path_is_default = true};

    for (size_t i = 0; i < daemon_keys.count; i++) {
        const struct key *key = &daemon_keys.list[i];
        struct daemon_config config;
        struct daemon_config set;

        assert_non_null(key->type);
        if (key->standard == NULL || strcmp(key->name, "watermarks") == 0)
            continue;
        assert_int_equal(daemon_config_gather(&config, &none, NULL), 0);
        set = config;
        if (strcmp(key->name, "listen") == 0)
            set.listen_count = 0;
        assert_int_equal(keys_set(&daemon_keys, &set, key->name, key->standard, NULL), 0);
        if (memcmp((const char *)&set + key->offset, (const char *)&config + key->offset,
                   key->size) != 0)
            fail_msg("%s is not %s by default", key->name, key->standard);
    }
}

static void test_every_key_of_a_vm_file_has_a_type(void **state)
{
    for (size_t i = 0; i < vm_keys.count; i++)
        assert_non_null(vm_keys.list[i].type);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_defaults_of_the_table_are_in_force),
        cmocka_unit_test(test_every_key_of_a_vm_file_has_a_type),
        cmocka_unit_test(test_names_are_made),
        cmocka_unit_test(test_a_whole_vm_file),
        cmocka_unit_test(test_a_former_key_counts_and_is_named),
        cmocka_unit_test(test_no_key_is_forgotten),
        cmocka_unit_test(test_the_name_is_the_files),
        cmocka_unit_test(test_wrong_vm_files),
        cmocka_unit_test(test_a_missing_file),
        cmocka_unit_test(test_the_daemons_configuration),
        cmocka_unit_test(test_what_is_said_of_a_fleet),
        cmocka_unit_test(test_watermarks),
        cmocka_unit_test(test_the_arbiter_is_switched_on),
        cmocka_unit_test(test_the_command_line_comes_last),
        cmocka_unit_test(test_what_a_reload_may_change),
        cmocka_unit_test(test_every_setting_is_explained),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
