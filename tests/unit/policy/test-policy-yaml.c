/* Policy files: what is read, and that every error names file and line. */
#include "tests/lib/test.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>

#include "common/base/cleanup.h"
#include "common/base/file.h"
#include "common/base/number.h"
#include "common/policy/policy-yaml.h"

static int load(const char *text, struct policy *ret_policy, struct error *error)
{
    return policy_load_yaml(text, strlen(text), "p.yaml", ret_policy, error);
}

static void test_profile_and_overrides(void **state)
{
    struct policy policy;
    struct policy gentle;
    struct error error;

    policy_init(&gentle, POLICY_GENTLE);
    /* the profile counts first, wherever it stands */
    assert_int_equal(load("name: night\ncache_floor: 64MiB\nprofile: gentle\n", &policy, &error),
                     0);
    assert_string_equal(policy.name, "night");
    assert_int_equal(policy.profile, POLICY_GENTLE);
    assert_true(policy.cache_floor == 64 * MIB);
    assert_true(policy.idle_window == gentle.idle_window);
}

static void test_schedules(void **state)
{
    struct policy policy;
    struct error error;

    assert_int_equal(load("profile: balanced\n"
                          "schedules:\n"
                          "  - {cron: '0 2 * * *', for: 3h, do: force, zone: Europe/Berlin}\n"
                          "  - cron: '0 9 * * 1-5'\n"
                          "    for: 8h\n"
                          "    do: forbid\n",
                          &policy, &error),
                     0);
    assert_int_equal(policy.schedule_count, 2);
    assert_int_equal(policy.schedules[0].effect, SCHEDULE_FORCE);
    assert_string_equal(policy.schedules[0].zone, "Europe/Berlin");
    assert_int_equal(policy.schedules[1].effect, SCHEDULE_FORBID);
    assert_string_equal(policy.schedules[1].zone, "");
}

static void test_errors_name_the_line(void **state)
{
    static const struct {
        const char *text;
        int result;
        const char *error;
    } cases[] = {
        {"profile: balanced\n\ncahce_floor: 1MiB\n", -ENOENT,
         "p.yaml:3: unknown key 'cahce_floor'; did you mean 'cache_floor'?"},
        {"cache_floor: 1MiB\nidle_window: 1s\n", -ERANGE,
         "p.yaml:2: idle_window: '1s' is not in 5s..1d"},
        {"profile: baanced\n", -EINVAL, "p.yaml:1: profile: 'baanced' is not one of"},
        {"schedules:\n  - {cron: \"0 2 * * *\", for: 1h, do: allow, zone: Europe/Berln}\n", -ENOENT,
         "p.yaml:2: zone: no"},
        {"name: x\nprofil: gentle\n", -ENOENT,
         "p.yaml:2: unknown key 'profil'; did you mean 'profile'?"},
        {"schedule:\n  - {cron: x}\n", -ENOENT,
         "p.yaml:1: unknown key 'schedule'; did you mean 'schedules'?"},
        {"schedules:\n  - {corn: \"0 2 * * *\", for: 1h, do: allow}\n", -ENOENT,
         "p.yaml:2: unknown key 'corn'; did you mean 'cron'?"},
        {"schedules:\n  - cron: \"0 2 * * *\"\n    for: 1h\n    do: alloww\n", -EINVAL,
         "p.yaml:4: do: 'alloww' is not one of allow, force, forbid; did you mean 'allow'?"},
        {"schedules:\n  - cron: \"0 2 * * *\"\n    for: 1 hour\n    do: allow\n", -EINVAL,
         "p.yaml:3: for: '1 hour'"},
        {"name: x\nsample_interval: 10m\nidle_window: 1m\n", -EINVAL,
         "p.yaml:2: sample_interval: longer"},
        {"compact: yes\ncompact: no\n", -EINVAL, "p.yaml:2: 'compact' is given twice"},
        {"cache_floor: [1, 2]\n", -EINVAL, "p.yaml:1: wanted one value here"},
        {"- a\n- b\n", -EINVAL, "p.yaml:1: a policy is a list of"},
        {"", -EINVAL, "p.yaml:1: empty"},
        {"a: 'b\n", -EINVAL, "p.yaml:2: found unexpected end of stream"},
        {"name: x\n---\nname: y\n", -EINVAL, "p.yaml:2: a second document"},
        {"schedules: yes\n", -EINVAL, "p.yaml:1: schedules is a list"},
        {"schedules:\n - {cron: '* * * * *', for: 1h}\n", -EINVAL,
         "p.yaml:2: a schedule needs cron, for and do"},
        {"schedules:\n - {cron: '61 * * * *', for: 1h, do: force}\n", -ERANGE,
         "p.yaml:2: cron: '61 * * * *': bad minute"},
        {"schedules:\n - {cron: '* * * * *', for: 1h, do: force, tz: x}\n", -EINVAL,
         "p.yaml:2: a schedule has cron"},
        {"name: 'a b'\n", -EINVAL, "p.yaml:1: name: 'a b' has characters"},
        {"idle_window: 5s\nsample_interval: 10s\n", -EINVAL, "p.yaml:2: sample_interval: longer"},
        {"? {a: b}\n: c\n", -EINVAL, "p.yaml:1: a key is a word"},
        {"cache_floor: \"1\\0\"\n", -EINVAL, "p.yaml:1: wanted one value here"},
    };
    struct error error;

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        struct policy policy = {.revision = 99};
        error.text[0] = '\0';
        assert_int_equal(load(cases[i].text, &policy, &error), cases[i].result);
        if (strncmp(error.text, cases[i].error, strlen(cases[i].error)) != 0)
            fail_msg("got '%s', wanted '%s'", error.text, cases[i].error);
        assert_true(policy.revision == 99);
        assert_int_equal(load(cases[i].text, &policy, NULL), cases[i].result);
    }
}

static void test_limits(void **state)
{
    static char large[POLICY_YAML_MAX + 1];
    char many[2048] = "schedules:\n";
    struct policy policy;
    struct error error;

    assert_int_equal(policy_load_yaml(large, sizeof(large), "p", &policy, &error), -EFBIG);
    for (int i = 0; i <= POLICY_SCHEDULES_MAX; i++)
        strcat(many, " - {cron: '* * * * *', for: 1h, do: force}\n");
    assert_int_equal(load(many, &policy, &error), -EINVAL);
    assert_non_null(strstr(error.text, "p.yaml:18: too many schedules"));
}

/* Who writes a policy is asked; what the store took once stays what it was. */
static void test_sizes_without_a_unit(void **state)
{
    static const char text[] = "name: p\ncache_floor: 67108865\n";
    struct policy policy;
    struct error error;

    assert_int_equal(load(text, &policy, &error), -EINVAL);
    assert_string_equal(error.text, "p.yaml:2: cache_floor: '67108865' has no unit; did you mean "
                                    "67108865B?");
    assert_int_equal(policy_load_kept_yaml(text, strlen(text), "p.yaml", &policy, &error), 0);
    assert_int_equal(policy.cache_floor, 67108865);
}

/* Every example that is shipped is accepted, and named like its file. */
static void test_examples(void **state)
{
    cleanup_closedir DIR *directory = opendir(POLICIES);
    unsigned count = 0;

    assert_non_null(directory);
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        struct policy policy;
        struct error error;
        char text[4096];
        if (strstr(entry->d_name, ".yaml") == NULL)
            continue;
        assert_true(file_read_into(dirfd(directory), entry->d_name, text, sizeof(text)) > 0);
        if (policy_load_yaml(text, strlen(text), entry->d_name, &policy, &error) < 0)
            fail_msg("%s", error.text);
        assert_memory_equal(policy.name, entry->d_name, strlen(entry->d_name) - strlen(".yaml"));
        count++;
    }
    assert_true(count >= 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_profile_and_overrides), cmocka_unit_test(test_schedules),
        cmocka_unit_test(test_errors_name_the_line),  cmocka_unit_test(test_limits),
        cmocka_unit_test(test_sizes_without_a_unit),  cmocka_unit_test(test_examples),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
