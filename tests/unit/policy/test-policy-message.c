/* A policy over the wire, between versions too. */
#include "tests/lib/test.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/number.h"
#include "common/policy/policy-message.h"

static Vmreclaim__Policy__V1__Policy *make(void)
{
    struct policy policy;
    Vmreclaim__Policy__V1__Policy *message;

    policy_init(&policy, POLICY_AGGRESSIVE);
    policy.revision = 12;
    message = policy_message_create(&policy);
    assert_non_null(message);
    return message;
}

static void replace(char **target, const char *text)
{
    free(*target);
    *target = strdup(text);
    assert_non_null(*target);
}

static void test_round_trip(void **state)
{
    struct policy policy;
    struct policy back;
    struct policy_unsupported unsupported;
    struct error error;
    Vmreclaim__Policy__V1__Policy *message;

    policy_init(&policy, POLICY_GENTLE);
    policy.revision = 3;
    memcpy(policy.hash, "abc", 4);
    assert_int_equal(policy_set_name(&policy, "night", &error), 0);
    assert_int_equal(policy_set(&policy, "trickle", "1MiB", &error), 0);
    assert_int_equal(
        schedule_parse("0 2 * * *", "3h", "forbid", NULL, &policy.schedules[0], &error), 0);
    policy.schedules[0].utc_offset = 3600;
    policy.schedule_count = 1;
    message = policy_message_create(&policy);
    assert_non_null(message);
    assert_int_equal(policy_from_message(message, &back, &unsupported, &error), 0);
    assert_int_equal(unsupported.count, 0);
    assert_memory_equal(&policy, &back, sizeof(policy));
    policy_message_destroy(message);
}

static void test_newer_controller(void **state)
{
    struct policy policy;
    struct policy_unsupported unsupported;
    struct error error;
    Vmreclaim__Policy__V1__Policy *message = make();

    replace(&message->profile, "frugal");
    replace(&message->settings[0]->key, "zram_share");
    assert_int_equal(policy_from_message(message, &policy, &unsupported, &error), 0);
    assert_int_equal(unsupported.count, 2);
    assert_string_equal(unsupported.keys[0], "profile");
    assert_string_equal(unsupported.keys[1], "zram_share");
    assert_true(policy.cache_floor == 64 * MIB);
    policy_message_destroy(message);
}

static void test_older_controller(void **state)
{
    struct policy policy;
    struct policy aggressive;
    struct policy_unsupported unsupported;
    struct error error;
    Vmreclaim__Policy__V1__Policy *message = make();

    policy_init(&aggressive, POLICY_AGGRESSIVE);
    for (size_t i = message->n_settings / 2; i < message->n_settings; i++)
        vmreclaim__policy__v1__setting__free_unpacked(message->settings[i], NULL);
    message->n_settings /= 2;
    assert_int_equal(policy_from_message(message, &policy, &unsupported, &error), 0);
    assert_true(policy.cpu_budget == aggressive.cpu_budget);
    policy_message_destroy(message);
}

/* They wrote a size that no unit divides without one. */
static void test_a_size_of_an_older_controller(void **state)
{
    struct policy policy;
    struct policy_unsupported unsupported;
    struct error error;
    Vmreclaim__Policy__V1__Policy *message = make();

    for (size_t i = 0; i < message->n_settings; i++)
        if (strcmp(message->settings[i]->key, "cache_floor") == 0)
            replace(&message->settings[i]->value, "67108865");
    assert_int_equal(policy_from_message(message, &policy, &unsupported, &error), 0);
    assert_true(policy.cache_floor == 64 * MIB + 1);
    policy_message_destroy(message);
}

static void test_a_bad_value_refuses_all(void **state)
{
    struct policy policy = {.revision = 1};
    struct policy_unsupported unsupported;
    struct error error;
    Vmreclaim__Policy__V1__Policy *message = make();

    replace(&message->settings[0]->value, "often");
    assert_int_equal(policy_from_message(message, &policy, &unsupported, &error), -EINVAL);
    assert_true(policy.revision == 1);
    policy_message_destroy(message);
}

static void test_hostile_fields(void **state)
{
    struct policy policy;
    struct policy_unsupported unsupported;
    struct error error;
    char name[200];
    Vmreclaim__Policy__V1__Policy *message = make();
    Vmreclaim__Policy__V1__Schedule window = VMRECLAIM__POLICY__V1__SCHEDULE__INIT;
    Vmreclaim__Policy__V1__Schedule *windows[] = {&window};

    memset(name, 'a', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    message->name = name;
    assert_int_equal(policy_from_message(message, &policy, &unsupported, &error), -EINVAL);
    message->name = (char *)protobuf_c_empty_string;
    message->hash = name;
    assert_int_equal(policy_from_message(message, &policy, &unsupported, &error), -ERANGE);
    message->hash = (char *)protobuf_c_empty_string;
    window.cron = (char *)"* * * * *";
    window.duration_seconds = UINT64_MAX;
    window.effect = VMRECLAIM__POLICY__V1__SCHEDULE_EFFECT__SCHEDULE_EFFECT_FORCE;
    message->schedules = windows;
    message->n_schedules = 1;
    assert_true(policy_from_message(message, &policy, &unsupported, &error) < 0);
    window.duration_seconds = 3600;
    assert_int_equal(policy_from_message(message, &policy, &unsupported, &error), 0);
    window.utc_offset_seconds = INT32_MIN;
    assert_int_equal(policy_from_message(message, &policy, &unsupported, &error), -ERANGE);
    message->schedules = NULL;
    message->n_schedules = 0;
    policy_message_destroy(message);
}

static void test_unknown_keys_are_bounded(void **state)
{
    struct policy policy;
    struct policy_unsupported unsupported;
    struct error error;
    Vmreclaim__Policy__V1__Policy message = VMRECLAIM__POLICY__V1__POLICY__INIT;
    Vmreclaim__Policy__V1__Setting setting = VMRECLAIM__POLICY__V1__SETTING__INIT;
    Vmreclaim__Policy__V1__Setting *settings[POLICY_UNSUPPORTED_MAX + 5];

    setting.key = (char *)"what";
    for (size_t i = 0; i < ARRAY_SIZE(settings); i++)
        settings[i] = &setting;
    message.profile = (char *)"balanced";
    message.settings = settings;
    message.n_settings = ARRAY_SIZE(settings);
    assert_int_equal(policy_from_message(&message, &policy, &unsupported, &error), 0);
    assert_int_equal(unsupported.count, POLICY_UNSUPPORTED_MAX);
    assert_int_equal(unsupported.omitted, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_a_size_of_an_older_controller),
        cmocka_unit_test(test_newer_controller),
        cmocka_unit_test(test_older_controller),
        cmocka_unit_test(test_a_bad_value_refuses_all),
        cmocka_unit_test(test_hostile_fields),
        cmocka_unit_test(test_unknown_keys_are_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
