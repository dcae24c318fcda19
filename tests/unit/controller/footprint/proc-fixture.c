/* A made-up /proc of one hypervisor, in shared memory. */
#include "tests/unit/controller/footprint/proc-fixture.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "common/base/cleanup.h"
#include "common/base/file.h"

static char directory[] = "/dev/shm/vmreclaim-test-footprint-XXXXXX";
int root = -1;

void put(const char *path, const char *text)
{
    assert_int_equal(file_replace(root, path, text, strlen(text)), 0);
}

void put_status(uint64_t anonymous_kib, uint64_t shared_kib, uint64_t swap_kib,
                uint64_t hugetlb_kib)
{
    char text[512];

    snprintf(text, sizeof(text),
             "Name:\tqemu-system-x86\nVmRSS:\t     999 kB\nRssAnon:\t%8" PRIu64
             " kB\nRssFile:\t    1788 kB\nRssShmem:\t%8" PRIu64 " kB\nVmSwap:\t%8" PRIu64
             " kB\nHugetlbPages:\t%8" PRIu64 " kB\n",
             anonymous_kib, shared_kib, swap_kib, hugetlb_kib);
    put("proc/42/status", text);
}

void put_maps(const char *shared_file, uint64_t size)
{
    char text[512] = "";
    struct stat file;

    if (shared_file != NULL) {
        assert_int_equal(fstatat(root, shared_file, &file, 0), 0);
        snprintf(text, sizeof(text),
                 "7f0000000000-%" PRIx64 " rw-s 00000000 %x:%x %" PRIu64
                 " /memfd:memory-backend-memfd (deleted)\n"
                 "7fff00000000-7fff00100000 rw-p 00000000 00:00 0 [stack]\n",
                 UINT64_C(0x7f0000000000) + size, major(file.st_dev), minor(file.st_dev),
                 (uint64_t)file.st_ino);
    }
    put("proc/42/maps", text);
}

int proc_set_up(void **state)
{
    if (mkdtemp(directory) == NULL)
        return -1;
    root = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    (void)mkdirat(root, "proc", 0755);
    (void)mkdirat(root, "proc/42", 0755);
    (void)mkdirat(root, "proc/42/fd", 0755);
    put("proc/42/stat", "42 (a ) b) S 1 42 42 0 -1 4194560 1 0 0 0 5 6 0 0 20 0 3 0 987654 1 1\n");
    put_status(100 * 1024, 0, 2048, 0);
    put_maps(NULL, 0);
    return root < 0 ? -1 : 0;
}

int proc_tear_down(void **state)
{
    static const char *const files[] = {"proc/42/stat",        "proc/42/status", "proc/42/maps",
                                        "proc/42/pagemap",     "proc/42/fd/9",   "proc/42/fd/10",
                                        "proc/42/smaps_rollup"};

    for (size_t i = 0; i < ARRAY_SIZE(files); i++)
        (void)unlinkat(root, files[i], 0);
    (void)unlinkat(root, "proc/42/fd", AT_REMOVEDIR);
    (void)unlinkat(root, "proc/42", AT_REMOVEDIR);
    (void)unlinkat(root, "proc", AT_REMOVEDIR);
    close(root);
    return rmdir(directory);
}

void make_backend(const char *path, uint64_t size, uint64_t allocated)
{
    cleanup_close int descriptor = openat(root, path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    assert_true(descriptor >= 0);
    assert_int_equal(ftruncate(descriptor, (off_t)size), 0);
    assert_int_equal(fallocate(descriptor, 0, 0, (off_t)allocated), 0);
}

void open_process(struct hypervisor_process *process)
{
    hypervisor_process_init(process);
    assert_int_equal(hypervisor_process_open(process, root, 42, NULL), 0);
}
