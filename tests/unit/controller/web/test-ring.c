/* Chunks that many read. */
#include "tests/lib/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "controller/web/ring.h"

#define MISSED "missed\n\n"

static struct ring ring;

static int set_up(void **state)
{
    ring_init(&ring);
    return 0;
}

static int tear_down(void **state)
{
    ring_finish(&ring);
    return 0;
}

static void put(const char *text)
{
    assert_int_equal(ring_append(&ring, text, strlen(text)), 0);
}

/* Reads by `room` bytes until there is nothing. */
static void reads(struct ring_cursor *cursor, size_t room, const char *expected)
{
    char text[4096] = "";
    size_t length = 0;
    size_t step;

    while ((step = ring_read(&ring, cursor, MISSED, text + length, room)) > 0) {
        assert_true(step <= room);
        length += step;
    }
    text[length] = '\0';
    assert_string_equal(text, expected);
}

static void test_each_reads_all(void **state)
{
    struct ring_cursor early, late;

    assert_int_equal(ring_cursor_init(&early, &ring, "hello "), 0);
    put("one ");
    assert_int_equal(ring_cursor_init(&late, &ring, "hi "), 0);
    put("two ");
    put("three ");
    reads(&early, 1, "hello one two three ");
    reads(&late, 100, "hi two three ");
    reads(&late, 100, "");
    put("four");
    reads(&early, 3, "four");
    reads(&late, 2, "four");
    ring_cursor_finish(&early);
    ring_cursor_finish(&late);
}

static void test_who_lags_goes_on_with_the_newest(void **state)
{
    struct ring_cursor cursor;
    char text[16];
    char first[3];

    assert_int_equal(ring_cursor_init(&cursor, &ring, "hello "), 0);
    put("chunk 0;");
    reads(&cursor, 100, "hello chunk 0;");
    put("half read;");
    assert_int_equal(ring_read(&ring, &cursor, MISSED, first, sizeof(first)), 3);
    for (unsigned i = 0; i < RING_CHUNKS + 5; i++) {
        snprintf(text, sizeof(text), "%u;", i);
        put(text);
    }
    /* what was begun is there to its end, though the ring has dropped it */
    snprintf(text, sizeof(text), "%u;", RING_CHUNKS + 4);
    {
        char expected[64];

        snprintf(expected, sizeof(expected), "f read;" MISSED "%s", text);
        reads(&cursor, 100, expected);
    }
    put("after;");
    reads(&cursor, 100, "after;");
    ring_cursor_finish(&cursor);
}

/* Chunks end where events do. */
static void test_long_texts_are_cut_between_events(void **state)
{
    struct ring_cursor cursor;
    size_t length = 3 * RING_CHUNK_BYTES;
    char *text = malloc(length);
    char *back = malloc(length);
    size_t total = 0;
    size_t step;

    memset(text, 'x', length);
    for (size_t i = 998; i + 1 < length; i += 1000)
        text[i] = text[i + 1] = '\n';
    assert_int_equal(ring_cursor_init(&cursor, &ring, ""), 0);
    assert_int_equal(ring_append(&ring, text, length), 0);
    assert_int_equal(ring.next - ring.first, 4);
    for (uint64_t i = ring.first; i + 1 < ring.next; i++) {
        assert_true(ring.chunks[i]->length <= RING_CHUNK_BYTES + 1);
        assert_memory_equal(ring.chunks[i]->text + ring.chunks[i]->length - 2, "\n\n", 2);
    }
    while ((step = ring_read(&ring, &cursor, MISSED, back + total, length - total)) > 0)
        total += step;
    assert_int_equal(total, length);
    assert_memory_equal(back, text, length);
    ring_cursor_finish(&cursor);
    /* one event that is longer than a chunk stays whole */
    memset(text, 'x', length);
    assert_int_equal(ring_append(&ring, text, length), 0);
    assert_int_equal(ring.chunks[ring.next - 1]->length, length);
    free(text);
    free(back);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_each_reads_all, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_who_lags_goes_on_with_the_newest, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_long_texts_are_cut_between_events, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
