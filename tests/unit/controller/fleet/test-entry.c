/* One entry of a host's desired state. */
#include "tests/lib/test.h"

#include <stdlib.h>
#include <string.h>

#include "controller/fleet/coordinator/entry.h"

typedef Vmreclaim__Fleet__V1__DesiredPolicy DesiredPolicy;

static DesiredState *new_state(void)
{
    DesiredState *state = calloc(1, sizeof(*state));

    assert_non_null(state);
    vmreclaim__fleet__v1__desired_state__init(state);
    return state;
}

/* As it comes from the bus. */
static DesiredState *again(DesiredState *state)
{
    size_t size = vmreclaim__fleet__v1__desired_state__get_packed_size(state);
    uint8_t *packed = malloc(size + 1);
    DesiredState *read;

    assert_non_null(packed);
    (void)vmreclaim__fleet__v1__desired_state__pack(state, packed);
    read = vmreclaim__fleet__v1__desired_state__unpack(NULL, size, packed);
    assert_non_null(read);
    free(packed);
    vmreclaim__fleet__v1__desired_state__free_unpacked(state, NULL);
    return read;
}

static void destroy(DesiredState *state)
{
    vmreclaim__fleet__v1__desired_state__free_unpacked(state, NULL);
}

static Rollout rollout_of(const char *id, const char *policy, const char *text, char **selectors,
                          size_t count)
{
    Rollout rollout = VMRECLAIM__FLEET__V1__ROLLOUT__INIT;

    rollout.id = (char *)id;
    rollout.policy = (char *)policy;
    rollout.text = (char *)text;
    rollout.vm_selectors = selectors;
    rollout.n_vm_selectors = count;
    return rollout;
}

static char web[] = "web-*";
static char db[] = "db-*";
static char *both[] = {web, db};

static void check(const DesiredState *state, const char *text, const char *rollout, size_t count)
{
    assert_int_equal(state->n_policies, 1);
    assert_string_equal(state->policies[0]->name, "night");
    assert_string_equal(state->policies[0]->text, text);
    assert_string_equal(state->policies[0]->rollout, rollout);
    assert_int_equal(state->policies[0]->n_selectors, count);
}

static void test_there_and_back(void **state)
{
    const Rollout first = rollout_of("one", "night", "1", both, 2);
    const Rollout second = rollout_of("two", "night", "2", both + 1, 1);
    DesiredState *wanted = new_state();

    assert_int_equal(entry_apply(wanted, &first), 1);
    wanted = again(wanted);
    check(wanted, "1", "one", 2);
    assert_string_equal(wanted->policies[0]->previous_text, "");
    assert_int_equal(entry_apply(wanted, &second), 1);
    wanted = again(wanted);
    check(wanted, "2", "two", 1);
    assert_string_equal(wanted->policies[0]->selectors[0], db);
    assert_string_equal(wanted->policies[0]->previous_text, "1");
    assert_string_equal(wanted->policies[0]->previous_rollout, "one");
    assert_int_equal(entry_revert(wanted, &second), 1);
    wanted = again(wanted);
    check(wanted, "1", "one", 2);
    assert_string_equal(wanted->policies[0]->previous_text, "");
    assert_int_equal(wanted->policies[0]->n_previous_selectors, 0);
    destroy(wanted);
}

/* A coordinator that goes on where another one died does all of it again. */
static void test_again_is_no_harm(void **state)
{
    const Rollout first = rollout_of("one", "night", "1", both, 1);
    const Rollout second = rollout_of("two", "night", "2", both, 1);
    DesiredState *wanted = new_state();

    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(entry_apply(wanted, &first), i == 0);
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(entry_apply(wanted, &second), i == 0);
    assert_string_equal(wanted->policies[0]->previous_text, "1");
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(entry_revert(wanted, &second), i == 0);
    check(wanted, "1", "one", 1);
    for (unsigned i = 0; i < 2; i++)
        assert_int_equal(entry_revert(wanted, &first), i == 0);
    assert_int_equal(wanted->n_policies, 0);
    destroy(wanted);
}

static void test_others_are_left_alone(void **state)
{
    const Rollout ours = rollout_of("one", "night", "1", both, 1);
    const Rollout other = rollout_of("two", "day", "2", both, 1);
    DesiredState *wanted = new_state();

    assert_int_equal(entry_apply(wanted, &ours), 1);
    assert_int_equal(entry_apply(wanted, &other), 1);
    assert_int_equal(wanted->n_policies, 2);
    assert_int_equal(entry_revert(wanted, &ours), 1);
    assert_int_equal(wanted->n_policies, 1);
    assert_string_equal(wanted->policies[0]->name, "day");
    destroy(wanted);
}

/* Where two are for the same VMs the newer holds, and no more once it is taken back. */
static void test_the_newer_holds(void **state)
{
    const Rollout night = rollout_of("one", "night", "1", both, 1);
    const Rollout day = rollout_of("two", "day", "2", both, 1);
    const Rollout again = rollout_of("three", "night", "3", both, 1);
    DesiredState *wanted = new_state();

    assert_int_equal(entry_apply(wanted, &night), 1);
    wanted->generation = 4;
    assert_int_equal(entry_apply(wanted, &day), 1);
    wanted->generation = 8;
    assert_int_equal(wanted->policies[0]->rank, 1);
    assert_int_equal(wanted->policies[1]->rank, 5);
    assert_int_equal(entry_apply(wanted, &again), 1);
    assert_int_equal(wanted->policies[0]->rank, 9);
    assert_int_equal(wanted->policies[0]->previous_rank, 1);
    assert_int_equal(entry_revert(wanted, &again), 1);
    assert_int_equal(wanted->policies[0]->rank, 1);
    destroy(wanted);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_there_and_back),
        cmocka_unit_test(test_again_is_no_harm),
        cmocka_unit_test(test_others_are_left_alone),
        cmocka_unit_test(test_the_newer_holds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
