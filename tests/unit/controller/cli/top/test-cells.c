/* Cells: wide characters, what is cut, and what may not be shown. */
#include "tests/unit/controller/cli/top/made.h"

#include <locale.h>

static int set_up(void **state)
{
    static struct page page;

    *state = &page;
    return page_resize(&page, 3, 10);
}

static int tear_down(void **state)
{
    page_finish(*state);
    return 0;
}

static void test_text_stands_where_it_is_put(void **state)
{
    struct page *page = *state;

    assert_int_equal(page_put(page, 1, 2, 20, STYLE_GOOD, "abc"), 5);
    assert_string_equal(row_text(page, 1), "  abc");
    assert_string_equal(row_text(page, 0), "");
    assert_int_equal(page_cell(page, 1, 3)->style, STYLE_GOOD);
    assert_int_equal(page_put_right(page, 2, 1, 6, STYLE_PLAIN, "abc"), 7);
    assert_string_equal(row_text(page, 2), "    abc");
}

static void test_what_is_cut_says_so(void **state)
{
    struct page *page = *state;

    assert_int_equal(page_put(page, 0, 0, 4, STYLE_PLAIN, "abcd"), 4);
    assert_string_equal(row_text(page, 0), "abcd");
    assert_int_equal(page_put(page, 0, 0, 4, STYLE_PLAIN, "abcde"), 4);
    assert_string_equal(row_text(page, 0), "abc…");
    assert_int_equal(page_put(page, 1, 5, 100, STYLE_PLAIN, "abcdefgh"), 10);
    assert_string_equal(row_text(page, 1), "     abcd…");
}

static void test_wide_characters_take_two_cells(void **state)
{
    struct page *page = *state;

    assert_int_equal(page_put(page, 0, 0, 10, STYLE_PLAIN, "\u6f22x"), 3);
    assert_int_equal(page_cell(page, 0, 0)->text[0], L'\u6f22');
    assert_int_equal(page_cell(page, 0, 1)->text[0], L'\0');
    assert_int_equal(page_cell(page, 0, 2)->text[0], L'x');
    /* half of one is never left */
    assert_int_equal(page_put(page, 1, 0, 4, STYLE_PLAIN, "\u6f22\u6f22\u6f22"), 4);
    assert_int_equal(page_cell(page, 1, 2)->text[0], L' ');
    assert_int_equal(page_cell(page, 1, 3)->text[0], L'\u2026');
    assert_int_equal(page_put(page, 2, 0, 3, STYLE_PLAIN, "\u6f22\u6f22"), 3);
    assert_string_equal(row_text(page, 2), "\u6f22…");
}

static void test_combining_marks_take_none(void **state)
{
    struct page *page = *state;

    assert_int_equal(page_put(page, 0, 0, 10, STYLE_PLAIN, "e\u0301x"), 2);
    assert_int_equal(page_cell(page, 0, 0)->text[1], L'\u0301');
    /* more of them than there is room for, and none to stand over */
    assert_int_equal(page_put(page, 1, 0, 10, STYLE_PLAIN, "\u0301e\u0301\u0301\u0301x"), 2);
    assert_int_equal(page_put(page, 2, 0, 10, STYLE_PLAIN, "\u6f22\u0301"), 2);
    assert_int_equal(page_cell(page, 2, 0)->text[1], L'\u0301');
}

static void test_nothing_steers_the_terminal(void **state)
{
    struct page *page = *state;

    (void)page_put(page, 0, 0, 10, STYLE_PLAIN, "\x1b[2J\n\xc2\x9b\xe2\x80\xae\xff.");
    assert_string_equal(row_text(page, 0), "?[2J????.");
}

static void test_outside_is_nothing(void **state)
{
    struct page *page = *state;

    assert_int_equal(page_put(page, 3, 0, 10, STYLE_PLAIN, "abc"), 0);
    assert_int_equal(page_put(page, 0, 10, 10, STYLE_PLAIN, "abc"), 10);
    assert_int_equal(page_put(page, 0, 0, 0, STYLE_PLAIN, "abc"), 0);
    assert_int_equal(page_resize(page, 100000, 100000), 0);
    assert_int_equal(page->rows, PAGE_ROWS_MAX);
    assert_int_equal(page->columns, PAGE_COLUMNS_MAX);
}

static void expect_break(const char *text, size_t columns, const char *line, const char *rest)
{
    size_t skip;
    size_t bytes = text_break(text, columns, &skip);

    assert_int_equal(bytes, strlen(line));
    assert_memory_equal(text, line, bytes);
    assert_string_equal(text + bytes + skip, rest);
}

static void test_lines_break_between_words(void **state)
{
    expect_break("one two three", 9, "one two", "three");
    expect_break("one two three", 7, "one two", "three");
    expect_break("one two three", 6, "one", "two three");
    expect_break("one", 3, "one", "");
    expect_break("abcdef", 4, "abcd", "ef");
    expect_break("\u6f22\u6f22", 3, "\u6f22", "\u6f22");
    expect_break("\u6f22", 1, "\u6f22", "");
    expect_break("", 5, "", "");
}

#define cells_test(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cells_test(test_text_stands_where_it_is_put),
        cells_test(test_what_is_cut_says_so),
        cells_test(test_wide_characters_take_two_cells),
        cells_test(test_combining_marks_take_none),
        cells_test(test_nothing_steers_the_terminal),
        cells_test(test_outside_is_nothing),
        cmocka_unit_test(test_lines_break_between_words),
    };

    assert_non_null(setlocale(LC_ALL, "C.UTF-8"));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
