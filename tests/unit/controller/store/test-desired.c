/* What a fleet wants becomes the host's in one step, and takes nothing from the host's operators.
 */
#include "tests/unit/controller/store/store-fixture.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "controller/store/database.h"
#include "controller/store/desired.h"

#define HASH_OF_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define HASH_OF_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

/* One desired policy: "NAME TEXT SELECTOR,SELECTOR ROLLOUT". */
struct wish {
    char name[32], text[32], selectors[64], rollout[32], author[64];
    char *list[8];
    size_t count;
};

static struct store_desired_policy read_wish(const char *text, struct wish *wish)
{
    char *next;

    wish->selectors[0] = '\0';
    wish->count = 0;
    assert_true(sscanf(text, "%31s %31s %31s %63s", wish->name, wish->text, wish->rollout,
                       wish->selectors) >= 3);
    memcpy(wish->author, STORE_FLEET, sizeof(STORE_FLEET));
    strncat(wish->author, wish->rollout, sizeof(wish->author) - sizeof(STORE_FLEET));
    for (char *selector = strtok_r(wish->selectors, ",", &next); selector != NULL;
         selector = strtok_r(NULL, ",", &next))
        wish->list[wish->count++] = selector;
    return (struct store_desired_policy){
        .revision = {.name = wish->name,
                     .author = wish->author,
                     .time = 5,
                     .hash = strcmp(wish->text, "a") == 0 ? HASH_OF_A : HASH_OF_B,
                     .source_name = "fleet",
                     .text = wish->text},
        .rollout = wish->rollout,
        .selectors = wish->list,
        .selector_count = wish->count};
}

/* Up to four policies, NULL-terminated. */
static int apply(struct fixture *fixture, uint64_t generation, const char *const wishes[],
                 Applied **ret_applied, bool *ret_changed)
{
    Applied head = VMRECLAIM__FLEET__V1__APPLIED__INIT;
    struct store_desired_policy policies[4];
    struct wish read[4];
    struct store_desired desired = {&head, policies, 0};
    int r;

    head.host = (char *)"h1";
    head.generation = generation;
    head.time_ns = (int64_t)generation * 100;
    for (; wishes[desired.count] != NULL; desired.count++)
        policies[desired.count] = read_wish(wishes[desired.count], &read[desired.count]);
    assert_int_equal(store_execute(fixture->store, "SAVEPOINT test", "", NULL), 0);
    r = store_desired_apply(fixture->store, &desired, ret_applied, ret_changed, &fixture->error);
    assert_int_equal(store_execute(fixture->store,
                                   r < 0 ? "ROLLBACK TO test; RELEASE test" : "RELEASE test", "",
                                   NULL),
                     0);
    return r;
}

/* What became of it, as "NAME OUTCOME DIGIT" of each: the digest's first. */
static char outcome[512];
static char reasons[1024];
static bool is_changed;

static void take(struct fixture *fixture, uint64_t generation, const char *const wishes[])
{
    static const char *const names[] = {"?", "in-force", "pinned"};
    Applied *applied;

    if (apply(fixture, generation, wishes, &applied, &is_changed) < 0)
        fail_msg("%s", fixture->error.text);
    outcome[0] = reasons[0] = '\0';
    for (size_t i = 0; i < applied->n_policies; i++) {
        const Vmreclaim__Fleet__V1__AppliedPolicy *policy = applied->policies[i];
        size_t used = strlen(outcome);

        snprintf(outcome + used, sizeof(outcome) - used, "%s %s %x; ", policy->name,
                 names[policy->outcome], policy->digest.data[0] & 0xf);
        used = strlen(reasons);
        snprintf(reasons + used, sizeof(reasons) - used, "%s\n", policy->reason);
    }
    vmreclaim__fleet__v1__applied__free_unpacked(applied, NULL);
}

/* All assignments: "SELECTOR=POLICY@AUTHOR ". */
static int line_assigned(const struct policy_assignment *assignment, void *userdata)
{
    struct line *line = userdata;
    size_t used = strlen(line->text);

    snprintf(line->text + used, sizeof(line->text) - used, "%s=%s@%s ", assignment->selector,
             assignment->policy, assignment->author);
    return 0;
}

static const char *assigned(struct fixture *fixture)
{
    static struct line line;

    line.text[0] = '\0';
    assert_int_equal(store_assignments(fixture->store, "", line_assigned, &line, &fixture->error),
                     0);
    return line.text;
}

static int line_revision(const struct policy_revision *revision, void *userdata)
{
    struct line *line = userdata;
    size_t used = strlen(line->text);

    snprintf(line->text + used, sizeof(line->text) - used, "%d:%s@%s ", (int)revision->revision,
             revision->hash[0] == 'a' ? "a" : "b", revision->author);
    return 0;
}

/* Newest first. */
static const char *revisions(struct fixture *fixture, const char *name)
{
    static struct line line;

    line.text[0] = '\0';
    (void)store_policy_revisions(fixture->store, name, 0, line_revision, &line, &fixture->error);
    return line.text;
}

static void operators_policy(struct fixture *fixture, const char *name, const char *hash)
{
    const struct policy_revision revision = {.name = name,
                                             .author = "alice",
                                             .time = 1000000000,
                                             .hash = hash,
                                             .source_name = "file",
                                             .text = "text"};
    uint64_t number;

    assert_int_equal(store_policy_add(fixture->store, &revision, &number, &fixture->error), 0);
}

static void operators_assignment(struct fixture *fixture, const char *selector, const char *policy)
{
    const struct policy_assignment assignment = {selector, policy, "alice", 1000000000};

    assert_int_equal(store_assign(fixture->store, &assignment, &fixture->error), 0);
}

#define WISHES(...) ((const char *const[]){__VA_ARGS__, NULL})
#define NOTHING     ((const char *const[]){NULL})

static void test_it_becomes_the_hosts(void **state)
{
    struct fixture *fixture = *state;

    take(fixture, 1, WISHES("web a r1 web-*,label:tier=web", "db b r1 db-*"));
    assert_true(is_changed);
    assert_string_equal(outcome, "web in-force a; db in-force b; ");
    assert_string_equal(assigned(fixture), "db-*=db@fleet:r1 label:tier=web=web@fleet:r1 "
                                           "web-*=web@fleet:r1 ");
    take(fixture, 2, WISHES("web b r2 web-*", "db b r1 db-*"));
    assert_string_equal(outcome, "web in-force b; db in-force b; ");
    assert_string_equal(revisions(fixture, "web"), "2:b@fleet:r2 1:a@fleet:r1 ");
    assert_string_equal(assigned(fixture), "db-*=db@fleet:r1 web-*=web@fleet:r1 ");
}

/* Also over a crash: the bridge hands it in again. */
static void test_the_same_again_changes_nothing(void **state)
{
    struct fixture *fixture = *state;
    Applied *kept;

    take(fixture, 7, WISHES("web a r1 web-*"));
    reopen(fixture);
    take(fixture, 7, WISHES("web a r1 web-*"));
    assert_false(is_changed);
    assert_string_equal(outcome, "web in-force a; ");
    assert_string_equal(revisions(fixture, "web"), "1:a@fleet:r1 ");
    assert_int_equal(store_desired_get(fixture->store, "h1", &kept, &fixture->error), 0);
    assert_int_equal(kept->generation, 7);
    assert_int_equal(kept->time_ns, 700);
    vmreclaim__fleet__v1__applied__free_unpacked(kept, NULL);
    assert_int_equal(store_desired_get(fixture->store, "h2", &kept, &fixture->error), 0);
    assert_null(kept);
}

static void test_an_older_one_changes_nothing(void **state)
{
    struct fixture *fixture = *state;
    Applied *applied;
    bool changed;

    take(fixture, 7, WISHES("web a r1 web-*"));
    assert_int_equal(apply(fixture, 6, WISHES("web b r0 *"), &applied, &changed), -ESTALE);
    assert_string_equal(assigned(fixture), "web-*=web@fleet:r1 ");
    assert_string_equal(revisions(fixture, "web"), "1:a@fleet:r1 ");
}

static void test_what_is_not_wanted_goes(void **state)
{
    struct fixture *fixture = *state;

    operators_policy(fixture, "own", HASH_OF_A);
    operators_assignment(fixture, "mail-*", "own");
    take(fixture, 1, WISHES("web a r1 web-*,vm-1", "db b r1 db-*"));
    take(fixture, 2, WISHES("web a r1 vm-1", "other b r2 web-*"));
    assert_string_equal(assigned(fixture), "mail-*=own@alice vm-1=web@fleet:r1 "
                                           "web-*=other@fleet:r2 ");
    take(fixture, 3, NOTHING);
    assert_string_equal(assigned(fixture), "mail-*=own@alice ");
    assert_string_equal(revisions(fixture, "web"), "1:a@fleet:r1 "); /* its history stays */
}

static void test_an_operators_policy_stays(void **state)
{
    struct fixture *fixture = *state;

    operators_policy(fixture, "web", HASH_OF_B);
    take(fixture, 1, WISHES("web a r1 web-*"));
    assert_string_equal(outcome, "web pinned b; ");
    assert_non_null(strstr(reasons, "alice made policy web on this host, 1970-01-01 00:00:01 UTC"));
    assert_string_equal(revisions(fixture, "web"), "1:b@alice ");
    assert_string_equal(assigned(fixture), "");
}

/* He takes over what the fleet brought: who ran it runs his. */
static void test_an_operator_takes_a_policy_over(void **state)
{
    struct fixture *fixture = *state;

    take(fixture, 1, WISHES("web a r1 web-*"));
    operators_policy(fixture, "web", HASH_OF_B);
    take(fixture, 2, WISHES("web a r1 web-*,vm-1"));
    assert_string_equal(outcome, "web pinned b; ");
    assert_string_equal(assigned(fixture), "web-*=web@fleet:r1 ");
    /* ... until he gives it back */
    assert_int_equal(store_policy_delete(fixture->store, "web", true, &fixture->error), 0);
    take(fixture, 2, WISHES("web a r1 web-*,vm-1"));
    assert_true(is_changed);
    assert_string_equal(outcome, "web in-force a; ");
    assert_string_equal(assigned(fixture), "vm-1=web@fleet:r1 web-*=web@fleet:r1 ");
}

static void test_an_operators_assignment_stays(void **state)
{
    struct fixture *fixture = *state;

    operators_policy(fixture, "own", HASH_OF_B);
    operators_assignment(fixture, "web-1", "own");
    take(fixture, 1, WISHES("web a r1 web-*,web-1"));
    assert_string_equal(outcome, "web pinned a; ");
    assert_non_null(strstr(reasons, "alice assigned policy own to web-1 on this host"));
    assert_string_equal(assigned(fixture), "web-*=web@fleet:r1 web-1=own@alice ");
    /* The same of what the fleet wants: it is so. */
    operators_assignment(fixture, "web-1", "web");
    take(fixture, 1, WISHES("web a r1 web-*,web-1"));
    assert_string_equal(outcome, "web in-force a; ");
    assert_string_equal(assigned(fixture), "web-*=web@fleet:r1 web-1=web@alice ");
    take(fixture, 2, NOTHING);
    assert_string_equal(assigned(fixture), "web-1=web@alice ");
}

static const char *policy_of(struct fixture *fixture, const char *vm)
{
    static struct store_holder holder;
    const struct policy_subject subject = {vm, NULL, 0};

    holder.policy[0] = '\0';
    (void)store_policy_of(fixture->store, &subject, &holder, &fixture->error);
    return holder.policy;
}

/* However close the fleet's selector is. */
static void test_an_operators_assignment_holds_first(void **state)
{
    struct fixture *fixture = *state;
    const struct policy_subject web = {"web-1", NULL, 0};
    struct line line = {""};

    operators_policy(fixture, "own", HASH_OF_B);
    take(fixture, 1, WISHES("web a r1 web-1,*"));
    assert_string_equal(policy_of(fixture, "web-1"), "web");
    operators_assignment(fixture, "web-*", "own");
    assert_string_equal(policy_of(fixture, "web-1"), "own");
    assert_string_equal(policy_of(fixture, "db"), "web");
    assert_int_equal(
        store_assignments_of(fixture->store, &web, line_assigned, &line, &fixture->error), 0);
    assert_string_equal(line.text, "web-*=own@alice web-1=web@fleet:r1 *=web@fleet:r1 ");
}

/* Whatever fails, nothing of it is kept. */
static void test_all_or_nothing(void **state)
{
    struct fixture *fixture = *state;
    Applied *applied;
    bool changed;

    take(fixture, 1, WISHES("web a r1 web-*"));
    assert_int_equal(store_execute(fixture->store,
                                   "CREATE TRIGGER fails BEFORE INSERT ON desired BEGIN "
                                   "SELECT RAISE(ABORT, 'test'); END",
                                   "", NULL),
                     0);
    assert_true(apply(fixture, 2, WISHES("web b r2 *", "db a r2 db"), &applied, &changed) < 0);
    assert_string_equal(assigned(fixture), "web-*=web@fleet:r1 ");
    assert_string_equal(revisions(fixture, "web"), "1:a@fleet:r1 ");
    assert_string_equal(revisions(fixture, "db"), "");
}

#define desired_test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        desired_test(test_it_becomes_the_hosts),
        desired_test(test_the_same_again_changes_nothing),
        desired_test(test_an_older_one_changes_nothing),
        desired_test(test_what_is_not_wanted_goes),
        desired_test(test_an_operators_policy_stays),
        desired_test(test_an_operator_takes_a_policy_over),
        desired_test(test_an_operators_assignment_stays),
        desired_test(test_an_operators_assignment_holds_first),
        desired_test(test_all_or_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
