/* The footprint of a hypervisor, on a made-up /proc in shared memory, where files behave like
 * memfds. */
#include "tests/lib/test.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "common/base/cleanup.h"
#include "common/base/file.h"
#include "common/base/number.h"
#include "controller/footprint/footprint.h"
#include "controller/footprint/overhead.h"
#include "controller/footprint/process.h"

static char directory[] = "/dev/shm/vmreclaim-test-footprint-XXXXXX";
static int root = -1;

static void put(const char *path, const char *text)
{
    assert_int_equal(file_replace(root, path, text, strlen(text)), 0);
}

static void put_status(uint64_t anonymous_kib, uint64_t shared_kib, uint64_t swap_kib,
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

static void put_maps(const char *shared_file, uint64_t size)
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

static int set_up(void **state)
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

static int tear_down(void **state)
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

static void make_backend(const char *path, uint64_t size, uint64_t allocated)
{
    cleanup_close int descriptor = openat(root, path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    assert_true(descriptor >= 0);
    assert_int_equal(ftruncate(descriptor, (off_t)size), 0);
    assert_int_equal(fallocate(descriptor, 0, 0, (off_t)allocated), 0);
}

static void open_process(struct hypervisor_process *process)
{
    hypervisor_process_init(process);
    assert_int_equal(hypervisor_process_open(process, root, 42, NULL), 0);
}

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

#define PRESENT (UINT64_C(1) << 63)
#define SWAPPED (UINT64_C(1) << 62)
#define OF_FILE (UINT64_C(1) << 61)

static void put_pages(int pagemap, uint64_t address, uint64_t entry, unsigned count)
{
    off_t offset = (off_t)(address / (uint64_t)sysconf(_SC_PAGESIZE) * sizeof(entry));

    for (unsigned i = 0; i < count; i++, offset += (off_t)sizeof(entry))
        assert_int_equal(pwrite(pagemap, &entry, sizeof(entry), offset), sizeof(entry));
}

/* What is the hypervisor's own: heap and written file pages, not the guest's memory, which lies in
 * two mappings, not what is swapped, shared, of a file or not accessible. */
static void test_overhead_is_what_is_not_the_guests(void **state)
{
    cleanup_close int pagemap =
        openat(root, "proc/42/pagemap", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    struct hypervisor_process process;

    assert_true(pagemap >= 0);
    put("proc/42/maps", "7f0000000000-7f0006000000 rw-p 00000000 00:00 0 \n"
                        "7f0010000000-7f0012000000 rw-p 00000000 00:00 0 \n"
                        "7f1000000000-7f1000400000 rw-p 00000000 00:00 0 [heap]\n"
                        "7f2000000000-7f2010000000 r-xp 00000000 08:01 55 /usr/bin/qemu\n"
                        "7f3000000000-7f3000100000 rw-p 00000000 08:01 55 /usr/bin/qemu\n"
                        "7f4000000000-7f4004000000 ---p 00000000 00:00 0 \n"
                        "7f5000000000-7f5000100000 rw-s 00000000 00:01 77 /dev/zero (deleted)\n");
    put_pages(pagemap, 0x7f0000000000, PRESENT, 500);
    put_pages(pagemap, 0x7f0010000000, PRESENT, 300);
    put_pages(pagemap, 0x7f1000000000, PRESENT, 20);
    put_pages(pagemap, 0x7f10003ff000, PRESENT, 1);
    put_pages(pagemap, 0x7f1000100000, SWAPPED, 40);
    put_pages(pagemap, 0x7f2000000000, PRESENT | OF_FILE, 80);
    put_pages(pagemap, 0x7f3000000000, PRESENT, 3);
    put_pages(pagemap, 0x7f4000000000, PRESENT, 160);
    put_pages(pagemap, 0x7f5000000000, PRESENT | OF_FILE, 200);
    open_process(&process);
    assert_int_equal(footprint_calibrate(&process, 128 * MIB), 0);
    assert_int_equal(process.overhead, 24 * (uint64_t)sysconf(_SC_PAGESIZE));
    /* no mappings that are all of the guest: the overhead is what it was */
    assert_int_equal(footprint_calibrate(&process, 256 * MIB), -ENODATA);
    assert_int_equal(process.overhead, 24 * (uint64_t)sysconf(_SC_PAGESIZE));
    put("proc/42/maps", "7f0000000000-7f0008000000 rw-p 00000000 00:00 0 \n"
                        "600000000000-600500000000 r--p 00000000 08:01 56 /largest\n");
    assert_int_equal(footprint_calibrate(&process, 128 * MIB), -E2BIG);
    assert_int_equal(process.overhead, 24 * (uint64_t)sysconf(_SC_PAGESIZE));
    hypervisor_process_finish(&process);
}

/* A DIMM of 32 MiB beside a shared file: a larger mapping of the hypervisor's own is not it, and
 * neither are huge pages behind a private file. */
static void test_overhead_beside_shared_memory(void **state)
{
    cleanup_close int pagemap =
        openat(root, "proc/42/pagemap", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    const uint64_t page_size = (uint64_t)sysconf(_SC_PAGESIZE);
    struct hypervisor_process process;
    struct stat file;
    char text[512];

    assert_true(pagemap >= 0);
    make_backend("proc/42/fd/9", 64 * MIB, 24 * MIB);
    assert_int_equal(fstatat(root, "proc/42/fd/9", &file, 0), 0);
    snprintf(text, sizeof(text),
             "7f0000000000-7f0002000000 rw-s 00000000 %x:%x %" PRIu64 " /memfd:a (deleted)\n"
             "7f0010000000-7f0012000000 rw-p 00000000 00:00 0 \n"
             "7f1000000000-7f1004000000 rwxp 00000000 00:00 0 \n"
             "7f2000000000-7f2004000000 rw-p 00000000 00:77 8 /dev/hugepages/x (deleted)\n",
             major(file.st_dev), minor(file.st_dev), (uint64_t)file.st_ino);
    put("proc/42/maps", text);
    put_pages(pagemap, 0x7f0010000000, PRESENT, 500);
    put_pages(pagemap, 0x7f1000000000, PRESENT, 7);
    put_pages(pagemap, 0x7f2000000000, PRESENT, 90);
    open_process(&process);
    assert_int_equal(process.backend_count, 1);
    process.backends[process.backend_count++] = (struct memory_backend){
        .descriptor = 10, .device = makedev(0, 0x77), .inode = 8, .mapped = 64 * MIB};
    assert_int_equal(footprint_calibrate(&process, 128 * MIB), 0);
    assert_int_equal(process.overhead, 7 * page_size);
    /* Nothing of the guest is anonymous: there is nothing to tell apart. */
    assert_int_equal(footprint_calibrate(&process, 96 * MIB), 0);
    assert_int_equal(process.overhead, 7 * page_size);
    /* No mapping is a DIMM of 36 MiB to the byte: the largest is taken for it. */
    assert_int_equal(footprint_calibrate(&process, 132 * MIB), 0);
    assert_int_equal(process.overhead, 500 * page_size);
    assert_int_equal(footprint_calibrate(&process, 0), 0);
    assert_int_equal(process.overhead, 500 * page_size);
    hypervisor_process_finish(&process);
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
        cmocka_unit_test(test_overhead_is_what_is_not_the_guests),
        cmocka_unit_test(test_overhead_beside_shared_memory),
        cmocka_unit_test(test_huge_pages),
        cmocka_unit_test(test_locked_memory),
        cmocka_unit_test(test_no_process),
        cmocka_unit_test(test_a_zombie_is_dead),
        cmocka_unit_test(test_malformed_texts),
        cmocka_unit_test(test_own_process),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
