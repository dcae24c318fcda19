/* The owner's limits on a host's policy, and the policy kept for the time without a controller. */
#include "tests/lib/test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/config/host-policy.h"
#include "common/base/number.h"
#include "common/policy/policy-message.h"

static struct configuration owner_sets(const char *key, const char *value)
{
    struct configuration configuration = {.policy_keys = 0};

    policy_init(&configuration.policy, POLICY_BALANCED);
    assert_int_equal(policy_set(&configuration.policy, key, value, NULL), 0);
    configuration.policy_keys = policy_key_bit(key);
    return configuration;
}

static struct host_policy accept_aggressive(const struct configuration *configuration)
{
    Vmreclaim__Policy__V1__Policy *message;
    struct host_policy accepted;
    struct policy policy;

    policy_init(&policy, POLICY_AGGRESSIVE);
    message = policy_message_create(&policy);
    assert_non_null(message);
    assert_int_equal(host_policy_accept(message, configuration, &accepted, NULL), 0);
    policy_message_destroy(message);
    return accepted;
}

static void test_host_policy_is_capped_where_the_owner_spoke(void **state)
{
    struct configuration configuration = owner_sets("cache_floor", "1GiB");
    struct host_policy accepted = accept_aggressive(&configuration);
    struct policy policy;

    assert_int_equal(accepted.policy.cache_floor, GIB);
    policy_init(&policy, POLICY_AGGRESSIVE);
    assert_int_equal(accepted.policy.idle_window, policy.idle_window);
    assert_int_equal(accepted.capped, configuration.policy_keys);
}

/* A limit that makes another key impossible brings that one along. */
static void test_an_owners_slow_readings_lengthen_the_idle_window(void **state)
{
    struct configuration configuration = owner_sets("sample_interval", "90s");
    struct host_policy accepted = accept_aggressive(&configuration);

    assert_int_equal(accepted.policy.sample_interval, 90 * NSEC_PER_SEC);
    assert_int_equal(accepted.policy.idle_window, 90 * NSEC_PER_SEC);
    assert_true((accepted.capped & ~configuration.policy_keys) != 0);
}

static void test_kept_policy_is_limited_again(void **state)
{
    struct configuration configuration = owner_sets("compact", "true");
    char directory[] = "/tmp/vmreclaim-test-XXXXXX";
    Vmreclaim__Policy__V1__Policy *message;
    struct host_policy accepted;
    struct policy policy;
    struct error error;
    int descriptor;

    assert_non_null(mkdtemp(directory));
    descriptor = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(host_policy_load(descriptor, &configuration, &accepted, &error), -ENOENT);
    policy_init(&policy, POLICY_BALANCED);
    policy.revision = 7;
    message = policy_message_create(&policy);
    assert_int_equal(host_policy_store(descriptor, message), 0);
    policy_message_destroy(message);

    assert_int_equal(host_policy_load(descriptor, &configuration, &accepted, &error), 0);
    assert_int_equal(accepted.policy.revision, 7);
    assert_true(accepted.policy.compact);
    /* The owner changed the mind between two starts. */
    configuration = owner_sets("compact", "false");
    assert_int_equal(host_policy_load(descriptor, &configuration, &accepted, &error), 0);
    assert_false(accepted.policy.compact);
    assert_int_equal(unlinkat(descriptor, "policy", 0), 0);
    close(descriptor);
    assert_int_equal(rmdir(directory), 0);
}

static void test_nowhere_to_keep_it(void **state)
{
    struct configuration configuration = owner_sets("compact", "true");
    Vmreclaim__Policy__V1__Policy message = VMRECLAIM__POLICY__V1__POLICY__INIT;
    struct host_policy accepted;

    assert_int_equal(host_policy_store(-1, &message), -EROFS);
    assert_int_equal(host_policy_load(-1, &configuration, &accepted, NULL), -ENOENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_host_policy_is_capped_where_the_owner_spoke),
        cmocka_unit_test(test_an_owners_slow_readings_lengthen_the_idle_window),
        cmocka_unit_test(test_kept_policy_is_limited_again),
        cmocka_unit_test(test_nowhere_to_keep_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
