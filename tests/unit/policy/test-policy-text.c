/* "key = value" lines. */
#include "tests/lib/test.h"

#include <errno.h>
#include <string.h>

#include "common/base/number.h"
#include "common/policy/policy-text.h"

static void test_round_trip(void **state)
{
    struct policy policy;
    struct policy back;
    struct error error;
    char text[POLICY_TEXT_MAX];

    for (unsigned i = 0; i < POLICY_PROFILE_COUNT; i++) {
        policy_init(&policy, (enum policy_profile)i);
        policy.revision = 7;
        memcpy(policy.hash, "00ff", 5);
        assert_int_equal(policy_set_name(&policy, "night", &error), 0);
        assert_int_equal(policy_set(&policy, "cache_floor", "77MiB", &error), 0);
        for (policy.schedule_count = 0; policy.schedule_count < POLICY_SCHEDULES_MAX;)
            assert_int_equal(schedule_parse("0 2 * * *", "3h", "force", "Europe/Berlin",
                                            &policy.schedules[policy.schedule_count++], &error),
                             0);
        policy.schedules[0].utc_offset = -7200;
        assert_true(policy_write_text(&policy, text, sizeof(text)) < sizeof(text) - 1);
        assert_int_equal(policy_read_text(text, "policy", &back, &error), 0);
        assert_memory_equal(&policy, &back, sizeof(policy));
    }
}

static void test_short_buffer_is_ended(void **state)
{
    struct policy policy;
    char text[40];

    policy_init(&policy, POLICY_BALANCED);
    assert_int_equal(policy_write_text(&policy, text, sizeof(text)), sizeof(text) - 1);
    assert_int_equal(strlen(text), sizeof(text) - 1);
}

static void test_blanks_and_comments(void **state)
{
    struct policy policy;
    struct error error;

    assert_int_equal(policy_read_text("# a guest\n\n  cache_floor=1GiB\t\r\nprofile = gentle",
                                      "agent.conf", &policy, &error),
                     0);
    assert_int_equal(policy.profile, POLICY_GENTLE);
    assert_true(policy.cache_floor == GIB);
}

static void test_errors_name_the_line(void **state)
{
    static const char *const cases[][2] = {
        {"\ncache_flor = 1MiB\n", "agent.conf:2: unknown key 'cache_flor'; did you mean"},
        {"cache_floor\n", "agent.conf:1: wanted 'key = value'"},
        {"cache_floor = lots\n", "agent.conf:1: cache_floor: 'lots'"},
        {"profile = none\n", "agent.conf:1: profile: 'none'"},
        {"revision = x\n", "agent.conf:1: revision: 'x'"},
        {"hash = xyz\n", "agent.conf:1: hash: not"},
        {"schedule = * * * * *; 1h\n", "agent.conf:1: schedule: wanted"},
        {"schedule = * * * * *; 1h; force; UTC; 99999\n", "agent.conf:1: schedule: '99999'"},
        {"idle_window = 5s\n", "agent.conf: sample_interval: longer"},
    };
    struct policy policy;
    struct error error;

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_true(policy_read_text(cases[i][0], "agent.conf", &policy, &error) < 0);
        if (strncmp(error.text, cases[i][1], strlen(cases[i][1])) != 0)
            fail_msg("got '%s', wanted '%s'", error.text, cases[i][1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_short_buffer_is_ended),
        cmocka_unit_test(test_blanks_and_comments),
        cmocka_unit_test(test_errors_name_the_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
