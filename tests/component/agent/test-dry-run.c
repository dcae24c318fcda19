/* vmreclaim-agent --once --dry-run against a made-up guest. It measures for five seconds each time.
 */
#include "tests/lib/test.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/component/agent/guest.h"

static struct guest guest;
static char output[8192];

static int setup(void **state)
{
    guest_init(&guest);
    return 0;
}

static int teardown(void **state)
{
    guest_finish(&guest);
    return 0;
}

/* Runs it and keeps what it prints; the exit status. */
static int run(const char *arguments)
{
    char command[1024];
    size_t length;
    FILE *pipe;

    snprintf(command, sizeof(command), "'%s' --root '%s' --state-directory '%s/state' %s 2>&1",
             guest_agent_program, guest.directory, guest.directory, arguments);
    pipe = popen(command, "re");
    assert_non_null(pipe);
    length = fread(output, 1, sizeof(output) - 1, pipe);
    output[length] = '\0';
    return WEXITSTATUS(pclose(pipe));
}

static void assert_says(const char *words)
{
    if (strstr(output, words) == NULL)
        fail_msg("no '%s' in:\n%s", words, output);
}

static bool is_absent(const char *path)
{
    return faccessat(guest.root, path, F_OK, 0) < 0;
}

static void test_what_would_be_done(void **state)
{
    guest_write(&guest, "proc/swaps", "");
    assert_int_equal(run("--once --dry-run --set compact_min_gain=8MiB"), 0);
    assert_says("policy balanced, idle when calm for 2m");
    assert_says("CPUs busy                  0%  of at most 0.5%");
    /* 128,000 kB of cache but 4,000 kB mapped, of which 100 kB are shared memory */
    assert_says("page cache          121.2 MiB  128.0 MiB is left");
    assert_says("trapped              32.0 MiB  in small pieces; compacted from 8.0 MiB on");
    assert_says("32.0 MiB  compaction");
    assert_says("expected gain: at most 32.0 MiB");
}

/* Nothing is written, neither to the kernel's files nor to the state directory. */
static void test_nothing_is_changed(void **state)
{
    assert_int_equal(run("--once --dry-run --set cache_floor=1MiB"), 0);
    assert_says("page cache, coldest first");
    assert_string_equal(guest_read(&guest, "proc/sys/vm/compact_memory"), "");
    assert_string_equal(guest_read(&guest, "proc/sys/vm/drop_caches"), "");
    assert_string_equal(guest_read(&guest, "dev/kmsg"), "");
    assert_true(is_absent("state"));
}

static void test_without_reporting(void **state)
{
    guest_write(&guest, "sys/bus/virtio/drivers/virtio_balloon/virtio0/features", "0110000000\n");
    assert_int_equal(run("--once --dry-run"), 0);
    assert_says("no free page reporting, so freed memory would stay with it");
}

/* A plain user sees neither kpageflags nor what root may write. */
static void test_as_a_plain_user(void **state)
{
    (void)unlinkat(guest.root, "proc/kpageflags", 0);
    assert_int_equal(chmod(guest.directory, 0755), 0);
    if (geteuid() == 0) {
        /* the program may lie where only root gets: hand it over open */
        int program = open(guest_agent_program, O_RDONLY);
        char command[1024];
        assert_true(program >= 0);
        snprintf(command, sizeof(command),
                 "setpriv --reuid 65534 --regid 65534 --clear-groups /proc/self/fd/%d --root "
                 "'%s' --once --dry-run 2>&1",
                 program, guest.directory);
        FILE *pipe = popen(command, "r");
        size_t length = fread(output, 1, sizeof(output) - 1, pipe);
        output[length] = '\0';
        assert_int_equal(WEXITSTATUS(pclose(pipe)), 0);
        close(program);
    } else {
        assert_int_equal(run("--once --dry-run"), 0);
    }
    assert_says("not root: ");
    assert_says("only root can see which");
    assert_says("trapped");
}

static void test_what_the_kernel_lacks(void **state)
{
    (void)unlinkat(guest.root, "proc/sys/vm/compact_memory", 0);
    assert_int_equal(run("--once --dry-run --set compact_min_gain=8MiB"), 0);
    if (geteuid() == 0)
        assert_says("missing: compaction: the kernel lacks CONFIG_COMPACTION");
    assert_int_equal(run("--once --dry-run --set profile=observe"), 0);
    assert_says("nothing would be done within 1h if it stays so: the policy only observes");
}

static void test_wrong_usage_and_no_guest(void **state)
{
    assert_int_equal(run("--once"), 2);
    assert_says("--once and --dry-run go together");
    assert_int_equal(run("--dry-run"), 2);
    assert_int_equal(run("--once --dry-run --set idle_windw=2m"), 2);
    (void)unlinkat(guest.root, "proc/meminfo", 0);
    assert_int_equal(run("--once --dry-run"), 1);
    assert_says("cannot read the guest's memory below /proc");
}

int main(int argument_count, char **arguments)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_what_would_be_done, setup, teardown),
        cmocka_unit_test_setup_teardown(test_nothing_is_changed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_without_reporting, setup, teardown),
        cmocka_unit_test_setup_teardown(test_as_a_plain_user, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_the_kernel_lacks, setup, teardown),
        cmocka_unit_test_setup_teardown(test_wrong_usage_and_no_guest, setup, teardown),
    };

    assert_int_equal(argument_count, 2);
    guest_agent_program = arguments[1];
    return cmocka_run_group_tests(tests, NULL, NULL);
}
