/* The daemon's records go in, events come out: a daemon with a store of its own, and a bus that
 * takes or refuses. */
#include "tests/lib/test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/time.h"
#include "controller/fleet/bridge/catch-up.h"
#include "controller/fleet/bridge/health.h"

#define RECORDS_MAX 512
#define NOON        ((int64_t)1000 * CATCH_UP_DAY)

typedef Vmreclaim__Controller__V1__Action Action;
typedef Vmreclaim__Controller__V1__ActionChange Change;

struct record {
    uint64_t number; /* 0: it was let go */
    Action action;
    char id[24];
};

static struct world {
    struct catch_up catch_up;
    struct record records[RECORDS_MAX]; /* of the daemon, ascending */
    size_t count;
    uint64_t newest;
    uint64_t lost;
    const char *store;
    nsec_t now;
    /* the bus */
    bool is_away;
    bool refuses_news;              /* the servers' list of what the host may say is an older one */
    char told[RECORDS_MAX * 4][64]; /* ids */
    size_t told_count;
    nsec_t told_first, told_last;
    size_t asked;
} world;

/* ---- the daemon ---- */

static Action *put(const char *id, int64_t started)
{
    struct record *record = &world.records[world.count++];

    assert_true(world.count <= RECORDS_MAX);
    for (size_t i = 0; i + 1 < world.count; i++)
        if (strcmp(world.records[i].id, id) == 0)
            world.records[i].number = 0;
    record->number = ++world.newest;
    vmreclaim__controller__v1__action__init(&record->action);
    snprintf(record->id, sizeof(record->id), "%s", id);
    record->action.id = record->id;
    record->action.vm = (char *)"web";
    record->action.kind = (char *)"compact";
    record->action.started_ns = started;
    record->action.footprint_before = 4096;
    record->action.finished = true;
    return &record->action;
}

static void put_many(size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char id[24];

        snprintf(id, sizeof(id), "a%zu", (size_t)world.newest + 1);
        (void)put(id, NOON);
    }
}

static void answer(const ChangesRequest *request)
{
    ChangesResponse response = VMRECLAIM__CONTROLLER__V1__LIST_ACTION_CHANGES_RESPONSE__INIT;
    Change changes[CATCH_UP_PAGE];
    Change *list[CATCH_UP_PAGE];

    response.store = (char *)world.store;
    response.newest = world.newest;
    response.lost = world.lost;
    response.changes = list;
    for (size_t i = 0; i < world.count && response.n_changes < request->limit; i++) {
        struct record *record = &world.records[i];

        if (record->number <= request->after || record->action.started_ns < request->since_ns)
            continue;
        vmreclaim__controller__v1__action_change__init(&changes[response.n_changes]);
        changes[response.n_changes].number = record->number;
        changes[response.n_changes].action = &record->action;
        list[response.n_changes] = &changes[response.n_changes];
        response.n_changes++;
    }
    world.asked++;
    catch_up_answered(&world.catch_up, &response, world.now, NOON);
}

/* ---- the bus ---- */

static void tell(void)
{
    const struct told_event *event = catch_up_event(&world.catch_up);
    Vmreclaim__Fleet__V1__FleetEvent *message =
        vmreclaim__fleet__v1__fleet_event__unpack(NULL, event->length, event->packed);

    bool has_it = !world.is_away && !(world.refuses_news && strcmp(event->kind, "vm") == 0);

    assert_non_null(message);
    assert_string_equal(message->kind, event->kind);
    if (has_it) {
        world.told_first = world.told_count == 0 ? world.now : world.told_first;
        world.told_last = world.now;
        snprintf(world.told[world.told_count++], sizeof(world.told[0]), "%s", message->id);
    }
    vmreclaim__fleet__v1__fleet_event__free_unpacked(message, NULL);
    catch_up_told(&world.catch_up, has_it, world.now);
}

/* Until `passed` has gone by. */
static void run(nsec_t passed)
{
    nsec_t end = world.now + passed;

    while (world.now < end) {
        enum catch_up_step step = catch_up_begin(&world.catch_up, world.now);
        ChangesRequest request;

        if (step == CATCH_UP_REST) {
            assert_true(world.catch_up.due > world.now);
            world.now = world.catch_up.due < end ? world.catch_up.due : end;
        } else if (step == CATCH_UP_ASK) {
            catch_up_ask(&world.catch_up, NOON, &request);
            answer(&request);
        } else
            tell();
    }
}

static void begin(const struct cursor *cursor)
{
    catch_up_init(&world.catch_up, "h1", cursor);
}

static void expect_told(size_t place, const char *id)
{
    assert_true(place < world.told_count);
    assert_string_equal(world.told[place], id);
}

static int setup(void **state)
{
    static const struct cursor none;

    world = (struct world){.store = "abc", .now = NSEC_PER_SEC};
    begin(&none);
    return 0;
}

static int teardown(void **state)
{
    catch_up_finish(&world.catch_up);
    return 0;
}

/* ---- tests ---- */

/* Those of the last day, in the order in which they were written; nothing twice. */
static void test_begins(void **state)
{
    (void)put("old", NOON - 2 * CATCH_UP_DAY);
    (void)put("b", NOON);
    (void)put("a", NOON - 5);
    run(10 * NSEC_PER_SEC);
    assert_int_equal(world.told_count, 2);
    expect_told(0, "h1/b/ended");
    expect_told(1, "h1/a/ended");
    assert_int_equal(world.catch_up.cursor.number, 3);
    assert_string_equal(world.catch_up.cursor.store, "abc");
}

/* Nothing of the last day: what was before is behind the cursor, too. */
static void test_nothing_new(void **state)
{
    (void)put("old", NOON - 2 * CATCH_UP_DAY);
    run(10 * NSEC_PER_SEC);
    assert_int_equal(world.told_count, 0);
    assert_int_equal(world.catch_up.cursor.number, 1);
    assert_in_range(world.asked, 2, 7);
}

/* A record is told when it has ended, and when it was checked; not while it is under way. */
static void test_phases(void **state)
{
    put("a", NOON)->finished = false;
    run(5 * NSEC_PER_SEC);
    assert_int_equal(world.told_count, 0);
    (void)put("a", NOON);
    run(5 * NSEC_PER_SEC);
    put("a", NOON)->checked_again = true;
    run(5 * NSEC_PER_SEC);
    assert_int_equal(world.told_count, 2);
    expect_told(0, "h1/a/ended");
    expect_told(1, "h1/a/checked");
}

/* Days of them: all, in order, and no faster than fifty a second. */
static void test_catches_up(void **state)
{
    put_many(500);
    run(60 * NSEC_PER_SEC);
    assert_int_equal(world.told_count, 500);
    expect_told(0, "h1/a1/ended");
    expect_told(499, "h1/a500/ended");
    assert_true(world.told_last - world.told_first >= 499 * CATCH_UP_GAP);
}

/* The bus goes in the midst, for a while. */
static void test_bus_goes(void **state)
{
    put_many(100);
    run(NSEC_PER_SEC);
    assert_in_range(world.told_count, 10, 60);
    assert_int_equal(world.catch_up.cursor.number, world.told_count);
    world.is_away = true;
    run(600 * NSEC_PER_SEC);
    assert_int_equal(world.catch_up.cursor.number, world.told_count);
    world.is_away = false;
    run(60 * NSEC_PER_SEC);
    assert_int_equal(world.told_count, 100);
    for (size_t i = 0; i < 100; i++) {
        char id[32];

        snprintf(id, sizeof(id), "h1/a%zu/ended", i + 1);
        expect_told(i, id);
    }
}

/* Killed, and begun again with the cursor that was written some time before: what comes again has
 * the same id, and nothing is left out. */
static void test_killed(void **state)
{
    struct cursor written;

    put_many(100);
    run(NSEC_PER_SEC / 2);
    written = world.catch_up.cursor;
    assert_in_range(written.number, 5, 30);
    run(NSEC_PER_SEC / 2);
    assert_true(world.catch_up.cursor.number > written.number);
    catch_up_finish(&world.catch_up);
    world.told_count = 0;
    begin(&written);
    run(60 * NSEC_PER_SEC);
    assert_int_equal(world.told_count, 100 - written.number);
    expect_told(world.told_count - 1, "h1/a100/ended");
}

static void test_records_let_go(void **state)
{
    put_many(20);
    begin(&(struct cursor){"abc", 5});
    for (size_t i = 0; i < 10; i++)
        world.records[i].number = 0;
    world.lost = 10;
    run(20 * NSEC_PER_SEC);
    assert_int_equal(world.told_count, 11);
    expect_told(0, "h1/gap/abc-10");
    expect_told(1, "h1/a11/ended");
    assert_int_equal(world.catch_up.cursor.number, 20);
}

/* Also where nothing else is left. */
static void test_all_let_go(void **state)
{
    world.newest = world.lost = 20;
    begin(&(struct cursor){"abc", 5});
    run(20 * NSEC_PER_SEC);
    assert_int_equal(world.told_count, 1);
    expect_told(0, "h1/gap/abc-20");
    assert_int_equal(world.catch_up.cursor.number, 20);
}

static void test_another_store(void **state)
{
    put_many(3);
    begin(&(struct cursor){"def", 2});
    run(20 * NSEC_PER_SEC);
    assert_int_equal(world.told_count, 4);
    expect_told(0, "h1/gap/abc-0");
    expect_told(1, "h1/a1/ended");
    assert_string_equal(world.catch_up.cursor.store, "abc");
}

/* The same store, from a copy that is older than the cursor. */
static void test_put_back(void **state)
{
    put_many(3);
    begin(&(struct cursor){"abc", 30});
    run(20 * NSEC_PER_SEC);
    assert_int_equal(world.told_count, 4);
    expect_told(0, "h1/gap/abc-0");
    expect_told(3, "h1/a3/ended");
}

static void happen(const char *kind, const char *vm, uint64_t sequence)
{
    Vmreclaim__Controller__V1__Event event = VMRECLAIM__CONTROLLER__V1__EVENT__INIT;

    event.kind = (char *)kind;
    event.vm = (char *)vm;
    event.time_ns = 7;
    event.sequence = sequence;
    catch_up_happened(&world.catch_up, &event, world.now);
}

/* What has no record comes between, and moves no cursor. */
static void test_news(void **state)
{
    put_many(50);
    run(NSEC_PER_SEC / 2);
    assert_in_range(world.told_count, 5, 30);
    happen("connected", "web", 1);
    happen("alarm", "web", 2);
    happen("policy", "web", 3);
    happen("warning", "", 4); /* of the daemon's stream: it left some out */
    run(30 * NSEC_PER_SEC);
    assert_int_equal(world.told_count, 54);
    for (size_t i = 0; i < 50; i++)
        if (strcmp(world.told[i], "h1/vm/7-1") == 0) {
            expect_told(i + 1, "h1/alarm/7-2");
            expect_told(i + 2, "h1/policy/7-3");
            expect_told(i + 3, "h1/gap/7-4");
            assert_int_equal(world.catch_up.cursor.number, 50);
            return;
        }
    fail_msg("it was not told");
}

/* What does not work in the daemon is told when it begins and when it is over. */
static void test_health(void **state)
{
    Vmreclaim__Controller__V1__GetStatusResponse status =
        VMRECLAIM__CONTROLLER__V1__GET_STATUS_RESPONSE__INIT;
    Vmreclaim__Controller__V1__Degradation store = VMRECLAIM__CONTROLLER__V1__DEGRADATION__INIT;
    Vmreclaim__Controller__V1__Degradation *list[] = {&store};
    struct health health = {.count = 0};

    store.part = (char *)"store";
    store.reason = (char *)"the disk is full";
    status.degraded = list;
    health_look(&health, &status, 5, &world.catch_up.news);
    status.n_degraded = 1;
    health_look(&health, &status, 6, &world.catch_up.news);
    health_look(&health, &status, 7, &world.catch_up.news);
    status.n_degraded = 0;
    health_look(&health, &status, 8, &world.catch_up.news);
    health_look(&health, &status, 9, &world.catch_up.news);
    run(NSEC_PER_SEC);
    assert_int_equal(world.told_count, 2);
    expect_told(0, "h1/daemon/6-store");
    expect_told(1, "h1/daemon/8-store");
}

/* It is told at once, not when records are asked for again. */
static void test_news_is_quick(void **state)
{
    run(10 * NSEC_PER_SEC + NSEC_PER_SEC / 2);
    happen("lost", "web", 1);
    run(CATCH_UP_GAP * 2);
    assert_int_equal(world.told_count, 1);
}

/* News that nobody takes holds up no record. */
static void test_news_that_nobody_takes(void **state)
{
    world.refuses_news = true;
    happen("connected", "web", 1);
    put_many(50);
    run(5 * NSEC_PER_SEC);
    assert_int_equal(world.told_count, 50);
    assert_int_equal(world.catch_up.cursor.number, 50);
    world.refuses_news = false;
    run(2 * CATCH_UP_NEWS);
    assert_int_equal(world.told_count, 51);
    expect_told(50, "h1/vm/7-1");
}

/* The bus is away for long: the newest are kept, and that others were there. */
static void test_too_many_news(void **state)
{
    world.is_away = true;
    for (uint64_t i = 0; i < NEWS_MAX + 10; i++)
        happen("connected", "web", i);
    run(NSEC_PER_SEC); /* the first gap is being told, in vain */
    happen("connected", "web", NEWS_MAX + 10);
    world.is_away = false;
    run(60 * NSEC_PER_SEC);
    assert_int_equal(world.told_count, NEWS_MAX + 2);
    expect_told(0, "h1/gap/events-7");
    expect_told(1, "h1/gap/events-7");
    expect_told(2, "h1/vm/7-11");
    expect_told(NEWS_MAX + 1, "h1/vm/7-1034");
}

/* What the daemon has may be long, or no text at all. */
static void test_bounds(void **state)
{
    static char text[4096];
    struct told_event event;
    Action action = *put("a", NOON);

    memset(text, '\xff', sizeof(text) - 1);
    action.id = action.vm = action.kind = action.asked_by = action.asked_with = text;
    action.why = action.outcome = action.reason_code = action.reason = text;
    assert_int_equal(event_of_action("h1", &action, &event), 0);
    assert_in_range(event.length, 100, EVENT_BYTES_MAX);
    free(event.packed);
}

/* ---- the file ---- */

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "we");

    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

static void test_file(void **state)
{
    static const char *const broken[] = {"",
                                         "\n",
                                         "abc",
                                         "abc \n",
                                         "abc x\n",
                                         "x 1\n",
                                         "0123456789abcdef0123456789abcdef0 1\n",
                                         " 1\n",
                                         "abc 99999999999999999999999999999999999999999999999999"};
    char directory[] = "/tmp/vmreclaim-cursor-XXXXXX";
    char path[64];
    struct cursor cursor = {.number = 7};

    assert_non_null(mkdtemp(directory));
    snprintf(path, sizeof(path), "%s/cursor", directory);
    assert_int_equal(cursor_read(path, &cursor), -ENOENT);
    for (size_t i = 0; i < ARRAY_SIZE(broken); i++) {
        write_file(path, broken[i]);
        assert_int_equal(cursor_read(path, &cursor), -EUCLEAN);
    }
    assert_int_equal(cursor.number, 7);
    assert_int_equal(cursor_write(path, &(struct cursor){"0a1b", UINT64_MAX}), 0);
    assert_int_equal(cursor_read(path, &cursor), 0);
    assert_string_equal(cursor.store, "0a1b");
    assert_true(cursor.number == UINT64_MAX);
    (void)unlink(path);
    assert_int_equal(rmdir(directory), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(begins),         TEST(nothing_new),
        TEST(phases),         TEST(catches_up),
        TEST(bus_goes),       TEST(killed),
        TEST(records_let_go), TEST(all_let_go),
        TEST(another_store),  TEST(put_back),
        TEST(bounds),         TEST(news),
        TEST(news_is_quick),  TEST(news_that_nobody_takes),
        TEST(health),         TEST(too_many_news),
        TEST(file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
