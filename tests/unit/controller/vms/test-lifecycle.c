/* The life cycle's table: every combination of facts is reached, by allowed changes only. */
#include "tests/lib/test.h"

#include "controller/vms/lifecycle.h"

static struct vm_facts facts_of(unsigned bits)
{
    return (struct vm_facts){
        .gone = (bits & 1) != 0,
        .migrating = (bits & 2) != 0,
        .paused = (bits & 4) != 0,
        .agent_connected = (bits & 8) != 0,
        .agent_ready = (bits & 16) != 0,
        .agent_late = (bits & 32) != 0,
        .agent_was_here = (bits & 64) != 0,
    };
}

/* Walks until nothing changes; fails on a change that is not allowed or a walk without end. */
static enum vm_state walk(enum vm_state state, const struct vm_facts *facts)
{
    for (int steps = 0; steps < VM_STATE_COUNT; steps++) {
        enum vm_state next = vm_state_step(state, facts);

        if (next == state)
            return state;
        assert_true(vm_state_may_follow(state, next));
        state = next;
    }
    fail_msg("no end from state %s", vm_state_name(state));
    return state;
}

static void test_every_walk_ends(void **state)
{
    for (unsigned bits = 0; bits < 128; bits++) {
        struct vm_facts facts = facts_of(bits);
        enum vm_state end = walk(VM_DISCOVERED, &facts);

        for (enum vm_state from = 0; from < VM_STATE_COUNT; from++)
            assert_int_equal(walk(from, &facts), end);
    }
}

static void test_facts_name_the_state(void **state)
{
    assert_int_equal(walk(VM_DISCOVERED, &(struct vm_facts){0}), VM_DISCOVERED);
    assert_int_equal(walk(VM_DISCOVERED, &(struct vm_facts){.agent_connected = true}),
                     VM_CONNECTED);
    assert_int_equal(
        walk(VM_DISCOVERED, &(struct vm_facts){.agent_connected = true, .agent_ready = true}),
        VM_MANAGED);
    assert_int_equal(
        walk(VM_MANAGED,
             &(struct vm_facts){.agent_connected = true, .agent_ready = true, .agent_late = true}),
        VM_STALLED);
    assert_int_equal(walk(VM_STALLED, &(struct vm_facts){.agent_was_here = true}), VM_LOST);
    assert_int_equal(walk(VM_MANAGED, &(struct vm_facts){.agent_connected = true, .paused = true}),
                     VM_PAUSED);
    assert_int_equal(walk(VM_PAUSED, &(struct vm_facts){.paused = true, .migrating = true}),
                     VM_MIGRATING);
    assert_int_equal(walk(VM_MIGRATING, &(struct vm_facts){.gone = true}), VM_GONE);
}

static void test_forbidden_changes(void **state)
{
    assert_false(vm_state_may_follow(VM_DISCOVERED, VM_MANAGED));
    assert_false(vm_state_may_follow(VM_LOST, VM_MANAGED));
    assert_false(vm_state_may_follow(VM_PAUSED, VM_MANAGED));
    assert_false(vm_state_may_follow(VM_MIGRATING, VM_STALLED));
    for (enum vm_state next = 0; next < VM_STATE_COUNT; next++)
        assert_int_equal(vm_state_may_follow(VM_GONE, next), next == VM_DISCOVERED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_walk_ends),
        cmocka_unit_test(test_facts_name_the_state),
        cmocka_unit_test(test_forbidden_changes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
