/* Policies in the store: revisions, and whom they are for. */
#include "tests/unit/controller/store/store-fixture.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "controller/store/database.h"
#include "controller/store/queries.h"

static void test_policy_history(void **state)
{
    struct fixture *fixture = *state;
    struct line line = {""};
    uint64_t number;

    assert_int_equal(add_policy(fixture, "night", "one"), 1);
    assert_int_equal(add_policy(fixture, "night", "two"), 2);
    assert_int_equal(add_policy(fixture, "night", "two"), 2); /* the same text again */
    assert_int_equal(add_policy(fixture, "day", "x"), 1);
    reopen(fixture);
    assert_int_equal(store_policy_list(fixture->store, "", line_policy, &line, &fixture->error), 0);
    assert_string_equal(line.text, "day/1/alice//0 night/2/alice//0 ");
    assert_int_equal(
        store_policy_roll_back(fixture->store, "night", 0, "bob", 9, &number, &fixture->error), 0);
    assert_int_equal(number, 3);
    line.text[0] = '\0';
    assert_int_equal(
        store_policy_revisions(fixture->store, "night", 0, line_policy, &line, &fixture->error), 0);
    assert_string_equal(line.text, "night/3/bob//1 night/2/alice//0 night/1/alice//0 ");
    line.text[0] = '\0';
    assert_int_equal(
        store_policy_get(fixture->store, "night", 0, line_policy, &line, &fixture->error), 0);
    assert_string_equal(line.text, "night/3/bob/one/1 ");
}

/* Two who change a policy at once. */
static void test_a_policy_that_was_made_from_an_older_one(void **state)
{
    struct fixture *fixture = *state;
    struct policy_revision revision = {.name = "night",
                                       .revision = 1,
                                       .author = "bob",
                                       .hash = "two",
                                       .source_name = "",
                                       .text = "two"};
    uint64_t number = 77;

    add_policy(fixture, "night", "one");
    assert_int_equal(store_policy_add(fixture->store, &revision, &number, &fixture->error), 0);
    assert_int_equal(number, 2);
    revision.hash = "three";
    assert_int_equal(store_policy_add(fixture->store, &revision, &number, &fixture->error), -EBUSY);
    assert_non_null(strstr(fixture->error.text, "has revision 2 now, and this was made from "
                                                "revision 1"));
    revision.name = "gone";
    assert_int_equal(store_policy_add(fixture->store, &revision, &number, &fixture->error), -EBUSY);
    assert_int_equal(number, 2);
}

/* The numbers of a policy that was deleted begin again. */
static void test_a_policy_that_was_made_from_a_deleted_one(void **state)
{
    struct fixture *fixture = *state;
    struct policy_revision revision = {.name = "night",
                                       .revision = 1,
                                       .author = "bob",
                                       .hash = "three",
                                       .source_name = "",
                                       .text = "three",
                                       .made_from_hash = "one"};
    uint64_t number = 77;

    add_policy(fixture, "night", "one");
    assert_int_equal(store_policy_delete(fixture->store, "night", false, &fixture->error), 0);
    assert_int_equal(store_policy_add(fixture->store, &revision, &number, &fixture->error), -EBUSY);
    assert_non_null(strstr(fixture->error.text, "is there no more"));
    add_policy(fixture, "night", "two");
    assert_int_equal(store_policy_add(fixture->store, &revision, &number, &fixture->error), -EBUSY);
    assert_non_null(strstr(fixture->error.text, "was deleted and made anew meanwhile"));
    strcpy(revision.made_from_hash, "two");
    assert_int_equal(store_policy_add(fixture->store, &revision, &number, &fixture->error), 0);
    assert_int_equal(number, 2);
}

static void test_deleting_a_policy(void **state)
{
    struct fixture *fixture = *state;
    char selectors[6][8];
    struct line line = {""};

    add_policy(fixture, "night", "one");
    add_policy(fixture, "night", "two");
    add_policy(fixture, "day", "one");
    for (unsigned i = 0; i < ARRAY_SIZE(selectors); i++) {
        snprintf(selectors[i], sizeof(selectors[i]), "vm-%u", i);
        const struct policy_assignment assignment = {selectors[i], "night", "alice", 7};
        assert_int_equal(store_assign(fixture->store, &assignment, &fixture->error), 0);
    }
    assert_int_equal(store_policy_delete(fixture->store, "night", false, &fixture->error), -EBUSY);
    assert_non_null(strstr(fixture->error.text,
                           "is assigned to vm-0, vm-1, vm-2, vm-3 and 2 more; unassign it"));
    assert_int_equal(store_policy_delete(fixture->store, "nihgt", true, &fixture->error), -ENOENT);
    assert_int_equal(store_policy_delete(fixture->store, "night", true, &fixture->error), 0);
    assert_int_equal(store_unassign(fixture->store, "vm-5", &fixture->error), -ENOENT);
    assert_int_equal(store_policy_list(fixture->store, "", line_policy, &line, &fixture->error), 0);
    assert_string_equal(line.text, "day/1/alice//0 ");
}

static void test_policy_that_is_not_there(void **state)
{
    struct fixture *fixture = *state;
    struct line line = {""};
    uint64_t number = 77;

    add_policy(fixture, "night", "one");
    assert_int_equal(
        store_policy_get(fixture->store, "nihgt", 0, line_policy, &line, &fixture->error), -ENOENT);
    assert_string_equal(fixture->error.text, "no policy \"nihgt\"; see: vmreclaim policy list");
    assert_int_equal(
        store_policy_get(fixture->store, "night", 5, line_policy, &line, &fixture->error), -ENOENT);
    assert_string_equal(fixture->error.text,
                        "policy \"night\" has no revision 5; see: vmreclaim policy history night");
    assert_int_equal(
        store_policy_roll_back(fixture->store, "night", 0, "bob", 9, &number, &fixture->error),
        -ENOENT);
    assert_int_equal(
        store_policy_roll_back(fixture->store, "x", 0, "bob", 9, &number, &fixture->error),
        -ENOENT);
    assert_int_equal(number, 77);
    assert_int_equal(
        store_policy_revisions(fixture->store, "x", 0, line_policy, &line, &fixture->error),
        -ENOENT);
}

static int line_assignment(const struct policy_assignment *assignment, void *userdata)
{
    struct line *line = userdata;
    size_t used = strlen(line->text);

    snprintf(line->text + used, sizeof(line->text) - used, "%s=%s ", assignment->selector,
             assignment->policy);
    return 0;
}

static void test_best_assignment_wins(void **state)
{
    struct fixture *fixture = *state;
    char *labels[] = {(char *)"rack=7", (char *)"tier=web"};
    const struct policy_subject web = {"web-1", labels, 2};
    const struct policy_subject db = {.vm = "db"};
    struct store_holder holder = {"untouched", ""};
    struct line line = {""};
    static const struct {
        const char *selector;
        const char *policy;
    } steps[] = {{"*", "all"},
                 {"web-*", "webs"},
                 {"label:tier=web", "tier"},
                 {"label:rack=7", "rack"},
                 {"web-1", "one"}};

    assert_int_equal(store_policy_of(fixture->store, &web, &holder, NULL), -ENOENT);
    assert_string_equal(holder.policy, "untouched");
    for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
        struct policy_assignment assignment = {steps[i].selector, steps[i].policy, "alice", 1};
        assert_int_equal(store_assign(fixture->store, &assignment, &fixture->error), -ENOENT);
        add_policy(fixture, steps[i].policy, "text");
        assert_int_equal(store_assign(fixture->store, &assignment, &fixture->error), 0);
        assert_int_equal(store_policy_of(fixture->store, &web, &holder, &fixture->error), 0);
        assert_string_equal(holder.policy, steps[i].policy);
        assert_string_equal(holder.selector, steps[i].selector);
    }
    assert_int_equal(
        store_assignments_of(fixture->store, &web, line_assignment, &line, &fixture->error), 0);
    assert_string_equal(line.text,
                        "web-1=one label:rack=7=rack label:tier=web=tier web-*=webs *=all ");
    assert_int_equal(store_unassign(fixture->store, "web-1", &fixture->error), 0);
    assert_int_equal(store_unassign(fixture->store, "web-1", &fixture->error), -ENOENT);
    assert_int_equal(store_policy_of(fixture->store, &web, &holder, NULL), 0);
    assert_string_equal(holder.policy, "rack");
    assert_int_equal(store_policy_of(fixture->store, &db, &holder, NULL), 0);
    assert_string_equal(holder.policy, "all");
}

static void assign(struct fixture *fixture, const char *selector, const char *policy)
{
    struct policy_assignment assignment = {selector, policy, "alice", 1};

    assert_int_equal(store_assign(fixture->store, &assignment, &fixture->error), 0);
}

/* What the store says of a VM with one label; "" for nothing. */
static const char *policy_of(struct fixture *fixture, const char *vm)
{
    static struct store_holder holder;
    char *labels[] = {(char *)"rack=*"};
    const struct policy_subject subject = {vm, labels, 1};

    holder.policy[0] = '\0';
    (void)store_policy_of(fixture->store, &subject, &holder, &fixture->error);
    return holder.policy;
}

static void test_what_a_selector_means(void **state)
{
    struct fixture *fixture = *state;

    add_policy(fixture, "one", "text");
    add_policy(fixture, "two", "text");
    assign(fixture, "db-[12]", "one");
    assign(fixture, "web\\-1", "one");
    assign(fixture, "label:rack=?", "one"); /* another label, and no glob */
    assert_string_equal(policy_of(fixture, "db-2"), "one");
    assert_string_equal(policy_of(fixture, "db-3"), "");
    assert_string_equal(policy_of(fixture, "web-1"), "one");
    assert_string_equal(policy_of(fixture, "label:rack=7"), "");
    assign(fixture, "db-??", "two"); /* not longer, but for other names */
    assert_string_equal(policy_of(fixture, "db-10"), "two");
    assign(fixture, "label:rack=*", "two");
    assert_string_equal(policy_of(fixture, "db-2"), "two");
}

/* Each VM may have an assignment of its own, and all are asked for when a policy is applied. */
static void test_looking_for_a_policy_does_not_read_all(void **state)
{
    struct fixture *fixture = *state;
    struct work work;

    add_policy(fixture, "one", "text");
    assert_int_equal(store_execute(fixture->store,
                                   "WITH RECURSIVE vm(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM "
                                   "vm WHERE i < 2000) INSERT INTO assignment SELECT 'vm-' || i, "
                                   "'one', 'alice', 1 FROM vm",
                                   "", NULL),
                     0);
    assign(fixture, "db-*", "one");
    work_begin(fixture, &work);
    assert_string_equal(policy_of(fixture, "vm-1000"), "one");
    assert_string_equal(policy_of(fixture, "db-1"), "one");
    assert_string_equal(policy_of(fixture, "other"), "");
    assert_in_range(work.instructions, 1, 500);
}

/* What the answer to a deletion says. */
struct deleted {
    int status;
    size_t bytes; /* of the selectors */
    size_t count;
    size_t omitted;
};

static void on_deleted(const struct store_policies *policies, void *userdata)
{
    struct deleted *deleted = userdata;

    *deleted = (struct deleted){.status = policies->answer.status,
                                .count = policies->assignment_count,
                                .omitted = policies->omitted};
    for (size_t i = 0; i < deleted->count; i++)
        deleted->bytes += strlen(policies->assignments[i]->selector);
}

/* The answer has room for some, all are taken away. */
static void test_deleting_what_is_assigned_to_many(void **state)
{
    enum { MANY = 3000 };
    struct fixture *fixture = *state;
    struct deleted deleted = {.status = 1};
    struct line line = {""};
    char selector[1024];

    add_policy(fixture, "night", "one");
    add_policy(fixture, "day", "one");
    assign(fixture, "b", "day");
    assert_int_equal(store_execute(fixture->store, "BEGIN", "", NULL), 0);
    memset(selector, 'x', sizeof(selector) - 1);
    selector[sizeof(selector) - 1] = '\0';
    for (unsigned i = 0; i < MANY; i++) {
        char number[8];

        snprintf(number, sizeof(number), "%05u", i);
        memcpy(selector, number, 5);
        assign(fixture, selector, "night");
    }
    assert_int_equal(store_execute(fixture->store, "COMMIT", "", NULL), 0);
    store_delete_policy(fixture->store, "night", true, on_deleted, &deleted);
    assert_int_equal(deleted.status, 0);
    assert_in_range(deleted.bytes, STORE_DELETED_BYTES / 2, STORE_DELETED_BYTES);
    assert_int_equal(deleted.count + deleted.omitted, MANY);
    assert_int_equal(store_assignments(fixture->store, "", line_assignment, &line, &fixture->error),
                     0);
    assert_null(strstr(line.text, "night"));
    assert_non_null(strstr(line.text, "day"));
}

#define store_test(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        store_test(test_policy_history),
        store_test(test_a_policy_that_was_made_from_an_older_one),
        store_test(test_a_policy_that_was_made_from_a_deleted_one),
        store_test(test_deleting_a_policy),
        store_test(test_deleting_what_is_assigned_to_many),
        store_test(test_policy_that_is_not_there),
        store_test(test_best_assignment_wins),
        store_test(test_what_a_selector_means),
        store_test(test_looking_for_a_policy_does_not_read_all),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
