/* The decoding arena: aligned, bounded, and empty after a reset. */
#include "tests/lib/test.h"

#include <string.h>

#include "common/ttrpc/arena.h"

static void *allocate(struct arena *arena, size_t size)
{
    return arena->allocator.alloc(arena->allocator.allocator_data, size);
}

static void test_aligned_and_apart(void **state)
{
    static struct arena arena;
    uint8_t *pointers[3000];

    arena_init(&arena, 1 << 20);
    for (size_t i = 0; i < ARRAY_SIZE(pointers); i++) {
        size_t size = i % 97 + 1;

        pointers[i] = allocate(&arena, size);
        assert_non_null(pointers[i]);
        assert_int_equal((uintptr_t)pointers[i] % _Alignof(max_align_t), 0);
        memset(pointers[i], (int)(i % 251), size);
    }
    for (size_t i = 0; i < ARRAY_SIZE(pointers); i++)
        for (size_t j = 0; j < i % 97 + 1; j++)
            assert_int_equal(pointers[i][j], i % 251);
    arena_reset(&arena);
    assert_int_equal(arena.used, 0);
    assert_int_equal(arena.overflowed, 0);
    assert_null(arena.overflow);
}

static void test_limit(void **state)
{
    static struct arena arena;

    arena_init(&arena, 100000);
    assert_non_null(allocate(&arena, ARENA_BLOCK_SIZE));
    assert_non_null(allocate(&arena, 90000));
    assert_null(allocate(&arena, 20000));
    assert_null(allocate(&arena, SIZE_MAX));
    assert_non_null(allocate(&arena, 9000));
    arena_reset(&arena);
    assert_non_null(allocate(&arena, 90000));
    arena_reset(&arena);
}

static void test_small_needs_no_limit(void **state)
{
    static struct arena arena;

    arena_init(&arena, 0);
    assert_non_null(allocate(&arena, ARENA_BLOCK_SIZE));
    assert_null(allocate(&arena, 1));
    arena_reset(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_aligned_and_apart),
        cmocka_unit_test(test_limit),
        cmocka_unit_test(test_small_needs_no_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
