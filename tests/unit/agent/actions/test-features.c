/* Each thing a kernel may lack, forced, with the reason that is given for it. */
#include "tests/lib/test.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/actions/features.h"
#include "tests/unit/agent/actions/kernel.h"

static struct fixture fixture;
static struct features features;

static int setup(void **state)
{
    kernel_create(&fixture);
    return 0;
}

static int teardown(void **state)
{
    fixture_finish(&fixture);
    return 0;
}

static void expect_missing(enum feature_id id, const char *reason)
{
    const struct feature *feature = &features.list[id];

    features_detect(&features, fixture.root);
    assert_false(feature->available);
    if (strstr(feature->reason, reason) == NULL)
        fail_msg("%s: \"%s\" does not say \"%s\"", feature->name, feature->reason, reason);
    assert_true(strlen(feature->replacement) > 0);
}

static void test_everything_there(void **state)
{
    features_detect(&features, fixture.root);
    for (size_t i = 0; i < FEATURE_COUNT; i++) {
        if (!features.list[i].available)
            fail_msg("%s: %s", features.list[i].name, features.list[i].reason);
        assert_string_equal(features.list[i].reason, "");
        assert_non_null(features.list[i].name);
    }
}

static void test_nothing_there(void **state)
{
    struct fixture empty;

    fixture_init(&empty);
    features_detect(&features, empty.root);
    for (size_t i = 0; i < FEATURE_COUNT; i++) {
        if (i == FEATURE_UNPOISONED_PAGES)
            continue; /* nothing says that they are poisoned */
        assert_false(features.list[i].available);
        assert_true(strlen(features.list[i].reason) > 0);
    }
    fixture_finish(&empty);
}

static void test_no_psi(void **state)
{
    fixture_remove(&fixture, "proc/pressure/memory");
    expect_missing(FEATURE_PSI, "psi=0");
}

static void test_cgroup_version_1(void **state)
{
    fixture_remove(&fixture, "sys/fs/cgroup/cgroup.controllers");
    fixture_remove(&fixture, RECLAIM);
    fixture_directory(&fixture, "sys/fs/cgroup/memory");
    expect_missing(FEATURE_CGROUP2_MEMORY, "cgroup v1");
    expect_missing(FEATURE_MEMORY_RECLAIM, "cgroup v1");
    expect_missing(FEATURE_MEMORY_RECLAIM_SWAPPINESS, "cgroup v1");
}

static void test_hybrid_cgroups(void **state)
{
    fixture_remove(&fixture, "sys/fs/cgroup/cgroup.controllers");
    fixture_remove(&fixture, RECLAIM);
    fixture_directory(&fixture, "sys/fs/cgroup/unified");
    fixture_directory(&fixture, "sys/fs/cgroup/memory");
    expect_missing(FEATURE_CGROUP2_MEMORY, "hybrid");
    expect_missing(FEATURE_MEMORY_RECLAIM, "hybrid");
}

static void test_memory_controller_off(void **state)
{
    fixture_remove(&fixture, RECLAIM);
    fixture_write(&fixture, "sys/fs/cgroup/cgroup.controllers", "cpu io pids\n");
    expect_missing(FEATURE_CGROUP2_MEMORY, "without its memory controller");
}

static void test_no_cgroups_mounted(void **state)
{
    fixture_remove(&fixture, "sys/fs/cgroup/cgroup.controllers");
    fixture_remove(&fixture, RECLAIM);
    expect_missing(FEATURE_CGROUP2_MEMORY, "mounted");
}

static void test_no_memory_reclaim(void **state)
{
    fixture_remove(&fixture, RECLAIM);
    expect_missing(FEATURE_MEMORY_RECLAIM, "5.19");
}

static void test_memory_reclaim_without_swappiness(void **state)
{
    fixture_remove(&fixture, RECLAIM);
    fixture_link(&fixture, RECLAIM, TAKES_NUMBERS_ONLY);
    expect_missing(FEATURE_MEMORY_RECLAIM_SWAPPINESS, "6.9");
    assert_true(features_have(&features, FEATURE_MEMORY_RECLAIM));
}

static void test_no_page_reporting_in_the_kernel(void **state)
{
    fixture_remove(&fixture, ORDER);
    fixture_write(&fixture, BALLOON, WITHOUT);
    expect_missing(FEATURE_PAGE_REPORTING, "CONFIG_PAGE_REPORTING");
}

static void test_no_balloon(void **state)
{
    fixture_remove(&fixture, BALLOON);
    expect_missing(FEATURE_PAGE_REPORTING, "no balloon device");
}

static void test_balloon_without_reporting(void **state)
{
    fixture_write(&fixture, BALLOON, WITHOUT);
    expect_missing(FEATURE_PAGE_REPORTING, "free-page-reporting=on");
}

static void test_poisoned_pages(void **state)
{
    fixture_write(&fixture, "proc/cmdline", "init_on_free=1\n");
    fixture_write(&fixture, BALLOON, WITH_PATTERN);
    expect_missing(FEATURE_UNPOISONED_PAGES, "init_on_free");
    assert_true(features_have(&features, FEATURE_PAGE_REPORTING));
    fixture_write(&fixture, BALLOON, WITHOUT); /* as the driver gives it back */
    expect_missing(FEATURE_UNPOISONED_PAGES, "init_on_free");
    expect_missing(FEATURE_PAGE_REPORTING, "page-poison=on");
}

/* A driver that reports without a pattern has seen none, whatever the command line says. */
static void test_an_option_without_effect(void **state)
{
    fixture_write(&fixture, "proc/cmdline", "init_on_free=1 page_poison=1\n");
    features_detect(&features, fixture.root);
    assert_true(features_have(&features, FEATURE_UNPOISONED_PAGES));
    assert_true(features_have(&features, FEATURE_PAGE_REPORTING));
}

/* Declined or not offered: the guest cannot see which. */
static void test_a_pattern_that_is_built_in(void **state)
{
    fixture_write(&fixture, BALLOON, WITHOUT);
    expect_missing(FEATURE_PAGE_REPORTING, "did not agree");
    expect_missing(FEATURE_PAGE_REPORTING, "overwrites free pages");
    fixture_write(&fixture, BALLOON, WITH_PATTERN_ONLY);
    expect_missing(FEATURE_PAGE_REPORTING, "offers no free page reporting");
    expect_missing(FEATURE_UNPOISONED_PAGES, "built into the kernel");
}

/* 5.10 reports, and has no parameter for the order. */
static void test_reporting_without_an_order(void **state)
{
    fixture_remove(&fixture, ORDER);
    features_detect(&features, fixture.root);
    assert_true(features_have(&features, FEATURE_PAGE_REPORTING));
    assert_false(features_have(&features, FEATURE_PAGE_REPORTING_ORDER));
}

static void test_a_driver_that_has_not_registered(void **state)
{
    fixture_write(&fixture, ORDER, "4294967295\n");
    expect_missing(FEATURE_PAGE_REPORTING, "has not registered");
    fixture_remove(&fixture, BALLOON);
    fixture_directory(&fixture, "sys/bus/vmbus/drivers/hv_balloon/module");
    expect_missing(FEATURE_PAGE_REPORTING, "no cold memory discard hints");
}

static void test_no_kpageflags(void **state)
{
    fixture_remove(&fixture, "proc/kpageflags");
    expect_missing(FEATURE_KPAGEFLAGS, "CONFIG_PROC_PAGE_MONITOR");
}

static void test_no_compaction(void **state)
{
    fixture_remove(&fixture, COMPACT);
    fixture_remove(&fixture, NODE0_COMPACT);
    expect_missing(FEATURE_COMPACTION, "CONFIG_COMPACTION");
}

static void test_no_nodes(void **state)
{
    fixture_remove(&fixture, NODE0_COMPACT);
    expect_missing(FEATURE_COMPACTION_PER_NODE, "node0/compact");
    assert_true(features_have(&features, FEATURE_COMPACTION));
}

static void test_no_percpu_fraction(void **state)
{
    fixture_remove(&fixture, FRACTION);
    expect_missing(FEATURE_PERCPU_DRAIN, "5.14");
}

static void test_lost_and_regained(void **state)
{
    features_detect(&features, fixture.root);
    features_lose(&features, FEATURE_PSI, "for this test");
    assert_false(features_have(&features, FEATURE_PSI));
    assert_string_equal(features.list[FEATURE_PSI].reason, "for this test");
    features_regain(&features, FEATURE_PSI);
    assert_true(features_have(&features, FEATURE_PSI));
    assert_string_equal(features.list[FEATURE_PSI].reason, "");
}

/* In a process of its own, as root of its own mounts: 0 when what the test wants is seen, 77 when
 * the machine does not let it mount. */
static int look_at_read_only_sysctl(void)
{
    char path[128];

    snprintf(path, sizeof(path), "%s/proc/sys", fixture.path);
    if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        mount(path, path, NULL, MS_BIND, NULL) < 0 ||
        mount("none", path, NULL, MS_BIND | MS_REMOUNT | MS_RDONLY, NULL) < 0)
        return 77;
    fixture.root = open(fixture.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC); /* below the mount */
    features_detect(&features, fixture.root);
    if (features_have(&features, FEATURE_WRITABLE_SYSCTL) ||
        features_have(&features, FEATURE_DROP_CACHES) ||
        features_have(&features, FEATURE_PERCPU_DRAIN) ||
        !features_have(&features, FEATURE_COMPACTION) || /* by node, in sysfs */
        !features_have(&features, FEATURE_MEMORY_RECLAIM))
        return 1;
    return strstr(features.list[FEATURE_WRITABLE_SYSCTL].reason, "Read-only") != NULL ? 0 : 2;
}

static void test_read_only_sysctl(void **state)
{
    int status;
    pid_t pid;

    pid = fork();
    if (pid == 0)
        _exit(look_at_read_only_sysctl());
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == 77) {
        print_message("no right to mount: read-only /proc/sys is not tested here\n");
        skip();
    }
    assert_int_equal(WEXITSTATUS(status), 0);
}

/* A locked-down kernel refuses kpageflags with EPERM; a reader without the right shows the same. */
static int look_at_refused_kpageflags(void)
{
    if (chmod(fixture.path, 0755) < 0)
        return 1;
    if (fchmodat(fixture.root, "proc/kpageflags", 0, 0) < 0)
        return 1;
    if (geteuid() == 0 && (setgid(65534) < 0 || setuid(65534) < 0))
        return 77;
    features_detect(&features, fixture.root);
    if (features_have(&features, FEATURE_KPAGEFLAGS))
        return 1;
    return strstr(features.list[FEATURE_KPAGEFLAGS].reason, "denied") != NULL ? 0 : 2;
}

static void test_refused_kpageflags(void **state)
{
    int status;
    pid_t pid;

    pid = fork();
    if (pid == 0)
        _exit(look_at_refused_kpageflags());
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

#define with_kernel(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_kernel(test_everything_there),
        cmocka_unit_test(test_nothing_there),
        with_kernel(test_no_psi),
        with_kernel(test_cgroup_version_1),
        with_kernel(test_hybrid_cgroups),
        with_kernel(test_memory_controller_off),
        with_kernel(test_no_cgroups_mounted),
        with_kernel(test_no_memory_reclaim),
        with_kernel(test_memory_reclaim_without_swappiness),
        with_kernel(test_no_page_reporting_in_the_kernel),
        with_kernel(test_no_balloon),
        with_kernel(test_balloon_without_reporting),
        with_kernel(test_poisoned_pages),
        with_kernel(test_an_option_without_effect),
        with_kernel(test_a_pattern_that_is_built_in),
        with_kernel(test_reporting_without_an_order),
        with_kernel(test_a_driver_that_has_not_registered),
        with_kernel(test_no_kpageflags),
        with_kernel(test_no_compaction),
        with_kernel(test_no_nodes),
        with_kernel(test_no_percpu_fraction),
        with_kernel(test_lost_and_regained),
        with_kernel(test_read_only_sysctl),
        with_kernel(test_refused_kpageflags),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
