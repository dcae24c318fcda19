/* Which events and answers about jobs mean that a snapshot was loaded. */
#include "tests/lib/test.h"

#include <jansson.h>

#include "controller/hypervisors/qemu/snapshots.h"

#define EVENTS_MAX 6

static const struct snapshot_case {
    const char *what;
    const char *events[EVENTS_MAX];  /* "?": the list of jobs is answered, see below */
    const char *answers[EVENTS_MAX]; /* type, or NULL: the job is not in the list */
    const char *status;
    bool failed;
    unsigned restored;
} snapshot_cases[] = {
    {"asked and answered at its end", {"concluded", "?"}, {"snapshot-load"}, "concluded", false, 1},
    {"answered at last with the end",
     {"created", "running", "concluded", "?", "?", "?"},
     {"snapshot-load", "snapshot-load", "snapshot-load"},
     "concluded",
     false,
     1},
    {"gone at its end",
     {"created", "?", "concluded", "?"},
     {"snapshot-load", NULL},
     "running",
     false,
     1},
    {"failed",
     {"created", "?", "concluded", "?"},
     {"snapshot-load", "snapshot-load"},
     "concluded",
     true,
     0},
    {"aborted and gone",
     {"created", "?", "aborting", "concluded", "?"},
     {"snapshot-load", NULL},
     "running",
     false,
     0},
    {"a snapshot that is saved",
     {"created", "?", "concluded", "?"},
     {"snapshot-save", NULL},
     "running",
     false,
     0},
    {"nothing is known of it", {"concluded", "?"}, {NULL}, "", false, 0},
};

static unsigned play_snapshot_case(const struct snapshot_case *c)
{
    struct qmp_snapshots snapshots = {.next = 0};
    size_t asked = 0;
    size_t answered = 0;
    unsigned restored = 0;

    for (size_t i = 0; i < EVENTS_MAX && c->events[i] != NULL; i++) {
        json_t *data = json_pack("{s:s, s:s}", "id", "j", "status", c->events[i]);
        json_t *jobs = c->answers[answered] == NULL
                           ? json_array()
                           : json_pack("[{s:s, s:s, s:s}]", "id", "j", "type", c->answers[answered],
                                       "status", c->status);

        if (c->failed && json_array_size(jobs) > 0)
            (void)json_object_set_new(json_array_get(jobs, 0), "error", json_string("no"));
        if (c->events[i][0] != '?')
            asked += qmp_snapshots_event(&snapshots, data);
        else {
            restored += qmp_snapshots_answer(&snapshots, jobs);
            answered++;
        }
        json_decref(data);
        json_decref(jobs);
    }
    assert_int_equal(asked, answered);
    return restored;
}

static void test_snapshot_jobs(void **state)
{
    for (size_t i = 0; i < sizeof(snapshot_cases) / sizeof(snapshot_cases[0]); i++) {
        print_message("%s\n", snapshot_cases[i].what);
        assert_int_equal(play_snapshot_case(&snapshot_cases[i]), snapshot_cases[i].restored);
    }
}

static bool job_event(struct qmp_snapshots *snapshots, const char *id, const char *status)
{
    json_t *data = json_pack("{s:s, s:s}", "id", id, "status", status);
    bool asks = qmp_snapshots_event(snapshots, data);

    json_decref(data);
    return asks;
}

static bool job_answer(struct qmp_snapshots *snapshots, const char *id, const char *type)
{
    json_t *jobs =
        id == NULL ? json_array()
                   : json_pack("[{s:s, s:s, s:s}]", "id", id, "type", type, "status", "concluded");
    bool restored = qmp_snapshots_answer(snapshots, jobs);

    json_decref(jobs);
    return restored;
}

/* A load follows a save at once: the save's answer comes late and shows the load, whose own comes
 * after it was dismissed. */
static void test_the_answer_for_another_job(void **state)
{
    struct qmp_snapshots snapshots = {.next = 0};

    assert_true(job_event(&snapshots, "save", "created"));
    assert_true(job_event(&snapshots, "save", "concluded"));
    assert_true(job_event(&snapshots, "load", "created"));
    assert_true(job_event(&snapshots, "load", "concluded"));
    assert_true(job_answer(&snapshots, "load", "snapshot-load"));
    assert_false(job_answer(&snapshots, NULL, NULL));
    /* One that nobody dismisses is reported once, whatever other jobs do. */
    assert_true(job_event(&snapshots, "other", "created"));
    assert_false(job_answer(&snapshots, "load", "snapshot-load"));
    /* The list of a session's start may hold old ones, which no event named. */
    assert_false(job_answer(&snapshots, "old", "snapshot-load"));
    /* The same id once more is another job. */
    assert_true(job_event(&snapshots, "load", "created"));
    assert_true(job_answer(&snapshots, "load", "snapshot-load"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_snapshot_jobs),
        cmocka_unit_test(test_the_answer_for_another_job),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
