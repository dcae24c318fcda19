/* The field table. */
#include "tests/lib/test.h"

#include <errno.h>
#include <string.h>

#include "common/base/number.h"
#include "common/policy/policy.h"

static void test_profiles_are_consistent(void **state)
{
    struct error error;

    for (unsigned i = 0; i < POLICY_PROFILE_COUNT; i++) {
        struct policy policy;
        enum policy_profile profile;
        policy_init(&policy, (enum policy_profile)i);
        assert_int_equal(policy.profile, i);
        assert_int_equal(policy_check(&policy, &error), 0);
        assert_int_equal(
            policy_profile_parse(policy_profile_name((enum policy_profile)i), &profile, &error), 0);
        assert_int_equal(profile, i);
        assert_true(strlen(policy_profile_reason((enum policy_profile)i)) > 20);
    }
}

/* Every key of every profile goes out as text and comes back as the same value. */
static void test_every_key_round_trips(void **state)
{
    struct error error;
    const char *key;

    for (unsigned profile = 0; profile < POLICY_PROFILE_COUNT; profile++)
        for (size_t i = 0; (key = policy_key(i)) != NULL; i++) {
            struct policy policy;
            char before[64];
            char after[64];
            policy_init(&policy, (enum policy_profile)profile);
            assert_int_equal(policy_get(&policy, key, before, sizeof(before)), 0);
            policy_init(&policy, POLICY_OBSERVE);
            assert_int_equal(policy_set(&policy, key, before, &error), 0);
            assert_int_equal(policy_get(&policy, key, after, sizeof(after)), 0);
            assert_string_equal(before, after);
            assert_non_null(policy_help(i));
        }
    assert_null(policy_help(1000));
}

/* Every key that there ever was, in policies and in agent.conf. One that goes stays here: who
 * upgrades is told what to write instead, as `former` of controller/config/keys.h does. */
static void test_no_key_is_forgotten(void **state)
{
    static const char *const keys[] = {
        "sample_interval",
        "idle_window",
        "idle_cpu",
        "psi_memory",
        "psi_io",
        "refault_rate",
        "cache_method",
        "cache_floor",
        "cache_step",
        "trickle",
        "drop_slab",
        "compact",
        "compact_min_gain",
        "compact_time_limit",
        "compact_interval",
        "reporting_order",
        "cpu_budget",
        "pulse",
        "pulse_headroom",
        "pulse_min_gain",
        "pulse_interval",
        "pulse_only_idle",
        "shares",
        "priority",
        "floor",
        "ceiling",
        "allow_commands",
    };
    struct policy policy;
    struct error error;
    char value[64];

    policy_init(&policy, POLICY_BALANCED);
    for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
        if (policy_get(&policy, keys[i], value, sizeof(value)) < 0)
            fail_msg("'%s' is no key any more, and nothing says what became of it", keys[i]);
        assert_int_equal(policy_set(&policy, keys[i], value, &error), 0);
    }
}

static void test_wsl_has_the_published_constants(void **state)
{
    struct policy policy;

    policy_init(&policy, POLICY_WSL);
    assert_true(policy.sample_interval == 10 * NSEC_PER_SEC);
    assert_true(policy.idle_window == 120 * NSEC_PER_SEC);
    assert_int_equal(policy.idle_cpu, 50);
    assert_int_equal(policy.cache_method, POLICY_CACHE_DROP);
    assert_true(policy.drop_slab);
    assert_true(policy.cache_floor == 128 * MIB);
}

static void test_pulses_and_shares_are_the_hosts(void **state)
{
    struct policy policy;
    struct error error;
    unsigned count = 0;

    for (size_t i = 0; policy_key(i) != NULL; i++)
        count += policy_key_is_of_host(policy_key(i));
    assert_int_equal(count, 5 + 4);
    assert_false(policy_key_is_of_host("trickle"));
    assert_true(policy_key_is_of_arbiter("floor"));
    assert_false(policy_key_is_of_arbiter("pulse"));
    assert_false(policy_key_is_of_arbiter("cache_floor"));
    policy_init(&policy, POLICY_OBSERVE);
    assert_false(policy.pulse);
    policy_init(&policy, POLICY_BALANCED);
    assert_true(policy.pulse && policy.pulse_only_idle);
    assert_int_equal(policy_set(&policy, "pulse_headroom", "128MiB", &error), -ERANGE);
    assert_non_null(strstr(error.text, "256MiB"));
}

/* Who owns the guest has the last word. */
static void test_a_guest_may_refuse_pulses(void **state)
{
    struct policy own;
    struct policy policy;

    policy_init(&own, POLICY_BALANCED);
    own.pulse = false;
    own.pulse_headroom = GIB;
    policy_init(&policy, POLICY_AGGRESSIVE);
    (void)policy_limit(&policy, &own, policy_key_bit("pulse") | policy_key_bit("pulse_headroom"));
    assert_false(policy.pulse);
    assert_true(policy.pulse_headroom == GIB);
}

static void test_set_values(void **state)
{
    struct policy policy;
    struct error error;

    policy_init(&policy, POLICY_BALANCED);
    assert_int_equal(policy_set(&policy, "idle_window", "20s", &error), 0);
    assert_true(policy.idle_window == 20 * NSEC_PER_SEC);
    assert_int_equal(policy_set(&policy, "idle_cpu", "1.5%", &error), 0);
    assert_int_equal(policy.idle_cpu, 150);
    assert_int_equal(policy_set(&policy, "cache_floor", "1.5GiB", &error), 0);
    assert_true(policy.cache_floor == 1536 * MIB);
    assert_int_equal(policy_set(&policy, "cache_method", "drop", &error), 0);
    assert_int_equal(policy.cache_method, POLICY_CACHE_DROP);
    assert_int_equal(policy_set(&policy, "compact", "no", &error), 0);
    assert_false(policy.compact);
}

/* The next character is cut off as a whole. */
#define SIXTY_THREE "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

static void test_refusals_say_what_is_accepted(void **state)
{
    static const struct {
        const char *key;
        const char *value;
        int result;
        const char *text;
    } cases[] = {
        {"cahce_floor", "1MiB", -ENOENT, "unknown key 'cahce_floor'; did you mean 'cache_floor'?"},
        {"swappiness", "1", -ENOENT, "unknown key 'swappiness'"},
        {"idle_window", "4s", -ERANGE, "idle_window: '4s' is not in 5s..1d"},
        {"idle_window", "soon", -EINVAL, "idle_window: 'soon' is not a value in 5s..1d"},
        {"idle_cpu", "101%", -ERANGE, "idle_cpu: '101%' is not in 0.01%..100%"},
        {"compact", "maybe", -EINVAL, "compact: 'maybe' is not true or false"},
        {"cache_method", "all", -EINVAL, "cache_method: 'all' is not none, gradual or drop"},
        {"reporting_order", "4294967296", -ERANGE, "reporting_order: '4294967296' is not in 0..20"},
        {"cache_floor", "512", -EINVAL, "cache_floor: '512' has no unit; did you mean 512MiB?"},
        {"trickle", "a lot", -EINVAL,
         "trickle: 'a lot' is not a size; write 512MiB, 1.5GiB or 3GB"},
        {"", "", -ENOENT, "unknown key ''"},
        {SIXTY_THREE "\xc3\xa4", "1", -ENOENT, "unknown key '" SIXTY_THREE "'"},
        {"compact", SIXTY_THREE "\xc3\xa4", -EINVAL,
         "compact: '" SIXTY_THREE "' is not true or false"},
    };
    struct policy before;
    struct policy policy;
    struct error error;

    policy_init(&before, POLICY_BALANCED);
    policy = before;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_int_equal(policy_set(&policy, cases[i].key, cases[i].value, &error),
                         cases[i].result);
        assert_string_equal(error.text, cases[i].text);
        assert_memory_equal(&policy, &before, sizeof(policy));
    }
}

static void test_relations(void **state)
{
    struct policy policy;
    struct error error;

    policy_init(&policy, POLICY_BALANCED);
    policy.sample_interval = policy.idle_window + 1;
    assert_int_equal(policy_check(&policy, &error), -EINVAL);
    assert_true(strstr(error.text, "sample_interval") == error.text);
    policy_init(&policy, POLICY_BALANCED);
    policy.cpu_budget = 0;
    assert_int_equal(policy_check(&policy, &error), -EINVAL);
    policy.compact = false;
    assert_int_equal(policy_check(&policy, &error), 0);
    policy.floor = 2 * GIB;
    policy.ceiling = GIB;
    assert_int_equal(policy_check(&policy, &error), -EINVAL);
    assert_true(strstr(error.text, "ceiling") == error.text);
    policy.ceiling = 0; /* no limit */
    assert_int_equal(policy_check(&policy, &error), 0);
}

/* A profile that means to be gentler is so in every key. */
static void test_a_gentler_profile_is_no_matter_of_a_limit(void **state)
{
    static const enum policy_profile pairs[][2] = {
        {POLICY_GENTLE, POLICY_BALANCED},
        {POLICY_BALANCED, POLICY_AGGRESSIVE},
        {POLICY_OBSERVE, POLICY_WSL},
    };

    for (size_t i = 0; i < ARRAY_SIZE(pairs); i++) {
        struct policy gentle;
        struct policy other;

        policy_init(&gentle, pairs[i][0]);
        policy_init(&other, pairs[i][1]);
        assert_int_equal(policy_limit(&gentle, &other, ~(policy_key_set)0), 0);
        assert_int_not_equal(policy_limit(&other, &gentle, ~(policy_key_set)0), 0);
    }
}

static void test_only_what_is_limited_and_less_gentle_changes(void **state)
{
    const policy_key_set floor = policy_key_bit("cache_floor");
    struct policy owner;
    struct policy host;

    policy_init(&owner, POLICY_BALANCED);
    host = owner;
    host.cache_floor = 2 * owner.cache_floor;
    assert_int_equal(policy_limit(&host, &owner, floor), 0);
    host.cache_floor = owner.cache_floor / 2;
    assert_int_equal(policy_limit(&host, &owner, ~floor), 0);
    assert_int_equal(host.cache_floor, owner.cache_floor / 2);
    assert_int_equal(policy_limit(&host, &owner, floor), floor);
    assert_int_equal(host.cache_floor, owner.cache_floor);
}

static void test_key_bits(void **state)
{
    assert_string_equal(policy_key(0), "sample_interval");
    assert_int_equal(policy_key_bit("sample_interval"), 1);
    assert_int_equal(policy_key_bit("swappiness"), 0);
}

static void test_names(void **state)
{
    static const char *const refused[] = {"", "a b", "../x", ".hidden", "-x", "a/b", "a\nb"};
    struct policy policy;
    struct error error;

    policy_init(&policy, POLICY_BALANCED);
    assert_int_equal(policy_set_name(&policy, "web_1.2-b", &error), 0);
    assert_string_equal(policy.name, "web_1.2-b");
    for (size_t i = 0; i < ARRAY_SIZE(refused); i++)
        assert_int_equal(policy_set_name(&policy, refused[i], &error), -EINVAL);
    assert_string_equal(policy.name, "web_1.2-b");
}

static void test_unknown_profile(void **state)
{
    enum policy_profile profile = POLICY_WSL;
    struct error error;

    assert_int_equal(policy_profile_parse("ballanced", &profile, &error), -EINVAL);
    assert_non_null(strstr(error.text, "did you mean 'balanced'?"));
    assert_int_equal(profile, POLICY_WSL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_profiles_are_consistent),
        cmocka_unit_test(test_every_key_round_trips),
        cmocka_unit_test(test_no_key_is_forgotten),
        cmocka_unit_test(test_wsl_has_the_published_constants),
        cmocka_unit_test(test_pulses_and_shares_are_the_hosts),
        cmocka_unit_test(test_a_guest_may_refuse_pulses),
        cmocka_unit_test(test_set_values),
        cmocka_unit_test(test_refusals_say_what_is_accepted),
        cmocka_unit_test(test_relations),
        cmocka_unit_test(test_a_gentler_profile_is_no_matter_of_a_limit),
        cmocka_unit_test(test_only_what_is_limited_and_less_gentle_changes),
        cmocka_unit_test(test_key_bits),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_unknown_profile),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
