/* What is asked of the store is answered once, by a completion. */
#include "tests/unit/controller/store/store-fixture.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "controller/store/database.h"
#include "controller/store/requests.h"

/* What the last completion got. */
static unsigned answers;
static int status;
static char error_text[512];
static char line[1024];
static size_t count;
static bool is_cut;

static void note(const struct store_answer *answer)
{
    answers++;
    status = answer->status;
    snprintf(error_text, sizeof(error_text), "%s", answer->error.text);
    line[0] = '\0';
}

static void add(const char *text)
{
    size_t used = strlen(line);

    snprintf(line + used, sizeof(line) - used, "%s ", text);
}

static void on_records(const struct store_records *records, void *userdata)
{
    note(&records->answer);
    count = records->count;
    is_cut = records->is_cut;
    for (size_t i = 0; records->actions != NULL && i < records->count; i++)
        add(records->actions[i]->id);
}

/* ---- a history ---- */

/* All pages of one. */
struct history {
    struct store_history_place place;
    unsigned pages;
    size_t points;
    size_t actions;
    size_t page_bytes; /* of the largest */
    int64_t newest;    /* of what was read */
    int64_t first_action;
};

/* Pages follow one another, and are ascending within. */
static void on_page(const struct store_history *page, void *userdata)
{
    struct history *history = userdata;
    int64_t before = history->newest;
    size_t bytes = 0;

    note(&page->records.answer);
    history->place = page->place;
    history->pages++;
    for (size_t i = 0; i < page->point_count; i++) {
        assert_true(page->points[i]->time_ns > before);
        assert_true(i == 0 || page->points[i]->time_ns > page->points[i - 1]->time_ns);
        bytes += vmreclaim__controller__v1__waterfall__get_packed_size(page->points[i]);
        history->newest = max_of(history->newest, page->points[i]->time_ns);
    }
    for (size_t i = 0; i < page->records.count; i++) {
        const Action *action = page->records.actions[i];

        assert_true(action->started_ns >= before);
        assert_true(i == 0 || action->started_ns >= page->records.actions[i - 1]->started_ns);
        bytes += vmreclaim__controller__v1__action__get_packed_size(action);
        history->newest = max_of(history->newest, action->started_ns);
        if (history->actions + i == 0)
            history->first_action = action->started_ns;
    }
    history->points += page->point_count;
    history->actions += page->records.count;
    history->page_bytes = max_of(history->page_bytes, bytes);
}

static struct history read_history(struct store *store, const struct store_history_query *query)
{
    struct history history = {.newest = -1};

    while (status == 0 && !history.place.is_over)
        store_ask_history(store, query, &history.place, on_page, &history);
    return history;
}

static const struct store_policies_place all = {"", ""};

static void on_policies(const struct store_policies *policies, void *userdata)
{
    char text[128];

    note(&policies->answer);
    is_cut = policies->is_cut;
    for (size_t i = 0; i < policies->revision_count; i++) {
        snprintf(text, sizeof(text), "%s/%llu/%s", policies->revisions[i]->name,
                 (unsigned long long)policies->revisions[i]->revision,
                 policies->revisions[i]->text);
        add(text);
    }
    for (size_t i = 0; i < policies->assignment_count; i++) {
        snprintf(text, sizeof(text), "%s=%s", policies->assignments[i]->selector,
                 policies->assignments[i]->policy);
        add(text);
    }
}

static void on_assigned(const struct store_assigned *assigned, void *userdata)
{
    note(&assigned->answer);
    count = assigned->found.revision_count;
    for (size_t i = 0; i < assigned->count; i++) {
        int found = assigned->revision_of[i];

        add(assigned->vms[i]);
        add(found == POLICY_NONE_ASSIGNED ? "-" : assigned->found.revisions[found]->text);
    }
}

static int setup_requests(void **state)
{
    answers = 0;
    status = 0;
    return setup(state);
}

static bool is_of_b(const Action *action)
{
    return strcmp(action->vm, "b") == 0;
}

static void test_records(void **state)
{
    struct fixture *fixture = *state;
    struct store_records_query query = {.until = INT64_MAX};

    put_action(fixture->store, "a1", "a", 10);
    put_action(fixture->store, "b1", "b", 20);
    put_action(fixture->store, "a2", "a", 30);
    store_ask_records(fixture->store, &query, on_records, NULL);
    assert_int_equal(answers, 1);
    assert_int_equal(status, 0);
    assert_string_equal(line, "a2 b1 a1 ");
    query = (struct store_records_query){.vm = "a", .until = 20, .limit = 5};
    store_ask_records(fixture->store, &query, on_records, NULL);
    assert_string_equal(line, "a1 ");
    assert_false(is_cut);
    query = (struct store_records_query){.since = 10, .until = INT64_MAX, .limit = 2};
    store_ask_records(fixture->store, &query, on_records, NULL);
    assert_string_equal(line, "a2 b1 ");
    assert_true(is_cut);
    query.limit = 5;
    query.before = &(struct record_place){30, "a2"};
    store_ask_records(fixture->store, &query, on_records, NULL);
    assert_string_equal(line, "b1 a1 ");
    assert_false(is_cut);
    query = (struct store_records_query){.until = INT64_MAX, .limit = 1, .is_wanted = is_of_b};
    store_ask_records(fixture->store, &query, on_records, NULL);
    assert_string_equal(line, "b1 ");
    assert_false(is_cut);
    assert_int_equal(answers, 5);
}

static void test_one_record(void **state)
{
    struct fixture *fixture = *state;

    put_action(fixture->store, "abc1", "a", 10);
    put_action(fixture->store, "abd1", "a", 20);
    store_ask_record(fixture->store, "abc", on_records, NULL);
    assert_string_equal(line, "abc1 ");
    store_ask_record(fixture->store, "ab", on_records, NULL);
    assert_int_equal(status, -EEXIST);
    assert_int_equal(count, 0);
    store_ask_record(fixture->store, "x", on_records, NULL);
    assert_int_equal(status, -ENOENT);
    assert_non_null(strstr(error_text, "no action \"x\""));
}

static void test_a_history(void **state)
{
    struct fixture *fixture = *state;
    const struct store_history_query query = {"a", .until = INT64_MAX, .points = 512,
                                              .actions = 10};
    struct history history;

    put_waterfall(fixture->store, "a", 5, 1);
    put_waterfall(fixture->store, "a", 15, 2);
    put_action(fixture->store, "a1", "a", 10);
    history = read_history(fixture->store, &query);
    assert_int_equal(status, 0);
    assert_int_equal(history.pages, 1);
    assert_int_equal(history.points, 2);
    assert_int_equal(history.actions, 1);
    assert_false(history.place.leaves_out);
}

/* Of a VM with nothing in it, one page. */
static void test_no_history(void **state)
{
    struct fixture *fixture = *state;
    const struct store_history_query query = {"a", .until = INT64_MAX, .points = 512,
                                              .actions = 10};
    struct history history = read_history(fixture->store, &query);

    assert_int_equal(status, 0);
    assert_int_equal(history.pages, 1);
    assert_int_equal(history.points + history.actions, 0);
}

/* A long action's record. */
static void put_long_action(struct store *store, unsigned number, int64_t time)
{
    static char why[20000];
    Action action = VMRECLAIM__CONTROLLER__V1__ACTION__INIT;
    char id[32];

    memset(why, 'w', sizeof(why) - 1);
    snprintf(id, sizeof(id), "%08x", number);
    action.id = id;
    action.vm = (char *)"a";
    action.why = why;
    action.started_ns = time;
    assert_int_equal(store_put_action(store, &action), 0);
}

/* However much there is, and wherever it lies: all of it comes once, in pieces of bounded size, of
 * which each costs as much as the first. Three records have the same time. */
static void test_a_long_history_comes_in_pages(void **state)
{
    enum { POINTS = 1000, ACTIONS = 300 };
    struct fixture *fixture = *state;
    const struct store_history_query query = {"a", .until = INT64_MAX, .points = POINTS,
                                              .actions = ACTIONS};
    struct history history;
    static struct work first;
    static struct work work;

    for (unsigned i = 0; i < POINTS; i++)
        put_waterfall(fixture->store, "a", 10 * i, i);
    for (unsigned i = 0; i < ACTIONS; i++)
        put_long_action(fixture->store, i, i < 100 ? 5 + i / 3 : 9000 + i);
    history = (struct history){.newest = -1};
    work_begin(fixture, &first);
    store_ask_history(fixture->store, &query, &history.place, on_page, &history);
    work_begin(fixture, &work);
    while (history.pages < 30)
        store_ask_history(fixture->store, &query, &history.place, on_page, &history);
    work_begin(fixture, &work);
    store_ask_history(fixture->store, &query, &history.place, on_page, &history);
    assert_in_range(work.instructions, 1, 2 * first.instructions);
    history = read_history(fixture->store, &query);
    assert_int_equal(history.points, POINTS);
    assert_int_equal(history.actions, ACTIONS);
    assert_in_range(history.pages, 100, 130); /* three records each, and the points between */
    assert_in_range(history.page_bytes, 1, 100 * 1024);
    assert_false(history.place.leaves_out);
}

/* Of the records the newest; how many are left out does not matter to what is read. */
static void test_a_history_of_the_newest_records(void **state)
{
    struct fixture *fixture = *state;
    struct store_history_query query = {"a", .until = INT64_MAX, .points = 10, .actions = 70};
    struct history history;

    for (unsigned i = 0; i < 100; i++)
        put_long_action(fixture->store, i, 1000 + i);
    history = read_history(fixture->store, &query);
    assert_int_equal(history.actions, 70);
    assert_int_equal(history.first_action, 1030);
    assert_true(history.place.leaves_out);
    query.since = 1030;
    history = read_history(fixture->store, &query);
    assert_int_equal(history.actions, 70);
    assert_false(history.place.leaves_out);
    query.until = 1049;
    history = read_history(fixture->store, &query);
    assert_int_equal(history.actions, 20);
    query.since = 1050; /* after its end */
    history = read_history(fixture->store, &query);
    assert_int_equal(history.actions, 0);
}

/* They stand where they belong, while pages of records go on. */
static void test_a_history_with_waterfalls_that_wait(void **state)
{
    struct fixture *fixture = *state;
    const struct store_history_query query = {"a", .until = INT64_MAX, .points = 500,
                                              .actions = 500};
    struct history history = {.newest = -1};
    char id[16];

    put_waterfall(fixture->store, "a", 1, 1);
    for (unsigned i = 0; i < 200; i++) {
        snprintf(id, sizeof(id), "%08x", i);
        put_action(fixture->store, id, "a", 10 + i);
    }
    store_ask_history(fixture->store, &query, &history.place, on_page, &history);
    assert_false(history.place.is_over);
    put_waterfall(fixture->store, "a", 90, 2);
    put_waterfall(fixture->store, "a", 180, 3);
    put_waterfall(fixture->store, "a", 1000, 4);
    while (!history.place.is_over)
        store_ask_history(fixture->store, &query, &history.place, on_page, &history);
    assert_int_equal(status, 0);
    assert_int_equal(history.points, 4);
    assert_int_equal(history.actions, 200);
}

static void order(struct fixture *fixture, const char *name, const char *text, const char *selector)
{
    const struct policy_revision revision = {
        .name = name, .author = "alice", .time = 1, .hash = text, .source_name = "f", .text = text};

    store_order_policy(fixture->store, &revision, selector, on_policies, NULL);
}

static void test_policies(void **state)
{
    struct fixture *fixture = *state;

    order(fixture, "night", "one", "web-*");
    assert_string_equal(line, "night/1/ ");
    order(fixture, "night", "two", "");
    order(fixture, "night", "two", "");
    assert_string_equal(line, "night/2/ "); /* the same text again */
    store_ask_policies(fixture->store, &all, 0, on_policies, NULL);
    assert_string_equal(line, "night/2/ web-*=night ");
    store_ask_revisions(fixture->store, "night", 0, 0, on_policies, NULL);
    assert_string_equal(line, "night/2/ night/1/ ");
    store_ask_policy(fixture->store, "night", 1, on_policies, NULL);
    assert_string_equal(line, "night/1/one ");
    store_roll_back(fixture->store, "night", 0, "bob", 2, on_policies, NULL);
    assert_string_equal(line, "night/3/one ");
    store_unassign_policy(fixture->store, "web-*", on_policies, NULL);
    assert_string_equal(line, "web-*=night ");
    store_unassign_policy(fixture->store, "web-*", on_policies, NULL);
    assert_int_equal(status, -ENOENT);
    assert_string_equal(line, "");
    store_ask_policy(fixture->store, "nihgt", 0, on_policies, NULL);
    assert_int_equal(status, -ENOENT);
}

/* The next page begins after the last entry of the one before, which may be gone. */
static void test_pages_of_policies(void **state)
{
    struct fixture *fixture = *state;
    struct store_policies_place place = {"", ""};

    order(fixture, "a", "one", "vm-1");
    order(fixture, "b", "one", "vm-2");
    order(fixture, "b", "two", "vm-3");
    order(fixture, "b", "three", "");
    store_ask_policies(fixture->store, &place, 1, on_policies, NULL);
    assert_string_equal(line, "a/1/ ");
    assert_true(is_cut);
    place.policy = "aa";
    store_ask_policies(fixture->store, &place, 2, on_policies, NULL);
    assert_string_equal(line, "b/3/ vm-1=a ");
    assert_true(is_cut);
    place = (struct store_policies_place){NULL, "vm-1"};
    store_unassign_policy(fixture->store, "vm-1", on_policies, NULL);
    store_ask_policies(fixture->store, &place, 2, on_policies, NULL);
    assert_string_equal(line, "vm-2=b vm-3=b ");
    assert_false(is_cut);
    store_ask_revisions(fixture->store, "b", 0, 2, on_policies, NULL);
    assert_string_equal(line, "b/3/ b/2/ ");
    assert_true(is_cut);
    store_ask_revisions(fixture->store, "b", 2, 2, on_policies, NULL);
    assert_string_equal(line, "b/1/ ");
    assert_false(is_cut);
    store_ask_revisions(fixture->store, "b", 1, 2, on_policies, NULL);
    assert_string_equal(line, "");
    assert_int_equal(status, 0);
}

/* One for each of ten thousand VMs: pages of bounded size, each as cheap as the first. */
static void test_many_assignments(void **state)
{
    struct fixture *fixture = *state;
    struct store_policies_place place = {NULL, ""};
    static struct work first;
    static struct work last;
    char selector[32];

    order(fixture, "night", "one", "");
    assert_int_equal(store_execute(fixture->store, "BEGIN", "", NULL), 0);
    for (unsigned i = 0; i < 10000; i++) {
        snprintf(selector, sizeof(selector), "vm-%05u", i);
        order(fixture, "night", "one", selector);
    }
    assert_int_equal(store_execute(fixture->store, "COMMIT", "", NULL), 0);
    work_begin(fixture, &first);
    store_ask_policies(fixture->store, &place, 10, on_policies, NULL);
    work_begin(fixture, &last);
    place.assignment = "vm-09980";
    store_ask_policies(fixture->store, &place, 10, on_policies, NULL);
    assert_true(is_cut);
    assert_int_equal(strncmp(line, "vm-09981=night ", 15), 0);
    assert_in_range(last.instructions, 1, 2 * first.instructions);
}

static size_t matches;

static void on_matching(const struct store_assigned *assigned, void *userdata)
{
    char text[64];

    note(&assigned->answer);
    matches = assigned->found.assignment_count;
    for (size_t i = 0; i < assigned->found.assignment_count && matches < 8; i++) {
        snprintf(text, sizeof(text), "%s%s%s=%s", i == 0 ? assigned->selector_of[0] : "",
                 i == 0 ? ": " : "", assigned->found.assignments[i]->selector,
                 assigned->found.assignments[i]->policy);
        add(text);
    }
}

static void test_what_is_assigned(void **state)
{
    struct fixture *fixture = *state;
    char *labels[] = {(char *)"tier=db"};
    const struct policy_subject subjects[] = {
        {.vm = "web-1"}, {.vm = "web-2"}, {"x", labels, 1}, {.vm = "y"}};
    char selector[2 * STORE_MATCHES_MAX + 16];
    char stars[2 * STORE_MATCHES_MAX];

    memset(stars, '*', sizeof(stars));

    order(fixture, "night", "one", "web-*");
    order(fixture, "day", "two", "label:tier=db");
    order(fixture, "night", "three", "");
    store_ask_assigned(fixture->store, subjects, ARRAY_SIZE(subjects), on_assigned, NULL);
    assert_int_equal(status, 0);
    assert_string_equal(line, "web-1 three web-2 three x two y - ");
    assert_int_equal(count, 2); /* each text once */
    order(fixture, "day", "two", "*");
    store_ask_matching(fixture->store, &subjects[0], on_matching, NULL);
    assert_string_equal(line, "web-*: web-*=night *=day ");
    for (unsigned i = 0; i < 2 * STORE_MATCHES_MAX; i++) {
        snprintf(selector, sizeof(selector), "web-%.*s*", (int)i, stars);
        order(fixture, "day", "two", selector);
    }
    matches = 0;
    store_ask_matching(fixture->store, &subjects[0], on_matching, NULL);
    assert_int_equal(status, 0);
    assert_int_equal(matches, STORE_MATCHES_MAX);
}

/* A policy for each VM: more of them than one page of a list has room for. */
static void test_all_that_is_assigned(void **state)
{
    enum { VMS = 60 };
    struct fixture *fixture = *state;
    struct policy_subject subjects[VMS];
    char names[VMS][16];
    char text[60 * 1024];

    memset(text, '#', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    for (unsigned i = 0; i < VMS; i++) {
        snprintf(names[i], sizeof(names[i]), "vm-%u", i);
        subjects[i] = (struct policy_subject){.vm = names[i]};
        order(fixture, names[i], text, names[i]);
    }
    store_ask_assigned(fixture->store, subjects, VMS, on_assigned, NULL);
    assert_int_equal(status, 0);
    assert_int_equal(count, VMS);
}

/* Every request is answered, whatever the file is. */
static void test_a_store_that_cannot_be_used(void **state)
{
    const struct policy_subject subject = {.vm = "web-1"};
    struct store_records_query query = {.vm = "a", .until = INT64_MAX};
    struct store *store;
    const struct store_history_query history = {.vm = "a", .until = INT64_MAX};

    assert_int_equal(store_create("/nowhere/at/all.db", &store), 0);
    store_ask_records(store, &query, on_records, NULL);
    assert_int_equal(status, -EIO);
    assert_int_equal(count, 0);
    store_ask_record(store, "x", on_records, NULL);
    assert_int_equal(status, -EIO);
    status = 0;
    read_history(store, &history);
    assert_int_equal(status, -EIO);
    store_ask_policies(store, &all, 0, on_policies, NULL);
    assert_int_equal(status, -EIO);
    assert_non_null(strstr(error_text, "/nowhere/at/all.db"));
    store_ask_assigned(store, &subject, 1, on_assigned, NULL);
    assert_int_equal(status, -EIO);
    assert_string_equal(line, "");
    assert_int_equal(answers, 5);
    store_destroy(store);
}

#define requests_test(test) cmocka_unit_test_setup_teardown(test, setup_requests, teardown)

static void on_note(int note_status, const struct error *error, void *userdata)
{
    answers++;
    status = note_status;
}

static void on_notes(int note_status, const struct error *error, const struct store_note *notes,
                     size_t note_count, void *userdata)
{
    answers++;
    status = note_status;
    line[0] = '\0';
    for (size_t i = 0; i < note_count; i++) {
        add(notes[i].key);
        add(notes[i].value);
    }
}

static void load_notes(struct fixture *fixture, const char *kind, const char *expected)
{
    store_load_notes(fixture->store, kind, on_notes, NULL);
    assert_int_equal(status, 0);
    assert_string_equal(line, expected);
}

static void test_notes(void **state)
{
    struct store_note note = {.kind = "one", .key = "b", .value = "1"};
    struct fixture *fixture = *state;

    load_notes(fixture, "one", "");
    answers = 0;
    store_put_note(fixture->store, &note, on_note, NULL);
    assert_int_equal(answers, 1);
    snprintf(note.key, sizeof(note.key), "a");
    store_put_note(fixture->store, &note, NULL, NULL);
    note.kind = "two";
    store_put_note(fixture->store, &note, NULL, NULL);
    reopen(fixture);
    load_notes(fixture, "one", "a 1 b 1 ");
    load_notes(fixture, "two", "a 1 ");
    /* One more of a kind and key replaces it. */
    note.kind = "one";
    snprintf(note.value, sizeof(note.value), "2");
    store_put_note(fixture->store, &note, on_note, NULL);
    load_notes(fixture, "one", "a 2 b 1 ");
    store_remove_note(fixture->store, &note, on_note, NULL);
    store_remove_note(fixture->store, &note, on_note, NULL);
    assert_int_equal(status, 0);
    load_notes(fixture, "one", "b 1 ");
    load_notes(fixture, "two", "a 1 ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_notes, setup, teardown),
        requests_test(test_records),
        requests_test(test_one_record),
        requests_test(test_a_history),
        requests_test(test_policies),
        requests_test(test_no_history),
        requests_test(test_pages_of_policies),
        requests_test(test_many_assignments),
        requests_test(test_a_long_history_comes_in_pages),
        requests_test(test_a_history_of_the_newest_records),
        requests_test(test_a_history_with_waterfalls_that_wait),
        requests_test(test_what_is_assigned),
        requests_test(test_all_that_is_assigned),
        requests_test(test_a_store_that_cannot_be_used),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
