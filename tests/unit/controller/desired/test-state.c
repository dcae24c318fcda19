/* Reading a desired state: as a whole, or not at all. */
#include "tests/lib/test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/cleanup.h"
#include "controller/desired/state.h"

#define NOW ((int64_t)1795942800 * (int64_t)NSEC_PER_SEC)

typedef Vmreclaim__Fleet__V1__DesiredPolicy DesiredPolicy;

static struct signing_key key;
static struct fleet_settings settings = {.host = "h1"};
static struct error error;
static uint64_t generation;

/* Two policies; a test changes what it is about. */
static DesiredPolicy policies[2];
static DesiredPolicy *pointers[DESIRED_POLICIES_MAX + 1];
static char *selectors[2][DESIRED_SELECTORS_MAX + 1];
static DesiredState message;

static int set_up(void **state)
{
    for (size_t i = 0; i < ARRAY_SIZE(policies); i++) {
        vmreclaim__fleet__v1__desired_policy__init(&policies[i]);
        policies[i].name = (char *)(i == 0 ? "web" : "db");
        policies[i].text = (char *)(i == 0 ? "profile: gentle\n" : "name: db\nprofile: balanced\n");
        policies[i].rollout = (char *)(i == 0 ? "r-1" : "");
        selectors[i][0] = (char *)(i == 0 ? "web-*" : "label:tier=db");
        policies[i].selectors = selectors[i];
        policies[i].n_selectors = 1;
        pointers[i] = &policies[i];
    }
    vmreclaim__fleet__v1__desired_state__init(&message);
    message.host = (char *)"h1";
    message.generation = 7;
    message.issued_ns = NOW - 1;
    message.expires_ns = NOW + 1;
    message.policies = pointers;
    message.n_policies = 2;
    return 0;
}

static int set_up_key(void **state)
{
    if (signing_key_make(&key) < 0)
        return -1;
    signing_key_public(&key, &settings.keys[0]);
    settings.key_count = 1;
    return 0;
}

static int read_state(struct desired_state *state)
{
    cleanup_free uint8_t *bytes = NULL;
    size_t size;

    assert_int_equal(signed_state_sign(&message, &key, &bytes, &size), 0);
    error.text[0] = '\0';
    return desired_state_read(state, bytes, size, &settings, NULL, NOW, &generation, &error);
}

static void expect_refused(const char *words)
{
    struct desired_state state;

    assert_int_equal(read_state(&state), -EPERM);
    desired_state_finish(&state);
    if (strstr(error.text, words) == NULL)
        fail_msg("'%s' is not in: %s", words, error.text);
}

static void test_it_is_read(void **unused)
{
    struct desired_state state;

    if (read_state(&state) < 0)
        fail_msg("%s", error.text);
    assert_int_equal(state.verdict, DESIRED_NEW);
    assert_int_equal(generation, 7);
    assert_int_equal(state.desired.count, 2);
    assert_string_equal(state.policies[1].revision.name, "web"); /* by name */
    assert_string_equal(state.policies[1].revision.author, "fleet:r-1");
    assert_string_equal(state.policies[1].revision.hash, /* by sha256sum */
                        "2a8a519acce6e8a4366e1a5cf38f9285f2ea55a25898847677ee053d438e695c");
    assert_string_equal(state.policies[0].revision.author, "fleet:-");
    assert_string_equal(state.policies[0].selectors[0], "label:tier=db");
    assert_string_equal(state.head.host, "h1");
    assert_int_equal(state.head.generation, 7);
    assert_memory_equal(state.head.key.data, settings.keys[0].bytes, SIGNING_ID_SIZE);
    assert_int_equal(state.head.digest.len, DESIRED_DIGEST_SIZE);
    desired_state_finish(&state);
}

static void test_nothing_is_wanted(void **unused)
{
    struct desired_state state;

    message.n_policies = 0;
    assert_int_equal(read_state(&state), 0);
    assert_int_equal(state.desired.count, 0);
    desired_state_finish(&state);
}

static void test_policies_that_are_none(void **unused)
{
    policies[1].text = (char *)"profile: gentel\n";
    expect_refused("policy 'db' of the desired state: db:1: ");
    policies[1].text = (char *)"name: other\nprofile: gentle\n";
    expect_refused("policy 'db' of the desired state: its text has the name 'other'");
    policies[1].text = (char *)"profile: gentle\n# \xff\n";
    expect_refused("have signed what is no desired state");
    policies[1].text = (char *)"";
    expect_refused("policy 'db' of the desired state");
    policies[1].text = (char *)"profile: gentle\n";
    policies[1].name = (char *)"../db";
    expect_refused("its text has the name");
    policies[1].name = (char *)"";
    expect_refused("policy '' of the desired state");
}

static void test_selectors_that_are_none(void **unused)
{
    static const char *const wrong[] = {"", "label:", "label:a=*", "web-[", "a b", "a\nb"};

    for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
        selectors[0][0] = (char *)wrong[i];
        expect_refused("policy 'web' of the desired state: ");
    }
}

static void test_no_policy_is_there_twice(void **unused)
{
    policies[1] = policies[0];
    expect_refused("policy 'web' is twice");
}

static const struct store_desired_policy *policy_of(const struct desired_state *state,
                                                    const char *name)
{
    for (size_t i = 0; i < state->desired.count; i++)
        if (strcmp(state->policies[i].revision.name, name) == 0)
            return &state->policies[i];
    fail_msg("no policy %s", name);
    return NULL;
}

/* Two rollouts for the same VMs: the newer one's policy holds, whatever their order. */
static void test_a_selector_is_for_one_policy(void **unused)
{
    for (unsigned newer = 0; newer < 2; newer++) {
        struct desired_state state;
        const struct store_desired_policy *holds, *other;

        selectors[0][0] = (char *)"*";
        selectors[0][1] = (char *)"web-*";
        selectors[1][0] = (char *)"web-*";
        selectors[1][1] = (char *)"web-*"; /* said twice, meant once */
        policies[0].n_selectors = policies[1].n_selectors = 2;
        policies[newer].rank = 7;
        policies[1 - newer].rank = 6;
        if (read_state(&state) < 0)
            fail_msg("%s", error.text);
        holds = policy_of(&state, newer == 0 ? "web" : "db");
        other = policy_of(&state, newer == 0 ? "db" : "web");
        assert_int_equal(holds->selector_count, newer == 0 ? 2 : 1);
        assert_int_equal(other->selector_count, newer == 0 ? 0 : 1);
        assert_string_equal(newer == 0 ? holds->selectors[1] : holds->selectors[0], "web-*");
        if (newer == 1)
            assert_string_equal(other->selectors[0], "*");
        desired_state_finish(&state);
    }
}

static void test_rollouts_that_are_none(void **unused)
{
    policies[0].rollout = (char *)"a b";
    expect_refused("no rollout is called 'a b'");
    policies[0].rollout =
        (char *)"12345678901234567890123456789012345678901234567890123456789012345";
    expect_refused("no rollout is called");
}

static void test_bounds(void **unused)
{
    for (size_t i = 0; i < DESIRED_SELECTORS_MAX + 1; i++)
        selectors[0][i] = (char *)"web-1";
    policies[0].n_selectors = DESIRED_SELECTORS_MAX + 1;
    expect_refused("more than 256 selectors");
    for (size_t i = 0; i < ARRAY_SIZE(pointers); i++)
        pointers[i] = &policies[1];
    message.n_policies = ARRAY_SIZE(pointers);
    expect_refused("more than 64 policies");
}

static void test_more_bytes_than_anybody_sends(void **unused)
{
    struct desired_state state;
    uint8_t *bytes = calloc(1, DESIRED_BYTES_MAX + 1);

    assert_non_null(bytes);
    assert_int_equal(desired_state_read(&state, bytes, DESIRED_BYTES_MAX + 1, &settings, NULL, NOW,
                                        &generation, &error),
                     -EPERM);
    assert_non_null(strstr(error.text, "more than 512 KiB"));
    desired_state_finish(&state);
    free(bytes);
}

/* Nothing of it is believed, not even its number. */
static void test_what_nobody_signed(void **unused)
{
    struct signing_key other;
    struct desired_state state;
    cleanup_free uint8_t *bytes = NULL;
    size_t size;

    assert_int_equal(signing_key_make(&other), 0);
    assert_int_equal(signed_state_sign(&message, &other, &bytes, &size), 0);
    generation = 5;
    assert_int_equal(
        desired_state_read(&state, bytes, size, &settings, NULL, NOW, &generation, &error), -EPERM);
    assert_int_equal(generation, 0);
    assert_non_null(strstr(error.text, "none of fleet_keys"));
    desired_state_finish(&state);
}

static void test_a_host_in_no_fleet(void **unused)
{
    static const struct fleet_settings nowhere = {.host = ""}, keyless = {.host = "h1"};
    struct desired_state state;

    assert_int_equal(desired_state_read(&state, NULL, 0, &nowhere, NULL, NOW, &generation, &error),
                     -EPERM);
    assert_non_null(strstr(error.text, "in no fleet"));
    desired_state_finish(&state);
    assert_int_equal(desired_state_read(&state, NULL, 0, &keyless, NULL, NOW, &generation, &error),
                     -EPERM);
    desired_state_finish(&state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_it_is_read, set_up),
        cmocka_unit_test_setup(test_nothing_is_wanted, set_up),
        cmocka_unit_test_setup(test_policies_that_are_none, set_up),
        cmocka_unit_test_setup(test_selectors_that_are_none, set_up),
        cmocka_unit_test_setup(test_no_policy_is_there_twice, set_up),
        cmocka_unit_test_setup(test_a_selector_is_for_one_policy, set_up),
        cmocka_unit_test_setup(test_rollouts_that_are_none, set_up),
        cmocka_unit_test_setup(test_bounds, set_up),
        cmocka_unit_test_setup(test_more_bytes_than_anybody_sends, set_up),
        cmocka_unit_test_setup(test_what_nobody_signed, set_up),
        cmocka_unit_test_setup(test_a_host_in_no_fleet, set_up),
    };

    return cmocka_run_group_tests(tests, set_up_key, NULL);
}
