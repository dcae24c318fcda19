/* Which way each action takes on which kernel, what it writes, and what it puts back. */
#include "tests/lib/test.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/actions/actions.h"
#include "common/base/number.h"
#include "tests/lib/loop.h"
#include "tests/unit/agent/actions/kernel.h"

static struct fixture fixture;
static uv_loop_t loop;
static struct features features;
static struct settings settings;
static struct actions actions;
static struct action_outcome outcome;
static bool is_done;
static bool is_closed;
static int state_directory;

static int setup(void **state)
{
    is_closed = false;
    kernel_create(&fixture);
    state_directory = openat(fixture.root, "state", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return uv_loop_init(&loop);
}

static void on_closed(void *userdata)
{
    is_closed = true;
}

static int teardown(void **state)
{
    if (!is_closed)
        actions_close(&actions, on_closed, NULL);
    loop_run_until(&loop, &is_closed);
    loop_finish(&loop);
    close(state_directory);
    fixture_finish(&fixture);
    return 0;
}

/* As the agent starts, on what the fixture is by now. */
static void start(void)
{
    assert_int_equal(settings_init(&settings, fixture.root, state_directory, NULL), 0);
    features_detect(&features, fixture.root);
    assert_int_equal(actions_init(&actions, &loop, fixture.root, &features, &settings), 0);
    fixture_write(&fixture, RECLAIM, ""); /* the detection's question */
}

static void on_done(const struct action_outcome *ended, void *userdata)
{
    assert_ptr_equal(userdata, &outcome);
    assert_false(actions_is_running(&actions));
    outcome = *ended;
    is_done = true;
}

static int begin(struct action_order order)
{
    is_done = false;
    return actions_start(&actions, &order, on_done, &outcome);
}

static void run(struct action_order order)
{
    assert_int_equal(begin(order), 0);
    loop_run_until(&loop, &is_done);
    assert_int_equal(outcome.kind, order.kind);
}

static void expect(const char *path, const char *text)
{
    assert_string_equal(fixture_read(&fixture, path), text);
}

/* A file whose opening blocks, as a long call into the kernel would. */
static void block(const char *path)
{
    fixture_remove(&fixture, path);
    assert_int_equal(mkfifoat(fixture.root, path, 0600), 0);
}

static void swap_is_off(void)
{
    fixture_write(&fixture, "proc/meminfo",
                  "MemTotal: 4000000 kB\nMemFree: 1000000 kB\nSwapTotal: 0 kB\n");
}

static void lose(enum feature_id id)
{
    features_lose(&features, id, "for this test");
}

static const struct action_order reclaim = {.kind = ACTION_RECLAIM_CACHE, .bytes = 8 * MIB};

static void test_reclaim_of_file_pages_only(void **state)
{
    start();
    run(reclaim);
    assert_int_equal(outcome.end, ACTION_DONE);
    assert_string_equal(outcome.reason, "");
    expect(RECLAIM, "8388608 swappiness=0");
    expect(SWAPPINESS, "60\n");
    expect(DROP, "");
}

/* The last step of 20 MiB is what is left after two of 8. */
static void test_reclaim_goes_in_steps(void **state)
{
    struct action_order order = reclaim;

    start();
    order.bytes = 20 * MIB;
    run(order);
    expect(RECLAIM, "4194304 swappiness=0");
}

static void test_reclaim_with_swappiness_set_around_it(void **state)
{
    start();
    lose(FEATURE_MEMORY_RECLAIM_SWAPPINESS);
    block(RECLAIM);
    assert_int_equal(begin(reclaim), 0);
    expect(SWAPPINESS, "0"); /* while it runs */
    assert_int_equal(begin(reclaim), -EBUSY);
    actions_stop(&actions, ACTION_CANCELLED);
    loop_run_until(&loop, &is_done);
    assert_int_equal(outcome.end, ACTION_CANCELLED);
    expect(SWAPPINESS, "60");
    expect(JOURNAL, "");
}

static void test_reclaim_without_swap_needs_no_swappiness(void **state)
{
    swap_is_off();
    start();
    lose(FEATURE_MEMORY_RECLAIM_SWAPPINESS);
    run(reclaim);
    expect(RECLAIM, "8388608");
    expect(SWAPPINESS, "60\n");
}

/* Never swap by accident: without a way to keep anonymous pages, another method. */
static void test_reclaim_that_would_swap_is_not_done(void **state)
{
    start();
    lose(FEATURE_MEMORY_RECLAIM_SWAPPINESS);
    lose(FEATURE_NODE_RECLAIM);
    settings.state_directory = -1; /* nothing may be changed */
    run(reclaim);
    assert_int_equal(outcome.end, ACTION_DONE);
    expect(RECLAIM, "");
    expect(DROP, "1");
    assert_non_null(strstr(outcome.reason, "would swap"));
}

static void test_reclaim_by_node_without_cgroups(void **state)
{
    start();
    lose(FEATURE_MEMORY_RECLAIM);
    run(reclaim);
    assert_int_equal(outcome.end, ACTION_DONE);
    /* together what was asked for */
    expect(NODE0_RECLAIM, "4194304 swappiness=0");
    expect("sys/devices/system/node/node1/reclaim", "4194304 swappiness=0");
}

static void test_what_may_not_drop_does_not(void **state)
{
    struct action_order order = reclaim;

    start();
    lose(FEATURE_MEMORY_RECLAIM);
    lose(FEATURE_NODE_RECLAIM);
    order.forbid_drop = true;
    assert_int_equal(begin(order), -ENOTSUP);
    order.kind = ACTION_DROP_CACHES;
    assert_int_equal(begin(order), -ENOTSUP);
    expect(DROP, "");
}

static void test_reclaim_falls_back_to_dropping(void **state)
{
    struct action_order order = reclaim;

    start();
    lose(FEATURE_MEMORY_RECLAIM);
    lose(FEATURE_NODE_RECLAIM);
    run(order);
    expect(DROP, "1");
    assert_string_equal(outcome.reason, "no memory.reclaim: caches were dropped");
    order.drop_slab = true;
    run(order);
    expect(DROP, "3");
    lose(FEATURE_DROP_CACHES);
    assert_int_equal(begin(order), -ENOTSUP);
    assert_false(actions_is_running(&actions));
}

/* A kernel that takes the question of zero bytes but refuses the order. */
static void test_refused_swappiness_takes_the_next_way_at_once(void **state)
{
    swap_is_off();
    start();
    fixture_remove(&fixture, RECLAIM);
    fixture_link(&fixture, RECLAIM, TAKES_NUMBERS_ONLY);
    run(reclaim);
    assert_int_equal(outcome.end, ACTION_DONE);
    assert_false(features_have(&features, FEATURE_MEMORY_RECLAIM_SWAPPINESS));
    assert_true(features_have(&features, FEATURE_MEMORY_RECLAIM));
    expect(DROP, "");
}

static void test_refused_reclaim_ends_with_dropping(void **state)
{
    start();
    lose(FEATURE_NODE_RECLAIM);
    fixture_remove(&fixture, RECLAIM);
    fixture_link(&fixture, RECLAIM, TAKES_NOTHING);
    run(reclaim);
    assert_int_equal(outcome.end, ACTION_DONE);
    assert_false(features_have(&features, FEATURE_MEMORY_RECLAIM));
    expect(DROP, "1");
    expect(SWAPPINESS, "60");
    lose(FEATURE_MEMORY_RECLAIM);
}

static void test_refused_everywhere(void **state)
{
    start();
    lose(FEATURE_NODE_RECLAIM);
    lose(FEATURE_DROP_CACHES);
    fixture_remove(&fixture, RECLAIM);
    fixture_link(&fixture, RECLAIM, TAKES_NOTHING);
    run(reclaim);
    assert_int_equal(outcome.end, ACTION_NOT_SUPPORTED);
    expect(SWAPPINESS, "60");
}

static void cgroup(const char *name, const char *events, const char *cache)
{
    char path[128];

    snprintf(path, sizeof(path), "sys/fs/cgroup/%s/cgroup.events", name);
    fixture_write(&fixture, path, events);
    snprintf(path, sizeof(path), "sys/fs/cgroup/%s/memory.stat", name);
    fixture_write(&fixture, path, cache);
    snprintf(path, sizeof(path), "sys/fs/cgroup/%s/memory.reclaim", name);
    fixture_write(&fixture, path, "");
}

#define THAWED "populated 1\nfrozen 0\n"
#define FROZEN "populated 1\nfrozen 1\n"

static void test_frozen_cgroups_are_left_out(void **state)
{
    cgroup("a.slice", THAWED, "active_file 3000000\ninactive_file 2000000\n");
    cgroup("b.slice", THAWED, "slab_reclaimable 1000000\n");
    cgroup("b.slice/paused", FROZEN, "active_file 1000000\n");
    cgroup("b.slice/paused/inner", THAWED, "active_file 1000000\n");
    cgroup("b.slice/running", THAWED, "active_file 5000000\n");
    cgroup("c.slice", FROZEN, "active_file 1000000\n");
    start();
    run(reclaim);
    assert_int_equal(outcome.end, ACTION_DONE);
    expect(RECLAIM, ""); /* it would reach into all */
    expect("sys/fs/cgroup/a.slice/memory.reclaim", "4194304 swappiness=0");
    expect("sys/fs/cgroup/b.slice/memory.reclaim", "");
    expect("sys/fs/cgroup/b.slice/running/memory.reclaim", "4194304 swappiness=0");
    expect("sys/fs/cgroup/b.slice/paused/memory.reclaim", "");
    expect("sys/fs/cgroup/b.slice/paused/inner/memory.reclaim", "");
    expect("sys/fs/cgroup/c.slice/memory.reclaim", "");
}

static void test_without_frozen_cgroups_the_root_is_asked(void **state)
{
    cgroup("a.slice", THAWED, "active_file 3000000\n");
    start();
    run(reclaim);
    expect(RECLAIM, "8388608 swappiness=0");
    expect("sys/fs/cgroup/a.slice/memory.reclaim", "");
}

static void test_dropping_never_reaches_into_frozen_cgroups(void **state)
{
    cgroup("c.slice", FROZEN, "");
    start();
    run((struct action_order){.kind = ACTION_DROP_CACHES});
    assert_int_equal(outcome.end, ACTION_FAILED);
    assert_int_equal(outcome.error, -EBUSY);
    assert_non_null(strstr(outcome.reason, "frozen"));
    expect(DROP, "");
}

static void test_the_freezer_of_version_1_counts_too(void **state)
{
    fixture_write(&fixture, "sys/fs/cgroup/freezer/docker/x/freezer.state", "FROZEN\n");
    start();
    run((struct action_order){.kind = ACTION_DROP_CACHES});
    assert_int_equal(outcome.error, -EBUSY);
    fixture_write(&fixture, "sys/fs/cgroup/freezer/docker/x/freezer.state", "THAWED\n");
    run((struct action_order){.kind = ACTION_DROP_CACHES, .drop_slab = true});
    assert_int_equal(outcome.end, ACTION_DONE);
    expect(DROP, "3");
}

static void test_chosen_cgroups_only(void **state)
{
    struct action_order order = reclaim;

    cgroup("a.slice", THAWED, "active_file 6000000\n");
    cgroup("b.slice/inner", THAWED, "active_file 2000000\n");
    cgroup("c.slice", THAWED, "active_file 9000000\n");
    start();
    order.cgroups = "a.slice:/b.slice/inner:gone.slice";
    run(order);
    assert_int_equal(outcome.end, ACTION_DONE);
    expect("sys/fs/cgroup/a.slice/memory.reclaim", "6291456 swappiness=0");
    expect("sys/fs/cgroup/b.slice/inner/memory.reclaim", "2097152 swappiness=0");
    expect("sys/fs/cgroup/c.slice/memory.reclaim", "");
    expect(RECLAIM, "");
    order.cgroups = "../../proc";
    run(order);
    assert_int_equal(outcome.error, -EXDEV);
    lose(FEATURE_MEMORY_RECLAIM); /* what else there is would take from all */
    order.cgroups = "a.slice";
    assert_int_equal(begin(order), -ENOTSUP);
}

static void test_compaction_of_each_node_with_its_line(void **state)
{
    start();
    run((struct action_order){.kind = ACTION_COMPACT, .id = "4f"});
    assert_int_equal(outcome.end, ACTION_DONE);
    expect(NODE0_COMPACT, "1");
    expect(NODE1_COMPACT, "1");
    expect(COMPACT, "");
    expect("dev/kmsg", "<6>vmreclaim: performing memory compaction (action 4f)\n");
    fixture_write(&fixture, "dev/kmsg", "");
    run((struct action_order){.kind = ACTION_COMPACT, .id = "4f\n<0>panic"});
    expect("dev/kmsg", "<6>vmreclaim: performing memory compaction\n");
}

static void test_compaction_of_all_at_once(void **state)
{
    start();
    lose(FEATURE_COMPACTION_PER_NODE);
    lose(FEATURE_KERNEL_LOG);
    run((struct action_order){.kind = ACTION_COMPACT});
    expect(NODE0_COMPACT, "");
    expect(COMPACT, "1");
    expect("dev/kmsg", "");
    lose(FEATURE_COMPACTION);
    assert_int_equal(begin((struct action_order){.kind = ACTION_COMPACT}), -ENOTSUP);
}

/* What the kernel's counters say before and after. */
static void test_gain_is_measured(void **state)
{
    start();
    block(NODE0_COMPACT);
    assert_int_equal(begin((struct action_order){.kind = ACTION_COMPACT}), 0);
    expect(FRACTION, "1000000"); /* so that what it frees is not parked */
    fixture_write(&fixture, "proc/vmstat", "pgmigrate_success 1600\n");
    fixture_write(&fixture, "proc/meminfo", "MemTotal: 4000000 kB\nMemFree: 1000400 kB\n");
    actions_stop(&actions, ACTION_CANCELLED);
    loop_run_until(&loop, &is_done);
    assert_int_equal(outcome.pages_moved, 1500);
    assert_int_equal(outcome.freed, 400 * KIB);
    expect(FRACTION, "0");
    assert_true(outcome.duration > 0);
}

static void test_time_limit(void **state)
{
    start();
    block(NODE0_COMPACT);
    run((struct action_order){.kind = ACTION_COMPACT, .time_limit = NSEC_PER_MSEC});
    assert_int_equal(outcome.end, ACTION_TIME_LIMIT);
    run(reclaim); /* the next one works */
    assert_int_equal(outcome.end, ACTION_DONE);
}

static void test_kick_cuts_the_lists_meanwhile(void **state)
{
    start();
    block("sys/devices/system/cpu/online");
    assert_int_equal(begin((struct action_order){.kind = ACTION_KICK_REPORTING}), 0);
    expect(FRACTION, "1000000");
    actions_stop(&actions, ACTION_CANCELLED);
    loop_run_until(&loop, &is_done);
    expect(FRACTION, "0");
}

static void test_kick_ends(void **state)
{
    start();
    run((struct action_order){.kind = ACTION_KICK_REPORTING});
    assert_int_equal(outcome.end, ACTION_DONE);
    assert_string_equal(outcome.reason, "");
    expect(FRACTION, "0");
    lose(FEATURE_PERCPU_DRAIN);
    run((struct action_order){.kind = ACTION_KICK_REPORTING});
    assert_int_equal(outcome.end, ACTION_DONE);
    assert_non_null(strstr(outcome.reason, "touched instead"));
}

static void test_a_killed_child_is_a_failure_with_settings_back(void **state)
{
    start();
    lose(FEATURE_MEMORY_RECLAIM_SWAPPINESS);
    block(RECLAIM);
    assert_int_equal(begin(reclaim), 0);
    expect(SWAPPINESS, "0");
    assert_int_equal(kill(actions.child.pid, SIGKILL), 0);
    loop_run_until(&loop, &is_done);
    assert_int_equal(outcome.end, ACTION_FAILED);
    expect(SWAPPINESS, "60");
    expect(JOURNAL, "");
}

static void test_close_ends_what_runs(void **state)
{
    start();
    block(RECLAIM);
    assert_int_equal(begin(reclaim), 0);
    actions_close(&actions, on_closed, NULL);
    assert_false(is_closed);
    loop_run_until(&loop, &is_closed);
    assert_true(is_done);
    assert_int_equal(outcome.end, ACTION_CANCELLED);
    assert_int_equal(begin(reclaim), -EBUSY); /* closed */
}

#define with_kernel(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_kernel(test_reclaim_of_file_pages_only),
        with_kernel(test_reclaim_goes_in_steps),
        with_kernel(test_reclaim_with_swappiness_set_around_it),
        with_kernel(test_reclaim_without_swap_needs_no_swappiness),
        with_kernel(test_reclaim_that_would_swap_is_not_done),
        with_kernel(test_reclaim_by_node_without_cgroups),
        with_kernel(test_reclaim_falls_back_to_dropping),
        with_kernel(test_what_may_not_drop_does_not),
        with_kernel(test_refused_swappiness_takes_the_next_way_at_once),
        with_kernel(test_refused_reclaim_ends_with_dropping),
        with_kernel(test_refused_everywhere),
        with_kernel(test_frozen_cgroups_are_left_out),
        with_kernel(test_without_frozen_cgroups_the_root_is_asked),
        with_kernel(test_dropping_never_reaches_into_frozen_cgroups),
        with_kernel(test_the_freezer_of_version_1_counts_too),
        with_kernel(test_chosen_cgroups_only),
        with_kernel(test_compaction_of_each_node_with_its_line),
        with_kernel(test_compaction_of_all_at_once),
        with_kernel(test_gain_is_measured),
        with_kernel(test_time_limit),
        with_kernel(test_kick_cuts_the_lists_meanwhile),
        with_kernel(test_kick_ends),
        with_kernel(test_a_killed_child_is_a_failure_with_settings_back),
        with_kernel(test_close_ends_what_runs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
