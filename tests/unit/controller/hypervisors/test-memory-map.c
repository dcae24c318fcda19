/* Where a guest's memory lies, from what QEMU 7.2 printed of machines. */
#include "tests/lib/test.h"

#include <stdio.h>
#include <string.h>

#include "common/base/number.h"
#include "controller/hypervisors/qemu/memory-map.h"

/* -M q35 -m 4096, with a memfd: there is another view before that of the CPUs. */
static const char q35[] =
    "FlatView #0\r\n"
    " AS \"I/O\", root: io\r\n"
    " Root memory region: io\r\n"
    "  0000000000000000-0000000000000007 (prio 0, i/o): dma-chan\r\n"
    "\r\n"
    "FlatView #1\r\n"
    " AS \"memory\", root: system\r\n"
    " AS \"cpu-memory-0\", root: system\r\n"
    " Root memory region: system\r\n"
    "  0000000000000000-00000000000bffff (prio 0, ram): mem\r\n"
    "  00000000000c0000-00000000000dffff (prio 1, rom): pc.rom\r\n"
    "  00000000000e0000-00000000000fffff (prio 0, rom): pc.bios @0000000000020000\r\n"
    "  0000000000100000-000000007fffffff (prio 0, ram): mem @0000000000100000\r\n"
    "  00000000fec00000-00000000fec00fff (prio 0, i/o): ioapic\r\n"
    "  0000000100000000-000000017fffffff (prio 0, ram): mem @0000000080000000\r\n"
    "\r\n"
    "FlatView #2\r\n"
    " AS \"mch\", root: bus master container\r\n"
    " Root memory region: (none)\r\n"
    "  0000000200000000-000000027fffffff (prio 0, ram): other\r\n"
    "\r\n";

/* -m 256 and a DIMM of 128 MiB, with a screen. */
static const char pc[] =
    "FlatView #1\r\n"
    " AS \"memory\", root: system\r\n"
    " Root memory region: system\r\n"
    "  0000000000000000-000000000009ffff (prio 0, ram): pc.ram\r\n"
    "  0000000000100000-000000000fffffff (prio 0, ram): pc.ram @0000000000100000\r\n"
    "  00000000fd000000-00000000fdffffff (prio 1, ram): vga.vram\r\n"
    "  0000000100000000-0000000107ffffff (prio 0, ram): m1\r\n"
    "\r\n";

static void expect(const struct driver_memory_map *map, size_t index, uint64_t address,
                   uint64_t size)
{
    assert_true(index < map->count);
    assert_true(map->ranges[index].guest_address == address);
    assert_true(map->ranges[index].size == size);
}

static void test_a_hole_below_four_gigabytes(void **state)
{
    struct driver_memory_map map;

    assert_true(qemu_memory_map(q35, 4 * GIB, &map));
    assert_int_equal(map.count, 3);
    expect(&map, 0, 0, 0xc0000);
    expect(&map, 1, MIB, 2 * GIB - MIB);
    expect(&map, 2, 4 * GIB, 2 * GIB);
}

static void test_the_screens_memory_is_not_the_guests(void **state)
{
    struct driver_memory_map map;

    assert_true(qemu_memory_map(pc, 384 * MIB, &map));
    assert_int_equal(map.count, 3);
    expect(&map, 1, MIB, 255 * MIB);
    expect(&map, 2, 4 * GIB, 128 * MIB);
}

/* Nothing is made up of what does not add up. */
static void test_what_does_not_add_up(void **state)
{
    struct driver_memory_map map = {.count = 7};

    assert_false(qemu_memory_map(pc, 512 * MIB, &map));
    assert_false(qemu_memory_map(q35, 2 * GIB, &map));
    assert_false(qemu_memory_map(q35, 0, &map));
    assert_false(qemu_memory_map("", GIB, &map));
    assert_false(qemu_memory_map("FlatView #0\n AS \"memory\", root: system\n", GIB, &map));
    assert_false(qemu_memory_map(" AS \"memory\"\n Root memory region: system", GIB, &map));
    assert_int_equal(map.count, 7); /* untouched */
}

static void test_strange_lines(void **state)
{
    static const char text[] = " AS \"memory\", root: system\n"
                               " Root memory region: system\n"
                               "  zzzz-0000000000000fff (prio 0, ram): x\n"
                               "  0000000000001000-0000000000000fff (prio 0, ram): y\n"
                               "  0000000000000000-ffffffffffffffff (prio 0, ram): all\n"
                               "  0000000000000000-000000003fffffff (prio 0, ram): ram\n"
                               "  0000000020000000-000000003fffffff (prio 0, ram): ram\n";
    struct driver_memory_map map;

    /* It overlaps with itself: that is no view. */
    assert_false(qemu_memory_map(text, 3 * GIB / 2, &map));
}

static void test_too_many_pieces(void **state)
{
    char text[8192] = " AS \"memory\", root: system\n Root memory region: system\n";
    struct driver_memory_map map;
    size_t used = strlen(text);

    for (uint64_t i = 0; i < DRIVER_MEMORY_MAX + 1; i++)
        used += (size_t)snprintf(
            text + used, sizeof(text) - used, "  %016llx-%016llx (prio 0, ram): ram\n",
            (unsigned long long)(2 * i * MIB), (unsigned long long)(2 * i * MIB + MIB - 1));
    assert_false(qemu_memory_map(text, (DRIVER_MEMORY_MAX + 1) * MIB, &map));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_hole_below_four_gigabytes),
        cmocka_unit_test(test_the_screens_memory_is_not_the_guests),
        cmocka_unit_test(test_what_does_not_add_up),
        cmocka_unit_test(test_strange_lines),
        cmocka_unit_test(test_too_many_pieces),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
