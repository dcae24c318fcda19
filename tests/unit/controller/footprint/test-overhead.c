/* What a hypervisor takes for itself, on a made-up /proc. */
#include "tests/lib/test.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "common/base/cleanup.h"
#include "common/base/number.h"
#include "controller/footprint/overhead.h"
#include "tests/unit/controller/footprint/proc-fixture.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_overhead_is_what_is_not_the_guests),
        cmocka_unit_test(test_overhead_beside_shared_memory),
    };

    return cmocka_run_group_tests(tests, proc_set_up, proc_tear_down);
}
