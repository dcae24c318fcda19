/* The footprint of a hypervisor, on a made-up /proc and on real files. */
#include "tests/lib/test.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "common/base/cleanup.h"
#include "common/base/number.h"
#include "controller/footprint/footprint.h"
#include "controller/footprint/overhead.h"
#include "tests/unit/controller/footprint/proc-fixture.h"

static void test_anonymous_memory(void **state)
{
    struct hypervisor_process process;
    struct host_memory memory;
    char source[32];

    put_status(100 * 1024, 0, 2048, 0);
    put_maps(NULL, 0);
    open_process(&process);
    assert_int_equal(process.start_time, 987654);
    assert_int_equal(footprint_measure(&process, 128 * MIB, 77, &memory), 0);
    assert_int_equal(memory.time, 77);
    assert_int_equal(memory.footprint, 100 * MIB);
    assert_int_equal(memory.swapped, 2 * MIB);
    assert_string_equal(footprint_source_format(memory.sources, source, sizeof(source)), "rss");
    assert_int_equal(footprint_calibrate(&process, 0), -ENODATA);
    process.overhead = 30 * MIB;
    assert_int_equal(footprint_measure(&process, 128 * MIB, 77, &memory), 0);
    assert_int_equal(memory.footprint, 70 * MIB);
    hypervisor_process_finish(&process);
}

/* A daemon that is started again knows how high it once was. */
static void test_the_peak(void **state)
{
    struct hypervisor_process process;
    struct host_memory memory;

    put("proc/42/status", "VmHWM:\t 900000 kB\nVmRSS:\t 310000 kB\nRssAnon:\t 300000 kB\n"
                          "RssFile:\t 10000 kB\nRssShmem:\t 0 kB\nVmSwap:\t 0 kB\n");
    put_maps(NULL, 0);
    open_process(&process);
    process.overhead = 40000 * KIB;
    assert_int_equal(footprint_measure(&process, GIB, 77, &memory), 0);
    assert_int_equal(memory.footprint, 260000 * KIB);
    assert_int_equal(memory.peak, 850000 * KIB);
    hypervisor_process_finish(&process);
    put_status(100 * 1024, 0, 0, 0); /* tells no peak */
    open_process(&process);
    assert_int_equal(footprint_measure(&process, GIB, 78, &memory), 0);
    assert_int_equal(memory.peak, memory.footprint);
    hypervisor_process_finish(&process);
}

static void test_memfd(void **state)
{
    struct hypervisor_process process;
    struct host_memory memory;
    char source[32];

    make_backend("proc/42/fd/9", 64 * MIB, 24 * MIB);
    put_maps("proc/42/fd/9", 64 * MIB);
    put_status(50 * 1024, 20 * 1024, 0, 0);
    open_process(&process);
    assert_int_equal(process.backend_count, 1);
    assert_int_equal(process.backends[0].descriptor, 9);
    /* Blocks that the hypervisor has not mapped count; its own heap does not. */
    assert_int_equal(footprint_measure(&process, 64 * MIB, 1, &memory), 0);
    assert_int_equal(memory.footprint, 24 * MIB);
    assert_string_equal(footprint_source_format(memory.sources, source, sizeof(source)), "memfd");
    /* The backend is not all of the memory: the rest is anonymous, also when it is little. */
    assert_int_equal(footprint_measure(&process, 256 * MIB, 1, &memory), 0);
    assert_int_equal(memory.footprint, 74 * MIB);
    assert_string_equal(footprint_source_format(memory.sources, source, sizeof(source)),
                        "memfd+rss");
    process.overhead = 49 * MIB;
    assert_int_equal(footprint_measure(&process, 66 * MIB, 1, &memory), 0);
    assert_int_equal(memory.footprint, 25 * MIB);
    /* The hypervisor's heap was never counted: no more is the guest's than it has. */
    process.overhead = 0;
    assert_int_equal(footprint_measure(&process, 66 * MIB, 1, &memory), 0);
    assert_int_equal(memory.footprint, 26 * MIB);
    hypervisor_process_finish(&process);
}

/* Swapped pages leave the process, not the file. Without swap in use the same figures mean pages
 * that only another process has mapped, such as a vhost-user backend. */
static void test_swapped_memfd(void **state)
{
    struct hypervisor_process process;
    struct host_memory memory;

    make_backend("proc/42/fd/9", 64 * MIB, 24 * MIB);
    put_maps("proc/42/fd/9", 64 * MIB);
    put_status(50 * 1024, 20 * 1024, 512, 0);
    open_process(&process);
    assert_int_equal(footprint_measure(&process, 64 * MIB, 1, &memory), 0);
    assert_int_equal(memory.footprint, 24 * MIB);
    assert_int_equal(memory.swapped, 512 * KIB);
    process.host_swap_used = GIB;
    assert_int_equal(footprint_measure(&process, 64 * MIB, FOOTPRINT_SWAP_AGE * 2, &memory), 0);
    assert_int_equal(memory.footprint, 20 * MIB);
    assert_int_equal(memory.swapped, 4 * MIB + 512 * KIB);
    process.host_swap_used = MIB;
    assert_int_equal(footprint_measure(&process, 64 * MIB, FOOTPRINT_SWAP_AGE * 4, &memory), 0);
    assert_int_equal(memory.footprint, 23 * MIB);
    hypervisor_process_finish(&process);
}

static void test_several_backends(void **state)
{
    struct hypervisor_process process;
    struct host_memory memory;
    struct stat files[2];
    char text[512];

    make_backend("proc/42/fd/9", 64 * MIB, 24 * MIB);
    make_backend("proc/42/fd/10", 32 * MIB, 3 * MIB);
    assert_int_equal(fstatat(root, "proc/42/fd/9", &files[0], 0), 0);
    assert_int_equal(fstatat(root, "proc/42/fd/10", &files[1], 0), 0);
    /* one of them in two pieces, as memory with a hole below 4 GiB is mapped */
    snprintf(text, sizeof(text),
             "7f0000000000-7f0002000000 rw-s 00000000 %x:%x %" PRIu64 " /memfd:a (deleted)\n"
             "7f1000000000-7f1002000000 rw-s 02000000 %x:%x %" PRIu64 " /memfd:a (deleted)\n"
             "7f2000000000-7f2002000000 rw-s 00000000 %x:%x %" PRIu64 " /memfd:b (deleted)\n",
             major(files[0].st_dev), minor(files[0].st_dev), (uint64_t)files[0].st_ino,
             major(files[0].st_dev), minor(files[0].st_dev), (uint64_t)files[0].st_ino,
             major(files[1].st_dev), minor(files[1].st_dev), (uint64_t)files[1].st_ino);
    put("proc/42/maps", text);
    put_status(50 * 1024, 27 * 1024, 0, 0);
    open_process(&process);
    assert_int_equal(process.backend_count, 2);
    assert_int_equal(footprint_measure(&process, 96 * MIB, 1, &memory), 0);
    assert_int_equal(memory.footprint, 27 * MIB);
    assert_int_equal(memory.sources, FOOTPRINT_MEMFD);
    hypervisor_process_finish(&process);
}

static void test_shared_memory_without_a_descriptor(void **state)
{
    struct hypervisor_process process;
    struct host_memory memory;

    make_backend("proc/42/fd/10", 64 * MIB, 24 * MIB);
    put_maps("proc/42/fd/10", 64 * MIB);
    assert_int_equal(unlinkat(root, "proc/42/fd/10", 0), 0);
    put_status(50 * 1024, 20 * 1024, 0, 0);
    open_process(&process);
    assert_int_equal(process.backend_count, 0);
    assert_int_equal(footprint_measure(&process, 64 * MIB, 1, &memory), 0);
    assert_int_equal(memory.footprint, 20 * MIB);
    hypervisor_process_finish(&process);
}

static void test_hugetlb(void **state)
{
    struct hypervisor_process process;
    struct host_memory memory;

    put_maps(NULL, 0);
    put_status(50 * 1024, 0, 0, 512 * 1024);
    open_process(&process);
    assert_int_equal(footprint_measure(&process, GIB, 1, &memory), 0);
    assert_int_equal(memory.footprint, 512 * MIB);
    assert_int_equal(memory.sources, FOOTPRINT_HUGETLB);
    hypervisor_process_finish(&process);
}

/* Huge pages behind a file that is known are not all of the memory. What a fixture cannot make is a
 * file on hugetlbfs, so the backend is said to be one. */
static void test_hugetlb_beside_anonymous_memory(void **state)
{
    struct hypervisor_process process;
    struct host_memory memory;

    make_backend("proc/42/fd/9", 64 * MIB, 24 * MIB);
    put_maps("proc/42/fd/9", 64 * MIB);
    put_status(50 * 1024, 0, 0, 24 * 1024);
    open_process(&process);
    assert_int_equal(process.backend_count, 1);
    process.backends[0].hugetlb = true;
    assert_int_equal(footprint_measure(&process, 128 * MIB, 1, &memory), 0);
    assert_int_equal(memory.footprint, 74 * MIB);
    assert_int_equal(memory.sources, FOOTPRINT_HUGETLB | FOOTPRINT_RSS_ANONYMOUS);
    assert_int_equal(footprint_measure(&process, 64 * MIB, 1, &memory), 0);
    assert_int_equal(memory.footprint, 24 * MIB);
    /* A private mapping of huge pages is private memory, but not anonymous. */
    process.backing.private_bytes = 128 * MIB;
    process.backends[0].shared = false;
    assert_int_equal(footprint_measure(&process, 0, 1, &memory), 0);
    assert_int_equal(memory.footprint, 74 * MIB);
    process.backing.private_bytes = 64 * MIB;
    assert_int_equal(footprint_measure(&process, 0, 1, &memory), 0);
    assert_int_equal(memory.footprint, 24 * MIB);
    hypervisor_process_finish(&process);
}

static int append_file_mapping(char *text, size_t size, const char *path, uint64_t start,
                               uint64_t bytes)
{
    struct stat file;

    assert_int_equal(fstatat(root, path, &file, 0), 0);
    return snprintf(text, size, "%" PRIx64 "-%" PRIx64 " rw-s 00000000 %x:%x %" PRIu64 " /memfd\n",
                    start, start + bytes, major(file.st_dev), minor(file.st_dev),
                    (uint64_t)file.st_ino);
}

/* A memfd and an anonymous part, beside memory that is shared with others. */
static void test_a_foreign_file_is_not_the_guests(void **state)
{
    struct guest_backing backing = {
        .private_bytes = 200 * MIB, .shared_count = 1, .shared = {200 * MIB - 1}};
    struct hypervisor_process process;
    struct host_memory memory;
    char text[512];
    int n;

    make_backend("proc/42/fd/9", 300 * MIB, 7 * MIB);
    make_backend("proc/42/fd/10", 200 * MIB, 5 * MIB);
    n = append_file_mapping(text, sizeof(text), "proc/42/fd/9", 0x7f0000000000, 300 * MIB);
    (void)append_file_mapping(text + n, sizeof(text) - (size_t)n, "proc/42/fd/10", 0x7f1000000000,
                              200 * MIB);
    put("proc/42/maps", text);
    put_status(80 * 1024, 11 * 1024, 0, 0);
    open_process(&process);
    assert_int_equal(hypervisor_process_take_backing(&process, &backing), 0);
    assert_int_equal(footprint_measure(&process, 400 * MIB, 1, &memory), 0);
    assert_int_equal(memory.footprint, 85 * MIB);
    assert_int_equal(memory.sources, FOOTPRINT_MEMFD | FOOTPRINT_RSS_ANONYMOUS);
    /* The foreign file's pages do not hide what of the guest's file is swapped. */
    process.host_swap_used = GIB;
    assert_int_equal(footprint_measure(&process, 400 * MIB, FOOTPRINT_SWAP_AGE * 2, &memory), 0);
    assert_int_equal(memory.footprint, 84 * MIB);
    assert_int_equal(memory.swapped, MIB);
    process.host_swap_used = 0;
    /* A foreign file that nobody has open is none of the guest's shared memory. */
    assert_int_equal(renameat(root, "proc/42/fd/9", root, "proc/42/9"), 0);
    assert_int_equal(hypervisor_process_find_backends(&process), 0);
    assert_int_equal(footprint_measure(&process, 400 * MIB, FOOTPRINT_SWAP_AGE * 3, &memory), 0);
    assert_int_equal(memory.footprint, 85 * MIB);
    assert_int_equal(renameat(root, "proc/42/9", root, "proc/42/fd/9"), 0);
    /* Of a file that nobody has open, only what is not the foreign one's is the guest's. */
    assert_int_equal(unlinkat(root, "proc/42/fd/10", 0), 0);
    assert_int_equal(hypervisor_process_find_backends(&process), 0);
    assert_int_equal(footprint_measure(&process, 400 * MIB, FOOTPRINT_SWAP_AGE * 4, &memory), 0);
    assert_int_equal(memory.footprint, 84 * MIB);
    assert_int_equal(memory.sources, FOOTPRINT_RSS_SHARED | FOOTPRINT_RSS_ANONYMOUS);
    /* Sizes that are not there say nothing of the files. */
    backing.shared[0] = 100 * MIB;
    assert_int_equal(hypervisor_process_take_backing(&process, &backing), 0);
    assert_int_equal(process.backends[0].foreign, false);
    hypervisor_process_finish(&process);
}

/* An nvdimm beside a memfd, on real files: the blocks of a file on a disk are not memory. */
static void test_a_file_on_a_disk_is_not_memory(void **state)
{
    static char path[] = "vmreclaim-test-footprint-XXXXXX";
    cleanup_close int real = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    cleanup_close int disk = mkstemp(path);
    cleanup_close int memfd = memfd_create("guest", MFD_CLOEXEC);
    struct hypervisor_process process;
    struct host_memory memory;
    struct statfs file_system;
    void *mapped[2];

    assert_true(disk >= 0 && memfd >= 0);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(fstatfs(disk, &file_system), 0);
    if (file_system.f_type == TMPFS_MAGIC || getenv("MESON_EXE_WRAPPER") != NULL) {
        printf("skipped: the build directory is in memory, or /proc is made up\n");
        skip();
    }
    assert_int_equal(ftruncate(memfd, 64 * MIB), 0);
    assert_int_equal(fallocate(memfd, 0, 0, 3 * MIB), 0);
    assert_int_equal(posix_fallocate(disk, 0, 8 * MIB), 0);
    mapped[0] = mmap(NULL, 64 * MIB, PROT_READ | PROT_WRITE, MAP_SHARED, memfd, 0);
    mapped[1] = mmap(NULL, 8 * MIB, PROT_READ | PROT_WRITE, MAP_SHARED, disk, 0);
    assert_true(mapped[0] != MAP_FAILED && mapped[1] != MAP_FAILED);
    hypervisor_process_init(&process);
    assert_int_equal(hypervisor_process_open(&process, real, getpid(), NULL), 0);
    assert_int_equal(process.backend_count, 1);
    /* QEMU counts an nvdimm among the plugged memory: it is no anonymous memory either. */
    assert_int_equal(footprint_measure(&process, 72 * MIB, 1, &memory), 0);
    assert_int_equal(memory.footprint, 3 * MIB);
    assert_int_equal(memory.sources, FOOTPRINT_MEMFD);
    hypervisor_process_finish(&process);
    assert_int_equal(munmap(mapped[0], 64 * MIB), 0);
    assert_int_equal(munmap(mapped[1], 8 * MIB), 0);
}

static void test_huge_pages(void **state)
{
    struct hypervisor_process process;
    uint64_t bytes = 7;

    put_maps(NULL, 0);
    open_process(&process);
    put("proc/42/smaps_rollup", "5500-7fff ---p 00000000 00:00 0 [rollup]\nRss:   9000 kB\n");
    assert_int_equal(footprint_huge(&process, &bytes), -EBADMSG);
    assert_int_equal(bytes, 7);
    put("proc/42/smaps_rollup", "5500-7fff ---p 00000000 00:00 0 [rollup]\nRss:   9000 kB\n"
                                "AnonHugePages:      6144 kB\nShmemPmdMapped:        0 kB\n");
    assert_int_equal(footprint_huge(&process, &bytes), 0);
    assert_int_equal(bytes, 6 * MIB);
    hypervisor_process_finish(&process);
}

static bool is_locked(uint64_t locked_kib, uint64_t pinned_kib)
{
    struct hypervisor_process process;
    char text[128];
    bool locked;

    snprintf(text, sizeof(text), "VmLck:\t%8" PRIu64 " kB\nVmPin:\t%8" PRIu64 " kB\n", locked_kib,
             pinned_kib);
    put("proc/42/status", text);
    open_process(&process);
    locked = footprint_is_locked(&process, 64 * MIB);
    assert_false(footprint_is_locked(&process, 0));
    hypervisor_process_finish(&process);
    return locked;
}

/* More than the guest is locked, for the hypervisor's own pages are. */
static void test_locked_memory(void **state)
{
    struct hypervisor_process process;

    put_maps(NULL, 0);
    assert_true(is_locked(70 * 1024, 0));
    assert_false(is_locked(63 * 1024, 0));
    assert_true(is_locked(0, 64 * 1024));
    make_backend("proc/42/fd/9", 64 * MIB, 24 * MIB);
    put_maps("proc/42/fd/9", 64 * MIB);
    assert_false(is_locked(70 * 1024, 0));
    assert_true(is_locked(0, 64 * 1024));
    hypervisor_process_init(&process);
    assert_false(footprint_is_locked(&process, 64 * MIB));
    put("proc/42/status", "Name:\tqemu\nState:\tZ (zombie)\n");
    assert_int_equal(hypervisor_process_open(&process, root, 42, NULL), 0);
    assert_false(footprint_is_locked(&process, 64 * MIB));
    hypervisor_process_finish(&process);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_anonymous_memory),
        cmocka_unit_test(test_the_peak),
        cmocka_unit_test(test_memfd),
        cmocka_unit_test(test_swapped_memfd),
        cmocka_unit_test(test_several_backends),
        cmocka_unit_test(test_shared_memory_without_a_descriptor),
        cmocka_unit_test(test_hugetlb),
        cmocka_unit_test(test_hugetlb_beside_anonymous_memory),
        cmocka_unit_test(test_a_foreign_file_is_not_the_guests),
        cmocka_unit_test(test_a_file_on_a_disk_is_not_memory),
        cmocka_unit_test(test_huge_pages),
        cmocka_unit_test(test_locked_memory),
    };

    return cmocka_run_group_tests(tests, proc_set_up, proc_tear_down);
}
