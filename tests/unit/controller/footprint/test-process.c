/* A hypervisor's process: one that is gone or dead, one whose texts are malformed, and a real one.
 */
#include "tests/lib/test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/cleanup.h"
#include "controller/footprint/footprint.h"
#include "controller/footprint/process.h"
#include "tests/unit/controller/footprint/proc-fixture.h"

static void test_no_process(void **state)
{
    struct hypervisor_process process;
    struct host_memory memory;
    struct error error;

    hypervisor_process_init(&process);
    assert_int_equal(hypervisor_process_open(&process, root, 43, &error), -ESRCH);
    assert_non_null(strstr(error.text, "/proc/43"));
    assert_int_equal(footprint_measure(&process, 0, 1, &memory), -ESRCH);
    hypervisor_process_finish(&process);
}

static void test_a_zombie_is_dead(void **state)
{
    struct hypervisor_process process;
    struct host_memory memory;

    hypervisor_process_init(&process);
    put("proc/42/status", "Name:\tqemu\nState:\tZ (zombie)\n");
    assert_int_equal(hypervisor_process_open(&process, root, 42, NULL), 0);
    assert_int_equal(footprint_measure(&process, 0, 1, &memory), -ESRCH);
    hypervisor_process_finish(&process);
}

static void test_malformed_texts(void **state)
{
    struct process_status status;
    struct mapping mapping;
    uint64_t start_time;
    uint64_t anonymous = 7;

    assert_int_equal(process_statm_parse("900 70 30 5 0 80 0\n", 4096, &anonymous), 0);
    assert_int_equal(anonymous, 40 * 4096);
    assert_int_equal(process_statm_parse("0 0 0 0 0 0 0\n", 4096, &anonymous), -EINVAL);
    assert_int_equal(process_statm_parse("900 70", 4096, &anonymous), -EINVAL);
    assert_int_equal(anonymous, 40 * 4096);
    assert_int_equal(process_status_parse("", &status), -EINVAL);
    assert_int_equal(process_status_parse("RssAnon: x kB\nRssShmem: 1 kB\nVmSwap: 1 kB\n", &status),
                     -EINVAL);
    assert_int_equal(
        process_status_parse("RssAnon: 99999999999999999999 kB\nRssShmem: 1 kB\nVmSwap: 1 kB\n",
                             &status),
        -EINVAL);
    assert_int_equal(process_start_time_parse("42 (x) S 1 2", &start_time), -EINVAL);
    assert_int_equal(process_start_time_parse("42 x", &start_time), -EINVAL);
    assert_int_equal(mapping_parse("Size:   4 kB", &mapping), -EINVAL);
    assert_int_equal(mapping_parse("7f10-7f00 rw-p 0 00:00 0", &mapping), -EINVAL);
}

static void test_own_process(void **state)
{
    cleanup_close int real = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    struct hypervisor_process process;
    struct host_memory memory;

    if (getenv("MESON_EXE_WRAPPER") != NULL) {
        printf("skipped: user-mode emulation makes up its own /proc/self/stat\n");
        skip();
    }
    hypervisor_process_init(&process);
    assert_int_equal(hypervisor_process_open(&process, real, getpid(), NULL), 0);
    assert_int_equal(footprint_measure(&process, 0, 1, &memory), 0);
    assert_true(memory.footprint > 0);
    hypervisor_process_finish(&process);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_process),
        cmocka_unit_test(test_a_zombie_is_dead),
        cmocka_unit_test(test_malformed_texts),
        cmocka_unit_test(test_own_process),
    };

    return cmocka_run_group_tests(tests, proc_set_up, proc_tear_down);
}
