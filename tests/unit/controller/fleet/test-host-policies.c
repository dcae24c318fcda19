/* What is wanted of a host beside what it has. */
#include "tests/lib/test.h"

#include <string.h>

#include "controller/fleet/coordinator/host-policies.h"

#define STATE(name) VMRECLAIM__FLEET__V1__HOST_POLICY_STATE__HOST_POLICY_##name

typedef Vmreclaim__Fleet__V1__Applied Applied;
typedef Vmreclaim__Fleet__V1__AppliedPolicy AppliedPolicy;
typedef Vmreclaim__Fleet__V1__DesiredPolicy DesiredPolicy;

enum { WANTED = 3 };

static char *names[] = {(char *)"day", (char *)"night", (char *)"office", (char *)"old"};
static char *selectors[] = {(char *)"web-*"};
static char *labels[] = {(char *)"label:tier=db"};

/* Wants day, night and office; has day, night with another text, and old. */
struct scene {
    HostStatus status;
    DesiredState wanted;
    DesiredPolicy policies[WANTED];
    DesiredPolicy *policy_list[WANTED];
    struct text_digest digests[WANTED];
    Applied applied;
    AppliedPolicy has[3];
    AppliedPolicy *has_list[3];
    struct text_digest has_digests[3];
    struct host_entry entry;
};

static void fill_has(struct scene *scene, size_t index, char *name, uint8_t digest)
{
    AppliedPolicy *has = &scene->has[index];

    vmreclaim__fleet__v1__applied_policy__init(has);
    memset(scene->has_digests[index].bytes, digest, sizeof(scene->has_digests[index].bytes));
    has->name = name;
    has->digest.data = scene->has_digests[index].bytes;
    has->digest.len = sizeof(scene->has_digests[index].bytes);
    has->outcome = VMRECLAIM__FLEET__V1__APPLIED_OUTCOME__APPLIED_IN_FORCE;
    scene->has_list[index] = has;
}

static void set_up(struct scene *scene)
{
    memset(scene, 0, sizeof(*scene));
    vmreclaim__fleet__v1__host_status__init(&scene->status);
    vmreclaim__fleet__v1__desired_state__init(&scene->wanted);
    vmreclaim__fleet__v1__applied__init(&scene->applied);
    for (size_t i = 0; i < WANTED; i++) {
        vmreclaim__fleet__v1__desired_policy__init(&scene->policies[i]);
        scene->policies[i].name = names[i];
        scene->policies[i].selectors = selectors;
        scene->policies[i].n_selectors = 1;
        scene->policy_list[i] = &scene->policies[i];
        memset(scene->digests[i].bytes, (int)i + 1, sizeof(scene->digests[i].bytes));
    }
    fill_has(scene, 0, names[0], 1);
    fill_has(scene, 1, names[1], 9);
    fill_has(scene, 2, names[3], 4);
    scene->wanted.generation = 7;
    scene->wanted.policies = scene->policy_list;
    scene->wanted.n_policies = WANTED;
    scene->applied.policies = scene->has_list;
    scene->applied.n_policies = 3;
    scene->status.applied = &scene->applied;
    scene->entry.status = &scene->status;
    scene->entry.wanted = &scene->wanted;
    scene->entry.wanted_digests = scene->digests;
}

static void check(const struct host_entry *entry, size_t *place, const char *name,
                  Vmreclaim__Fleet__V1__HostPolicyState state, const char *reason)
{
    HostPolicy policy;

    assert_true(host_policy_next(entry, place, &policy));
    assert_string_equal(policy.name, name);
    assert_int_equal(policy.state, state);
    assert_string_equal(policy.reason, reason);
}

static void test_what_became_of_each(void **state)
{
    struct scene scene;
    HostPolicy policy;
    size_t place = 0;

    set_up(&scene);
    check(&scene.entry, &place, "day", STATE(IN_FORCE), "");
    check(&scene.entry, &place, "night", STATE(WAITS), "");
    check(&scene.entry, &place, "office", STATE(WAITS), "");
    check(&scene.entry, &place, "old", STATE(LEFT), "");
    assert_false(host_policy_next(&scene.entry, &place, &policy));
}

static void test_who_holds_against_it(void **state)
{
    struct scene scene;
    size_t place = 0;

    set_up(&scene);
    scene.has[1].outcome = VMRECLAIM__FLEET__V1__APPLIED_OUTCOME__APPLIED_PINNED;
    scene.has[1].reason = (char *)"root holds it";
    check(&scene.entry, &place, "day", STATE(IN_FORCE), "");
    check(&scene.entry, &place, "night", STATE(PINNED), "root holds it");
    place = 0;
    scene.applied.refused = (char *)"its signature is wrong";
    scene.applied.refused_generation = 7;
    check(&scene.entry, &place, "day", STATE(REFUSED), "its signature is wrong");
    place = 0;
    scene.applied.refused_generation = 6; /* an earlier one */
    check(&scene.entry, &place, "day", STATE(IN_FORCE), "");
}

/* It was never heard, or nothing is wanted of it. */
static void test_one_side_alone(void **state)
{
    struct scene scene;
    HostPolicy policy;
    size_t place = 0;

    set_up(&scene);
    scene.entry.status = NULL;
    check(&scene.entry, &place, "day", STATE(WAITS), "");
    check(&scene.entry, &place, "night", STATE(WAITS), "");
    check(&scene.entry, &place, "office", STATE(WAITS), "");
    assert_false(host_policy_next(&scene.entry, &place, &policy));
    scene.entry.status = &scene.status;
    scene.entry.wanted = NULL;
    place = 0;
    check(&scene.entry, &place, "day", STATE(LEFT), "");
}

static void test_for_whom_it_may_be(void **state)
{
    struct scene scene;
    HostPolicy policy;
    size_t place = 0;

    set_up(&scene);
    scene.policies[1].selectors = labels;
    assert_true(host_policy_next(&scene.entry, &place, &policy));
    assert_true(host_policy_may_mean(&policy, "web-1"));
    assert_false(host_policy_may_mean(&policy, "db-1"));
    assert_true(host_policy_next(&scene.entry, &place, &policy));
    assert_true(host_policy_may_mean(&policy, "web-1"));
}

/* A host may say what it likes. */
static void test_what_a_host_says_is_bounded(void **state)
{
    static AppliedPolicy *many[10 * HOST_POLICIES_MAX];
    struct scene scene;
    HostPolicy policy;
    size_t place = 0, count = 0;

    set_up(&scene);
    for (size_t i = 0; i < ARRAY_SIZE(many); i++)
        many[i] = &scene.has[2];
    scene.applied.policies = many;
    scene.applied.n_policies = ARRAY_SIZE(many);
    while (host_policy_next(&scene.entry, &place, &policy))
        count++;
    assert_int_equal(count, WANTED + HOST_POLICIES_MAX);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_became_of_each),
        cmocka_unit_test(test_who_holds_against_it),
        cmocka_unit_test(test_one_side_alone),
        cmocka_unit_test(test_for_whom_it_may_be),
        cmocka_unit_test(test_what_a_host_says_is_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
