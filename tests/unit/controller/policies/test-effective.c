/* A policy under the guest's own limits. */
#include "tests/lib/test.h"

#include "common/base/number.h"
#include "controller/policies/effective.h"

static char *keys[] = {(char *)"cache_floor", (char *)"compact", (char *)"allow_commands", NULL};
static char *values[] = {(char *)"3GiB", (char *)"false", (char *)"false", NULL};

static void test_limits_replace_what_is_assigned(void **state)
{
    struct policy assigned;
    struct policy effective;
    struct vm vm = {.assigned.policy = &assigned,
                    .assigned.capped_keys = keys,
                    .assigned.capped_values = values};

    policy_init(&assigned, POLICY_BALANCED);
    assert_true(vm_effective_policy(&vm, &effective));
    assert_int_equal(effective.cache_floor, 3 * GIB);
    assert_false(effective.compact);
    assert_false(effective.allow_commands);
    assert_int_equal(effective.cache_step, assigned.cache_step);
    assert_true(assigned.compact);
    assert_string_equal(vm_own_limit(&vm, "compact"), "false");
    assert_null(vm_own_limit(&vm, "cache_step"));
}

static void test_an_agent_that_does_not_tell(void **state)
{
    char *first[] = {(char *)"3GiB", NULL};
    struct policy assigned;
    struct policy effective;
    struct vm vm = {.assigned.policy = &assigned, .assigned.capped_keys = keys};

    policy_init(&assigned, POLICY_BALANCED);
    assert_true(vm_effective_policy(&vm, &effective));
    assert_int_equal(effective.cache_floor, assigned.cache_floor);
    assert_string_equal(vm_own_limit(&vm, "compact"), "");
    vm.assigned.capped_values = first; /* fewer values than keys */
    assert_true(vm_effective_policy(&vm, &effective));
    assert_int_equal(effective.cache_floor, 3 * GIB);
    assert_true(effective.allow_commands);
    assert_string_equal(vm_own_limit(&vm, "allow_commands"), "");
}

/* A guest that had a word in it would take others' memory. */
static void test_shares_have_no_limit_of_the_guest(void **state)
{
    char *keys_of_arbiter[] = {(char *)"shares", (char *)"priority", (char *)"floor",
                               (char *)"ceiling", NULL};
    char *most[] = {(char *)"1000000", (char *)"9", (char *)"1TiB", (char *)"1TiB", NULL};
    struct policy assigned;
    struct policy effective;
    struct vm vm = {.assigned.policy = &assigned,
                    .assigned.capped_keys = keys_of_arbiter,
                    .assigned.capped_values = most};

    policy_init(&assigned, POLICY_BALANCED);
    assigned.floor = GIB;
    assert_true(vm_effective_policy(&vm, &effective));
    assert_int_equal(effective.shares, 1000);
    assert_int_equal(effective.priority, 5);
    assert_int_equal(effective.floor, GIB);
    assert_int_equal(effective.ceiling, 0);
}

static void test_nothing_is_assigned(void **state)
{
    struct policy effective;
    struct vm vm = {.assigned.capped_keys = keys, .assigned.capped_values = values};

    assert_false(vm_effective_policy(&vm, &effective));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_limits_replace_what_is_assigned),
        cmocka_unit_test(test_an_agent_that_does_not_tell),
        cmocka_unit_test(test_shares_have_no_limit_of_the_guest),
        cmocka_unit_test(test_nothing_is_assigned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
